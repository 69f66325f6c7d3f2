"""First-contact resolution against the one statement that somebody would write by hand for this very source.

Run as a process of its own on the loaded database: `python -m tests.scale.figures read TIMES | pending | store ours |
store plain`. Prints JSON; seconds are those of the work alone, without the start of Python.
"""

import json
import os
import sys
import time
from datetime import timedelta
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "rulebook.settings")
django.setup()

from django.db import connection, transaction  # noqa: E402

from rulebook.cases import services  # noqa: E402
from rulebook.cases.fcr import Period, fcr  # noqa: E402
from rulebook.cases.models import Source  # noqa: E402
from rulebook.cases.policies import primary  # noqa: E402
from tests.scale.world import SOURCE  # noqa: E402

IN_7_DAYS = {"sqlite": "datetime({0}, '+7 days')", "postgresql": "{0} + interval '7 days'"}
NEIGHBOURS = """
    SELECT id, customer_key, opened_at,
           LEAD(opened_at) OVER issue AS next_at,
           LAG(opened_at) OVER issue AS last_at
    FROM cases_case
    WHERE excluded = ''
    WINDOW issue AS (PARTITION BY customer_key, topic_id ORDER BY opened_at, external_id)
"""
READ = f"""
WITH neighbours AS ({NEIGHBOURS}),
judged AS (
    SELECT id, customer_key,
           opened_at <= %(mature)s AS mature,
           customer_key IS NOT NULL AND next_at IS NOT NULL AND next_at <= [opened_at] AS has_repeat,
           customer_key IS NOT NULL AND last_at IS NOT NULL AND opened_at <= [last_at] AS is_repeat
    FROM neighbours
),
blocked AS (SELECT DISTINCT case_id FROM cases_caserule WHERE effect = 'blocked')
SELECT COUNT(*) AS cases,
       COUNT(CASE WHEN customer_key IS NOT NULL AND mature AND NOT has_repeat THEN 1 END) AS resolved,
       COUNT(CASE WHEN customer_key IS NOT NULL AND mature AND has_repeat THEN 1 END) AS not_resolved,
       COUNT(CASE WHEN customer_key IS NOT NULL AND NOT mature AND has_repeat THEN 1 END) AS early_repeats,
       COUNT(CASE WHEN customer_key IS NOT NULL AND NOT mature THEN 1 END) AS pending,
       COUNT(CASE WHEN customer_key IS NULL THEN 1 END) AS unknown,
       (SELECT COUNT(*) FROM cases_case WHERE excluded <> '') AS excluded,
       COUNT(CASE WHEN mature AND NOT has_repeat AND case_id IS NOT NULL AND customer_key IS NOT NULL THEN 1 END)
           AS blocked_silent,
       COUNT(CASE WHEN mature AND has_repeat AND case_id IS NOT NULL THEN 1 END) AS blocked,
       COUNT(CASE WHEN customer_key IS NOT NULL AND mature AND NOT has_repeat THEN 1 END) AS chains,
       COUNT(CASE WHEN customer_key IS NOT NULL AND mature AND NOT has_repeat AND NOT is_repeat THEN 1 END)
           AS short_chains
FROM judged LEFT JOIN blocked ON case_id = id
"""
STORE = f"""
UPDATE cases_case SET outcome = judged.outcome
FROM (
    SELECT id, CASE WHEN customer_key IS NULL THEN 'unknown'
                    WHEN opened_at > %(mature)s THEN 'pending'
                    WHEN next_at <= [opened_at] THEN 'not_resolved'
                    ELSE 'resolved' END AS outcome
    FROM ({NEIGHBOURS}) neighbours
) judged
WHERE judged.id = cases_case.id AND cases_case.outcome <> judged.outcome
"""


def by_hand(statement: str, source: Source) -> tuple[str, dict[str, Any]]:
    """The statement in the words of this database, with its one parameter."""
    for column in ("opened_at", "last_at"):
        statement = statement.replace(f"[{column}]", IN_7_DAYS[connection.vendor].format(column))
    assert source.horizon is not None
    mature = source.horizon - timedelta(days=7)
    return statement, {"mature": str(mature.replace(tzinfo=None)) if connection.vendor == "sqlite" else mature}


def read_ours(source: Source) -> dict[str, Any]:
    group: dict[str, Any] = fcr([source], primary(source), Period(), None)["groups"][0]
    return group


def read_by_hand(source: Source) -> dict[str, Any]:
    with connection.cursor() as cursor:
        cursor.execute(*by_hand(READ, source))
        row = dict(zip((column[0] for column in cursor.description), cursor.fetchone(), strict=True))
    mature = row["resolved"] + row["not_resolved"]
    return {
        **row,
        "repeated": row["not_resolved"],
        "fcr": row["resolved"] / mature,
        "net": row["resolved"] / (mature - row["blocked"]),
        "issue_fcr": row["short_chains"] / row["chains"],
    }


def read(times: int) -> dict[str, Any]:
    source = Source.objects.get(name=SOURCE)
    ours, plain = read_ours(source), read_by_hand(source)  # not timed: both find the file in memory
    differing = {name for name in ours.keys() - {"group", "interval"} if ours[name] != plain[name]}
    if differing:
        raise SystemExit(f"Ours and the statement by hand differ in {sorted(differing)}: {ours} {plain}")
    seconds: dict[str, list[float]] = {"ours": [], "plain": []}
    for _ in range(times):
        for name, work in (("ours", read_ours), ("plain", read_by_hand)):
            began = time.perf_counter()
            work(source)
            seconds[name].append(time.perf_counter() - began)
    return {**seconds, "counts": {name: ours[name] for name in ("cases", "resolved", "not_resolved", "issue_fcr")}}


def pending() -> dict[str, Any]:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE cases_case SET outcome = 'pending' WHERE excluded = ''")
        if connection.vendor == "postgresql":
            cursor.execute("VACUUM ANALYZE cases_case")
    return {}


def store(how: str) -> dict[str, Any]:
    source = Source.objects.get(name=SOURCE)
    began = time.perf_counter()
    if how == "ours":
        services.refresh_all(source=source)
    else:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(*by_hand(STORE, source))
    seconds = time.perf_counter() - began
    with connection.cursor() as cursor:
        cursor.execute("SELECT outcome, COUNT(*) FROM cases_case GROUP BY outcome ORDER BY outcome")
        return {"seconds": seconds, "outcomes": dict(cursor.fetchall())}


def main(verb: str, *words: str) -> None:
    result = {"read": lambda: read(int(words[0])), "pending": pending, "store": lambda: store(words[0])}[verb]()
    connection.close()
    sys.stdout.write(json.dumps(result))


if __name__ == "__main__":
    main(*sys.argv[1:])
