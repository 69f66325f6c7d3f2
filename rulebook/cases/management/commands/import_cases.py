"""manage.py import_cases FILE... --source NAME: a help desk's cases in, outcomes out."""

import sys
from argparse import ArgumentParser
from dataclasses import fields
from pathlib import Path
from typing import Any

from tqdm import tqdm

from rulebook.cases.importing import Listener, Order, Report, import_cases
from rulebook.cases.models import Effect
from rulebook.cases.presets import PRESETS
from rulebook.cases.rejects import RejectedRows
from rulebook.cases.telling import complete_until
from rulebook.commands import RulebookCommand
from rulebook.errors import WrongUsage
from rulebook.tables.reading import Rejected
from rulebook.tables.values import clean_key

LONGEST = 100  # characters of a source's name
PLAIN_EVERY = 100_000  # rows between two lines where there is no terminal


class Command(RulebookCommand):
    help = "Import cases, and the rules they met, from CSV, TSV, JSON, NDJSON or XLSX, plain or gzipped."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("files", nargs="+", metavar="FILE", type=Path)
        parser.add_argument("--source", required=True, metavar="NAME", help="The system the cases come from.")
        parser.add_argument(
            "--preset",
            default="auto",
            choices=["auto", *PRESETS],
            help="Whose export it is. Default: auto, by its columns.",
        )
        parser.add_argument(
            "--map", nargs="+", action="extend", default=[], metavar="FIELD=COLUMN", help="Overrides the preset."
        )
        parser.add_argument("--links", type=Path, metavar="FILE", help="Columns case, rule and effect.")
        parser.add_argument("--effect", default=Effect.APPLIED.value, choices=Effect.values, help="Default: applied.")
        parser.add_argument("--timezone", default="", metavar="TZ", help="Of times without an offset, for good.")
        parser.add_argument("--space", default="", metavar="NAME", help="Sources of one space share customers.")
        parser.add_argument("--complete-until", default="", metavar="WHEN", help="All cases until then are here.")
        parser.add_argument("--dry-run", action="store_true", help="Read and count, store nothing.")
        parser.add_argument(
            "--report", type=Path, metavar="FILE", help="Rejected rows, as CSV. Holds raw ids: private."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        order = Order(
            source=_name(options["source"], "--source"),
            files=tuple(options["files"]),
            links=options["links"],
            preset=options["preset"],
            overrides=_overrides(options["map"]),
            effect=options["effect"],
            time_zone=options["timezone"],
            space=_name(options["space"], "--space") if options["space"] else "",
            complete_until=options["complete_until"],
            dry_run=options["dry_run"],
        )
        taken = {path.resolve() for path in (*order.files, order.links) if path}
        if options["report"] and options["report"].resolve() in taken:
            raise WrongUsage("--report names a file that is to be read, and would overwrite it. Name another one.")
        teller = Teller(self, options["report"])
        try:
            report = import_cases(order, None, teller)
        finally:
            teller.close()
        self._print(report, dry=order.dry_run)

    def _print(self, report: Report, *, dry: bool) -> None:
        for sentence in report.warnings:
            self.say(f"Warning: {sentence}")
        if dry:
            self.say("A dry run: nothing was stored.")
        for part in fields(report.counts):
            self.stdout.write(f"{part.name:<10}{getattr(report.counts, part.name):>12}")
        if report.links is not None:
            self.stdout.write("")
            for part in fields(report.links):
                self.stdout.write(f"{'links ' + part.name:<16}{getattr(report.links, part.name):>6}")
        if report.settled:
            self.stdout.write(f"{'links settled':<16}{report.settled:>6}")
        told = complete_until(report.horizon.isoformat() if report.horizon else None)
        self.stdout.write(f"\n{told[0].upper()}{told[1:]}.")


class Teller(Listener):
    """Draws a bar on a terminal, plain lines elsewhere, and writes the rejected rows to a file of mode 0600."""

    def __init__(self, command: RulebookCommand, report: Path | None) -> None:
        self.command = command
        self.bar: tqdm[Any] | None = None
        self.rows = self.total = self.shown = 0
        self.rejected = RejectedRows(report) if report else None

    def say(self, sentence: str) -> None:
        if self.bar is not None:
            self.bar.close()
            self.bar = None
        self.command.say(sentence)

    def begin(self, total: int) -> None:
        self.total = total
        if sys.stderr.isatty():
            self.bar = tqdm(total=total, unit=" rows", unit_scale=True, file=sys.stderr, dynamic_ncols=True)

    def advance(self, rows: int) -> None:
        before, self.rows = self.rows, self.rows + rows
        if self.bar is not None:
            self.bar.update(rows)
        elif self.rows // PLAIN_EVERY > before // PLAIN_EVERY:
            self.command.say(f"{self.rows} of {self.total} rows read.")

    def reject(self, rejected: Rejected) -> None:
        if self.rejected is not None:
            self.rejected.add(rejected)
        self.shown += 1
        if self.shown <= 10:
            column = f", column {rejected.column}" if rejected.column else ""
            self.say(f"Rejected: {rejected.file}, line {rejected.line}{column}: {rejected.reason}")
        elif self.shown == 11:
            more = "the report has them all." if self.rejected else "--report FILE writes them all."
            self.say(f"More rows were rejected; {more}")

    def close(self) -> None:
        if self.bar is not None:
            self.bar.close()
        if self.rejected is not None:
            self.rejected.close()


def _name(text: str, option: str) -> str:
    """In the form in which ids and codes are compared: else two spellings of an é would be two sources."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise WrongUsage(f"{option} is not written in UTF-8. Write the name anew.") from None
    name = clean_key(text)
    if not 0 < len(name) <= LONGEST or "\0" in name:
        raise WrongUsage(f"{option} needs a name of 1 to {LONGEST} characters.")
    return name


def _overrides(pairs: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for pair in pairs:
        name, equals, column = pair.partition("=")
        if not equals or not name.strip() or not column.strip():
            raise WrongUsage(f"--map {pair} is not FIELD=COLUMN. Write --map customer=requester_id, for example.")
        found[name.strip()] = column.strip()
    return found
