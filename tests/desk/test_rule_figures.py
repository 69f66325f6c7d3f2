"""What the figures say on the page of a rule: with their doubt, or in a sentence why there are none."""

from datetime import date

import pytest

from rulebook.cases.models import DirtyMonth, Source
from rulebook.insight.models import RuleMonth
from tests import make
from tests.desk.rule_pages import address, figures, measured, met, words

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk(client, manager):
    client.force_login(manager)
    return client


def test_harm_stands_with_its_doubt_and_price_with_at_most(desk):
    text = words(desk.get(address(figures(make.rule(), blocked=493, silent=123))))
    for sentence in (
        "36 contacts in 30 days would not have come back", "90 % sure: 33 to 39 · 1,640 linked contacts",
        "at most 0.92 points of FCR", "Blocked, not resolved 493", "Told no, did not return 123",
    ):  # fmt: skip
        assert sentence in text.replace("\xa0", " "), sentence


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"harm": -4.0, "low": -9.0, "high": 1.0}, "No harm seen"),
        ({"harm": 0.3, "low": 0.1, "high": 0.9}, "Less than one contact in 30 days"),
        ({"harm": None, "why": "too_few", "n": 7}, "Not measurable yet: 7 contacts, 20 needed."),
        ({"harm": None, "why": "too_few", "n": 7, "flags": 4}, "7 contacts, 20 needed. 4 flags in 30 days."),
        ({"harm": None, "why": "no_cases", "n": 0, "flags": 1}, "1 flag in 30 days."),
        ({"harm": None, "why": "too_few", "n": 0, "cases": 1}, "it is too early to tell of its 1 contact."),
        ({"harm": None, "why": "no_comparison"}, "Cannot separate the rule from its topic:"),
        ({"harm": None, "why": "no_cases", "n": 0}, "Not measurable yet:"),
        ({"price": None}, "Harm 36"),
        ({"price": "0"}, "Price nothing seen"),
    ],
)
def test_where_there_is_no_figure_a_sentence_says_why(desk, given, sentence):
    text = words(desk.get(address(figures(make.rule(), **given))))
    assert sentence in text.replace("\xa0", " ")
    assert "None" not in text


def test_nobody_is_told_no_where_returns_are_not_watched(desk):
    assert "Told no" not in words(desk.get(address(figures(make.rule(), silent=None)))).partition("Contacts it")[0]


def test_a_figure_names_its_method_window_and_period(desk):
    rule = figures(make.rule())
    met(rule, measured())
    assert "No repeat, 7 days · 12 months to 15 Nov 2026" in words(desk.get(address(rule))).replace("\xa0", " ")


def test_sources_that_are_measured_differently_stand_apart_and_the_price_says_whose_it_is(desk):
    rule = figures(make.rule())
    met(rule, measured("desk", resolved=10), measured("phones"), measured("shop", method="declared", resolved=99))
    measured("not its own", method="survey")
    old = measured("long ago", method="single_touch")
    RuleMonth.objects.create(rule=rule, source=old, month=date(2024, 1, 1), cases=3)
    text = words(desk.get(address(rule))).replace("\xa0", " ")
    assert "No repeat, 7 days · 12 months to 15 Nov 2026 · desk, phones" in text
    assert "Declared by the agent or help desk · 12 months to 15 Nov 2026 · shop" in text
    assert (
        "0.92 points of FCR (Declared by the agent or help desk)" in text
        and "not its own" not in text
        and "long ago" not in text
    )
    assert "contacts in 30 days would have been solved at once" in text, "who declares watches no returns"


def test_where_little_of_a_rule_can_be_compared_the_page_says_how_much(desk):
    compared = "Only 248 of its 60,000 contacts can be compared; the harm takes the others to be like them."
    rule = figures(make.rule(), n=248, cases=60_000)
    assert compared in words(desk.get(address(rule))).replace("\xa0", " ")
    assert "can be compared" not in words(desk.get(address(figures(rule, n=1640, cases=1700))))


def test_a_harm_over_sources_that_are_measured_differently_says_how(desk):
    sentence = "Contacts that are measured in different ways are each compared within their own source."
    rule = figures(make.rule())
    met(rule, measured("desk"))
    assert sentence not in words(desk.get(address(rule)))
    met(rule, measured("shop", method="declared"))
    assert sentence in words(desk.get(address(rule)))


def test_while_newer_figures_are_computed_the_page_says_of_which_day_these_are(desk):
    rule, source = figures(make.rule()), measured()
    met(rule, source)
    sentence = "Figures of 16 Nov 2026; new ones are being computed."
    assert sentence not in words(desk.get(address(rule))).replace("\xa0", " ")
    dirty = DirtyMonth.objects.create(source=source, subject="rule", subject_id=rule.pk, month=date(2026, 11, 1))
    assert sentence in words(desk.get(address(rule))).replace("\xa0", " ")
    dirty.delete()
    Source.objects.update(changes=5)
    assert sentence in words(desk.get(address(rule))).replace("\xa0", " ")


MONTHS = "2026-01 0-10 " + " ".join(["100/40"] * 11)  # the first ten are over


def test_months_are_drawn_with_their_table_and_what_is_too_early_is_named(desk):
    response = desk.get(address(figures(make.rule(), monthly=MONTHS)))
    text = words(response).replace("\xa0", " ")
    assert "In 10 months 1,000 contacts met it; 400 came back" in text
    assert "Not drawn, because it is too early to tell: 100 contacts since 1 Nov 2026." in text
    assert 'role="img"' in response.content.decode().partition('id="rb-months"')[2]
    assert "November 2026 100 too early to tell" in text and "October 2026 100 40" in text


@pytest.mark.parametrize("monthly", ["", MONTHS.replace("100/40", "0/0")])
def test_no_contacts_no_picture(desk, monthly):
    assert "As a table" not in words(desk.get(address(figures(make.rule(), monthly=monthly))))
