"""How the texts and names of rules are brought into one form, whether a form, a file or another system gave them. Pure.

One form everywhere is what makes "nothing changed" true: a text that went through Excel or a browser comes back with
other line ends, and must not become a new version of its rule.
"""

import re
from collections.abc import Mapping
from typing import Any

from rulebook.access.scrubbing import scrub, told
from rulebook.tables.values import clean_key

# What PostgreSQL, XML or UTF-8 cannot hold, and no reader sees: control characters, halves of pairs, non-characters.
UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
LINE_END = re.compile("\r\n?")
BREAKS = re.compile("[\t\n]+")
# What people write about a rule, by the length of it: several lines, or one.
TEXTS = ("text", "clause", "purpose", "heard_where", "source_reference", "customer_hears")
LINES = ("title", "decision_limit")
# What stands where something was hidden. No word: a list that is imported in another language must change nothing.
HIDDEN = "[…]"
PAGE = re.compile(r"(https?://[^\s@]++(?!@))")  # an address names a page by its number, and not a person by theirs


def clean_text(text: str) -> str:
    r"""A text of several lines: one kind of line end, nothing unprintable, no outer white space.

    >>> clean_text(" One\r\ntwo\x00 ")
    'One\ntwo'
    """
    return UNPRINTABLE.sub("", LINE_END.sub("\n", text)).strip()


def clean_line(text: str) -> str:
    r"""A text of one line, such as a title.

    >>> clean_line("Refunds\nonly by mail")
    'Refunds only by mail'
    """
    return BREAKS.sub(" ", clean_text(text))


def without_people(text: str) -> str:
    """A text of a rule without the numbers and addresses of people, as it is stored.

    >>> without_people("Call Anna, 12 34 56 78. See https://intra.example/page/12345678")
    'Call Anna, […]. See https://intra.example/page/12345678'
    """
    return "".join(part if place % 2 else scrub(part, HIDDEN).text for place, part in enumerate(PAGE.split(text)))


def hidden_of(values: Mapping[str, Any]) -> str:
    """What `without_people` hides in these fields of a rule, as a sentence for whoever wrote them; "" for nothing."""
    texts = [str(values[name]) for name in (*TEXTS, *LINES) if values.get(name)]
    return told(kind for text in texts for part in PAGE.split(text)[::2] for kind in scrub(part).hidden)


def clean_name(text: str) -> str:
    """A code, alias or channel: one line, in the form in which it is compared."""
    return clean_key(clean_line(text))


def topic_path(text: str) -> str:
    """A topic as its path, from the root down.

    >>> topic_path(" returns / refund/ ")
    'returns/refund'
    """
    return "/".join(part for piece in clean_name(text).split("/") if (part := piece.strip()))


def choice(text: str) -> str:
    """A word from a fixed list, as people write it.

    >>> choice("In force"), choice("law (claimed)")
    ('in_force', 'law')
    """
    return text.partition("(")[0].strip().lower().replace(" ", "_").replace("-", "_")
