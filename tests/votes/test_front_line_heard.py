"""Whether the front line has been heard on a rule, and the sentence that says what is missing."""

from datetime import date, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from rulebook.access.models import ClosedPeriod, TeamLink
from rulebook.catalogue.services import change_rule
from rulebook.votes.ballots import close_ballot, reveal
from rulebook.votes.queries import front_line_heard
from tests import make

pytestmark = pytest.mark.django_db
MARKED = date(2026, 3, 2)


def agents(count, team):
    return [make.person(role="agent", team=team) for _ in range(count)]


def link(team):
    return TeamLink.objects.create(team=team, digest=f"{team.pk:064}")


@pytest.mark.parametrize(("count", "needed"), [(1, 1), (2, 1), (3, 2), (8, 4), (9, 5), (30, 5)])
def test_half_of_the_agents_are_enough_and_never_more_than_five(count, needed):
    rule, people = make.rule(), agents(count, make.team())
    for person in people[:needed]:
        found = front_line_heard(rule)
        assert (found.heard, found.needed) == (False, needed)
        make.vote(rule, by=person)
    assert front_line_heard(rule).heard


@pytest.mark.parametrize(
    ("count", "before", "after"),
    [
        (1, "No agent has voted on it.", "At least 1 agent has voted on it."),
        (8, "Fewer than 4 agents have voted on it.", "At least 4 agents have voted on it."),
    ],
)
def test_the_sentence_tells_whether_enough_have_voted_and_no_count(count, before, after):
    rule, people = make.rule(), agents(count, make.team())
    said = [front_line_heard(rule)]
    for person in people:
        make.vote(rule, by=person)
        said.append(front_line_heard(rule))
    needed = said[0].needed
    how = " A ballot with 3 agents is enough too, or 14 open days once it is marked."
    assert [found.sentence for found in said[:needed]] == [before + how] * needed
    assert {found.sentence for found in said[needed:]} == {after}
    assert len({repr(found) for found in said}) == 2, "nothing in it tells of one voter more"


def test_only_agents_of_the_owner_department_count_where_there_is_one():
    finance, sales = make.department("Finance"), make.department("Sales")
    ours, theirs = make.team(department=finance), make.team(department=sales)
    rule = make.rule(department=finance)
    for person in agents(4, theirs):
        make.vote(rule, by=person)
    own = agents(4, ours)
    make.vote(rule, by=own[0])
    assert (front_line_heard(rule).heard, front_line_heard(rule).needed) == (False, 2)
    make.vote(rule, by=own[1])
    assert front_line_heard(rule).heard


def test_managers_and_people_without_the_role_are_no_agents():
    rule = make.rule()
    people = agents(4, make.team())
    for role in ("manager", "owner", "operator", ""):
        make.vote(rule, by=make.person(role=role))
    both = make.person(role="manager")
    both.groups.add(*make.person(role="agent").groups.all())
    make.vote(rule, by=both)
    for person in people[:2]:
        make.vote(rule, by=person)
    assert (front_line_heard(rule).heard, front_line_heard(rule).needed) == (False, 3)
    make.vote(rule, by=people[2])
    assert front_line_heard(rule).heard


def test_somebody_who_left_counts_neither_as_an_agent_nor_as_a_voter():
    rule, people = make.rule(), agents(4, make.team())
    make.vote(rule, by=people[0])
    people[0].is_active = False
    people[0].save()
    make.vote(rule, by=people[1])
    assert (front_line_heard(rule).heard, front_line_heard(rule).needed) == (False, 2)


def test_a_device_of_a_teams_link_is_an_agent_and_its_team_has_as_many_as_its_headcount():
    finance = make.department("Finance")
    team = make.team(department=finance, headcount=9)
    rule = make.rule(department=finance)
    assert front_line_heard(rule).needed == 0, "no link, and nobody signs in"
    link(team)
    agents(2, team)
    assert front_line_heard(rule).needed == 5
    device = make.voice(team=team)
    for _ in range(3):
        make.vote(rule, by=device)
    for _ in range(3):
        make.vote(rule, by=make.voice(team=team))
    make.vote(rule, by=make.voice(team=make.team()))
    assert not front_line_heard(rule).heard, "four devices, and one of another department"
    make.vote(rule, by=make.voice(team=team))
    assert front_line_heard(rule).heard


def test_devices_of_a_team_are_no_more_agents_than_it_has_people():
    small = make.team(headcount=5)
    link(small)
    agents(30, make.team())
    rule = make.rule()
    people = agents(4, small)
    for _ in range(9):  # one person in nine private windows, for all that anybody knows
        make.vote(rule, by=make.voice(team=small))
    assert front_line_heard(rule).heard, "five of the five"
    rule = make.rule()
    for person in people[:3]:
        make.vote(rule, by=person)
    make.vote(rule, by=make.voice())
    assert not front_line_heard(rule).heard, "three agents, and a device of a team that is gone"
    for _ in range(2):
        make.vote(rule, by=make.voice(team=small))
    assert front_line_heard(rule).heard, "three signed in, and the other two"


