"""Figures as a refresh would have made them, without the cases behind them."""

from datetime import UTC, date, datetime
from decimal import Decimal

from rulebook.insight.models import RuleFigures, SourceFigures, TopicMonth
from tests import make

HORIZON = datetime(2026, 11, 15, 23, tzinfo=UTC)  # the end of a day in Copenhagen
MONTHS = [date(2025, 12, 1), *(date(2026, month, 1) for month in range(1, 12))]
# One source's year: 71 % of 10,000, of which rules blocked 1,000.
YEAR = {
    "resolved": 7100, "not_resolved": 2900, "pending": 3930, "early_repeats": 48, "unknown": 2526, "excluded": 11715,
    "blocked": 1000, "linked": 1102, "silent": 636, "issues": 9000, "short_issues": 6660, "seconds": 3_960_000,
    "timed": 6000,
}  # fmt: skip


def source(name="phone", *, method="no_repeat", window_days=7, months=True, **counts):
    """A source with its sums of the year up to the horizon."""
    made = make.source(name, horizon=HORIZON, method=method, window_days=window_days, time_zone="Europe/Copenhagen")
    values = {**YEAR, **counts}
    SourceFigures.objects.create(
        source=made, method=method, window_days=window_days, key="customer,topic", since=MONTHS[0], horizon=HORIZON,
        refreshed_at=HORIZON, **values,
    )  # fmt: skip
    if months:
        TopicMonth.objects.bulk_create(
            TopicMonth(
                source=made,
                month=month,
                resolved=600 + number,
                not_resolved=200,
                pending=300 if month == MONTHS[-1] else 0,
            )
            for number, month in enumerate(MONTHS)
        )
    return made


def rule(title, *, price="0", harm=None, **fields):
    """A rule with a price in parts of 1, and with harm in contacts a month where it is measured."""
    own = {name: fields.pop(name) for name in ("status", "intent") if name in fields}
    made = make.rule(title, **fields)
    for name, value in own.items():
        setattr(made, name, value)
    made.save()
    measured = {} if harm is None else {
        "listed": "measured", "why": "", "n": 200, "missed": 80, "harm": harm, "low": harm - 3, "high": harm + 3,
    }  # fmt: skip
    blocked = round(Decimal(price) * 10_000)
    RuleFigures.objects.create(rule=made, price=Decimal(price), blocked=blocked, silent=3, **measured)
    return made


def ten_rules():
    """Ten dear rules, one of them law and one contract; 0.0100 points fall to each place down."""
    kinds = {2: "law", 3: "contract"}
    return [
        rule(f"Dear rule {place}", price=f"{0.0092 - place * 0.0008:.4f}", harm=40 - place * 3,
             authority=kinds.get(place, "policy"), clause="§ 1" if place in kinds else "", purpose="So it is.",
             intent="keep")
        for place in range(10)
    ]  # fmt: skip
