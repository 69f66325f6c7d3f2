"""Which lane a review takes, and how a thousand reviews are looked at as cheaply as one."""

from datetime import date, timedelta
from random import Random
from time import process_time

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from rulebook.catalogue.models import Rule, RuleVersion
from rulebook.review.lanes import full_because
from rulebook.review.models import Review
from rulebook.review.situation import WITH_RULE, situations
from rulebook.votes.queries import Asked, front_line_heard, front_lines_heard
from tests import make

pytestmark = pytest.mark.django_db
TODAY = date(2026, 3, 2)


def at(review):
    return situations([Review.objects.select_related(*WITH_RULE).get(pk=review.pk)])[0]


@pytest.mark.parametrize(
    ("of_rule", "of_review", "reason"),
    [
        ({}, {}, ""),
        ({"authority": "habit"}, {}, ""),
        ({"authority": "law"}, {}, "It is said to be a law."),
        ({"authority": "contract"}, {}, "It is said to stand in a contract."),
        ({"protective": True}, {}, "It protects: safety, privacy, or money above the limit."),
        ({}, {"objection": "The bank asks for it."}, "Somebody objected."),
        ({}, {"full_asked": True}, "It was asked for."),
    ],
)
def test_everything_takes_the_fast_lane_but_what_is_named(of_rule, of_review, reason):
    review = make.review(make.rule(**of_rule))
    Review.objects.update(**of_review)
    assert full_because(at(review)) == ([reason] if reason else [])


def test_many_and_one_are_answered_alike_in_random_houses():
    chance = Random(7)
    teams = [make.team(department=make.department(), headcount=chance.choice([5, 6, 9])) for _ in range(3)]
    for team in teams[:2]:
        make.team_link(team)
    teams.append(make.team())
    agents = [
        make.person(role=chance.choice(["agent", "agent", "manager"]), team=chance.choice(teams)) for _ in range(14)
    ]
    asked = []
    for _ in range(24):
        rule = make.rule(department=chance.choice([None, *[team.department for team in teams]]))
        for agent in chance.sample(agents, chance.randint(0, 9)):
            make.vote(rule, by=agent)
        for _device in range(chance.randint(0, 4)):
            make.vote(rule, by=make.voice(team=chance.choice(teams)))
        marked_on = chance.choice([None, TODAY - timedelta(chance.randint(0, 20))])
        asked.append(Asked(rule, rule.versions.get(), marked_on))
    many = front_lines_heard(asked, today=TODAY)
    for one in asked:
        assert many[one.rule.pk] == front_line_heard(one.rule, marked_on=one.marked_on, today=TODAY)
    assert {found.heard for found in many.values()} == {True, False}


def test_a_thousand_reviews_cost_the_queries_of_one_and_less_than_a_third_of_a_second(travel):
    travel(TODAY)
    owner = make.person(role="owner")
    agents = [make.person(role="agent", team=make.team()) for _ in range(6)]
    first = make.review(make.rule(owner=owner))
    for agent in agents:
        make.vote(first.rule, by=agent)

    def counted():
        found = list(Review.objects.select_related(*WITH_RULE).order_by("pk"))
        start = process_time()
        with CaptureQueriesContext(connection) as queries:
            seen = situations(found)
        return len(seen), len(queries), process_time() - start

    assert counted()[:2] == (1, 15)
    rules = Rule.objects.bulk_create(Rule(code=f"B-{number}", title="Ask first", owner=owner) for number in range(999))
    versions = RuleVersion.objects.bulk_create(RuleVersion(rule=rule, number=1, title="Ask first") for rule in rules)
    Review.objects.bulk_create(Review(rule=v.rule, version=v, origin="rule", marked_on=TODAY) for v in versions)
    # newest words; agents, linked teams, voters, their teams, sizes, ballots, closed periods; tallies and ballots of
    # the verdicts; locks, fences, notices, other reviews; closed periods once more
    fastest = min(counted() for _ in range(3))
    assert fastest[:2] == (1000, 15)
    assert fastest[2] < 0.3
