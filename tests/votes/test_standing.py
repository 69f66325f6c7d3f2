"""Standing votes: one a voter and wording, on words that still hold, and without a trace of when."""

import pytest

from rulebook.catalogue.models import Rule
from rulebook.catalogue.services import change_rule
from rulebook.errors import RulebookError, WrongState
from rulebook.journal.models import Event
from rulebook.votes.models import StandingVote
from rulebook.votes.services import LONGEST_REASON, cast_standing, withdraw_standing
from tests import make

pytestmark = pytest.mark.django_db


def test_a_second_vote_replaces_the_first_one_of_the_same_voter():
    rule = make.rule()
    for voter in (make.voice(make.person(role="agent")), make.voice(team=make.team())):
        make.vote(rule, -2, by=voter, wants=["put_right", "caring"], reason="Slow.", quotable=True)
        make.vote(rule, 1, by=voter, wants=["on_time"])
        stored = StandingVote.objects.get(device=voter.device, person=voter.person)
        assert (stored.impact, stored.on_time, stored.put_right, stored.reason, stored.quotable) == (1, 1, 0, "", False)
    assert StandingVote.objects.count() == 2


def test_a_vote_writes_no_event():
    rule = make.rule()
    before = Event.objects.count()
    voter = make.vote(rule)
    withdraw_standing(version=rule.versions.get(), voice=voter)
    assert Event.objects.count() == before


def test_a_vote_is_taken_back_once():
    rule = make.rule()
    voter = make.vote(rule)
    make.vote(rule)
    assert [withdraw_standing(version=rule.versions.get(), voice=voter) for _ in range(2)] == [True, False]
    assert StandingVote.objects.count() == 1


def test_managers_votes_are_marked_and_agents_are_not():
    rule = make.rule()
    for role in ("manager", "agent", "owner"):
        make.vote(rule, by=make.person(role, role=role))
    make.vote(rule)
    assert list(StandingVote.objects.filter(by_manager=True).values_list("person__username", flat=True)) == ["manager"]


def test_a_personal_number_is_hidden_and_the_voter_is_told():
    rule = make.rule()
    hidden = cast_standing(
        version=rule.versions.get(), voice=make.voice(), impact=-1, reason="anna@example.org waited.", quotable=True
    )
    assert hidden
    assert "anna@" not in StandingVote.objects.get().reason


@pytest.mark.parametrize("wrong", [{"impact": 3}, {"impact": -3}, {"wants": ["money"]}])
def test_impossible_values_are_refused_and_nothing_is_stored(wrong):
    with pytest.raises(RulebookError):
        make.vote(make.rule(), **{"impact": 0, **wrong})
    assert not StandingVote.objects.exists()


def test_a_reason_of_a_megabyte_is_refused_with_its_measure():
    with pytest.raises(RulebookError, match="more than 2,000 characters"):
        make.vote(make.rule(), reason="x" * 2**20)
    make.vote(make.rule(), reason="é🙂\x00" * (LONGEST_REASON // 3))


def test_a_blank_reason_cannot_be_quoted():
    make.vote(make.rule(), reason=" \n ", quotable=True)
    assert not StandingVote.objects.get().quotable


def test_words_that_changed_meanwhile_are_not_voted_on():
    rule = make.rule()
    old = rule.versions.get()
    change_rule(rule=rule, fields={"text": "By mail only."}, by=None)
    with pytest.raises(WrongState, match="got other words a moment ago"):
        cast_standing(version=old, voice=make.voice(), impact=-1)
    make.vote(rule)


def test_a_rule_that_was_removed_meanwhile_is_not_voted_on():
    rule = make.rule()
    Rule.objects.update(status=Rule.Status.REMOVED)
    with pytest.raises(WrongState, match=f"Decided a moment ago: {rule.code} is removed"):
        make.vote(rule)


def test_numbers_of_votes_tell_no_order():
    rule = make.rule()
    for _ in range(12):
        make.vote(rule)
    numbers = list(StandingVote.objects.order_by("device").values_list("pk", flat=True))
    assert len(set(numbers)) == 12 and max(numbers) > 2**50


def test_nothing_of_a_vote_stands_in_its_name():
    make.vote(make.rule(), -2, reason="Telltale.")
    assert "Telltale" not in str(StandingVote.objects.get()) and "-2" not in str(StandingVote.objects.get())
