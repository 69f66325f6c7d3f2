"""What agents have to say to customers, in four sentences, and in words of their own. Pure.

A flag stores one of the four in English, whatever language it was tapped in, so that all of a kind can be counted;
`in_words` says it in the language of whoever reads.
"""

from django.utils.translation import gettext, gettext_noop

SENTENCES = (
    gettext_noop("I’m not allowed to"),
    gettext_noop("I can’t decide that"),
    gettext_noop("You must talk to another department"),
    gettext_noop("My manager won’t let me"),
)


def in_words(stored: str) -> str:
    """
    >>> in_words("I can’t decide that"), in_words("The computer says no"), in_words("")
    ('I can’t decide that', 'The computer says no', '')
    """
    return gettext(stored) if stored in SENTENCES else stored
