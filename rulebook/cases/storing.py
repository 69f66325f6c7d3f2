"""Writes a chunk of parsed cases and their links with raw SQL: five to ten times faster than the ORM.

Rows are plain tuples in the order of `STORED`. Every function here runs inside a business verb of `services.py`.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.db import connection

from rulebook.access.services import team_ids
from rulebook.cases import dialect
from rulebook.cases.models import Origin, Outcome
from rulebook.cases.parsing import CUSTOMER, EXCLUDED, LINKS_HASH, ParsedCase, fields_hash, overlaid
from rulebook.cases.refreshing import Touched, mark_dirty
from rulebook.catalogue.queries import rule_ids_by_name
from rulebook.catalogue.services import topic_ids

STORED = (
    "external_id", "opened_at", "opened_day", "day_only", "closed_at", "closed_day", "closed_day_only", "channel",
    "topic_id", "team_id", "customer_key", "agent_key", "key_id", "handoffs", "reopens", "replies", "handle_seconds",
    "declared", "survey", "excluded",
)  # fmt: skip
OPENED, DAY, TOPIC, TEAM = 1, 2, 8, 9
INSERTED = ("id", "source_id", *STORED, "outcome", "row_hash")
LINK = ("case_id", "rule_id", "effect", "origin")
BATCH = 500
Month = tuple[int, str, int, str]  # source id, subject, subject id, YYYY-MM


@dataclass
class Stored:
    """What became of a chunk's rows. The excluded are counted as such only, whether new or not."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    excluded: int = 0
    latest: str = ""  # the latest opened_at among those that are not excluded
    unknown_rules: list[tuple[str, int, str]] = field(default_factory=list)  # file, line, rule name
    written: list[ParsedCase] = field(default_factory=list)  # the new and the changed


@dataclass(frozen=True)
class Existing:
    id: int
    row_hash: bytes


def store_chunk(source_id: int, rows: Sequence[ParsedCase], effect: str, touched: Touched, *, dry: bool) -> Stored:
    """Insert what is new, update what differs, leave the rest. External ids in a chunk must be distinct."""
    result = Stored()
    existing = _existing(source_id, [row.values[0] for row in rows])
    names = {name for row in rows for name in row.rules or ()}
    rules = rule_ids_by_name(names) if names else {}
    for row in rows:
        result.unknown_rules.extend((row.file, row.line, name) for name in row.rules or () if name not in rules)
    new: list[ParsedCase] = []
    changed: list[tuple[int, ParsedCase]] = []
    differing = [known.id for row in rows if (known := existing.get(row.values[0])) and not _same(known, row)]
    stored = read_values(differing) if any(row.absent for row in rows) else {}
    for row in rows:
        known = existing.get(row.values[0])
        if known is None:
            final, state = row, "created"
            new.append(row)
        elif _same(known, row):
            final, state = row, "unchanged"
        else:
            final = _merge(known, row, stored.get(known.id))
            state = "unchanged" if final.row_hash == known.row_hash else "updated"
            if state == "updated":
                changed.append((known.id, final))
        if final.values[EXCLUDED]:
            result.excluded += 1
        else:
            setattr(result, state, getattr(result, state) + 1)
            result.latest = max(result.latest, final.values[OPENED])
    result.written = [*new, *(row for _, row in changed)]
    if dry or not result.written:
        return result
    topics = topic_ids(paths={str(row.values[TOPIC]) for row in result.written if row.values[TOPIC]})
    teams = team_ids(names={str(row.values[TEAM]) for row in result.written if row.values[TEAM]})
    chunk = _Chunk(source_id, topics, teams, rules, effect)
    # Marked together and last: all mark in one order, and so none waits for one that waits for it.
    mark_dirty(_insert(chunk, new, touched) | _update(chunk, changed, touched))
    return result


