"""Reads of the catalogue."""

from collections.abc import Iterable
from datetime import date
from typing import Any

from django.db.models import Q

from rulebook.catalogue.models import Alias, Rule, RuleVersion

# SQLite takes a bounded number of parameters in one statement.
BATCH = 500


def rule_ids_by_name(names: Iterable[str]) -> dict[str, int]:
    """{code or alias: rule id} for those of the names that find a rule."""
    wanted = list(names)
    found: dict[str, int] = {}
    for start in range(0, len(wanted), BATCH):
        rows = Alias.objects.filter(name__in=wanted[start : start + BATCH])
        found.update(rows.values_list("name", "rule_id"))
    return found


def versions_at(day: date) -> list[RuleVersion]:
    """The version of each rule that applied on a day, in the order of their codes; at most one a rule."""
    return list(
        RuleVersion.objects.filter(Q(applies_from=None) | Q(applies_from__lte=day))
        .filter(Q(applies_to=None) | Q(applies_to__gt=day))
        .exclude(rule__status=Rule.Status.PROPOSED)
        .select_related("rule__department", "rule__owner")
        .order_by("rule__code", "number")
    )


def rules_at(day: date) -> list[dict[str, Any]]:
    """What applied on a day, one dict a rule; title, text, topics and channels are those of that day."""
    return [
        {
            "code": version.rule.code,
            "title": version.title,
            "text": version.text,
            "kind": version.rule.kind,
            "authority": version.rule.authority,
            "claimed": version.rule.claimed,
            "protective": version.rule.protective,
            "department": str(version.rule.department or ""),
            "topics": version.topics,
            "channels": version.channels,
            "customer_hears": version.rule.customer_hears,
            "decision_limit": version.rule.decision_limit,
            "status": version.rule.status,
            "version": version.number,
            "applies_from": version.applies_from.isoformat() if version.applies_from else None,
            "applies_to": version.applies_to.isoformat() if version.applies_to else None,
        }
        for version in versions_at(day)
    ]
