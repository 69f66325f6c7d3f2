"""What the findings speak for, with its reasons: never a verdict, and never a reason that nobody has found. Pure."""

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from rulebook.numbers import interval, whole
from rulebook.review.guards import fence_until
from rulebook.review.lanes import is_full
from rulebook.review.situation import Situation
from rulebook.votes.counting import HELPS, HURTS


@dataclass(frozen=True)
class Finding:
    """One of what is known. `removing` says what it speaks for; None where it speaks for neither."""

    sentence: str
    removing: bool | None


@dataclass(frozen=True)
class Recommendation:
    """What most findings speak for, as a sentence, and the findings themselves."""

    sentence: str
    findings: list[Finding]


def recommendation(at: Situation) -> Recommendation:
    """Purpose, contacts that come back and votes, as they were when the rule was marked."""
    told = (_purpose(at), _contacts(at.review.evidence), _votes(at))
    findings = [finding for finding in told if finding is not None]
    speaking = [finding for finding in findings if finding.removing is not None]
    removing = sum(bool(finding.removing) for finding in speaking)
    return Recommendation(_most(removing, len(speaking)), findings)


def _most(removing: int, speaking: int) -> str:
    """
    >>> _most(2, 3), _most(0, 1)
    ('2 of 3 findings speak for removing it.', 'The one finding speaks for keeping it.')
    """
    if not speaking:
        return _("Nothing is known that speaks for removing or for keeping it.")
    if speaking == 1:
        return _("The one finding speaks for removing it.") if removing else _("The one finding speaks for keeping it.")
    words = {"some": whole(removing), "all": whole(speaking)}
    if removing * 2 == speaking:
        return _("The findings are split: %(some)s of %(all)s speak for removing it.") % words
    if removing * 2 > speaking:
        return _("%(some)s of %(all)s findings speak for removing it.") % words
    return _("%(some)s of %(all)s findings speak for keeping it.") % {**words, "some": whole(speaking - removing)}


def _purpose(at: Situation) -> Finding | None:
    if at.review.purpose:
        return Finding(_("Somebody named a purpose."), removing=False)
    if at.review.nobody_knows:
        return Finding(_("Nobody knows a purpose."), removing=True)
    if is_full(at) and at.today >= fence_until(at):
        return Finding(_("Nobody named a purpose in two weeks."), removing=True)
    return None


def _contacts(evidence: dict[str, Any]) -> Finding | None:
    """Harm with its doubt; an interval that takes in zero speaks for neither."""
    harm, low, high = (evidence.get(name) for name in ("harm", "low", "high"))
    if harm is None or low is None or high is None:
        return None
    if harm <= 0:
        return Finding(_("No harm is seen in its contacts."), removing=False)
    come = ngettext(
        "%(count)s contact in 30 days comes back because of it (90 %% sure: %(interval)s).",
        "%(count)s contacts in 30 days come back because of it (90 %% sure: %(interval)s).",
        round(harm),
    ) % {"count": whole(round(harm)), "interval": interval(round(low), round(high))}
    return Finding(come, removing=True if low > 0 else None)


def _votes(at: Situation) -> Finding | None:
    said = at.verdict
    if said is None:
        return None
    words = {"voters": whole(said.voters)}
    if said.band == HURTS:
        return Finding(_("The votes of %(voters)s people say that it hurts customers.") % words, removing=True)
    if said.band == HELPS:
        return Finding(_("The votes of %(voters)s people say that it helps customers.") % words, removing=False)
    return Finding(_("The votes of %(voters)s people are mixed.") % words, removing=None)
