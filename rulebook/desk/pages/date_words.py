"""The sentences about a later review-by date: on the page of a rule, after its form, and in "Asked of me"."""

from datetime import date

from django.utils.translation import gettext as _

from rulebook.catalogue.models import Rule
from rulebook.numbers import day
from rulebook.review.models import LaterDate


def asked(wish: LaterDate) -> str:
    """Who asks for which day."""
    words = {
        "who": wish.asked_by,
        "now": day_or_blank(wish.rule.review_by),
        "to": day_or_blank(wish.to),
        "on": day_or_blank(wish.asked_on),
    }
    if wish.to is None:
        return _("%(who)s asked on %(on)s for no review-by date any more, instead of %(now)s.") % words
    return _("%(who)s asked on %(on)s to look at it by %(to)s, instead of %(now)s.") % words


def agree_words(wish: LaterDate) -> str:
    return _("Agree to %(day)s") % {"day": day_or_blank(wish.to)} if wish.to else _("Agree to no date")


def waits(rule: Rule, to: date | None) -> str:
    """What the form says after it was saved with a later date."""
    words = {"now": day_or_blank(rule.review_by), "to": day_or_blank(to)}
    if to is None:
        return _("Review by %(now)s stays until a second person agrees that it needs no date. Ask one.") % words
    return _("Review by %(now)s stays until a second person agrees to %(to)s. Ask one.") % words


def day_or_blank(when: date | None) -> str:
    return day(when) if when else ""
