"""`manage.py export_rules FILE`."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from rulebook.catalogue.exporting import export_rules
from rulebook.commands import RulebookCommand


class Command(RulebookCommand):
    help = "Write all rules to a file that import_rules reads back: .csv, .tsv, .xlsx or .json."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="where to write; its ending says how")

    def handle(self, *args: Any, **options: Any) -> None:
        count = export_rules(options["file"])
        self.stdout.write(f"Rules written to {options['file']}: {count}.")
