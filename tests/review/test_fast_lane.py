"""The fast lane: marked, decided, told, in force, and undone."""

from datetime import date, timedelta

import pytest

from rulebook.catalogue.models import Rule
from rulebook.errors import NotAllowed, WrongState
from rulebook.notices.models import Notice
from rulebook.review.models import State
from rulebook.review.services import agree, object_to, transition
from tests import make

MONDAY = date(2026, 3, 2)
ANSWERS = {"play": "Refund at once.", "nobody_knows": True}

pytestmark = pytest.mark.django_db


def test_a_rule_is_marked_decided_told_and_gone_a_working_day_later(heard, manager, travel):
    review = make.review(heard, by=manager)
    assert (review.state, review.evidence["version"], review.marked_on) == (State.MARKED, 1, MONDAY)

    review = transition(review=review, verb="remove", by=manager, answers=ANSWERS)
    assert (review.state, review.outcome, review.effective_on) == (State.DECIDED, State.REMOVED, MONDAY + timedelta(1))
    notice = Notice.objects.get()
    assert (notice.state, notice.published_on, notice.play) == (Notice.State.PUBLISHED, MONDAY, "Refund at once.")
    with pytest.raises(WrongState, match="takes effect on Tuesday 3 March"):
        transition(review=review, verb="take_effect", by=None)
    assert Rule.objects.get().status == Rule.Status.IN_FORCE

    travel(MONDAY + timedelta(1))
    review = transition(review=review, verb="take_effect", by=None)
    assert (review.state, review.in_force_on) == (State.REMOVED, MONDAY + timedelta(1))
    assert Rule.objects.get().status == Rule.Status.REMOVED


@pytest.mark.parametrize(
    ("answers", "sentence"),
    [
        ({}, "Write in one line what agents do instead."),
        ({"play": "Refund."}, "Write what the rule is for, or tick that nobody knows."),
        ({"play": "Refund.", "purpose": "Against fraud."}, ""),
    ],
)
def test_it_needs_a_play_and_a_purpose_or_nobody_knows(heard, manager, answers, sentence):
    review = make.review(heard, by=manager)
    if not sentence:
        assert transition(review=review, verb="remove", by=manager, answers=answers).state == State.DECIDED
        return
    with pytest.raises(WrongState) as refused:
        transition(review=review, verb="remove", by=manager, answers=answers)
    assert str(refused.value) == sentence


def test_it_waits_for_the_front_line_two_weeks_at_most(manager, agent, travel):
    travel(MONDAY)
    review = make.review(make.rule("Refunds need two signatures"), by=manager)
    with pytest.raises(WrongState, match="No agent has voted on it"):
        transition(review=review, verb="remove", by=manager, answers=ANSWERS)
    travel(MONDAY + timedelta(14))
    assert transition(review=review, verb="remove", by=manager, answers=ANSWERS).state == State.DECIDED


def test_an_absent_owner_has_seven_days_and_the_notice_waits_for_them(heard, manager, owner, travel):
    Rule.objects.update(owner=owner)
    review = transition(review=make.review(heard, by=manager), verb="remove", by=manager, answers=ANSWERS)
    assert review.owner_until == MONDAY + timedelta(7) and Notice.objects.get().state == Notice.State.DRAFT
    assert review.effective_on == MONDAY + timedelta(9)

    review = agree(review=review, by=owner)
    assert review.effective_on == MONDAY + timedelta(1) and Notice.objects.get().state == Notice.State.PUBLISHED


def test_an_objection_opens_the_decision_again_and_takes_the_notice_back(heard, manager, owner):
    Rule.objects.update(owner=owner)
    review = transition(review=make.review(heard, by=manager), verb="remove", by=manager, answers=ANSWERS)
    review = object_to(review=review, objection="The bank asks for it.", by=owner)
    assert (review.state, review.outcome, review.effective_on) == (State.ASSESSING, "", None)
    assert Notice.objects.get().state == Notice.State.WITHDRAWN
    with pytest.raises(WrongState, match="Full lane"):
        transition(review=review, verb="remove", by=manager, answers=ANSWERS)


def test_somebody_who_does_not_answer_for_the_rule_cannot_object(heard, manager, owner):
    review = make.review(heard, by=manager)
    with pytest.raises(NotAllowed, match="asked of who answers for the rule"):
        object_to(review=review, objection="No.", by=owner)


def test_a_removed_rule_is_put_back_within_thirty_days(heard, manager, travel):
    review = transition(review=make.review(heard, by=manager), verb="remove", by=manager, answers=ANSWERS)
    travel(MONDAY + timedelta(1))
    review = transition(review=review, verb="take_effect", by=None)
    travel(MONDAY + timedelta(32))
    with pytest.raises(WrongState, match="front door"):
        transition(review=review, verb="undo", by=manager)
    travel(MONDAY + timedelta(31))
    review = transition(review=review, verb="undo", by=manager)
    rule = Rule.objects.get()
    assert (review.state, rule.status, rule.versions.count()) == (State.ASSESSING, Rule.Status.IN_FORCE, 2)
    assert not rule.versions.get(number=1).applies(MONDAY + timedelta(10))
    assert rule.versions.get(number=2).applies(MONDAY + timedelta(31))
