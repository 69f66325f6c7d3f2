"""What an agent's flag says of a case: that a rule kept the agent from solving it. The case may come after the flag.

Neither writes an event: the flag's own tells of it, and names no case.
"""

from rulebook.cases.models import CaseRule, Effect, Origin, PendingLink, Source
from rulebook.cases.queries import cases_numbered, only_living_source
from rulebook.cases.refreshing import lock_cases, mark_links_changed
from rulebook.catalogue.models import Rule
from rulebook.journal.services import business_verb
from rulebook.tables.values import clean_key


@business_verb
def link_flagged(*, external_id: str, rule: Rule) -> bool:
    """Say that a rule blocked the case of that number; whether it is here already.

    A case that is not here is waited for: in the one living source, or where there are several in any of them. So is
    one that several sources have, until only one of them has it; and so is a rule that is only proposed.
    """
    external_id = clean_key(external_id)
    found = cases_numbered([external_id]).get(external_id, [])
    if len(found) != 1 or rule.status == Rule.Status.PROPOSED:
        source = found[0].source if len(found) == 1 else None if found else only_living_source()
        PendingLink.objects.get_or_create(
            source=source, external_id=external_id, rule_name=rule.code, effect=Effect.BLOCKED, origin=Origin.FLAG
        )
        return False
    (case,) = found
    lock_cases([case.pk])
    _, made = CaseRule.objects.get_or_create(case=case, rule=rule, effect=Effect.BLOCKED, origin=Origin.FLAG)
    if made:
        mark_links_changed([case.pk])
    return True


@business_verb
def unlink_flagged(*, external_id: str, rule: Rule) -> None:
    """Take back what no flag says any more, whether the case is here or waited for."""
    external_id = clean_key(external_id)
    case_ids = [case.pk for case in cases_numbered([external_id]).get(external_id, [])]
    lock_cases(case_ids)
    links = CaseRule.objects.filter(case__in=case_ids, rule=rule, origin=Origin.FLAG)
    if linked := list(links.values_list("case_id", flat=True)):
        mark_links_changed(linked)
        links.delete()
    names = rule.names.values("name")
    PendingLink.objects.filter(external_id=external_id, rule_name__in=names, origin=Origin.FLAG).delete()


def source_of(external_id: str) -> Source | None:
    """Where a case of that number is from: the one source that has it, else the one that still sends cases."""
    external_id = clean_key(external_id)
    found = cases_numbered([external_id]).get(external_id) if external_id else None
    if found:
        return found[0].source if len(found) == 1 else None
    return only_living_source()
