"""Which column of a table is which field of a case: one function that chooses a preset, and what it chose.

No ORM here. What help desks' files look like is data in `helpdesks`; what Nordic houses call their columns in `nordic`.
"""

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from unicodedata import normalize

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from rulebook.cases.helpdesks import ANYTHING, FIELDS, GENERIC, PRESETS, Preset, Reasons
from rulebook.cases.nordic import SHARED, plainly_nordic
from rulebook.errors import CannotStart, WrongUsage
from rulebook.tables.table import Reject, Row, Table

__all__ = ["FIELDS", "NEEDED", "PRESETS", "Layout", "choose", "plain"]

NEEDED = ("external_id", "opened_at")
# Without these a table has no repeat contacts: asked of a preset that is named by hand, and missed aloud in `sentence`.
_TELLING = (*NEEDED, "customer")
_MISSED = ("customer", "topic")
_UNUSED_SHOWN = 12
_VALUE = re.compile(r"@|[0-9]{4}|[0-9][-/.:][0-9]")  # an address, a number, a date: no name of a column has these
# Tags are joined with ';' by our JSON reader and with blanks or commas by exports. Braces: `via_source` is JSON text.
_ITEMS = re.compile(r"[;,{}\s]+")

Cells = list[str | None]
Only = tuple[int, frozenset[str]]  # (column number, values in small letters)


@dataclass(frozen=True)
class Layout:
    """How one file is read: canonical field -> column number from 0."""

    preset: str
    columns: dict[str, int]
    exclusions: tuple[tuple[int, Reasons], ...] = ()
    unused: tuple[str, ...] = ()
    lists: frozenset[int] = field(default_factory=frozenset)
    only: Only | None = None  # the rows of the file that are cases
    as_of: tuple[int, ...] = ()  # of several rows of one id the latest by these columns counts
    where: tuple[tuple[int, Only], ...] = ()  # (column, where it is read; elsewhere it is blank)
    words: tuple[tuple[int, Mapping[str, str]], ...] = ()  # (column, what its codes stand for)

    @property
    def missing(self) -> tuple[str, ...]:
        """The fields without which figures say little, and for which no column was found."""
        return tuple(name for name in _MISSED if name not in self.columns)

    def rows(self, table: Table, reject: Reject) -> Iterator[Row]:
        """The table's rows that are cases: what other objects its file holds is skipped, and noted on the table."""
        return table.rows(reject) if self.only is None else self._some_rows(table, reject, *self.only)

    def _some_rows(self, table: Table, reject: Reject, column: int, values: frozenset[str]) -> Iterator[Row]:
        skipped = 0
        for line, cells in table.rows(reject):
            if (cells[column] or "").strip().lower() in values:
                yield line, cells
            else:
                skipped += 1
        if skipped:
            told = ngettext(
                "%(file)s holds %(count)s row that is no case (its '%(column)s' is not %(value)s); it was skipped.",
                "%(file)s holds %(count)s rows that are no cases (their '%(column)s' is not %(value)s); "
                "they were skipped.",
                skipped,
            )
            named = {"file": table.name, "column": table.columns[column], "value": _or(sorted(values))}
            table.note_once(told % {**named, "count": skipped})

    def read(self, cells: Cells) -> Cells:
        """The cells as they are meant: codes by their words, and blank what says nothing in this row.

        >>> names = ["id", "created_at", "requester_id", "responder_id", "source", "status", "stats_resolved_at"]
        >>> choose("t.json", names, "auto", {}).read(["1", "2026-01-05", "7", "9", "3", "2", "2026-01-05"])
        ['1', '2026-01-05', '7', '9', 'Phone', '2', '']
        """
        if not self.where and not self.words:
            return cells
        meant = cells.copy()
        for place, (column, values) in self.where:
            told = cells[column]
            if cells[place] and told is not None and told.strip().lower() not in values:
                meant[place] = ""
        for place, words in self.words:
            if code := meant[place]:
                meant[place] = words.get(code.strip(), code)
        return meant

    def excluded_by(self, cells: Sequence[str | None]) -> str:
        """Why the help desk's own data keeps this row out of the figures (outbound, spam, merged), or ''.

        >>> layout = choose("t.csv", ["id", "created_at", "requester_id", "via_channel", "status", "tags"], "auto", {})
        >>> layout.excluded_by(["1", "2026-01-05", "7", "email", "closed", "vip;closed_by_merge"])
        'merged'
        >>> layout.excluded_by(["1", "2026-01-05", "7", "email", "solved", "vip"])
        ''
        """
        for column, reasons in self.exclusions:
            cell = (cells[column] or "").strip().lower()
            if not cell:
                continue
            if ANYTHING in reasons:
                return reasons[ANYTHING]
            for word in _ITEMS.split(cell) if column in self.lists else (cell,):
                if word in reasons:
                    return reasons[word]
        return ""

    def sentence(self, names: Sequence[str]) -> str:
        """What was mapped: "Read as generic: external_id from 'case_id', ...; not used: ..."."""
        parts = [
            _("%(field)s from '%(column)s'") % {"field": field, "column": names[self.columns[field]]}
            for field in FIELDS
            if field in self.columns
        ]
        if self.exclusions:
            shown = (f"'{names[column]}' ({_values(reasons)})" for column, reasons in self.exclusions)
            parts.append(_("left out of the figures by %(columns)s") % {"columns": ", ".join(shown)})
        text = _("Read as %(preset)s: %(parts)s") % {"preset": self.preset, "parts": ", ".join(parts)}
        if self.only:
            told = _("; rows are cases where '%(column)s' is %(value)s")
            text += told % {"column": names[self.only[0]], "value": _or(sorted(self.only[1]))}
        if self.as_of:
            told = _("; of several rows of one case the latest by '%(column)s' counts")
            text += told % {"column": names[self.as_of[0]]}
        if self.missing:
            told = _("; no column for %(fields)s (name it with --map %(field)s=COLUMN)")
            text += told % {"fields": _and(self.missing), "field": self.missing[0]}
        if self.unused:
            text += _("; not used: %(columns)s") % {"columns": _some(self.unused)}
        return f"{text}."


