"""What happens to a rule while its review is open: it is removed by another way, its words change or are to come."""

from datetime import date, timedelta

import pytest

from rulebook.catalogue.lifecycle import end_rule
from rulebook.catalogue.models import Rule
from rulebook.catalogue.services import change_rule
from rulebook.errors import WrongState
from rulebook.journal.services import business_verb
from rulebook.notices.models import Notice
from rulebook.review.clocks import run_clocks
from rulebook.review.models import Review, State, Trial
from rulebook.review.services import answer_questions, take_in_new_words, transition
from rulebook.review.sunset import begin_sunsets
from rulebook.review.trials import look_at_trials, start_trial
from tests import make
from tests.review.contacts import contacts

pytestmark = pytest.mark.django_db
MONDAY = date(2026, 3, 2)
DAY = timedelta(1)
LATER = MONDAY + 30 * DAY  # from when another wording applies
ANSWERS = {"play": "Refund at once.", "nobody_knows": True}


@pytest.fixture
def heard(agent, travel):
    """A rule with a text that the only agent has voted on."""
    travel(MONDAY)
    rule = make.rule("Refunds need two signatures", text="Both on paper.")
    make.vote(rule, -2, by=agent)
    return rule


@business_verb
def gone(rule):
    end_rule(Rule.objects.select_for_update().get(pk=rule.pk), None)


def now(review):
    return Review.objects.get(pk=review.pk)


def decide(rule, manager, verb="remove", **answers):
    return transition(review=make.review(rule, by=manager), verb=verb, by=manager, answers={**ANSWERS, **answers})


def brought_to(state, rule, manager, travel):
    if state == State.LAPSING:
        Rule.objects.filter(pk=rule.pk).update(review_by=MONDAY)
        return begin_sunsets(MONDAY)[0]
    if state == State.DECIDED:
        return decide(rule, manager)
    review = make.review(rule, by=manager)
    if state == State.ASSESSING:
        return answer_questions(review=review, answers=ANSWERS, by=manager)
    if state == State.ON_TRIAL:
        contacts(make.source("desk", method="declared"), MONDAY - 56 * DAY, 8, a_week=40, missed=12)
        start_trial(review=review, weeks=8, minimum_effect=0.10, answers=ANSWERS, by=manager)
        travel(MONDAY + DAY)
        look_at_trials()
    return review


@pytest.mark.parametrize("state", ["marked", "assessing", "on_trial", "lapsing", "decided"])
def test_the_review_of_a_rule_that_is_gone_is_closed_its_trial_ended_and_its_notices_taken_back(
    heard, manager, travel, state
):
    review = brought_to(state, heard, manager, travel)
    assert now(review).state == state
    gone(heard)
    travel(MONDAY + DAY)
    assert not [line for line in look_at_trials() if state != "on_trial"]
    lines = run_clocks(MONDAY + DAY)
    assert lines == [f"{heard.code}: closed, as the rule is removed."] and run_clocks(MONDAY + DAY) == []
    assert now(review).state == State.WITHDRAWN and Rule.objects.get().status == Rule.Status.REMOVED
    assert not Notice.objects.exclude(state=Notice.State.WITHDRAWN).exists()
    assert not Trial.objects.filter(end=Trial.End.RUNNING).exists()


# Words


def test_a_new_title_alone_leaves_the_text_as_it_is(heard, manager, travel):
    review = decide(heard, manager, "simplify", new_title="Refunds need one signature")
    assert review.new_text == "Both on paper."
    assert run_clocks(travel(MONDAY + DAY))
    assert (Rule.objects.get().title, Rule.objects.get().text) == ("Refunds need one signature", "Both on paper.")


def test_a_blank_text_that_was_sent_takes_the_text_away(heard, manager, travel):
    decide(heard, manager, "simplify", new_title="Refunds need one signature", new_text="")
    assert run_clocks(travel(MONDAY + DAY)) and Rule.objects.get().text == ""


