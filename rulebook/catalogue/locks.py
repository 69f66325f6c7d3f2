"""Keeping the wording of a rule still: a vote belongs to the words that were voted on.

Votes set a lock when a ballot opens and take it off when it closes. Every writer of wordings goes through
`change_rule`, which asks here. Both take the row of the rule first, so a change and a lock never cross. The words of a
proposed rule, and its sentence for the customer, stand still by themselves: the front line is asked about them.
"""

from django.utils.translation import gettext as _

from rulebook.catalogue.models import Rule, RuleVersion, WordingLock
from rulebook.errors import WrongState
from rulebook.journal.services import business_verb


class WordingLocked(WrongState):
    """The meaning of a rule cannot change now; `field` names the first one that would have."""

    def __init__(self, text: str, field: str = "") -> None:
        super().__init__(text)
        self.field = field


@business_verb
def lock_wording(*, rule: Rule, holder: str) -> RuleVersion:
    """Keep the wording still for `holder`, such as "ballot 7"; the version that now stands still.

    The same holder again changes nothing; several holders may lock one wording. Whoever locks several rules in one
    transaction takes them in the order of their codes, as all others do. Tells the journal nothing: what set the lock
    has its own event.
    """
    locked = Rule.objects.select_for_update(of=("self",)).get(pk=rule.pk)
    WordingLock.objects.get_or_create(rule=locked, holder=holder)
    return locked.versions.latest("number")


@business_verb
def unlock_wording(*, rule: Rule, holder: str) -> None:
    """Take that holder's lock off; nothing happens where there is none. Locks of others stay."""
    Rule.objects.select_for_update(of=("self",)).get(pk=rule.pk)
    WordingLock.objects.filter(rule=rule, holder=holder).delete()


def why_locked(rule: Rule) -> str:
    """Why the meaning of the rule cannot change now; "" when it can."""
    if rule.status == Rule.Status.PROPOSED:
        return _("The front line is being heard on these words. Withdraw the proposal, and propose the new words.")
    return why_voted_on(rule)


def why_voted_on(rule: Rule) -> str:
    """Why nothing about the words may move while a ballot is open; "" when nobody votes on them."""
    if WordingLock.objects.filter(rule=rule).exists():
        return _("People are voting on this wording. It can change when the ballot is closed.")
    return ""


def refuse_locked(rule: Rule, field: str = "") -> None:
    """Raises WordingLocked while anybody keeps the wording still. The caller holds the row of the rule."""
    refusal = why_locked(rule)
    if refusal:
        raise WordingLocked(refusal, field)
