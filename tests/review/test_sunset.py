"""The review-by date: a rule lapses unless somebody shows why it stays, and one person alone does not put it off."""

from datetime import date, timedelta

import pytest

from rulebook.access.models import ClosedPeriod
from rulebook.catalogue.models import Rule
from rulebook.catalogue.services import FieldRefused, change_rule
from rulebook.desk import todo
from rulebook.desk.services import change_many
from rulebook.errors import NotAllowed, WrongState
from rulebook.journal.models import Event
from rulebook.notices.models import Notice
from rulebook.review.clocks import run_clocks
from rulebook.review.models import LaterDate, Review, State
from rulebook.review.services import answer_escalation, transition
from rulebook.review.sunset import Moved, begin_sunsets, move_date, sunsets_due
from tests import make

MONDAY = date(2026, 3, 2)
IN_A_YEAR = MONDAY + timedelta(365)

pytestmark = pytest.mark.django_db


def begin(travel, day):
    """What begins on a day; a second round finds nothing."""
    travel(day)
    begun = begin_sunsets(day)
    assert not sunsets_due(day) and begin_sunsets(day) == []
    return begun


def test_on_its_day_a_rule_begins_to_lapse_and_lapses_after_fourteen_days(travel):
    rule = make.rule(review_by=MONDAY)
    assert begin(travel, MONDAY - timedelta(1)) == []
    (review,) = begin(travel, MONDAY)
    assert (review.state, review.origin, review.lapses_on) == (State.LAPSING, "sunset", MONDAY + timedelta(14))
    assert Notice.objects.get().state == Notice.State.DRAFT
    travel(MONDAY + timedelta(13))
    assert run_clocks(MONDAY + timedelta(13)) == []
    travel(MONDAY + timedelta(14))
    assert run_clocks(MONDAY + timedelta(14)) == [f"{rule.code}: lapsed."]
    assert Notice.objects.get().state == Notice.State.PUBLISHED
    assert run_clocks(MONDAY + timedelta(14)) == []
    travel(MONDAY + timedelta(15))
    assert len(run_clocks(MONDAY + timedelta(15))) == 1
    assert Review.objects.get().state == State.LAPSED and Rule.objects.get().status == Rule.Status.REMOVED


def test_it_ends_on_a_working_day_even_after_an_outage(travel):
    make.rule(review_by=MONDAY)
    begin(travel, MONDAY)
    days = [MONDAY + timedelta(n) for n in (16, 19, 20, 21)]  # a Wednesday, a Saturday, a Sunday, a Monday
    done = [(travel(day), len(run_clocks(day)))[1] for day in days]
    assert done == [1, 0, 0, 1]


def test_who_shows_why_it_stays_keeps_it_until_a_new_date(travel, manager):
    rule = make.rule(review_by=MONDAY)
    (review,) = begin(travel, MONDAY)
    answers = {"purpose": "Against fraud.", "answer": "It cost nothing.", "review_by": IN_A_YEAR}
    transition(review=review, verb="keep", by=manager, answers=answers)
    assert Notice.objects.get().state == Notice.State.WITHDRAWN
    rule.refresh_from_db()
    assert (rule.review_by, rule.status, rule.purpose) == (IN_A_YEAR, Rule.Status.IN_FORCE, "Against fraud.")
    assert begin(travel, MONDAY + timedelta(60)) == []
    assert len(begin(travel, IN_A_YEAR)) == 1


@pytest.mark.parametrize(
    "fields", [{"protective": True}, {"authority": "law"}, {"authority": "contract"}, {"authority": "system"}]
)
def test_what_may_not_lapse_by_itself_is_escalated_and_not_again_until_its_date_moves(travel, owner, manager, fields):
    rule = make.rule(review_by=MONDAY, owner=owner, **fields)
    (review,) = begin(travel, MONDAY)
    assert (review.state, review.addressee, review.answer_due) == (State.ESCALATED, "owner", MONDAY + timedelta(14))
    assert begin(travel, MONDAY + timedelta(40)) == []
    answer_escalation(review=review, answer="It stays.", by=manager)
    assert begin(travel, MONDAY + timedelta(41)) == []
    change_rule(rule=rule, fields={"review_by": IN_A_YEAR}, by=None)
    assert len(begin(travel, IN_A_YEAR)) == 1


