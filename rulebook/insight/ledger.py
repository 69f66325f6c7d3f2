"""The ledger: what each rule costs in first-contact resolution, rule by rule, and what no rule explains."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from django.db import connection

from rulebook.cases.dialect import reading_whole_tables
from rulebook.cases.fcr import Period, horizon_of, iso
from rulebook.cases.models import Effect, Outcome, Source
from rulebook.cases.outcomes import JOIN_LINKS, Sql, judged_cases, stored_cases
from rulebook.cases.policies import Policy, by_space
from rulebook.catalogue.models import Rule
from rulebook.insight.prices import Blocked, Rates, printed, printed_parts

SECONDS_AN_HOUR = 3600


@dataclass
class _RuleCount:
    """What one rule did, added up over spaces."""

    by_k: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    silent: int = 0
    seconds: Fraction = Fraction(0)
    timed: int = 0


def ledger(sources: Sequence[Source], policy: Policy, period: Period) -> dict[str, Any]:
    """The ledger of sources with one policy, in the shape that the command prints.

    Rates, prices and shares are strings with six decimals, fractions 0..1; prices add up to the printed ceiling and
    shares to the printed gap. `blocked_silent` counts cases that were told no and did not come back.
    """
    totals: dict[str, int] = defaultdict(int)
    counts: dict[int, _RuleCount] = defaultdict(_RuleCount)
    for space, measured in by_space(sources).items():
        everyone = list(Source.objects.filter(space=space).order_by("name"))
        judged = stored_cases(everyone, policy) or judged_cases(everyone, policy)
        listed = ", ".join(str(int(source.pk)) for source in measured)
        within = period.condition("j.opened_day")
        scope = Sql(f"j.source_id IN ({listed}) AND {within.text}", within.params)
        _add_totals(totals, judged, scope)
        _add_rules(counts, judged, scope)
    rates = Rates(totals["resolved"], totals["not_resolved"], totals["blocked"])
    silent = policy.watches_repeats
    return {
        "policy": {"method": policy.method, "window_days": policy.window_days, "key": list(policy.key)},
        "sources": [source.name for source in sources],
        "horizon": iso(horizon_of(sources)),
        **period.as_json(),
        "resolved": rates.resolved,
        "not_resolved": rates.not_resolved,
        "blocked": rates.blocked,
        "gross": printed(rates.gross),
        "net": printed(rates.net),
        "gap": printed(rates.gap),
        "ceiling": printed(rates.ceiling),
        **_priced(counts, rates, silent=silent),
        "unexplained": rates.not_resolved - rates.blocked,
        "coverage": totals["linked"] / rates.not_resolved if rates.not_resolved else None,
        "blocked_silent": totals["blocked_silent"] if silent else None,
    }


def _add_totals(totals: dict[str, int], judged: Sql, scope: Sql) -> None:
    missed, solved = f"j.outcome = '{Outcome.NOT_RESOLVED}'", f"j.outcome = '{Outcome.RESOLVED}'"
    wanted = {
        "resolved": solved,
        "not_resolved": missed,
        "blocked": f"{missed} AND k.blocked = 1",
        "blocked_silent": f"{solved} AND k.blocked = 1",
        "linked": f"{missed} AND k.case_id IS NOT NULL",
    }
    columns = ", ".join(f"SUM(CASE WHEN {condition} THEN 1 ELSE 0 END)" for condition in wanted.values())
    with reading_whole_tables(), connection.cursor() as cursor:
        text = f"SELECT {columns} FROM ({judged.text}) j {JOIN_LINKS} WHERE {scope.text}"
        cursor.execute(text, [*judged.params, *scope.params])
        for name, value in zip(wanted, cursor.fetchone(), strict=True):
            totals[name] += int(value or 0)


def _add_rules(counts: dict[int, _RuleCount], judged: Sql, scope: Sql) -> None:
    """Per rule and k: one case counts once a rule, however often and by whomever the block was said."""
    pairs = f"SELECT DISTINCT case_id, rule_id FROM cases_caserule WHERE effect = '{Effect.BLOCKED}'"
    counted = f"SELECT p.case_id, p.rule_id, COUNT(*) OVER (PARTITION BY p.case_id) AS k FROM ({pairs}) p"
    mature = (
        f"SELECT j.id, j.outcome, j.handle_seconds FROM ({judged.text}) j "
        f"WHERE j.outcome IN ('{Outcome.RESOLVED}', '{Outcome.NOT_RESOLVED}') AND {scope.text}"
    )
    # LEFT, though pairs without a case are passed over: a planner without statistics, as PostgreSQL's is right after
    # an import, would else go through all pairs once for each case.
    text = (
        "SELECT b.rule_id, c.outcome, b.k, COUNT(*), SUM(c.handle_seconds), COUNT(c.handle_seconds) "
        f"FROM ({counted}) b LEFT JOIN ({mature}) c ON c.id = b.case_id GROUP BY b.rule_id, c.outcome, b.k"
    )
    with reading_whole_tables(), connection.cursor() as cursor:
        cursor.execute(text, [*judged.params, *scope.params])
        for rule_id, outcome, k, cases, seconds, timed in cursor.fetchall():
            if outcome is None:
                continue
            count = counts[rule_id]
            if outcome == Outcome.RESOLVED:
                count.silent += cases
            else:
                count.by_k[k] += cases
                count.seconds += Fraction(int(seconds or 0), k)
                count.timed += timed


def _priced(counts: dict[int, _RuleCount], rates: Rates, *, silent: bool) -> dict[str, Any]:
    """The rows, dearest first, and the price subtotals of what is ours to change and what is not."""
    rules = Rule.objects.in_bulk(list(counts))
    found = sorted(
        ((Blocked(dict(count.by_k)), rules[rule_id], count) for rule_id, count in counts.items()),
        key=lambda entry: (-entry[0].weight, entry[1].code),
    )
    found = [entry for entry in found if entry[0].contacts or silent]
    weights = [blocked.weight for blocked, _, _ in found]
    prices = printed_parts([rates.price(w) for w in weights], rates.ceiling) if rates.ceiling is not None else []
    shares: Sequence[str | None] = [None] * len(found)
    if rates.gap is not None:
        shares = printed_parts([rates.share(w) or Fraction(0) for w in weights], rates.gap)
    rows = [
        {
            "rule": rule.code,
            "title": rule.title,
            "authority": rule.authority,
            "ours": rule.ours,
            "blocked_contacts": blocked.contacts,
            "blocked_silent": count.silent if silent else None,
            "blocked_hours": round(float(count.seconds / SECONDS_AN_HOUR), 4) if count.timed else None,
            "price": price,
            "share": share,
        }
        for (blocked, rule, count), price, share in zip(found, prices, shares, strict=True)
    ]
    known = rates.ceiling is not None
    return {
        "ours": _subtotal(rows, ours=True) if known else None,
        "not_ours": _subtotal(rows, ours=False) if known else None,
        "rows": rows,
    }


def _subtotal(rows: Sequence[dict[str, Any]], *, ours: bool) -> str | None:
    """Of the printed prices, so that the two subtotals add up to the printed ceiling."""
    return printed(sum((Fraction(row["price"]) for row in rows if row["ours"] is ours), Fraction(0)))
