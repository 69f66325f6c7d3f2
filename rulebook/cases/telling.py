"""How figures of cases are said on a terminal."""

from datetime import datetime

from django.utils import timezone

from rulebook.cases.fcr import Period


def number(count: int) -> str:
    """
    >>> number(34975)
    '34,975'
    """
    return f"{count:,}"


def complete_until(horizon: str | None, sources: int = 1) -> str:
    """The horizon in words, in the time zone of this installation; of several pooled sources it is the earliest."""
    if horizon is None:
        return "no case tells yet until when the data is complete"
    local = timezone.localtime(datetime.fromisoformat(horizon))
    several = f", the earliest of {sources} sources; each is judged by its own" if sources > 1 else ""
    return f"data complete to {local.day} {local:%b %Y, %H:%M} ({timezone.get_current_timezone_name()}){several}"


def cases_opened(period: Period) -> str:
    """
    >>> from datetime import date
    >>> cases_opened(Period(since=date(2026, 3, 1)))
    'opened from 2026-03-01'
    >>> cases_opened(Period())
    'of all days'
    """
    if period.is_open:
        return "of all days"
    parts = [f"from {period.since}"] if period.since else []
    return "opened " + " ".join([*parts, f"to {period.until}"] if period.until else parts)
