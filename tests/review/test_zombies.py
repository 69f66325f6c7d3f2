"""Removed rules that live on: counted by team, told again, quiet after thirty days; and whom to call back."""

from datetime import UTC, date, datetime, timedelta

import pytest

from rulebook.catalogue.models import Rule
from rulebook.desk import todo
from rulebook.errors import NotAllowed, WrongState
from rulebook.journal.models import Event
from rulebook.notices.models import Notice
from rulebook.review.clocks import run_clocks
from rulebook.review.models import Review
from rulebook.review.services import transition
from rulebook.review.sorry import HEADER, cases_to_call, count_to_call
from rulebook.review.zombies import Met, count_zombies, is_quiet, met_by_team, zombies
from tests import make

MONDAY = date(2026, 3, 2)
ENDED = MONDAY + timedelta(1)
ANSWERS = {"play": "Refund at once.", "nobody_knows": True}

pytestmark = pytest.mark.django_db


@pytest.fixture
def removed(agent, manager, travel):
    """A review that ended its rule on Tuesday."""
    travel(MONDAY)
    rule = make.rule("Two signatures", code="R-1")
    make.vote(rule, -2, by=agent)
    review = transition(review=make.review(rule, by=manager), verb="remove", by=manager, answers=ANSWERS)
    travel(ENDED)
    run_clocks(ENDED)
    return Review.objects.get(pk=review.pk)


@pytest.fixture
def count(travel):
    """`count(day)`: how many removed rules were met more often by that day; a second count finds nothing new."""

    def on(day):
        travel(day)
        more = count_zombies(today=day)
        events = Event.objects.count()
        assert count_zombies(today=day) == 0 and Event.objects.count() == events
        return more

    return on


def blocked(rule, day, origin="source", source=None, **fields):
    at = datetime(day.year, day.month, day.day, 9, tzinfo=UTC)
    case = make.case(source or make.source(), opened_at=at, **fields)
    make.link(case, rule, origin=origin)
    return case


def now(review):
    return Review.objects.get(pk=review.pk)


def test_flags_and_blocked_contacts_after_the_end_are_counted_and_told_again_after_a_week(removed, count):
    make.flag(rule=removed.rule, flagged_on=ENDED)  # on the day itself nobody can know
    blocked(removed.rule, ENDED)
    assert count(ENDED + timedelta(1)) == 0
    make.flag(rule=removed.rule, flagged_on=ENDED + timedelta(1))
    blocked(removed.rule, ENDED + timedelta(2))
    assert count(ENDED + timedelta(3)) == 1
    assert (now(removed).zombies, now(removed).zombie_on) == (2, ENDED + timedelta(2))
    assert Notice.objects.get().told_again_on is None  # they read it less than a week ago
    assert count(ENDED + timedelta(7)) == 0
    assert Notice.objects.get().told_again_on == ENDED + timedelta(7)
    assert Event.objects.filter(verb="zombie_met").count() == 1


def test_it_is_told_again_once_a_week_at_most_and_only_when_met_since(removed, count):
    for day in range(2, 40):
        if day < 17:
            make.flag(rule=removed.rule, flagged_on=ENDED + timedelta(day))
        count(ENDED + timedelta(day))
    assert Event.objects.filter(verb="told_again").count() == 3
    assert Event.objects.filter(verb="zombie_met").count() == 15


def test_a_flag_and_the_link_it_made_are_one_and_contacts_left_out_are_none(removed, count):
    make.flag(rule=removed.rule, flagged_on=ENDED + timedelta(2))
    blocked(removed.rule, ENDED + timedelta(2), origin="flag")
    blocked(removed.rule, ENDED + timedelta(2), excluded="test")
    count(ENDED + timedelta(3))
    assert now(removed).zombies == 1


def test_teams_of_five_are_named_and_smaller_ones_are_another_team(removed, count):
    big, other, small = make.team("Day", headcount=11), make.team("Night", headcount=8), make.team("Two", headcount=2)
    later = ENDED + timedelta(2)
    for team in (big, big, other, small, None):
        make.flag(rule=removed.rule, flagged_on=later, team=team)
    make.flag(rule=removed.rule, flagged_on=later, author=make.person("of-day", role="agent", team=big))
    make.flag(rule=removed.rule, flagged_on=later, anonymous=True)
    # "Night" hides the two: with them alone, one could tell who it was
    assert met_by_team(removed) == [Met("Day", 3), Met("another team, or not known", 4, named=False)]


def test_removed_turns_green_after_thirty_days_without_one(removed, count):
    assert not is_quiet(removed, ENDED + timedelta(30)) and is_quiet(removed, ENDED + timedelta(31))
    make.flag(rule=removed.rule, flagged_on=ENDED + timedelta(20))
    count(ENDED + timedelta(20))
    assert not is_quiet(now(removed), ENDED + timedelta(50)) and is_quiet(now(removed), ENDED + timedelta(51))


def test_it_stands_first_on_the_start_page_with_its_team(removed, count, manager):
    make.source()
    make.rule(review_by=MONDAY)
    make.flag(rule=removed.rule, flagged_on=ENDED + timedelta(2), team=make.team("Day", headcount=11))
    count(ENDED + timedelta(2))
    first = todo.todos(manager)[0]
    assert first.title == "“Two signatures” was removed, and agents still meet it"
    assert first.detail == "Met once since it ended. Most in: Day."


def test_a_rule_that_was_put_back_is_no_zombie(removed, count, manager, travel):
    transition(review=removed, verb="undo", by=manager)
    make.flag(rule=removed.rule, flagged_on=ENDED + timedelta(2))
    assert count(ENDED + timedelta(2)) == 0 and not zombies().exists()
    assert Rule.objects.get().status == Rule.Status.IN_FORCE


# Say sorry


def test_the_contacts_of_the_last_ninety_days_are_there_to_be_called(removed, manager):
    source = make.source("phone")
    inside = blocked(removed.rule, ENDED - timedelta(90), external_id="A-1", source=source, channel="mail")
    blocked(removed.rule, ENDED - timedelta(91), external_id="A-0")
    blocked(removed.rule, ENDED, external_id="A-2", excluded="spam")
    make.link(inside, removed.rule, origin="person")
    make.link(make.case(source, "A-3", opened_at=datetime(2026, 3, 2, tzinfo=UTC)), removed.rule, effect="applied")
    rows = list(cases_to_call(removed, by=manager))
    assert rows == [("phone", "A-1", str(ENDED - timedelta(90)), "", "mail")] and len(rows[0]) == len(HEADER)
    assert count_to_call(removed) == 1


def test_only_who_may_see_contacts_reads_them_and_only_after_the_end(removed, manager, owner):
    with pytest.raises(NotAllowed):
        cases_to_call(removed, by=owner)
    with pytest.raises(WrongState, match="not ended"):
        cases_to_call(make.review(by=manager), by=manager)


def test_after_an_undo_the_count_begins_anew(removed, count, manager, agent):
    make.flag(rule=removed.rule, flagged_on=ENDED + timedelta(1))
    assert count(ENDED + timedelta(3)) == 1
    back = transition(review=removed, verb="undo", by=manager)
    assert (back.zombies, back.zombie_on) == (0, None)
