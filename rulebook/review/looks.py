"""What a weekly look at a trial finds: how far a guardrail has moved, and whether it is breached for sure. Pure.

A *group* is the contacts of some teams in some weeks. Contacts of one issue key hang together, so every spread is taken
between issue keys, never between contacts: three calls of one angry customer are one observation.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist

from rulebook.cases.intervals import Z95, wilson

LEAST_CASES = 50  # contacts of the trial, before a guardrail can be breached; problems of a control, for minutes
LEVEL = 0.05  # of one trial, over all its looks and guardrails together
REPEATS, MINUTES, RESOLVED = "repeats", "minutes", "resolved"


@dataclass(frozen=True)
class Sums:
    """A ratio of two sums over issue keys: y per x, and what its spread needs. `cases` are the contacts in it."""

    cases: int = 0
    keys: int = 0
    x: float = 0.0
    y: float = 0.0
    xx: float = 0.0
    yy: float = 0.0
    xy: float = 0.0

    @property
    def ratio(self) -> float | None:
        return self.y / self.x if self.x else None

    @property
    def variance(self) -> float:
        """Of the ratio, with issue keys as what was drawn (W. G. Cochran, "Sampling Techniques", 1977, 6.4).

        >>> sums_of([(1, 0)] * 30 + [(1, 1)] * 10).variance  # doctest: +ELLIPSIS
        0.00480...
        """
        ratio = self.ratio
        if ratio is None or self.keys < 2:
            return 0.0
        squares = max(0.0, self.yy - 2 * ratio * self.xy + ratio * ratio * self.xx)
        return squares / (self.x * self.x) * self.keys / (self.keys - 1)


def sums_of(keys: Iterable[tuple[float, float]]) -> Sums:
    """The sums of (x, y) pairs, one an issue key; a contact is counted for each x."""
    pairs = list(keys)
    return Sums(
        cases=round(sum(x for x, _y in pairs)),
        keys=len(pairs),
        x=sum(x for x, _y in pairs),
        y=sum(y for _x, y in pairs),
        xx=sum(x * x for x, _y in pairs),
        yy=sum(y * y for _x, y in pairs),
        xy=sum(x * y for x, y in pairs),
    )


@dataclass(frozen=True)
class Compared:
    """The trial's contacts and those of the weeks before it, and the same of a control where there is one."""

    now: Sums
    before: Sums
    control_now: Sums | None = None
    control_before: Sums | None = None

    @property
    def control_is_small(self) -> bool:
        """Minutes of a handful of problems have hardly a spread, and would be taken as known exactly."""
        control = [sums for sums in (self.control_now, self.control_before) if sums is not None]
        return any(sums.keys < LEAST_CASES for sums in control)


@dataclass(frozen=True)
class Change:
    """By how much something rose beyond what the control rose, with its bounds, in its own unit."""

    rise: float
    low: float
    high: float


@dataclass(frozen=True)
class Reading:
    """One guardrail at one look. `rise` and `bound` are None while nothing can be compared."""

    name: str
    limit: float
    cases: int
    rise: float | None
    bound: float | None  # the rise is at least this much

    @property
    def breached(self) -> bool:
        return self.bound is not None and self.cases >= LEAST_CASES and self.bound > self.limit

    @property
    def breaches_at(self) -> float | None:
        """The rise that as many contacts, spread as these are, would have to show for a breach."""
        if self.rise is None or self.bound is None:
            return None
        return self.limit + self.rise - self.bound


def z_for(looks: int, guardrails: int = 1) -> float:
    """How many standard errors a bound lies out, so that all looks at all guardrails together err 5 times in 100.

    Bonferroni: the level is shared out evenly. Looks at growing data agree with one another, so it errs less often
    than it says; for that it holds whatever the data's shape, also where a look is missed.

    >>> round(z_for(1), 3), round(z_for(8), 3), round(z_for(8, 2), 3)
    (1.645, 2.498, 2.734)
    """
    return NormalDist().inv_cdf(1 - LEVEL / max(1, looks * guardrails))


def read_guardrail(name: str, compared: Compared, *, limit: float, z: float) -> Reading:
    """Whether the rise lies beyond the limit for sure.

    >>> before = sums_of([(1, 0)] * 224 + [(1, 1)] * 96)  # 320 contacts, 30 % of them not resolved
    >>> worse = sums_of([(1, 0)] * 80 + [(1, 1)] * 80)  # 160 contacts, 50 %
    >>> read_guardrail("repeats", Compared(worse, before), limit=0.05, z=z_for(8)).breached
    True
    >>> read_guardrail("repeats", Compared(worse, before), limit=0.10, z=z_for(8)).breached
    False
    """
    found = change(compared, share=name == REPEATS, z=z)
    return Reading(name, limit, compared.now.cases, found.rise if found else None, found.low if found else None)


def change(compared: Compared, *, share: bool, z: float = Z95) -> Change | None:
    """The rise from before to now, less that of the control; None while a group is empty, and of minutes while
    the control is small.

    The bounds of the groups are put together by squares, each from the side that matters. Sources: R. G. Newcombe,
    "Interval estimation for the difference between independent proportions", Statistics in Medicine 17 (1998), method
    10; G. Y. Zou and A. Donner, Statistics in Medicine 27 (2008), for any estimates and more than two of them.
    """
    groups = [(1, compared.now), (-1, compared.before)]
    if not share and compared.control_is_small:
        return None
    if compared.control_now is not None and compared.control_before is not None:
        groups += [(-1, compared.control_now), (1, compared.control_before)]
    rise = down = up = 0.0
    for sign, sums in groups:
        ratio = sums.ratio
        if ratio is None:
            return None
        low, high = _bounds(sums, ratio, share, z)
        below, above = (ratio - low, high - ratio) if sign > 0 else (high - ratio, ratio - low)
        rise, down, up = rise + sign * ratio, down + below * below, up + above * above
    return Change(rise, rise - sqrt(down), rise + sqrt(up))


def _bounds(sums: Sums, ratio: float, share: bool, z: float) -> tuple[float, float]:
    """Of a share by Wilson, on as many contacts as the issue keys are worth; of minutes by their standard error."""
    spread = sums.variance
    if not share:
        return ratio - z * sqrt(spread), ratio + z * sqrt(spread)
    alone = ratio * (1 - ratio) / sums.x  # if contacts did not hang together
    worth = sums.x / max(1.0, spread / alone) if alone > 0 else float(sums.keys or sums.x)
    return wilson(ratio * worth, worth, z) or (0.0, 1.0)
