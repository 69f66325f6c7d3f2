"""Where things stand in a chart: ticks of an axis, widths of texts, places as parts of a width. Pure."""

import math
from collections.abc import Sequence

from rulebook import numbers

MOST_LINES = 5  # grid lines, the axis among them
EM = 13.0  # px: size of the text
NICE = (1.0, 2.0, 2.5, 5.0, 10.0)


def nice_ticks(highest: float, *, whole: bool = False, most: int = MOST_LINES) -> list[float]:
    """Where an axis from 0 has its lines: at most so many, the last one at or above the highest value.

    >>> nice_ticks(0.92)
    [0.0, 0.25, 0.5, 0.75, 1.0]
    >>> nice_ticks(39, whole=True), nice_ticks(0), nice_ticks(2, whole=True)
    ([0.0, 10.0, 20.0, 30.0, 40.0], [0.0, 0.25, 0.5, 0.75, 1.0], [0.0, 1.0, 2.0])
    """
    if not math.isfinite(highest) or highest < 1e-6:  # nothing that could be drawn
        highest = 1.0
    size = math.floor(math.log10(highest / most))
    steps = [nice * 10.0**power for power in range(size, size + 3) for nice in NICE]
    if whole:
        steps = [step for step in steps if step >= 1 and step == int(step)] or [1.0]
    for step in sorted(steps):
        count = math.ceil(round(highest / step, 9))
        if count < most:
            return [round(place * step, 12) for place in range(count + 1)]
    raise AssertionError("one of three powers of ten is always wide enough")


def tick_labels(ticks: Sequence[float], least: int = 0) -> list[str]:
    """With as many decimals as the step needs; zero has none."""
    step = ticks[1] if len(ticks) > 1 else 1.0
    digits = next(digits for digits in range(least, 13) if math.isclose(round(step, digits), step, rel_tol=1e-9))
    return [numbers.decimal(tick, digits) if tick else "0" for tick in ticks]


def text_width(text: str, em: float = EM) -> float:
    """About how many px a text takes; rather too many than too few."""
    narrow, wide = "iljtfrI.,:;'|!()[] ", "mwMW@%—…ÆŒ"
    part = 0.0
    for sign in text:
        if sign in narrow:
            part += 0.33
        elif sign in wide or ord(sign) > 0x2E7F:  # Chinese, emoji and the like
            part += 0.95
        else:
            part += 0.7 if sign.isupper() else 0.6
    return part * em


def cut(text: str, room: float, em: float = EM) -> str:
    """The text, or as much of it as fits, with "…" at the end.

    >>> cut("Refunds over 200 kr need a manager", 90)
    'Refunds ov…'
    >>> cut("Short", 90)
    'Short'
    """
    text = " ".join(text.split())
    if text_width(text, em) <= room:
        return text
    while text and text_width(text + "…", em) > room:
        text = text[:-1]
    return text.rstrip() + "…"


def two_lines(text: str, room: float) -> list[str]:
    """The text in one or two lines, the second cut where it must be; a first word that is too long is cut too.

    >>> two_lines("Refunds over 200 kr need a manager", 130)
    ['Refunds over 200 kr', 'need a manager']
    >>> two_lines("Short", 130)
    ['Short']
    """
    words = text.split()
    first = 1
    while first < len(words) and text_width(" ".join(words[: first + 1])) <= room:
        first += 1
    lines = [" ".join(words[:first]), " ".join(words[first:])]
    return [cut(line, room) for line in lines if line]


def at(left: float, part: float, *, whole: bool = False) -> str:
    """A place as a percentage of the chart's width: `part` of what is right of `left`, or of all of it."""
    return f"{(left + part * (1 if whole else 1 - left)) * 100:.2f}%"


def px(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
