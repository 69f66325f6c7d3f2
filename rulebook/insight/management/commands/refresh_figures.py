"""manage.py refresh_figures: bring outcomes and figures up to date."""

from argparse import ArgumentParser
from typing import Any

from rulebook.cases.services import refresh_stale
from rulebook.commands import RulebookCommand
from rulebook.insight.refreshing import refresh_figures


class Command(RulebookCommand):
    help = "Bring the figures of all rules up to date. Does nothing where nothing changed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--all", action="store_true", help="Count every month anew, whether or not it changed.")

    def handle(self, *args: Any, **options: Any) -> None:
        waiting = refresh_stale()
        months = refresh_figures(everything=options["all"])
        self.say(f"Months counted: {months}.")
        for name in waiting:
            self.say(f"{name} is being imported: its figures follow when that has ended.")
