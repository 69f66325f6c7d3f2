"""Who is written to about a review, and when: each letter once, with one link."""

import re
from datetime import date, timedelta

import pytest
from django.urls import reverse

from rulebook.access.models import ClosedPeriod, Letter, Person
from rulebook.review.letters import letters_wanted, write_letters
from rulebook.review.models import Review
from rulebook.review.queries import address_of
from rulebook.review.services import agree, answer_escalation, object_to, transition
from rulebook.review.sunset import begin_sunsets
from tests import make

MONDAY = date(2026, 3, 2)
ANSWERS = {"play": "Refund at once.", "nobody_knows": True}

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def public(settings):
    settings.PUBLIC_URL = "https://rules.example.org"


@pytest.fixture
def finance(manager):
    """A department with a head and a deputy, and one manager in it."""
    made = make.department("Finance", head=make.person("head", role="owner"), deputy=make.person("deputy"))
    manager.team = make.team("Back office", department=made, headcount=9)
    manager.save()
    return made


@pytest.fixture
def write(travel):
    """`write(day)`: who is written to on a day, in order. A second round writes nothing."""

    def on(day):
        travel(day)
        last = Letter.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
        count = write_letters(day)
        assert letters_wanted(day) == [] and write_letters(day) == 0
        found = list(Letter.objects.filter(pk__gt=last).order_by("pk"))
        assert len(found) == count
        for letter in found:
            assert len(re.findall("https://rules.example.org/", letter.body)) == 1
        return [letter.to.username for letter in found]

    return on


def marked(travel, rule, by, on=MONDAY):
    travel(on)
    return make.review(rule, by=by)


def test_the_owner_is_asked_at_the_marking_with_one_link_for_a_phone(travel, write, owner, manager):
    review = marked(travel, make.rule("Two signatures", owner=owner), manager)
    assert write(MONDAY) == ["owner"]
    letter = Letter.objects.get()
    assert "Two signatures" in letter.body and letter.body.strip().endswith(address_of(review))
    assert write(MONDAY + timedelta(10)) == []


def test_a_silent_heads_deputy_is_asked_after_three_open_days(travel, write, finance, manager):
    marked(travel, make.rule(department=finance), manager)
    assert write(MONDAY) == ["head"]
    assert write(MONDAY + timedelta(2)) == [] and write(MONDAY + timedelta(3)) == ["deputy"]
    assert "as the deputy" in Letter.objects.get(to__username="deputy").body


def test_after_her_yes_or_her_objection_nobody_asks_again(travel, write, finance, manager):
    one, two = (marked(travel, make.rule(department=finance), manager) for _ in range(2))
    write(MONDAY)
    agree(review=one, by=finance.head)
    object_to(review=two, objection="The bank asks for it.", by=finance.head)
    assert write(MONDAY + timedelta(5)) == []


@pytest.mark.parametrize(
    ("fields", "told"), [({}, []), ({"deputy": "deputy"}, ["deputy"]), ({"head": "head"}, ["head"])]
)
def test_without_a_head_the_deputy_is_asked_and_without_both_nobody(travel, write, manager, fields, told):
    posts = {post: make.person(name) for post, name in fields.items()}
    marked(travel, make.rule(department=make.department(**posts)), manager)
    assert write(MONDAY) == told and write(MONDAY + timedelta(20)) == []


def test_a_head_who_cannot_sign_in_any_more_is_passed_over(travel, write, finance, manager):
    Person.objects.filter(username="head").update(is_active=False)
    finance.refresh_from_db()
    marked(travel, make.rule(department=finance), manager)
    assert write(MONDAY) == ["deputy"]


def test_at_the_decision_the_owner_reads_until_when_she_may_object(travel, write, owner, manager, agent):
    travel(MONDAY)
    rule = make.rule(owner=owner)
    make.vote(rule, -2, by=agent)
    review = transition(review=make.review(rule, by=manager), verb="remove", by=manager, answers=ANSWERS)
    assert write(MONDAY) == ["owner"]
    assert "object until Monday 9 March 2026" in Letter.objects.get().body
    assert write(review.owner_until + timedelta(1)) == []


def test_who_marked_it_is_told_what_was_decided_by_somebody_else(travel, write, manager, agent):
    proposer = make.person("proposer", role="manager")
    travel(MONDAY)
    rule = make.rule()
    make.vote(rule, -2, by=agent)
    review = make.review(rule, by=proposer)
    assert write(MONDAY) == []
    transition(review=review, verb="remove", by=manager, answers=ANSWERS)
    assert write(MONDAY) == ["proposer"]
    body = Letter.objects.get().body
    assert "The outcome: removed." in body and "Tuesday 3 March 2026" in body
    assert write(MONDAY + timedelta(30)) == []


