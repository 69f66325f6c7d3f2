"""The days that clocks count: summer time, leap days, July and Christmas, and periods that are written down late."""

from datetime import date, timedelta

import pytest

from rulebook.access.calendar import house_calendar
from rulebook.access.models import ClosedPeriod, Letter
from rulebook.catalogue.models import Rule
from rulebook.errors import WrongState
from rulebook.notices.models import Notice
from rulebook.review import guards, trials
from rulebook.review.clocks import clocks_due, run_clocks
from rulebook.review.letters import write_letters
from rulebook.review.models import Review, State, Trial
from rulebook.review.services import object_to, transition
from rulebook.review.situation import WITH_RULE, situations
from rulebook.review.sunset import begin_sunsets
from tests import make

pytestmark = pytest.mark.django_db
DAY = timedelta(1)
MONDAY = date(2026, 3, 2)
ANSWERS = {"play": "Refund at once.", "nobody_knows": True}
FULL = {**ANSWERS, "full_asked": True, "in_one_sentence": "Two sign.", "protects": "The till."}
# A day on which something begins, and the closed period that begins the day after.
SHUT = [
    (date(2026, 6, 30), date(2026, 7, 1), date(2026, 7, 31)),
    (date(2026, 12, 22), date(2026, 12, 23), date(2027, 1, 3)),
]
SUMMER_TIME = [date(2027, 3, 26), date(2027, 10, 29)]  # Fridays before the night of the change


def closed(first, last):
    return ClosedPeriod.objects.create(name="Closed", first=first, last=last)


def run(travel, day):
    travel(day)
    lines = run_clocks(day)
    assert not clocks_due(day) and run_clocks(day) == []
    return [line.partition(": ")[2] for line in lines]


def at(review, person=None):
    return situations([Review.objects.select_related(*WITH_RULE).get(pk=review.pk)])[0].asked_by(person)


def decided(travel, day, manager, agent, **fields):
    travel(day)
    rule = make.rule("Refunds need two signatures", **fields)
    make.vote(rule, -2, by=agent)
    return transition(review=make.review(rule, by=manager), verb="remove", by=manager, answers=ANSWERS)


@pytest.mark.parametrize("day", SUMMER_TIME)
def test_over_summer_time_every_clock_counts_days_and_not_hours(travel, manager, agent, owner, settings, day):
    settings.TIME_ZONE = "Europe/Copenhagen"
    review = decided(travel, day, manager, agent, owner=owner)
    assert (review.owner_until, review.effective_on) == (
        day + 7 * DAY,
        day + 10 * DAY,
    )  # told on Saturday, in force after
    assert run(travel, day + 7 * DAY) == []
    assert run(travel, day + 8 * DAY) == ["the front line was told."]
    assert run(travel, day + 9 * DAY) == [] and run(travel, day + 10 * DAY) == ["took effect."]
    lasts = day + 10 * DAY + 30 * DAY
    assert at(review).review.in_force_on + 30 * DAY == lasts
    travel(lasts)
    assert guards.within_thirty_days(at(review)) == ""
    travel(lasts + DAY)
    assert guards.within_thirty_days(at(review))


@pytest.mark.parametrize("day", SUMMER_TIME)
def test_over_summer_time_fence_front_line_and_lapsing_have_their_fourteen_days(travel, manager, day, settings):
    settings.TIME_ZONE = "Europe/Copenhagen"
    travel(day)
    make.rule("Old", review_by=day)
    (lapsing,) = begin_sunsets(day)
    review = make.review(make.rule(), by=manager)
    Review.objects.filter(pk=review.pk).update(full_asked=True)
    assert lapsing.lapses_on == guards.fence_until(at(review)) == day + 14 * DAY
    travel(day + 13 * DAY)
    assert not at(review).heard.heard and guards.the_fence_was_looked_at(at(review))
    travel(day + 14 * DAY)
    assert at(review).heard.heard and not guards.the_fence_was_looked_at(at(review))
    assert run(travel, day + 14 * DAY) == ["lapsed."]


def test_twelve_months_from_a_leap_day_and_thirty_days_across_it(travel, manager, agent):
    leap = travel(date(2028, 2, 29))
    review = make.review(make.rule(), by=manager)
    keep = {"purpose": "Fraud.", "answer": "Cheap."}
    with pytest.raises(WrongState, match="within 12 months"):
        transition(review=review, verb="keep", by=manager, answers={**keep, "review_by": date(2029, 3, 2)})
    kept = transition(review=review, verb="keep", by=manager, answers={**keep, "review_by": date(2029, 3, 1)})
    assert kept.state == State.KEPT and Rule.objects.get().review_by == date(2029, 3, 1)
    review = decided(travel, leap - 20 * DAY, manager, agent)
    in_force = review.effective_on
    assert run(travel, in_force) == ["took effect."]
    assert in_force + 30 * DAY == date(2028, 3, 11) and in_force < leap
    travel(date(2028, 3, 12))
    with pytest.raises(WrongState, match="until 11 Mar 2028"):
        transition(review=review, verb="undo", by=manager)
    travel(date(2028, 3, 11))
    assert transition(review=review, verb="undo", by=manager).state == State.ASSESSING


def test_what_is_looked_at_by_a_leap_day_begins_on_it(travel):
    make.rule(review_by=date(2028, 2, 29))
    travel(date(2028, 2, 28))
    assert begin_sunsets(date(2028, 2, 28)) == []
    travel(date(2028, 2, 29))
    assert [review.lapses_on for review in begin_sunsets(date(2028, 2, 29))] == [date(2028, 3, 14)]


