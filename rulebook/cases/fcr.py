"""First-contact resolution by group: counts, rates and their doubt, computed from the cases of the moment."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import connection

from rulebook.access.queries import SMALLEST_SHOWN, shown_teams, team_sizes
from rulebook.cases import dialect
from rulebook.cases.intervals import wilson
from rulebook.cases.models import Outcome, Source
from rulebook.cases.outcomes import JOIN_LINKS, Sql, judged_cases
from rulebook.cases.policies import Policy, by_space, effective_horizon

GROUPINGS = ("rule", "topic", "channel", "team", "month")
NEEDED = "id, source_id, topic_id, team_id, channel, opened_day, customer_key, mature, has_repeat, is_repeat, outcome"
COUNTED = ("cases", "resolved", "not_resolved", "early_repeats", "pending", "unknown", "blocked", "blocked_silent")
NOTES = {
    "rule": (
        "Groups by rule overlap: a case that met two rules counts in both. "
        "Net leaves out cases blocked by any rule, not by the group's alone."
    ),
    "team": (
        f"Teams of fewer than {SMALLEST_SHOWN} people, and those whose headcount nobody has typed in, "
        "stand together as 'other'."
    ),
}


@dataclass(frozen=True)
class Period:
    """Both days included, by opened_day; None is open."""

    since: date | None = None
    until: date | None = None

    def condition(self, column: str) -> Sql:
        parts, params = [], []
        for sign, day in ((">=", self.since), ("<=", self.until)):
            if day is not None:
                parts.append(f"{column} {sign} {dialect.day_param()}")
                params.append(dialect.as_day(day))
        return Sql(" AND ".join(parts) or "1 = 1", params)

    def as_json(self) -> dict[str, str | None]:
        return {
            "since": self.since.isoformat() if self.since else None,
            "until": self.until.isoformat() if self.until else None,
        }

    @property
    def is_open(self) -> bool:
        return self.since is None and self.until is None


def fcr(sources: Sequence[Source], policy: Policy, period: Period, by: str | None) -> dict[str, Any]:
    """First-contact resolution of sources under one policy, in the shape that the command prints."""
    groups: dict[str, dict[str, int]] = {}
    if by is None:
        groups["all"] = {}
    for space, measured in by_space(sources).items():
        everyone = list(Source.objects.filter(space=space))
        for name, counts in _count(everyone, measured, policy, period, by).items():
            group = groups.setdefault(name, {})
            for key, value in counts.items():
                group[key] = group.get(key, 0) + value
    names = [source.name for source in sources]
    result = {
        "source": names[0] if len(names) == 1 else None,
        "sources": names,
        "method": policy.method,
        "window_days": policy.window_days,
        "key": list(policy.key),
        "horizon": iso(horizon_of(sources)),
        **period.as_json(),
        "groups": [_figures(name, groups[name], policy) for name in sorted(groups)],
    }
    if by in NOTES:
        result["note"] = NOTES[by]
    return result


def horizon_of(sources: Sequence[Source]) -> datetime | None:
    """Until when the data of all these sources is complete: the earliest of their spaces' horizons."""
    spaces = by_space(sources)
    known = [effective_horizon(Source.objects.filter(space=space)) for space in spaces]
    return min((horizon for horizon in known if horizon is not None), default=None)


def iso(value: datetime | None) -> str | None:
    return value.isoformat() if value else None


def _count(
    everyone: Sequence[Source], measured: Sequence[Source], policy: Policy, period: Period, by: str | None
) -> dict[str, dict[str, int]]:
    """{group: counts} of the sources of one space."""
    listed = ", ".join(str(int(source.pk)) for source in measured)
    judged = judged_cases(everyone, policy)
    within = period.condition("j.opened_day")
    scope = Sql(f"j.source_id IN ({listed}) AND {within.text}", within.params)
    stays = len(measured) == len(everyone) and _chain_stays(by, policy, period)
    counts = _outcomes(judged, scope, by, chains=policy.watches_repeats and stays)
    if policy.watches_repeats and not stays:
        for name, chains in _chains(judged, scope, policy, by).items():
            counts.setdefault(name, {}).update(chains)
    within = period.condition("j.opened_day")
    excluded = _select(
        f"SELECT {_group(by)} AS g, COUNT(*) AS excluded FROM cases_case j {_joins(by)} "
        f"WHERE j.excluded <> '' AND j.source_id IN ({listed}) AND {within.text} GROUP BY 1",
        within.params,
        by,
    )
    for name, row in excluded.items():
        counts.setdefault(name, {}).update(row)
    return counts


def _chain_stays(by: str | None, policy: Policy, period: Period) -> bool:
    """A chain's first and last contact are sure to share group and period: it can be counted at its last.

    Where all sources of its space are asked for, that is: a chain may begin in one and end in another.
    """
    return period.is_open and (by is None or (by == "topic" and "topic" in policy.key))


