"""What agents read where a manager answered by a button alone. Pure.

A flag stores which of these it is, not its words: a manager who works in Danish answers an agent who reads Swedish.
"""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Default(TextChoices):
    """The sentences. `%(rule)s` is the title of the rule."""

    LINKED = "linked", _("We linked it to the rule “%(rule)s”. It counts when we decide what becomes of that.")
    PASSED_ON = "passed_on", _("The rule “%(rule)s” belongs to %(department)s. They answer next.")
    MADE = "made", _("We wrote it down as a rule, “%(rule)s”. Now it can be counted, voted on and abolished.")
    MERGED = "merged", _("Several of you said the same. We answer all of you together.")
    NO_RULE = "no_rule", _("No rule of ours says so. You decide.")
    NOT_ASKED = (
        "not_asked",
        _("Nothing asks for “%(rule)s”. We sorted it under what we drop; you hear when it is gone."),
    )


NOBODYS = _("others")


def in_words(code: str, rule: str = "", department: str = "") -> str:
    """The sentence in the language of whoever reads.

    >>> in_words("linked", "Two signatures")
    'We linked it to the rule “Two signatures”. It counts when we decide what becomes of that.'
    >>> in_words("passed_on", "Two signatures", "Finance")
    'The rule “Two signatures” belongs to Finance. They answer next.'
    """
    return str(Default(code).label) % {"rule": rule, "department": department or NOBODYS}
