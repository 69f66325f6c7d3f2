"""The verdict of a rule: its newest closed ballot of five voters or more, else its published tally, never both."""

from datetime import date, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from rulebook.catalogue.models import Rule
from rulebook.catalogue.services import change_rule
from rulebook.votes.ballots import close_ballot, next_round, reveal
from rulebook.votes.models import Ballot
from rulebook.votes.queries import said_on, verdict_of, verdicts
from rulebook.votes.tallies import publish_tallies
from tests import make

pytestmark = pytest.mark.django_db
TODAY = date(2026, 3, 2)


def voted(rule, *impacts, by=None):
    for impact in impacts:
        make.vote(rule, impact, by=by)
    publish_tallies(today=TODAY)


def balloted(rule, *impacts, days_ago=0):
    ballot = make.ballot(rule)
    for impact in impacts:
        make.cast(ballot, impact)
    close_ballot(ballot=ballot, by=None)
    Ballot.objects.filter(pk=ballot.pk).update(closed_at=timezone.now() - timedelta(days=days_ago))
    return ballot


def told(rule):
    found = verdicts().get(rule.pk)
    one = verdict_of(rule.versions.latest("number").pk)
    assert found == one
    return found and (found.source, found.sum, found.voters, found.band)


def test_standing_votes_count_as_they_were_published():
    rule = make.rule()
    assert told(rule) is None
    for impact in (-2, -2, -1, -1, -1):
        make.vote(rule, impact)
    assert told(rule) is None, "nothing is published yet"
    publish_tallies(today=TODAY)
    assert told(rule) == ("tally", -7.5, 5, "hurts"), "the mean to 0.5, and not the sum of the votes"


@pytest.mark.parametrize(("impact", "total"), [(-2, -5), (-1, -5), (0, 0), (1, 5), (2, 5)])
def test_a_band_counts_as_one_step(impact, total):
    rule = make.rule()
    voted(rule, *[impact] * 5)
    assert verdicts()[rule.pk].sum == total


def test_a_closed_ballot_goes_before_a_tally():
    rule = make.rule()
    balloted(rule, 1, 1, 2, 2, 2, days_ago=40)
    voted(rule, -2, -2, -2, -2, -2)
    assert told(rule) == ("ballot", 8, 5, "helps")


def test_the_newest_ballot_counts_and_one_of_four_voters_does_not():
    rule = make.rule()
    balloted(rule, 2, 2, 2, 2, 2, days_ago=9)
    balloted(rule, -1, -1, -1, -1, -2, days_ago=20)
    balloted(rule, 0, 0, 0, 0, days_ago=1)
    assert told(rule) == ("ballot", 10, 5, "helps")


def test_managers_do_not_make_a_verdict():
    rule = make.rule()
    ballot = make.ballot(rule)
    for _ in range(5):
        make.cast(ballot, 2, by=make.person(role="manager"))
    close_ballot(ballot=ballot, by=None)
    for _ in range(5):
        make.vote(rule, 2, by=make.person(role="manager"))
    publish_tallies(today=TODAY)
    assert told(rule) is None
    verdict, managers = said_on(rule.versions.get().pk)
    assert verdict is None and managers.band == "helps"


def test_an_open_ballot_says_nothing_and_a_second_round_goes_before_the_first():
    rule = make.rule()
    ballot = make.ballot(rule, rounds=2)
    for _ in range(5):
        make.cast(ballot, -2)
    reveal(ballot=ballot, by=None)
    assert told(rule) is None
    next_round(ballot=ballot, by=None)
    for _ in range(6):
        make.cast(ballot, 1)
    close_ballot(ballot=ballot, by=None)
    assert told(rule) == ("ballot", 6, 6, "helps")


def test_a_second_round_of_four_leaves_the_first_standing():
    rule = make.rule()
    ballot = make.ballot(rule, rounds=2)
    for _ in range(5):
        make.cast(ballot, -2)
    reveal(ballot=ballot, by=None)
    next_round(ballot=ballot, by=None)
    for _ in range(4):
        make.cast(ballot, 1)
    close_ballot(ballot=ballot, by=None)
    assert told(rule) == ("ballot", -10, 5, "hurts")


def test_other_words_and_removal_end_a_verdict():
    reworded, removed = make.rule(), make.rule()
    for rule in (reworded, removed):
        balloted(rule, -2, -2, -2, -1, -1)
        voted(rule, -2, -2, -2, -2, -2)
    assert set(verdicts()) == {reworded.pk, removed.pk}
    change_rule(rule=reworded, fields={"text": "By mail only."}, by=None)
    Rule.objects.filter(pk=removed.pk).update(status=Rule.Status.REMOVED)
    assert verdicts() == {}
    assert verdict_of(reworded.versions.get(number=1).pk).source == "ballot"


def test_agreement_of_a_ballot_is_exact_and_a_band_has_none():
    rule, agreed = make.rule(), make.rule()
    balloted(rule, -2, -2, -2, 2, 2)
    voted(agreed, -1, -1, -1, -1, -1)
    found = verdicts()
    assert found[rule.pk].agreement == pytest.approx(-0.6)
    assert (found[agreed.pk].agreement, found[agreed.pk].mean) == (None, None)


def test_verdicts_cost_two_queries_however_many_rules():
    for count in (1, 6):
        for _ in range(count):
            balloted(make.rule(), -1, -1, -1, -1, -1)
        with CaptureQueriesContext(connection) as queries:
            verdicts()
        assert len(queries) == 2  # tallies, rounds of closed ballots
