"""Several people on one rule: the form overwrites nobody, and nothing typed is lost."""

import re
from datetime import date
from html import unescape

import pytest
from django.db import IntegrityError
from django.urls import reverse

from rulebook.catalogue.models import Rule
from rulebook.catalogue.services import change_rule
from rulebook.desk import services
from tests import make

pytestmark = pytest.mark.django_db
HIDDEN = re.compile(r'<input type="hidden" name="(initial-[^"]+)"([^>]*)>')
TYPED = {
    "title": "Refunds by mail only", "text": "One\r\ntwo", "topics": "money; returns", "channels": "mail; phone",
    "applies_from": "2020-01-01", "kind": "written", "authority": "habit", "clause": "", "protective": "on",
    "department": "", "owner": "", "purpose": "Fear", "heard_where": "", "source_reference": "", "review_by": "",
    "intent": "", "customer_hears": "", "decision_limit": "", "requirements": "3", "aliases": "R1; R2",
    "versions-TOTAL_FORMS": "0", "versions-INITIAL_FORMS": "0",
}  # fmt: skip


def opened(response):
    """What a browser keeps of an open form and sends back with it."""
    hidden = HIDDEN.findall(response.content.decode())
    values = {name: re.search(r'value="([^"]*)"', rest) for name, rest in hidden}
    return {name: unescape(value[1]) if value else "" for name, value in values.items()}


@pytest.fixture
def rule(db):
    fields = {"text": "One\ntwo", "topics": ["returns", "money"], "channels": ["mail", "phone"], "protective": True}
    return make.rule(
        "Refunds by mail only", code="A", authority="habit", purpose="Fear", requirements=3, aliases=["R1", "R2"],
        applies_from=date(2020, 1, 1), **fields,
    )  # fmt: skip


@pytest.fixture
def desk(client, manager, rule):
    client.force_login(manager)
    return reverse("admin:catalogue_rule_change", args=[rule.pk])


def stored(rule):
    return Rule.objects.get(pk=rule.pk)


def test_a_form_sent_back_as_it_was_shown_changes_nothing(client, desk, rule):
    shown = opened(client.get(desk))
    assert set(shown) == {f"initial-{name}" for name in TYPED if not name.startswith("versions")}
    before = stored(rule).updated_at
    assert client.post(desk, TYPED | shown).status_code == 302
    assert (stored(rule).updated_at, rule.versions.count()) == (before, 1)


def test_a_form_opened_earlier_leaves_alone_what_somebody_else_changed_since(client, desk, rule):
    shown = opened(client.get(desk))
    change_rule(rule=rule, fields={"title": "Refunds by card", "protective": False, "topics": ["x"]}, by=None)
    assert client.post(desk, TYPED | shown | {"purpose": "Habit"}).status_code == 302
    now = stored(rule)
    assert (now.title, now.protective, now.purpose) == ("Refunds by card", False, "Habit")
    assert [topic.path for topic in now.topics.all()] == ["x"]


@pytest.mark.parametrize(
    ("field", "theirs", "mine", "said"),
    [
        ("title", "Refunds by card", "Refunds by cheque", "It is now: Refunds by card."),
        ("aliases", ["R1", "R3"], "R1", "It is now: R1; R3."),
        ("requirements", 4, "5", "It is now: 4."),
        ("requirements", None, "5", "It is now: blank."),
        ("text", "", "Three", "It is now: blank."),
    ],
)
def test_one_field_changed_by_two_people_is_refused_once_and_nothing_typed_is_lost(
    client, desk, rule, field, theirs, mine, said
):
    shown = opened(client.get(desk))
    change_rule(rule=rule, fields={field: theirs}, by=None)
    typed = TYPED | {field: mine, "purpose": "Habit"}
    refused = client.post(desk, typed | shown)
    assert refused.status_code == 200
    form = refused.context["adminform"].form
    assert said in str(form.errors[field]) and list(form.errors) == [field]
    assert (form[field].value(), form["purpose"].value()) == (mine, "Habit")
    assert stored(rule).purpose == "Fear"
    assert client.post(desk, typed | opened(refused)).status_code == 302  # read, and meant
    assert stored(rule).purpose == "Habit"
    assert rule.versions.order_by("-number").first().title == (mine if field == "title" else rule.title)


def test_the_same_change_by_two_people_is_no_conflict(client, desk, rule):
    shown = opened(client.get(desk))
    change_rule(rule=rule, fields={"title": "Refunds by card"}, by=None)
    assert client.post(desk, TYPED | shown | {"title": "Refunds by card"}).status_code == 302


def test_a_manager_chooses_the_owner_of_a_rule_without_a_right_to_look_people_up(client, desk, rule):
    anna = make.person("anna", first_name="Anna", last_name="Berg")
    page = client.get(desk)
    assert "Anna Berg" in page.content.decode()
    assert client.post(desk, TYPED | opened(page) | {"owner": str(anna.pk)}).status_code == 302
    assert stored(rule).owner == anna
    assert client.get(reverse("admin:access_person_changelist")).status_code == 403


def test_a_name_taken_at_the_same_moment_is_said_on_the_form(client, desk, rule, monkeypatch):
    def taken(**given):
        raise IntegrityError("duplicate key")

    monkeypatch.setattr(services, "change_rule", taken)
    response = client.post(desk, TYPED | {"title": "Mine"})
    assert response.status_code == 200
    assert "save it again" in str(response.context["adminform"].form.errors)
