"""Which lane a review takes. Everything takes the fast one but what is named here."""

from django.utils.translation import gettext as _

from rulebook.catalogue.models import Rule
from rulebook.review.situation import Situation

LEAST_AGREEMENT = 0.0


def full_because(at: Situation) -> list[str]:
    """Why the review takes the full lane, a sentence each; empty for the fast lane."""
    rule, reasons = at.rule, []
    if rule.authority == Rule.Authority.LAW:
        reasons.append(_("It is said to be a law."))
    if rule.authority == Rule.Authority.CONTRACT:
        reasons.append(_("It is said to stand in a contract."))
    if rule.protective:
        reasons.append(_("It protects: safety, privacy, or money above the limit."))
    if at.review.evidence.get("guarded") and not reasons:
        reasons.append(_("It was protective, a law or a contract when it was marked."))
    if at.review.objection:
        reasons.append(_("Somebody objected."))
    agreed = at.verdict.agreement if at.verdict else None
    if agreed is not None and agreed < LEAST_AGREEMENT:
        reasons.append(_("Those who voted see it differently."))
    if at.review.full_asked:
        reasons.append(_("It was asked for."))
    return reasons


def is_full(at: Situation) -> bool:
    return bool(full_because(at))
