"""The screens of a later review-by date: the form takes the rest, the rule's page and the inbox have one button."""

from datetime import date, timedelta

import pytest
from django.core.cache import cache
from django.test import Client, RequestFactory
from django.urls import reverse

from rulebook.access.models import Letter
from rulebook.catalogue.models import Rule
from rulebook.desk.pages.inbox import WAITING_KEY, asked_waiting
from rulebook.review.letters import write_letters
from rulebook.review.models import LaterDate
from rulebook.review.sunset import begin_sunsets, move_date
from tests import make
from tests.desk.rule_pages import address, words
from tests.desk.test_rule_form import opened

MONDAY = date(2026, 3, 2)
DAY, LATER = MONDAY + timedelta(40), MONDAY + timedelta(140)
ASKED = "/admin/review/review/asked/"

pytestmark = pytest.mark.django_db


@pytest.fixture
def dated(travel):
    travel(MONDAY)
    return make.rule("Two signatures", review_by=DAY)


@pytest.fixture
def second(db):
    return make.person("second", role="manager")


@pytest.fixture
def desk(client, manager):
    client.force_login(manager)
    return client


@pytest.fixture
def other(second):
    client = Client()
    client.force_login(second)
    return client


@pytest.fixture
def asked(dated, manager):
    move_date(rule=dated, to=LATER, by=manager)
    return dated


def save(client, rule, **typed):
    """The form of a rule as a browser sends it back."""
    page = client.get(address(rule, "change"))
    form = page.context["adminform"].form
    shown = {name: "" if (value := form[name].value()) in (None, False) else value for name in form.fields}
    listed = {name: "; ".join(value) if isinstance(value, list) else value for name, value in shown.items()}
    counted = {"versions-TOTAL_FORMS": "0", "versions-INITIAL_FORMS": "0"}
    return client.post(address(rule, "change"), {**listed, **opened(page), **counted, **typed}, follow=True)


def press(client, rule, **given):
    return client.post(address(rule, "later_date"), {"do": "agree", "to": LATER.isoformat(), **given})


def test_the_form_stores_the_rest_and_says_that_the_later_date_waits(desk, dated):
    said = words(save(desk, dated, purpose="Fraud", review_by=LATER.isoformat()))
    stored = Rule.objects.get()
    assert (stored.purpose, stored.review_by) == ("Fraud", DAY)
    assert LaterDate.objects.get().to == LATER
    assert "Take it back" in said and "It waits for a second person." in said


def test_what_the_form_says_after_it(desk, dated):
    page = save(desk, dated, purpose="Fraud", review_by=LATER.isoformat())
    waits = "Review by 11 Apr 2026 stays until a second person agrees to 20 Jul 2026. Ask one."
    assert [str(message) for message in page.context["messages"]] == [waits, "Changed: purpose."]
    page = save(desk, dated, review_by="")
    waits = "Review by 11 Apr 2026 stays until a second person agrees that it needs no date. Ask one."
    assert [str(message) for message in page.context["messages"]] == [waits]
    page = save(desk, dated, purpose="Habit", review_by=(DAY - timedelta(1)).isoformat())
    (said,) = [str(message) for message in page.context["messages"]]
    assert "purpose" in said and "review-by date" in said


def test_a_date_that_is_refused_is_said_at_its_field_and_nothing_typed_is_lost(desk, dated, travel):
    page = save(desk, dated, purpose="Fraud", review_by="2029-01-01")
    form = page.context["adminform"].form
    assert "within 12 months" in str(form.errors["review_by"]) and form["purpose"].value() == "Fraud"
    travel(DAY - timedelta(30))
    assert "Ask for a later date" in words(desk.get(address(dated)))
    begin_sunsets(travel(DAY))
    assert "Ask for a later date" not in words(desk.get(address(dated)))
    page = save(desk, dated, review_by=LATER.isoformat())
    assert "It lapses already" in str(page.context["adminform"].form.errors["review_by"])