def _outcomes(judged: Sql, scope: Sql, by: str | None, *, chains: bool) -> dict[str, dict[str, int]]:
    def total(condition: str, name: str) -> str:
        return f"SUM(CASE WHEN {condition} THEN 1 ELSE 0 END) AS {name}"

    columns = [
        "COUNT(*) AS cases",
        *(total(f"j.outcome = '{outcome}'", outcome) for outcome in Outcome.values),
        total(f"j.outcome = '{Outcome.PENDING}' AND j.has_repeat", "early_repeats"),
        total(f"j.outcome = '{Outcome.NOT_RESOLVED}' AND k.blocked = 1", "blocked"),
        total(f"j.outcome = '{Outcome.RESOLVED}' AND k.blocked = 1", "blocked_silent"),
    ]
    if chains:
        ends = "j.customer_key IS NOT NULL AND j.mature AND NOT j.has_repeat"
        columns += [total(ends, "chains"), total(f"{ends} AND NOT j.is_repeat", "short_chains")]
    group_by = "GROUP BY 1" if by else ""
    # Materialized: else SQLite writes the outcome's expression, with its date arithmetic, into every sum.
    text = (
        f"WITH judged AS MATERIALIZED (SELECT {NEEDED} FROM ({judged.text}) o) "
        f"SELECT {_group(by)} AS g, {', '.join(columns)} FROM judged j {JOIN_LINKS} {_joins(by)} WHERE {scope.text} "
    )
    return _select(text + group_by, [*judged.params, *scope.params], by)


def _chains(judged: Sql, scope: Sql, policy: Policy, by: str | None) -> dict[str, dict[str, int]]:
    """Chains in the group and period of their first contact, once their last is mature.

    Only first and last contacts are kept, in order: then the row after a first contact is its chain's last.
    """
    key = "e.customer_key" if policy.key == ("customer",) else "e.customer_key, e.topic_id"
    ends = (
        "SELECT e.*, CASE WHEN e.has_repeat THEN LEAD(e.mature) OVER "
        f"(PARTITION BY {key} ORDER BY e.opened_at, e.source_rank, e.external_id) ELSE e.mature END AS complete "
        f"FROM ({judged.text}) e WHERE e.customer_key IS NOT NULL AND (NOT e.is_repeat OR NOT e.has_repeat)"
    )
    text = (
        f"SELECT {_group(by)} AS g, COUNT(*) AS chains, SUM(CASE WHEN j.has_repeat THEN 0 ELSE 1 END) AS short_chains "
        f"FROM ({ends}) j {_joins(by)} WHERE NOT j.is_repeat AND j.complete AND {scope.text} GROUP BY 1"
    )
    return _select(text, [*judged.params, *scope.params], by)


def _group(by: str | None) -> str:
    if by == "team":
        listed = ", ".join(str(int(team)) for team in sorted(shown_teams(team_sizes()))) or "0"
        own = "CASE WHEN m.name = 'other' THEN 'other (a team)' ELSE m.name END"
        return f"CASE WHEN j.team_id IN ({listed}) THEN {own} WHEN j.team_id IS NULL THEN '' ELSE 'other' END"
    return {
        None: "'all'",
        "rule": "r.code",
        "topic": "COALESCE(t.path, '')",
        "channel": "j.channel",
        "month": dialect.month("j.opened_day"),
    }[by]


def _joins(by: str | None) -> str:
    return {
        "rule": (
            "JOIN (SELECT DISTINCT case_id, rule_id FROM cases_caserule) l ON l.case_id = j.id "
            "JOIN catalogue_rule r ON r.id = l.rule_id"
        ),
        "topic": "LEFT JOIN catalogue_topic t ON t.id = j.topic_id",
        "team": "LEFT JOIN access_team m ON m.id = j.team_id",
    }.get(by or "", "")


def _select(text: str, params: Sequence[Any], by: str | None) -> dict[str, dict[str, int]]:
    with dialect.reading_whole_tables(), connection.cursor() as cursor:
        cursor.execute(text, params)
        names = [column[0] for column in cursor.description][1:]
        return {
            str(row[0]): {name: int(value or 0) for name, value in zip(names, row[1:], strict=True)} for row in cursor
        }


def share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _figures(name: str, counts: dict[str, int], policy: Policy) -> dict[str, Any]:
    """One group's line: counts, then rates as numbers 0..1, null where there is nothing to divide by."""
    number = {key: counts.get(key, 0) for key in (*COUNTED, "excluded", "chains", "short_chains")}
    resolved, missed = number["resolved"], number["not_resolved"]
    repeats = policy.watches_repeats
    return {
        "group": name,
        "cases": number["cases"],
        "resolved": resolved,
        "not_resolved": missed,
        "repeated": missed if repeats else None,
        "early_repeats": number["early_repeats"] if repeats else None,
        "pending": number["pending"],
        "unknown": number["unknown"],
        "excluded": number["excluded"],
        "blocked_silent": number["blocked_silent"] if repeats else None,
        "fcr": share(resolved, resolved + missed),
        "net": share(resolved, resolved + missed - number["blocked"]),
        "issue_fcr": share(number["short_chains"], number["chains"]) if repeats else None,
        "interval": wilson(resolved, resolved + missed),
    }
