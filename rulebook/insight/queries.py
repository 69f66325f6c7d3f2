"""Reads of the figures, for commands and screens. All but the ledger read sums and figures, and never a case."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.db.models import F, FloatField, Q, QuerySet, Sum, Value
from django.db.models.functions import Coalesce

from rulebook.cases.fcr import Period
from rulebook.cases.models import Source
from rulebook.cases.policies import Policy
from rulebook.cases.queries import most_mature_first
from rulebook.catalogue.models import Rule
from rulebook.insight.ledger import ledger
from rulebook.insight.models import RuleFigures, SourceFigures, TopicMonth
from rulebook.insight.overview import MonthRow, Overview
from rulebook.insight.prices import DIGITS
from rulebook.insight.rescoring import SUMMED
from rulebook.insight.windows import Window, complete_in, windows

LOWEST = -1e18  # below every harm: where a rule without one stands in the order
MONTHLY = ("resolved", "not_resolved", "pending", "unknown", "excluded", "blocked", "silent")


def ledgers(grouped: dict[Policy, list[Source]], period: Period) -> dict[str, Any]:
    """The ledger of the policy with most mature cases; `others` holds that of each other policy."""
    found = [ledger(grouped[policy], policy, period) for policy in sorted(grouped)]
    mature = [entry["resolved"] + entry["not_resolved"] for entry in found]
    first, *others = most_mature_first(found, mature)
    return {**first, "others": others}


def overview() -> Overview | None:
    """What all contacts under the policy with most of them come to; None before any figure was made.

    `others` holds the sources that are measured otherwise, by policy: they are never added up with these.
    """
    by_policy: dict[Policy, list[SourceFigures]] = {}
    for row in SourceFigures.objects.filter(horizon__isnull=False).select_related("source").order_by("source__name"):
        by_policy.setdefault(Policy(row.method, row.window_days, tuple(row.key.split(","))), []).append(row)
    order = sorted(by_policy, key=lambda policy: (-sum(r.resolved + r.not_resolved for r in by_policy[policy]), policy))
    if not order:
        return None
    others = [_added_up(policy, by_policy[policy]) for policy in order[1:]]
    return _added_up(order[0], by_policy[order[0]], others=others, **_subtotals())


def _added_up(policy: Policy, rows: Sequence[SourceFigures], **more: Any) -> Overview:
    horizons = [row.horizon for row in rows if row.horizon is not None]
    begun = [row.since for row in rows if row.since is not None]
    refreshed = [row.refreshed_at for row in rows if row.refreshed_at is not None]
    longest = max((horizon.date() - since for horizon, since in zip(horizons, begun, strict=True)), default=timedelta())
    return Overview(
        sources=[row.source.name for row in rows],
        method=policy.method,
        window_days=policy.window_days,
        key=policy.key,
        since=min(begun),
        horizon=min(horizons),
        latest=max(horizons),
        later=sum(row.later for row in rows),
        refreshed_at=min(refreshed, default=None),
        days=longest / timedelta(days=1) + 1,
        **{name: sum(getattr(row, name) for row in rows) for name in SUMMED},
        **more,
    )


def _subtotals() -> dict[str, Any]:
    """Of the prices: what is ours to change, claimed laws left out, and what is not."""
    not_ours = Q(rule__authority__in=Rule.NOT_OURS)
    sums = RuleFigures.objects.aggregate(
        ours=Sum("price", filter=~not_ours, default=0), not_ours=Sum("price", filter=not_ours, default=0)
    )
    return {name: round(Decimal(value), DIGITS) for name, value in sums.items()}  # SQLite adds them up as floats


def month_rows(found: Overview) -> list[MonthRow]:
    """The twelve months up to the latest horizon of an overview's sources, oldest first."""
    measured = set(Source.objects.filter(name__in=found.sources).values_list("pk", flat=True))
    spans: list[Window] = [window for pk, window in windows().items() if pk in measured]
    if not spans:
        return []
    within = Q()
    for span in spans:
        within |= span.months
    rows = TopicMonth.objects.filter(within).values_list("month").order_by("month")
    sums = {row[0]: row[1:] for row in rows.annotate(*(Sum(name) for name in MONTHLY))}
    found_rows = []
    for month in max(spans, key=lambda span: span.last).shown:
        counts = map(int, sums.get(month, (0,) * len(MONTHLY)))
        complete = complete_in(spans, month, {})
        found_rows.append(MonthRow(month, complete, **dict(zip(MONTHLY, counts, strict=True))))
    return found_rows


def rules_with_figures() -> QuerySet[Rule]:
    """Rules with their figures at hand, and what lists order by: one without a figure stands last on any database.

    One without flags or votes has 0 of them.
    """
    return Rule.objects.select_related("figures", "department").annotate(
        harm_order=Coalesce(F("figures__harm"), Value(LOWEST), output_field=FloatField()),
        price_order=Coalesce(F("figures__price"), Value(-1.0), output_field=FloatField()),
        flag_order=Coalesce(F("figures__flags"), Value(0)),
        vote_order=Coalesce(F("figures__vote"), Value(0.0)),
    )


def dearest(count: int = 10) -> list[Rule]:
    """The rules with the highest price, dearest first, as far as they have one."""
    return list(
        rules_with_figures()
        .filter(figures__price__gt=0, figures__priced=True)
        .order_by("-figures__price", "code")[:count]
    )


def worst() -> Rule | None:
    """The rule with the greatest harm above zero."""
    return rules_with_figures().filter(figures__harm__gt=0).order_by("-figures__harm", "code").first()


def figures_of(rule: Rule) -> RuleFigures:
    """The rule's figures; before the first refresh, a row that says that no contact is linked to it."""
    try:
        return rule.figures
    except ObjectDoesNotExist:
        return RuleFigures(rule=rule)


def listed_rules() -> list[Rule]:
    """All rules in the order of the two lists: measured by harm, the others by flags, then by vote, worst first.

    A rule that is only proposed has no figures and is not among them.
    """
    return sorted(rules_with_figures().exclude(status=Rule.Status.PROPOSED), key=_listed)


def _listed(rule: Rule) -> tuple[bool, float, float, str]:
    figures = figures_of(rule)
    if figures.harm is not None:
        return False, -figures.harm, 0.0, rule.code
    return True, -figures.flags, figures.vote or 0.0, rule.code
