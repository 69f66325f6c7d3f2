"""How many contacts a trial needs to be worth starting. Pure.

A change too small for the volume is not "no change": nobody could have seen it. Such a trial is never proposed.
"""

from dataclasses import dataclass
from math import ceil, sqrt
from statistics import NormalDist

from django.utils.translation import gettext as _

from rulebook.numbers import percent, whole

POWER = 0.80
LEVEL = 0.05  # two-sided
LOOK_AGAIN_DAYS = 90  # after a removal that no trial could have tested


def cases_needed(before: float, after: float, control: float | None = None) -> int:
    """Contacts in each period to see a rate change from `before` to `after`, both parts of 1, 80 times in 100.

    Two periods of equal size, two-sided at 5 %; the normal approximation with the pooled rate where nothing changed,
    without continuity correction. Source: J. L. Fleiss, "Statistical Methods for Rates and Proportions", 2nd ed.
    (1981), formula 3.14.

    >>> cases_needed(0.70, 0.80), cases_needed(0.70, 0.75), cases_needed(0.60, 0.75)
    (294, 1251, 152)

    With a control of `control` times the contacts the change of the one is compared with the change of the other.
    Both changes waver, so the contacts multiply by 1 + 1/control:

    >>> cases_needed(0.70, 0.80, control=1), cases_needed(0.70, 0.80, control=3)
    (588, 392)

    Raises ValueError for rates outside 0 to 1, for equal ones, and for a control of nobody.
    """
    if not (0 <= before <= 1 and 0 <= after <= 1) or before == after or (control is not None and control <= 0):
        raise ValueError("Give two different rates from 0 to 1, and a control that has contacts.")
    pooled = (before + after) / 2
    unchanged = NormalDist().inv_cdf(1 - LEVEL / 2) * sqrt(2 * pooled * (1 - pooled))
    changed = NormalDist().inv_cdf(POWER) * sqrt(before * (1 - before) + after * (1 - after))
    needed = ceil(((unchanged + changed) / (after - before)) ** 2)
    return needed if control is None else ceil(needed * (1 + 1 / control))


@dataclass(frozen=True)
class Volume:
    """Whether the contacts of some weeks can show the smallest change that would matter.

    `before` is the rate of as many weeks before, `effect` the change in parts of 1; `control` as in `cases_needed`.
    """

    contacts: int
    weeks: int
    before: float
    effect: float
    control: float | None = None

    @property
    def after(self) -> float:
        return self.before + self.effect

    @property
    def needed(self) -> int | None:
        """None where the rate cannot rise that far."""
        return cases_needed(self.before, self.after, self.control) if self.after <= 1 else None

    @property
    def is_enough(self) -> bool:
        return self.needed is not None and self.contacts >= self.needed

    @property
    def sentence(self) -> str:
        """What the volume can show; where it cannot, what to do instead.

        >>> from rulebook.numbers import NO_BREAK
        >>> print(Volume(320, 8, 0.7, 0.1).sentence.replace(NO_BREAK, " "))
        About 320 contacts come in 8 weeks. 294 are enough to see a rise from 70 % to 80 %.
        >>> print(Volume(320, 8, 0.7, 0.05).sentence.replace(NO_BREAK, " "))
        320 contacts in 8 weeks cannot show a rise from 70 % to 75 %: 1,251 are needed.
        Remove the rule, and look again after 90 days.
        >>> print(Volume(320, 8, 0.97, 0.05).sentence.replace(NO_BREAK, " "))
        97 % are resolved at the first contact already. That cannot rise by so much. Name a smaller effect.
        """
        rates = {"before": _percent(self.before), "after": _percent(min(1.0, self.after))}
        if self.needed is None:
            text = _(
                "%(before)s are resolved at the first contact already. That cannot rise by so much. "
                "Name a smaller effect."
            )
            return text % rates
        words = {**rates, "contacts": whole(self.contacts), "weeks": self.weeks, "needed": whole(self.needed)}
        if self.is_enough:
            text = _(
                "About %(contacts)s contacts come in %(weeks)s weeks. %(needed)s are enough to see a rise from "
                "%(before)s to %(after)s."
            )
            return text % words
        text = _(
            "%(contacts)s contacts in %(weeks)s weeks cannot show a rise from %(before)s to %(after)s: %(needed)s are "
            "needed. Remove the rule, and look again after %(days)s days."
        )
        return text % {**words, "days": LOOK_AGAIN_DAYS}


def _percent(rate: float) -> str:
    """Whole where it is whole, so that 70 % does not read as a measurement of three figures."""
    return percent(rate, 0 if abs(rate * 100 - round(rate * 100)) < 0.05 else 1)
