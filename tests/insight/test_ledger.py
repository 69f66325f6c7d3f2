"""The ledger: worked examples by hand, then the SQL against a slow plain oracle, stored and computed."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from django.db.models import F
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rulebook.cases import models
from rulebook.cases.fcr import Period
from rulebook.cases.policies import Policy
from rulebook.cases.queries import by_policy
from rulebook.cases.refreshing import Touched, refresh_space
from rulebook.insight import ledger as module
from rulebook.insight.ledger import ledger
from rulebook.insight.prices import printed
from rulebook.insight.queries import ledgers
from tests.cases import oracle
from tests.cases.oracle import Case, Link, Source, World
from tests.cases.worlds import AUTHORITY, periods, policies, store, tried, worlds

pytestmark = pytest.mark.django_db

START = datetime(2026, 5, 4, 8, tzinfo=UTC)
SECOND = timedelta(seconds=1)
LATE = datetime(2026, 12, 1, tzinfo=UTC)
WEEKLY = Policy("no_repeat", 7, ("customer", "topic"))
ROW_KEYS = {
    "rule", "title", "authority", "ours", "blocked_contacts", "blocked_silent", "blocked_hours", "price", "share",
}  # fmt: skip
STRINGS = ("gross", "net", "gap", "ceiling", "ours", "not_ours")
INTEGERS = ("resolved", "not_resolved", "blocked", "unexplained")


def desk(name="desk", **fields):
    return Source(name, **{"zone": "UTC", "horizon": LATE, **fields})


def missed(number, **fields):
    """A case that is not resolved, because the same customer asks once more a second later."""
    asked = Case(**{"source": "desk", "id": f"{number}", "opened": START, "customer": f"c{number}", **fields})
    return [asked, replace(asked, id=f"{number} again", opened=START + SECOND)]


def priced(cases, links, policy=WEEKLY, sources=None, period=None):
    """The printed ledger of a stored world."""
    world = World(tuple(sources or [desk()]), tuple(cases), tuple(links))
    store(world)
    refresh()
    return ledger(list(models.Source.objects.all()), policy, period or Period())


def refresh():
    for space in set(models.Source.objects.values_list("space", flat=True)):
        refresh_space(space, Touched(everything=True), lambda: None)


def by_rule(result):
    return {row["rule"]: row for row in result["rows"]}


def agrees(result, wanted, repeats):
    """The printed figures are those of the oracle, rounded so that they still add up."""
    assert (result["resolved"], result["not_resolved"]) == (wanted.resolved, wanted.not_resolved)
    assert (result["blocked"], result["blocked_silent"]) == (wanted.blocked, wanted.silent)
    assert result["unexplained"] == wanted.not_resolved - wanted.blocked
    for name in ("gross", "net", "gap", "ceiling"):
        assert result[name] == printed(getattr(wanted, name))
    assert result["coverage"] == (None if wanted.coverage is None else pytest.approx(float(wanted.coverage)))
    rows = by_rule(result)
    assert set(rows) == set(wanted.rows) and len(rows) == len(result["rows"])
    for code, row in wanted.rows.items():
        told = rows[code]
        assert (told["authority"], told["ours"]) == (AUTHORITY[code], AUTHORITY[code] != "law")
        assert told["blocked_contacts"] == row.contacts
        assert told["blocked_silent"] == (row.silent if repeats else None)
        assert near(told["price"], row.price) and near(told["share"], row.share)
        hours = float(sum(row.seconds) / 3600) if row.seconds else None
        assert told["blocked_hours"] == (None if hours is None else pytest.approx(hours, abs=1e-4))
    adds_up(result)
    has_the_promised_types(result)


def near(text, value):
    return text is None if value is None else abs(Fraction(text) - value) < Fraction(1, 10**6)


def adds_up(result):
    if result["ceiling"] is None:
        assert (result["ours"], result["not_ours"], result["rows"]) == (None, None, [])
        return
    prices = [Decimal(row["price"]) for row in result["rows"]]
    assert sum(prices, Decimal(0)) == Decimal(result["ceiling"])
    assert Decimal(result["ours"]) + Decimal(result["not_ours"]) == Decimal(result["ceiling"])
    assert sum((Decimal(row["price"]) for row in result["rows"] if row["ours"]), Decimal(0)) == Decimal(result["ours"])
    assert prices == sorted(prices, reverse=True)
    shares = [row["share"] for row in result["rows"]]
    if result["gap"] is None:
        assert set(shares) <= {None}
    else:
        assert sum(map(Decimal, shares), Decimal(0)) == Decimal(result["gap"])


def has_the_promised_types(result):
    assert all(type(result[name]) is int for name in INTEGERS)
    assert result["blocked_silent"] is None or type(result["blocked_silent"]) is int
    assert result["coverage"] is None or type(result["coverage"]) is float
    for text in [result[name] for name in STRINGS] + [
        row[name] for row in result["rows"] for name in ("price", "share")
    ]:
        assert text is None or (isinstance(text, str) and len(text.partition(".")[2]) == 6)
    for row in result["rows"]:
        assert set(row) == ROW_KEYS
        assert type(row["blocked_contacts"]) is int and type(row["ours"]) is bool
        assert row["blocked_hours"] is None or type(row["blocked_hours"]) is float


# By hand


def test_a_case_that_two_rules_blocked_costs_each_a_half():
    links = [Link("desk", "1", "R-1"), Link("desk", "1", "R-2"), Link("desk", "2", "R-1")]
    result = priced(missed(1) + missed(2), links)
    assert (result["gross"], result["net"], result["gap"], result["ceiling"]) == (
        "0.500000", "1.000000", "0.500000", "0.500000",
    )  # fmt: skip
    rows = by_rule(result)
    assert (rows["R-1"]["price"], rows["R-2"]["price"]) == ("0.375000", "0.125000")
    assert (rows["R-1"]["share"], rows["R-2"]["share"]) == ("0.375000", "0.125000")
    assert (rows["R-1"]["blocked_contacts"], rows["R-2"]["blocked_contacts"]) == (2, 1)
    assert (result["ours"], result["not_ours"]) == ("0.375000", "0.125000")


def test_prices_of_three_equal_rules_sum_to_the_printed_ceiling_and_not_past_it():
    links = [Link("desk", "1", rule) for rule in ("R-1", "R-2", "R-3")]
    result = priced(missed(1), links)
    assert result["ceiling"] == "0.500000"
    assert [row["price"] for row in result["rows"]] == ["0.166667", "0.166667", "0.166666"]


def test_a_flag_beside_what_the_source_said_counts_once():
    links = [Link("desk", "1", "R-1", origin=origin) for origin in ("source", "flag", "matcher")]
    (row,) = priced(missed(1), links)["rows"]
    assert (row["blocked_contacts"], row["price"]) == (1, "0.500000")


def test_a_rule_that_only_a_flag_names_shares_the_case_with_the_one_that_the_source_names():
    links = [Link("desk", "1", "R-1"), Link("desk", "1", "R-2", origin="flag")]
    assert [row["price"] for row in priced(missed(1), links)["rows"]] == ["0.250000", "0.250000"]


def test_a_rule_in_play_has_no_price_but_counts_for_coverage():
    result = priced(missed(1) + missed(2), [Link("desk", "1", "R-1", "applied")])
    assert (result["blocked"], result["coverage"], result["rows"], result["ceiling"]) == (0, 0.5, [], "0.000000")


def test_hours_are_split_among_the_rules_and_null_where_none_are_known():
    cases = missed(1, seconds=3_600) + missed(2) + missed(3)
    links = [Link("desk", "1", "R-1"), Link("desk", "1", "R-2"), Link("desk", "2", "R-1"), Link("desk", "3", "R-3")]
    rows = by_rule(priced(cases, links))
    assert [rows[code]["blocked_hours"] for code in ("R-1", "R-2", "R-3")] == [0.5, 0.5, None]


def test_told_no_and_did_not_return_has_its_own_line_and_no_price():
    told_no = Case("desk", "9", START, customer="zoe")
    result = priced([*missed(1), told_no], [Link("desk", "9", "R-1"), Link("desk", "1", "R-2")])
    rows = by_rule(result)
    assert (result["blocked_silent"], rows["R-1"]["blocked_silent"], rows["R-2"]["blocked_silent"]) == (1, 1, 0)
    assert (rows["R-1"]["price"], rows["R-1"]["blocked_contacts"]) == ("0.000000", 0)
    assert [row["rule"] for row in result["rows"]] == ["R-2", "R-1"]


def test_told_no_is_null_under_other_methods_and_a_rule_that_blocked_only_solved_cases_has_no_row():
    solved = Case("desk", "9", START, declared=True)
    result = priced([solved], [Link("desk", "9", "R-1")], Policy("declared", 7, ("customer", "topic")))
    assert (result["blocked_silent"], result["rows"], result["gross"]) == (None, [], "1.000000")


def test_pending_unknown_and_excluded_cases_are_in_no_price():
    cases = [
        Case("desk", "pending", LATE, customer="ann"),
        Case("desk", "unknown", START),
        Case("desk", "excluded", START, customer="bob", excluded="spam"),
    ]
    result = priced(cases, [Link("desk", case.id, "R-1") for case in cases])
    assert (result["resolved"], result["not_resolved"], result["rows"], result["coverage"]) == (0, 0, [], None)


def test_without_a_mature_case_rates_are_null_and_counts_are_nothing():
    result = priced([], [])
    assert [result[name] for name in (*STRINGS, "coverage")] == [None] * 7
    assert [result[name] for name in (*INTEGERS, "blocked_silent")] == [0] * 5


def test_where_every_mature_case_was_blocked_net_gap_and_shares_are_null_and_the_price_is_not():
    period = Period(until=START.date())
    first = Case("desk", "1", START, customer="ann")
    again = replace(first, id="2", opened=START + timedelta(days=1))
    result = priced([first, again], [Link("desk", "1", "R-1")], period=period)
    assert (result["gross"], result["net"], result["gap"], result["ceiling"]) == ("0.000000", None, None, "1.000000")
    assert (result["rows"][0]["price"], result["rows"][0]["share"]) == ("1.000000", None)


def test_a_period_includes_both_its_days():
    rows = [replace(case, opened=case.opened + timedelta(days=n)) for n in range(4) for case in missed(n)]
    result = priced(
        rows, [Link("desk", str(n), "R-1") for n in range(4)], period=Period(date(2026, 5, 5), date(2026, 5, 6))
    )
    assert (result["not_resolved"], result["rows"][0]["blocked_contacts"]) == (2, 2)


# Pooling


def asked(names=None):
    chosen = models.Source.objects.filter(name__in=names) if names else models.Source.objects.all()
    return ledgers(by_policy(list(chosen.order_by("name"))), Period())


def three_desks():
    cases = missed(1) + [replace(case, source="mail") for case in missed(2)]
    cases += [Case("phone", str(n), START, declared=n > 0) for n in range(5)]
    links = [Link("desk", "1", "R-1"), Link("mail", "2", "R-1"), Link("phone", "0", "R-2")]
    sources = [desk(), desk("mail", space="bank"), desk("phone", space="bank")]
    store(World(tuple(sources), tuple(cases), tuple(links)))
    models.Source.objects.filter(name="phone").update(method="declared")
    refresh()


def test_sources_of_equal_policies_are_pooled_and_the_most_mature_policy_stands_on_top():
    three_desks()
    result = asked()
    (other,) = result["others"]
    assert (result["sources"], result["policy"]["method"]) == (["phone"], "declared")
    assert (other["sources"], other["policy"]) == (
        ["desk", "mail"], {"method": "no_repeat", "window_days": 7, "key": ["customer", "topic"]},
    )  # fmt: skip
    assert (other["not_resolved"], other["rows"][0]["blocked_contacts"], other["rows"][0]["price"]) == (
        2,
        2,
        "0.500000",
    )
    assert set(other) == set(result) - {"others"}


def test_with_one_policy_there_are_no_others():
    three_desks()
    assert asked(["desk", "mail"])["others"] == []


def test_one_policy_for_all_when_it_is_asked_for():
    three_desks()
    result = ledgers(by_policy(list(models.Source.objects.order_by("name")), method="declared"), Period())
    assert (result["sources"], result["others"], result["resolved"]) == (["desk", "mail", "phone"], [], 4)


# Against the oracle

LIMITS = {"deadline": None, "suppress_health_check": list(HealthCheck)}


@settings(max_examples=120, **LIMITS)
@given(st.data())
def test_every_policy_and_period_agrees_with_the_oracle_to_the_last_fraction(data):
    world = data.draw(worlds(most=16))

    def check():
        stored = store(world)
        for _ in range(3):
            policy = data.draw(policies)
            since, until = data.draw(periods(world))
            names = data.draw(st.lists(st.sampled_from(list(stored)), min_size=1, unique=True))
            sources = list(models.Source.objects.filter(name__in=names))
            models.Source.objects.update(changes=F("changes") + 1)  # nothing is stored yet, and that is known
            result = ledger(sources, Policy(policy.method, policy.window, policy.key), Period(since, until))
            agrees(result, oracle.ledger(world, names, policy, since, until), policy.method == "no_repeat")

    tried(check)


@settings(max_examples=80, **LIMITS)
@given(st.data())
def test_the_ledger_from_stored_outcomes_is_the_computed_one(data):
    world, policy = data.draw(worlds(most=16)), data.draw(policies)

    def check():
        store(world)
        models.Source.objects.update(method=policy.method, window_days=policy.window, key=",".join(policy.key))
        refresh()
        since, until = data.draw(periods(world))
        names = [source.name for source in world.sources]
        question = (list(models.Source.objects.all()), Policy(policy.method, policy.window, policy.key))
        read = ledger(*question, Period(since, until))
        agrees(read, oracle.ledger(world, names, policy, since, until), policy.method == "no_repeat")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(module, "stored_cases", lambda space, asked: None)
            assert ledger(*question, Period(since, until)) == read

    tried(check)
