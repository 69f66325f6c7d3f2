"""Charts as inline SVG, made here: no script, no other host, colours by class. Pure.

Places and widths are parts of the chart's own width, so that text keeps its size on a phone and on a wide screen. Every
chart has its finding as its name; whoever shows one puts the table beside it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from rulebook import numbers
from rulebook.desk.axes import at, cut, nice_ticks, px, text_width, tick_labels, two_lines

MOST_BARS = 10
BAND_LINES = 3  # a band is as narrow as a cell of a table
LEAST_POINTS = 3  # fewer months are no line
ROW, BAR = 40, 22  # px: from one bar to the next, and its height
LINE = 16  # px: from one line of a label to the next
GAP = 6  # px between a bar and what is written at its end
# Narrowest a layout is ever shown, in px; labels and ends are cut and kept to fit into that.
WIDE, NARROW = 560, 250
LABELS = 0.42  # of the wide layout


@dataclass(frozen=True)
class Bar:
    """One bar. `note` is written behind the value: "law" or "contract" for what is not ours."""

    label: str
    value: float
    ours: bool = True
    note: str = ""


@dataclass(frozen=True)
class Point:
    """One month; None is a month that is not over, or has nothing to show, and leaves a gap."""

    month: date
    value: float | None


def bars(rows: Sequence[Bar], *, finding: str, name: str = "bars", digits: int = 2) -> SafeString:
    """Horizontal bars from 0, at most ten: the label on the left, or above where there is no room for that.

    `finding` is the chart's name for those who do not see it; `name` keeps the parts of two charts on one page apart.
    Blank without rows.
    """
    rows = [row for row in rows if math.isfinite(row.value)][:MOST_BARS]
    if not rows:
        return SafeString()
    wide = _bars(rows, finding, f"{name}-wide", digits, wide=True)
    return format_html(
        '<div class="rb-chart">{}{}</div>', wide, _bars(rows, finding, f"{name}-narrow", digits, wide=False)
    )


def _bars(rows: Sequence[Bar], finding: str, name: str, digits: int, *, wide: bool) -> SafeString:
    left, across = (LABELS, WIDE) if wide else (0.0, NARROW)
    row_height = ROW if wide else BAR + 29
    ticks = nice_ticks(max(row.value for row in rows))
    ends = [numbers.decimal(row.value, digits) for row in rows]
    scale = _scale(rows, ends, ticks[-1], (1 - left) * across)
    height = len(rows) * row_height
    lines = format_html_join(
        "",
        '<line class="{}" x1="{}" x2="{}" y1="0" y2="{}"/>',
        (
            ("rb-grid" if tick else "rb-axis", here := at(left, tick / ticks[-1] * scale), here, height)
            for tick in ticks
        ),
    )
    drawn = format_html_join(
        "",
        "{}",
        (
            (_bar(row, end, left, max(0.0, row.value) / ticks[-1] * scale, place * row_height, name, wide=wide),)
            for place, (row, end) in enumerate(zip(rows, ends, strict=True))
        ),
    )
    marks = format_html_join(
        "",
        '<text class="rb-tick" x="{}" y="{}" text-anchor="{}">{}</text>',
        (
            (at(left, tick / ticks[-1] * scale), height + 17, "middle" if tick or wide else "start", label)
            for tick, label in zip(ticks, tick_labels(ticks), strict=True)
        ),
    )
    return format_html(
        '<svg class="rb-bars {}" role="img" aria-label="{}" width="100%" height="{}">{}{}{}{}</svg>',
        "rb-bars-wide" if wide else "rb-bars-narrow",
        finding,
        height + 24,
        _hatch(name) if any(not row.ours for row in rows) else "",
        lines,
        drawn,
        marks,
    )


def _bar(row: Bar, end: str, left: float, part: float, top: float, name: str, *, wide: bool) -> SafeString:
    label_px = LABELS * WIDE - 12 if wide else NARROW
    top += (ROW - BAR) / 2 if wide else 22
    middle = top + BAR / 2 + 4.5
    lines = two_lines(row.label, label_px) if wide else [cut(row.label, label_px)]
    first = middle - (len(lines) - 1) * LINE / 2 if wide else top - 6
    label = format_html(
        '<text class="rb-bar-label" text-anchor="{}"><title>{}</title>{}</text>',
        "end" if wide else "start",
        row.label,
        format_html_join(
            "",
            '<tspan x="{}" dx="{}" y="{}">{}</tspan>',
            ((at(left, 0), -10 if wide else 0, px(first + place * LINE), line) for place, line in enumerate(lines)),
        ),
    )
    fill = "" if row.ours else format_html(' fill="url(#{}-hatch)"', name)
    note = format_html('<tspan class="rb-bar-note" dx="{}">{}</tspan>', GAP, row.note) if row.note else ""
    return format_html(
        '{}<rect class="{}"{} x="{}" y="{}" width="{}" height="{}" rx="2"/>'
        '<text class="rb-bar-end" x="{}" dx="{}" y="{}">{}{}</text>',
        label,
        "rb-bar-ours" if row.ours else "rb-bar-hatched",
        fill,
        at(left, 0),
        px(top),
        at(0, part * (1 - left)),
        BAR,
        at(left, part),
        GAP,
        px(middle),
        end,
        note,
    )


def _scale(rows: Sequence[Bar], ends: Sequence[str], highest: float, room: float) -> float:
    """Which part of the plot the axis may take, so that no end of a bar is written outside it."""
    least = 0.96  # room for half of the last tick's label
    for row, end in zip(rows, ends, strict=True):
        needed = GAP + text_width(end) + (GAP + text_width(row.note) if row.note else 0)
        if row.value > 0:
            least = min(least, (1 - needed / room) * highest / row.value)
    return max(0.2, least)


def _hatch(name: str) -> SafeString:
    return format_html(
        '<defs><pattern id="{}-hatch" width="6" height="6" patternUnits="userSpaceOnUse" '
        'patternTransform="rotate(45)"><rect class="rb-hatch-ground" width="6" height="6"/>'
        '<line class="rb-hatch-line" x1="0" y1="0" x2="0" y2="6"/></pattern></defs>',
        name,
    )


def legend(name: str, labels: tuple[str, str]) -> SafeString:
    """The two kinds of bars, ours first; `name` as in `bars`. Only where both are drawn."""
    return format_html(
        '<span class="rb-legend"><svg aria-hidden="true" width="14" height="14"><rect class="rb-bar-ours" width="14" '
        'height="14" rx="3"/></svg>{}</span><span class="rb-legend"><svg aria-hidden="true" width="14" height="14">{}'
        '<rect class="rb-bar-hatched" fill="url(#{}-legend-hatch)" x=".5" y=".5" width="13" height="13" rx="3"/></svg>'
        "{}</span>",
        labels[0],
        _hatch(f"{name}-legend"),
        name,
        labels[1],
    )


def interval_band(
    low: float,
    mid: float,
    high: float,
    axis_max: float,
    *,
    finding: str = "",
    axis: bool = True,
    digits: int = 0,
) -> SafeString:
    """An estimate: a pale band from low to high with a line at the middle, on an axis from 0.

    What lies below 0 or above the axis is not drawn. `axis` False leaves out its figures, for rows of a table whose
    head has them (`band_axis`).
    """
    ticks = nice_ticks(max(axis_max, 0.0), whole=digits == 0, most=BAND_LINES)
    low, mid, high = (min(max(0.0, value), ticks[-1]) for value in (low, mid, high))
    finding = finding or _("Best estimate %(mid)s, 90 %% sure: %(interval)s") % {
        "mid": numbers.decimal(mid, digits),
        "interval": numbers.interval(low, high, digits),
    }
    return format_html(
        '<svg class="rb-band" role="img" aria-label="{}" width="100%" height="{}">{}'
        '<rect class="rb-band-range" x="{}" y="6" width="{}" height="12" rx="2"/>'
        '<line class="rb-band-middle" x1="{}" x2="{}" y1="2" y2="22"/>{}</svg>',
        finding,
        42 if axis else 24,
        _band_lines(ticks),
        _band_at(low, ticks),
        at(0, max(0.006, (high - low) / ticks[-1] * 0.9)),
        _band_at(mid, ticks),
        _band_at(mid, ticks),
        _band_marks(ticks, 38, digits) if axis else "",
    )


def band_axis(axis_max: float, *, digits: int = 0) -> SafeString:
    """The figures of the axis that `interval_band` draws its lines for, to stand above a column of bands."""
    ticks = nice_ticks(max(axis_max, 0.0), whole=digits == 0, most=BAND_LINES)
    return format_html(
        '<svg class="rb-band" aria-hidden="true" width="100%" height="16">{}</svg>', _band_marks(ticks, 12, digits)
    )


def _band_at(value: float, ticks: Sequence[float]) -> str:
    """A band's axis leaves a twentieth on either side for the figures under it."""
    return at(0.05, value / ticks[-1] * 0.9, whole=True)


