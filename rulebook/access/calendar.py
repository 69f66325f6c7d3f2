"""Days on which people can be expected to answer. Closed periods stop every clock; working days leave out weekends.

All spans begin the day after the first: from Monday to Tuesday is one day.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from rulebook.access.models import ClosedPeriod

DAY = timedelta(days=1)
SATURDAY = 5  # of date.weekday()
Span = tuple[date, date]
Count = Callable[[date, date], int]  # how many days a span has


@dataclass(frozen=True)
class Calendar:
    """Closed periods, both ends counting, in order and apart from one another."""

    closed: tuple[Span, ...] = ()

    def open_days_between(self, first: date, last: date) -> int:
        """Open days after `first` up to `last`, which counts itself; 0 where `last` is not later.

        >>> july = calendar_of([(date(2026, 7, 1), date(2026, 7, 31))])
        >>> july.open_days_between(date(2026, 6, 29), date(2026, 8, 2))
        3
        """
        return self._between(first, last, _days)

    def working_days_between(self, first: date, last: date) -> int:
        """Open days from Monday to Friday after `first` up to `last`, which counts itself.

        >>> Calendar().working_days_between(date(2026, 3, 6), date(2026, 3, 10))  # a Friday, a Tuesday
        2
        """
        return self._between(first, last, _weekdays)

    def add_open_days(self, day: date, n: int) -> date:
        """The n-th open day after `day`; `day` itself for 0.

        >>> calendar_of([(date(2026, 7, 1), date(2026, 7, 31))]).add_open_days(date(2026, 6, 29), 2)
        datetime.date(2026, 8, 1)
        """
        return self._after(day, n, working=False)

    def add_working_days(self, day: date, n: int) -> date:
        """The n-th open day from Monday to Friday after `day`; `day` itself for 0.

        >>> Calendar().add_working_days(date(2026, 3, 6), 5)  # a Friday
        datetime.date(2026, 3, 13)
        """
        return self._after(day, n, working=True)

    def _between(self, first: date, last: date, count: Count) -> int:
        if last <= first:
            return 0
        shut = sum(
            count(first if begins <= first else begins - DAY, min(ends, last))
            for begins, ends in self.closed
            if ends > first and begins <= last
        )
        return count(first, last) - shut

    def _after(self, day: date, n: int, *, working: bool) -> date:
        while n > 0 and day < date.max:
            day += DAY
            ends = next((ends for begins, ends in self.closed if begins <= day <= ends), None)
            if ends is not None:
                day = ends
            elif not working or day.weekday() < SATURDAY:
                n -= 1
        return day


def calendar_of(closed: Iterable[Span]) -> Calendar:
    """A calendar of closed periods in any order, which may overlap."""
    apart: list[Span] = []
    for begins, ends in sorted(closed):
        if apart and begins <= apart[-1][1]:
            apart[-1] = apart[-1][0], max(apart[-1][1], ends)
        else:
            apart.append((begins, ends))
    return Calendar(tuple(apart))


def house_calendar() -> Calendar:
    """The calendar of this house: one query. Whoever asks about many days keeps it."""
    return calendar_of(ClosedPeriod.objects.order_by("first", "pk").values_list("first", "last"))


def open_days_between(first: date, last: date) -> int:
    """As `Calendar.open_days_between`, for one question."""
    return house_calendar().open_days_between(first, last)


def working_days_between(first: date, last: date) -> int:
    """As `Calendar.working_days_between`, for one question."""
    return house_calendar().working_days_between(first, last)


def add_open_days(day: date, n: int) -> date:
    """As `Calendar.add_open_days`, for one question."""
    return house_calendar().add_open_days(day, n)


def add_working_days(day: date, n: int) -> date:
    """As `Calendar.add_working_days`, for one question."""
    return house_calendar().add_working_days(day, n)


def _days(first: date, last: date) -> int:
    return max(0, (last - first).days)


def _weekdays(first: date, last: date) -> int:
    """Days from Monday to Friday after `first` up to `last`.

    >>> _weekdays(date(2026, 3, 1), date(2026, 3, 31)), _weekdays(date(2026, 3, 6), date(2026, 3, 8))
    (22, 0)
    """
    return _weekdays_until(last) - _weekdays_until(first) if last > first else 0


def _weekdays_until(day: date) -> int:
    """How many there were since the Monday of the year 1."""
    weeks, rest = divmod(day.toordinal(), 7)
    return weeks * SATURDAY + min(rest, SATURDAY)
