"""A rule that is under review lies on top of the front line's stack of cards, as long as it is to be decided."""

from datetime import date

import pytest

from rulebook.access.voices import Voice
from rulebook.review.services import transition
from rulebook.votes.stack import SITTING, StandingDeck
from tests import make

pytestmark = pytest.mark.django_db
MONDAY = date(2026, 3, 2)
KEPT = {"purpose": "Fraud.", "answer": "It is cheap.", "review_by": date(2026, 9, 1)}


@pytest.fixture
def last(travel):
    """The last of so many rules that one sitting does not come to it; all others are flagged."""
    travel(MONDAY)
    for number in range(SITTING + 3):
        make.flag(rule=make.rule(f"Rule {number}", code=f"A-{number:02}"), flagged_on=MONDAY)
    return make.rule("Refunds need two signatures", code="Z-1")


def dealt(agent):
    versions = StandingDeck(Voice(person=agent, team=None, device="")).deal()
    return versions


def test_it_is_dealt_first_while_it_is_to_be_decided_and_in_its_turn_afterwards(last, agent, manager):
    version = last.versions.get().pk
    assert version not in dealt(agent)
    review = make.review(last, by=manager)
    assert dealt(agent)[0] == version
    transition(review=review, verb="keep", by=make.person("another", role="manager"), answers=KEPT)
    assert version not in dealt(agent)


def test_an_objection_to_a_decision_asks_the_front_line_anew(last, agent, manager, owner):
    type(last).objects.filter(pk=last.pk).update(owner=owner)
    for voter in (agent, *(make.person(f"agent{number}", role="agent") for number in range(2))):
        make.vote(last, -2, by=voter)
    asked = make.person("newcomer", role="agent")
    review = make.review(last, by=manager)
    review = transition(review=review, verb="remove", by=manager, answers={"play": "Refund.", "nobody_knows": True})
    assert last.versions.get().pk not in dealt(asked)
    transition(review=review, verb="object", by=owner)
    assert dealt(asked)[0] == last.versions.get().pk
