"""Which words went and which came."""

import time

import pytest

from rulebook.desk.pages.comparing import compare


def marked(pieces):
    return [piece.words for piece in pieces if piece.marked]


@pytest.mark.parametrize(
    ("before", "after", "went", "came"),
    [
        ("Refunds over 200 kr", "Refunds over 500 kr", ["200 "], ["500 "]),
        ("One two three", "One three", ["two "], []),
        ("One three", "One two three", [], ["two "]),
        ("", "New words", [], ["New words"]),
        ("Old words", "", ["Old words"], []),
        ("The same", "The same", [], []),
        ("The same\nwords", "The same words", [], []),
        ("", "", [], []),
        ("a b a b", "a b a c", ["b"], ["c"]),
    ],
)
def test_only_words_that_the_other_side_has_not_are_marked(before, after, went, came):
    found = compare(before, after)
    assert (marked(found.before), marked(found.after)) == (went, came)
    assert found.same == (not went and not came)


LONG = "The customer must call the carrier before we refund the parcel. " * 15
HUGE = "Every line\nsays the same thing.\n" * 4_000


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (LONG, LONG.replace("before", "after", 1)),
        (HUGE, HUGE.replace("same", "other", 1)),
        ("x " * 100_000, "y " * 100_000),
        ("a " * 1_000, "a b " * 500),
        ("a\n\nb\n" * 900, "b\n\n\na\n" * 900),
    ],
)
def test_both_sides_keep_every_character_and_long_texts_take_no_time(before, after):
    begun = time.monotonic()
    found = compare(before, after)
    assert time.monotonic() - begun < 2
    assert "".join(piece.words for piece in found.before) == before
    assert "".join(piece.words for piece in found.after) == after


def test_one_word_in_a_long_text_is_one_word():
    assert marked(compare(LONG, LONG.replace("before", "after", 1)).after) == ["after "]
