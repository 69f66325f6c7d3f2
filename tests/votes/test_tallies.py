"""What is published of standing votes never tells how one person voted."""

from datetime import date, timedelta
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rulebook.catalogue.models import Rule
from rulebook.catalogue.services import change_rule
from rulebook.journal.models import Event
from rulebook.votes.counting import may_publish, people_apart, shown
from rulebook.votes.models import StandingVote, TalliedVote, Tally
from rulebook.votes.services import withdraw_standing
from rulebook.votes.tallies import publish_tallies, tallies_due
from tests import make

TODAY = date(2026, 3, 2)

# A house's nights: between two of them a few people vote, change their minds, or take their votes back (None).
VOTERS = st.integers(0, 11)
NIGHT = st.lists(st.tuples(VOTERS, st.none() | st.integers(-2, 2)), max_size=8)


@settings(max_examples=400, deadline=None)
@given(st.lists(NIGHT, max_size=12))
def test_two_published_sets_always_differ_by_five_peoples_votes(nights):
    votes, published = {}, []
    for night in nights:
        for voter, impact in night:
            votes.pop(voter, None) if impact is None else votes.update({voter: impact})
        if may_publish(votes, published):
            published.append(dict(votes))
    assert all(len(tally) >= 5 for tally in published)
    assert all(people_apart(one, other) >= 5 for one, other in combinations(published, 2))


@settings(max_examples=400, deadline=None)
@given(st.lists(st.integers(-2, 2), min_size=5, max_size=40))
def test_a_tally_tells_a_mean_only_where_not_all_agree(impacts):
    told = shown(impacts)
    assert told.voters == len(impacts)
    assert (told.mean is None) == (told.agreement is None) == bool(told.band) == (len(set(impacts)) == 1)
    if told.mean is not None:
        assert abs(float(told.mean) - sum(impacts) / len(impacts)) <= 0.25 + 1e-9
        assert (told.mean * 2) % 1 == 0


def night(number):
    return publish_tallies(today=TODAY + timedelta(days=number))


@pytest.mark.django_db
@settings(max_examples=25, deadline=None)
@given(nights=st.lists(NIGHT, max_size=8))
def test_what_the_database_publishes_keeps_to_it_too(nights):
    StandingVote.objects.all().delete()
    Tally.objects.all().delete()
    rule = Rule.objects.first() or make.rule()
    version = rule.versions.get()
    voices = {number: make.voice() for number in range(12)}
    for number, changes in enumerate(nights):
        for voter, impact in changes:
            if impact is None:
                withdraw_standing(version=version, voice=voices[voter])
            else:
                make.vote(rule, impact, by=voices[voter])
        night(number)
    sets = [dict(tally.votes.values_list("voter", "impact")) for tally in Tally.objects.all()]
    assert all(len(votes) >= 5 for votes in sets)
    assert all(people_apart(one, other) >= 5 for one, other in combinations(sets, 2))
    for tally, votes in zip(Tally.objects.all(), sets, strict=True):
        assert (tally.voters, tally.band) == (len(votes), shown(list(votes.values())).band)


@pytest.mark.django_db
class TestANight:
    def test_nothing_is_published_of_four_voters(self):
        rule = make.rule()
        for _ in range(4):
            make.vote(rule, -2)
        assert night(1) == 0 and not Tally.objects.exists()

    def test_five_who_all_agree_are_a_band_and_no_mean(self):
        rule = make.rule()
        for _ in range(5):
            make.vote(rule, -2)
        assert night(1) == 1
        tally = Tally.objects.get()
        assert (tally.voters, tally.band, tally.mean, tally.agreement) == (5, "hurts", None, None)

    def test_five_who_do_not_are_a_mean_to_a_half_and_an_agreement(self):
        rule = make.rule()
        for impact in (-2, -2, -1, -1, 1):
            make.vote(rule, impact)
        assert night(1) == 1
        tally = Tally.objects.get()
        assert (tally.voters, tally.band, float(tally.mean)) == (5, "", -1.0)
        assert tally.agreement == pytest.approx(0.3667, abs=1e-4)

    def test_the_sixth_voter_waits_for_four_more(self):
        rule = make.rule()
        for _ in range(5):
            make.vote(rule, -2)
        night(1)
        for voter in range(6, 11):
            make.vote(rule, 2)
            assert night(voter) == (voter == 10)
        assert list(Tally.objects.order_by("pk").values_list("voters", flat=True)) == [5, 10]

    def test_a_joiner_a_leaver_and_a_changed_vote_are_one_person_each(self):
        rule = make.rule()
        voters = [make.vote(rule, -2) for _ in range(6)]
        night(1)
        make.vote(rule, 2, by=voters[0])
        make.vote(rule, 2, by=voters[1])
        make.vote(rule, 2)
        withdraw_standing(version=rule.versions.get(), voice=voters[5])
        assert night(2) == 0, "four people's votes differ"
        make.vote(rule, 2)
        assert night(3) == 1

    def test_a_set_is_kept_apart_from_every_earlier_one_and_not_from_the_last_alone(self):
        rule = make.rule()
        voters = [make.vote(rule, -2) for _ in range(5)]
        night(1)
        for voter in voters:
            make.vote(rule, 2, by=voter)
        assert night(2) == 1
        for voter in voters:
            make.vote(rule, -2, by=voter)
        make.vote(rule, 1)
        assert night(3) == 0, "one vote apart from the first night's"

    def test_managers_have_a_tally_of_their_own_and_stand_in_no_other(self):
        rule = make.rule()
        managers = [make.person(role="manager") for _ in range(5)]
        for person in managers[:4]:
            make.vote(rule, 2, by=person)
        for _ in range(5):
            make.vote(rule, -2)
        assert night(1) == 1
        make.vote(rule, 2, by=managers[4])
        assert night(2) == 1
        assert set(Tally.objects.values_list("by_managers", "voters", "band")) == {
            (False, 5, "hurts"),
            (True, 5, "helps"),
        }
        both = TalliedVote.objects.values_list("voter", flat=True)
        assert len(set(both)) == 10

    def test_votes_on_earlier_words_and_on_removed_rules_are_published_no_more(self):
        changed, removed = make.rule(), make.rule()
        for _ in range(5):
            make.vote(changed)
            make.vote(removed)
        change_rule(rule=changed, fields={"text": "By mail only."}, by=None)
        Rule.objects.filter(pk=removed.pk).update(status=Rule.Status.REMOVED)
        assert night(1) == 0

    def test_the_same_night_twice_publishes_once_and_tells_the_journal_nothing(self):
        rule = make.rule()
        for _ in range(5):
            make.vote(rule)
        before = Event.objects.count()
        assert [night(1), night(1)] == [1, 0]
        assert Event.objects.count() == before

    def test_it_is_due_once_a_day_where_anybody_votes(self):
        assert not tallies_due("", TODAY)
        make.vote(make.rule())
        assert tallies_due("", TODAY) and tallies_due("2026-03-01", TODAY)
        assert not tallies_due("2026-03-02", TODAY)
