"""The command `ledger`: exit codes, JSON alone on stdout, and a table that promises no more than it knows."""

from datetime import UTC, datetime, timedelta

import pytest

from rulebook.cases.refreshing import Touched, refresh_space
from tests.cases import oracle
from tests.cases.oracle import Case, Link, World
from tests.cases.running import run
from tests.cases.worlds import store

pytestmark = pytest.mark.django_db

START = datetime(2026, 5, 4, 8, tzinfo=UTC)
LATE = datetime(2026, 12, 1, tzinfo=UTC)
KEYS = {
    "policy", "sources", "resolved", "not_resolved", "blocked", "gross", "net", "gap", "ceiling", "ours", "not_ours",
    "unexplained", "coverage", "blocked_silent", "rows",
}  # fmt: skip
MORE_KEYS = {"horizon", "since", "until"}


@pytest.fixture
def shop():
    """Two sources of one policy in two spaces, each with a customer who had to ask twice; a law and a habit blocked."""
    rows, links = [], []
    for name, rule in (("desk", "R-1"), ("mail", "R-2")):
        rows += [
            Case(name, "1", START, customer="ann", seconds=1_800),
            Case(name, "2", START + timedelta(days=2), customer="ann"),
            Case(name, "3", START, customer="bob"),
        ]
        links += [Link(name, "1", rule), Link(name, "3", rule)]
    spaces = {"desk": "shop", "mail": "bank"}
    store(
        World(
            tuple(oracle.Source(name, space=space, horizon=LATE) for name, space in spaces.items()),
            tuple(rows),
            tuple(links),
        )
    )
    for space in spaces.values():
        refresh_space(space, Touched(everything=True), lambda: None)


@pytest.fixture
def rulebook(capsys, monkeypatch):
    return lambda *words: run(capsys, monkeypatch, *words)


def test_it_prints_json_alone_with_the_promised_keys_and_types(shop, rulebook):
    ran = rulebook("ledger", "--format", "json")
    result = ran.json
    assert (ran.code, ran.err) == (0, "")
    assert KEYS | {"others"} <= set(result) <= KEYS | MORE_KEYS | {"others"}
    assert {name: result[name] for name in KEYS | {"others"}} == {
        "policy": {"method": "no_repeat", "window_days": 7, "key": ["customer", "topic"]},
        "sources": ["desk", "mail"],
        "resolved": 4, "not_resolved": 2, "blocked": 2, "unexplained": 0, "coverage": 1.0, "blocked_silent": 2,
        "gross": "0.666667", "net": "1.000000", "gap": "0.333333", "ceiling": "0.333333",
        "ours": "0.166667", "not_ours": "0.166666",
        "rows": [
            {
                "rule": "R-1", "title": "Rule R-1", "authority": "habit", "ours": True, "blocked_contacts": 1,
                "blocked_silent": 1, "blocked_hours": 0.5, "price": "0.166667", "share": "0.166667",
            },
            {
                "rule": "R-2", "title": "Rule R-2", "authority": "law", "ours": False, "blocked_contacts": 1,
                "blocked_silent": 1, "blocked_hours": 0.5, "price": "0.166666", "share": "0.166666",
            },
        ],
        "others": [],
    }  # fmt: skip


def test_sources_can_be_named_and_periods_limited(shop, rulebook):
    words = ("ledger", "--format", "json", "--source")
    assert rulebook(*words, "mail").json["rows"][0]["rule"] == "R-2"
    assert rulebook(*words, "mail", "--source", "desk").json["sources"] == ["desk", "mail"]
    assert rulebook(*words, "desk", "--since", "2026-05-05").json["rows"] == []
    assert rulebook(*words, "desk", "--window", "1").json["not_resolved"] == 0


def test_another_policy_stands_among_the_others(shop, rulebook):
    rulebook("source", "mail", "--method", "declared")
    result = rulebook("ledger", "--format", "json").json
    (other,) = result["others"]
    assert (result["sources"], other["sources"]) == (["desk"], ["mail"])
    assert KEYS <= set(other) <= KEYS | MORE_KEYS
    assert (other["gross"], other["rows"], other["blocked_silent"]) == (None, [], None)


def test_the_table_says_at_least_at_most_its_window_and_its_unit(shop, rulebook):
    ran = rulebook("ledger")
    assert (ran.code, ran.err) == (0, "")
    for told in (
        "R-1",
        "at least",
        "at most",
        "window 7 days",
        "no_repeat",
        "point",
        "ours to change",
        "did not return",
    ):
        assert told in ran.out, told
    assert "16.67" in ran.out


def test_a_ledger_without_a_mature_case_says_so(db, rulebook):
    store(World((oracle.Source("desk"),)))
    ran = rulebook("ledger")
    assert ran.code == 0 and "No mature case yet" in ran.out
    assert rulebook("ledger", "--format", "json").json["gross"] is None


@pytest.mark.parametrize("words", [("--window", "0"), ("--key", "agent"), ("--method", "magic"), ("--until", "soon")])
def test_called_wrongly_it_exits_2(shop, rulebook, words):
    ran = rulebook("ledger", *words, "--format", "json")
    assert (ran.code, ran.out) == (2, "")
    assert words[0].removeprefix("--") in ran.err
