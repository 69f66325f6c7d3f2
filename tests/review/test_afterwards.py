"""What changed after a decision without a trial, counted once a day, and the look at it 90 days later."""

from datetime import UTC, date, datetime, time, timedelta

import pytest

from rulebook.desk import todo
from rulebook.desk.models import Duty
from rulebook.desk.work import TASKS
from rulebook.errors import NotAllowed, WrongState
from rulebook.journal.models import Event
from rulebook.review.afterwards import changes_due, count_changes, look_again
from rulebook.review.clocks import run_clocks
from rulebook.review.models import Review, Trial
from rulebook.review.services import transition
from tests import make

MONDAY = date(2026, 3, 2)
SINCE = MONDAY + timedelta(1)
EARLY = SINCE + timedelta(9)
LOOK = SINCE + timedelta(90)
ANSWERS = {"play": "Refund at once.", "nobody_knows": True}

pytestmark = pytest.mark.django_db


@pytest.fixture
def decide(agent, manager, travel):
    """`decide("simplify", ...)`: a review of a rule about returns that took effect on Tuesday."""

    def by(verb="remove", **answers):
        travel(MONDAY)
        rule = make.rule("Two signatures", code="R-1", topics=["returns"])
        make.vote(rule, -2, by=agent)
        review = transition(review=make.review(rule, by=manager), verb=verb, by=manager, answers=ANSWERS | answers)
        travel(SINCE)
        run_clocks(SINCE)
        return Review.objects.get(pk=review.pk)

    return by


def contacts(first, count, missed, topic="returns/refund", source=None):
    """A contact each of the first `missed` customers, who come back a day later, and of the others, who do not."""
    source = source or make.source("phones", horizon=datetime(2027, 1, 1, tzinfo=UTC), changes=1)
    about = make.topic(topic)
    for number in range(count):
        for again in range(1 + (number < missed)):
            at = datetime.combine(first + timedelta(again), time(9), tzinfo=UTC)
            make.case(source, opened_at=at, topic=about, customer_key=f"{first} {number} {topic}".encode())
    return source


def counted(review, day=LOOK):
    count_changes(today=day)
    review.refresh_from_db()
    return review.changes


def test_the_contacts_of_its_topics_are_counted_before_the_mark_and_since_the_effect(decide):
    review = decide()
    source = contacts(MONDAY - timedelta(90), 30, 10)
    contacts(SINCE, 40, 5, source=source)
    contacts(MONDAY - timedelta(92), 3, 3, source=source)  # their second contacts are of the day before the 90 days
    contacts(SINCE + timedelta(90), 9, 9, source=source)
    contacts(SINCE, 9, 9, topic="delivery", source=source)
    found = counted(review)
    assert found["before"] == {"first": "2025-12-02", "last": "2026-03-01", "cases": 40, "missed": 10}
    assert found["since"] == {"first": "2026-03-03", "last": "2026-05-31", "cases": 45, "missed": 5}
    rise, low, high = found["rise"]
    assert rise == pytest.approx(40 / 45 - 30 / 40, abs=1e-4) and low < rise < high


def test_a_second_count_of_the_same_contacts_changes_nothing_and_no_trace_is_left_in_the_journal(decide):
    review = decide()
    contacts(SINCE, 3, 1)
    events = Event.objects.count()
    assert (count_changes(today=LOOK), count_changes(today=LOOK)) == (1, 0)
    review.refresh_from_db()
    assert review.changes["since"]["cases"] == 4 and Event.objects.count() == events


def test_contacts_whose_window_is_not_over_are_in_neither(decide):
    review = decide()
    contacts(
        SINCE, 3, 0, make.topic("returns").path, make.source("p", changes=1, horizon=datetime(2026, 3, 5, tzinfo=UTC))
    )
    assert counted(review) == {}


@pytest.mark.parametrize(
    ("verb", "answers"),
    [("simplify", {"new_title": "One signature", "new_text": ""}), ("delegate", {"limit": "500 kr"})],
)
def test_a_rule_that_was_changed_is_compared_as_well(decide, verb, answers):
    review = decide(verb, **answers)
    contacts(SINCE, 3, 1)
    assert counted(review)["since"]["cases"] == 4


