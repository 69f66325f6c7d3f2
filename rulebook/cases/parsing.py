"""From the cells of a row to the case that is stored. No database here; made for a million rows."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any, NamedTuple, TypeVar
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from rulebook.cases.dialect import stamp
from rulebook.cases.models import Excluded
from rulebook.cases.presets import Layout
from rulebook.catalogue.cleaning import topic_path
from rulebook.tables.values import (
    BadValue,
    clean_key,
    parse_count,
    parse_instant,
    parse_seconds,
    parse_yes_no,
    split_list,
)

LONGEST_ID = 255
LONGEST_NAME = {"channel": 100, "topic": 200, "team": 200, "rules": 100}
CUSTOMER, AGENT, KEY_ID, EXCLUDED = 10, 11, 12, 19  # places in the values of a case
LINKS_HASH = 8  # a row hash is 8 bytes of the fields, then 8 of the rules cell
NO_LINKS = b"\0" * 8
FUTURE = timedelta(days=1)
# Answers to "excluded" which plainly say no.
NOT_EXCLUDED = frozenset({"", "no", "false", "0", "nej", "nei", "none", "f", "n"})
DIRECTIONS = {
    **dict.fromkeys(("outbound", "out", "outgoing", "ud", "ut"), Excluded.OUTBOUND.value),
    **dict.fromkeys(("udgående", "udgaaende", "utgående", "utgaaende", "utgaende"), Excluded.OUTBOUND.value),
    **dict.fromkeys(("", "inbound", "in", "incoming", "ind", "inn", "indkommende", "innkommende", "inkommande"), ""),
    **dict.fromkeys(("indgående", "indgaaende", "inngående", "inngaaende", "ingående", "ingaaende", "ingaende"), ""),
}
V = TypeVar("V")


class ParsedCase(NamedTuple):
    """A row as it will be stored: `values` in the order of `storing.STORED`, topic and team still by name.

    `rules` is None where the row says nothing about rules. `absent` are the places in `values` that it says nothing
    about, since its file has no such column or, in JSON, it has no such key: what is absent changes nothing. `as_of`
    sorts the rows of one case by when they were true, where the help desk says so: '' is earlier than any moment.
    """

    line: int
    values: tuple[Any, ...]
    rules: tuple[str, ...] | None
    row_hash: bytes
    absent: tuple[int, ...]
    file: str = ""
    as_of: str = ""


class RowRejected(Exception):
    """The row cannot be a case. `field` is the canonical one; `reason` a sentence without the cell's value."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field = field
        self.reason = reason


Warn = Callable[[int, str, str], None]  # line, canonical field, sentence


class Context(NamedTuple):
    """What all rows of an import share."""

    zone: ZoneInfo
    customer_key: Callable[[str], bytes]
    agent_key: Callable[[str], bytes] | None  # None: agents are not kept
    key_id: int
    now: datetime
    effect: str


def fields_hash(values: Sequence[Any]) -> bytes:
    """8 bytes over the stored spelling of a case: made after the pseudonym, so no raw id can be guessed from it."""
    return blake2b(repr(tuple(values)).encode(), digest_size=8).digest()


def links_hash(rules: Sequence[str], effect: str) -> bytes:
    return blake2b("\0".join((effect, *sorted(rules))).encode(), digest_size=8).digest() if rules else NO_LINKS


def overlaid(earlier: Sequence[Any], row: ParsedCase) -> tuple[Any, ...]:
    """The row's values, with those of `earlier` where it says nothing."""
    values = list(row.values)
    for place in row.absent:
        values[place] = earlier[place]
    if values[KEY_ID] is None and (values[CUSTOMER] or values[AGENT]):
        values[KEY_ID] = earlier[KEY_ID]
    return tuple(values)


def merged(earlier: ParsedCase, later: ParsedCase) -> ParsedCase:
    """Two rows of one case as one row that stores what they would store one after the other.

    `later` is the one read later. Where the rows tell when they were true, that order counts instead.
    """
    if later.as_of < earlier.as_of:
        earlier, later = later, earlier
    if not later.absent and later.rules is not None:
        return later
    says_rules = later if later.rules is not None else earlier
    values = overlaid(earlier.values, later)
    return later._replace(
        values=values,
        rules=says_rules.rules,
        row_hash=fields_hash(values) + says_rules.row_hash[LINKS_HASH:],
        absent=tuple(place for place in later.absent if place in earlier.absent),
    )


def row_id(layout: Layout) -> Callable[[Sequence[str | None]], str]:
    """A function that reads the external id alone: what the first pass over a file needs."""
    place = layout.columns["external_id"]
    return lambda cells: clean_key(cells[place] or "")


