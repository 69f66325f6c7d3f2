"""The twelve months that figures are made of, for each source up to its own horizon and in its own time zone."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Min, Q

from rulebook.cases.models import Method, Source
from rulebook.cases.policies import Policy, by_space, effective_horizon, is_settled, primary
from rulebook.insight.models import SourceFigures, TopicMonth
from rulebook.insight.sums import next_month

MONTHS = 12
MONTHS_OF_VOLUME = 3


@dataclass(frozen=True)
class Window:
    """The twelve months of one source up to its horizon, in its own time zone, and how it is measured."""

    source_id: int
    policy: Policy
    horizon: datetime
    since: date
    last: date  # first day of the horizon's month
    volume_since: date
    days: float  # from `volume_since` to the horizon
    judged_until: date  # cases of this day and before are mature

    @property
    def months(self) -> Q:
        return Q(source=self.source_id, month__gte=self.since, month__lte=self.last)

    @property
    def shown(self) -> list[date]:
        return [next_month(self.since, step) for step in range(MONTHS)]

    def is_complete(self, month: date) -> bool:
        return next_month(month) - timedelta(days=1) <= self.judged_until


def windows() -> dict[int, Window]:
    """{source id: window}, by the present horizon and policy; while a source is imported, by those of before."""
    found = {}
    stored = SourceFigures.objects.in_bulk()
    for space in by_space(Source.objects.order_by("pk")).values():
        horizon = effective_horizon(space) if is_settled(space) else None
        for source in space:
            figures = stored.get(source.pk)
            if horizon is not None:
                found[source.pk] = _window(source, primary(source), horizon)
            elif figures is not None and figures.horizon is not None:
                policy = Policy(figures.method, figures.window_days, tuple(figures.key.split(",")))
                found[source.pk] = _window(source, policy, figures.horizon)
    return found


def _window(source: Source, policy: Policy, horizon: datetime) -> Window:
    zone = ZoneInfo(source.time_zone)
    today = horizon.astimezone(zone).date()
    last = today.replace(day=1)
    volume_since = next_month(last, 1 - MONTHS_OF_VOLUME)
    begin = datetime.combine(volume_since, datetime.min.time(), zone)
    waits = policy.window_days if policy.method in {Method.NO_REPEAT, Method.CLOSED_FAST} else 0
    return Window(
        source_id=source.pk,
        policy=policy,
        horizon=horizon,
        since=next_month(last, 1 - MONTHS),
        last=last,
        volume_since=volume_since,
        days=(horizon - begin) / timedelta(days=1),
        judged_until=today - timedelta(days=waits),
    )


def complete_in(windows: Iterable[Window], month: date, begun: Mapping[int, date]) -> bool:
    """Whether the data holds the whole month, and all is mature, in those sources whose window it lies in."""
    inside = [window for window in windows if window.since <= month <= window.last]
    return bool(inside) and all(
        window.is_complete(month) and begun.get(window.source_id, month) <= month for window in inside
    )


def begun() -> dict[int, date]:
    """{source id: the first month with cases}: what lies before is no month without contacts, but one without data."""
    return dict(TopicMonth.objects.values_list("source").annotate(first=Min("month")).order_by())