def test_a_rule_that_becomes_protective_while_it_lapses_is_escalated(travel):
    rule = make.rule(review_by=MONDAY)
    begin(travel, MONDAY)
    change_rule(rule=rule, fields={"protective": True}, by=None)
    travel(MONDAY + timedelta(14))
    assert len(run_clocks(MONDAY + timedelta(14))) == 1
    review = Review.objects.get()
    assert review.state == State.ESCALATED and review.addressee == "the managers"
    assert Notice.objects.get().state == Notice.State.WITHDRAWN


def test_while_a_review_is_open_the_clock_waits_for_its_end(travel, manager):
    travel(MONDAY)
    rule = make.rule(review_by=MONDAY + timedelta(1))
    review = make.review(rule, by=manager)
    assert begin(travel, MONDAY + timedelta(9)) == []
    transition(review=review, verb="withdraw", by=manager)
    assert [begun.rule for begun in begin(travel, MONDAY + timedelta(10))] == [rule]


def test_closed_periods_stop_the_beginning_and_the_end(travel):
    make.rule(review_by=MONDAY)
    ClosedPeriod.objects.create(name="Winter", first=MONDAY - timedelta(3), last=MONDAY + timedelta(4))
    assert begin(travel, MONDAY) == []
    friday = MONDAY + timedelta(5)
    (review,) = begin(travel, friday)
    ClosedPeriod.objects.create(name="Spring", first=friday + timedelta(1), last=friday + timedelta(10))
    day = travel(friday + timedelta(14))
    assert run_clocks(day) == [f"{review.rule.code}: lapses later, as a closed period came in between."]
    assert Review.objects.get().lapses_on == friday + timedelta(24)
    day = travel(friday + timedelta(24))
    assert run_clocks(day) == [f"{review.rule.code}: lapsed."]


def test_rules_that_are_not_in_force_or_have_no_date_do_not_lapse(travel):
    make.rule()
    Rule.objects.filter(pk=make.rule(review_by=MONDAY).pk).update(status=Rule.Status.REMOVED)
    assert begin(travel, MONDAY + timedelta(1)) == []


# Moving a date


@pytest.fixture
def dated(travel):
    travel(MONDAY)
    return make.rule(review_by=MONDAY + timedelta(30))


@pytest.fixture
def second(db):
    return make.person("second", role="manager")


def test_a_later_date_needs_a_second_person(dated, manager, second):
    to = MONDAY + timedelta(90)
    assert move_date(rule=dated, to=to, by=manager) == Moved.ASKED
    assert move_date(rule=dated, to=to, by=manager) == Moved.ASKED
    dated.refresh_from_db()
    assert dated.review_by == MONDAY + timedelta(30)
    assert move_date(rule=dated, to=to, by=second) == Moved.MOVED
    dated.refresh_from_db()
    assert dated.review_by == to and LaterDate.objects.get().confirmed_by == second
    verbs = Event.objects.filter(object_type="rule").order_by("number").values_list("verb", flat=True)
    assert list(verbs)[-3:] == ["later_date_asked", "changed", "later_date_confirmed"]


def test_another_date_by_a_second_person_is_another_wish(dated, manager, second):
    move_date(rule=dated, to=MONDAY + timedelta(90), by=manager)
    assert move_date(rule=dated, to=MONDAY + timedelta(91), by=second) == Moved.ASKED
    assert LaterDate.objects.get().asked_by == second
    assert move_date(rule=dated, to=MONDAY + timedelta(91), by=manager) == Moved.MOVED


