"""A sealed ballot: its words stand still, its votes are counted once, and it is never opened again."""

import pytest

from rulebook.catalogue.locks import WordingLocked
from rulebook.catalogue.models import Rule, WordingLock
from rulebook.catalogue.services import change_rule
from rulebook.errors import NotAllowed, RulebookError, WrongState
from rulebook.journal.models import Event
from rulebook.votes.ballots import (
    cast_ballot,
    close_ballot,
    discard_ballot,
    make_ballot,
    next_round,
    open_ballot,
    reveal,
    show_hands,
)  # fmt: skip
from rulebook.votes.models import Ballot, Cast, Hands
from tests import make

pytestmark = pytest.mark.django_db


def state(ballot):
    return Ballot.objects.get(pk=ballot.pk).state


def test_a_vote_counts_once_however_often_it_is_sent():
    ballot = make.ballot()
    voter = make.cast(ballot, -2)
    make.cast(ballot, 1, by=voter, wants=["caring"])
    cast = Cast.objects.get()
    assert (cast.impact, cast.caring, cast.voter, cast.by_agent) == (1, True, voter.key, True)


def test_nobody_votes_before_it_opens_or_after_it_closed():
    ballot = make.ballot(is_open=False)
    with pytest.raises(WrongState, match="not open yet"):
        make.cast(ballot)
    open_ballot(ballot=ballot, by=None)
    make.cast(ballot)
    close_ballot(ballot=ballot, by=None)
    with pytest.raises(WrongState, match="is closed"):
        make.cast(ballot)
    assert Cast.objects.count() == 1


def test_a_closed_ballot_is_never_opened_again():
    ballot = make.ballot(rounds=2)
    close_ballot(ballot=ballot, by=None)
    for verb in (open_ballot, reveal, next_round, close_ballot, discard_ballot):
        with pytest.raises(WrongState, match="is closed"):
            verb(ballot=ballot, by=None)
    with pytest.raises(WrongState, match="is closed"):
        show_hands(item=ballot.items.get(), counts={0: 1}, by=None)
    assert state(ballot) == "closed"


def test_closing_cuts_off_who_voted_and_writes_the_votes_in_another_place():
    ballot = make.ballot(make.rule(), make.rule())
    for impact in (-2, -1, 0, 1, 2):
        make.cast(ballot, impact)
        make.cast(ballot, impact, place=2)
    before = set(Cast.objects.values_list("pk", flat=True))
    close_ballot(ballot=ballot, by=None)
    assert set(Cast.objects.values_list("voter", "team", "by_agent")) == {(None, None, False)}
    assert not before & set(Cast.objects.values_list("pk", flat=True))
    assert [sorted(item.casts.values_list("impact", flat=True)) for item in ballot.items.all()] == [
        [-2, -1, 0, 1, 2]
    ] * 2


def test_a_ballot_writes_one_event_and_it_holds_a_count_alone():
    rule = make.rule()
    before = Event.objects.count()
    manager = make.person("anna", role="manager")
    ballot = make.ballot(rule, rounds=2, by=manager)
    voter = make.cast(ballot, reason="Slow.")
    make.cast(ballot, by=manager)
    show_hands(item=ballot.items.get(), counts={-2: 3, 1: 1}, by=manager)
    reveal(ballot=ballot, by=manager)
    next_round(ballot=ballot, by=manager)
    make.cast(ballot, by=voter)
    close_ballot(ballot=ballot, by=manager)
    event = Event.objects.get(number=before + 1)
    assert Event.objects.count() == before + 1
    assert (event.verb, event.object_type, event.object_code) == ("ballot_closed", "ballot", str(ballot.pk))
    assert (event.before, event.after, event.note) == ("", "7", None)


def test_the_words_stand_still_while_it_is_open():
    rule, other = make.rule(), make.rule()
    ballot = make.ballot(rule, other)
    with pytest.raises(WordingLocked):
        change_rule(rule=rule, fields={"text": "By mail only."}, by=None)
    change_rule(rule=rule, fields={"purpose": "Fewer mistakes."}, by=None)
    close_ballot(ballot=ballot, by=None)
    assert not WordingLock.objects.exists()
    assert change_rule(rule=rule, fields={"text": "By mail only."}, by=None)


def test_two_ballots_on_one_rule_keep_its_words_until_both_are_closed():
    rule = make.rule()
    first, second = make.ballot(rule), make.ballot(rule)
    close_ballot(ballot=first, by=None)
    with pytest.raises(WordingLocked):
        change_rule(rule=rule, fields={"text": "By mail only."}, by=None)
    close_ballot(ballot=second, by=None)
    assert change_rule(rule=rule, fields={"text": "By mail only."}, by=None)


def test_it_opens_on_the_words_of_that_moment():
    rule = make.rule()
    ballot = make.ballot(rule, is_open=False)
    change_rule(rule=rule, fields={"text": "By mail only."}, by=None)
    open_ballot(ballot=ballot, by=None)
    assert ballot.items.get().version.text == "By mail only."


def test_it_does_not_open_on_a_rule_that_was_removed():
    rule = make.rule()
    ballot = make.ballot(make.rule(), rule, is_open=False)
    Rule.objects.filter(pk=rule.pk).update(status=Rule.Status.REMOVED)
    with pytest.raises(WrongState, match=f"{rule.code} was removed meanwhile"):
        open_ballot(ballot=ballot, by=None)
    assert state(ballot) == "draft" and not WordingLock.objects.exists()
    discard_ballot(ballot=ballot, by=None)
    assert not Ballot.objects.exists()


