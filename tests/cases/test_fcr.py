"""First-contact resolution: every sentence of its definition by hand, then the SQL against a slow plain oracle."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rulebook.access.models import Person, Team
from rulebook.cases import models
from rulebook.cases.fcr import GROUPINGS, Period, fcr
from rulebook.cases.intervals import wilson
from rulebook.cases.policies import Policy
from tests.cases import oracle
from tests.cases.oracle import Case, Link, Source, World
from tests.cases.worlds import periods, policies, repeat_policies, store, tried, worlds

pytestmark = pytest.mark.django_db

START = datetime(2026, 5, 4, 8, tzinfo=UTC)
WEEK = timedelta(days=7)
SECOND, MICROSECOND = timedelta(seconds=1), timedelta(microseconds=1)
LATE = datetime(2026, 12, 1, tzinfo=UTC)
LIMITS = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]}
KEYS = {
    "group", "cases", "resolved", "not_resolved", "repeated", "early_repeats", "pending", "unknown", "excluded",
    "blocked_silent", "fcr", "net", "issue_fcr", "interval",
}  # fmt: skip


def desk(horizon=LATE, **fields):
    return Source("desk", **{"zone": "UTC", "horizon": horizon, **fields})


ONE_DESK = (desk(),)


def case(number, opened, **fields):
    return Case(**{"source": "desk", "id": str(number), "opened": opened, "customer": "ann", **fields})


def measured(cases, sources=ONE_DESK, links=(), policy=None, since=None, until=None, by=None, names=None, heads=()):
    """{group: its line} of a world that is stored for it; the oracle must agree before the test says its own."""
    world = World(tuple(sources), tuple(cases), tuple(links), tuple(heads))
    stored = store(world)
    return asked(world, stored, policy or oracle.Policy(), since, until, by, names)


def asked(world, stored, policy, since=None, until=None, by=None, names=None):
    names = names or [source.name for source in world.sources]
    chosen = list(models.Source.objects.filter(name__in=names))
    result = fcr(chosen, Policy(policy.method, policy.window, policy.key), Period(since, until), by)
    groups = {group["group"]: group for group in result["groups"]}
    assert len(groups) == len(result["groups"])
    wanted = oracle.fcr(world, names, policy, since, until, by)
    assert set(groups) == set(wanted)
    for name, numbers in wanted.items():
        assert set(groups[name]) == KEYS
        told = {key: groups[name][key] for key in numbers}
        assert told == {key: number if number is None else approximate(number) for key, number in numbers.items()}, name
    return groups


def approximate(number):
    return number if isinstance(number, int) else pytest.approx(float(number), abs=1e-12)


def outcomes(line):
    return {name: line[name] for name in ("resolved", "not_resolved", "pending", "unknown") if line[name]}


# no_repeat


def test_a_contact_without_a_repeat_is_resolved():
    assert outcomes(measured([case(1, START)])["all"]) == {"resolved": 1}


@pytest.mark.parametrize(
    ("later", "missed"),
    [(WEEK - SECOND, 1), (WEEK - MICROSECOND, 1), (WEEK, 1), (WEEK + MICROSECOND, 0), (WEEK + SECOND, 0)],
)
def test_a_repeat_counts_up_to_the_same_moment_of_the_last_day(later, missed):
    line = measured([case(1, START), case(2, START + later)])["all"]
    assert (line["not_resolved"], line["repeated"], line["resolved"]) == (missed, missed, 2 - missed)


@pytest.mark.parametrize(("before", "said"), [(MICROSECOND, "pending"), (timedelta(0), "resolved")])
def test_a_case_is_mature_when_its_window_ends_with_the_horizon_and_not_a_microsecond_earlier(before, said):
    assert outcomes(measured([case(1, START)], [desk(START + WEEK - before)])["all"]) == {said: 1}


@pytest.mark.parametrize(("days", "missed"), [(6, 1), (7, 1), (8, 0)])
def test_a_bare_date_is_counted_in_calendar_days(days, missed):
    day = date(2026, 5, 4)
    late = datetime(2026, 5, 4 + days, 23, 59, 59, tzinfo=UTC)
    assert measured([case(1, day), case(2, late)])["all"]["not_resolved"] == missed


def test_calendar_days_decide_also_when_only_the_repeat_is_a_bare_date():
    midnight = datetime(2026, 10, 24, 22, tzinfo=UTC)  # 00:00 on the 25th, a day of 25 hours in Copenhagen
    line = measured([case(1, midnight), case(2, date(2026, 11, 1))], [desk(zone="Europe/Copenhagen")])["all"]
    assert line["not_resolved"] == 1


def test_a_bare_date_is_mature_when_its_last_day_is_the_local_day_of_the_horizon():
    copenhagen = {"zone": "Europe/Copenhagen"}
    day = date(2026, 5, 4)
    before = datetime(2026, 5, 10, 21, 59, 59, tzinfo=UTC)  # 23:59:59 on the 10th in Copenhagen
    assert outcomes(measured([case(1, day)], [desk(before, **copenhagen)])["all"]) == {"pending": 1}


def test_a_bare_date_matures_with_the_first_moment_of_that_local_day():
    midnight = datetime(2026, 5, 10, 22, tzinfo=UTC)  # 00:00 on the 11th in Copenhagen
    line = measured([case(1, date(2026, 5, 4))], [desk(midnight, zone="Europe/Copenhagen")])["all"]
    assert outcomes(line) == {"resolved": 1}


@pytest.mark.parametrize("opened", [datetime(2026, 3, 28, 12, tzinfo=UTC), datetime(2026, 10, 24, 12, tzinfo=UTC)])
def test_a_day_is_86400_seconds_also_when_the_clocks_change(opened):
    summer = desk(zone="Europe/Copenhagen")
    policy = oracle.Policy(window=1)
    day = timedelta(seconds=86_400)
    assert measured([case(1, opened), case(2, opened + day)], [summer], policy=policy)["all"]["not_resolved"] == 1


def test_a_repeat_before_the_window_is_over_is_pending_shown_at_once_and_in_no_rate():
    line = measured([case(1, START), case(2, START + WEEK / 7)], [desk(START + WEEK - SECOND)])["all"]
    assert outcomes(line) == {"pending": 2}
    assert (line["early_repeats"], line["fcr"], line["interval"], line["issue_fcr"]) == (1, None, None, None)


def test_a_case_without_a_customer_is_unknown_and_nobodys_repeat():
    line = measured([case(1, START, customer=""), case(2, START, customer=""), case(3, START)])["all"]
    assert outcomes(line) == {"resolved": 1, "unknown": 2}
    assert line["issue_fcr"] == 1


def test_a_case_without_a_customer_is_unknown_also_before_its_window_is_over():
    assert outcomes(measured([case(1, START, customer="")], [desk(START)])["all"]) == {"unknown": 1}


def test_a_blank_topic_is_a_value_of_its_own():
    rows = [case(1, START), case(2, START + SECOND), case(3, START + SECOND * 2, topic="returns")]
    line = measured(rows)["all"]
    assert outcomes(line) == {"resolved": 2, "not_resolved": 1}


def test_under_the_key_customer_another_topic_is_a_repeat():
    rows = [case(1, START), case(2, START + SECOND, topic="returns")]
    assert measured(rows, policy=oracle.Policy(key=("customer",)))["all"]["not_resolved"] == 1


def test_an_excluded_case_is_counted_as_such_and_is_in_no_figure_and_no_repeat():
    rows = [case(1, START), case(2, START + SECOND, excluded="outbound")]
    line = measured(rows)["all"]
    assert (line["cases"], line["excluded"], line["fcr"]) == (1, 1, 1)


def test_the_repeat_is_the_next_case_and_a_chain_may_be_longer_than_the_window():
    rows = [case(1, START), case(2, START + WEEK), case(3, START + 2 * WEEK), case(4, START + 4 * WEEK)]
    line = measured(rows)["all"]
    assert outcomes(line) == {"resolved": 2, "not_resolved": 2}
    assert line["issue_fcr"] == 0.5


@pytest.mark.parametrize(
    ("first", "second", "third"),
    [(("desk", "1"), ("desk", "10"), ("desk", "2")), (("desk", "B"), ("desk", "a"), ("desk", "é"))],
)
def test_cases_of_one_moment_are_ordered_by_their_ids_bytewise(first, second, third):
    rows = [case(key[1], START, channel=key[1]) for key in (third, first, second)]
    groups = measured(rows, by="channel")
    assert [groups[key[1]]["not_resolved"] for key in (first, second, third)] == [1, 1, 0]


def test_cases_of_one_moment_are_ordered_by_the_name_of_their_source_before_their_ids():
    sources = [Source(name, zone="UTC", horizon=LATE) for name in ("a", "B")]
    rows = [replace(case(1, START), source="a", channel="a"), replace(case(2, START), source="B", channel="B")]
    groups = measured(rows, sources, by="channel")
    assert (groups["B"]["not_resolved"], groups["a"]["not_resolved"]) == (1, 0)


# Spaces and horizons


def two_desks(second, space="shop"):
    return [desk(), Source("phone", zone="UTC", space=space, horizon=second)]


def test_a_mail_after_a_call_is_a_repeat_where_the_sources_share_a_space():
    rows = [case(1, START), replace(case(1, START + SECOND), source="phone")]
    assert measured(rows, two_desks(LATE))["all"]["not_resolved"] == 1


def test_the_same_customer_of_another_space_is_somebody_else():
    rows = [case(1, START), replace(case(1, START + SECOND), source="phone")]
    assert measured(rows, two_desks(LATE, "bank"))["all"]["not_resolved"] == 0


def test_a_repeat_through_another_source_counts_also_where_one_source_is_asked_for():
    rows = [case(1, START), replace(case(1, START + SECOND), source="phone")]
    line = measured(rows, two_desks(LATE), names=["desk"])["all"]
    assert outcomes(line) == {"not_resolved": 1}


def test_the_slowest_live_source_holds_back_its_whole_space():
    assert outcomes(measured([case(1, START)], two_desks(START))["all"]) == {"pending": 1}


def test_a_retired_source_holds_back_nothing():
    retired = replace(two_desks(START)[1], retired=True)
    assert outcomes(measured([case(1, START)], [desk(), retired])["all"]) == {"resolved": 1}


def test_a_source_that_no_import_has_finished_holds_back_nothing():
    assert outcomes(measured([case(1, START)], two_desks(None))["all"]) == {"resolved": 1}


def test_a_space_of_retired_sources_is_complete_until_the_latest():
    sources = [replace(source, retired=True) for source in two_desks(START)]
    assert outcomes(measured([case(1, START)], sources)["all"]) == {"resolved": 1}


def test_before_any_horizon_everything_is_pending():
    assert outcomes(measured([case(1, START), case(2, date(2026, 1, 1))], [desk(None)])["all"]) == {"pending": 2}


# The other methods


@pytest.mark.parametrize("method", ["declared", "survey"])
def test_what_is_stated_is_taken_as_it_is_and_never_pending(method):
    said = {1: True, 2: False, 3: None}
    rows = [case(number, START, customer="", **{method: value}) for number, value in said.items()]
    line = measured(rows, [desk(START)], policy=oracle.Policy(method))["all"]
    assert outcomes(line) == {"resolved": 1, "not_resolved": 1, "unknown": 1}
    nothing = ("repeated", "early_repeats", "blocked_silent", "issue_fcr")
    assert [line[name] for name in nothing] == [None] * 4


@pytest.mark.parametrize(
    ("handoffs", "reopens", "replies", "said"),
    [
        (0, 0, 0, "resolved"),
        (0, 0, 1, "resolved"),
        (1, 0, 1, "not_resolved"),
        (0, 1, 1, "not_resolved"),
        (0, 0, 2, "not_resolved"),
        (None, 0, 1, "unknown"),
        (0, None, 1, "unknown"),
        (0, 0, None, "unknown"),
        (1, None, None, "not_resolved"),
        (None, 1, None, "not_resolved"),
        (None, None, 2, "not_resolved"),
        (None, None, None, "unknown"),
    ],
)
def test_single_touch_needs_no_handoff_no_reopening_and_at_most_one_reply(handoffs, reopens, replies, said):
    row = case(1, START, closed=START, handoffs=handoffs, reopens=reopens, replies=replies)
    assert outcomes(measured([row], policy=oracle.Policy("single_touch"))["all"]) == {said: 1}


def test_single_touch_of_an_open_case_is_pending_whatever_its_counts():
    row = case(1, START, handoffs=1, reopens=0, replies=5)
    assert outcomes(measured([row], policy=oracle.Policy("single_touch"))["all"]) == {"pending": 1}


@pytest.mark.parametrize(
    ("opened", "closed", "horizon", "said"),
    [
        (START, START + WEEK, START, "resolved"),
        (START, START + WEEK + MICROSECOND, START + WEEK, "not_resolved"),
        (START, START + WEEK + MICROSECOND, START + WEEK - MICROSECOND, "pending"),
        (START, None, START + WEEK, "not_resolved"),
        (START, None, START + WEEK - MICROSECOND, "pending"),
        (date(2026, 5, 4), datetime(2026, 5, 11, 23, 59, tzinfo=UTC), START, "resolved"),
        (date(2026, 5, 4), date(2026, 5, 12), LATE, "not_resolved"),
        (START, date(2026, 5, 11), START, "resolved"),
        (START, date(2026, 5, 12), LATE, "not_resolved"),
        (date(2026, 5, 4), None, datetime(2026, 5, 11, tzinfo=UTC), "not_resolved"),
        (date(2026, 5, 4), None, datetime(2026, 5, 10, 23, 59, tzinfo=UTC), "pending"),
    ],
)
def test_closed_fast_is_resolved_inside_the_window_and_judged_once_the_window_is_over(opened, closed, horizon, said):
    row = case(1, opened, closed=closed, customer="")
    assert outcomes(measured([row], [desk(horizon)], policy=oracle.Policy("closed_fast"))["all"]) == {said: 1}


# Chains


def test_a_chain_counts_once_its_last_case_is_mature():
    rows = [case(1, START), case(2, START + WEEK)]
    assert measured(rows, [desk(START + 2 * WEEK - SECOND)])["all"]["issue_fcr"] is None


def test_a_chain_counts_in_the_month_of_its_first_contact():
    rows = [case(1, datetime(2026, 4, 30, tzinfo=UTC)), case(2, datetime(2026, 5, 2, tzinfo=UTC))]
    groups = measured(rows, by="month")
    assert (groups["2026-04"]["issue_fcr"], groups["2026-05"]["issue_fcr"]) == (0, None)


def test_a_chain_counts_in_the_period_of_its_first_contact():
    rows = [case(1, START), case(2, START + timedelta(days=2))]
    assert measured(rows, since=date(2026, 5, 5))["all"]["issue_fcr"] is None


def test_both_days_of_a_period_are_included():
    rows = [case(number, START + timedelta(days=number), topic=str(number)) for number in range(4)]
    line = measured(rows, since=date(2026, 5, 5), until=date(2026, 5, 6))["all"]
    assert line["cases"] == 2


def test_a_chain_counts_in_the_source_of_its_first_contact():
    rows = [case(1, START), replace(case(1, START + SECOND), source="phone")]
    world = World(tuple(two_desks(LATE)), tuple(rows))
    stored = store(world)
    for by in (None, "month", "topic"):
        (first,) = asked(world, stored, oracle.Policy(), by=by, names=["desk"]).values()
        (second,) = asked(world, stored, oracle.Policy(), by=by, names=["phone"]).values()
        assert (first["issue_fcr"], second["issue_fcr"]) == (0, None)


def test_by_rule_a_chain_counts_for_the_rules_of_its_first_contact():
    rows = [case(1, START), case(2, START + SECOND)]
    groups = measured(rows, links=[Link("desk", "1", "R-1"), Link("desk", "2", "R-2")], by="rule")
    assert (groups["R-1"]["issue_fcr"], groups["R-2"]["issue_fcr"]) == (0, None)


# Rates


def test_net_leaves_out_the_not_resolved_that_a_rule_blocked_and_told_no_stands_on_its_own_line():
    rows = [case(n, START + n * SECOND) for n in range(3)] + [case(9, START, topic="returns")]
    links = [Link("desk", "0", "R-1"), Link("desk", "1", "R-1", "applied"), Link("desk", "9", "R-2")]
    line = measured(rows, links=links)["all"]
    assert outcomes(line) == {"resolved": 2, "not_resolved": 2}
    assert (line["fcr"], line["net"], line["blocked_silent"]) == (0.5, pytest.approx(2 / 3), 1)


def test_net_is_undefined_where_every_case_was_blocked():
    rows = [case(1, START), case(2, START + SECOND)]
    line = measured(rows, links=[Link("desk", "1", "R-1")], until=START.date(), by="rule")["R-1"]
    assert (line["fcr"], line["net"]) == (0, None)


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [  # R. G. Newcombe, "Two-sided confidence intervals for the single proportion", Statistics in Medicine 17 (1998)
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_the_interval_is_the_published_one_of_wilson(successes, trials, low, high):
    assert wilson(successes, trials) == pytest.approx((low, high), abs=5e-5)


@settings(**LIMITS)
@given(st.integers(0, 400), st.integers(0, 400))
def test_the_interval_holds_the_rate_and_stays_between_nothing_and_all(successes, failures):
    found = wilson(successes, successes + failures)
    if not successes + failures:
        assert found is None
        return
    low, high = found
    assert 0 <= low <= successes / (successes + failures) + 1e-12
    assert successes / (successes + failures) - 1e-12 <= high <= 1


# Groups


def test_without_a_grouping_there_is_one_group_also_without_a_case():
    line = measured([])["all"]
    assert (line["cases"], line["excluded"], line["fcr"], line["net"], line["interval"]) == (0, 0, None, None, None)


@pytest.mark.parametrize("by", ["topic", "channel", "team", "month", "rule"])
def test_a_group_of_excluded_cases_only_is_shown_with_their_number(by):
    rows = [case(1, START, topic="returns", channel="mail", team="Day", excluded="spam")]
    (line,) = measured(rows, links=[Link("desk", "1", "R-1")], heads=[("Day", 9)], by=by).values()
    assert (line["cases"], line["excluded"], line["fcr"]) == (0, 1, None)


def test_a_case_that_met_two_rules_counts_in_both_groups_and_the_note_says_so():
    world = World((desk(),), (case(1, START),), tuple(Link("desk", "1", rule) for rule in ("R-1", "R-2")))
    stored = store(world)
    assert {name: line["cases"] for name, line in asked(world, stored, oracle.Policy(), by="rule").items()} == {
        "R-1": 1,
        "R-2": 1,
    }
    note = fcr(list(stored.values()), Policy("no_repeat", 7, ("customer", "topic")), Period(), "rule")["note"]
    assert "overlap" in note and "any rule" in note


def test_a_link_said_twice_counts_a_case_once():
    links = [
        Link("desk", "1", "R-1", effect, origin) for effect in ("applied", "blocked") for origin in ("source", "flag")
    ]
    assert measured([case(1, START)], links=links, by="rule")["R-1"]["cases"] == 1


def test_teams_of_fewer_than_five_stand_together_and_take_in_the_next_smallest():
    rows = [case(n, START, team=team, topic=team) for n, team in enumerate(("Day", "Night", "Weekend", ""))]
    groups = measured(rows, heads=[("Day", 12), ("Night", 7), ("Weekend", 3)], by="team")
    assert {name: line["cases"] for name, line in groups.items()} == {"Day": 1, "other": 2, "": 1}


def test_a_team_is_as_large_as_its_registered_members_where_that_is_more_than_the_headcount():
    rows = [case(1, START, team="Day"), case(2, START, team="Night")]
    world = World((desk(),), tuple(rows), (), (("Day", 2), ("Night", 9)))
    stored = store(world)
    team = Team.objects.get(name="Day")
    for number in range(5):
        Person.objects.create(username=f"agent {number}", team=team)
    result = fcr(list(stored.values()), Policy("no_repeat", 7, ("customer", "topic")), Period(), "team")
    assert [group["group"] for group in result["groups"]] == ["Day", "Night"]


def test_sources_of_two_spaces_are_pooled():
    rows = [case(1, START), replace(case(1, START), source="phone")]
    assert measured(rows, two_desks(LATE, "bank"))["all"]["resolved"] == 2


# Against the oracle


@settings(max_examples=100, **LIMITS)
@given(st.data())
def test_every_method_window_key_grouping_and_period_agrees_with_the_oracle(data):
    world = data.draw(worlds())

    def check():
        stored = store(world)
        for _ in range(3):
            policy = data.draw(policies)
            since, until = data.draw(periods(world))
            names = data.draw(st.lists(st.sampled_from(list(stored)), min_size=1, unique=True))
            asked(world, stored, policy, since, until, data.draw(st.sampled_from([None, *GROUPINGS])), names)

    tried(check)


@settings(max_examples=100, **LIMITS)
@given(worlds(most=16), repeat_policies)
def test_repeats_and_chains_agree_with_the_oracle_in_every_grouping(world, policy):
    def check():
        stored = store(world)
        for by in (None, *GROUPINGS):
            asked(world, stored, policy, by=by)

    tried(check)