@dataclass(frozen=True)
class _Chunk:
    """What turns a parsed row into rows of the tables: the ids behind its names."""

    source_id: int
    topics: dict[str, int]
    teams: dict[str, int]
    rules: dict[str, int]
    effect: str

    def columns(self, row: ParsedCase) -> tuple[Any, ...]:
        """From external_id to row_hash, as in `INSERTED`. The outcome waits for the end of the run."""
        values = row.values
        outcome = "" if values[EXCLUDED] else Outcome.PENDING.value
        named = self.topics.get(values[TOPIC]), self.teams.get(values[TEAM])
        return (*values[:TOPIC], *named, *values[CUSTOMER:], outcome, row.row_hash)

    def linked(self, row: ParsedCase) -> set[int]:
        return {self.rules[name] for name in row.rules or () if name in self.rules}

    def links(self, case_id: int, row: ParsedCase) -> Iterator[tuple[Any, ...]]:
        for rule_id in self.linked(row):
            yield case_id, rule_id, self.effect, Origin.SOURCE.value

    def waiting(self, row: ParsedCase) -> Iterator[tuple[Any, ...]]:
        for name in row.rules or ():
            if name not in self.rules:
                yield self.source_id, row.values[0], name, self.effect, Origin.SOURCE.value


def _existing(source_id: int, ids: Sequence[str]) -> dict[str, Existing]:
    found: dict[str, Existing] = {}
    with connection.cursor() as cursor:
        for start in range(0, len(ids), BATCH):
            part = ids[start : start + BATCH]
            cursor.execute(
                "SELECT external_id, id, row_hash FROM cases_case WHERE source_id = %s AND external_id IN "
                f"({', '.join(['%s'] * len(part))})",
                [source_id, *part],
            )
            for external_id, case_id, row_hash in cursor.fetchall():
                found[external_id] = Existing(case_id, bytes(row_hash))
    return found


def _same(known: Existing, row: ParsedCase) -> bool:
    if row.rules is None:
        return known.row_hash[:LINKS_HASH] == row.row_hash[:LINKS_HASH]
    return known.row_hash == row.row_hash


def _merge(known: Existing, row: ParsedCase, stored: tuple[Any, ...] | None) -> ParsedCase:
    """The row as it would be stored: what its file has no column for is taken from the stored case."""
    values, fields = row.values, row.row_hash[:LINKS_HASH]
    if row.absent and stored is not None:
        values = overlaid(stored, row)
        fields = fields_hash(values)
    links = known.row_hash[LINKS_HASH:] if row.rules is None else row.row_hash[LINKS_HASH:]
    return row._replace(values=values, row_hash=fields + links)


def read_values(case_ids: Sequence[int]) -> dict[int, tuple[Any, ...]]:
    """{case id: values} in the spelling of `STORED`, topic and team by name: what a row of a file would have been."""
    if not case_ids:
        return {}
    columns = ", ".join(f"c.{name}" for name in STORED)
    columns = columns.replace("c.topic_id", "t.path").replace("c.team_id", "m.name")
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT c.id, {columns} FROM cases_case c LEFT JOIN catalogue_topic t ON t.id = c.topic_id "
            f"LEFT JOIN access_team m ON m.id = c.team_id WHERE c.id IN ({_listed(case_ids)})"
        )
        return {
            case_id: tuple(_as_parsed(name, value) for name, value in zip(STORED, values, strict=True))
            for case_id, *values in cursor.fetchall()
        }


def _listed(numbers: Iterable[int]) -> str:
    return ", ".join(str(int(number)) for number in numbers)


def _as_parsed(name: str, value: Any) -> Any:
    """A stored value in the spelling that `parsing` gives it, whichever database it comes from."""
    if value is None:
        return "" if name in {"topic_id", "team_id"} else None
    if name in {"day_only", "closed_day_only", "declared", "survey"}:
        return bool(value)
    if isinstance(value, datetime):
        return dialect.stamp(value)
    if isinstance(value, date):
        return value.isoformat()
    return bytes(value) if isinstance(value, memoryview) else value


def _insert(chunk: _Chunk, new: Sequence[ParsedCase], touched: Touched) -> set[Month]:
    months: set[Month] = set()
    if not new:
        return months
    numbered = list(enumerate(new, _next_ids(len(new))))
    for case_id, row in numbered:
        touched.add(case_id, row.values[CUSTOMER])
        topic_id = chunk.topics.get(row.values[TOPIC])
        months |= _months(chunk.source_id, topic_id, row.values[DAY], chunk.linked(row))
    insert_rows("cases_case", INSERTED, [(case_id, chunk.source_id, *chunk.columns(row)) for case_id, row in numbered])
    _add_links(chunk, numbered)
    return months