def parser(
    layout: Layout, context: Context, warn: Warn, file: str = ""
) -> Callable[[int, list[str | None]], ParsedCase]:
    """A function from (line, cells) to the case; it raises RowRejected, and warns of blanked optional values."""
    columns = layout.columns
    zone, latest = context.zone, context.now + FUTURE
    id_place, opened_place = columns["external_id"], columns["opened_at"]
    closed_place = columns.get("closed_at")
    customer_place = columns.get("customer")
    agent_place = columns.get("agent") if context.agent_key else None
    rules_place = columns.get("rules")
    customer_key, agent_key, key_id = context.customer_key, context.agent_key, context.key_id
    counts = [
        (columns.get(name), name, remembered(parse))
        for name, parse in (
            ("handoffs", parse_count),
            ("reopens", parse_count),
            ("replies", parse_count),
            ("handle_seconds", parse_seconds),
            ("declared", parse_yes_no),
            ("survey", parse_yes_no),
        )
    ]
    names = [
        (columns.get(name), name, remembered(name_parser(LONGEST_NAME[name], clean)))
        for name, clean in (("channel", clean_key), ("topic", _topic), ("team", clean_key))
    ]
    split_rules = remembered(rules_in)
    exclusion = excluder(layout, warn)
    meant = layout.read if layout.where or layout.words else None
    as_of = dater(layout, zone) if layout.as_of else None
    agent_kept = context.agent_key is not None
    absent = _absent(columns.keys(), agent_kept=agent_kept, exclusions=bool(layout.exclusions))

    def parse(line: int, cells: list[str | None]) -> ParsedCase:
        if meant:
            cells = meant(cells)
        external_id = clean_key(cells[id_place] or "")
        if not external_id or len(external_id) > LONGEST_ID or "\0" in external_id:
            raise RowRejected("external_id", _bad_id(external_id))
        try:
            opened, opened_day, day_only = parse_instant(cells[opened_place] or "", zone)
        except BadValue as bad:
            raise RowRejected("opened_at", bad.reason) from None
        if opened > latest:
            raise RowRejected("opened_at", _in_the_future())
        closed = closed_day = None
        closed_day_only = False
        if closed_place is not None and (text := cells[closed_place]):
            try:
                closed, closed_day, closed_day_only = parse_instant(text, zone)
                by_day = day_only or closed_day_only
                if closed_day < opened_day if by_day else closed < opened:
                    raise BadValue(_("The case closes before it opens. The closing time was left blank."))
                if closed > latest:
                    raise BadValue(_("The case closes in the future. The closing time was left blank."))
            except BadValue as bad:
                closed = closed_day = None
                closed_day_only = False
                if text.strip():
                    warn(line, "closed_at", bad.reason)
        named: list[str] = []
        for place, field, clean in names:
            name = ""
            if place is not None and (text := cells[place]):
                try:
                    name = clean(text)
                except BadValue as bad:
                    warn(line, field, bad.reason)
            named.append(name)
        customer = agent = None
        if customer_place is not None and (text := cells[customer_place]) and (text := text.strip()):
            customer = customer_key(text)
        if agent_place is not None and agent_key and (text := cells[agent_place]) and (text := text.strip()):
            agent = agent_key(text)
        counted: list[Any] = []
        for place, field, read in counts:
            value = None
            if place is not None and (text := cells[place]):
                try:
                    value = read(text)
                except BadValue as bad:
                    warn(line, field, bad.reason)
            counted.append(value)
        rules: tuple[str, ...] | None = None
        if rules_place is not None and (text := cells[rules_place]) is not None:
            rules, problem = split_rules(text)
            if problem:
                warn(line, "rules", problem)
        values = (
            external_id,
            stamp(opened),
            str(opened_day),
            day_only,
            stamp(closed) if closed else None,
            str(closed_day) if closed_day else None,
            closed_day_only,
            *named,
            customer,
            agent,
            key_id if customer or agent else None,
            *counted,
            exclusion(line, cells) if exclusion else "",
        )
        hashes = fields_hash(values) + (links_hash(rules, context.effect) if rules else NO_LINKS)
        unsaid = _absent_keys(layout, cells, agent_kept=agent_kept) if None in cells else absent
        return ParsedCase(line, values, rules, hashes, unsaid, file, as_of(cells) if as_of else "")

    return parse


def _in_the_future() -> str:
    return _("The case opens in the future. Correct the date, or the source's time zone.")


def _bad_id(external_id: str) -> str:
    if not external_id:
        return _("The case has no id. Give each case the help desk's own number.")
    if "\0" in external_id:
        return _("The id holds a NUL byte. Export the file again as UTF-8.")
    longest = {"longest": LONGEST_ID}
    return _("The id is longer than %(longest)s characters. Check that quotes and separators are in place.") % longest