def test_what_a_trial_told_or_what_was_a_myth_or_put_back_is_not_compared(decide, manager):
    review = decide("declare_myth")
    assert not changes_due(LOOK)
    Review.objects.filter(pk=review.pk).update(state="removed")
    assert changes_due(LOOK)
    plan = {"starts_on": SINCE, "ends_on": LOOK, "plan": {}, "plan_hash": ""}
    trial = Trial.objects.create(review=review, **plan, end="stopped", begun_on=SINCE)
    assert not changes_due(LOOK)
    Trial.objects.filter(pk=trial.pk).update(begun_on=None)  # it never began
    assert changes_due(LOOK)
    review.refresh_from_db()
    transition(review=review, verb="undo", by=manager)
    assert not changes_due(LOOK)


def test_after_90_days_somebody_is_asked_to_look_until_somebody_has(decide, manager, owner, travel):
    make.source()
    review = decide()
    travel(LOOK - timedelta(1))
    assert not [one for one in todo.todos(manager) if one.title.startswith("Look again")]
    with pytest.raises(WrongState, match="Look at it again from Monday 1 June 2026 on"):
        look_again(review=review, by=manager)
    travel(LOOK)
    asked = next(one for one in todo.todos(manager) if one.title.startswith("Look again"))
    assert asked.title == "Look again: “Two signatures”, removed 90 days ago"
    assert asked.url == f"/admin/review/review/{review.pk}/change/"
    assert not [one for one in todo.todos(owner) if one.title.startswith("Look again")]
    with pytest.raises(NotAllowed):
        look_again(review=review, by=owner)
    look_again(review=review, by=manager)
    assert not [one for one in todo.todos(manager) if one.title.startswith("Look again")]
    assert Event.objects.filter(verb="looked_again", object_code=str(review.pk)).count() == 1
    with pytest.raises(WrongState, match="Looked at again on 1 Jun 2026"):
        look_again(review=review, by=manager)


def test_a_manager_of_another_department_neither_looks_nor_is_asked(decide, travel):
    review = decide()
    review.rule.department = make.department("Finance", head=make.person("head"))
    review.rule.save()
    stranger = make.person("stranger", role="manager", team=make.team("Chat", department=make.department("Chat")))
    travel(LOOK)
    with pytest.raises(NotAllowed, match="Finance"):
        look_again(review=review, by=stranger)
    assert not [one for one in todo.todos(stranger) if one.title.startswith("Look again")]


def test_what_was_found_when_somebody_looked_stays(decide, manager, travel):
    review = decide()
    source = contacts(SINCE, 3, 1)
    found = counted(review)
    travel(LOOK)
    look_again(review=review, by=manager)
    contacts(SINCE + timedelta(5), 9, 0, source=source)
    assert counted(review, LOOK + timedelta(1)) == found


def test_who_looks_or_undoes_while_it_is_counted_is_not_overruled(decide, manager, travel):
    review = decide()
    contacts(SINCE, 3, 1)
    count_changes(today=EARLY, tick=lambda: transition(review=review, verb="undo", by=manager))
    review.refresh_from_db()
    assert review.changes == {}
    Review.objects.filter(pk=review.pk).update(state="removed", in_force_on=SINCE)
    review.rule.status = "removed"
    review.rule.save()
    travel(LOOK)
    count_changes(today=LOOK, tick=lambda: look_again(review=review, by=manager))
    review.refresh_from_db()
    assert review.changes == {} and review.looked_again_on == LOOK


def test_there_is_nothing_to_look_at_in_a_rule_that_was_kept(manager, travel):
    travel(MONDAY)
    answers = {"purpose": "Fraud.", "answer": "It is cheap.", "review_by": MONDAY + timedelta(60)}
    review = transition(review=make.review(by=manager), verb="keep", by=manager, answers=answers)
    travel(LOOK)
    with pytest.raises(WrongState, match="This review is over: kept"):
        look_again(review=review, by=manager)


def test_work_counts_once_a_day(decide, travel):
    decide()
    contacts(SINCE, 3, 1)
    (task,) = (task for task in TASKS if task.name == "changes")
    row = Duty(name="changes")
    assert task.due(row)
    assert task.run(row, lambda: None) == ["Decided rules with newer figures of what changed since: 1."]
    assert not task.due(row)
    travel(SINCE + timedelta(1))
    assert task.due(row)
