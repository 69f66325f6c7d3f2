"""The few places where SQLite and PostgreSQL need different words. Instants are UTC on both."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime

from django.db import connection, transaction

from rulebook.cases.policies import DAY_SECONDS

LOOKS = 4  # at most, between two transactions
PAUSE = 0.05  # seconds between two looks


def is_postgresql() -> bool:
    return connection.vendor == "postgresql"


def stamp(value: datetime) -> str:
    """An instant as both databases store it: UTC without offset, so that SQLite's text order is time order."""
    return str(value.replace(tzinfo=None))


def instant_param() -> str:
    return "CAST(%s AS timestamptz)" if is_postgresql() else "%s"


def day_param() -> str:
    return "CAST(%s AS date)" if is_postgresql() else "%s"


def as_day(value: date) -> str:
    return value.isoformat()


def instant_plus(column: str, days: int) -> str:
    """The instant days x 86,400 s later. UTC has no clock changes, so on SQLite's text only the date part moves."""
    if is_postgresql():
        return f"({column} + make_interval(secs => {days * DAY_SECONDS}))"
    return f"(date({column}, '{days:+d} days') || substr({column}, 11))"


def day_plus(column: str, days: int) -> str:
    return f"({column} + {days})" if is_postgresql() else f"date({column}, '{days:+d} days')"


def month(column: str) -> str:
    """YYYY-MM of a day."""
    return f"to_char({column}, 'YYYY-MM')" if is_postgresql() else f"substr({column}, 1, 7)"


def big_key() -> str:
    """The type of a number that is a primary key; SQLite keeps rows in the order of this very word."""
    return "bigint" if is_postgresql() else "INTEGER"


@contextmanager
def reading_whole_tables() -> Iterator[None]:
    """For a statement that goes through most of the cases: PostgreSQL then joins by hash, never row by row.

    Without statistics, as right after a small import, its planner takes the tables for empty and would go through all
    links once for each case: minutes instead of a second.
    """
    if not is_postgresql():
        yield
        return
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_nestloop = off")
        yield
        cursor.execute("SET LOCAL enable_nestloop = on")  # else it would stay for the rest of a longer transaction


def gather_statistics() -> None:
    """Tell the planner what a bulk load changed; else it goes by an empty table until somebody else does."""
    with connection.cursor() as cursor:
        if not is_postgresql():
            cursor.execute("PRAGMA analysis_limit = 1000")  # a sample is enough, and does not hold up other writers
        for table in ("cases_case", "cases_caserule", "cases_pendinglink"):
            cursor.execute(f"ANALYZE {table}")


def leave_room() -> None:
    """Between two of many write transactions: let others go first while they write, for LOOKS x PAUSE at most.

    SQLite serves writers in no order: who waits looks again after up to 100 ms, and would find the next of our
    transactions there already. While nobody else writes this takes no time.
    """
    if is_postgresql() or connection.in_atomic_block:
        return
    for _look in range(LOOKS):
        with connection.cursor() as cursor:
            version = cursor.execute("PRAGMA data_version").fetchone()[0]  # changes when another connection commits
        others, _written[0] = version != _written[0], version
        if not others:
            return
        time.sleep(PAUSE)


_written = [0]  # what it was at the last look of this process
