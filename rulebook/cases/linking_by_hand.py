"""What a person says of one case: that a rule was in play there, or kept the agent from solving it.

The event names the rule and never the case: a case number shows who took the call.
"""

from django.utils.translation import gettext as _

from rulebook.access.rights import refuse_without
from rulebook.cases.models import Case, CaseRule, Effect, Origin
from rulebook.cases.refreshing import mark_links_changed
from rulebook.catalogue.models import Rule
from rulebook.errors import RulebookError, WrongUsage
from rulebook.journal.services import Acting, business_verb, record


@business_verb
def link_by_hand(*, case: Case, rule: Rule, effect: str, by: Acting | None) -> bool:
    """Say that a case met a rule; False when a person has said just that already.

    People say one effect of a case and rule: a new one takes the place of the old. What the help desk's data, a flag
    or a matcher says of them stands beside it. Raises WrongUsage for an effect that there is not, RulebookError when
    the case is gone or the rule only proposed, and NotAllowed without the right to link.
    """
    refuse_without(by, "cases.add_caserule")
    if effect not in Effect.values:
        raise WrongUsage(
            _("The effect is neither applied nor blocked: %(effect)s. Choose one of them.") % {"effect": effect}
        )
    if rule.status == Rule.Status.PROPOSED:
        raise RulebookError(_("%(code)s is only proposed. It meets no case before it enters.") % {"code": rule.code})
    _lock(case.pk)
    said = CaseRule.objects.filter(case=case, rule=rule, origin=Origin.PERSON)
    before = said.values_list("effect", flat=True).first() or ""
    if before == effect:
        return False
    said.delete()
    CaseRule.objects.create(case=case, rule=rule, effect=effect, origin=Origin.PERSON)
    mark_links_changed([case.pk])
    record("linked", "rule", rule.code, before=before, after=effect, by=by)
    return True


@business_verb
def unlink_by_hand(*, link: CaseRule, by: Acting | None) -> bool:
    """Take away what a person said of a case; False when it is gone already.

    Raises RulebookError for a link that something else than a person says: it would come back by itself. NotAllowed
    without the right to change links.
    """
    refuse_without(by, "cases.change_caserule")
    _lock(link.case_id)
    found = CaseRule.objects.filter(pk=link.pk).select_related("rule").first()
    if found is None:
        return False
    if found.origin != Origin.PERSON:
        raise RulebookError(why_it_stays(found.origin))
    mark_links_changed([found.case_id])
    found.delete()
    record("unlinked", "rule", found.rule.code, before=found.effect, by=by)
    return True


def why_it_stays(origin: str) -> str:
    """Why nobody takes a link of this origin away by hand; '' for one that a person made."""
    sentences = {
        Origin.SOURCE.value: _("The help desk's own data says so. Mend it there; the next import brings it here."),
        Origin.MATCHER.value: _("Found by a search in the case's text. It goes when the search no longer finds it."),
        Origin.SUGGESTION.value: _("A confirmed suggestion. It is taken back where it was confirmed."),
        Origin.FLAG.value: _("An agent's flag says so. It stays as long as the flag does."),
    }
    return sentences.get(origin, "")


def _lock(case_id: int) -> None:
    """Two people who link one case come one after the other, so that neither leaves two effects behind."""
    if not list(Case.objects.select_for_update(no_key=True).filter(pk=case_id).values_list("pk", flat=True)):
        raise RulebookError(_("This case is no longer here. Nothing was changed."))
