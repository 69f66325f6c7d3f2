"""An import of cases from files to outcomes: read twice, stored in small chunks, reported row by row.

Killed at any moment it can simply be run again: rows are upserted by id, links with their rows, and a source that
was left stale has all its outcomes computed anew.
"""

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from rulebook.cases.dialect import gather_statistics, leave_room
from rulebook.cases.linking import Linked, LinkRejected, ParsedLink, Rehearsal, link, link_parser, store_links
from rulebook.cases.models import Effect, ImportRun, Source
from rulebook.cases.parsing import Context, ParsedCase, RowRejected, merged, parser, row_id
from rulebook.cases.presets import Layout, choose
from rulebook.cases.pseudonyms import AGENT, CUSTOMER, key_ring, pseudonymiser
from rulebook.cases.refreshing import Touched
from rulebook.cases.reporting import Findings, Listener, Report
from rulebook.cases.runs import give_up, start_run
from rulebook.cases.services import Counts, finish_run, settle_pending_links, source_named, store_cases
from rulebook.cases.storing import store_chunk
from rulebook.cases.survey import DayOrder, Seen, Survey
from rulebook.environment import is_time_zone
from rulebook.errors import CannotStart, WrongUsage
from rulebook.journal.services import Acting
from rulebook.tables.reading import Rejected, Table, open_table
from rulebook.tables.values import BadValue, parse_instant

# A chunk is one write transaction: small enough for a room to vote between two of them.
ROWS_A_CHUNK = 500
BULK = 2_000  # rows written in one run from which on the planner's statistics are gathered anew
NOT_STORED = 0  # the number of a source that a dry run would make

__all__ = ["Listener", "Order", "Report", "import_cases"]


@dataclass(frozen=True)
class Order:
    """What somebody asks to be imported. Blank time zone and space: as the source has them, or the defaults."""

    source: str
    files: tuple[Path, ...]
    links: Path | None = None
    preset: str = "auto"
    overrides: Mapping[str, str | None] = field(default_factory=dict)
    effect: str = Effect.APPLIED.value
    time_zone: str = ""
    space: str = ""
    complete_until: str = ""
    dry_run: bool = False


def import_cases(order: Order, by: Acting | None, listener: Listener) -> Report:
    """Import files of cases and links into a source.

    Raises WrongUsage for options that cannot mean anything, and CannotStart when it could not start or finish; rows
    that cannot be cases are told to the listener and counted, and never stop the run.
    """
    return _Import(order, by, listener).run()


