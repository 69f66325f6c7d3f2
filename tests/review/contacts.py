"""Weeks of contacts for trials: so many, of which so many are not resolved at the first one."""

from datetime import UTC, date, datetime, timedelta

from rulebook.cases.models import Case, Outcome, Source

WEEK = timedelta(7)


def contacts(source: Source, first: date, weeks: int, *, a_week: int, missed: int, **fields) -> None:
    """So many contacts a week, of which so many are not resolved; the data are complete until the last day."""
    number = Case.objects.count()
    cases = []
    for week in range(weeks):
        for one in range(a_week):
            day = first + week * WEEK + timedelta(one % 7)
            cases.append(
                Case(
                    source=source, external_id=f"N{number + len(cases)}", row_hash=b"0" * 16,
                    opened_at=datetime(day.year, day.month, day.day, 9, tzinfo=UTC), opened_day=day,
                    customer_key=(number + len(cases)).to_bytes(32, "big"), declared=one >= missed,
                    outcome=Outcome.NOT_RESOLVED if one < missed else Outcome.RESOLVED, **fields,
                )
            )  # fmt: skip
    Case.objects.bulk_create(cases)
    last = first + weeks * WEEK - timedelta(1)
    source.horizon = datetime(last.year, last.month, last.day, 23, 59, 59, tzinfo=UTC)
    source.save()