def test_taking_the_date_away_needs_two_as_well(dated, manager, second):
    assert move_date(rule=dated, to=None, by=manager) == Moved.ASKED
    assert move_date(rule=dated, to=None, by=second) == Moved.MOVED
    dated.refresh_from_db()
    assert dated.review_by is None


def test_a_first_date_and_an_earlier_one_stand_at_once(dated, manager):
    assert move_date(rule=dated, to=MONDAY + timedelta(3), by=manager) == Moved.MOVED
    assert move_date(rule=make.rule(), to=IN_A_YEAR, by=manager) == Moved.MOVED
    assert move_date(rule=dated, to=MONDAY + timedelta(3), by=manager) == Moved.SAME


def test_the_form_of_a_rule_does_not_put_its_date_off(dated, manager):
    with pytest.raises(FieldRefused, match="needs two people") as refused:
        change_rule(rule=dated, fields={"review_by": IN_A_YEAR}, by=manager)
    assert refused.value.field == "review_by"
    with pytest.raises(FieldRefused):
        change_rule(rule=dated, fields={"review_by": None}, by=manager)
    assert change_rule(rule=dated, fields={"review_by": dated.review_by, "purpose": "P"}, by=manager)


def test_a_date_is_not_put_off_by_more_than_a_year_nor_while_the_rule_lapses(dated, manager, travel):
    with pytest.raises(FieldRefused, match="12 months"):
        move_date(rule=dated, to=MONDAY + timedelta(400), by=manager)
    begin(travel, MONDAY + timedelta(30))
    with pytest.raises(FieldRefused, match="lapses already"):
        move_date(rule=dated, to=MONDAY + timedelta(90), by=manager)


def test_who_may_not_change_the_rule_does_not_ask(dated, agent):
    with pytest.raises(NotAllowed):
        move_date(rule=dated, to=MONDAY + timedelta(90), by=agent)


def test_many_rules_at_once_say_what_waits_for_a_second_person(dated, manager, second):
    fresh = make.rule()
    to = MONDAY + timedelta(90)
    told = str(change_many(rule_ids=[dated.pk, fresh.pk], fields={"review_by": to}, by=manager))
    assert told == "1 rule changed, 1 not: a second person has to agree."
    told = str(change_many(rule_ids=[dated.pk, fresh.pk], fields={"review_by": to}, by=second))
    assert told == "1 rule changed; 1 had it already."


def test_nobody_lapses_a_rule_by_hand(travel, manager):
    make.rule(review_by=MONDAY)
    (review,) = begin(travel, MONDAY)
    with pytest.raises(NotAllowed):
        transition(review=review, verb="lapse", by=manager)
    with pytest.raises(WrongState):
        transition(review=review, verb="lapse", by=None)


# The start page


def test_the_start_page_names_what_lapses_and_what_waits_for_an_answer_a_tool_or_a_second_person(
    travel, manager, second, agent, dated
):
    make.source()
    make.rule("Ask twice", review_by=MONDAY)
    make.rule("By law", review_by=MONDAY, authority="law")
    begin(travel, MONDAY)
    forced = make.rule("The form wants a fax number", authority="system")
    make.vote(forced, -2, by=agent)
    answers = {"play": "Leave it out.", "nobody_knows": True}
    transition(review=make.review(forced, by=manager), verb="remove", by=manager, answers=answers)
    move_date(rule=dated, to=MONDAY + timedelta(90), by=second)
    travel(MONDAY + timedelta(16))
    found = [(one.title, one.overdue) for one in todo.todos(manager)]
    assert found[0] == ("“Ask twice” lapses on Monday 16 March 2026", "")
    assert ("“By law” waits for an answer by the managers", "2 days too long") in found
    assert ("“The form wants a fax number” is decided, and a tool still forces it", "") in found
    assert (f"second asks to look at “{dated.title}” later: 31 May 2026", "") in found
    titles = [one.title for one in todo.todos(second)]
    assert not [title for title in titles if "asks to look" in title]
