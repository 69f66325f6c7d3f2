"""Figures and dates as people of four languages read them. Examples for each function stand beside it."""

from datetime import date, time
from decimal import Decimal
from fractions import Fraction

import pytest
from django.template import Context, Template
from django.utils import translation

from rulebook import numbers

NB = "\N{NO-BREAK SPACE}"
DAY = date(2027, 3, 1)


@pytest.mark.parametrize(
    ("language", "whole", "percent", "money", "interval", "day", "long_day", "clock"),
    [
        ("en", "11,715", "71.0", "68,000 kr", "33 to 39", "1 Mar 2027", "Monday 1 March 2027", "14:30"),
        ("da", "11.715", "71,0", "68.000 kr.", "33 til 39", "1.3.2027", "mandag den 1. marts 2027", "14.30"),
        ("nb", f"11{NB}715", "71,0", f"68{NB}000 kr", "33 til 39", "1.3.2027", "mandag 1. mars 2027", "14.30"),
        ("sv", f"11{NB}715", "71,0", f"68{NB}000 kr", "33 till 39", "2027-03-01", "måndag 1 mars 2027", "14:30"),
    ],
)
def test_each_language_writes_figures_and_dates_its_own_way(
    language, whole, percent, money, interval, day, long_day, clock
):
    with translation.override(language):
        assert numbers.whole(11715) == whole
        assert numbers.percent(Fraction(71, 100)) == f"{percent}{NB}%"
        assert numbers.money(Decimal(68000), "kr") == money.replace(" kr", f"{NB}kr")
        assert numbers.interval(33, 39) == interval
        assert (numbers.day(DAY), numbers.long_day(DAY), numbers.clock(time(14, 30))) == (day, long_day, clock)


@pytest.mark.parametrize("language", [None, "en-gb", "de", "pt-br"])
def test_another_language_is_written_as_english(language):
    with translation.override(language):
        assert numbers.decimal(1234.5) == "1,234.5"
        assert numbers.day(DAY) == "1 Mar 2027"


def test_a_variant_of_a_language_is_written_as_that_language():
    for active in ("nn", "no", "nb-no"):
        with translation.override(active):
            assert numbers.decimal(1.5) == "1,5"


def test_no_figure_is_written_with_a_hyphen_or_with_a_minus_before_zero():
    assert numbers.whole(-1234) == "\N{MINUS SIGN}1,234"
    assert numbers.points(Decimal("-0.00001")) == "0.00"
    assert numbers.signed(-0.2) == "0" and numbers.signed(0.6) == "+1"


def test_rounding_is_that_of_the_exact_number_and_not_of_its_double():
    assert numbers.decimal(Fraction(1, 8), 2) == "0.12"  # half to even
    assert numbers.decimal(Decimal("2.675"), 2) == "2.68"
    assert numbers.whole(10**20) == "100,000,000,000,000,000,000"


def test_filters_write_what_the_functions_write_and_leave_what_is_not_there_blank():
    text = Template(
        "{% load figures %}{{ n|whole }}|{{ part|percent }}|{{ part|percent:0 }}|{{ part|points }}|{{ day|day }}|"
        "{{ none|whole }}|{{ none|percent }}|{{ n|money:currency }}|{{ day|month }}"
    )
    values = {"n": 1640, "part": Fraction(71, 100), "day": DAY, "none": None, "currency": "<b>"}
    with translation.override("da"):
        shown = text.render(Context(values))
    assert shown == f"1.640|71,0{NB}%|71{NB}%|71,00|1.3.2027|||1.640{NB}&lt;b&gt;|marts 2027"
