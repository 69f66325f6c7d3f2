"""`manage.py import_rules FILE`. It stands in desk because links of cases may have waited for these rules."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from rulebook.cases.services import settle_pending_links
from rulebook.catalogue.importing import import_rules
from rulebook.commands import RulebookCommand


class Command(RulebookCommand):
    help = "Write down the rules of a list (CSV, TSV, XLSX, JSON) and change those that are there already."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="the list; a column title is needed, a column code is wise")

    def handle(self, *args: Any, **options: Any) -> None:
        report = import_rules(options["file"], by=None)
        settled = settle_pending_links(by=None)
        for note in report.notes:
            self.say(f"Note: {note}")
        for warning in report.warnings:
            self.say(f"Warning: {warning}")
        for rejection in report.rejections:
            self.say(f"Rejected: {rejection}")
        self.stdout.write(
            f"{report.file}: {report.read} rows read = {report.created} created + {report.updated} updated "
            f"+ {report.unchanged} unchanged + {report.rejected} rejected; {len(report.warnings)} warnings."
        )
        if settled:
            self.stdout.write(f"Links of cases that had waited for these rules and now count: {settled}.")