def plain(name: str) -> str:
    """A column's name without the differences that exports make.

    >>> plain(' "Opened At"'), plain("OPENED-AT"), plain("Sagsnr.")
    ('opened_at', 'opened_at', 'sagsnr')
    """
    return re.sub(r"[\s\-]+", "_", normalize("NFC", name).strip().strip('"').strip().rstrip(".:?")).lower()


def choose(file: str, columns: Sequence[str], preset: str, overrides: Mapping[str, str | None]) -> Layout:
    """The layout of a table with these columns, for `preset` 'auto' or the name of one, and field -> column by hand.

    A field's column is, in this order: the one named by hand (None: none), the preset's, the one called like the field.
    Raises WrongUsage for a preset or a field that there is not, and CannotStart, with the file, line 1, the column and
    the remedy, for a table that cannot be read as a list of cases.

    >>> choose("a.csv", ["Case-ID", "opened_at", "notes"], "auto", {"external_id": "Case-ID"}).columns
    {'external_id': 0, 'opened_at': 1}
    """
    header = _Header(file, columns)
    by_hand = {field: None if column is None else header.named(field, column) for field, column in overrides.items()}
    if preset == "auto":
        chosen = next((known for known in PRESETS.values() if known.fits(header.names)), GENERIC)
    elif preset in PRESETS:
        chosen = PRESETS[preset]
    else:
        told = _("There is no preset '%(preset)s'. The presets are auto, %(known)s.")
        raise WrongUsage(told % {"preset": preset, "known": ", ".join(PRESETS)})

    unsaid = SHARED if chosen is GENERIC and not plainly_nordic(header.names) else frozenset()
    mapped: dict[str, int] = {}
    for name in FIELDS:
        candidates = [column for column in chosen.columns.get(name, (name,)) if column not in unsaid]
        index = by_hand[name] if name in by_hand else header.first(name, candidates)
        if index is not None:
            mapped[name] = index
    _refuse(header, chosen, mapped)

    exclusions: dict[int, Reasons] = {}
    for column, reasons in chosen.exclusions:
        index = header.first("the exclusion", (column,))
        if index is not None:
            exclusions[index] = reasons
    only = header.condition(chosen.only) if chosen.only else None
    as_of = [index for name in chosen.as_of if (index := header.first("the latest row", (name,))) is not None]
    own = {name: place for name, place in mapped.items() if name not in by_hand}
    where = {own[name]: header.condition(said) for name, said in chosen.where.items() if name in own}
    conditions = [condition for condition in (only, *where.values()) if condition]
    used = {*mapped.values(), *exclusions, *as_of, *(column for column, _values in conditions)}
    return Layout(
        preset=chosen.name,
        columns=mapped,
        exclusions=tuple(exclusions.items()),
        unused=tuple(name for index, name in enumerate(columns) if name and index not in used),
        lists=frozenset(index for index in exclusions if plain(columns[index]) in chosen.lists),
        only=only,
        as_of=tuple(as_of),
        where=tuple((place, condition) for place, condition in where.items() if condition),
        words=tuple((own[name], words) for name, words in chosen.words.items() if name in own),
    )


def _refuse(header: "_Header", chosen: Preset, mapped: Mapping[str, int]) -> None:
    """Raise when the chosen preset does not suit the table."""
    if chosen is GENERIC:
        missing = [name for name in NEEDED if name not in mapped]
        if missing:
            header.refuse_values()
            fault = _("%(file)s is not a list of cases: in line 1 it has no column for %(fields)s.")
            remedy = ngettext("Name it with %(options)s.", "Name them with %(options)s.", len(missing))
            named = {"file": header.file, "fields": _and(missing)}
            options = " ".join(f"--map {name}=COLUMN" for name in missing)
            raise CannotStart(f"{fault % named} {header.stranger()}{remedy % {'options': options}}")
        return
    alien = sorted(chosen.foreign & set(header.names))
    missing = [name for name in (NEEDED if chosen.fits(header.names) else _TELLING) if name not in mapped]
    if not missing and not alien:
        return
    other = next((known.name for known in PRESETS.values() if known.fits(header.names)), "")
    if alien:
        told = _("its column '%(column)s' belongs to another table")
        fault = told % {"column": header.columns[header.names[alien[0]][0]]}
    else:
        wanted = [f"{name} ({_or([repr(column) for column in chosen.columns[name]])})" for name in missing]
        fault = _("it has no column for %(fields)s") % {"fields": _and(wanted)}
    if other:
        remedy = _("It looks like %(preset)s: use --preset %(preset)s.") % {"preset": other}
    elif alien:
        remedy = _("Export the list of tickets and import that.")
    else:
        told = _("Name it with --map %(field)s=COLUMN, or choose another preset.")
        remedy = told % {"field": missing[0]}
    told = _("%(file)s, line 1, is not a ticket list of %(preset)s: %(fault)s.")
    raise CannotStart(f"{told % {'file': header.file, 'preset': chosen.name, 'fault': fault}} {remedy}")


