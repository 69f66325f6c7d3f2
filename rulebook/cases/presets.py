"""Which column of a help desk's table is which field of a case: presets as data, one function that chooses.

No ORM here. A preset is a few rows of data below; a new help desk is a new row, never a new branch.
"""

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from rulebook.errors import CannotStart, WrongUsage

FIELDS = (
    "external_id", "opened_at", "closed_at", "channel", "topic", "customer", "agent", "team", "handoffs", "reopens",
    "replies", "handle_seconds", "declared", "survey", "direction", "excluded", "rules", "text",
)  # fmt: skip
NEEDED = ("external_id", "opened_at")
# Without these a table has no repeat contacts: asked of a preset that is named by hand, and missed aloud in `sentence`.
_TELLING = (*NEEDED, "customer")
_UNUSED_SHOWN = 12
_VALUE = re.compile(r"@|[0-9]{4}|[0-9][-/.:][0-9]")  # an address, a number, a date: no name of a column has these

Reasons = Mapping[str, str]


@dataclass(frozen=True)
class Preset:
    """One help desk's ticket file. All names are in the form of `plain`: small letters, '_' for blanks and hyphens."""

    name: str
    signatures: tuple[frozenset[str], ...]  # the file is this help desk's when it has all columns of one of them
    columns: Mapping[str, tuple[str, ...]]  # field -> its columns, best first
    exclusions: tuple[tuple[str, Reasons], ...] = ()  # (column, {value in small letters: why it counts in no figure})
    lists: frozenset[str] = frozenset()  # columns of `exclusions` whose cell holds several values
    foreign: frozenset[str] = frozenset()  # columns that only the product's other tables have

    def fits(self, names: Iterable[str]) -> bool:
        there = set(names)
        return not there & self.foreign and any(signature <= there for signature in self.signatures)


@dataclass(frozen=True)
class Layout:
    """How one file is read: canonical field -> column number from 0."""

    preset: str
    columns: dict[str, int]
    exclusions: tuple[tuple[int, Reasons], ...] = ()
    unused: tuple[str, ...] = ()
    lists: frozenset[int] = field(default_factory=frozenset)

    def excluded_by(self, cells: Sequence[str | None]) -> str:
        """Why the help desk's own data keeps this row out of the figures (outbound, spam, merged), or ''.

        >>> layout = choose("t.csv", ["id", "created_at", "requester_id", "via_channel", "status", "tags"], "auto", {})
        >>> layout.excluded_by(["1", "2026-01-05", "7", "email", "closed", "vip;closed_by_merge"])
        'merged'
        >>> layout.excluded_by(["1", "2026-01-05", "7", "email", "solved", "vip"])
        ''
        """
        for column, reasons in self.exclusions:
            cell = cells[column]
            if not cell:
                continue
            words = _ITEMS.split(cell.lower()) if column in self.lists else (cell.strip().lower(),)
            for word in words:
                if word in reasons:
                    return reasons[word]
        return ""

    def sentence(self, names: Sequence[str]) -> str:
        """What was mapped: "Read as generic: external_id from 'case_id', ...; not used: ..."."""
        parts = [f"{field} from '{names[self.columns[field]]}'" for field in FIELDS if field in self.columns]
        if self.exclusions:
            shown = (f"'{names[column]}' ({', '.join(reasons)})" for column, reasons in self.exclusions)
            parts.append(f"left out of the figures by {', '.join(shown)}")
        text = f"Read as {self.preset}: {', '.join(parts)}"
        missing = [name for name in ("customer", "topic") if name not in self.columns]
        if missing:
            text += f"; no column for {_and(missing)} (name it with --map {missing[0]}=COLUMN)"
        if self.unused:
            more = len(self.unused) - _UNUSED_SHOWN
            text += f"; not used: {', '.join(self.unused[:_UNUSED_SHOWN])}" + (f" and {more} more" if more > 0 else "")
        return f"{text}."


def plain(name: str) -> str:
    """A column's name without the differences that exports make.

    >>> plain(' "Opened At"'), plain("OPENED-AT")
    ('opened_at', 'opened_at')
    """
    return re.sub(r"[\s\-]+", "_", name.strip().strip('"').strip()).lower()


