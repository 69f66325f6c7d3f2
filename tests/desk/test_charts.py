"""Charts: they stay inside their frame, say their finding, escape what they are given, and bear data of any kind."""

import re
from datetime import date
from itertools import pairwise
from xml.etree import ElementTree

import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from rulebook.desk import charts
from rulebook.desk.axes import cut, nice_ticks, text_width, two_lines
from rulebook.desk.charts import Bar, Point

LONG = "Refunds over two hundred kroner need a manager who is in the house " * 6
EVIL = '<script>alert("1")</script> & "quoted"'


def parsed(svg):
    """The chart's elements; fails where it is no well-formed markup, or says how anything looks."""
    assert "style=" not in svg and "<script" not in svg and "http" not in svg
    return ElementTree.fromstring(f"<all>{svg}</all>")


def named(svg, cls):
    return [element for element in parsed(svg).iter() if cls in element.get("class", "").split()]


def part(text):
    return float(text.removesuffix("%")) / 100


@given(st.floats(min_value=0, max_value=1e12, allow_nan=False), st.booleans(), st.integers(3, 5))
def test_an_axis_has_few_even_steps_from_0_to_above_the_highest(highest, whole, most):
    ticks = nice_ticks(highest, whole=whole, most=most)
    steps = [after - before for before, after in pairwise(ticks)]
    assert 2 <= len(ticks) <= most and ticks[0] == 0
    assert ticks[-1] >= highest * (1 - 1e-9)
    assert max(steps) - min(steps) <= max(steps) * 1e-6
    assert not whole or all(tick == int(tick) for tick in ticks)


@given(st.text(max_size=200), st.integers(40, 400))
def test_a_label_never_takes_more_room_than_it_has(text, room):
    assert text_width(cut(text, room)) <= room
    lines = two_lines(text, room)
    assert len(lines) <= 2 and all(text_width(line) <= room for line in lines)


def test_bars_are_as_long_as_their_values_and_their_ends_stay_inside():
    rows = [Bar("A", 0.92, False, "contract"), Bar("B", 0.46), Bar("C", 0.0)]
    svg = charts.bars(rows, finding="Three rules cost 1.4 points.")
    wide, narrow = named(svg, "rb-bars")
    for chart, room in ((wide, charts.WIDE), (narrow, charts.NARROW)):
        drawn = [e for e in chart.iter("rect") if e.get("class") in {"rb-bar-ours", "rb-bar-hatched"}]
        widths = [part(bar.get("width")) for bar in drawn]
        assert widths[0] == pytest.approx(2 * widths[1], abs=2e-4) and widths[2] == 0
        for end, row in zip((e for e in chart.iter("text") if e.get("class") == "rb-bar-end"), rows, strict=True):
            px = part(end.get("x")) * room + charts.GAP + text_width("0.92")
            assert px + (charts.GAP + text_width(row.note) if row.note else 0) <= room + 0.1
        assert chart.get("role") == "img" and chart.get("aria-label") == "Three rules cost 1.4 points."


def test_what_is_not_ours_is_hatched_and_says_why():
    svg = charts.bars([Bar("A", 2.0), Bar("B", 1.0, False, "law")], finding="F", name="prices")
    (hatched,) = named(named_first(svg), "rb-bar-hatched")
    assert hatched.get("fill") == "url(#prices-wide-hatch)" and 'id="prices-wide-hatch"' in svg
    assert [e.text for e in named(named_first(svg), "rb-bar-note")] == ["law"]
    assert "pattern" not in charts.bars([Bar("A", 2.0)], finding="F")


def named_first(svg):
    return ElementTree.tostring(named(svg, "rb-bars")[0], encoding="unicode")


def test_markup_in_a_label_or_a_finding_is_text():
    svg = charts.bars([Bar(EVIL, 1.0, False, EVIL)], finding=EVIL)
    assert "&lt;script&gt;" in svg
    titles = [title.text for title in parsed(svg).iter("title")]
    assert titles == [EVIL, EVIL]
    parsed(charts.lines_by_month([Point(date(2026, m, 1), 0.5) for m in (1, 2, 3)], finding=EVIL))
    parsed(charts.interval_band(1, 2, 3, 4, finding=EVIL))
    parsed(charts.sparkline([1, 2], title=EVIL))


