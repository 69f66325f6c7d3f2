"""Finding rules by what people remember of them."""

import pytest

from rulebook.catalogue.finding import best_first, rules_matching
from rulebook.catalogue.models import Rule
from tests import make

pytestmark = pytest.mark.django_db


def found(text):
    return [rule.code for rule in best_first(rules_matching(Rule.objects.all(), text), text)]


@pytest.mark.parametrize("written", ["æble", "ÆBLE", "Æble", "æBLE"])
@pytest.mark.parametrize("typed", ["æble", "ÆBLE", "Æble"])
def test_danish_letters_are_found_in_either_case(written, typed):
    make.rule(f"Et {written} om dagen", code="A")
    make.rule("Et able om dagen", code="B")
    assert found(typed) == ["A"]


@pytest.mark.parametrize(
    "fields",
    [
        {"title": "Over 500 KR."},
        {"text": "line one\nover 500 kr."},
        {"customer_hears": "Not over 500 kr."},
        {"aliases": ["over 500 kr."]},
        {"title": "Over a limit", "text": "of 500", "customer_hears": "kr."},
    ],
)
def test_a_rule_is_found_by_every_text_and_name_that_it_has(fields):
    make.rule(**{"title": "Another", **fields}, code="A")
    make.rule("Over 500 euro", code="B")
    assert found("  over 500   kr. ") == ["A"]


def test_a_code_and_an_alias_with_danish_letters_are_found_in_either_case():
    make.rule("Refunds", code="Ø-1", aliases=["ÅBEN"])
    assert found("ø-1") == found("åben") == ["Ø-1"]


@pytest.mark.parametrize("typed", ["100%", "a_b", "[x]", "(y", "c:\\d", "a.b", "^$", "*+?{2}", "'; --", "\x00z\ud800"])
def test_signs_that_mean_something_to_a_database_are_only_signs(typed):
    make.rule("Nothing of the kind: 1000, aXb, x, y, cd", code="A")
    make.rule(f"Here it is: {typed}", code="B")
    assert found(typed) == ["B"]


def test_a_letter_typed_as_two_signs_is_the_same_letter():
    make.rule("Kun på mail", code="A")
    assert found("pa\u030a") == ["A"]


def test_nothing_typed_finds_all_and_a_long_text_is_cut():
    make.rule("First", code="A")
    make.rule("Second", code="B")
    assert found("   ") == ["A", "B"]
    assert found("x " * 5000) == [] and found("first " * 5000 + "more words " * 20) == []


def test_the_best_find_stands_first_and_ties_by_code():
    make.rule("Other", code="E", text="about a refund")
    make.rule("Other", code="D", customer_hears="No refund for you")
    make.rule("Other", code="C", aliases=["old-refund"])
    make.rule("A refund by mail", code="B2")
    make.rule("Refunds", code="B1")
    make.rule("Other", code="REFUND")
    assert found("refund") == ["REFUND", "B1", "B2", "C", "D", "E"]


def test_a_rule_with_several_fitting_names_comes_once_in_one_query(django_assert_num_queries):
    make.rule("Refunds", code="A-1", aliases=["A-2", "A-3"])
    with django_assert_num_queries(1):
        assert found("a-") == ["A-1"]