def choose(file: str, columns: Sequence[str], preset: str, overrides: Mapping[str, str]) -> Layout:
    """The layout of a table with these columns, for `preset` 'auto' or the name of one, and field -> column by hand.

    A field's column is, in this order: the one named by hand, the preset's, the one called like the field. Raises
    WrongUsage for a preset or a field that there is not, and CannotStart, with the file, line 1, the column and the
    remedy, for a table that cannot be read as a list of cases.

    >>> choose("a.csv", ["Case-ID", "opened_at", "notes"], "auto", {"external_id": "Case-ID"}).columns
    {'external_id': 0, 'opened_at': 1}
    """
    header = _Header(file, columns)
    by_hand = {field: header.named(field, column) for field, column in overrides.items()}
    if preset == "auto":
        chosen = next((known for known in PRESETS.values() if known.fits(header.names)), GENERIC)
    elif preset in PRESETS:
        chosen = PRESETS[preset]
    else:
        raise WrongUsage(f"There is no preset '{preset}'. The presets are auto, {', '.join(PRESETS)}.")

    mapped: dict[str, int] = {}
    for name in FIELDS:
        candidates = chosen.columns.get(name, (name,))
        index = by_hand[name] if name in by_hand else header.first(name, candidates)
        if index is not None:
            mapped[name] = index
    _refuse(header, chosen, mapped)

    exclusions: dict[int, Reasons] = {}
    for column, reasons in chosen.exclusions:
        index = header.first("the exclusion", (column,))
        if index is not None:
            exclusions[index] = reasons
    used = {*mapped.values(), *exclusions}
    return Layout(
        preset=chosen.name,
        columns=mapped,
        exclusions=tuple(exclusions.items()),
        unused=tuple(name for index, name in enumerate(columns) if name and index not in used),
        lists=frozenset(index for index in exclusions if plain(columns[index]) in chosen.lists),
    )


