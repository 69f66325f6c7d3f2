"""A later review-by date: one person asks, a second one agrees, and until then the earlier day counts."""

from datetime import date, timedelta

import pytest

from rulebook.access.models import Letter
from rulebook.catalogue.importing import import_rules
from rulebook.catalogue.models import Rule
from rulebook.catalogue.services import FieldRefused
from rulebook.desk.services import save_rule
from rulebook.errors import NotAllowed, WrongState
from rulebook.journal.models import Event
from rulebook.review.clocks import run_clocks
from rulebook.review.letters import write_letters
from rulebook.review.models import LaterDate, Review, State
from rulebook.review.services import transition
from rulebook.review.sunset import (
    Moved,
    agree_to_date,
    begin_sunsets,
    dates_to_agree_to,
    move_date,
    sunsets_due,
    take_back_date,
    waiting_date_of,
    waiting_dates,
)
from tests import make

MONDAY = date(2026, 3, 2)
DAY, LATER = MONDAY + timedelta(40), MONDAY + timedelta(140)

pytestmark = pytest.mark.django_db


@pytest.fixture
def dated(travel, owner):
    travel(MONDAY)
    return make.rule("Two signatures", review_by=DAY, owner=owner)


@pytest.fixture
def second(db):
    """A manager of another department."""
    return make.person("second", role="manager", team=make.team(department=make.department("Legal")))


@pytest.fixture
def asked(dated, manager):
    assert move_date(rule=dated, to=LATER, by=manager) == Moved.ASKED
    return dated


def review_by(rule):
    return Rule.objects.get(pk=rule.pk).review_by


# Agreeing and taking back


def test_a_second_person_agrees_to_the_date_they_saw_and_it_stands(asked, second):
    assert agree_to_date(rule=asked, to=LATER, by=second) == LATER
    assert review_by(asked) == LATER
    assert LaterDate.objects.get().confirmed_by == second and not waiting_dates().exists()
    event = Event.objects.order_by("number").last()
    assert (event.verb, event.before, event.after) == ("later_date_confirmed", str(DAY), str(LATER))
    with pytest.raises(WrongState, match=r"this date any more\. Review by 20 Jul 2026 stays\."):
        agree_to_date(rule=asked, to=LATER, by=second)


def test_a_second_person_agrees_that_it_needs_no_date(dated, manager, second):
    move_date(rule=dated, to=None, by=manager)
    assert agree_to_date(rule=dated, to=None, by=second) is None
    assert review_by(dated) is None


def test_who_asked_does_not_agree_and_is_told_why(asked, manager):
    with pytest.raises(NotAllowed, match="A second person agrees to it"):
        agree_to_date(rule=asked, to=LATER, by=manager)
    assert review_by(asked) == DAY


def test_who_may_not_change_rules_does_not_agree(asked, agent):
    with pytest.raises(NotAllowed):
        agree_to_date(rule=asked, to=LATER, by=agent)
    assert not dates_to_agree_to(agent).exists()


def test_whoever_saw_another_date_is_told_which_one_waits_now(asked, owner, second):
    move_date(rule=asked, to=LATER + timedelta(1), by=owner)
    with pytest.raises(WrongState, match="Another date is asked for by now: 21 Jul 2026"):
        agree_to_date(rule=asked, to=LATER, by=second)
    assert review_by(asked) == DAY


def test_only_who_asked_takes_it_back_and_the_journal_says_so(asked, manager, second):
    with pytest.raises(NotAllowed):
        take_back_date(rule=asked, by=second)
    take_back_date(rule=asked, by=manager)
    assert not LaterDate.objects.exists() and review_by(asked) == DAY
    event = Event.objects.order_by("number").last()
    assert (event.verb, event.before, event.after) == ("later_date_taken_back", str(LATER), str(DAY))
    with pytest.raises(WrongState):
        take_back_date(rule=asked, by=manager)
    with pytest.raises(WrongState):
        agree_to_date(rule=asked, to=LATER, by=second)


def test_nobody_is_asked_for_a_date_that_can_stand_no_more(asked, manager, second, travel):
    assert [wish.rule for wish in dates_to_agree_to(second)] == [asked] and not dates_to_agree_to(manager).exists()
    travel(LATER)
    assert not waiting_dates().exists()
    travel(DAY)
    begin_sunsets(DAY)
    assert not waiting_dates().exists()
    with pytest.raises(FieldRefused, match="It lapses already"):
        agree_to_date(rule=asked, to=LATER, by=second)
    Rule.objects.update(review_by=LATER + timedelta(1))  # kept in its review, until a later day still
    with pytest.raises(WrongState):
        agree_to_date(rule=asked, to=LATER, by=second)
    assert waiting_date_of(Rule.objects.get()) is None


def test_an_earlier_date_ends_the_wish_for_a_later_one(asked, manager, second):
    move_date(rule=asked, to=DAY - timedelta(5), by=manager)
    with pytest.raises(WrongState):
        agree_to_date(rule=asked, to=LATER, by=second)


def test_a_wish_of_somebody_who_is_gone_waits_for_nobody(asked, manager, second):
    manager.delete()
    assert not dates_to_agree_to(second).exists()
    assert move_date(rule=asked, to=LATER, by=second) == Moved.ASKED  # the first of two once more


def test_a_day_that_is_past_is_no_later_date(dated, manager, travel):
    travel(DAY + timedelta(20))
    with pytest.raises(FieldRefused, match="within 12 months"):
        move_date(rule=dated, to=DAY + timedelta(10), by=manager)