class _Import:
    def __init__(self, order: Order, by: Acting | None, listener: Listener) -> None:
        self.order, self.by, self.listener = order, by, listener
        self.counts: Counter[str] = Counter()
        self.findings = Findings()
        self.rehearsal = Rehearsal(order.effect)
        self.touched = Touched()
        self.latest = ""
        self.existing: Source | None = None
        self.rules_column: dict[str, str] = {}

    def run(self) -> Report:
        order = self.order
        self.existing = Source.objects.filter(name=order.source).first()
        self.time_zone, self.space = _fixed(order, self.existing)
        zone = ZoneInfo(self.time_zone)
        complete_until = _complete_until(order.complete_until, zone)
        tables = [open_table(path) for path in order.files]
        self.layouts = [choose(table.name, table.columns, order.preset, order.overrides) for table in tables]
        self.links = open_table(order.links) if order.links else None
        if self.links is not None:
            link_parser(self.links, order.effect)  # a file that holds no links is refused before anything is stored
        current, keys = key_ring()
        self.context = Context(
            zone=zone,
            customer_key=pseudonymiser(keys, CUSTOMER, self.space),
            agent_key=pseudonymiser(keys, AGENT, self.space) if settings.AGENT_KEYS else None,
            key_id=current,
            now=timezone.now(),
            effect=order.effect,
        )
        self._announce(tables)
        survey = self._survey(tables)
        if order.dry_run:
            self._load(tables, survey, None)
            linked = self._link(None)
            known = self.existing.horizon if self.existing else None
            horizons = [at for at in (known, complete_until or self._latest()) if at is not None]
            return self._report(linked, 0, max(horizons, default=None))
        run = self._start(complete_until)
        try:
            self._load(tables, survey, run)
            # Before the links of this run too: what waited is older than they are.
            settled = settle_pending_links(by=self.by)
            linked = self._link(run)
            settled += settle_pending_links(by=self.by) if linked else 0
            if self.counts["created"] + self.counts["updated"] >= BULK:
                gather_statistics()
            self.listener.say(_("Computing outcomes ..."))
            finish_run(run=run, counts=self._counts(), latest=self._latest(), touched=self.touched, by=self.by)
        except BaseException:
            give_up(run=run)
            raise
        return self._report(linked, settled, Source.objects.get(pk=run.source_id).horizon)

    def _announce(self, tables: list[Table]) -> None:
        told = (
            _("Source %(source)s: times without an offset are %(zone)s, customers are those of %(space)s.")
            if self.existing
            else _("Source %(source)s (new): times without an offset are %(zone)s, customers are those of %(space)s.")
        )
        self.listener.say(told % {"source": self.order.source, "zone": self.time_zone, "space": self.space})
        for table, layout in zip(tables, self.layouts, strict=True):
            self.listener.say(f"{table.name}: {layout.sentence(table.columns)}")
            if "text" in layout.columns:
                self.listener.say(_("%(file)s: the text of cases is not stored.") % {"file": table.name})
            if "agent" in layout.columns and not settings.AGENT_KEYS:
                told = _("%(file)s: agents are not stored; RULEBOOK_AGENT_KEYS turns that on.")
                self.listener.say(told % {"file": table.name})

    def _survey(self, tables: list[Table]) -> Survey:
        survey, seen, seen_lower = Survey(), Seen(), Seen()
        try:
            for table, layout in zip(tables, self.layouts, strict=True):
                place = layout.columns["opened_at"]
                order = DayOrder(table.name, table.columns[place])
                rows = order.watch(layout.rows(table, lambda rejected: None), place)
                survey.look(rows, row_id(layout), seen, seen_lower)
                order.check()
        except CannotStart as damage:
            raise CannotStart(_("%(problem)s Nothing of it was stored.") % {"problem": damage}) from damage
        return survey

    def _start(self, complete_until: datetime | None) -> ImportRun:
        source = source_named(name=self.order.source, time_zone=self.time_zone, space=self.space)
        if (source.time_zone, source.space) != (self.time_zone, self.space):
            _fixed(self.order, source)
            raise CannotStart(
                _(
                    "Another first import of %(source)s fixed its time zone as %(zone)s and its customers "
                    "as those of %(space)s meanwhile. Run this one again."
                )
                % {"source": source.name, "zone": source.time_zone, "space": source.space}
            )
        waited = 0
        while True:
            left_stale = any(neighbour.stale for neighbour in Source.objects.filter(space=source.space))
            run = start_run(source=source, complete_until=complete_until, by=self.by)
            if run is not None:
                self.touched.everything = left_stale
                return run
            if waited % 15 == 0:
                self.listener.say(_("Another import of this source is running. This one waits for its end."))
            waited += 1
            time.sleep(1)

    def _load(self, tables: list[Table], survey: Survey, run: ImportRun | None) -> None:
        self.listener.begin(survey.rows)
        chunk: dict[str, ParsedCase] = {}
        for row in self._rows(tables, survey):
            external_id = row.values[0]
            if external_id in chunk:  # a file that grew while it was read: the survey did not know of this row
                self.counts["replaced"] += 1
                row = merged(chunk[external_id], row)
            chunk[external_id] = row
            if len(chunk) >= ROWS_A_CHUNK:
                self._store(list(chunk.values()), run)
                chunk = {}
        if chunk or run:
            self._store(list(chunk.values()), run)

    def _rows(self, tables: list[Table], survey: Survey) -> Iterator[ParsedCase]:
        for table, layout in zip(tables, self.layouts, strict=True):
            yield from self._last_of_each(self._parsed(table, layout), survey)
        yield from survey.rest()

    def _parsed(self, table: Table, layout: Layout) -> Iterator[ParsedCase | str]:
        """The table's cases in order; for a row that was rejected, its id (blank when it has none)."""
        columns = table.columns

        def warn(line: int, name: str, sentence: str) -> None:
            self.findings.warn(table.name, line, _column(columns, layout, name), sentence)

        def reject(rejected: Rejected) -> None:
            self.counts["read"] += 1
            self.counts["rejected"] += 1
            self.listener.reject(rejected)

        self.rules_column[table.name] = _column(columns, layout, "rules")
        parse = parser(layout, self.context, warn, table.name)
        id_of = row_id(layout)
        read = 0
        for line, cells in layout.rows(table, reject):
            read += 1
            if read % ROWS_A_CHUNK == 0:
                self.listener.advance(ROWS_A_CHUNK)
            try:
                yield parse(line, cells)
            except RowRejected as bad:
                self.counts["rejected"] += 1
                raw = " | ".join(cell or "" for cell in cells)
                where = _column(columns, layout, bad.field)
                self.listener.reject(Rejected(table.name, line, where, bad.reason, raw[:2_000]))
                yield id_of(cells)
        if not read and not self.counts["rejected"]:
            told = _("%(file)s has a header and no rows. Export it again if there should be some.")
            self.findings.note(told % {"file": table.name})
        self.counts["read"] += read
        self.listener.advance(read % ROWS_A_CHUNK)
        for note in table.notes:
            self.findings.note(note)

    def _last_of_each(self, rows: Iterator[ParsedCase | str], survey: Survey) -> Iterator[ParsedCase]:
        """Each id once: a row whose id comes again later is held back, and replaced by a later good one."""
        for row in rows:
            case = row if isinstance(row, ParsedCase) else None
            external_id = row.values[0] if isinstance(row, ParsedCase) else row
            if case is not None and survey.lookalikes and external_id.lower() in survey.lookalikes:
                self.findings.spelt(external_id)
            if survey.comes_again(external_id):
                case, replaced = survey.hold(external_id, case)
                self.counts["replaced"] += replaced
            if case is not None:
                yield case

    def _store(self, chunk: list[ParsedCase], run: ImportRun | None) -> None:
        if run is not None:
            result = store_cases(run=run, rows=chunk, effect=self.order.effect, touched=self.touched)
            leave_room()
        else:
            source_id = self.existing.pk if self.existing else NOT_STORED
            result = store_chunk(source_id, chunk, self.order.effect, self.touched, dry=True)
            if self.links is not None:
                self.rehearsal.cells.update((row.values[0], row.rules) for row in result.written)
        for name in ("created", "updated", "unchanged", "excluded"):
            self.counts[name] += getattr(result, name)
        self.latest = max(self.latest, result.latest)
        for file, line, name in result.unknown_rules:
            self.findings.unknown_rule(file, line, self.rules_column[file], name)

    def _link(self, run: ImportRun | None) -> Linked | None:
        table = self.links
        if table is None:
            return None
        total = Linked()
        chunk: list[ParsedLink] = []

        def reject(rejected: Rejected) -> None:
            total.read += 1
            total.rejected += 1
            self.listener.reject(rejected)

        def store() -> None:
            if run is not None:
                result = store_links(run=run, links=chunk)
                leave_room()
            else:
                result = link(self.existing.pk if self.existing else NOT_STORED, chunk, self.rehearsal)
            for line, missing, name in result.waits:
                if missing == "rule":
                    self.findings.unknown_rule(table.name, line, missing, name)
                else:
                    self.findings.warn(table.name, line, missing, _("The link waits for a case that is not here yet."))
            for part in fields(Linked):
                setattr(total, part.name, getattr(total, part.name) + getattr(result, part.name))

        parse = link_parser(table, self.order.effect)
        for line, cells in table.rows(reject):
            total.read += 1
            try:
                chunk.append(parse(line, cells))
            except LinkRejected as bad:
                total.rejected += 1
                raw = " | ".join(cell or "" for cell in cells)
                self.listener.reject(Rejected(table.name, line, bad.column, bad.reason, raw[:2_000]))
            if len(chunk) >= ROWS_A_CHUNK:
                store()
                chunk = []
        store()
        for note in table.notes:
            self.findings.note(note)
        return total

    def _counts(self) -> Counts:
        counted = {part.name: self.counts[part.name] for part in fields(Counts) if part.name != "warnings"}
        return Counts(**counted, warnings=self.findings.count)

    def _latest(self) -> datetime | None:
        return datetime.fromisoformat(self.latest).replace(tzinfo=UTC) if self.latest else None

    def _report(self, linked: Linked | None, settled: int, horizon: datetime | None) -> Report:
        latest = self._latest()
        if horizon is not None and latest is not None and latest > horizon:
            self.findings.note(
                _("The newest case opened after the moment until which the data is complete. Cases after it wait.")
            )
        return Report(self._counts(), linked, settled, horizon, self.findings.sentences())