def _refuse(header: "_Header", chosen: Preset, mapped: Mapping[str, int]) -> None:
    """Raise when the chosen preset does not suit the table."""
    if chosen is GENERIC:
        missing = [name for name in NEEDED if name not in mapped]
        if missing:
            them = "it" if len(missing) == 1 else "them"
            header.refuse_values()
            raise CannotStart(
                f"{header.file} is not a list of cases: in line 1 it has no column for {_and(missing)}. "
                f"Name {them} with {' '.join(f'--map {name}=COLUMN' for name in missing)}."
            )
        return
    alien = sorted(chosen.foreign & set(header.names))
    missing = [name for name in (NEEDED if chosen.fits(header.names) else _TELLING) if name not in mapped]
    if not missing and not alien:
        return
    other = next((known.name for known in PRESETS.values() if known.fits(header.names)), "")
    remedy = f"It looks like {other}: use --preset {other}." if other else "Export the list of tickets and import that."
    if alien:
        fault = f"its column '{header.columns[header.names[alien[0]][0]]}' belongs to another table"
    else:
        wanted = _and([f"{name} ({_or(chosen.columns[name])})" for name in missing])
        fault = f"it has no column for {wanted}"
        if not other:
            remedy = f"Name it with --map {missing[0]}=COLUMN, or choose another preset."
    raise CannotStart(f"{header.file}, line 1, is not a ticket list of {chosen.name}: {fault}. {remedy}")


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

    def named(self, field: str, column: str) -> int:
        """The column that somebody named by hand: spelt as in the header, else the same but for case and blanks."""
        if field not in FIELDS:
            near = difflib.get_close_matches(plain(field), FIELDS, 1)
            hint = f"Did you mean {near[0]}?" if near else f"The fields are {', '.join(FIELDS)}."
            raise WrongUsage(f"--map {field}={column}: a case has no field {field}. {hint}")
        if not column.strip():
            raise WrongUsage(f"--map {field}= names no column. Write --map {field}=COLUMN, or leave it out.")
        exact = [index for index, name in enumerate(self.columns) if name == column.strip()]
        found = exact or self.names.get(plain(column), [])
        if found:
            return self._only(field, found)
        self.refuse_values()
        near = difflib.get_close_matches(plain(column), list(self.names), 3, 0.6)
        written = [f"'{self.columns[self.names[name][0]]}'" for name in near]
        hint = f"The nearest: {', '.join(written)}." if near else f"It has {self._some()}."
        raise CannotStart(f"{self.file}, line 1, has no column '{column}' for {field}. {hint}")

    def _only(self, field: str, found: Sequence[int]) -> int:
        if len(found) > 1:
            where = _and([str(index + 1) for index in found])
            raise CannotStart(
                f"{self.file}, line 1, names the column '{self.columns[found[0]]}' more than once (columns {where}), "
                f"and {field} is read from it. Rename or remove all but one."
            )
        return found[0]

    def refuse_values(self) -> None:
        """Raise where the header seems to be missing: its cells are a row's, and perhaps somebody's address."""
        if any(_VALUE.search(name) for name in self.columns):
            raise CannotStart(
                f"{self.file} is not a list of cases: line 1 looks like a row and not like the names of columns. "
                "Put a line with their names above it."
            )

    def _some(self) -> str:
        named = [f"'{name}'" for name in self.columns if name.strip()]
        more = len(named) - _UNUSED_SHOWN
        return ", ".join(named[:_UNUSED_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _and(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _or(names: Sequence[str]) -> str:
    return " or ".join(f"'{name}'" for name in names)


def _both(*names: str) -> tuple[str, ...]:
    """A ServiceNow field as a reference (its id in `_value`) and bare. Where only some rows have the reference, a JSON
    file has both columns, and the bare one is then blank in all rows that matter."""
    return tuple(form for name in names for form in (f"{name}_value", name))


# Tags are joined with ';' by our JSON reader and with blanks or commas by exports. Braces: `via_source` is JSON text.
_ITEMS = re.compile(r"[;,{}\s]+")

# Figures of a table of our own are decided by its maker: no status, tag or code is looked at.
GENERIC = Preset(name="generic", signatures=(), columns={name: (name,) for name in FIELDS})

# The ticket object of the API, its copy in a warehouse, and the account's CSV export ("Requester id", "Ticket type").
# Not mapped: `external_id` (another system's number, often blank; the ticket's own is `id`), `type` (question,
# incident, problem, task: how agents sort, not what the customer asked; --map topic=... takes a field of your own),
# satisfaction ratings (to like the help is not to have been helped), assignee stations (one more than the handoffs).
ZENDESK = Preset(
    name="zendesk",
    signatures=(
        frozenset({"id", "created_at", "requester_id", "status", "via_channel"}),
        frozenset({"id", "created_at", "requester_id", "status", "submitter_id", "assignee_id"}),
        frozenset({"id", "created_at", "requester_id", "status", "via", "ticket_type"}),
    ),
    columns={
        "external_id": ("id",),
        "opened_at": ("created_at",),
        "closed_at": ("metric_set_solved_at", "solved_at"),
        "channel": ("via_channel", "via"),
        "customer": ("requester_id",),
        "agent": ("assignee_id",),
        "team": ("group", "group_id"),
        "reopens": ("metric_set_reopens", "reopens"),
        "replies": ("metric_set_replies", "replies"),  # public replies by agents
        "handle_seconds": ("total_time_spent_(sec)", "total_time_spent_(sec)[int]"),  # of the Time Tracking app
        "text": ("description",),
    },
    exclusions=(
        # Deleted tickets are in no report of Zendesk's either. "Mark as spam" is what deletes a ticket and its sender;
        # nothing in the row tells it from a ticket deleted for another reason.
        ("status", {"deleted": "spam"}),
        # Set by Zendesk on the ticket that was closed when it was merged into another, which holds the contact.
        ("tags", {"closed_by_merge": "merged"}),
        # A call that the agent made; `rel` is 'inbound' or 'voicemail' for the customer's own.
        ("via_source_rel", {"outbound": "outbound"}),
        ("via_source", {'"rel":"outbound"': "outbound"}),
    ),
    lists=frozenset({"tags", "via_source"}),
    foreign=frozenset({"ticket_id", "chat_id"}),
)

# The incident table and the task table below it: exported by ServiceNow itself (field names in CSV and JSON, labels in
# Excel; all nested with `sysparm_display_value=all`), or copied to a warehouse, where references are `..._value`.
# The task table has no caller and holds changes and problems too, told apart by `sys_class_name`, here the topic.
# Not mapped: `opened_by` (the agent who took the call, as a rule), the durations and `..._stc` (time until resolved,
# waiting included, not time worked). A canceled incident stays in: it may be a duplicate, unnecessary or none at all,
# and the row does not say which.
SERVICENOW = Preset(
    name="servicenow",
    signatures=(
        frozenset({"number", "opened_at", "caller_id"}),
        frozenset({"number", "opened_at", "caller_id_value"}),
        frozenset({"number_value", "opened_at_value", "caller_id_value"}),
        frozenset({"sys_id", "sys_created_on", "caller_id"}),
        frozenset({"sys_id", "sys_created_on", "caller_id_value"}),
        frozenset({"number", "opened", "caller", "assignment_group"}),
        frozenset({"number", "opened_at", "sys_class_name", "contact_type", "reassignment_count"}),
    ),
    columns={
        "external_id": _both("number", "sys_id"),
        "opened_at": (*_both("opened_at"), "opened", *_both("sys_created_on")),
        # Resolved incidents are closed by a timer days later: `resolved_at` is when the work was done.
        "closed_at": (*_both("resolved_at"), "resolved", *_both("closed_at"), "closed"),
        "channel": (*_both("contact_type"), "channel"),
        "topic": (*_both("category", "sys_class_name"), "task_type"),
        "customer": (*_both("caller_id"), "caller"),
        "agent": _both("assigned_to", "resolved_by"),
        "team": _both("assignment_group"),
        "handoffs": _both("reassignment_count"),
        "reopens": _both("reopen_count"),
        "text": _both("description", "short_description"),
    },
    # "Duplicate" is a resolution code of the base system: the same incident had been recorded already.
    exclusions=(
        ("close_code", {"duplicate": "merged"}),
        ("close_code_value", {"duplicate": "merged"}),
        ("resolution_code", {"duplicate": "merged"}),
    ),
    foreign=frozenset(
        {
            *("backout_plan", "cab_required", "change_task_type"),
            *("known_error", "problem_state", "problem_task_type"),
            *("cat_item", "request_item"),
        }
    ),
)

PRESETS: dict[str, Preset] = {preset.name: preset for preset in (GENERIC, ZENDESK, SERVICENOW)}