def _band_lines(ticks: Sequence[float]) -> SafeString:
    return format_html_join(
        "",
        '<line class="{}" x1="{}" x2="{}" y1="0" y2="24"/>',
        (("rb-grid" if tick else "rb-axis", _band_at(tick, ticks), _band_at(tick, ticks)) for tick in ticks),
    )


def _band_marks(ticks: Sequence[float], y: int, digits: int) -> SafeString:
    """The last figure ends at the edge, however many digits it has."""
    return format_html_join(
        "",
        '<text class="rb-tick" x="{}" y="{}" text-anchor="{}">{}</text>',
        (
            ("100%", y, "end", label) if tick == ticks[-1] else (_band_at(tick, ticks), y, "middle", label)
            for tick, label in zip(ticks, tick_labels(ticks, least=digits), strict=True)
        ),
    )


def share_bar(part: float, *, finding: str) -> SafeString:
    """How much of a whole, as one filled track."""
    return format_html(
        '<svg class="rb-share" role="img" aria-label="{}" width="100%" height="13">'
        '<rect class="rb-share-track" x="0" y="0.5" width="100%" height="12" rx="2"/>'
        '<rect class="rb-bar-ours" x="0" y="0.5" width="{}" height="12" rx="2"/></svg>',
        finding,
        at(0, min(1.0, max(0.0, part))),
    )


