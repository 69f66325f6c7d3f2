"""Reads of the catalogue."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from django.db.models import Exists, F, Max, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from rulebook.catalogue.models import Alias, Proposal, Rule, RuleVersion

# SQLite takes a bounded number of parameters in one statement.
BATCH = 500


def rule_ids_by_name(names: Iterable[str]) -> dict[str, int]:
    """{code or alias: rule id} for those of the names that find a rule.

    A rule that is only proposed is not found: what names it waits, and it has no figures until it enters.
    """
    wanted = list(names)
    found: dict[str, int] = {}
    for start in range(0, len(wanted), BATCH):
        rows = Alias.objects.filter(name__in=wanted[start : start + BATCH])
        rows = rows.exclude(rule__status=Rule.Status.PROPOSED)
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


@dataclass(frozen=True)
class Quarter:
    """Rules that entered by the front door since the quarter began, and rules that were removed in it.

    Rules written down as found are in neither: they were there already.
    """

    entered: int
    removed: int

    @property
    def balance(self) -> int:
        return self.entered - self.removed


def this_quarter(today: date) -> Quarter:
    """What the quarter of `today` has added and taken away so far. Two queries."""
    begun = quarter_of(today)
    entered = Proposal.objects.filter(
        outcome=Proposal.Outcome.ENTERED,
        decided_at__gte=timezone.make_aware(datetime.combine(begun, time.min)),
    )
    removed = abolished_rules().annotate(gone=Max("versions__applies_to")).filter(gone__gte=begun, gone__lte=today)
    return Quarter(entered.count(), removed.count())


def quarter_of(day: date) -> date:
    """The day on which the quarter of `day` begins.

    >>> quarter_of(date(2026, 5, 31)), quarter_of(date(2026, 1, 1))
    (datetime.date(2026, 4, 1), datetime.date(2026, 1, 1))
    """
    return day.replace(month=day.month - (day.month - 1) % 3, day=1)


def abolished_rules() -> QuerySet[Rule]:
    """Rules that were in force and are gone. A proposal that never entered is not among them, nor a merged rule."""
    never = (Proposal.Outcome.REFUSED, Proposal.Outcome.WITHDRAWN)
    gone = Rule.objects.filter(status=Rule.Status.REMOVED).exclude(proposal__outcome__in=never)
    return gone.exclude(was_merged())


# A merged rule


def merged_into(rule: Rule) -> Rule | None:
    """The rule that says the same and stayed, whose name the code of this one is by now; None where it was not merged.

    Of one that was merged into a rule which was itself merged, the last.
    """
    name = Alias.objects.filter(name=rule.code).exclude(rule=rule).select_related("rule").first()
    return name.rule if name else None


def merged_rules() -> dict[int, int]:
    """{rule that was merged: the one that stayed}. One query."""
    stays = Subquery(Alias.objects.filter(name=OuterRef("code")).values("rule")[:1])
    gone = Rule.objects.filter(status=Rule.Status.REMOVED).annotate(stays=stays)
    return dict(gone.exclude(stays=None).exclude(stays=F("pk")).order_by("pk").values_list("pk", "stays"))


def was_merged() -> Exists:
    """What is true of a rule that was merged into another."""
    return Exists(Alias.objects.filter(name=OuterRef("code")).exclude(rule=OuterRef("pk")))