def _update(chunk: _Chunk, changed: Sequence[tuple[int, ParsedCase]], touched: Touched) -> set[Month]:
    if not changed:
        return set()
    ids = [case_id for case_id, _ in changed]
    relinked = [(case_id, row) for case_id, row in changed if row.rules is not None]
    months = _touch(chunk.source_id, ids, touched)
    assignments = ", ".join(f"{name} = %s" for name in INSERTED[2:])
    with connection.cursor() as cursor:
        cursor.executemany(
            f"UPDATE cases_case SET {assignments} WHERE id = %s",
            [(*chunk.columns(row), case_id) for case_id, row in changed],
        )
        if relinked:
            cursor.execute(
                f"DELETE FROM cases_caserule WHERE origin = %s AND case_id IN ({_listed(i for i, _ in relinked)})",
                [Origin.SOURCE.value],
            )
            cursor.executemany(
                "DELETE FROM cases_pendinglink WHERE source_id = %s AND external_id = %s AND origin = %s",
                [(chunk.source_id, row.values[0], Origin.SOURCE.value) for _, row in relinked],
            )
    _add_links(chunk, relinked)
    return months | _touch(chunk.source_id, ids, touched)


def _add_links(chunk: _Chunk, numbered: Sequence[tuple[int, ParsedCase]]) -> None:
    insert_rows("cases_caserule", LINK, [link for case_id, row in numbered for link in chunk.links(case_id, row)])
    add_pending([link for _, row in numbered for link in chunk.waiting(row)])


def _touch(source_id: int, case_ids: Sequence[int], touched: Touched) -> set[Month]:
    """Touch cases as they stand now, and give their months: a case leaves an issue key and months as much as it joins
    others, so this is done before and after a change.
    """
    months: set[Month] = set()
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT id, customer_key, topic_id, opened_day FROM cases_case WHERE id IN ({_listed(case_ids)})"
        )
        rows = cursor.fetchall()
        cursor.execute(f"SELECT case_id, rule_id FROM cases_caserule WHERE case_id IN ({_listed(case_ids)})")
        rules: dict[int, set[int]] = {}
        for case_id, rule_id in cursor.fetchall():
            rules.setdefault(case_id, set()).add(rule_id)
    for case_id, customer, topic_id, opened_day in rows:
        touched.add(case_id, bytes(customer) if customer is not None else None)
        months |= _months(source_id, topic_id, str(opened_day), rules.get(case_id, ()))
    return months


def _months(source_id: int, topic_id: int | None, day: str, rule_ids: Iterable[int]) -> set[Month]:
    return {
        (source_id, "topic", topic_id or 0, day[:7]),
        *((source_id, "rule", rule_id, day[:7]) for rule_id in rule_ids),
    }


def _next_ids(count: int) -> int:
    """The first of `count` new case ids. On SQLite the write lock is held already, so nobody takes them."""
    with connection.cursor() as cursor:
        if dialect.is_postgresql():
            # One jump of the sequence: numbers that another process draws meanwhile lie beyond it.
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext('cases_case_id'))")
            cursor.execute("SELECT nextval(pg_get_serial_sequence('cases_case', 'id'))")
            first = int(cursor.fetchone()[0])
            cursor.execute("SELECT setval(pg_get_serial_sequence('cases_case', 'id'), %s)", [first + count - 1])
            return first
        cursor.execute("SELECT COALESCE(MAX(id), 0) + 1 FROM cases_case")
        return int(cursor.fetchone()[0])


def insert_rows(table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    if not rows:
        return
    listed = ", ".join(columns)
    with connection.cursor() as cursor:
        if dialect.is_postgresql():
            # Wrapped by hand: Django lets psycopg's own errors of a COPY through, and a lost race would not be retried.
            with connection.wrap_database_errors, cursor.copy(f"COPY {table} ({listed}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
        else:
            marks = ", ".join(["%s"] * len(columns))
            cursor.executemany(f"INSERT INTO {table} ({listed}) VALUES ({marks})", rows)


def add_pending(rows: Sequence[Sequence[Any]]) -> None:
    """Links that wait; one that waits already is left as it is, its effect too."""
    if not rows:
        return
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO cases_pendinglink (source_id, external_id, rule_name, effect, origin) "
            "SELECT %s, %s, %s, %s, %s WHERE NOT EXISTS (SELECT 1 FROM cases_pendinglink WHERE source_id = %s "
            "AND external_id = %s AND rule_name = %s AND origin = %s) ON CONFLICT DO NOTHING",
            [(*row, *row[:3], row[4]) for row in rows],
        )