def _fixed(order: Order, existing: Source | None) -> tuple[str, str]:
    """(time zone, space) of the source; both are fixed by its first import."""
    if order.time_zone and not is_time_zone(order.time_zone):
        told = _("The time zone %(zone)s is not known. Write Europe/Oslo, for example.")
        raise WrongUsage(told % {"zone": order.time_zone})
    if existing is None:
        return order.time_zone or settings.TIME_ZONE, order.space or order.source
    for option, asked, fixed in (
        ("--timezone", order.time_zone, existing.time_zone),
        ("--space", order.space, existing.space),
    ):
        if asked and asked != fixed:
            raise CannotStart(
                _(
                    "%(option)s %(asked)s cannot be taken: the first import of %(source)s fixed it as %(fixed)s. "
                    "Leave %(option)s out, or import into another source."
                )
                % {"option": option, "asked": asked, "source": existing.name, "fixed": fixed}
            )
    return existing.time_zone, existing.space


def _complete_until(text: str, zone: ZoneInfo) -> datetime | None:
    """The instant up to which the data is complete; a bare date means the end of that local day."""
    if not text:
        return None
    try:
        instant, day, day_only = parse_instant(text, zone)
    except BadValue as bad:
        told = _("'Complete until' cannot be read.")
        raise WrongUsage(f"{told} {bad.reason}") from None
    latest = timezone.now() + timedelta(days=1)
    if day_only and instant <= latest:
        tomorrow = parse_instant((day + timedelta(days=1)).isoformat(), zone)[0]
        instant = tomorrow - timedelta(microseconds=1)
    if instant > latest:
        raise WrongUsage(_("Data cannot be complete in the future. Give a day that is over."))
    return instant


def _column(columns: tuple[str, ...], layout: Layout, name: str) -> str:
    return columns[layout.columns[name]] if name in layout.columns else name