# The form


def test_the_form_stores_the_rest_and_the_later_date_waits(dated, manager):
    assert save_rule(rule=dated, fields={"purpose": "Fraud", "review_by": LATER}, by=manager) == Moved.ASKED
    stored = Rule.objects.get()
    assert (stored.purpose, stored.review_by, waiting_date_of(stored).to) == ("Fraud", DAY, LATER)


def test_a_form_with_a_date_that_is_refused_stores_nothing_of_it(dated, manager):
    with pytest.raises(FieldRefused) as refused:
        save_rule(rule=dated, fields={"purpose": "Fraud", "review_by": MONDAY + timedelta(500)}, by=manager)
    assert refused.value.field == "review_by" and Rule.objects.get().purpose == ""
    with pytest.raises(FieldRefused):
        save_rule(rule=dated, fields={"title": "", "review_by": LATER}, by=manager)
    assert not LaterDate.objects.exists() and not Event.objects.filter(verb="later_date_asked").exists()


def test_who_passes_a_rule_on_to_another_department_sets_its_date_with_it(dated, manager):
    own = make.department("Finance", head=manager)
    Rule.objects.update(department=own)
    fields = {"department": make.department("Legal"), "review_by": LATER}
    assert save_rule(rule=dated, fields=fields, by=manager) == Moved.ASKED
    assert Rule.objects.get().department.name == "Legal" and LaterDate.objects.get().asked_by == manager


# A list that is imported again


@pytest.mark.parametrize("cell", [LATER.isoformat(), ""])
def test_a_list_changes_the_rest_of_the_row_and_reports_the_later_date(dated, manager, tmp_path, cell):
    path = tmp_path / "rules.csv"
    path.write_text(f"code,title,purpose,review_by\n{dated.code},Two signatures,Fraud,{cell}\n")
    report = import_rules(path, manager)
    assert (report.updated, report.rejected) == (1, 0)
    assert [str(warning) for warning in report.warnings] == [
        "rules.csv, line 2, column review_by: A later review-by date needs a second person, so 11 Apr 2026 stays. "
        f"Ask for it on the form of {dated.code}."
    ]
    stored = Rule.objects.get()
    assert (stored.purpose, stored.review_by) == ("Fraud", DAY)
    again = import_rules(path, manager)
    assert (again.unchanged, len(again.warnings)) == (1, 1)


def test_a_list_of_somebody_of_another_department_is_refused_and_not_sent_to_a_form(dated, second, tmp_path):
    Rule.objects.update(department=make.department("Finance"))
    path = tmp_path / "rules.csv"
    path.write_text(f"code,review_by\n{dated.code},{LATER}\n")
    report = import_rules(path, second)
    assert report.rejected == 1 and "belongs to Finance" in str(report.rejections[0]) and not report.warnings


# Letters


def test_letters_of_a_moved_date_name_the_new_day_and_none_comes_twice(travel, asked, owner, manager, second):
    def written(day):
        travel(day)
        before = set(Letter.objects.values_list("pk", flat=True))
        write_letters(day)
        write_letters(day)
        return [letter.about.partition("review by ")[2] for letter in Letter.objects.exclude(pk__in=before)]

    assert written(DAY - timedelta(30)) == [f"{DAY} in 30"]  # a wish moves nothing
    agree_to_date(rule=asked, to=LATER, by=second)
    assert written(DAY - timedelta(7)) == [] and written(DAY) == []
    assert begin_sunsets(DAY) == []
    assert written(LATER - timedelta(30)) == [f"{LATER} in 30"]
    move_date(rule=asked, to=LATER - timedelta(3), by=manager)
    assert written(LATER - timedelta(29)) == [f"{LATER - timedelta(3)} in 30"]
    move_date(rule=asked, to=LATER, by=manager)
    agree_to_date(rule=asked, to=LATER, by=second)
    assert written(LATER - timedelta(28)) == []
    assert written(LATER - timedelta(7)) == [f"{LATER} in 7"]
    assert Letter.objects.filter(to=owner).count() == Letter.objects.count() == 4


# While a review is open


def test_the_sunset_waits_for_the_end_of_an_open_review_and_begins_once_after_it(travel, dated, manager, second):
    review = make.review(dated, by=manager)
    for day in (DAY, DAY + timedelta(1), DAY + timedelta(30)):
        travel(day)
        assert not sunsets_due(day) and begin_sunsets(day) == []
    transition(review=review, verb="withdraw", by=manager)
    day = DAY + timedelta(31)
    (begun,) = begin_sunsets(travel(day))
    assert (begun.state, begun.lapses_on) == (State.LAPSING, day + timedelta(14))
    assert begin_sunsets(day) == [] and begin_sunsets(day + timedelta(1)) == []
    assert run_clocks(travel(day + timedelta(14))) == [f"{dated.code}: lapsed."]
    assert Review.objects.filter(origin=Review.Origin.SUNSET).count() == 1


def test_a_later_date_agreed_to_while_a_review_is_open_counts_after_it(travel, asked, manager, second):
    review = make.review(asked, by=manager)
    agree_to_date(rule=asked, to=LATER, by=second)
    transition(review=review, verb="withdraw", by=manager)
    assert begin_sunsets(travel(DAY)) == []
    assert [begun.rule for begun in begin_sunsets(travel(LATER))] == [asked]