@pytest.mark.parametrize(("day", "first", "last"), SHUT)
def test_a_closed_period_stops_every_clock(travel, manager, agent, owner, day, first, last):
    closed(first, last)
    shut = (last - first).days + 1
    review = decided(travel, day, manager, agent, owner=owner)
    other = make.review(make.rule(), by=manager)
    Review.objects.filter(pk=other.pk).update(full_asked=True)
    Rule.objects.filter(pk=make.rule("Old", review_by=day).pk).update(owner=owner)
    (lapsing,) = begin_sunsets(day)
    assert review.owner_until == day + (7 + shut) * DAY
    assert guards.fence_until(at(other)) == lapsing.lapses_on == day + (14 + shut) * DAY
    travel(day + (13 + shut) * DAY)
    assert not at(other).heard.heard and guards.the_fence_was_looked_at(at(other))
    travel(day + (14 + shut) * DAY)
    assert at(other).heard.heard and not guards.the_fence_was_looked_at(at(other))
    assert trials.house_calendar().add_working_days(day, 1) > last


def test_in_a_closed_period_no_reminder_of_an_escalation_is_written_and_its_weeks_stand_still(travel, manager):
    travel(MONDAY)
    review = make.review(make.rule(), by=manager)
    answers = {"addressee": "The bank", "answer_due": MONDAY + 4 * DAY}
    transition(review=review, verb="escalate", by=manager, answers=answers)
    closed(MONDAY + 7 * DAY, MONDAY + 20 * DAY)
    written = []
    for number in range(35):
        if write_letters(travel(MONDAY + number * DAY)):
            written.append(number)
    assert written == [4, 25, 32]  # on its day; a week of open days later, of which the closed fortnight has none


# Written down, or taken back, while a clock runs


def test_a_period_that_is_written_down_later_gives_the_owner_her_days_back(travel, manager, agent, owner):
    review = decided(travel, MONDAY, manager, agent, owner=owner)
    closed(MONDAY + 3 * DAY, MONDAY + 9 * DAY)
    assert run(travel, MONDAY + DAY) == ["the owner has longer, as a closed period came in between."]
    review = Review.objects.get()
    assert (review.owner_until, review.effective_on) == (MONDAY + 14 * DAY, MONDAY + 16 * DAY)
    assert run(travel, MONDAY + 12 * DAY) == [] and Notice.objects.get().state == Notice.State.DRAFT
    assert object_to(review=review, objection="The bank.", by=owner).state == State.ASSESSING


def test_her_days_move_even_where_they_would_be_over_and_work_was_away(travel, manager, agent, owner):
    decided(travel, MONDAY, manager, agent, owner=owner)
    closed(MONDAY + 3 * DAY, MONDAY + 9 * DAY)
    assert run(travel, MONDAY + 9 * DAY) == ["the owner has longer, as a closed period came in between."]
    assert run(travel, MONDAY + 15 * DAY) == ["the front line was told."]


def test_a_period_that_is_taken_back_shortens_nothing_that_was_announced(travel, manager, agent, owner):
    period = closed(MONDAY + 3 * DAY, MONDAY + 9 * DAY)
    review = decided(travel, MONDAY, manager, agent, owner=owner)
    make.rule("Old", review_by=MONDAY)
    (lapsing,) = begin_sunsets(MONDAY)
    period.delete()
    assert run(travel, MONDAY + 14 * DAY) == []
    review.refresh_from_db()
    lapsing.refresh_from_db()
    assert (review.owner_until, lapsing.lapses_on) == (MONDAY + 14 * DAY, MONDAY + 21 * DAY)


def test_fence_and_front_line_count_by_the_periods_that_stand_today(travel, manager):
    travel(MONDAY)
    review = make.review(make.rule(), by=manager)
    period = closed(MONDAY + 3 * DAY, MONDAY + 9 * DAY)
    travel(MONDAY + 14 * DAY)
    assert guards.fence_until(at(review)) == MONDAY + 21 * DAY and not at(review).heard.heard
    period.delete()
    assert guards.fence_until(at(review)) == MONDAY + 14 * DAY and at(review).heard.heard


def test_the_managers_day_after_a_breach_waits_for_the_house_to_open(travel, manager):
    travel(MONDAY)
    review = make.review(make.rule(), by=manager)
    trial = Trial(review=review, starts_on=MONDAY - 20 * DAY, ends_on=MONDAY + 30 * DAY, plan={}, plan_hash="")
    trial.breached_on, trial.look_until = MONDAY, MONDAY + DAY
    closed(MONDAY + DAY, MONDAY + 5 * DAY)
    assert trials._manager_until(trial, house_calendar()) == MONDAY + 7 * DAY  # the Monday after
    review.rule.protective, trial.look_until = True, MONDAY
    assert trials._manager_until(trial, house_calendar()) == MONDAY  # money and safety wait for nobody


def test_letters_of_a_closed_period_are_written_after_it(travel, manager, owner):
    closed(MONDAY, MONDAY + 6 * DAY)
    travel(MONDAY)
    make.review(make.rule(owner=owner), by=manager)
    assert write_letters(MONDAY) == 0
    assert write_letters(travel(MONDAY + 7 * DAY)) == 1 and Letter.objects.get().to == owner