def sparkline(values: Sequence[float | None], *, title: str = "") -> SafeString:
    """A line as small as a word, from 0; None leaves a gap. One value between two gaps is a dot. Blank without any."""
    known = [value for value in values if value is not None]
    if not known:
        return SafeString()
    width, height, highest = 96.0, 24.0, max(*known, 0.0) if len(known) > 1 else max(known[0], 0.0)
    step = (width - 6) / max(1, len(values) - 1)
    runs: list[list[tuple[float, float]]] = [[]]
    for place, value in enumerate(values):
        if value is None:
            runs.append([])
        else:
            runs[-1].append(
                (3 + place * step, height - 3 - (max(0.0, value) / highest if highest else 0) * (height - 6))
            )
    drawn = format_html_join(
        "",
        "{}",
        (
            (
                format_html(
                    '<polyline class="rb-spark-line" points="{}"/>', " ".join(f"{px(x)},{px(y)}" for x, y in run)
                )
                if len(run) > 1
                else format_html('<circle class="rb-spark-dot" cx="{}" cy="{}" r="2"/>', px(run[0][0]), px(run[0][1])),
            )
            for run in runs
            if run
        ),
    )
    title = title or _("By month, oldest first: %(values)s") % {
        "values": ", ".join(_("too early") if value is None else numbers.whole(value) for value in values)
    }
    return format_html(
        '<svg class="rb-spark" role="img" aria-label="{}" viewBox="0 0 96 24" width="96" height="24"><title>{}</title>'
        "{}</svg>",
        title,
        title,
        drawn,
    )


def lines_by_month(points: Sequence[Point], *, finding: str, percent: bool = False) -> SafeString:
    """A line by month, from 0. Months without a value are not drawn; blank with fewer than three that have one.

    `percent` takes parts of 1, and an axis up to 100 %.
    """
    known = [point.value for point in points if point.value is not None]
    if len(known) < LEAST_POINTS:
        return SafeString()
    ticks = [0.0, 0.25, 0.5, 0.75, 1.0] if percent else nice_ticks(max(known), whole=True)
    labels = [numbers.percent(tick, 0) for tick in ticks] if percent else tick_labels(ticks)
    top, plot = 8, 140
    across = [0.01 + 0.98 * place / (len(points) - 1) for place in range(len(points))]

    def down(value: float) -> str:
        return px(top + plot * (1 - min(max(0.0, value), ticks[-1]) / ticks[-1]))

    grid = format_html_join(
        "",
        '<line class="{}" x1="0" x2="100%" y1="{}" y2="{}"/>',
        (("rb-grid" if tick else "rb-axis", y := down(tick), y) for tick in ticks),
    )
    marks = format_html_join(
        "",
        '<text class="rb-tick" x="42" y="{}" dy="4" text-anchor="end">{}</text>',
        ((down(tick), label) for tick, label in zip(ticks, labels, strict=True)),
    )
    pairs = list(zip(across, points, strict=True))
    strokes = format_html_join(
        "",
        '<line class="rb-month-line" x1="{}" y1="{}" x2="{}" y2="{}"/>',
        (
            (at(0, x1), down(first.value), at(0, x2), down(second.value))
            for (x1, first), (x2, second) in pairwise(pairs)
            if first.value is not None and second.value is not None
        ),
    )
    dots = format_html_join(
        "",
        '<circle class="rb-month-dot" cx="{}" cy="{}" r="3"><title>{}</title></circle>',
        (
            (
                at(0, x),
                down(point.value),
                f"{numbers.month(point.month)}: "
                f"{numbers.percent(point.value) if percent else numbers.whole(point.value)}",
            )
            for x, point in pairs
            if point.value is not None
        ),
    )
    named = sorted({0, len(points) // 2, len(points) - 1})
    months = format_html_join(
        "",
        '<text class="rb-tick" x="{}" y="{}" text-anchor="{}">{}</text>',
        (
            (at(0, across[place]), top + plot + 18, _anchor(place, len(points)), numbers.month(points[place].month))
            for place in named
        ),
    )
    height = top + plot + 24
    return format_html(
        '<div class="rb-months" role="img" aria-label="{}"><svg width="48" height="{}">{}</svg>'
        '<svg class="rb-months-plot" width="100%" height="{}">{}{}{}{}</svg></div>',
        finding,
        height,
        marks,
        height,
        grid,
        strokes,
        dots,
        months,
    )


def _anchor(place: int, count: int) -> str:
    return "start" if place == 0 else "end" if place == count - 1 else "middle"
