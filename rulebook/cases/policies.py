"""How first-contact resolution is measured, and until when the data is complete."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from rulebook.cases.models import Method, Source
from rulebook.errors import WrongUsage

DAY_SECONDS = 86_400


@dataclass(frozen=True, order=True)
class Policy:
    """A method, its window in days and its issue key. Figures of different policies are never pooled."""

    method: str
    window_days: int
    key: tuple[str, ...]

    @property
    def watches_repeats(self) -> bool:
        return self.method == Method.NO_REPEAT


def primary(source: Source) -> Policy:
    return Policy(source.method, source.window_days, tuple(source.key.split(",")))


def key_from(text: str) -> str:
    """An issue key as people type it, in its stored spelling.

    >>> key_from("topic, customer")
    'customer,topic'
    """
    parts = {part.strip().lower() for part in text.split(",")}
    for key in Source.Key.values:
        if parts == set(key.split(",")):
            return str(key)
    raise WrongUsage(f"--key {text} is no issue key. Write customer,topic or customer.")


@dataclass(frozen=True)
class Clock:
    """What a policy needs to know of a source: its place in the order of names, and up to when cases are mature.

    `mature_until` is for cases with an instant, `mature_day` for those with only a date; None: nothing is mature.
    """

    source_id: int
    rank: int
    horizon: datetime | None
    mature_until: datetime | None
    mature_day: date | None


def effective_horizon(sources: Iterable[Source]) -> datetime | None:
    """The horizon of a customer space: the earliest of its live sources that have one; None before any import.

    A retired source holds nothing back; a space of retired sources only is complete until its latest.
    """
    known = [source for source in sources if source.horizon is not None]
    live = [source.horizon for source in known if not source.retired and source.horizon is not None]
    if live:
        return min(live)
    return max((source.horizon for source in known if source.horizon is not None), default=None)


def clocks(sources: Sequence[Source], window_days: int) -> dict[int, Clock]:
    """{source id: clock} for sources that share one space."""
    horizon = effective_horizon(sources)
    found = {}
    for rank, source in enumerate(sorted(sources, key=lambda source: source.name)):
        if horizon is None:
            found[source.pk] = Clock(source.pk, rank, None, None, None)
            continue
        local_day = horizon.astimezone(ZoneInfo(source.time_zone)).date()
        found[source.pk] = Clock(
            source_id=source.pk,
            rank=rank,
            horizon=horizon,
            mature_until=horizon - timedelta(seconds=window_days * DAY_SECONDS),
            mature_day=local_day - timedelta(days=window_days),
        )
    return found


def by_space(sources: Iterable[Source]) -> dict[str, list[Source]]:
    """Sources grouped by the customers they share."""
    spaces: dict[str, list[Source]] = defaultdict(list)
    for source in sources:
        spaces[source.space].append(source)
    return dict(spaces)


def is_settled(space: Iterable[Source]) -> bool:
    """Whether the stored outcomes of all sources of a customer space are those that follow from its cases."""
    return not any(source.stale for source in space)