def test_a_second_person_who_types_the_same_date_into_the_form_agrees_to_it(other, asked):
    page = save(other, asked, review_by=LATER.isoformat())
    assert [str(message) for message in page.context["messages"]] == ["Changed: review-by date."]
    assert Rule.objects.get().review_by == LATER


def test_the_page_of_the_rule_names_who_asked_and_has_one_button(desk, other, asked):
    line = "manager asked on 2 Mar 2026 to look at it by 20 Jul 2026, instead of 11 Apr 2026."
    own, others = words(desk.get(address(asked))), words(other.get(address(asked)))
    assert line in own and "Take it back" in own and "Agree to" not in own
    assert line in others and "Agree to 20 Jul 2026" in others and "Take it back" not in others
    answer = press(other, asked)
    assert answer.url == address(asked) and Rule.objects.get().review_by == LATER
    assert "Agreed: to be looked at again by 20 Jul 2026." in other.get(answer.url).content.decode()


def test_who_asked_is_told_that_a_second_person_agrees_and_takes_it_back(desk, asked):
    answer = press(desk, asked)
    assert answer.status_code == 403
    assert "You asked for this date yourself. A second person agrees to it." in answer.content.decode()
    answer = press(desk, asked, do="take_back")
    assert "Taken back. Review by 11 Apr 2026 stays." in desk.get(answer.url).content.decode()
    answer = press(desk, asked, do="take_back")
    assert answer.status_code == 409 and "Nobody asks for this date any more." in answer.content.decode()


@pytest.mark.parametrize("to", ["2026-07-21", "", "2026-13-40", "none"])
def test_an_agreement_to_another_date_than_the_one_that_waits_is_409(other, asked, to):
    answer = press(other, asked, to=to)
    assert answer.status_code == 409
    assert "Another date is asked for by now: 20 Jul 2026." in answer.content.decode()
    assert Rule.objects.get().review_by == DAY


def test_no_date_at_all_is_agreed_to_in_words(other, dated, manager):
    move_date(rule=dated, to=None, by=manager)
    assert "Agree to no date" in words(other.get(address(dated)))
    answer = press(other, dated, to="none")
    assert "it has no review-by date any more" in other.get(answer.url).content.decode()
    assert Rule.objects.get().review_by is None


def test_without_the_right_it_is_403(client, asked, outsider, agent):
    client.force_login(outsider)
    assert press(client, asked).status_code == 403
    client.force_login(agent)
    assert press(client, asked).status_code == 302  # to the sign-in page, as for all of the desk
    assert Rule.objects.get().review_by == DAY


def test_asked_of_me_lists_the_dates_and_has_the_same_button(desk, other, asked):
    assert "Nothing is asked of you." in words(desk.get(ASKED))
    page = words(other.get(ASKED))
    assert "1 later review-by date waits for a second person" in page and "Agree to 20 Jul 2026" in page
    assert press(other, asked, back="asked").url == ASKED
    assert "Nothing is asked of you." in words(other.get(ASKED))


def test_the_sidebar_counts_the_dates_too(manager, second, asked):
    def counted(person):
        cache.delete(WAITING_KEY.format(person.pk))
        request = RequestFactory().get("/")
        request.user = person
        return asked_waiting(request)

    assert (counted(second), counted(manager)) == ("1", "")


def test_the_link_of_a_letter_leads_to_where_the_owner_says_why_or_asks_for_a_later_date(client, owner, travel):
    travel(MONDAY)
    rule = make.rule("Two signatures", review_by=MONDAY + timedelta(30), owner=owner)
    write_letters(MONDAY)
    link = reverse("admin:catalogue_rule_page", args=[rule.pk])
    assert Letter.objects.get(to=owner).body.strip().endswith(link)
    client.force_login(owner)
    page = client.get(link)
    assert "Say why" in words(page) and "Ask for a later date" in words(page)
    assert f"{address(rule, 'change')}#id_review_by" in page.content.decode()
    said = words(save(client, rule, purpose="Fraud", review_by=(MONDAY + timedelta(90)).isoformat()))
    assert "owner asked on 2 Mar 2026 to look at it by 31 May 2026" in said
