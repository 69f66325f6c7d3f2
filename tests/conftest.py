"""The cast, and what every test stands on."""

import os
from datetime import date, datetime, time
from pathlib import Path

import pytest
from django.conf import settings
from django.core.cache import cache
from django.test import TransactionTestCase
from django.utils import timezone, translation

from rulebook.access import limits
from rulebook.catalogue import similar
from rulebook.desk import navigation
from rulebook.desk.navigation import SAMPLE_KEY
from rulebook.desk.pages.front_door import WAITING_KEY
from rulebook.journal import triggers
from tests import make

WORLD = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(autouse=True, scope="session")
def the_journal_lets_a_test_flush():
    """A transactional test ends with a flush, which the journal refuses. The migrate signal puts the triggers back."""
    flush = TransactionTestCase._fixture_teardown

    def teardown(self):
        triggers.drop()
        flush(self)

    TransactionTestCase._fixture_teardown = teardown
    yield
    TransactionTestCase._fixture_teardown = flush


@pytest.fixture(autouse=True)
def each_test_begins_in_english():
    """A page that was asked for in another language leaves that language to whoever comes next in its thread."""
    yield
    translation.activate(settings.LANGUAGE_CODE)


@pytest.fixture(autouse=True)
def no_page_asks_whether_the_data_is_made_up():
    """It does so once a minute; which test that would be, and its number of queries, would be left to chance.

    Nor whether a proposal waits for a decision, which is asked every ten seconds.
    """
    cache.set(SAMPLE_KEY, False, None)
    cache.set(WAITING_KEY, False, None)


@pytest.fixture(autouse=True)
def no_page_counts_the_flags_that_wait(monkeypatch):
    """The sidebar does so every ten seconds: which page that would be is left to chance too."""
    monkeypatch.setattr(navigation, "flags_waiting", lambda request: "")
    monkeypatch.setattr(navigation, "asked_waiting", lambda request: "")


@pytest.fixture(autouse=True)
def the_search_forgets_the_rules_of_other_tests():
    """The process keeps the words of all rules, and the next test's rules have the same numbers."""
    similar.forget()


@pytest.fixture(autouse=True)
def nobody_has_done_anything_too_often():
    """The process counts what people do, and the next test's people have the same numbers."""
    limits.forget_all()


@pytest.fixture
def travel(monkeypatch):
    """`travel(day)`: it is noon of that day, for everything that asks Django for the time."""

    def to(day: date) -> date:
        noon = datetime.combine(day, time(12), tzinfo=timezone.get_current_timezone())
        monkeypatch.setattr(timezone, "now", lambda: noon)
        return day

    return to


@pytest.fixture
def agent(db):
    """Takes the customers' calls. Works on a simple form, never in the admin."""
    return make.person("agent", role="agent")


@pytest.fixture
def manager(db):
    """Keeps the inventory and decides in the own department."""
    return make.person("manager", role="manager")


@pytest.fixture
def owner(db):
    """Answers for the rules of a department."""
    return make.person("owner", role="owner")


@pytest.fixture
def operator(db):
    """Runs the machine and knows who works here."""
    return make.person("operator", role="operator")


@pytest.fixture
def outsider(db):
    """Can sign in to the admin, and has no role in it."""
    return make.person("outsider", is_staff=True)


@pytest.fixture
def admin(db):
    """May do everything."""
    return make.person("admin", is_staff=True, is_superuser=True)


@pytest.fixture
def heard(agent, travel):
    """A rule that the only agent has voted on, on a Monday."""
    travel(date(2026, 3, 2))
    rule = make.rule("Refunds need two signatures")
    make.vote(rule, -2, by=agent)
    return rule


@pytest.fixture
def own_key_ring(settings, tmp_path):
    """Pseudonyms of a key ring that goes with the test."""
    settings.KEY_RING_FILE = tmp_path / "keys" / "key_ring.json"


@pytest.fixture
def world():
    """Gives the path of a file of real data; the test is skipped where that data is not at hand."""

    def path(name: str) -> Path:
        found = WORLD / name
        if not found.exists():
            assert not os.environ.get("CI"), f"{name} must be at hand where CI is set"
            pytest.skip(f"the real data {name} is not beside this checkout")
        return found

    return path