def test_the_front_line_and_who_decides_alone_get_no_letter_of_the_outcome(travel, write, manager, agent):
    travel(MONDAY)
    for origin in ("flag", "rule"):
        rule = make.rule()
        make.vote(rule, -2, by=agent)
        review = make.review(rule, by=manager, origin=origin)
        transition(review=review, verb="remove", by=manager, answers=ANSWERS)
    assert write(MONDAY) == []


def escalated(travel, manager, rule=None):
    review = marked(travel, rule or make.rule(), manager)
    answers = {"addressee": "The bank", "answer_due": MONDAY + timedelta(7)}
    return transition(review=review, verb="escalate", by=manager, answers=answers)


def test_an_escalation_is_reminded_of_on_its_day_and_every_week_until_it_is_answered(travel, write, manager):
    review = escalated(travel, manager)
    assert write(MONDAY + timedelta(6)) == []
    assert write(MONDAY + timedelta(7)) == ["manager"]
    assert write(MONDAY + timedelta(13)) == [] and write(MONDAY + timedelta(14)) == ["manager"]
    assert write(MONDAY + timedelta(50)) == ["manager"]  # after an outage the newest alone
    answer_escalation(review=review, answer="They agree.", by=manager)
    assert write(MONDAY + timedelta(90)) == []


def test_where_who_escalated_it_has_left_the_deputy_is_reminded(travel, write, finance, manager):
    escalated(travel, manager, make.rule(department=finance))
    write(MONDAY)
    Person.objects.filter(pk=manager.pk).update(is_active=False)
    assert write(MONDAY + timedelta(7)) == ["deputy"]


# The review-by date


def test_the_owner_is_written_to_thirty_and_seven_days_ahead(write, owner):
    day = MONDAY + timedelta(40)
    rule = make.rule(owner=owner, review_by=day)
    assert write(day - timedelta(31)) == []
    assert write(day - timedelta(30)) == ["owner"] and write(day - timedelta(8)) == []
    assert write(day - timedelta(7)) == ["owner"] and write(day - timedelta(1)) == []
    assert reverse("admin:catalogue_rule_page", args=[rule.pk]) in Letter.objects.first().body


def test_after_an_outage_one_letter_ahead_is_written_not_two(write, owner):
    make.rule(owner=owner, review_by=MONDAY + timedelta(5))
    assert write(MONDAY) == ["owner"]
    assert Letter.objects.get().about.endswith("in 7")


def test_on_the_day_owner_deputy_and_manager_are_told_that_it_lapses(write, travel, finance, owner):
    make.rule("Two signatures", department=finance, owner=owner, review_by=MONDAY)
    travel(MONDAY)
    begin_sunsets(MONDAY)
    assert write(MONDAY) == ["owner", "deputy", "manager"]
    assert "lapses on Monday 16 March 2026" in Letter.objects.first().body
    assert write(MONDAY + timedelta(10)) == []


def test_on_the_day_of_a_law_the_owner_is_asked_for_an_answer_and_reminded(write, travel, owner):
    make.rule(owner=owner, authority="law", review_by=MONDAY)
    travel(MONDAY)
    begin_sunsets(MONDAY)
    assert write(MONDAY) == ["owner"]
    assert "Say until Monday 16 March 2026" in Letter.objects.get().body
    assert write(MONDAY + timedelta(13)) == [] and write(MONDAY + timedelta(14)) == ["owner"]


def test_on_the_day_of_a_rule_under_review_the_owner_reads_that_the_date_waits(write, travel, owner, manager):
    marked(travel, make.rule(owner=owner, review_by=MONDAY + timedelta(1)), manager)
    write(MONDAY)
    assert write(MONDAY + timedelta(1)) == ["owner"]
    assert "The date waits for its end." in Letter.objects.get(about__endswith="in 0").body


def test_on_days_of_a_closed_period_nobody_is_written_to(travel, write, owner, manager):
    ClosedPeriod.objects.create(name="Winter", first=MONDAY, last=MONDAY + timedelta(6))
    marked(travel, make.rule(owner=owner), manager)
    assert write(MONDAY) == [] and write(MONDAY + timedelta(7)) == ["owner"]


def test_each_reads_it_in_their_own_language_and_no_word_of_a_reason_stands_in_it(travel, write, owner, manager):
    travel(MONDAY)
    make.review(make.rule(owner=owner), by=manager, reason="Anna hates it")
    write(MONDAY)
    assert "Anna" not in Letter.objects.get().body and Review.objects.get().reason


def test_the_letters_cost_the_same_queries_for_any_number(travel, owner, manager, django_assert_num_queries):
    travel(MONDAY)
    for _round in range(2):
        for _ in range(4):
            make.review(make.rule(owner=owner), by=manager)
        # reviews that may tell something; rules near their date; the calendar; what is written already
        with django_assert_num_queries(4):
            assert letters_wanted(MONDAY)
