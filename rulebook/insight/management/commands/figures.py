"""manage.py figures: what the numbers say of each rule."""

from argparse import ArgumentParser
from typing import Any

from django.utils import timezone

from rulebook.cases.services import refresh_stale
from rulebook.commands import RulebookCommand
from rulebook.insight.queries import listed_rules, overview
from rulebook.insight.refreshing import refresh_figures
from rulebook.insight.telling import FIGURE_HEADERS, figure_cells, figure_lines, figure_row, overview_row
from rulebook.insight.voices import refresh_voices


class Command(RulebookCommand):
    help = "Print harm and price of every rule: the measured first, by harm, then those not measurable yet, by flags."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--format", choices=["table", "json"], default="table")

    def handle(self, *args: Any, **options: Any) -> None:
        for name in refresh_stale():
            self.say(f"{name} is being imported: its figures are those of before.")
        refresh_figures()
        refresh_voices(timezone.localdate())
        rules, found = listed_rules(), overview()
        if options["format"] == "json":
            self.print_json({"overview": overview_row(found), "rows": [figure_row(rule) for rule in rules]})
            return
        self.table(FIGURE_HEADERS, [figure_cells(rule) for rule in rules], width=130)
        for line in figure_lines(found):
            self.stdout.write(line)
