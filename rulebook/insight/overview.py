"""What the start page and the page for the top say of all contacts together. Pure: sums in, rates out."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction

from rulebook.cases.intervals import wilson
from rulebook.cases.models import Method
from rulebook.insight.prices import Rates


@dataclass(frozen=True)
class Overview:
    """The contacts of all sources with one policy, over the twelve months up to each source's horizon.

    Counts are contacts, but `issues` and `short_issues` (issues that are over) and `seconds` (of the `timed`
    contacts). Rates are parts of 1, None where undefined.
    """

    sources: Sequence[str]
    method: str
    window_days: int
    key: tuple[str, ...]
    since: date  # the earliest first day
    horizon: datetime  # the earliest horizon: until then all data is complete
    latest: datetime  # the latest one: each source is counted up to its own
    refreshed_at: datetime | None
    days: float  # of the longest window
    resolved: int = 0
    not_resolved: int = 0
    pending: int = 0
    early_repeats: int = 0
    unknown: int = 0
    excluded: int = 0
    blocked: int = 0
    linked: int = 0
    silent: int = 0
    issues: int = 0
    short_issues: int = 0
    seconds: int = 0
    timed: int = 0
    later: int = 0  # contacts opened after the months of their source: in no figure
    ours: Decimal = Decimal(0)  # sum of the prices of what is ours to change, and of what is not
    not_ours: Decimal = Decimal(0)
    others: Sequence["Overview"] = field(default=())

    @property
    def watches_repeats(self) -> bool:
        """True where issue FCR and "told no, did not return" mean something."""
        return self.method == Method.NO_REPEAT

    @property
    def rates(self) -> Rates:
        return Rates(self.resolved, self.not_resolved, self.blocked)

    @property
    def mature(self) -> int:
        return self.rates.mature

    @property
    def gross(self) -> Fraction | None:
        return self.rates.gross

    @property
    def interval(self) -> tuple[float, float] | None:
        """95 %, of gross FCR."""
        return wilson(self.resolved, self.mature)

    @property
    def net(self) -> Fraction | None:
        return self.rates.net

    @property
    def gap(self) -> Fraction | None:
        return self.rates.gap

    @property
    def ceiling(self) -> Fraction | None:
        return self.rates.ceiling

    @property
    def issue_fcr(self) -> Fraction | None:
        return Fraction(self.short_issues, self.issues) if self.watches_repeats and self.issues else None

    @property
    def coverage(self) -> Fraction | None:
        """The part of the not resolved contacts with any link to a rule."""
        return Fraction(self.linked, self.not_resolved) if self.not_resolved else None

    @property
    def unexplained(self) -> int:
        return self.not_resolved - self.blocked

    @property
    def minutes_a_contact(self) -> float | None:
        return self.seconds / self.timed / 60 if self.timed else None


@dataclass(frozen=True)
class MonthRow:
    """One month of an overview. `complete`: every contact of it is mature."""

    month: date
    complete: bool
    resolved: int = 0
    not_resolved: int = 0
    pending: int = 0
    unknown: int = 0
    excluded: int = 0
    blocked: int = 0
    silent: int = 0

    @property
    def gross(self) -> Fraction | None:
        return Rates(self.resolved, self.not_resolved, self.blocked).gross
