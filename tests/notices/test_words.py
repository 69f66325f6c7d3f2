"""What a notice says where nobody wrote a headline, and how its lines become steps."""

from datetime import date

import pytest

from rulebook.catalogue.models import RuleVersion
from rulebook.notices.models import Notice
from rulebook.notices.words import ENDS, Card, headline, label, since, steps

TITLE = "Refunds need two signatures."
DAY = date(2027, 3, 1)


def notice(kind="removed", **fields):
    return Notice(kind=kind, version=RuleVersion(title=TITLE), effective_on=DAY, **fields)


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        ("removed", "This rule no longer applies: “Refunds need two signatures”."),
        ("lapsed", "This rule no longer applies: “Refunds need two signatures”."),
        ("delegated", "You may now decide this yourself: “Refunds need two signatures”."),
        ("simplified", "This rule becomes simpler: “Refunds need two signatures”."),
        ("declared_myth", "No rule of ours says so: “Refunds need two signatures”."),
        ("written_down", "This rule is now written down: “Refunds need two signatures”."),
        (
            "suspended",
            "We try without this rule: “Refunds need two signatures”. You hear from us before it applies again.",
        ),
        ("put_back", "This rule applies again: “Refunds need two signatures”."),
    ],
)  # fmt: skip
def test_every_kind_has_its_sentence(kind, sentence):
    assert kind in Notice.Kind.values and headline(notice(kind)) == sentence


def test_no_kind_is_without_one():
    assert (
        len({headline(notice(kind)) for kind in Notice.Kind.values}) == len(Notice.Kind.values) - 1
    )  # lapsed, removed


def test_what_was_written_goes_first_and_what_was_taken_back_before_that():
    assert headline(notice(headline="Refund at once.")) == "Refund at once."
    assert headline(notice(headline="Refund at once.", state="withdrawn")).startswith("Taken back.")
    assert headline(notice("delegated", limit="500 kr")) == "You may now decide this yourself, up to 500 kr."


@pytest.mark.parametrize(
    ("today", "said", "which"),
    [
        (date(2027, 2, 26), "From Monday 1 March 2027", "Until then:"),
        (date(2027, 3, 1), "From today, Monday 1 March 2027", "The rule was:"),
        (date(2027, 3, 2), "Since Monday 1 March 2027", "The rule was:"),
    ],
)
def test_its_day_and_which_wording_stands_there(today, said, which):
    assert since(notice(), today) == said
    assert {label(notice(kind), today) for kind in ENDS} == {which}
    assert label(notice("declared_myth"), today) == "What we used to say:"
    assert label(notice("put_back"), today) == "The rule:"


def test_a_line_in_quotation_marks_is_what_one_can_say():
    card = Card(notice(play="Refund at once.\n«I can fix that now.»\n2) Write why."), DAY)
    assert card.steps == ["Refund at once.", "Write why."] and card.sayings == ["I can fix that now."]
    assert steps("500 kr at most\n-5 degrees") == ["500 kr at most", "-5 degrees"]


def test_what_was_taken_back_tells_nothing_to_do():
    card = Card(notice(play="Refund at once.", state="withdrawn"), DAY)
    assert card.steps == card.sayings == [] and card.since == ""
