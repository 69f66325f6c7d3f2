"""What each rule costs, exactly: fractions in, six decimals out, nothing lost in rounding. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import lcm

DIGITS = 6


@dataclass(frozen=True)
class Blocked:
    """The not-resolved cases that one rule blocked, by how many rules blocked each: {k: cases}."""

    by_k: dict[int, int]

    @property
    def contacts(self) -> int:
        return sum(self.by_k.values())

    @property
    def weight(self) -> Fraction:
        """The sum of 1/k over its cases.

        >>> Blocked({1: 2, 2: 3}).weight
        Fraction(7, 2)
        """
        whole = lcm(*self.by_k)
        return Fraction(sum(cases * (whole // k) for k, cases in self.by_k.items()), whole)


@dataclass(frozen=True)
class Rates:
    """Resolved, not resolved, and how many of the latter some rule blocked; rates are None where undefined."""

    resolved: int
    not_resolved: int
    blocked: int

    @property
    def mature(self) -> int:
        return self.resolved + self.not_resolved

    @property
    def gross(self) -> Fraction | None:
        return Fraction(self.resolved, self.mature) if self.mature else None

    @property
    def net(self) -> Fraction | None:
        """What others report: contacts that a rule made unsolvable are left out."""
        rest = self.mature - self.blocked
        return Fraction(self.resolved, rest) if rest else None

    @property
    def gap(self) -> Fraction | None:
        """
        >>> rates = Rates(resolved=70, not_resolved=30, blocked=10)
        >>> rates.gross, rates.net, rates.gap, rates.ceiling
        (Fraction(7, 10), Fraction(7, 9), Fraction(7, 90), Fraction(1, 10))
        """
        return None if self.gross is None or self.net is None else self.net - self.gross

    @property
    def ceiling(self) -> Fraction | None:
        """What gross FCR would rise by, at most, without any of the rules: the prices add up to it."""
        return Fraction(self.blocked, self.mature) if self.mature else None

    def price(self, weight: Fraction) -> Fraction:
        return weight / self.mature

    def share(self, weight: Fraction) -> Fraction | None:
        """A rule's part of the gap."""
        if self.gap is None:
            return None
        return self.gap * weight / self.blocked if self.blocked else Fraction(0)


def printed(value: Fraction | None) -> str | None:
    """Six decimals, half to even.

    >>> printed(Fraction(1, 3)), printed(Fraction(1, 128)), printed(None)
    ('0.333333', '0.007812', None)
    """
    return None if value is None else _text(_units(value))


def printed_parts(values: Sequence[Fraction], total: Fraction) -> list[str]:
    """Six decimals each, by largest remainder, so that they add up to `printed(total)`; ties go to the earlier.

    `total` must be the sum of the values.

    >>> printed_parts([Fraction(1, 3)] * 3, Fraction(1))
    ['0.333334', '0.333333', '0.333333']
    """
    # Whole numbers over one denominator: ten thousand fractions would take most of a second.
    denominator = lcm(*(value.denominator for value in values))
    scaled = [value.numerator * (denominator // value.denominator) * 10**DIGITS for value in values]
    units = [number // denominator for number in scaled]
    missing = _units(total) - sum(units)
    by_remainder = sorted(range(len(values)), key=lambda place: (-(scaled[place] % denominator), place))
    for place in by_remainder[:missing]:
        units[place] += 1
    return [_text(unit) for unit in units]


def _units(value: Fraction) -> int:
    scaled: Fraction = value * 10**DIGITS
    return round(scaled)


def _text(units: int) -> str:
    sign = "-" if units < 0 else ""
    whole, part = divmod(abs(units), 10**DIGITS)
    return f"{sign}{whole}.{part:0{DIGITS}d}"
