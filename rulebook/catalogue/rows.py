"""A row of a list of rules, from cells to clean values. Pure: what the row is compared with comes later."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from rulebook.access.models import Department, Person
from rulebook.catalogue.cleaning import (
    LINES,
    TEXTS,
    UNPRINTABLE,
    choice,
    clean_line,
    clean_name,
    clean_text,
    hidden_of,
    topic_path,
    without_people,
)
from rulebook.catalogue.models import Alias, Rule, Topic
from rulebook.catalogue.services import CHOICES, longest, too_long
from rulebook.tables.values import BadValue, parse_count, parse_day, parse_yes_no, split_list

# In the order in which they are exported.
COLUMNS = (
    "code",
    "title",
    "text",
    "kind",
    "authority",
    "clause",
    "protective",
    "department",
    "owner",
    "topics",
    "channels",
    "purpose",
    "heard_where",
    "source_reference",
    "customer_hears",
    "decision_limit",
    "requirements",
    "review_by",
    "applies_from",
    "aliases",
    "status",
    "intent",
)
# The desk's export ends with them, to be read: what people say of a rule is no part of it, so an import leaves them.
VOICES = ("flags_in_30_days", "voters", "vote")
OTHER_NAMES = {"topic": "topics"}
ISO_DAY = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True, order=True)
class Message:
    """Something about one row that a person should know, with its remedy. `column` is '' for the whole row."""

    file: str
    line: int
    column: str
    text: str

    def __str__(self) -> str:
        words = {"file": self.file, "line": self.line, "column": self.column, "text": self.text}
        if self.column:
            return _("%(file)s, line %(line)s, column %(column)s: %(text)s") % words
        return _("%(file)s, line %(line)s: %(text)s") % words


@dataclass
class RuleRow:
    """One row. `values` holds what is to be set, by field; department and owner still by name.

    A field that is not in `values` stays as it is: its column is absent, or its value could not be read.
    """

    file: str
    line: int
    code: str = ""
    status: str = ""
    values: dict[str, Any] = field(default_factory=dict)
    problem: Message | None = None
    warnings: list[Message] = field(default_factory=list)

    def reject(self, column: str, text: str) -> None:
        if self.problem is None:
            self.problem = Message(self.file, self.line, column, text)

    def warn(self, column: str, text: str) -> None:
        self.warnings.append(Message(self.file, self.line, column, text))


def match_columns(names: Sequence[str], file: str) -> tuple[dict[str, int], list[str]]:
    """({our column: its place in the file}, sentences about the columns that are not read).

    >>> match_columns(["Code", "Heard where", "topic", "colour"], "rules.csv")
    ({'code': 0, 'heard_where': 1, 'topics': 2}, ['rules.csv: no rule has a column colour; it was ignored.'])
    """
    places: dict[str, int] = {}
    unknown: list[str] = []
    notes: list[str] = []
    for place, name in enumerate(names):
        known = re.sub(r"[\s-]+", "_", name.strip().lower())
        known = OTHER_NAMES.get(known, known)
        if known not in COLUMNS and known != "written":
            unknown.extend([name] if name and known not in VOICES else [])
        elif known in places:
            twice = _("%(file)s: column %(column)s stands there twice; the first was read, so remove the other.")
            notes.append(twice % {"file": file, "column": known})
        else:
            places[known] = place
    if unknown:
        ignored = ngettext(
            "%(file)s: no rule has a column %(columns)s; it was ignored.",
            "%(file)s: no rule has columns %(columns)s; they were ignored.",
            len(unknown),
        )
        notes.append(ignored % {"file": file, "columns": ", ".join(unknown)})
    return places, notes


def read_row(file: str, line: int, cells: dict[str, str]) -> RuleRow:
    """The row's values, its warnings, and the reason when it cannot be taken. `cells` holds the present ones only."""
    row = RuleRow(file, line)
    unprintable = [name for name, text in cells.items() if UNPRINTABLE.search(text)]
    for name in unprintable:
        row.warn(name, _("It holds NUL or other control characters; they were left out, so check the text."))
    row.code = clean_name(cells.get("code", ""))
    if len(row.code) > longest(Alias, "name"):
        most = _("The code has more than %(most)s characters. Give a shorter one.")
        row.reject("code", most % {"most": longest(Alias, "name")})
    row.status = choice(cells.get("status", ""))
    for name in READERS:
        if name in cells:
            try:
                row.values.update(READERS[name](name, cells[name]))
            except BadValue as problem:
                row.warn(name, _("%(reason)s The field stays as it was.") % {"reason": problem.reason})
    for name in (*TEXTS, *LINES):
        if name in cells and (hidden := hidden_of({name: cells[name]})):
            row.warn(name, hidden)
    title = without_people(clean_line(cells["title"])) if "title" in cells else None
    if title == "":
        row.reject("title", _("The title is missing. Write what agents must, must not or may do, in one line."))
    elif title is not None and len(title) > longest(Rule, "title"):
        row.reject("title", too_long("title", longest(Rule, "title")))
    elif title is not None:
        row.values["title"] = title
    return row