def test_words_that_changed_since_are_not_undone_by_a_new_title_alone(heard, agent, manager, travel):
    review = make.review(heard, by=manager, answers={"new_title": "Refunds need one signature"})
    change_rule(rule=heard, fields={"text": "By mail."}, by=None)
    take_in_new_words(review=review, by=manager)
    make.vote(heard, -2, by=agent)
    transition(review=review, verb="simplify", by=manager, answers=ANSWERS)
    assert run_clocks(travel(MONDAY + DAY)) and Rule.objects.get().text == "By mail."


# A wording that is still to come


@pytest.fixture
def coming(heard, agent):
    """From April on it says something else."""
    change_rule(rule=heard, fields={"text": "By mail.", "applies_from": LATER}, by=None)
    make.vote(heard, -2, by=agent)
    return Rule.objects.get()


def said(rule, day):
    return [version.text for version in rule.versions.order_by("number") if version.applies(day)]


@pytest.mark.parametrize("undone_after", [1, 5, 29])
def test_an_undo_leaves_a_wording_that_is_to_come_to_its_own_day(coming, manager, travel, undone_after):
    review = decide(coming, manager)
    run_clocks(travel(MONDAY + DAY))
    assert said(coming, MONDAY + DAY) == [] == said(coming, LATER)
    back = travel(MONDAY + undone_after * DAY)
    review = transition(review=review, verb="undo", by=manager)
    assert said(coming, back) == ["Both on paper."] == said(coming, LATER - DAY)
    assert said(coming, LATER) == ["By mail."] == said(coming, LATER + 99 * DAY)
    assert undone_after == 1 or said(coming, back - DAY) == []  # on the days between it did not apply
    assert review.version == coming.versions.latest("number") and review.version.text == "By mail."


def test_an_undo_after_that_day_brings_the_words_that_came(coming, manager, travel):
    review = decide(coming, manager, effective_on=LATER - DAY)
    run_clocks(travel(LATER - DAY))
    travel(LATER + DAY)
    transition(review=review, verb="undo", by=manager)
    assert said(coming, LATER + DAY) == ["By mail."] and said(coming, LATER) == []


def test_a_rule_whose_only_wording_is_to_come_is_put_back_as_it_was(agent, manager, travel):
    travel(MONDAY)
    rule = make.rule("From April on", applies_from=LATER)
    make.vote(rule, -2, by=agent)
    review = decide(rule, manager)
    run_clocks(travel(MONDAY + DAY))
    travel(MONDAY + 3 * DAY)
    transition(review=review, verb="undo", by=manager)
    assert rule.versions.count() == 1 and not rule.versions.get().applies(LATER - DAY)
    assert rule.versions.get().applies(LATER)


def test_new_words_wait_for_the_wording_that_they_take_the_place_of(coming, manager, travel):
    """Else the front line would read of a day on which nothing changes."""
    review = decide(coming, manager, "simplify", new_title="Refunds need nobody", new_text="Pay.")
    assert review.effective_on == LATER == Notice.objects.get().effective_on
    assert run_clocks(travel(LATER - DAY)) == [] and said(coming, LATER - DAY) == ["Both on paper."]
    assert len(run_clocks(travel(LATER))) == 1 and said(coming, LATER) == ["Pay."]


def test_on_trial_the_words_may_change_and_are_read_before_the_decision(heard, agent, manager, travel):
    review = brought_to("on_trial", heard, manager, travel)
    change_rule(rule=heard, fields={"text": "By mail."}, by=None)
    review = transition(review=review, verb="end_trial", by=manager)
    with pytest.raises(WrongState, match="The words changed on"):
        transition(review=review, verb="remove", by=manager, answers=ANSWERS)
    take_in_new_words(review=review, by=manager)
    make.vote(heard, -2, by=agent)
    assert transition(review=review, verb="remove", by=manager).state == State.DECIDED
