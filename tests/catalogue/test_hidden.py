"""What points at one person is not stored with a rule, whichever way its words come, and whoever wrote them is told."""

import time

import pytest
from django.contrib.messages import get_messages
from django.urls import reverse
from django.utils import translation

from rulebook.catalogue.cleaning import LINES, TEXTS, hidden_of, without_people
from rulebook.catalogue.importing import import_rules
from rulebook.catalogue.models import Rule, RuleVersion
from rulebook.catalogue.services import change_rule
from tests import make

pytestmark = pytest.mark.django_db
PHONE = "Ask Anna, 12 34 56 78."
TOLD = "We hid what may be a telephone number before we stored your text."


@pytest.mark.parametrize("name", [*TEXTS, *LINES])
def test_every_text_of_a_rule_is_stored_without_them_new_or_changed(name):
    rule = make.rule(**{"title": "No cash", name: PHONE})
    assert getattr(rule, name) == "Ask Anna, […]."
    assert change_rule(rule=rule, fields={name: "Mail anna@example.org"}, by=None)
    assert getattr(Rule.objects.get(), name) == "Mail […]"
    assert not change_rule(rule=rule, fields={name: "Mail bert@example.org"}, by=None), "what is stored is the same"


def test_a_text_that_is_sent_back_as_it_stands_stays_even_while_people_vote_on_it():
    rule = make.rule("No cash")
    Rule.objects.update(text=PHONE)  # as it may have been stored before anything was hidden
    make.ballot(rule)
    assert change_rule(rule=rule, fields={"text": PHONE, "purpose": "Against theft."}, by=None)
    assert Rule.objects.get().text == PHONE and RuleVersion.objects.count() == 1


def test_a_long_run_of_addresses_is_gone_through_once():
    before = time.process_time()
    assert without_people("https://" * 50_000 + "@") and time.process_time() - before < 1


def test_the_versions_hold_no_more_than_the_rule():
    make.rule(PHONE, text="Card 4111 1111 1111 1111")
    version = RuleVersion.objects.get()
    assert (version.title, version.text) == ("Ask Anna, […].", "Card […]")


def test_what_names_a_rule_or_a_page_is_no_person():
    rule = make.rule(
        source_reference="https://intra.example/pages?id=12345678 and ask 12345678",
        aliases=["12345678"],
        code="87654321",
    )
    assert rule.source_reference == "https://intra.example/pages?id=12345678 and ask […]"
    assert (rule.code, list(rule.names.filter(is_code=False).values_list("name", flat=True))) == (
        "87654321",
        ["12345678"],
    )
    assert without_people("https://x.example/?mail=anna@example.org") != "https://x.example/?mail=anna@example.org"
    assert "anna" not in without_people("https://x.example/?mail=anna@example.org")


def test_several_kinds_are_told_in_one_sentence_and_none_in_none():
    assert hidden_of({"title": PHONE, "purpose": "anna@example.org", "code": "12345678"}) == (
        "We hid numbers and addresses of people before we stored your text."
    )
    assert hidden_of({"title": "At most 500 kr", "text": None, "topics": ["12345678"]}) == ""


def test_an_import_hides_them_says_so_for_the_line_and_finds_the_rule_again_in_any_language(tmp_path):
    path = tmp_path / "rules.csv"
    path.write_text(f'title,text\nNo cash,"{PHONE}"\n"{PHONE}",\nNo cards,Never\n')
    report = import_rules(path, None)
    assert (report.created, report.rejected) == (3, 0)
    assert [str(warning) for warning in report.warnings] == [
        f"rules.csv, line 2, column text: {TOLD}",
        f"rules.csv, line 3, column title: {TOLD}",
    ]
    with translation.override("da"):
        again = import_rules(path, None)
    assert (again.created, again.updated, again.unchanged) == (0, 0, 3)
    assert RuleVersion.objects.count() == 3


def test_the_form_of_a_rule_tells_whoever_wrote_it(client, manager):
    client.force_login(manager)
    typed = {"title": "No cash", "text": PHONE, "kind": "written", "authority": "unknown"}
    answer = client.post(reverse("admin:catalogue_rule_add"), typed)
    assert answer.status_code == 302 and Rule.objects.get().text == "Ask Anna, […]."
    assert TOLD in [str(message) for message in get_messages(answer.wsgi_request)]
