"""`manage.py rules [--at DAY]`."""

from argparse import ArgumentParser
from typing import Any

from django.utils import timezone

from rulebook.catalogue.queries import rules_at
from rulebook.commands import RulebookCommand, day


class Command(RulebookCommand):
    help = "List the rules that apply, or applied on a day, in the words of that day."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--at", type=day, metavar="DAY", help="a day such as 2026-03-01 (default: today)")
        parser.add_argument("--format", choices=["json", "table"], default="table")

    def handle(self, *args: Any, **options: Any) -> None:
        at = options["at"] or timezone.localdate()
        rows = rules_at(at)
        if options["format"] == "json":
            self.print_json({"at": at.isoformat(), "rows": rows})
        elif rows:
            columns = ["code", "title", "kind", "authority", "department", "applies_from"]
            self.table(columns, [[_cell(row, name) for name in columns] for row in rows])
        if options["format"] == "table":
            self.say(f"Rules that applied on {at}: {len(rows)}.")


def _cell(row: dict[str, Any], name: str) -> Any:
    return f"{row[name]} (claimed)" if name == "authority" and row["claimed"] else row[name]