def test_whoever_of_the_team_votes_signed_in_is_no_device():
    team = make.team(headcount=5)
    link(team)
    rule = make.rule()
    for _ in range(6):
        make.vote(rule, by=make.voice(team=team))
    heard = []
    for role in ("owner", "manager", ""):  # none of them is an agent, but each is one of the five
        make.vote(rule, by=make.person(role=role, team=team))
        heard.append(front_line_heard(rule).heard)
    assert (heard, front_line_heard(rule).needed) == ([True, True, False], 3)


def test_a_revoked_link_brings_no_agents():
    team = make.team(headcount=9)
    link(team)
    TeamLink.objects.update(revoked_at="2026-01-01T00:00Z")
    assert front_line_heard(make.rule()).needed == 0


def test_votes_on_earlier_words_do_not_count():
    rule = make.rule()
    for person in agents(4, make.team()):
        make.vote(rule, by=person)
    assert front_line_heard(rule).heard
    change_rule(rule=rule, fields={"text": "By mail only."}, by=None)
    assert not front_line_heard(rule).heard


def test_a_closed_ballot_with_three_agents_is_enough():
    rule = make.rule()
    people = agents(20, make.team())
    ballot = make.ballot(rule)
    for person in people[:2]:
        make.cast(ballot, by=person)
    for _ in range(9):
        make.cast(ballot, by=make.person(role="manager"))
    close_ballot(ballot=ballot, by=None)
    assert not front_line_heard(rule).heard, "two agents and nine managers"
    ballot = make.ballot(rule)
    for person in people[:3]:
        make.cast(ballot, by=person)
    assert not front_line_heard(rule).heard, "it is still open"
    close_ballot(ballot=ballot, by=None)
    found = front_line_heard(rule)
    assert found.heard and "ballot that closed on" in found.sentence
    change_rule(rule=rule, fields={"text": "By mail only."}, by=None)
    assert not front_line_heard(rule).heard, "on other words"


def test_one_person_with_many_devices_is_no_ballot_of_agents():
    team = make.team(headcount=6)
    agents(20, make.team())
    people = [make.person(role="owner", team=team) for _ in range(4)]
    rule = make.rule()
    for more in (0, 1):
        ballot = make.ballot(rule, rounds=2)
        for _ in range(5):
            make.cast(ballot, by=make.voice(team=team))
        for person in people[more:]:
            make.cast(ballot, by=person)
        reveal(ballot=ballot, by=None)
        close_ballot(ballot=ballot, by=None)
        assert front_line_heard(rule).heard == bool(more), "two or three of six are left to be devices"


def test_fourteen_open_days_after_marking_are_enough():
    rule = make.rule()
    agents(20, make.team())
    on_day = [front_line_heard(rule, marked_on=MARKED, today=MARKED + timedelta(days=n)).heard for n in (0, 13, 14)]
    assert on_day == [False, False, True]
    sentence = front_line_heard(rule, marked_on=MARKED, today=MARKED).sentence
    assert (
        sentence
        == "Fewer than 5 agents have voted on it. Without more votes the front line counts as heard on 16 Mar 2026."
    )


def test_closed_days_stop_that_clock():
    rule = make.rule()
    ClosedPeriod.objects.create(name="Easter", first=date(2026, 3, 5), last=date(2026, 3, 9))
    assert not front_line_heard(rule, marked_on=MARKED, today=MARKED + timedelta(days=18)).heard
    assert front_line_heard(rule, marked_on=MARKED, today=MARKED + timedelta(days=19)).heard


def test_without_agents_only_time_counts():
    rule = make.rule()
    make.vote(rule)
    assert front_line_heard(rule).sentence == (
        "No agent is registered here: the front line counts as heard 14 open days after the rule is marked."
    )
    found = front_line_heard(rule, marked_on=MARKED, today=MARKED)
    assert (found.heard, found.needed) == (False, 0)
    assert found.sentence == "No agent is registered here: the front line counts as heard on 16 Mar 2026."
    assert front_line_heard(rule, marked_on=MARKED, today=date(2026, 3, 16)).heard
    finance = make.rule(department=make.department("Finance"))
    assert front_line_heard(finance, marked_on=MARKED, today=MARKED).sentence == (
        "No agent is registered in Finance: the front line counts as heard on 16 Mar 2026."
    )


def test_it_costs_eight_queries_at_most():
    rule, team = make.rule(), make.team()
    agents(20, team)
    make.vote(rule, by=make.voice(team=team))
    with CaptureQueriesContext(connection) as queries:
        front_line_heard(rule, marked_on=MARKED, today=MARKED)
    # the wording, agents, teams with a link; votes by team, agents who voted, sizes; ballots, closed periods
    assert len(queries) == 8
