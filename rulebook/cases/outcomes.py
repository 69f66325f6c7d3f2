"""First-contact resolution as SQL: which case came back, which is mature, and what became of each.

The definitions are those of the glossary in the README; every figure, stored or asked for, goes through
`judged_cases`. Outcomes are a function of the stored data alone, never of today's clock.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rulebook.cases import dialect
from rulebook.cases.models import Effect, Issue, Method, Outcome, Source
from rulebook.cases.policies import Clock, Policy, clocks, primary


@dataclass(frozen=True)
class Sql:
    """A piece of a statement with its parameters in order."""

    text: str
    params: list[Any] = field(default_factory=list)


def judged_cases(space: Sequence[Source], policy: Policy, only: Sql | None = None) -> Sql:
    """A SELECT of every case of a customer space that is not excluded, judged under a policy.

    Columns: id, source_id, topic_id, team_id, channel, opened_at, opened_day, customer_key, external_id,
    handle_seconds, outcome, mature (boolean), has_repeat, is_repeat (booleans, null but under no_repeat), source_rank.
    `space` must hold all sources of the space: a repeat may come through another one. `only` is a condition on
    `c`, which must take whole issue keys where repeats are watched.
    """
    ticks = clocks(space, policy.window_days)
    params: list[Any] = []
    mature = _mature(ticks, params)
    if policy.watches_repeats:
        inner = _with_neighbours(ticks, policy, mature, params, only)
        outcome = (
            f"CASE WHEN customer_key IS NULL THEN '{Outcome.UNKNOWN}' WHEN NOT mature THEN '{Outcome.PENDING}' "
            f"WHEN has_repeat THEN '{Outcome.NOT_RESOLVED}' ELSE '{Outcome.RESOLVED}' END"
        )
        return Sql(f"SELECT j.*, {outcome} AS outcome FROM ({inner}) j", params)
    condition = _scope(list(ticks), params, only)
    if policy.method == Method.CLOSED_FAST:
        outcome = _closed_fast(policy.window_days)
        text = f"SELECT m.*, {outcome} AS outcome FROM (SELECT {COLUMNS}, {mature} AS mature, "
        text += "c.closed_at, c.closed_day, c.day_only, c.closed_day_only, "
        text += f"{NO_REPEATS} FROM cases_case c WHERE {condition}) m"
        return Sql(text, params)
    outcome = _ROW_OUTCOMES[policy.method]
    text = f"SELECT {COLUMNS}, {mature} AS mature, {outcome} AS outcome, "
    text += f"{NO_REPEATS} FROM cases_case c WHERE {condition}"
    return Sql(text, params)


def with_issues(judged: Sql, policy: Policy) -> Sql:
    """`judged_cases` with two columns more: `repeated` (boolean), and `issue` as the case stores it.

    Middle contacts of a chain are set apart from its ends; then what follows a first contact is the last of its chain.
    """
    if not policy.watches_repeats:
        return Sql(f"SELECT t.*, {FALSE} AS repeated, '' AS issue FROM ({judged.text}) t", judged.params)
    key = "e.customer_key" if policy.key == ("customer",) else "e.customer_key, e.topic_id"
    ends = (
        f"SELECT e.*, LEAD(e.mature) OVER (PARTITION BY {key}, "
        "CASE WHEN e.is_repeat AND e.has_repeat THEN 1 ELSE 0 END "
        f"ORDER BY e.opened_at, e.source_rank, e.external_id) AS last_is_mature FROM ({judged.text}) e"
    )
    issue = (
        "CASE WHEN t.customer_key IS NULL OR t.is_repeat THEN '' "
        f"WHEN NOT t.has_repeat THEN CASE WHEN t.mature THEN '{Issue.SHORT}' ELSE '' END "
        f"WHEN t.last_is_mature THEN '{Issue.LONG}' ELSE '' END"
    )
    return Sql(f"SELECT t.*, t.has_repeat AS repeated, {issue} AS issue FROM ({ends}) t", judged.params)


def stored_cases(space: Sequence[Source], policy: Policy) -> Sql | None:
    """The same from the stored outcomes, without the columns about repeats; None where they do not fit.

    They fit when every source of the space is fresh and measured by this policy.
    """
    if any(source.stale or primary(source) != policy for source in space):
        return None
    condition = _scope([source.pk for source in space], [], None)
    return Sql(f"SELECT {COLUMNS}, c.outcome FROM cases_case c WHERE {condition}")


COLUMNS = (
    "c.id, c.source_id, c.topic_id, c.team_id, c.channel, c.opened_at, c.opened_day, c.customer_key, c.external_id, "
    "c.handle_seconds"
)
# Typed, for PostgreSQL takes a bare NULL for text, and text in no condition.
NO_REPEATS = "CAST(NULL AS boolean) AS has_repeat, CAST(NULL AS boolean) AS is_repeat, 0 AS source_rank"
# To the cases `j`: `k.case_id` of those with any link, `k.blocked` = 1 where one of these is blocked. Joined, and never
# asked by IN: a list too long for its memory is gone through by PostgreSQL once for each case.
JOIN_LINKS = (
    f"LEFT JOIN (SELECT case_id, MAX(CASE WHEN effect = '{Effect.BLOCKED}' THEN 1 ELSE 0 END) AS blocked "
    "FROM cases_caserule GROUP BY case_id) k ON k.case_id = j.id"
)


def _yes_no(column: str) -> str:
    return (
        f"CASE WHEN {column} IS NULL THEN '{Outcome.UNKNOWN}' WHEN {column} THEN '{Outcome.RESOLVED}' "
        f"ELSE '{Outcome.NOT_RESOLVED}' END"
    )


_ROW_OUTCOMES: Mapping[str, str] = {
    Method.DECLARED: _yes_no("c.declared"),
    Method.SURVEY: _yes_no("c.survey"),
    # One count over its limit settles it; a blank is needed only while all known counts are within theirs.
    Method.SINGLE_TOUCH: (
        f"CASE WHEN c.closed_day IS NULL THEN '{Outcome.PENDING}' "
        f"WHEN c.handoffs > 0 OR c.reopens > 0 OR c.replies > 1 THEN '{Outcome.NOT_RESOLVED}' "
        f"WHEN c.handoffs IS NULL OR c.reopens IS NULL OR c.replies IS NULL THEN '{Outcome.UNKNOWN}' "
        f"ELSE '{Outcome.RESOLVED}' END"
    ),
}


def _closed_fast(days: int) -> str:
    in_time = (
        f"CASE WHEN day_only OR closed_day_only THEN closed_day <= {dialect.day_plus('opened_day', days)} "
        f"ELSE closed_at <= {dialect.instant_plus('opened_at', days)} END"
    )
    return (
        f"CASE WHEN closed_day IS NOT NULL AND {in_time} THEN '{Outcome.RESOLVED}' "
        f"WHEN mature THEN '{Outcome.NOT_RESOLVED}' ELSE '{Outcome.PENDING}' END"
    )


def _mature(ticks: Mapping[int, Clock], params: list[Any]) -> str:
    """The whole window lies inside the horizon: by the second for an instant, by the day for a bare date."""
    by_instant = _per_source({key: _stamp(tick) for key, tick in ticks.items()}, dialect.instant_param(), params)
    by_day = _per_source({key: _day(tick) for key, tick in ticks.items()}, dialect.day_param(), params)
    return (
        f"CASE WHEN NOT c.day_only THEN COALESCE(c.opened_at <= {by_instant}, {FALSE}) "
        f"ELSE COALESCE(c.opened_day <= {by_day}, {FALSE}) END"
    )


FALSE = "(1 = 0)"


def _stamp(tick: Clock) -> str | None:
    return dialect.stamp(tick.mature_until) if tick.mature_until else None


def _day(tick: Clock) -> str | None:
    return dialect.as_day(tick.mature_day) if tick.mature_day else None


def _per_source(values: Mapping[int, Any], param: str, params: list[Any]) -> str:
    """An expression that is another value for cases of another source; a plain parameter where all are equal."""
    if len(set(values.values())) == 1:
        params.append(next(iter(values.values())))
        return param
    branches = []
    for source_id, value in values.items():
        branches.append(f"WHEN {int(source_id)} THEN {param}")
        params.append(value)
    return f"CASE c.source_id {' '.join(branches)} END"


def _scope(source_ids: Sequence[int], params: list[Any], only: Sql | None) -> str:
    listed = ", ".join(str(int(source_id)) for source_id in source_ids)
    if only is None:
        # The plus keeps the planner from an index on the source, so that it walks the issue key in order instead
        # of sorting every case.
        return f"c.excluded = '' AND +c.source_id IN ({listed})"
    params.extend(only.params)
    return f"c.excluded = '' AND +c.source_id IN ({listed}) AND {only.text}"


def _with_neighbours(
    ticks: Mapping[int, Clock], policy: Policy, mature: str, params: list[Any], only: Sql | None
) -> str:
    """Each case with the one before and the one after it in its issue key."""
    days = policy.window_days
    partition = "c.customer_key" if policy.key == ("customer",) else "c.customer_key, c.topic_id"
    # Ties of the same moment are settled by source name, then id, both bytewise.
    rank_params: list[Any] = []
    rank = _per_source({key: tick.rank for key, tick in ticks.items()}, "%s", rank_params)
    alone = len(ticks) == 1
    order = "c.opened_at, c.external_id" if alone else f"c.opened_at, {_inline(rank, rank_params)}, c.external_id"
    rank_sql = "0" if alone else _inline(rank, rank_params)
    condition = _scope(list(ticks), params, only)
    neighbours = ", ".join(
        f"{function}(c.{column}) OVER w AS {name}_{column}"
        for function, name in (("LEAD", "next"), ("LAG", "last"))
        for column in ("opened_at", "opened_day", "day_only")
    )
    rows = (
        f"SELECT {COLUMNS}, c.day_only, {rank_sql} AS source_rank, {mature} AS mature, {neighbours} "
        f"FROM cases_case c WHERE {condition} "
        f"WINDOW w AS (PARTITION BY {partition} ORDER BY {order})"
    )
    repeats = (
        f"CASE WHEN customer_key IS NULL OR {{later}}_opened_at IS NULL THEN {FALSE} "
        f"WHEN {{either}} THEN {{later_day}} <= {{until_day}} ELSE {{later_at}} <= {{until_at}} END"
    )
    has_repeat = repeats.format(
        later="next",
        either="day_only OR next_day_only",
        later_day="next_opened_day",
        until_day=dialect.day_plus("opened_day", days),
        later_at="next_opened_at",
        until_at=dialect.instant_plus("opened_at", days),
    )
    is_repeat = repeats.format(
        later="last",
        either="day_only OR last_day_only",
        later_day="opened_day",
        until_day=dialect.day_plus("last_opened_day", days),
        later_at="opened_at",
        until_at=dialect.instant_plus("last_opened_at", days),
    )
    columns = COLUMNS.replace("c.", "")
    return (
        f"SELECT {columns}, source_rank, mature, {has_repeat} AS has_repeat, {is_repeat} AS is_repeat FROM ({rows}) n"
    )


def _inline(expression: str, values: Sequence[int]) -> str:
    """Small whole numbers of our own, written into the text: the expression is needed in two places."""
    for value in values:
        expression = expression.replace("%s", str(int(value)), 1)
    return expression
