"""The first rows of an uploaded file and how it would be read, without anything that tells who somebody is."""

import re
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from rulebook.cases.linking import link_parser
from rulebook.cases.models import Effect
from rulebook.cases.presets import FIELDS, PRESETS, Layout, choose, plain
from rulebook.errors import CannotStart, WrongUsage
from rulebook.tables.reading import Rejected, Row, open_table
from rulebook.tables.values import BadValue, parse_instant

ROWS_SHOWN = 20
UTC = ZoneInfo("UTC")
COUNTED_FOR = 0.5  # seconds: somebody waits for the page
BROKEN_FOR = 3.0  # seconds until no more rows that cannot be read are passed over
LONGEST_CELL = 80  # characters
# Fields whose cells are shown. All other columns may hold who somebody is: those that are not read, too.
HARMLESS = frozenset(
    {
        "opened_at", "closed_at", "channel", "topic", "team", "handoffs", "reopens", "replies", "handle_seconds",
        "declared", "survey", "direction", "excluded", "rules",
    }
)  # fmt: skip
TIMES = frozenset({"opened_at", "closed_at"})  # the only fields that are meant to hold many digits
# What help desks call the columns of ids and people: hidden, whatever somebody chooses to read from them.
OF_SOMEBODY = frozenset(
    column
    for known in PRESETS.values()
    for name in ("external_id", "customer", "agent")
    for column in known.columns.get(name, (name,))
)
_TELLING = re.compile(r"@|[0-9][0-9 .\-]{4,}[0-9]")  # an address, or six digits and more: a phone, a personal number
_VALUE = re.compile(r"@|[0-9]{4}")  # no name of a column, but a row where the header is missing


@dataclass(frozen=True)
class Preview:
    """What a file looks like: how it would be read, or the `problem` that keeps it from being read at all."""

    problem: str = ""  # one sentence; blank when it can be imported as it is
    preset: str = ""
    sentence: str = ""  # "Read as zendesk: external_id from 'id', ..."
    fields: dict[str, str] = field(default_factory=dict)  # field of a case -> its column
    columns: list[str] = field(default_factory=list)  # all that have a name, to choose from
    unused: list[str] = field(default_factory=list)
    headers: list[str] = field(default_factory=list)  # of `rows`, in the order of the file
    rows: list[list[str]] = field(default_factory=list)  # the first 20; what may tell who somebody is reads '(hidden)'
    total: int | None = None  # how many rows the file has; None where they are too many to be counted at once
    notes: list[str] = field(default_factory=list)  # sentences about the file


def preview_of(path: Path, links: Path | None, preset: str, overrides: Mapping[str, str | None]) -> Preview:
    """Look at a file of cases, and at the file of links beside it, without storing anything."""
    columns: list[str] = []
    notes: list[str] = []
    try:
        table = open_table(path)
        columns, notes = _nameable(table.columns), table.notes
        layout = choose(table.name, table.columns, preset, overrides)
        shown = [_harmless(layout, place, column) for place, column in enumerate(table.columns)]
        broken = _Broken()
        found = layout.rows(table, broken.add)
        rows: list[list[str]] = []
        rest: int | None = None
        with suppress(_Enough):
            for _line, cells in islice(found, ROWS_SHOWN):
                rows.append([_cell(*pair) for pair in zip(layout.read(cells), shown, strict=True)])
            rest = _count(found)
        if links is not None:
            link_parser(open_table(links), Effect.APPLIED.value)
    except (CannotStart, WrongUsage) as problem:
        return Preview(problem=str(problem), columns=columns, notes=list(notes))
    return Preview(
        preset=layout.preset,
        sentence=layout.sentence(table.columns),
        fields={name: table.columns[layout.columns[name]] for name in FIELDS if name in layout.columns},
        columns=columns,
        unused=list(layout.unused),
        headers=list(table.columns),
        rows=rows,
        total=None if rest is None else len(rows) + rest + broken.count,
        notes=list(notes),
    )


class _Enough(Exception):
    """Rows that cannot be read have taken all the time there is."""


class _Broken:
    """Counts the rows that cannot be read; a file of nothing else is not read to its end while somebody waits."""

    def __init__(self) -> None:
        self.count = 0
        self._until = time.monotonic() + BROKEN_FOR

    def add(self, rejected: Rejected) -> None:
        self.count += 1
        if time.monotonic() > self._until:
            raise _Enough


def _count(rows: Iterator[Row]) -> int | None:
    """How many rows there are, or None where they are too many to be counted at once."""
    until = time.monotonic() + COUNTED_FOR
    number = 0
    for number, _row in enumerate(rows, 1):
        if number % 200 == 0 and time.monotonic() > until:
            return None
    return number


def _nameable(columns: tuple[str, ...]) -> list[str]:
    """The names of the columns; none where line 1 seems to be a row, whose cells may be somebody's address."""
    return [] if any(_VALUE.search(name) for name in columns) else [name for name in columns if name]


def _harmless(layout: Layout, place: int, column_name: str) -> str:
    """'' for a column that is not shown, 'times' for one of points in time, else 'words'."""
    read_as = {name for name, column in layout.columns.items() if column == place}
    if not read_as or not read_as <= HARMLESS or plain(column_name) in OF_SOMEBODY:
        return ""
    return "times" if read_as <= TIMES else "words"


def _cell(cell: str | None, look: str) -> str:
    if not cell:
        return ""
    # Whatever column somebody chose by mistake: digits are shown of a point in time alone.
    if not look or (_TELLING.search(cell) and not (look == "times" and _is_time(cell))):
        return _("(hidden)")
    return cell if len(cell) <= LONGEST_CELL else f"{cell[: LONGEST_CELL - 1]}…"


def _is_time(cell: str) -> bool:
    try:
        parse_instant(cell, UTC)
    except BadValue:
        return False
    return True