Reader = Callable[[str, str], dict[str, Any]]


def _text(name: str, text: str) -> dict[str, Any]:
    return {name: without_people(clean_text(text))}


def _line(name: str, text: str) -> dict[str, Any]:
    return {name: _short(name, without_people(clean_line(text)), longest(Rule, name))}


def _short(name: str, text: str, most: int) -> str:
    if len(text) > most:
        raise BadValue(too_long(name, most))
    return text


def _choice(name: str, text: str) -> dict[str, Any]:
    word = choice(text)
    if not word:
        return {"intent": ""} if name == "intent" else {}  # a rule always has a kind and an authority
    if word not in CHOICES[name].values:
        words = {"field": name, "choices": ", ".join(CHOICES[name].values)}
        raise BadValue(_("There is no such %(field)s. Write one of %(choices)s.") % words)
    return {name: word}


def _written(name: str, text: str) -> dict[str, Any]:
    written = parse_yes_no(text)
    return {} if written is None else {"kind": Rule.Kind.WRITTEN.value if written else Rule.Kind.UNWRITTEN.value}


def _protective(name: str, text: str) -> dict[str, Any]:
    return {name: parse_yes_no(text) or False}


def _department(name: str, text: str) -> dict[str, Any]:
    return {name: _short(name, clean_line(text), longest(Department, "name"))}


def _owner(name: str, text: str) -> dict[str, Any]:
    return {name: _short(name, clean_line(text), longest(Person, "username"))}


def _topics(name: str, text: str) -> dict[str, Any]:
    paths = sorted({path for part in split_list(text, ";") if (path := topic_path(part))})
    return {name: [_short(_("path of a topic"), path, longest(Topic, "path")) for path in paths]}


def _names(name: str, text: str) -> dict[str, Any]:
    """Channels and aliases, in the order given."""
    names = list(dict.fromkeys(known for part in split_list(text, ";") if (known := clean_name(part))))
    return {name: [_short(name, known, longest(Alias, "name")) for known in names]}


def _requirements(name: str, text: str) -> dict[str, Any]:
    return {name: parse_count(text)}


def _day(name: str, text: str) -> dict[str, Any]:
    return {name: read_day(text)}


def read_day(text: str) -> date | None:
    """A day, None when blank. Laws are older than help desks, so ISO days of any year are read. Raises BadValue."""
    text = text.strip()
    if ISO_DAY.fullmatch(text):
        try:
            return date.fromisoformat(text)
        except ValueError:
            raise BadValue(_("There is no such day. Write it as YYYY-MM-DD.")) from None
    return parse_day(text)


READERS: dict[str, Reader] = {
    "written": _written,  # before kind, which wins where a list has both
    **dict.fromkeys(CHOICES, _choice),
    **dict.fromkeys(TEXTS, _text),
    **dict.fromkeys([name for name in LINES if name != "title"], _line),
    "protective": _protective,
    "department": _department,
    "owner": _owner,
    "topics": _topics,
    "channels": _names,
    "aliases": _names,
    "requirements": _requirements,
    "review_by": _day,
    "applies_from": _day,
}
