"""Who answers for a rule under review, and what they have said, in sentences. Pure."""

from django.utils.translation import gettext as _

from rulebook.access.models import Person
from rulebook.numbers import day, long_day
from rulebook.review.effects import OWNER_DAYS
from rulebook.review.models import State
from rulebook.review.situation import Situation


def who_answers(at: Situation) -> list[Person]:
    """The owner, else the head and the deputy of the department; nobody where none is named."""
    if at.rule.owner is not None:
        return [at.rule.owner]
    department = at.rule.department
    people = (department.head, department.deputy) if department else ()
    return [person for person in people if person is not None]


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
    people = who_answers(at)
    if not people:
        return _("Nobody answers for this rule, so nobody is waited for.")
    if at.person is not None and at.person.pk in at.answerable:
        return _("You answer for this rule: what you decide has your yes.")
    words = {"who": " / ".join(str(person) for person in people), "days": OWNER_DAYS}
    return _("%(who)s has not said yes. Decided now, it waits %(days)s days for an objection.") % words
