"""Takes out of free text what points at one person, before it is stored. Pure; names cannot be found.

Found by its shape: mail addresses, account numbers (IBAN), payment cards, personal numbers of Denmark, Norway and
Sweden, telephone numbers. Where a number may be one of these or something else, it is hidden: what is lost is written
again, what is stored is not taken back. Every expression runs through the text once, without going back.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from string import ascii_uppercase

from django.utils.translation import gettext as _
from stdnum import iban, luhn
from stdnum.dk import cpr
from stdnum.no import fodselsnummer

PERSONAL, CARD, ACCOUNT, MAIL, PHONE = (
    "personal number",
    "card number",
    "account number",
    "mail address",
    "phone number",
)
KINDS = (PERSONAL, CARD, ACCOUNT, MAIL, PHONE)
MOST_ROUNDS = 20
# All that is found holds one of these: an @, the start of an account number, or seven digits near one another.
NEEDED = re.compile("[0-9@](?:(?<=@)|(?<=[A-Za-z]{2}[0-9])[0-9]|(?:[^0-9A-Za-z]{0,4}[0-9]){6})")

# What people and programs write between the groups of a number.
GAP = "[ \u00a0\u2007\u2009\u202f]"
DASH = "[-\u2010-\u2013]"
EITHER = "[ \u00a0\u2007\u2009\u202f\u2010-\u2013-]"
# Not within a longer number, a code, a price, a ticket: AB12345678, 12345678.50, #12345678, ZD-12345678.
ALONE = r"(?<![0-9A-Za-z_#])(?<![0-9][.,/])(?<![A-Za-z]-)"
ENDS = r"(?![0-9A-Za-z_])(?![.,/][0-9])"
PAIRS = r"[0-9]{2}(?P<by>[ .\u00a0\u2007\u2009\u202f-])[0-9]{2}(?:(?P=by)[0-9]{2}){2}"

MAIL_SHAPE = re.compile(r"(?<![\w.+%'-])[\w.+%'-]++@[\w-]++(?:\.[\w-]++)++")
ACCOUNT_START = re.compile(rf"(?<![0-9A-Za-z])(?=([A-Za-z]{{2}}[0-9]{{2}}(?:{GAP}?[0-9A-Za-z]){{11,30}}))")
CARD_SHAPE = re.compile(
    rf"(?<![0-9])(?:[0-9]{{13,19}}|[0-9]{{4}}(?:{EITHER}[0-9]{{4}}){{3}}(?:{EITHER}[0-9]{{1,3}})?"
    rf"|[0-9]{{4}}{EITHER}[0-9]{{6}}{EITHER}[0-9]{{4,5}})(?![0-9])"
)
# A birthday of six or eight digits, and four or five more.
PERSONAL_SHAPE = re.compile(
    rf"(?<![0-9])(?P<day>[0-9]{{6}}|(?:19|20)[0-9]{{6}})(?P<between>{GAP}?(?:{DASH}|\+)?{GAP}?)"
    r"(?P<rest>[0-9]{4,5})(?![0-9])"
)
# +45 12 34 56 78, 0046-70 123 45 67, +47 (0) 412 34 567
ABROAD = re.compile(
    rf"(?<![0-9A-Za-z+])(?:\+|00){GAP}?[1-9](?:[ .()/\u00a0\u2007\u2009\u202f-]{{0,3}}[0-9]){{7,14}}+(?![0-9])"
)
# 12345678, 12 34 56 78, 412 34 567, 1234 5678
EIGHT = re.compile(
    rf"{ALONE}(?:[0-9]{{8}}|{PAIRS}|[0-9]{{3}}{GAP}[0-9]{{2}}{GAP}[0-9]{{3}}"
    rf"|(?P<one>[0-9]{{4}}){GAP}(?P<two>[0-9]{{4}})){ENDS}"
)
# 0701234567, 070-1234567, 070-123 45 67, 08-123 456 78, 040 123 4567
SWEDISH = re.compile(
    rf"{ALONE}0(?:[0-9]{{8,10}}|[1-9][0-9]{{0,2}}(?:{EITHER}|/)(?:[0-9]{{6,8}}"
    rf"|[0-9]{{2,3}}{GAP}[0-9]{{2,3}}{GAP}[0-9]{{2}}|[0-9]{{3}}{GAP}[0-9]{{3,4}})){ENDS}"
)
YEARS = range(1980, 2051)  # "2025 2026" are two years and no telephone

# Letters and digits of an IBAN, by its country: ISO 13616.
LENGTHS = {
    "AD": 24, "AT": 20, "BE": 16, "BG": 22, "CH": 21, "CY": 28, "CZ": 24, "DE": 22, "DK": 18, "EE": 20, "ES": 24,
    "FI": 18, "FO": 18, "FR": 27, "GB": 22, "GI": 23, "GL": 18, "GR": 27, "HR": 21, "HU": 28, "IE": 22, "IS": 26,
    "IT": 27, "LI": 21, "LT": 20, "LU": 20, "LV": 21, "MC": 27, "MT": 31, "NL": 18, "NO": 15, "PL": 28, "PT": 25,
    "RO": 24, "RS": 22, "SE": 24, "SI": 19, "SK": 24, "SM": 27, "TR": 26, "UA": 29,
}  # fmt: skip
AS_DIGITS = str.maketrans({letter: str(number) for number, letter in enumerate(ascii_uppercase, 10)})

# Days of a birthday; 40 or 60 is added for those who are no citizens. Months of numbers for tests have 40 or 80 more.
DAYS = frozenset({*range(1, 32), *range(41, 72), *range(61, 92)})
MONTHS = frozenset(range(1, 13))
NORWEGIAN_MONTHS = MONTHS | {month + more for month in MONTHS for more in (40, 80)}

Span = tuple[int, int]


@dataclass(frozen=True)
class Scrubbed:
    """Text that may be stored, and the kinds of what was hidden in it, each once and in the order of KINDS."""

    text: str
    hidden: list[str]


def scrub(text: str, mark: str = "") -> Scrubbed:
    """Hide in `text` what points at one person. What was scrubbed once is not changed by scrubbing it again.

    In its place stands `mark`, else a word in the language of the page.

    >>> scrub("Anna, 010190-1234, called from 12 34 56 78").text
    'Anna, [hidden], called from [hidden]'
    >>> scrub("Refund of 1.240 kr on 3 March 2026, order 4711").hidden
    []
    """
    if not NEEDED.search(text):  # most texts of rules, and a list has many thousands
        return Scrubbed(text, [])
    mark = mark or _("[hidden]")
    found: set[str] = set()
    for _round in range(MOST_ROUNDS):  # what was part of a longer number may stand alone now: mostly one, then none
        before = text
        for kind, spans in FINDERS:
            cleaned = _without(text, spans(text), mark)
            if cleaned != text:
                found.add(kind)
                text = cleaned
        if text == before:
            break
    return Scrubbed(text, [kind for kind in KINDS if kind in found])


def told(hidden: Iterable[str]) -> str:
    """What was hidden, as a sentence for whoever wrote it; "" where nothing was."""
    kinds = set(hidden)
    if len(kinds) > 1:
        return _("We hid numbers and addresses of people before we stored your text.")
    sentences = {
        PERSONAL: _("We hid a personal number before we stored your text."),
        CARD: _("We hid a card number before we stored your text."),
        ACCOUNT: _("We hid an account number before we stored your text."),
        MAIL: _("We hid a mail address before we stored your text."),
        PHONE: _("We hid what may be a telephone number before we stored your text."),
    }
    return sentences[kinds.pop()] if kinds else ""


def _without(text: str, spans: Iterable[Span], mark: str) -> str:
    pieces, at = [], 0
    for begins, ends in spans:
        if begins >= at:
            pieces += [text[at:begins], mark]
            at = ends
    return "".join([*pieces, text[at:]])


def _mails(text: str) -> Iterator[Span]:
    return (match.span() for match in MAIL_SHAPE.finditer(text))


def _accounts(text: str) -> Iterator[Span]:
    for match in ACCOUNT_START.finditer(text):
        candidate = match[1]
        length = LENGTHS.get(candidate[:2].upper(), 0)
        places = [place for place, sign in enumerate(candidate) if sign.isalnum()][:length]
        number = "".join(candidate[place] for place in places).upper()
        if length and len(number) == length and _may_be_account(number):
            yield match.start(), match.start() + places[-1] + 1


def _may_be_account(number: str) -> bool:
    """The remainder is quickly computed, and wrong in 96 of 97 texts that merely look alike."""
    return int((number[4:] + number[:4]).translate(AS_DIGITS)) % 97 == 1 and iban.is_valid(number)


def _cards(text: str) -> Iterator[Span]:
    for match in CARD_SHAPE.finditer(text):
        digits = re.sub("[^0-9]", "", match[0])
        if digits[0] in "23456" and luhn.is_valid(digits):
            yield match.span()


def _personal_numbers(text: str) -> Iterator[Span]:
    return (match.span() for match in PERSONAL_SHAPE.finditer(text) if _is_personal(match))


def _is_personal(match: re.Match[str]) -> bool:
    """By birthday and shape; the check digits decide only where no dash says that this is meant.

    A Danish number has had none since 2007.
    """
    day, rest, meant = match["day"], match["rest"], bool(match["between"].strip())
    if len(rest) == 5:
        born = len(day) == 6 and _is_day(day[:2], day[2:4], NORWEGIAN_MONTHS)
        return born and (bool(match["between"]) or fodselsnummer.is_valid(day + rest))
    if len(day) == 6 and _is_day(day[:2], day[2:4]):
        return meant or int(day[:2]) > 31 or cpr.is_valid(day + rest)
    day = day[-6:]
    return _is_day(day[4:], day[2:4]) and (meant or luhn.is_valid(day + rest))


def _is_day(day: str, month: str, months: frozenset[int] = MONTHS) -> bool:
    return int(day) in DAYS and int(month) in months


def _abroad(text: str) -> Iterator[Span]:
    return (match.span() for match in ABROAD.finditer(text))


def _swedish(text: str) -> Iterator[Span]:
    return (match.span() for match in SWEDISH.finditer(text))


def _eights(text: str) -> Iterator[Span]:
    for match in EIGHT.finditer(text):
        if not (match["one"] and int(match["one"]) in YEARS and int(match["two"]) in YEARS):
            yield match.span()


# In this order: the longer and surer first.
FINDERS: tuple[tuple[str, Callable[[str], Iterator[Span]]], ...] = (
    (MAIL, _mails),
    (ACCOUNT, _accounts),
    (CARD, _cards),
    (PHONE, _abroad),
    (PERSONAL, _personal_numbers),
    (PHONE, _swedish),
    (PHONE, _eights),
)
