"""Guards at their edges, and what the review keeps from being lost."""

from datetime import date, timedelta

import pytest
from django.test import override_settings

from rulebook.access.models import ClosedPeriod
from rulebook.catalogue.lifecycle import end_rule
from rulebook.catalogue.models import Rule
from rulebook.catalogue.services import change_rule
from rulebook.errors import NotAllowed, WrongState
from rulebook.journal.services import business_verb
from rulebook.notices.models import Notice
from rulebook.review.models import Review, State
from rulebook.review.services import agree, answer_questions, tool_is_changed, transition, write_fence
from tests import make

pytestmark = pytest.mark.django_db
MONDAY = date(2026, 3, 2)
ANSWERS = {"play": "Refund at once.", "nobody_knows": True}
WORDS = {**ANSWERS, "new_title": "Refunds up to 500 kr need nobody", "new_text": "Pay it."}


@pytest.fixture
def heard(agent, travel):
    """A rule that the only agent has voted on."""
    travel(MONDAY)
    rule = make.rule("Refunds need two signatures", decision_limit="100 kr")
    make.vote(rule, -2, by=agent)
    return rule


def decide(rule, verb, manager, answers=ANSWERS):
    return transition(review=make.review(rule, by=manager), verb=verb, by=manager, answers=answers)


def in_force(rule, verb, manager, travel, answers=ANSWERS):
    review = decide(rule, verb, manager, answers)
    travel(MONDAY + timedelta(1))
    return transition(review=review, verb="take_effect", by=None)


@business_verb
def replaced(rule):
    end_rule(Rule.objects.get(pk=rule.pk), None)


def test_always_four_eyes_ask_for_a_second_person_in_the_fast_lane_too(heard, manager):
    review = make.review(heard, by=manager)
    with override_settings(FOUR_EYES="always"):
        with pytest.raises(WrongState, match="You proposed it, so somebody else decides"):
            transition(review=review, verb="remove", by=manager, answers=ANSWERS)
        other = make.person(role="manager")
        assert transition(review=review, verb="remove", by=other, answers=ANSWERS).state == State.DECIDED


def test_what_a_person_who_left_proposed_is_withdrawn_by_nobody(heard, manager):
    review = make.review(heard, by=manager)
    manager.delete()
    other = make.person(role="manager")
    with pytest.raises(NotAllowed, match="No person proposed it"):
        transition(review=review, verb="withdraw", by=other)
    assert transition(review=review, verb="remove", by=other, answers=ANSWERS).state == State.DECIDED


def test_a_rule_that_nobody_answers_for_waits_for_nobody(heard, manager, travel):
    Rule.objects.update(department=make.department())
    review = make.review(heard, by=manager)
    travel(MONDAY + timedelta(14))
    assert transition(review=review, verb="remove", by=manager, answers=ANSWERS).owner_until is None


def test_the_owners_seven_days_leave_out_a_closed_period(heard, manager, owner, travel):
    Rule.objects.update(owner=owner)
    ClosedPeriod.objects.create(name="Easter", first=MONDAY + timedelta(3), last=MONDAY + timedelta(12))
    review = decide(heard, "remove", manager)
    assert review.owner_until == MONDAY + timedelta(17)


def test_a_day_that_was_asked_for_outlives_the_owners_yes(heard, manager, owner):
    Rule.objects.update(owner=owner)
    asked = MONDAY + timedelta(40)
    review = decide(heard, "remove", manager, {**ANSWERS, "effective_on": asked})
    assert agree(review=review, by=owner).effective_on == asked == Notice.objects.get().effective_on


def test_a_new_wording_never_takes_the_place_of_words_that_came_after_the_decision(heard, manager, travel):
    review = decide(heard, "simplify", manager, WORDS)
    change_rule(rule=heard, fields={"text": "By mail only."}, by=None)
    travel(MONDAY + timedelta(1))
    with pytest.raises(WrongState, match="The words changed on 2 Mar 2026, after it was decided"):
        transition(review=review, verb="take_effect", by=None)
    assert transition(review=review, verb="undo", by=manager).state == State.ASSESSING
    assert Notice.objects.get().state == Notice.State.WITHDRAWN


