"""Two rules that say the same become one: the verb, and what `work` does after it.

The verb is small: the one rule ends, and the other takes over its names. Contacts, of which there may be many, follow
within the next round of `work`, in small transactions; until then the figures are those of two rules.

Votes stay where they are: each was cast on the words that its voter read. A merge is no removal: nothing changes for an
agent, so nobody is told, no receipt is asked for, and whoever still names the merged rule has met no zombie.
"""

from collections.abc import Callable
from datetime import date

from django.utils.translation import gettext as _

from rulebook.access.rights import refuse_others_rules, refuse_without
from rulebook.cases.moving import links_to_move, move_links
from rulebook.catalogue.lifecycle import absorb_rule
from rulebook.catalogue.locks import why_voted_on
from rulebook.catalogue.models import Rule
from rulebook.catalogue.queries import merged_rules
from rulebook.catalogue.services import change_rule
from rulebook.errors import WrongState
from rulebook.flags.holding import TURN
from rulebook.flags.moving import flags_to_move, move_flags
from rulebook.journal.services import Acting, business_verb, take_turn
from rulebook.review.lanes import is_full
from rulebook.review.models import OPEN, Review, State
from rulebook.review.queries import open_review_of, situation_of
from rulebook.review.services import transition
from rulebook.review.states import DECIDE

Beat = Callable[[], None]
FIXED = (State.ON_TRIAL, State.DECIDED)  # what goes on there has an end of its own, which a merge would cut off


@business_verb
def merge_rules(*, rule: Rule, into: Rule, by: Acting | None) -> Rule:
    """End `rule`, which says the same as `into`, and let that one stay under both names; the one that stays.

    Its words stay as they are. A review of the rule that goes is closed; that of the one that stays goes on. Flags go
    over at once, with their answers, and contacts with the next `work`. The earlier review-by date of the two holds, so
    that nothing outlives its date by a merge. Raises NotAllowed for who does not decide about both rules, and
    WrongState where `why_not_merged` gives a sentence: also to the second of two people who merge them crosswise.
    """
    refuse_without(by, DECIDE)
    take_turn(TURN)  # before the rules, as whoever sends an anonymous flag does
    both = Rule.objects.select_for_update(of=("self",)).select_related("department", "owner")
    held = {one.pk: one for one in both.filter(pk__in=[rule.pk, into.pk]).order_by("code")}
    if len(held) < len({rule.pk, into.pk}):
        raise WrongState(_("One of these rules is no longer here. Nothing was changed."))
    rule, into = held[rule.pk], held[into.pk]
    for one in (rule, into):
        refuse_others_rules(by, one.department, one.owner_id)
    if refusal := why_not_merged(rule, into):
        raise WrongState(refusal)
    absorb_rule(rule, into, by)
    for review in Review.objects.filter(rule=rule, state__in=OPEN):
        transition(review=review, verb="close", by=None)
    move_flags(gone=rule.pk, stayed=into.pk)
    dates: list[date] = [one.review_by for one in (rule, into) if one.review_by is not None]
    change_rule(rule=into, fields={"review_by": min(dates, default=None)}, by=by)
    return into


def why_not_merged(rule: Rule, into: Rule) -> str:
    """Why `rule` cannot be merged into the other one now; "" when it can."""
    codes = {"code": rule.code, "into": into.code}
    if rule.pk == into.pk:
        return _("That is one and the same rule. Choose another one.")
    for one in (rule, into):
        if one.status != Rule.Status.IN_FORCE:
            status = {"code": one.code, "status": one.get_status_display()}
            return _("%(code)s is %(status)s. Only rules in force are merged.") % status
    if not rule.ours and into.ours:
        return _("%(code)s is a law or contract, and %(into)s is not. Keep %(code)s.") % codes
    if rule.protective and not into.protective:
        return _("%(code)s is protective, and %(into)s is not. Keep %(code)s.") % codes
    for one in (rule, into):
        if why_voted_on(one):
            return _("People are voting on %(code)s. Merge when the ballot is closed.") % {"code": one.code}
    fixed = Review.objects.filter(rule__in=[rule, into], state__in=FIXED).select_related("rule").order_by("pk").first()
    if fixed is None:
        review = open_review_of(rule)
        if review is not None and is_full(situation_of(review, None)):
            return _("%(code)s is under review, in the full lane. Decide that first.") % codes
        return ""
    if fixed.state == State.ON_TRIAL:
        return _("A trial without %(code)s is running. End it first.") % {"code": fixed.rule.code}
    return _("What becomes of %(code)s is decided. Undo that first, or wait until it is in force.") % {
        "code": fixed.rule.code
    }


def moves_due() -> bool:
    """Whether anything is still said of a merged rule. Also what came for it a moment too late."""
    stays = merged_rules()
    return bool(stays) and (links_to_move(stays) or flags_to_move(stays))


def move_what_is_left(beat: Beat = lambda: None) -> int:
    """Let contacts and flags of merged rules follow to the rules that stay; how many contacts."""
    stays = merged_rules()
    for gone, stayed in stays.items():
        move_flags(gone=gone, stayed=stayed)
    return move_links(stays, beat)
