"""Cells become values, or a sentence that never repeats the cell."""

# Times in cells have no zone; that is what is tested here.
# ruff: noqa: DTZ001

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rulebook.tables.values import (
    BadValue,
    clean_key,
    parse_count,
    parse_day,
    parse_instant,
    parse_seconds,
    parse_yes_no,
    split_list,
)

COPENHAGEN = ZoneInfo("Europe/Copenhagen")
NEW_YORK = ZoneInfo("America/New_York")


@pytest.mark.parametrize(
    "text",
    [
        "2025-03-04 10:11:12",
        "2025-03-04T10:11:12",
        "2025-03-04t10:11:12",
        " 2025-03-04 10:11:12 ",
        "2025-03-04T09:11:12Z",
        "2025-03-04 09:11:12 UTC",
        "2025-03-04 09:11:12 GMT",
        "2025-03-04 09:11:12UTC",
        "2025-03-04T11:11:12+02:00",
        "2025-03-04T11:11:12+0200",
        "2025-03-04 11:11:12 +0200",
        "2025-03-04 11:11:12 +02",
        "2025-03-04T10:11:12.000",
        "2025-03-04T09:11:12.000000Z",
        "2025-03-04T10:11:12,000",
        "2025-03-04T09:11:12.000000000Z",
        "20250304T101112",
        "20250304T091112Z",
        "2025/03/04 10:11:12",
        "2025-3-4 10:11:12",
        "04-03-2025 10:11:12",
        "4.3.2025 10.11.12",
        "04/03/2025 10:11:12",
        "04-03-2025 kl. 10.11.12",
        "04.03.2025, 10:11:12",
    ],
)
def test_every_usual_spelling_is_the_same_instant(text):
    assert parse_instant(text, COPENHAGEN) == (datetime(2025, 3, 4, 9, 11, 12, tzinfo=UTC), date(2025, 3, 4), False)


@pytest.mark.parametrize("text", ["2025-12-31 14:05", "31-12-2025 14:05", "31.12.2025 14.05", "2025-12-31T14:05"])
def test_seconds_may_be_missing(text):
    assert parse_instant(text, COPENHAGEN)[0] == datetime(2025, 12, 31, 13, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    "text", ["2025-07-31", "31-07-2025", "31.07.2025", "31/7/2025", "31. 7. 2025", "20250731", "2025/07/31"]
)
def test_a_day_stands_at_its_local_midnight(text):
    assert parse_instant(text, COPENHAGEN) == (datetime(2025, 7, 30, 22, tzinfo=UTC), date(2025, 7, 31), True)


def test_an_instant_falls_on_the_day_of_the_zone():
    assert parse_instant("2025-07-01T02:00:00Z", NEW_YORK)[1] == date(2025, 6, 30)
    assert parse_instant("2025-07-01T02:00:00", NEW_YORK)[1] == date(2025, 7, 1)


def test_the_hour_that_comes_twice_is_its_first_and_the_one_that_never_comes_is_read():
    assert parse_instant("2025-10-26 02:30", COPENHAGEN)[0] == datetime(2025, 10, 26, 0, 30, tzinfo=UTC)
    assert parse_instant("2025-03-30 02:30", COPENHAGEN)[0] == datetime(2025, 3, 30, 1, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("12/31/2025", "month seems to stand before"),
        ("12-31-2025 10:00", "month seems to stand before"),
        ("31-12-25", "two digits"),
        ("31.12.25 10:00", "two digits"),
        ("1969-12-31", "between 1970 and 2100"),
        ("0001-01-01 00:00:00", "between 1970"),
        ("9999-12-31", "between 1970"),
        ("19691231", "between 1970"),
        ("2025-02-30", "no such day"),
        ("31-02-2025", "no such day"),
        ("2025-01-01 25:00", "no such day or time"),
        ("2025-W01-1", "certainty"),
        ("2025-W01", "certainty"),
        ("2025-03-04 10", "certainty"),
        ("12345678", "no such day|between"),
        ("2025-03-04x10:11:12", "certainty"),
        ("45720.5", "certainty"),
        ("1735689600", "certainty"),
        ("yesterday", "certainty"),
        ("2025-03-04 02:05 PM", "certainty"),
        ("", "blank"),
        ("  ", "blank"),
        ("2025-03-04T10:11:12+99:00", "no such"),
        ("٢٠٢٥-٠٣-٠٤", "certainty"),
        ("2025-03-04\x00", "certainty"),
    ],
)
def test_what_is_no_date_for_certain_is_refused_with_the_way_out(text, told):
    with pytest.raises(BadValue, match=told) as raised:
        parse_instant(text, COPENHAGEN)
    assert "YYYY-MM-DD" in raised.value.reason
    assert not text.strip() or text not in raised.value.reason


