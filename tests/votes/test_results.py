"""What a ballot came to: by how many voted, managers and hands apart, and nothing before its round is over."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from rulebook.catalogue.services import change_rule
from rulebook.votes.ballots import close_ballot, next_round, reveal, show_hands
from rulebook.votes.results import ballot_result
from tests import make

pytestmark = pytest.mark.django_db


def closed(*impacts, **fields):
    """The first round's result of a ballot on one rule in which these were cast."""
    ballot = make.ballot(**fields)
    for impact in impacts:
        make.cast(ballot, impact)
    close_ballot(ballot=ballot, by=None)
    ballot.refresh_from_db()
    return ballot_result(ballot)[0].last


def test_nothing_is_told_before_its_round_is_over():
    ballot = make.ballot(rounds=2)
    for impact in (-2, -2, -2, -1, -1):
        make.cast(ballot, impact)
    assert ballot_result(ballot) == []
    assert ballot_result(make.ballot(is_open=False)) == []
    reveal(ballot=ballot, by=None)
    ballot.refresh_from_db()
    assert ballot_result(ballot)[0].last.impact.voters == 5
    next_round(ballot=ballot, by=None)
    ballot.refresh_from_db()
    make.cast(ballot, 2)
    assert [one.round for one in ballot_result(ballot)[0].rounds] == [1]


def test_how_much_is_told_goes_by_the_number_of_voters():
    assert (closed().impact.voters, closed(-2, -2).impact) == (0, closed(1, 2).impact)
    three = closed(-2, -1, 2).impact
    assert (three.voters, three.median, three.mean, three.counts, three.agreement) == (3, -1.0, None, None, None)
    assert closed(-2, -1, 0, 2).impact.median == -0.5
    five = closed(-2, -2, -2, -2, 2).impact
    assert (five.mean, five.counts) == (-1.2, (4, 0, 0, 0, 1))
    assert five.agreement == pytest.approx(0.2)


def test_managers_are_shown_apart_and_are_in_no_mean():
    ballot = make.ballot()
    for _ in range(5):
        make.cast(ballot, -2)
    for person in (make.person(role="manager"), make.person(is_superuser=True)):
        make.cast(ballot, 2, by=person)
    close_ballot(ballot=ballot, by=None)
    ballot.refresh_from_db()
    found = ballot_result(ballot)[0].last
    assert (found.impact.mean, found.impact.voters) == (-2, 5)
    assert (found.managers.voters, found.managers.median) == (2, None)


def test_hands_are_shown_apart_and_are_in_no_mean():
    ballot = make.ballot(questions="impact_ease")
    item = ballot.items.get()
    show_hands(item=item, counts={2: 30}, by=None)
    show_hands(item=item, counts={-1: 4}, ease=True, by=None)
    for _ in range(5):
        make.cast(ballot, -2, ease=1)
    close_ballot(ballot=ballot, by=None)
    ballot.refresh_from_db()
    found = ballot_result(ballot)[0].last
    assert (found.impact.mean, found.ease.mean) == (-2, 1)
    assert (found.hands, found.hands_ease) == ((0, 0, 0, 0, 30), (0, 4, 0, 0, 0))


def test_reasons_are_shown_of_five_voters_with_their_writers_yes_and_in_no_order():
    def written(count):
        ballot = make.ballot()
        for number in range(count):
            make.cast(ballot, -1, reason=f"Reason {number}.", quotable=number != 1, wants=["put_right"])
        close_ballot(ballot=ballot, by=None)
        ballot.refresh_from_db()
        return ballot

    four = ballot_result(written(4))[0].last
    assert (four.reasons, four.touches) == ([], {})
    ballot = written(12)
    seen = {tuple(ballot_result(ballot)[0].last.reasons) for _ in range(8)}
    assert len(seen) > 1
    assert {frozenset(reasons) for reasons in seen} == {frozenset(f"Reason {n}." for n in range(12) if n != 1)}
    assert ballot_result(ballot)[0].last.touches == {"product": 0, "caring": 0, "on_time": 0, "put_right": 12}


def test_the_shift_is_that_of_the_two_means_that_are_shown():
    ballot = make.ballot(make.rule(), make.rule(), rounds=2)
    for _ in range(5):
        make.cast(ballot, -1)
        make.cast(ballot, -1, place=2)
    reveal(ballot=ballot, by=None)
    next_round(ballot=ballot, by=None)
    for _ in range(5):
        make.cast(ballot, -2)
    make.cast(ballot, 2, place=2)
    close_ballot(ballot=ballot, by=None)
    ballot.refresh_from_db()
    assert [item.shift for item in ballot_result(ballot)] == [-1.0, None]


def test_a_text_that_changed_since_makes_the_result_stale():
    rule, other = make.rule(), make.rule()
    ballot = make.ballot(rule, other)
    close_ballot(ballot=ballot, by=None)
    ballot.refresh_from_db()
    change_rule(rule=rule, fields={"text": "By mail only."}, by=None)
    change_rule(rule=other, fields={"purpose": "Fewer mistakes."}, by=None)
    assert [item.stale for item in ballot_result(ballot)] == [True, False]


def test_a_result_costs_the_same_for_one_rule_and_for_ten():
    costs = []
    for count in (1, 10):
        ballot = make.ballot(*(make.rule() for _ in range(count)))
        for place in range(1, count + 1):
            make.cast(ballot, place=place)
        close_ballot(ballot=ballot, by=None)
        ballot.refresh_from_db()
        with CaptureQueriesContext(connection) as queries:
            ballot_result(ballot)
        costs.append(len(queries))
    assert costs == [5, 5]  # the rules with their wordings, their newest, the votes, the hands, who came by a link


@pytest.mark.parametrize(
    ("signed_in", "devices", "told"), [(0, 4, 0), (5, 0, 0), (5, 1, None), (4, 6, None), (5, 5, 5), (0, 6, 6)]
)
def test_how_many_came_by_a_link_is_told_of_five_and_more_on_either_side(signed_in, devices, told):
    ballot, team = make.ballot(rounds=2), make.team(headcount=9)
    for _ in range(signed_in):
        make.cast(ballot, by=make.person(role="agent", team=team))
    for _ in range(devices):
        make.cast(ballot, by=make.voice(team=team))
    make.cast(ballot, by=make.person(role="manager", team=team))
    reveal(ballot=ballot, by=None)
    ballot.refresh_from_db()
    assert ballot_result(ballot)[0].last.by_link == 0, "not before the ballot is closed"
    next_round(ballot=ballot, by=None)
    close_ballot(ballot=ballot, by=None)
    ballot.refresh_from_db()
    assert [one.by_link for one in ballot_result(ballot)[0].rounds] == [told, 0]
