"""Pictures of votes: how many at each place of the scale, and where the rules of a ballot lie. Pure but for words."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from rulebook.desk.axes import at, px
from rulebook.numbers import signed, whole
from rulebook.votes.counting import PLACES
from rulebook.votes.forms import EASE, IMPACT

HEIGHT = 320  # px of the plot
DOT = 14  # px, radius
EDGE = 0.06  # of the plot's width, and of its height, on either side of the scale
STEP = 2 * DOT + 2  # px that equal places are nudged apart
WIDEST = 640  # px; in a plot that is narrower, dots nudged apart come a little nearer


@dataclass(frozen=True)
class VoteBar:
    """One place of the scale: its words, how many voted so, and the bar as long as that."""

    words: str
    people: str
    bar: SafeString


def vote_bars(question: str, counts: Sequence[int]) -> list[VoteBar]:
    """The rows of a table, from -2 to +2; `question` is "impact" or "ease". A bar of all voters fills its column."""
    words = IMPACT if question == "impact" else EASE
    voters = max(sum(counts), 1)
    return [
        VoteBar(f"{signed(place)} {str(text).lower()}", whole(count), _bar(question, place, count / voters))
        for (place, text), count in zip(words, counts, strict=True)
    ]


def _bar(question: str, place: int, part: float) -> SafeString:
    colour = "helps" if place > 0 else "hurts" if place < 0 and question == "impact" else "none"
    return format_html(
        '<svg aria-hidden="true" width="100%" height="20">'
        '<rect class="rb-vote-{}" width="{}" height="20" rx="2"/></svg>',
        colour,
        at(0, part),
    )


@dataclass(frozen=True)
class Dot:
    """One rule of a plot: its number in the list beside it, and its mean impact and ease, from -2 to +2."""

    number: int
    name: str
    impact: float
    ease: float

    @property
    def start_here(self) -> bool:
        """It hurts, and is easy to do without."""
        return self.impact < 0 and self.ease > 0


def impact_ease_plot(dots: Sequence[Dot], *, finding: str) -> SafeString:
    """Hurting upwards, easy to the right: what lies in the upper right corner is where to start.

    Equal places are nudged apart. Blank without dots.
    """
    if not dots:
        return SafeString()
    corners = (
        ("start", "8", "20", _("Worth the work"), ""),
        ("end", "98.5%", "20", _("Start here"), " rb-plot-start"),
        ("start", "8", str(HEIGHT - 10), _("Keep"), ""),
        ("end", "98.5%", str(HEIGHT - 10), _("Leave alone"), ""),
    )
    return format_html(
        '<svg class="rb-plot" role="img" aria-label="{}" width="100%" height="{}">'
        '<rect class="rb-plot-ground" width="100%" height="100%" rx="10"/>'
        '<rect class="rb-plot-corner" x="50%" width="50%" height="50%"/>'
        '<line class="rb-axis" x1="50%" x2="50%" y1="0" y2="100%"/>'
        '<line class="rb-axis" x1="0" x2="100%" y1="50%" y2="50%"/>'
        "{}{}</svg>",
        finding,
        HEIGHT,
        format_html_join("", '<text text-anchor="{}" x="{}" y="{}" class="rb-plot-word{}">{}</text>', (
            (anchor, x, y, extra, word) for anchor, x, y, word, extra in corners
        )),
        format_html_join("", "{}", ((_dot(dot, x, y),) for dot, x, y in apart(dots))),
    )  # fmt: skip


def apart(dots: Sequence[Dot]) -> list[tuple[Dot, float, float]]:
    """(dot, part of the width, px from the top), those at one place side by side.

    >>> [round(x, 3) for _dot, x, _y in apart([Dot(1, "", -1, 1), Dot(2, "", -1, 1), Dot(3, "", 0, 0)])]
    [0.72, 0.767, 0.5]
    """
    placed: list[tuple[Dot, float, float]] = []
    for dot in dots:
        x = EDGE + (1 - 2 * EDGE) * (dot.ease - PLACES[0]) / (len(PLACES) - 1)
        y = HEIGHT * (EDGE + (1 - 2 * EDGE) * (dot.impact - PLACES[0]) / (len(PLACES) - 1))
        step = STEP / WIDEST if x < 0.9 else -STEP / WIDEST
        while any(abs(x - left) < abs(step) * 0.9 and abs(y - top) < STEP * 0.9 for _other, left, top in placed):
            x += step
            if not 0 < x < 1:
                break
        placed.append((dot, x, y))
    return placed


def _dot(dot: Dot, x: float, y: float) -> SafeString:
    return format_html(
        '<circle class="rb-plot-dot{}" cx="{}" cy="{}" r="{}"><title>{}</title></circle>'
        '<text class="rb-plot-number{}" x="{}" y="{}" dy="5" text-anchor="middle">{}</text>',
        " rb-plot-dot-start" if dot.start_here else "",
        at(0, x),
        px(y),
        DOT,
        dot.name,
        " rb-plot-number-start" if dot.start_here else "",
        at(0, x),
        px(y),
        dot.number,
    )
