"""The contacts that one rule blocked, a page at a time: they are not counted, and no other contact is read."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.utils.translation import gettext_lazy

from rulebook.cases.models import Case, CaseRule, Effect, Method, Origin, Outcome, Source
from rulebook.catalogue.models import Rule
from rulebook.desk.pages.words import listed

PAGE = 50
SHOWN = {
    "": gettext_lazy("All"),
    "not_resolved": gettext_lazy("Not resolved"),
    "told_no": gettext_lazy("Told no, did not return"),
}
SAID_BY = {
    Origin.SOURCE.value: gettext_lazy("the help desk's own data"),
    Origin.MATCHER.value: gettext_lazy("a search for words"),
    Origin.SUGGESTION.value: gettext_lazy("a suggestion"),
    Origin.PERSON.value: gettext_lazy("a person"),
    Origin.FLAG.value: gettext_lazy("a flag"),
}


@dataclass(frozen=True)
class Contact:
    """One contact that the rule kept an agent from solving. No customer is in it."""

    id: int
    number: str
    source: str
    opened: date
    channel: str
    topic: str
    told_no: bool
    said_by: str


def told_no_sources() -> list[int]:
    """Only where a return is what is looked for can somebody be seen not to return."""
    return list(Source.objects.filter(method=Method.NO_REPEAT).values_list("pk", flat=True))


def blocked_ids(rule: Rule, show: str, below: int | None, quiet: Sequence[int]) -> QuerySet[CaseRule, int]:
    """Numbers of a page of cases and one more, the last stored first; the index of a rule's cases gives them in order.

    `quiet` are the sources in which a resolved, blocked case was told no. A case stands once, whoever links it.
    """
    not_resolved = Q(outcome=Outcome.NOT_RESOLVED)
    told_no = Q(outcome=Outcome.RESOLVED, source__in=quiet)
    which = {"not_resolved": not_resolved, "told_no": told_no}.get(show, not_resolved | told_no)
    # Looked up link by link: joined, a planner might walk over all cases from the newest on, and hope to meet the rule.
    case = Case.objects.filter(pk=OuterRef("case_id"))
    links = CaseRule.objects.filter(rule=rule, effect=Effect.BLOCKED).annotate(
        outcome=Subquery(case.values("outcome")), source=Subquery(case.values("source_id"))
    )
    links = links.filter(which)
    if below is not None:
        links = links.filter(case_id__lt=below)
    return links.order_by("-case_id").values_list("case_id", flat=True).distinct()[: PAGE + 1]


def blocked_contacts(rule: Rule, show: str, below: int | None) -> tuple[list[Contact], int | None]:
    """A page of contacts, and what to ask `below` for the next one; None after the last. Four queries."""
    ids = list(blocked_ids(rule, show, below, told_no_sources()))
    page = ids[:PAGE]
    cases = Case.objects.select_related("source", "topic").in_bulk(page)
    origins: dict[int, list[str]] = {}
    links = CaseRule.objects.filter(case_id__in=page, rule=rule, effect=Effect.BLOCKED).order_by("case_id", "origin")
    for case_id, origin in links.values_list("case_id", "origin"):
        origins.setdefault(case_id, []).append(str(SAID_BY.get(origin, origin)))
    contacts = [
        Contact(
            id=case.pk,
            number=case.external_id,
            source=case.source.name,
            opened=case.opened_day,
            channel=case.channel,
            topic=case.topic.path if case.topic else "",
            told_no=case.outcome == Outcome.RESOLVED,
            said_by=listed(origins.get(case.pk, [])),
        )
        for case in (cases[case_id] for case_id in page if case_id in cases)
    ]
    return contacts, page[-1] if len(ids) > PAGE else None
