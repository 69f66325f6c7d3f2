"""The baseline: csv.reader, the product's own parsing and HMAC, and executemany or COPY into empty tables.

The same tables with the same indexes, constraints and pragmas; no upsert, no repeated ids, no outcomes, no journal,
one transaction. Run as a process of its own: `python -m tests.scale.raw FILE`, database and keys by environment.
"""

import csv
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import islice
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "rulebook.settings")
django.setup()

from zoneinfo import ZoneInfo  # noqa: E402

from django.db import connection, transaction  # noqa: E402
from django.utils import timezone  # noqa: E402

from rulebook.access.models import Team  # noqa: E402
from rulebook.cases.models import Source  # noqa: E402
from rulebook.cases.parsing import Context, ParsedCase, parser  # noqa: E402
from rulebook.cases.presets import choose  # noqa: E402
from rulebook.cases.pseudonyms import CUSTOMER, key_ring, pseudonymiser  # noqa: E402
from rulebook.cases.storing import INSERTED, LINK  # noqa: E402
from rulebook.catalogue.models import Alias, Topic  # noqa: E402
from tests.scale.world import GROUPS, SOURCE, TEAMS, TOPICS  # noqa: E402

ROWS_A_BATCH = 10_000
ZONE = "Europe/Copenhagen"


def load(path: str) -> None:
    with transaction.atomic():
        source = Source.objects.create(name=SOURCE, time_zone=ZONE, space=SOURCE)
        parents = {group: Topic.objects.create(path=group) for group in GROUPS}
        topics = {path: Topic.objects.create(path=path, parent=parents[path.split("/")[0]]).pk for path in TOPICS}
        teams = {name: Team.objects.create(name=name).pk for name in TEAMS}
        rules = dict(Alias.objects.values_list("name", "rule_id"))
        copy = _copy if connection.vendor == "postgresql" else _executemany
        first = 1
        with open(path, newline="", encoding="utf-8") as file:
            parsed = _parsed(file)
            while rows := list(islice(parsed, ROWS_A_BATCH)):
                copy("cases_case", INSERTED, [
                    (number, source.pk, *row.values[:8], topics.get(row.values[8]), teams.get(row.values[9]),
                     *row.values[10:], "" if row.values[19] else "pending", row.row_hash)
                    for number, row in enumerate(rows, first)
                ])  # fmt: skip
                copy("cases_caserule", LINK, [
                    (number, rules[name], "blocked", "source")
                    for number, row in enumerate(rows, first)
                    for name in row.rules or ()
                ])  # fmt: skip
                first += len(rows)


def _parsed(file: Any) -> Iterator[ParsedCase]:
    reader = csv.reader(file)
    layout = choose("cases.csv", next(reader), "auto", {})
    current, keys = key_ring()
    context = Context(
        zone=ZoneInfo(ZONE),
        customer_key=pseudonymiser(keys, CUSTOMER, SOURCE),
        agent_key=None,
        key_id=current,
        now=timezone.now(),
        effect="blocked",
    )

    def warn(line: int, field: str, sentence: str) -> None:
        """In the hour that the autumn repeats, some cases seem to close before they open."""

    return map(parser(layout, context, warn), range(2, sys.maxsize), reader)


def _executemany(table: str, columns: Sequence[str], rows: list[tuple[Any, ...]]) -> None:
    marks = ", ".join("?" * len(columns))
    with closing(connection.connection.cursor()) as cursor:
        cursor.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", rows)


def _copy(table: str, columns: Sequence[str], rows: list[tuple[Any, ...]]) -> None:
    with connection.cursor() as cursor, cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


if __name__ == "__main__":
    load(sys.argv[1])
    connection.close()
