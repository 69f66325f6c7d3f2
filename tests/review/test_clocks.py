"""The clocks of decided reviews: told, in force, put off, and each thing once, whenever `work` runs."""

from datetime import date, timedelta

import pytest

from rulebook.access.models import ClosedPeriod
from rulebook.catalogue.models import Rule
from rulebook.catalogue.services import change_rule
from rulebook.desk import work
from rulebook.journal.models import Event
from rulebook.notices.models import Notice
from rulebook.review.clocks import clocks_due, run_clocks
from rulebook.review.models import Review, State
from rulebook.review.services import tool_is_changed, transition
from tests import make

MONDAY = date(2026, 3, 2)
ANSWERS = {"play": "Refund at once.", "nobody_knows": True}

pytestmark = pytest.mark.django_db


@pytest.fixture
def decide(agent, manager, travel):
    """`decide(rule)`: marked and decided on Monday, to be removed."""

    def of(rule=None, on=MONDAY):
        travel(on)
        rule = rule or make.rule("Refunds need two signatures")
        make.vote(rule, -2, by=agent)
        review = make.review(rule, by=manager)
        return transition(review=review, verb="remove", by=manager, answers=ANSWERS)

    return of


def run(travel, day):
    """What the clocks do on a day; a second round finds nothing."""
    travel(day)
    lines = run_clocks(day)
    assert not clocks_due(day) and run_clocks(day) == []
    return lines


def now(review):
    return Review.objects.get(pk=review.pk)


def test_it_takes_effect_on_its_day_and_not_before(decide, travel):
    review = decide()
    assert run(travel, MONDAY) == []
    assert run(travel, MONDAY + timedelta(1)) == [f"{review.rule.code}: took effect."]
    assert now(review).state == State.REMOVED and Rule.objects.get().status == Rule.Status.REMOVED


def test_after_a_weeks_outage_it_is_done_once_and_keeps_the_day_it_was_due(decide, travel):
    review = decide()
    late = MONDAY + timedelta(8)
    assert len(run(travel, late)) == 1
    assert (now(review).effective_on, now(review).in_force_on) == (MONDAY + timedelta(1), late)
    assert Event.objects.filter(verb="take_effect").count() == 1


def test_when_the_owner_let_her_time_pass_the_front_line_is_told_and_then_it_takes_effect(decide, travel, owner):
    review = decide(make.rule(owner=owner))
    assert run(travel, MONDAY + timedelta(7)) == []  # her last day
    assert run(travel, MONDAY + timedelta(8)) == [f"{review.rule.code}: the front line was told."]
    notice = Notice.objects.get()
    assert (notice.state, notice.effective_on) == (Notice.State.PUBLISHED, MONDAY + timedelta(9))
    assert len(run(travel, MONDAY + timedelta(9))) == 1 and now(review).state == State.REMOVED


def test_told_late_after_an_outage_the_front_line_still_has_its_working_day(decide, travel, owner):
    review = decide(make.rule(owner=owner))
    friday = MONDAY + timedelta(25)
    assert len(run(travel, friday)) == 1
    assert now(review).effective_on == friday + timedelta(3) == Notice.objects.get().effective_on
    assert run(travel, friday + timedelta(1)) == [] and len(run(travel, friday + timedelta(3))) == 1


def test_a_rule_that_a_tool_forces_waits_for_the_tick(decide, travel, manager):
    review = decide(make.rule(authority="system"))
    assert run(travel, MONDAY + timedelta(40)) == []
    tool_is_changed(review=review, by=manager)
    assert run(travel, MONDAY + timedelta(40)) == []
    assert len(run(travel, MONDAY + timedelta(43))) == 1 and now(review).state == State.REMOVED


def test_the_front_line_is_not_told_of_a_decision_on_words_that_changed_since(decide, travel, owner):
    review = decide(make.rule("Two signatures", owner=owner))
    change_rule(rule=review.rule, fields={"title": "Three signatures"}, by=None)
    assert run(travel, MONDAY + timedelta(20)) == [
        f"{review.rule.code}: open again, as the rule was changed after the decision."
    ]
    assert Notice.objects.get().state == Notice.State.WITHDRAWN and now(review).state == State.ASSESSING


def test_the_review_of_a_rule_that_was_removed_otherwise_is_closed(travel, manager):
    travel(MONDAY)
    review = make.review(by=manager)
    Rule.objects.update(status=Rule.Status.REMOVED)
    assert run(travel, MONDAY) == [f"{review.rule.code}: closed, as the rule is removed."]
    assert now(review).state == State.WITHDRAWN


@pytest.mark.parametrize("day", [date(2026, 3, 27), date(2028, 2, 28), date(2026, 10, 23), date(2027, 12, 30)])
def test_summer_time_leap_days_and_the_new_year_move_no_day(agent, manager, travel, day):
    travel(day)
    rule = make.rule()
    make.vote(rule, -2, by=agent)
    review = transition(review=make.review(rule, by=manager), verb="remove", by=manager, answers=ANSWERS)
    due = review.effective_on
    assert due.weekday() < 5 and 1 <= (due - day).days <= 3
    assert run(travel, due - timedelta(1)) == [] and len(run(travel, due)) == 1


def test_july_stops_the_owners_clock(decide, travel, owner):
    ClosedPeriod.objects.create(name="Spring", first=MONDAY + timedelta(3), last=MONDAY + timedelta(16))
    review = decide(make.rule(owner=owner))
    assert review.owner_until == MONDAY + timedelta(21)
    assert run(travel, MONDAY + timedelta(21)) == [] and len(run(travel, MONDAY + timedelta(22))) == 1


def test_work_does_it_and_run_twice_it_changes_nothing_more(decide, travel, owner):
    monday = date(2035, 3, 5)  # jobs are due from the real day on, whatever day a test travels to
    decide(on=monday)
    lapses = make.rule("Ask twice", review_by=monday, owner=owner)
    travel(monday + timedelta(1))
    done = work.work()
    assert not [line for line in done if line.failed]
    assert {"clocks", "sunsets", "review letters"} <= {line.duty for line in done}
    assert lapses.reviews.get().state == State.LAPSING
    events = Event.objects.count()
    assert work.work() == [] and not work.is_due() and Event.objects.count() == events


def test_a_day_without_clocks_costs_one_query(django_assert_num_queries, manager):
    for _ in range(3):
        make.review(by=manager)
    with django_assert_num_queries(1):  # the reviews whose day has come: none
        assert not clocks_due(MONDAY)
