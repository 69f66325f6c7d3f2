"""manage.py show_workflow: what may become of a rule that is marked for removal."""

from argparse import ArgumentParser
from typing import Any

from rulebook.commands import RulebookCommand
from rulebook.review.drawing import as_text, mermaid


class Command(RulebookCommand):
    help = "Print the workflow of a review, from the table that the program itself goes by."
    requires_system_checks: list[str] = []  # needs no database

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--format", choices=["mermaid", "text"], default="text")

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(mermaid() if options["format"] == "mermaid" else as_text())
