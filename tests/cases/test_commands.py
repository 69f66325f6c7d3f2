"""The commands `fcr` and `source`: exit codes, JSON alone on stdout, and tables that carry their units."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db.models import F

from rulebook.cases.models import Source
from rulebook.cases.refreshing import Touched, refresh_space
from rulebook.journal.models import Event
from tests.cases import oracle
from tests.cases.oracle import Case, Link, World
from tests.cases.running import run
from tests.cases.worlds import store, stored_outcomes

pytestmark = pytest.mark.django_db

START = datetime(2026, 5, 4, 8, tzinfo=UTC)
LATE = datetime(2026, 12, 1, tzinfo=UTC)
TOP_KEYS = {"source", "method", "window_days", "key", "horizon", "groups"}
MORE_KEYS = {"sources", "since", "until", "note", "others"}
GROUP_KEYS = {
    "group", "cases", "resolved", "not_resolved", "repeated", "early_repeats", "pending", "unknown", "excluded",
    "blocked_silent", "fcr", "net", "issue_fcr", "interval",
}  # fmt: skip


@pytest.fixture
def shop():
    """One source: ann asks three times in a fortnight, bob once, and spam comes; the first question was blocked."""
    rows = [
        Case("desk", "1", START, customer="ann", topic="returns", team="Day", channel="mail", declared=True),
        Case("desk", "2", START + timedelta(days=7), customer="ann", topic="returns", declared=True),
        Case("desk", "3", START + timedelta(days=20), customer="ann", topic="returns", declared=True),
        Case("desk", "4", START + timedelta(days=40), customer="bob"),
        Case("desk", "5", START, excluded="spam"),
    ]
    links = (Link("desk", "1", "R-1"), Link("desk", "1", "R-2", "applied"))
    world = World((oracle.Source("desk", horizon=LATE),), tuple(rows), links, (("Day", 9),))
    store(world)
    refresh_space("shop", Touched(everything=True), lambda: None)
    return world


@pytest.fixture
def rulebook(capsys, monkeypatch):
    return lambda *words: run(capsys, monkeypatch, *words)


def test_fcr_prints_json_alone_with_the_promised_keys(shop, rulebook):
    ran = rulebook("fcr", "--format", "json")
    result = ran.json
    assert (ran.code, ran.err) == (0, "")
    assert TOP_KEYS <= set(result) <= TOP_KEYS | MORE_KEYS
    (group,) = result["groups"]
    assert set(group) == GROUP_KEYS
    assert (result["source"], result["method"], result["window_days"]) == ("desk", "no_repeat", 7)
    assert result["key"] == ["customer", "topic"]
    assert datetime.fromisoformat(result["horizon"]) == LATE
    assert group == {
        "group": "all", "cases": 4, "resolved": 3, "not_resolved": 1, "repeated": 1, "early_repeats": 0, "pending": 0,
        "unknown": 0, "excluded": 1, "blocked_silent": 0, "fcr": 0.75, "net": 1.0, "issue_fcr": pytest.approx(2 / 3),
        "interval": [pytest.approx(0.3006, abs=1e-4), pytest.approx(0.9544, abs=1e-4)],
    }  # fmt: skip


def test_fcr_takes_another_policy_and_period_without_storing_it(shop, rulebook):
    before = stored_outcomes()
    words = (
        "--method",
        "no_repeat",
        "--window",
        "30",
        "--key",
        "customer",
        "--since",
        "2026-05-04",
        "--format",
        "json",
    )
    result = rulebook("fcr", "--source", "desk", *words, "--until", "2026-05-11").json
    (group,) = result["groups"]
    assert (result["window_days"], result["key"]) == (30, ["customer"])
    assert (group["cases"], group["not_resolved"], group["issue_fcr"]) == (2, 2, 0)
    assert stored_outcomes() == before
    assert Source.objects.get().window_days == 7


@pytest.mark.parametrize(
    ("by", "groups"),
    [
        ("rule", ["R-1", "R-2"]),
        ("topic", ["", "returns"]),
        ("channel", ["", "mail"]),
        ("team", ["", "Day"]),
        ("month", ["2026-05", "2026-06"]),
    ],
)
def test_fcr_by_a_grouping_has_one_line_a_group(shop, rulebook, by, groups):
    result = rulebook("fcr", "--by", by, "--format", "json").json
    assert [group["group"] for group in result["groups"]] == groups


def test_fcr_by_rule_says_that_groups_overlap_and_what_net_leaves_out(shop, rulebook):
    note = rulebook("fcr", "--by", "rule", "--format", "json").json["note"]
    assert "overlap" in note and "any rule" in note
    assert note in rulebook("fcr", "--by", "rule").out


def test_the_table_names_method_window_key_and_unit(shop, rulebook):
    ran = rulebook("fcr", "--by", "topic")
    assert (ran.code, ran.err) == (0, "")
    for told in ("no_repeat", "window 7 days", "customer and topic", "in %", "95 % interval", "issue fcr", "(blank)"):
        assert told in ran.out


@pytest.mark.parametrize(
    "words",
    [
        ("--window", "0"),
        ("--window", "367"),
        ("--window", "a week"),
        ("--key", "agent"),
        ("--key", "topic"),
        ("--method", "magic"),
        ("--by", "weather"),
        ("--since", "yesterday"),
    ],
)
def test_fcr_called_wrongly_exits_2_and_says_why_on_stderr(shop, rulebook, words):
    ran = rulebook("fcr", *words, "--format", "json")
    assert (ran.code, ran.out) == (2, "")
    assert words[0].removeprefix("--") in ran.err and "Traceback" not in ran.err


@pytest.mark.parametrize("command", [("fcr", "--source"), ("ledger", "--source"), ("source",)])
def test_an_unknown_source_exits_1_and_names_those_that_are_there(shop, rulebook, command):
    ran = rulebook(*command, "nowhere", "--format", "json")
    assert (ran.code, ran.out) == (1, "")
    assert "nowhere" in ran.err and "desk" in ran.err


@pytest.mark.parametrize("command", [("fcr",), ("ledger",), ("source", "desk")])
def test_without_any_source_it_exits_1_and_says_how_to_import(db, rulebook, command):
    ran = rulebook(*command)
    assert (ran.code, ran.out) == (1, "")
    assert "import_cases" in ran.err


def test_fcr_of_a_source_without_a_case_is_one_group_of_nothing(db, rulebook):
    store(World((oracle.Source("desk"),)))
    result = rulebook("fcr", "--format", "json").json
    (group,) = result["groups"]
    assert (result["horizon"], group["cases"], group["fcr"], group["interval"]) == (None, 0, None, None)


def test_several_policies_stand_apart_with_the_most_mature_first(shop, rulebook):
    more = Case("mail", "1", START, customer="ann", survey=True)
    store(World((oracle.Source("mail", space="bank", horizon=LATE),), (more,)))
    Source.objects.filter(name="mail").update(method="survey")
    result = rulebook("fcr", "--format", "json").json
    assert (result["source"], [other["source"] for other in result["others"]]) == ("desk", ["mail"])
    assert result["others"][0]["groups"][0]["resolved"] == 1
    pooled = rulebook("fcr", "--method", "no_repeat", "--format", "json").json
    assert "others" not in pooled and pooled["groups"][0]["resolved"] == 4


# source


def test_source_shows_itself_and_changes_nothing(shop, rulebook):
    ran = rulebook("source", "desk", "--format", "json")
    shown = ran.json
    assert ran.code == 0
    assert (shown["source"], shown["method"], shown["window_days"]) == ("desk", "no_repeat", 7)
    assert (shown["key"], shown["space"], shown["timezone"]) == (["customer", "topic"], "shop", "Europe/Copenhagen")
    assert not Event.objects.exists()
    assert "no_repeat" in rulebook("source", "desk").out


def test_a_policy_that_is_set_recomputes_the_stored_outcomes_and_writes_one_event(shop, rulebook):
    assert stored_outcomes()["desk", "2"] == "resolved"
    shown = rulebook("source", "desk", "--window", "14", "--key", "customer", "--format", "json").json
    assert (shown["method"], shown["window_days"], shown["key"]) == ("no_repeat", 14, ["customer"])
    assert stored_outcomes()["desk", "2"] == "not_resolved"
    (event,) = Event.objects.all()
    assert (event.object_type, event.object_code) == ("source", "desk")
    assert ("7" in event.before, "14" in event.after) == (True, True)
    assert not Source.objects.get().stale


def test_a_policy_that_is_set_again_writes_no_event(shop, rulebook):
    for _ in range(2):
        assert rulebook("source", "desk", "--method", "declared").code == 0
    assert Event.objects.count() == 1
    assert stored_outcomes()["desk", "4"] == "unknown"


@pytest.mark.parametrize("words", [("--window", "0"), ("--window", "400"), ("--key", "agent"), ("--method", "magic")])
def test_a_policy_that_means_nothing_exits_2_and_changes_nothing(shop, rulebook, words):
    ran = rulebook("source", "desk", *words)
    assert (ran.code, ran.out) == (2, "")
    source = Source.objects.get()
    assert (source.method, source.window_days, source.key) == ("no_repeat", 7, "customer,topic")
    assert not Event.objects.exists()


def test_a_recomputation_that_was_cut_off_is_made_good_by_asking_again(shop, rulebook):
    Source.objects.update(window_days=14, changes=F("changes") + 1)
    assert rulebook("source", "desk", "--window", "14").code == 0
    assert stored_outcomes()["desk", "2"] == "not_resolved"
    assert not Source.objects.get().stale