def test_nobody_votes_on_a_rule_that_was_removed_since_it_opened():
    rule = make.rule()
    ballot = make.ballot(rule)
    voter = make.cast(ballot, -2)
    Rule.objects.filter(pk=rule.pk).update(status=Rule.Status.REMOVED)
    for voice in (voter, make.voice()):
        with pytest.raises(WrongState, match=f"{rule.code} is removed. Your vote is not needed"):
            make.cast(ballot, 2, by=voice)
    assert Cast.objects.get().impact == -2


VERBS = {
    "open": (lambda ballot, by: open_ballot(ballot=ballot, by=by), {"is_open": False}),
    "discard": (lambda ballot, by: discard_ballot(ballot=ballot, by=by), {"is_open": False}),
    "hands": (lambda ballot, by: show_hands(item=ballot.items.get(), counts={0: 1}, by=by), {}),
    "reveal": (lambda ballot, by: reveal(ballot=ballot, by=by), {}),
    "next": (lambda ballot, by: next_round(ballot=ballot, by=by), {"revealed": True}),
    "close": (lambda ballot, by: close_ballot(ballot=ballot, by=by), {}),
}


@pytest.mark.parametrize("role", ["agent", "owner", "operator", ""])
@pytest.mark.parametrize("verb", VERBS)
def test_who_runs_no_ballots_is_refused_by_every_verb_and_nothing_is_changed(verb, role):
    do, given = VERBS[verb]
    ballot = make.ballot(rounds=2, is_open=given.get("is_open", True))
    if given.get("revealed"):
        reveal(ballot=ballot, by=None)
    before = state(ballot)
    with pytest.raises(NotAllowed):
        do(ballot, make.person(role=role))
    assert state(ballot) == before and not Hands.objects.exists()
    do(ballot, None if role else make.person(role="manager"))  # the system may, and so may a manager
    assert before != (state(ballot) if verb != "discard" else "") or Hands.objects.exists()


@pytest.mark.parametrize("role", ["agent", "owner", "operator", ""])
def test_who_runs_no_ballots_makes_none(role):
    fields = {"title": "T", "questions": "impact", "rounds": 1, "versions": [make.rule().versions.get()]}
    with pytest.raises(NotAllowed):
        make_ballot(**fields, by=make.person(role=role))
    assert not Ballot.objects.exists()
    assert make_ballot(**fields, by=make.person(role="manager")) and make_ballot(**fields, by=None)


def test_an_open_ballot_is_not_thrown_away():
    ballot = make.ballot()
    with pytest.raises(WrongState, match="This ballot is open"):
        discard_ballot(ballot=ballot, by=None)
    assert state(ballot) == "open"


def test_two_rounds():
    ballot = make.ballot(rounds=2)
    voter = make.cast(ballot, -2)
    reveal(ballot=ballot, by=None)
    with pytest.raises(WrongState, match="second is not open yet"):
        make.cast(ballot)
    with pytest.raises(WrongState, match="over and shown"):
        reveal(ballot=ballot, by=None)
    assert Cast.objects.get().voter is None, "whose it was is cut off at the reveal"
    next_round(ballot=ballot, by=None)
    with pytest.raises(WrongState, match="Round 1 is over"):
        cast_ballot(item=ballot.items.get(), round=1, voice=voter, impact=0)
    make.cast(ballot, -1, by=voter)
    with pytest.raises(WrongState, match="second round is open"):
        next_round(ballot=ballot, by=None)
    close_ballot(ballot=ballot, by=None)
    assert list(Cast.objects.order_by("round").values_list("round", "impact", "voter")) == [
        (1, -2, None),
        (2, -1, None),
    ]


def test_a_ballot_of_one_round_has_nothing_to_reveal_but_by_closing_it():
    with pytest.raises(WrongState, match="one round"):
        reveal(ballot=make.ballot(), by=None)


def test_a_show_of_hands_replaces_the_one_before_and_stands_apart_from_the_votes():
    ballot = make.ballot(questions="impact_ease")
    item = ballot.items.get()
    show_hands(item=item, counts={-2: 3, 2: 1}, by=None)
    show_hands(item=item, counts={-2: 4, 0: 0}, by=None)
    show_hands(item=item, counts={1: 2}, ease=True, by=None)
    assert set(Hands.objects.values_list("ease", "value", "people")) == {(False, -2, 4), (True, 1, 2)}
    assert not Cast.objects.exists()


def test_impossible_hands_are_refused():
    item = make.ballot().items.get()
    for counts, ease in (({3: 1}, False), ({0: -1}, False), ({0: 10**6}, False), ({0: 1}, True)):
        with pytest.raises(RulebookError):
            show_hands(item=item, counts=counts, ease=ease, by=None)
    assert not Hands.objects.exists()


def test_ease_is_stored_where_it_is_asked_for():
    both, one = make.ballot(questions="impact_ease"), make.ballot()
    for ballot in (both, one):
        make.cast(ballot, ease=2)
    assert [Cast.objects.get(item__ballot=ballot).ease for ballot in (both, one)] == [2, None]
    with pytest.raises(RulebookError, match="one of five"):
        make.cast(both, ease=9)


@pytest.mark.parametrize(
    "wrong",
    [{"title": " "}, {"title": "x" * 201}, {"questions": "money"}, {"rounds": 3}, {"rounds": 0}, {"versions": []}],
)
def test_a_ballot_without_what_it_needs_is_not_made(wrong):
    version = make.rule().versions.get()
    fields = {"title": "What hurts?", "questions": "impact", "rounds": 1, "versions": [version], **wrong}
    with pytest.raises(RulebookError):
        make_ballot(**fields, by=None)
    assert not Ballot.objects.exists()


def test_a_rule_stands_on_a_ballot_once():
    version = make.rule().versions.get()
    with pytest.raises(RulebookError, match="twice"):
        make_ballot(title="Twice", questions="impact", rounds=1, versions=[version, version], by=None)
