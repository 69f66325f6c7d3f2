"""What is hidden in free text before it is stored, and what must survive."""

import time

import pytest
from django.utils.translation import override
from hypothesis import given
from hypothesis import strategies as st

from rulebook.access.scrubbing import ACCOUNT, CARD, KINDS, MAIL, PERSONAL, PHONE, scrub, told

HIDDEN = {
    PERSONAL: [
        "010190-1234", "0101901234", "010190 1234", "010190 - 1234", "010190–1234", "610190-1234", "311299-4006",
        "15108695088", "151086 95088", "151086-95000", "551086 95088", "880320-0016", "8803200016", "19880320-0016",
        "198803200016", "880320+0016", "880380-0016",
    ],
    CARD: ["4111 1111 1111 1111", "4111111111111111", "5555-5555-5555-4444", "3782 822463 10005", "6011111111111117"],
    ACCOUNT: ["DK50 0040 0440 1162 43", "dk5000400440116243", "NO93 8601 1117 947", "SE45 5000 0000 0583 9825 7466",
              "DE89 3704 0044 0532 0130 00"],
    MAIL: ["anna@example.org", "anna.b+returns@mail.example.co.uk", "åse@blåbær.no", "a_b@x-y.dk"],
    PHONE: ["12345678", "12 34 56 78", "12.34.56.78", "1234 5678", "412 34 567", "+45 12 34 56 78", "+4512345678",
            "0045 12345678", "+47 412 34 567", "+46 (0)70-123 45 67", "070-123 45 67", "08-123 456 78", "040 123 4567",
            "+358 40 123 4567", "+44 20 7946 0958", "12\u00a034\u00a056\u00a078"],
}  # fmt: skip
KEPT = [
    "240 kr", "1,240.50 kr", "12.345.678,50 kr", "12 345 678 kr", "12345678,50 kr", "500-1000 kr", "1 240 000",
    "01-03-2026", "1.3.2026", "01.03.2026 14.30", "2026-03-01", "2026-03-01 14:05", "01/03/2026", "01-03 2026",
    "01 03 2026", "01.03.26 14 stk", "2025-2026", "in 2025 2026", "week 48", "order 1234567", "R-0042", "ZD-12345678",
    "#12345678", "AB12345678", "INC0012345", "10-12 and 14-16", "180 seconds", "2.5 s x 500 = 20.8", "123456-7890",
    "998877-1234", "4111111111111112", "DK5000400440116244", "user@host", "@home", "24/7", "1/2", "100 %",
    "§ 12", "A4", "16:00-17:30", "3 for 2", "v1.12.3", "12345678901", "15108695000",
]  # fmt: skip


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, texts in HIDDEN.items() for text in texts])
def test_what_points_at_a_person_is_hidden_wherever_it_stands(kind, text):
    for around in ("{}", "Call {}.", "({})", "Anna: {}, again", "{}\n{}", "tel. {}!", "x\t{}\t"):
        given = around.format(text, text)
        scrubbed = scrub(given)
        assert scrubbed.text == around.format("[hidden]", "[hidden]")
        assert scrubbed.hidden == [kind]


@pytest.mark.parametrize("text", KEPT)
def test_ordinary_text_survives(text):
    for around in ("{}", "Refund {} today.", "({})", "{}; {}"):
        given = around.format(text, text)
        assert scrub(given).text == given and scrub(given).hidden == []


SOME = (
    "refund parcel kunden må ikke tilbage för sent 🙂 sagde at ordren (nej) <b>no</b> مرحبا over kr. kl. og , ; § % & ö"
)
WORDS = st.sampled_from(SOME.split())
NUMBERS = st.one_of(
    st.integers(0, 9_999_999).map(str),
    st.integers(0, 9_999_999).map(lambda n: f"{n:,} kr"),
    st.integers(0, 9_999_999).map(lambda n: f"{n:,}".replace(",", ".") + ",50 kr"),
    st.dates().map(lambda d: f"{d:%d-%m-%Y}"),
    st.dates().map(lambda d: f"{d.day}.{d.month}.{d.year}"),
    st.dates().map(lambda d: d.isoformat()),
    st.times().map(lambda t: f"{t:%H:%M}"),
    st.integers(0, 999_999).map(lambda n: f"R-{n:04}"),
)


@given(st.lists(st.tuples(WORDS, NUMBERS), max_size=12))
def test_prices_dates_and_short_numbers_between_words_survive(pairs):
    text = " ".join(f"{number} {word}" if word.isalpha() else f"{number} a {word} b" for word, number in pairs)
    assert scrub(text).text == text


PIECES = st.one_of(
    st.text(max_size=20),
    st.sampled_from([text for texts in HIDDEN.values() for text in texts] + KEPT),
    st.text("0123456789 -+.()@/DKa", max_size=30),
)


@given(st.lists(PIECES, max_size=10).map("".join))
def test_what_was_scrubbed_is_not_changed_by_scrubbing_it_again(text):
    once = scrub(text)
    again = scrub(once.text)
    assert again.text == once.text and again.hidden == []
    assert bool(once.hidden) == (once.text != text) and set(once.hidden) <= set(KINDS)


@pytest.mark.parametrize(
    "piece", ["Refund of 240 kr for a late parcel on 01-03-2026. ", "a", "1", "a.", "a@", "+", " ", "x ", "-", "0"]
)
def test_a_million_characters_take_less_than_a_second(piece):
    text = piece * (1_000_000 // len(piece))
    began = time.process_time()
    assert scrub(text).text == text
    assert time.process_time() - began < 1


@pytest.mark.parametrize("piece", ["12 ", "010190 1234 ", "DK50 ", "a@b.", "08-", "4111 1111 1111 1111 ", "+45 "])
def test_text_made_to_look_like_numbers_takes_a_few_seconds_at_most(piece):
    began = time.process_time()
    scrub(piece * (1_000_000 // len(piece)))
    assert time.process_time() - began < 5


def test_several_kinds_are_told_each_once_and_in_the_sentence_that_fits():
    scrubbed = scrub("Mail anna@example.org or 12 34 56 78, bo@example.org; CPR 010190-1234")
    assert scrubbed.text == "Mail [hidden] or [hidden], [hidden]; CPR [hidden]"
    assert scrubbed.hidden == [PERSONAL, MAIL, PHONE]
    assert told([PERSONAL]) == "We hid a personal number before we stored your text."
    assert told([MAIL, PHONE]) == "We hid numbers and addresses of people before we stored your text."
    assert told([]) == "" and len({told([kind]) for kind in KINDS}) == len(KINDS)


def test_nothing_is_hidden_in_nothing():
    with override("da"):
        assert scrub("").text == "" and scrub("").hidden == []
