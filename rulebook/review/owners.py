"""Who answers for a rule under review, and what they have said, in sentences. Pure."""

from django.utils.translation import gettext as _

from rulebook.numbers import day, long_day
from rulebook.review.effects import OWNER_DAYS
from rulebook.review.models import State
from rulebook.review.situation import Situation, who_answers


def said_by_owner(at: Situation) -> str:
    """What whoever answers for the rule has said so far, as a sentence; "" for nothing yet."""
    review = at.review
    if review.objection and review.objected_on:
        return _("There is an objection, of %(day)s.") % {"day": day(review.objected_on)}
    if review.owner_agreed_on:
        return _("Whoever answers for the rule said yes on %(day)s.") % {"day": day(review.owner_agreed_on)}
    if review.state == State.DECIDED and review.owner_until and at.today <= review.owner_until:
        return _("Without an objection until %(day)s it takes effect.") % {"day": long_day(review.owner_until)}
    return ""


def owners_say(at: Situation) -> str:
    """The owner's say before a decision: said, not waited for, or what happens without it. Always a sentence."""
    if said := said_by_owner(at):
        return said
    people = who_answers(at.rule)
    if not people:
        return _("Nobody answers for this rule, so nobody is waited for.")
    if at.person is not None and at.person.pk in at.answerable:
        return _("You answer for this rule: what you decide has your yes.")
    words = {"who": " / ".join(str(person) for person in people), "days": OWNER_DAYS}
    return _("%(who)s has not said yes. Decided now, it waits %(days)s days for an objection.") % words
