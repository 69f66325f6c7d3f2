"""manage.py ledger: what each rule costs in first-contact resolution."""

from argparse import ArgumentParser
from typing import Any

from rulebook.cases.management.commands.fcr import add_policy_arguments, period_of
from rulebook.cases.queries import by_policy, sources_named
from rulebook.commands import RulebookCommand
from rulebook.flags.audits import newest_estimate
from rulebook.insight.queries import ledgers
from rulebook.insight.telling import audit_line, ledger_lines, ledger_table


class Command(RulebookCommand):
    help = "Print the ledger: the price of each rule in first-contact resolution, dearest first."

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_policy_arguments(parser)
        parser.add_argument(
            "--source", action="append", default=[], metavar="S", help="Default: all. May be given several times."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        sources = sources_named(options["source"])
        grouped = by_policy(sources, options["method"], options["window"], options["key"])
        period = period_of(options)
        result = ledgers(grouped, period)
        if options["format"] == "json":
            self.print_json(result)
            return
        for entry in (result, *result["others"]):
            headers, rows = ledger_table(entry)
            if rows:
                self.table(headers, rows, width=120)
            for line in ledger_lines(entry, period):
                self.stdout.write(line)
            self.stdout.write("")
        if audited := newest_estimate():
            self.stdout.write(audit_line(audited))