def _absent_keys(layout: Layout, cells: Sequence[str | None], *, agent_kept: bool) -> tuple[int, ...]:
    """Places of `values` that a JSON object without some of its neighbours' keys says nothing about."""
    said = {field for field, place in layout.columns.items() if cells[place] is not None}
    exclusions = any(cells[place] is not None for place, _ in layout.exclusions)
    return _absent(said, agent_kept=agent_kept, exclusions=exclusions)


def _absent(said: Collection[str], *, agent_kept: bool, exclusions: bool) -> tuple[int, ...]:
    """Places of `values` about which nothing is said by these fields."""
    places = {
        "closed_at": (4, 5, 6),
        "channel": (7,),
        "topic": (8,),
        "team": (9,),
        "customer": (CUSTOMER,),
        "agent": (AGENT,),
        "handoffs": (13,),
        "reopens": (14,),
        "replies": (15,),
        "handle_seconds": (16,),
        "declared": (17,),
        "survey": (18,),
    }
    absent = [place for field, those in places.items() if field not in said for place in those]
    if "agent" in said and not agent_kept:
        absent.append(AGENT)
    if "customer" not in said and "agent" not in said:
        absent.append(KEY_ID)
    if "excluded" not in said and "direction" not in said and not exclusions:
        absent.append(EXCLUDED)
    return tuple(sorted(absent))


def remembered(parse: Callable[[str], V], most: int = 5_000) -> Callable[[str], V]:
    """The same answers, looked up: columns such as channel or handoffs hold few different texts. Bounded memory."""
    known: dict[str, V] = {}

    def lookup(text: str) -> V:
        try:
            return known[text]
        except KeyError:
            value = parse(text)
            if len(known) < most and len(text) < 200:
                known[text] = value
            return value

    return lookup


def _topic(text: str) -> str:
    """The path under which the topic is kept, so that a stored case spells it as its row does."""
    name = clean_key(text)
    return topic_path(name) or name


def name_parser(longest: int, cleaned: Callable[[str], str] = clean_key) -> Callable[[str], str]:
    def clean(text: str) -> str:
        if "\0" in text:
            raise BadValue(_("This holds a NUL byte and was left blank. Export the file again as UTF-8."))
        name = cleaned(text)
        if len(name) > longest:
            raise BadValue(
                _("This is longer than %(longest)s characters and was left blank. Check the column.")
                % {"longest": longest}
            )
        return name

    return clean


def rules_in(text: str) -> tuple[tuple[str, ...], str]:
    """(rule codes or aliases in a cell, what is wrong with one that was left out)."""
    found = [clean_key(name) for name in split_list(text)]
    good = tuple(dict.fromkeys(name for name in found if len(name) <= LONGEST_NAME["rules"] and "\0" not in name))
    problem = "" if len(good) == len(set(found)) else _("A rule code is too long to be one and was left out.")
    return good, problem


def dater(layout: Layout, zone: ZoneInfo) -> Callable[[Sequence[str | None]], str]:
    """A function from a row to when it was true, as text that sorts; what cannot be read is earlier than any moment.

    The blank between two moments sorts before the dot of a fraction of a second.
    """

    def moment(text: str | None) -> str:
        try:
            return stamp(parse_instant(text or "", zone)[0])
        except BadValue:
            return ""

    return lambda cells: " ".join(moment(cells[place]) for place in layout.as_of)


def excluder(layout: Layout, warn: Warn) -> Callable[[int, Sequence[str | None]], str] | None:
    """A function from a row to the reason why it counts in no figure ('' where it counts); None: nothing excludes."""
    reasons = set(Excluded.values)
    stated = layout.columns.get("excluded")
    direction = layout.columns.get("direction")
    if stated is None and direction is None and not layout.exclusions:
        return None

    def reason(line: int, cells: Sequence[str | None]) -> str:
        if stated is not None:
            word = (cells[stated] or "").strip().lower()
            if word in reasons:
                return word
            if word not in NOT_EXCLUDED:
                listed = ", ".join(Excluded.values)
                told = _("This is none of %(words)s. The case was counted as usual.") % {"words": listed}
                warn(line, "excluded", told)
        if direction is not None:
            word = (cells[direction] or "").strip().lower()
            if word not in DIRECTIONS:
                told = _("This is neither inbound nor outbound. The case was counted as inbound.")
                warn(line, "direction", told)
            elif DIRECTIONS[word]:
                return DIRECTIONS[word]
        return layout.excluded_by(cells) if layout.exclusions else ""

    return reason
