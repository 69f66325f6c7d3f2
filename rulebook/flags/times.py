"""How long flags wait for a first reply and for a decision. Pure: days in, headline figures out.

A flag that waits still is no flag that was answered today: it counts as one that takes longer than it has waited so
far, so that leaving the hard ones lying does not make the figures better.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import NamedTuple

REPLY_WITHIN = 5  # working days
DECIDE_WITHIN = 30  # open days
LEAST_MEDIAN = 5  # flags: no median of fewer
LEAST_PERCENTILE = 20  # flags: no 90th percentile of fewer
HALF, NINE_TENTHS = Fraction(1, 2), Fraction(9, 10)

Days = Callable[[date, date], int]


class Wait(NamedTuple):
    """One flag's wait: the day it reached the house, an anonymous one's that of its release; None: it waits still."""

    began: date
    ended: date | None


@dataclass(frozen=True)
class Times:
    """Headline figures, in the days of `target`. None where they are of too few flags, or not reached yet.

    `flags` is how many waits there were, `waiting` how many last still, `oldest` the longest of those so far, and
    `late` how many of those have passed the target. `longest` is the longest of all, over or not.
    """

    target: int
    flags: int = 0
    waiting: int = 0
    median: int | None = None
    ninetieth: int | None = None
    oldest: int | None = None
    longest: int | None = None
    late: int = 0


def times(waits: Iterable[Wait], *, target: int, today: date, days: Days) -> Times:
    """The headline figures of some flags. `days` counts the days of a span: working or open ones.

    >>> from rulebook.access.calendar import Calendar
    >>> monday = date(2026, 3, 2)
    >>> over = [Wait(monday, date(2026, 3, day)) for day in (2, 3, 4, 9)]
    >>> found = times([*over, Wait(monday, None)], target=5, today=date(2026, 3, 12),
    ...               days=Calendar().working_days_between)
    >>> found.flags, found.median, found.ninetieth, found.waiting, found.oldest, found.late
    (5, 2, None, 1, 8, 1)
    """
    over: list[int] = []
    lasting: list[int] = []
    for wait in waits:
        if wait.ended is None:
            lasting.append(days(wait.began, today))
        else:
            over.append(days(wait.began, wait.ended))
    count = len(over) + len(lasting)
    return Times(
        target=target,
        flags=count,
        waiting=len(lasting),
        median=part_within(HALF, over, lasting) if count >= LEAST_MEDIAN else None,
        ninetieth=part_within(NINE_TENTHS, over, lasting) if count >= LEAST_PERCENTILE else None,
        oldest=max(lasting, default=None),
        longest=max([*over, *lasting], default=None),
        late=sum(waited > target for waited in lasting),
    )


def part_within(part: Fraction, over: Iterable[int], lasting: Iterable[int]) -> int | None:
    """The number of days within which this part of all waits ends; None where too many last still to know.

    Source: E. L. Kaplan and P. Meier, "Nonparametric estimation from incomplete observations", JASA 53 (1958). Without
    waits that last still it is the smallest number of days that at least this part took at most.

    >>> part_within(HALF, [1, 2, 3, 4], []), part_within(NINE_TENTHS, range(1, 21), [])
    (2, 18)
    >>> part_within(HALF, [1, 2], [9, 9]), part_within(HALF, [1, 2], [9, 9, 9])  # three of five last longer than 2
    (2, None)
    >>> part_within(HALF, [1, 5], [1, 1, 1])  # three have only just begun, and say nothing of the second day
    5
    """
    ended, lasts = Counter(over), Counter(lasting)
    left, still = Fraction(1), ended.total() + lasts.total()
    for day in sorted({*ended, *lasts}):
        left *= 1 - Fraction(ended[day], still)
        if left <= 1 - part:
            return day
        still -= ended[day] + lasts[day]
    return None
