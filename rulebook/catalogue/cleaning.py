"""How the texts and names of rules are brought into one form, whether a form, a file or another system gave them. Pure.

One form everywhere is what makes "nothing changed" true: a text that went through Excel or a browser comes back with
other line ends, and must not become a new version of its rule.
"""

import re
from collections.abc import Iterator, Mapping
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
# An address of a page names it by its number, and no person by theirs; one with an @ in it may. Possessive: to look for
# the @ here would go through a long run of such addresses once for each of them.
PAGE = re.compile(r"https?://\S++")


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
    return "".join(part if is_page else scrub(part, HIDDEN).text for part, is_page in _parts(text))


def hidden_of(values: Mapping[str, Any]) -> str:
    """What `without_people` hides in these fields of a rule, as a sentence for whoever wrote them; "" for nothing."""
    texts = [str(values[name]) for name in (*TEXTS, *LINES) if values.get(name)]
    parts = [part for text in texts for part, is_page in _parts(text) if not is_page]
    return told(kind for part in parts for kind in scrub(part).hidden)


def _parts(text: str) -> Iterator[tuple[str, bool]]:
    """The text in pieces, and of each whether it is the address of a page."""
    at = 0
    for found in PAGE.finditer(text):
        if "@" not in found[0]:
            yield text[at : found.start()], False
            yield found[0], True
            at = found.end()
    yield text[at:], False


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