def test_a_long_label_is_cut_and_kept_whole_in_its_title():
    svg = charts.bars([Bar(LONG, 1.0)], finding="F")
    assert {title.text for title in parsed(svg).iter("title")} == {LONG}
    shown = ["".join(e.itertext()) for e in parsed(svg).iter("tspan")]
    assert len(shown) == 3 and shown[1].endswith("…") and shown[2].endswith("…")


def test_at_most_ten_bars_are_drawn():
    svg = charts.bars([Bar(str(n), 50.0 - n) for n in range(30)], finding="F")
    assert len(named(svg, "rb-bar-ours")) == 2 * 10


@pytest.mark.parametrize(
    "rows",
    [[Bar("A", 0.0)], [Bar("A", 0.0), Bar("B", 0.0)], [Bar("", 1e-9)], [Bar("A", 1e12)], [Bar("A", 1.0)] * 3],
)
def test_bars_bear_zeros_ties_and_single_values(rows):
    for rect in named(charts.bars(rows, finding="F"), "rb-bar-ours"):
        assert 0 <= part(rect.get("width")) <= 1


def test_without_data_there_is_no_chart():
    assert charts.bars([], finding="F") == charts.sparkline([]) == charts.sparkline([None, None]) == ""
    assert charts.bars([Bar("A", float("nan"))], finding="F") == ""


def test_a_band_lies_inside_its_axis_and_says_its_figures():
    svg = charts.interval_band(33, 36, 39, 40)
    (band,), (middle,) = named(svg, "rb-band-range"), named(svg, "rb-band-middle")
    assert part(band.get("x")) < part(middle.get("x1")) < part(band.get("x")) + part(band.get("width")) <= 0.951
    assert parsed(svg)[0].get("aria-label") == "Best estimate 36, 90 % sure: 33 to 39"
    for low, mid, high, most in ((0, 0, 0, 0), (-5, -1, 3, 2), (5, 5, 5, 5), (1, 50, 100, 10)):
        (band,) = named(charts.interval_band(low, mid, high, most), "rb-band-range")
        assert part(band.get("x")) >= 0.05 and part(band.get("x")) + part(band.get("width")) <= 0.957


def test_the_last_figure_of_a_band_s_axis_ends_at_its_edge():
    first, *_between, last = named(charts.band_axis(10_000), "rb-tick")
    assert (last.text, last.get("x"), last.get("text-anchor")) == ("10,000", "100%", "end")
    assert (first.text, first.get("text-anchor")) == ("0", "middle")


def test_a_sparkline_leaves_a_gap_where_a_month_is_not_over():
    svg = charts.sparkline([1, 2, None, 4, None, 3, 5, 1])
    assert (len(named(svg, "rb-spark-line")), len(named(svg, "rb-spark-dot"))) == (2, 1)
    assert "1, 2, too early, 4" in parsed(svg)[0].get("aria-label")
    for point in re.findall(r"([\d.]+),([\d.]+)", svg.split("points=")[1]):
        assert 0 <= float(point[0]) <= 96 and 0 <= float(point[1]) <= 24
    named(charts.sparkline([0, 0, 0]), "rb-spark-line")
    named(charts.sparkline([7]), "rb-spark-dot")


def test_a_line_by_month_needs_three_months_and_does_not_bridge_a_gap():
    months = [Point(date(2026, m, 1), value) for m, value in enumerate([0.7, 0.71, None, 0.69, 0.7], 1)]
    svg = charts.lines_by_month(months, finding="F", percent=True)
    assert len(named(svg, "rb-month-line")) == 2 and len(named(svg, "rb-month-dot")) == 4
    assert charts.lines_by_month(months[:3], finding="F", percent=True) == ""
    parsed(charts.lines_by_month([Point(date(2026, m, 1), 0) for m in (1, 2, 3)], finding="F"))


def test_figures_in_a_chart_are_those_of_the_language():
    with translation.override("da"):
        svg = charts.bars([Bar("A", 0.92)], finding="F")
    assert "0,92" in svg and "0.92<" not in svg
