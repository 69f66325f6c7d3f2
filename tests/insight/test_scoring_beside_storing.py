"""Sums that change while all rules are scored: what a rule met is never kept as it was before the change."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from threading import Event

import pytest
from django.db import connection, connections

from rulebook.insight import refreshing
from rulebook.insight.models import RuleFigures
from rulebook.insight.refreshing import refresh_figures
from rulebook.insight.rescoring import rescore
from tests import make
from tests.cases.importer import do_import, table
from tests.insight.test_partial_is_full import figures

HEADER = "external_id opened_at customer topic channel rules"
UNTIL = "2026-03-31"
PATIENCE = 20  # seconds
A_MOMENT = 0.5  # seconds, in which somebody who need not wait is long done
SCORES = "INSERT INTO insight_rulefigures"
BLANKS = 'UPDATE "insight_rulefigures" SET "gathered"'

pytestmark = [
    pytest.mark.skipif(connection.vendor != "postgresql", reason="threads share one SQLite database in memory"),
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("own_key_ring"),
]


class Stop:
    """Where a thread waits in the middle of its transaction, once: right after a statement that begins with `words`."""

    def __init__(self, words=""):
        self.words, self.reached, self.over = words, Event(), Event()

    def wait(self):
        if not self.reached.is_set():
            self.reached.set()
            assert self.over.wait(PATIENCE)

    def __call__(self, execute, sql, params, many, context):
        done = execute(sql, params, many, context)
        if sql.startswith(self.words):
            self.wait()
        return done


@pytest.fixture
def changed(tmp_path, monkeypatch):
    """Sums that nobody has scored yet, and a correction by which they are no longer right: a rule met fewer cases."""
    monkeypatch.setattr(refreshing, "rescore", lambda *given, **more: None)  # as if it was killed before
    make.rule(code="R-1"), make.rule(code="R-2")
    rows = [(f"C{n}", f"2026-03-{n:02} 09:00", f"c{n % 4}", "returns", "mail", "R-1") for n in range(1, 25)]
    do_import(table(tmp_path / "all.csv", HEADER, *rows), source="desk", timezone="UTC", complete_until=UNTIL)
    refresh_figures()
    corrected = [(*row[:5], "R-2") for row in rows[:15]]
    do_import(table(tmp_path / "corrected.csv", HEADER, *corrected), source="desk")


@pytest.fixture
def pool():
    """Starts a work in a thread of its own, which waits at `stop` where one is given."""

    def run(work, stop):
        try:
            with connection.execute_wrapper(stop) if stop else nullcontext():
                return work()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as threads:
        yield lambda work, stop=None: threads.submit(run, work, stop)


def waits(work):
    try:
        work.result(A_MOMENT)
    except TimeoutError:
        return True
    return False


def test_a_change_between_reading_and_writing_is_not_kept_as_it_was_before(changed, pool):
    read = Stop()
    scoring = pool(lambda: rescore(read.wait))
    assert read.reached.wait(PATIENCE)
    assert pool(refresh_figures).result(PATIENCE)
    read.over.set()
    scoring.result(PATIENCE)
    assert_nothing_stale_is_believed()


def test_scores_wait_for_a_change_that_is_not_committed_and_see_it(changed, pool):
    read, stored = Stop(), Stop(BLANKS)
    scoring = pool(lambda: rescore(read.wait))
    assert read.reached.wait(PATIENCE)
    storing = pool(refresh_figures, stored)
    assert stored.reached.wait(PATIENCE)
    read.over.set()
    assert waits(scoring), "it wrote what it read before the change, beside it"
    stored.over.set()
    storing.result(PATIENCE), scoring.result(PATIENCE)
    assert_nothing_stale_is_believed()


def test_a_change_waits_for_scores_that_are_not_committed_and_blanks_them(changed, pool):
    written = Stop(SCORES)
    scoring = pool(rescore, written)
    assert written.reached.wait(PATIENCE)
    storing = pool(refresh_figures)
    assert waits(storing), "it blanked what nobody could see yet"
    written.over.set()
    scoring.result(PATIENCE), storing.result(PATIENCE)
    assert_nothing_stale_is_believed()


def assert_nothing_stale_is_believed():
    """What was packed is blank; and to score once more, which would believe it, gives what a full pass does."""
    assert set(RuleFigures.objects.values_list("gathered", flat=True)) == {""}
    rescore()
    believed = figures()
    rescore(everything=True)
    assert figures() == believed
    assert dict(RuleFigures.objects.values_list("rule__code", "cases")) == {"R-1": 9, "R-2": 15}
