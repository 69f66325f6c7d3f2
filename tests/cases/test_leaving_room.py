"""Between two of its many transactions an import lets others write first: SQLite serves nobody in turn."""

import sqlite3
from contextlib import closing

import pytest

from rulebook.cases import dialect


class Ours:
    """A connection as Django's: vendor, whether it stands in a transaction, and cursors."""

    vendor, in_atomic_block = "sqlite", False

    def __init__(self, path):
        self.connection = sqlite3.connect(path, isolation_level=None)

    def cursor(self):
        return closing(self.connection.cursor())


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "votes.sqlite3"
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("CREATE TABLE vote (impact)")
    return path


@pytest.fixture
def ours(file, monkeypatch):
    made = Ours(file)
    monkeypatch.setattr(dialect, "connection", made)
    monkeypatch.setattr(dialect, "_written", [0])
    monkeypatch.setattr(dialect.time, "sleep", lambda seconds: None)
    dialect.leave_room()
    yield made
    made.connection.close()


def pauses(monkeypatch, between=lambda: None):
    """How often it waited; `between` is what others do meanwhile."""
    counted = []
    monkeypatch.setattr(dialect.time, "sleep", lambda seconds: (counted.append(seconds), between()))
    dialect.leave_room()
    return len(counted)


def somebody_votes(file):
    with closing(sqlite3.connect(file)) as database, database:
        database.execute("INSERT INTO vote VALUES (1)")


def test_nobody_else_writes_and_it_goes_on_at_once(ours, monkeypatch):
    ours.connection.execute("INSERT INTO vote VALUES (0)")  # its own transaction is nobody else's
    assert pauses(monkeypatch) == 0


def test_somebody_wrote_and_it_waits_until_nobody_does(ours, file, monkeypatch):
    somebody_votes(file)
    assert pauses(monkeypatch) == 1
    assert pauses(monkeypatch) == 0


def test_a_flood_of_votes_holds_an_import_up_and_does_not_stop_it(ours, file, monkeypatch):
    somebody_votes(file)
    assert pauses(monkeypatch, lambda: somebody_votes(file)) == dialect.LOOKS


def test_inside_a_transaction_it_would_hold_everybody_up_and_does_not_wait(ours, file, monkeypatch):
    somebody_votes(file)
    ours.in_atomic_block = True
    assert pauses(monkeypatch) == 0