@given(st.text(max_size=30) | st.from_regex(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}[T ]?[\d:.+Z -]{0,14}"))
def test_any_text_is_a_value_or_a_bad_value(text):
    for parse in (lambda t: parse_instant(t, COPENHAGEN), parse_day, parse_count, parse_seconds, parse_yes_no):
        try:
            parse(text)
        except BadValue as problem:
            reason = problem.reason
        else:
            reason = "."
        assert reason.endswith(".")


@given(
    when=st.datetimes(datetime(1970, 1, 2), datetime(2100, 12, 30)),
    offset=st.integers(-12, 14),
    zone=st.sampled_from([COPENHAGEN, NEW_YORK, ZoneInfo("UTC")]),
)
def test_an_offset_decides_whatever_the_zone(when, offset, zone):
    text = f"{when.isoformat()}{offset:+03}:00"
    instant, day, day_only = parse_instant(text, zone)
    assert instant == (when - timedelta(hours=offset)).replace(tzinfo=UTC)
    assert (day, day_only) == (instant.astimezone(zone).date(), False)


@given(st.datetimes(datetime(1970, 1, 2), datetime(2100, 12, 30)))
def test_a_local_time_is_what_the_zone_makes_of_it(when):
    assert parse_instant(str(when), COPENHAGEN)[0] == when.replace(tzinfo=COPENHAGEN).astimezone(UTC)


def test_days():
    assert parse_day("2025-12-31T23:59:59Z") == parse_day("31.12.2025") == date(2025, 12, 31)
    assert parse_day("") is None
    with pytest.raises(BadValue):
        parse_day("12/31/2025")


@pytest.mark.parametrize("text", ["yes", "YES", " ja ", "J", "true", "TRUE", "1", "t", "y", "sant"])
def test_yes(text):
    assert parse_yes_no(text) is True


@pytest.mark.parametrize("text", ["no", "Nej", "nei", "n", "0", "false", "f", "usant", "0.0"])
def test_no(text):
    assert parse_yes_no(text) is False


def test_neither_yes_nor_no():
    assert parse_yes_no("") is parse_yes_no("  ") is None
    with pytest.raises(BadValue):
        parse_yes_no("maybe")


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("0", 0),
        ("3", 3),
        (" 3 ", 3),
        ("3.0", 3),
        ("3,0", 3),
        ("3.00", 3),
        ("1.234", 1234),
        ("1.000", 1000),
        ("1.234.567", 1234567),
        ("1 234", 1234),
        ("1\u00a0234", 1234),
        ("007", 7),
        ("", None),
        (" ", None),
        ("2147483647", 2147483647),
    ],
)
def test_counts(text, count):
    assert parse_count(text) == count


@pytest.mark.parametrize(
    "text", ["-1", "3.5", "1,234", "1,000", "1.23.456", "1e3", "x", "+3", "2147483648", "9" * 5000, "²", "٣"]
)
def test_what_is_no_count_is_refused(text):
    with pytest.raises(BadValue):
        parse_count(text)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("75", 75),
        ("75,5", 76),
        ("76.5", 76),
        ("74.5", 74),
        ("00:01:15", 75),
        ("01:15", 75),
        ("90:00", 5400),
        ("0:00:01.6", 2),
        ("720:00:00", 2_592_000),
        ("2592000", 2_592_000),
        ("", None),
        (" 5 ", 5),
    ],
)
def test_durations(text, seconds):
    assert parse_seconds(text) == seconds


@pytest.mark.parametrize(
    "text", ["-1", "-00:01", "2592001", "9" * 400, "1:60", "1:60:00", "1:2:3:4", "x", "1e9", "nan", "inf", "²"]
)
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(BadValue):
        parse_seconds(text)


@given(st.text())
def test_a_key_is_clean_once_and_for_all(text):
    assert clean_key(clean_key(text)) == clean_key(text)


def test_keys_keep_their_case_and_compare_however_they_were_typed():
    assert clean_key(" Ab ") == "Ab"
    assert clean_key("bla\u030abær") == clean_key("bl\u00e5bær\u00a0")


def test_lists():
    assert split_list("a; b,c|a;;") == ["a", "b", "c"]
    assert split_list("Refunds, returns; Post", ";") == ["Refunds, returns", "Post"]
    assert split_list(" one ") == ["one"]
    assert split_list(" ") == split_list(";,") == []