def test_other_topics_do_not_stop_what_was_decided(heard, manager, travel):
    review = decide(heard, "remove", manager)
    change_rule(rule=heard, fields={"topics": ["money"]}, by=None)
    travel(MONDAY + timedelta(1))
    assert transition(review=review, verb="take_effect", by=None).state == State.REMOVED


@pytest.mark.parametrize(("verb", "more"), [("simplify", {}), ("write_down", {}), ("delegate", {"limit": "500 kr"})])
def test_an_undo_puts_back_what_was_there(heard, manager, travel, verb, more):
    review = in_force(heard, verb, manager, travel, {**WORDS, **more})
    changed = Rule.objects.get()
    assert (changed.decision_limit == "500 kr") == (verb == "delegate") != (changed.text == "Pay it.")
    review = transition(review=review, verb="undo", by=manager)
    back = Rule.objects.get()
    assert (back.title, back.text, back.decision_limit) == ("Refunds need two signatures", "", "100 kr")
    assert review.version == back.versions.latest("number")
    assert Notice.objects.get(kind="put_back").state == Notice.State.PUBLISHED


@pytest.mark.parametrize(
    ("verb", "more", "since", "sentence"),
    [
        ("simplify", {}, {"text": "By mail only."}, "The words changed on 3 Mar 2026, after this took effect"),
        ("delegate", {"limit": "500 kr"}, {"decision_limit": "900 kr"}, "The limit was changed after this took effect"),
    ],
)
def test_an_undo_loses_nothing_that_came_since(heard, manager, travel, verb, more, since, sentence):
    review = in_force(heard, verb, manager, travel, {**WORDS, **more})
    change_rule(rule=heard, fields=since, by=None)
    with pytest.raises(WrongState, match=sentence):
        transition(review=review, verb="undo", by=manager)


def test_an_earlier_review_cannot_bring_back_what_a_later_one_removed(heard, manager, travel):
    first = in_force(heard, "delegate", manager, travel, {**ANSWERS, "limit": "500 kr"})
    later = decide(heard, "remove", manager)
    travel(MONDAY + timedelta(2))
    transition(review=later, verb="take_effect", by=None)
    with pytest.raises(WrongState, match="A later review has decided about this rule"):
        transition(review=first, verb="undo", by=manager)


def test_a_review_of_a_rule_that_was_replaced_is_closed_by_the_clock(heard, manager):
    review = decide(heard, "remove", manager)
    replaced(heard)
    with pytest.raises(WrongState, match="was removed meanwhile, so nothing is left to decide"):
        transition(review=review, verb="take_effect", by=None)
    assert transition(review=review, verb="close", by=None).state == State.WITHDRAWN
    assert Notice.objects.get().state == Notice.State.WITHDRAWN


def test_an_undone_decision_asks_the_owner_and_the_tool_anew(heard, manager, owner, travel):
    Rule.objects.update(owner=owner, authority="system")
    review = decide(heard, "remove", manager)
    agree(review=review, by=owner)
    review = tool_is_changed(review=review, by=manager)
    assert Notice.objects.get().state == Notice.State.PUBLISHED
    review = transition(review=review, verb="undo", by=manager)
    assert (review.owner_agreed_on, review.tool_changed_on, review.not_before) == (None, None, None)


def test_what_protects_does_not_lapse_though_it_came_to_protect_after_it_was_announced(heard):
    review = make.review(heard, origin="sunset")
    Review.objects.update(state=State.LAPSING, lapses_on=MONDAY)
    Rule.objects.update(protective=True)
    with pytest.raises(WrongState, match="does not lapse by itself"):
        transition(review=review, verb="lapse", by=None)


def test_a_notice_that_was_taken_back_tells_nobody(heard, manager, travel):
    review = decide(heard, "remove", manager)
    Notice.objects.update(state=Notice.State.WITHDRAWN)
    travel(MONDAY + timedelta(1))
    with pytest.raises(WrongState, match="The front line has not been told yet"):
        transition(review=review, verb="take_effect", by=None)


def test_the_owner_writes_the_fence_though_she_decides_nothing(heard, manager, owner):
    Rule.objects.update(owner=owner)
    review = make.review(heard, by=manager)
    assert write_fence(review=review, comes_from="", counter="Fraud.", purpose="Two see more.", by=owner)
    with pytest.raises(NotAllowed):
        answer_questions(review=review, answers={"play": "Ask."}, by=owner)
    assert Review.objects.get().purpose == "Two see more."