class _Header:
    """A table's columns by their plain names, and the sentences for those that cannot be used."""

    def __init__(self, file: str, columns: Sequence[str]) -> None:
        self.file = file
        self.columns = columns
        self.names: dict[str, list[int]] = {}
        for index, column in enumerate(columns):
            if column.strip():
                self.names.setdefault(plain(column), []).append(index)

    def first(self, field: str, candidates: Iterable[str]) -> int | None:
        """The best of the candidates that the table has."""
        for name in candidates:
            if name in self.names:
                return self._only(field, self.names[name])
        return None

    def condition(self, where: tuple[str, frozenset[str]]) -> Only | None:
        """The condition with the column's number, or None where the table has no such column."""
        index = self.first("a condition", (where[0],))
        return None if index is None else (index, where[1])

    def named(self, field: str, column: str) -> int:
        """The column that somebody named by hand: spelt as in the header, else the same but for case and blanks."""
        named = {"file": self.file, "field": field, "column": column}
        if field not in FIELDS:
            near = difflib.get_close_matches(plain(field), FIELDS, 1)
            hint = (
                _("Did you mean %(field)s?") % {"field": near[0]}
                if near
                else _("The fields are %(fields)s.") % {"fields": ", ".join(FIELDS)}
            )
            told = _("--map %(field)s=%(column)s: a case has no field %(field)s.")
            raise WrongUsage(f"{told % named} {hint}")
        if not column.strip():
            told = _("--map %(field)s= names no column. Write --map %(field)s=COLUMN, or leave it out.")
            raise WrongUsage(told % named)
        exact = [index for index, name in enumerate(self.columns) if name == column.strip()]
        found = exact or self.names.get(plain(column), [])
        if found:
            return self._only(field, found)
        self.refuse_values()
        near = difflib.get_close_matches(plain(column), list(self.names), 3, 0.6)
        written = [f"'{self.columns[self.names[name][0]]}'" for name in near]
        there = [f"'{name}'" for name in self.columns if name.strip()]
        hint = (
            _("The nearest: %(columns)s.") % {"columns": ", ".join(written)}
            if near
            else _("It has %(columns)s.") % {"columns": _some(there)}
        )
        told = _("%(file)s, line 1, has no column '%(column)s' for %(field)s.")
        raise CannotStart(f"{told % named} {hint}")

    def _only(self, field: str, found: Sequence[int]) -> int:
        if len(found) > 1:
            told = _(
                "%(file)s, line 1, names the column '%(column)s' more than once (columns %(places)s), and %(field)s is "
                "read from it. Rename or remove all but one."
            )
            where = _and([str(index + 1) for index in found])
            named = {"file": self.file, "column": self.columns[found[0]], "places": where, "field": field}
            raise CannotStart(told % named)
        return found[0]

    def refuse_values(self) -> None:
        """Raise where the header seems to be missing: its cells are a row's, and perhaps somebody's address."""
        if any(_VALUE.search(name) for name in self.columns):
            told = _(
                "%(file)s is not a list of cases: line 1 looks like a row and not like the names of columns. "
                "Put a line with their names above it."
            )
            raise CannotStart(told % {"file": self.file})

    def stranger(self) -> str:
        """A sentence on the help desk whose other table this seems to be, or ''. One column in common is chance."""
        near = [known.name for known in PRESETS.values() if len(known.foreign & set(self.names)) > 1]
        if len(near) != 1:
            return ""
        told = _("It seems to be another table of %(preset)s: export its list of tickets and import that.")
        return f"{told % {'preset': near[0]}} "


def _values(reasons: Reasons) -> str:
    return ", ".join(_("any value") if value == ANYTHING else value for value in reasons)


def _and(words: Sequence[str]) -> str:
    if len(words) < 2:
        return "".join(words)
    return _("%(first)s and %(last)s") % {"first": ", ".join(words[:-1]), "last": words[-1]}


def _or(words: Sequence[str]) -> str:
    return _(" or ").join(words)


def _some(names: Sequence[str]) -> str:
    more = len(names) - _UNUSED_SHOWN
    shown = ", ".join(names[:_UNUSED_SHOWN])
    return _("%(columns)s and %(count)s more") % {"columns": shown, "count": more} if more > 0 else shown
