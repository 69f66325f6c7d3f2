"""Standing votes: one a person, or a device of a team, on each wording, until they change it or the wording changes.

A vote writes no event: the journal would tell who voted when.
"""

from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext as _

from rulebook.access.scrubbing import scrub
from rulebook.access.voices import Voice
from rulebook.catalogue.cleaning import clean_text
from rulebook.catalogue.models import Rule, RuleVersion
from rulebook.errors import LostRace, RulebookError, WrongState
from rulebook.journal.services import business_verb
from rulebook.numbers import whole
from rulebook.votes.counting import PLACES
from rulebook.votes.models import StandingVote, TopCard
from rulebook.votes.storing import store_vote

WANTS = ("product", "caring", "on_time", "put_right")  # the four things customers want
LONGEST_REASON = 2_000


@business_verb
def cast_standing(
    *,
    version: RuleVersion,
    voice: Voice,
    impact: int,
    wants: Iterable[str] = (),
    reason: str = "",
    quotable: bool = False,
) -> list[str]:
    """Store what somebody thinks of a wording; what was hidden in the reason before it was stored. A new vote replaces
    the voter's earlier one.

    Raises WrongState when the rule was removed or reworded meanwhile, RulebookError for an impossible value.
    """
    columns, hidden = opinion(voice, impact=impact, wants=wants, reason=reason, quotable=quotable)
    columns["team_id"] = voice.team.pk if voice.team else None
    person = voice.person.pk if voice.person else None
    if not store_vote(version=version.pk, person=person, device=voice.device, columns=columns):
        refuse_past(version)
        raise LostRace(_("The rule was changed at the same moment. Vote on it once more."))
    return hidden


@business_verb
def withdraw_standing(*, version: RuleVersion, voice: Voice) -> bool:
    """Take one's own vote back; False where there is none. A tally that is published already stays as it is."""
    return bool(StandingVote.objects.filter(**_own(version, voice)).delete()[0])


def lay_on_top(*, rule: Rule) -> None:
    """Deal the rule first, before what is flagged, until it is taken from there. For whoever asks for votes on it,
    within their own transaction.
    """
    TopCard.objects.get_or_create(rule=rule)


def take_from_top(*, rule: Rule) -> None:
    """Deal the rule in its turn again."""
    TopCard.objects.filter(rule=rule).delete()


def refuse_past(version: RuleVersion) -> None:
    """Raises WrongState unless the wording is the newest of a rule that is not removed."""
    rule = Rule.objects.filter(versions=version.pk).first()
    if rule is None:
        raise WrongState(_("This card is not there. Vote on the next one."))
    newest = rule.versions.latest("number")
    if rule.status == Rule.Status.REMOVED or newest.applies_to is not None:
        text = _("Decided a moment ago: %(code)s is removed. Your vote is not needed any more.")
        raise WrongState(text % {"code": rule.code})
    if newest.pk != version.pk:
        text = _("%(code)s got other words a moment ago. Read them, and vote on these.")
        raise WrongState(text % {"code": rule.code})


def opinion(
    voice: Voice, *, impact: int, wants: Iterable[str], reason: str, quotable: bool
) -> tuple[dict[str, Any], list[str]]:
    """(columns of an Opinion, what was hidden in the reason). Raises RulebookError for an impossible value."""
    refuse_unknown_place(impact)
    touched = set(wants)
    if touched - set(WANTS):
        raise RulebookError(_("There is no such thing that customers want. Choose from the four."))
    reason = clean_text(reason)
    if len(reason) > LONGEST_REASON:
        text = _("The reason has more than %(most)s characters. Shorten it.")
        raise RulebookError(text % {"most": whole(LONGEST_REASON)})
    scrubbed = scrub(reason)
    columns = {
        "impact": impact,
        **{want: want in touched for want in WANTS},
        "reason": scrubbed.text,
        "quotable": quotable and bool(scrubbed.text),
        "by_manager": voice.is_manager,
    }
    return columns, scrubbed.hidden


def refuse_unknown_place(value: int) -> None:
    """Raises RulebookError unless the value is one of the five from -2 to +2."""
    if value not in PLACES:
        raise RulebookError(_("A vote is one of five, from hurts badly to helps a lot. Choose one."))


def _own(version: RuleVersion, voice: Voice) -> dict[str, Any]:
    """What finds a voter's vote on a wording."""
    return {"version": version, "person": voice.person, "device": voice.device}
