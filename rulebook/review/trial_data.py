"""The contacts that a trial is judged by, summed over issue keys: one statement a customer space, no row in Python.

They are all contacts about what the rule is about, whether or not they met it: while it is suspended none would be
linked to it any more, and a comparison of the linked ones would compare two kinds of contacts.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection

from rulebook.cases import dialect
from rulebook.cases.fcr import Period
from rulebook.cases.models import Method, Outcome, Source
from rulebook.cases.outcomes import Sql, judged_cases, stored_cases
from rulebook.cases.policies import Policy, by_space, effective_horizon
from rulebook.cases.queries import by_policy
from rulebook.catalogue.models import Rule, Topic
from rulebook.review.looks import MINUTES, RESOLVED, Compared, Sums

IN_TRIAL, CONTROL = True, False
NOBODY = Sums()
DAY, SECOND = timedelta(days=1), timedelta(seconds=1)
WAITING_METHODS = (Method.NO_REPEAT, Method.CLOSED_FAST)  # a contact is judged when its window is over


@dataclass(frozen=True)
class Scope:
    """Which contacts count. Blank topics, channels or teams: all of them. A topic takes in those below it."""

    sources: tuple[int, ...]
    policy: Policy
    topics: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    teams: tuple[int, ...] = ()


@dataclass(frozen=True)
class Group:
    """The contacts of some teams in some days: how many come back, and how long a solved problem takes."""

    misses: Sums = NOBODY  # contacts not resolved, per contact
    minutes: Sums = NOBODY  # minutes, per problem solved; of contacts that carry their handle time

    @property
    def resolved_share(self) -> float | None:
        missed = self.misses.ratio
        return None if missed is None else 1 - missed


Groups = dict[bool, Group]  # IN_TRIAL, CONTROL


def scopes_of(rule: Rule, teams: Iterable[int] = ()) -> list[Scope]:
    """What could be measured for a rule: a scope for each policy of the living sources, for methods are not pooled."""
    living = list(Source.objects.filter(retired=False).order_by("name"))
    topics = tuple(rule.topics.order_by("path").values_list("path", flat=True))
    return [
        Scope(tuple(source.pk for source in sources), policy, topics, tuple(rule.channels), tuple(sorted(teams)))
        for policy, sources in sorted(by_policy(living).items())
    ]


def judged_until(scope: Scope) -> date | None:
    """The last whole local day whose contacts are judged, in every source of the scope; None before any import."""
    wait = DAY + timedelta(days=scope.policy.window_days if scope.policy.method in WAITING_METHODS else 0)
    days = []
    for source, space in _spaces(scope):
        horizon = effective_horizon(space)
        if horizon is None:
            return None
        # "Until the end of the 3rd" is its last second, or the moment after.
        days.append((horizon + SECOND).astimezone(ZoneInfo(source.time_zone)).date() - wait)
    return min(days, default=None)


def summed(scope: Scope, since: date, until: date) -> Groups:
    """Both groups from `since` to `until`, both days counting; contacts not judged yet are in neither.

    Without named teams all contacts are in the trial. With teams, contacts of the others are the control; those of
    which nobody knows the team are in neither.
    """
    found = {IN_TRIAL: Group(), CONTROL: Group()}
    for _name, space in by_space(_sources(scope)).items():
        for in_trial, group in _summed(scope, space, Period(since, until)).items():
            mine = found[in_trial]
            found[in_trial] = Group(_added(mine.misses, group.misses), _added(mine.minutes, group.minutes))
    return found


def compared(name: str, now: Groups, before: Groups, *, control: bool) -> Compared:
    """What a guardrail or the metric compares; `RESOLVED` is the mirror of the repeats."""

    def of(groups: Groups, side: bool) -> Sums:
        group = groups[side]
        if name == MINUTES:
            return group.minutes
        return _mirrored(group.misses) if name == RESOLVED else group.misses

    if not control:
        return Compared(of(now, IN_TRIAL), of(before, IN_TRIAL))
    return Compared(of(now, IN_TRIAL), of(before, IN_TRIAL), of(now, CONTROL), of(before, CONTROL))


def _mirrored(sums: Sums) -> Sums:
    """x - y in the place of y: resolved for not resolved.

    >>> _mirrored(Sums(cases=3, keys=2, x=3.0, y=1.0, xx=5.0, yy=1.0, xy=2.0))
    Sums(cases=3, keys=2, x=3.0, y=2.0, xx=5.0, yy=2.0, xy=3.0)
    """
    return Sums(
        sums.cases, sums.keys, sums.x, sums.x - sums.y, sums.xx, sums.xx - 2 * sums.xy + sums.yy, sums.xx - sums.xy
    )


def _added(one: Sums, other: Sums) -> Sums:
    """Customer spaces share no issue keys."""
    return Sums(*(getattr(one, name) + getattr(other, name) for name in FIELDS))


FIELDS = ("cases", "keys", "x", "y", "xx", "yy", "xy")


def _sources(scope: Scope) -> list[Source]:
    return list(Source.objects.filter(pk__in=scope.sources).order_by("name"))


def _spaces(scope: Scope) -> list[tuple[Source, list[Source]]]:
    """Each source of the scope with all those it shares customers with."""
    every = by_space(Source.objects.order_by("name"))
    return [(source, every[source.space]) for source in _sources(scope)]


def _summed(scope: Scope, measured: Sequence[Source], period: Period) -> Groups:
    everyone = list(Source.objects.filter(space=measured[0].space).order_by("name"))
    judged = stored_cases(everyone, scope.policy) or judged_cases(everyone, scope.policy)
    chosen = _condition(scope, measured, period)
    teams = ", ".join(str(int(team)) for team in scope.teams)
    side = f"CASE WHEN j.team_id IN ({teams}) THEN 1 ELSE 0 END" if teams else "1"
    # A contact of no known customer is an issue of its own.
    key = "j.customer_key, CASE WHEN j.customer_key IS NULL THEN j.id END"
    key += "" if scope.policy.key == ("customer",) else ", j.topic_id"
    solved, timed = f"j.outcome = '{Outcome.RESOLVED}'", "j.handle_seconds IS NOT NULL"
    keys = (
        f"SELECT {side} AS side, COUNT(*) AS x, SUM(CASE WHEN {solved} THEN 0 ELSE 1 END) AS y, "
        f"SUM(CASE WHEN {timed} THEN 1 ELSE 0 END) AS timed, "
        f"SUM(CASE WHEN {timed} AND {solved} THEN 1 ELSE 0 END) AS solved, "
        "SUM(COALESCE(j.handle_seconds, 0)) / 60.0 AS minutes "
        f"FROM ({judged.text}) j WHERE {chosen.text} GROUP BY 1, {key}"
    )
    text = (
        "SELECT g.side, COUNT(*), SUM(g.x), SUM(g.y), SUM(g.x * g.x), SUM(g.y * g.y), SUM(g.x * g.y), "
        "SUM(g.timed), SUM(CASE WHEN g.timed > 0 THEN 1 ELSE 0 END), SUM(g.solved), SUM(g.minutes), "
        "SUM(g.solved * g.solved), SUM(g.minutes * g.minutes), SUM(g.solved * g.minutes) "
        f"FROM ({keys}) g GROUP BY g.side"
    )
    with dialect.reading_whole_tables(), connection.cursor() as cursor:
        cursor.execute(text, [*judged.params, *chosen.params])
        return {bool(row[0]): _group([float(value) for value in row[1:]]) for row in cursor}


def _group(found: Sequence[float]) -> Group:
    keys, x, y, xx, yy, xy, timed, timed_keys, solved, minutes, *squares = found
    return Group(
        Sums(round(x), round(keys), x, y, xx, yy, xy),
        Sums(round(timed), round(timed_keys), solved, minutes, *squares),
    )


def _condition(scope: Scope, measured: Sequence[Source], period: Period) -> Sql:
    within = period.condition("j.opened_day")
    listed = ", ".join(str(int(source.pk)) for source in measured)
    parts = [
        f"j.source_id IN ({listed})", within.text, f"j.outcome IN ('{Outcome.RESOLVED}', '{Outcome.NOT_RESOLVED}')",
    ]  # fmt: skip
    params: list[Any] = list(within.params)
    if scope.topics:
        topics = ", ".join(str(number) for number in _topics(scope.topics)) or "0"
        parts.append(f"j.topic_id IN ({topics})")
    if scope.channels:
        parts.append(f"j.channel IN ({', '.join(['%s'] * len(scope.channels))})")
        params.extend(scope.channels)
    if scope.teams:
        parts.append("j.team_id IS NOT NULL")
    return Sql(" AND ".join(parts), params)


def _topics(paths: Sequence[str]) -> list[int]:
    """Numbers of the topics of these paths and of all below them."""
    return [
        pk
        for pk, path in Topic.objects.order_by("pk").values_list("pk", "path")
        if any(path == top or path.startswith(f"{top}/") for top in paths)
    ]
