"""Reading JSON: a list of objects, an object that wraps one, a single object, or one object a line (NDJSON).

Nothing is held but one object and a sliding piece of text, so a file of 500 MB costs no more memory than one of 5 MB.
It is read twice: once for the columns, which are the keys of all objects in the order in which they first appear.
"""

import json
import math
import re
from collections.abc import Iterator
from itertools import chain
from typing import cast

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from rulebook.errors import CannotStart
from rulebook.tables.opening import SAMPLE, CutLine, Damaged, Opened
from rulebook.tables.table import Reject, Row, Table

LARGEST_OBJECT = 64 << 20  # characters
LONGEST_FIRST_LINE = 4 << 20  # bytes looked through for a line end, unless the name says .ndjson or .jsonl
MOST_COLUMNS = 2_000  # more different keys than this, and the file is a dictionary and no table
TRIM = 1 << 20  # characters already read that are kept before the text is cut

WRAPPERS = ("ticket", "helpdesk_ticket")  # keys under which an API hands out one record with others beside it

Flat = dict[str, str]

# NaN and the infinities are no JSON but are written all the same; they say "no value". Raw line ends and tabs inside
# strings are let pass for the same reason (strict=False).
_DECODER = json.JSONDecoder(parse_constant=lambda name: None, strict=False)
_BLANK = re.compile(r"[ \t\r\n]*")
_INSIDE = re.compile(r"\[[ \t\r\n]*([^ \t\r\n])")
_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|["{}\[\]]', re.DOTALL)

_TOO_LARGE = gettext_lazy("This object is larger than 64 MB: leave out what the import does not need.")
_DEEP = gettext_lazy("This object is nested too deeply to be read: leave out what the import does not need.")
_BROKEN = gettext_lazy("This object is not valid JSON: a quote, comma or bracket is missing or too many.")
_NO_OBJECT = gettext_lazy("This is not a JSON object with keys and values: write every row as {...}.")


class _Unreadable(Exception):
    """The text from here on cannot be told apart into values."""


def flatten(record: dict[str, object]) -> Flat:
    """One row's values by column. Objects inside go one level deep, lists of plain values are joined with ';'.

    >>> flatten({"id": 7.0, "via": {"channel": "chat", "to": {"a": 1}}, "tags": ["x", None, True], "by": None})
    {'id': '7', 'via_channel': 'chat', 'via_to': '{"a":1}', 'tags': 'x;true', 'by': ''}
    """
    flat: Flat = {}
    for key, value in record.items():
        name = key.strip()
        if isinstance(value, str):
            flat[name] = value if value.isascii() else _sound(value)
        elif isinstance(value, dict) and value:
            for inner, deeper in value.items():
                flat.setdefault(f"{name}_{inner.strip()}", _text(deeper))  # a key of the object's own goes first
        else:
            flat[name] = _text(value)
    return flat


def wrapped(value: dict[str, object]) -> str:
    """The key under which an object without an id holds a record with one, or ''.

    >>> wrapped({"ticket": {"id": 7}, "conversations": [{"id": 1}]}), wrapped({"id": 1, "ticket": {"id": 7}})
    ('ticket', '')
    """
    if "id" in value:
        return ""
    return next((key for key in WRAPPERS if isinstance(found := value.get(key), dict) and "id" in found), "")


def _text(value: object) -> str:
    if isinstance(value, str):
        return _sound(value)
    if value is None or value == [] or value == {}:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        if not math.isfinite(value):  # 1e999
            return ""
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, list) and not any(isinstance(item, (dict, list)) for item in value):
        return ";".join(text for item in value if (text := _text(item)))
    if isinstance(value, (dict, list)):
        return _sound(json.dumps(value, ensure_ascii=False, separators=(",", ":")))
    return str(value)


def _sound(text: str) -> str:
    """Half a surrogate pair cannot be stored anywhere: it becomes U+FFFD.

    >>> _sound("a" + chr(0xD800)) == "a" + chr(0xFFFD)
    True
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


class _Text:
    """A sliding piece of a long text. `value` and `skip` raise _Unreadable where the JSON ends or breaks."""

    def __init__(self, texts: Iterator[str]) -> None:
        self._texts = texts
        self._text = ""
        self._at = 0
        self._ended = False

    def _more(self) -> bool:
        """Read on, at least doubling what is ahead, so that a large object is tried a few times only."""
        if self._at > TRIM:
            self._text, self._at = self._text[self._at :], 0
        ahead = len(self._text) - self._at
        if self._ended or ahead > LARGEST_OBJECT:
            return False
        parts, wanted = [self._text], max(ahead, 1 << 16)
        while wanted > 0:
            piece = next(self._texts, None)
            if piece is None:
                self._ended = True
                break
            parts.append(piece)
            wanted -= len(piece)
        self._text = "".join(parts)
        return len(parts) > 1

    def peek(self) -> str:
        """The next character that is not blank, '' at the end of the file. It is not taken."""
        while True:
            if match := _BLANK.match(self._text, self._at):
                self._at = match.end()
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more():
                return ""

    def take(self, allowed: str) -> str:
        """Take the next character, which must be one of `allowed`."""
        found = self.peek()
        if not found or found not in allowed:
            raise _Unreadable
        self._at += 1
        return found

    def after_bracket(self) -> str:
        """The first character inside the list that begins here, '' where the file ends; nothing is taken."""
        while True:
            if match := _INSIDE.match(self._text, self._at):
                return match[1]
            if not self._more():
                return ""

    def value(self) -> object:
        """Take one JSON value. ValueError or RecursionError: it is all there or hopeless, and was not taken."""
        self.peek()
        while True:
            try:
                value, end = _DECODER.raw_decode(self._text, self._at)
            except json.JSONDecodeError as problem:
                unfinished = problem.msg.startswith("Unterminated") or problem.pos > len(self._text) - 16
                if not (unfinished and self._more()):
                    raise
            else:
                if end < len(self._text) or self._ended or not self._more():
                    self._at = end
                    return value

    def skip(self) -> str:
        """Step over a value that cannot be decoded, by its brackets. Gives the first 2,000 characters of it."""
        depth, at = 0, self._at
        while True:
            token = _TOKEN.search(self._text, at)
            if token is None or token[0] == '"':  # the text ends, perhaps inside a string
                offset = (token.start() if token else len(self._text)) - self._at
                if not self._more():
                    raise _Unreadable
                at = self._at + offset
                continue
            at = token.end()
            depth += {"{": 1, "[": 1, "}": -1, "]": -1}.get(token[0], 0)
            if depth <= 0:
                raw = self._text[self._at : min(at, self._at + 2_000)]
                self._at = at
                if self.peek() not in (",", "]") or not raw:
                    raise _Unreadable
                return raw


class ObjectsTable(Table):
    """A JSON or NDJSON file. `rows` numbers the lines of an NDJSON file and the objects of any other."""

    def __init__(self, opened: Opened, notes: list[str]) -> None:
        self._opened = opened
        self.name = opened.name
        self.notes = notes  # until the columns are known
        self.kind = "ndjson" if self._one_a_line() else "json"
        columns: dict[str, None] = {}
        refused: list[int] = []
        for _number, flat in self._flat(lambda rejected: refused.append(rejected.line)):
            if flat.keys() - columns.keys():
                columns.update(dict.fromkeys(flat))
                if len(columns) > MOST_COLUMNS:
                    raise CannotStart(
                        _(
                            "%(file)s has more than %(most)s different keys, so it is no table of records. "
                            "Export it as a list of objects which share their keys."
                        )
                        % {"file": self.name, "most": f"{MOST_COLUMNS:,}"}
                    )
        if not columns and not refused:
            raise CannotStart(_("%(file)s is empty. Export it again, with at least one object.") % {"file": self.name})
        if not columns:
            bare = _("%(file)s holds no object with keys. Export it as a list of objects, or as CSV.")
            raise CannotStart(bare % {"file": self.name})
        super().__init__(opened.name, list(columns))
        self.notes[:0] = notes

    def position(self) -> tuple[int, int]:
        return self._opened.consumed, self._opened.size

    def rows(self, reject: Reject) -> Iterator[Row]:
        columns = self.columns
        for number, flat in self._flat(reject):
            yield number, [flat.get(column) for column in columns]

    def _one_a_line(self) -> bool:
        """By the name, or because the first line is a whole object and another line follows."""
        if self._opened.sample.lstrip().startswith(b"["):
            return False
        if self.name.lower().removesuffix(".gz").endswith((".ndjson", ".jsonl")):
            return True
        start, ended = bytearray(), False
        try:
            for block in self._opened.blocks():
                start += block if start else block.lstrip()
                ended = ended or b"\n" in start
                if ended and start.partition(b"\n")[2].strip():
                    break
                if len(start) > LONGEST_FIRST_LINE:
                    return False
            first, _end, rest = start.partition(b"\n")
            return bool(rest.strip()) and isinstance(_DECODER.decode(first.decode("utf-8", "replace")), dict)
        except (Damaged, ValueError, RecursionError):
            return False

    def _flat(self, reject: Reject) -> Iterator[tuple[int, Flat]]:
        if self.kind == "ndjson":
            return self._flat_lines(reject)
        return self._flat_elements(reject)

    def _flat_lines(self, reject: Reject) -> Iterator[tuple[int, Flat]]:
        number = 0
        try:
            for number, line in enumerate(chain.from_iterable(self._opened.lines(LARGEST_OBJECT)), 1):
                if not (text := line.strip()):
                    continue
                try:
                    value = _DECODER.decode(text)
                    flat = self._record(value) if isinstance(value, dict) else None
                except RecursionError:
                    reject(self.rejected(number, str(_DEEP), text))
                    continue
                except ValueError:
                    reject(self.rejected(number, str(_TOO_LARGE if type(line) is CutLine else _BROKEN), text))
                    continue
                if flat is None:
                    reject(self.rejected(number, str(_NO_OBJECT), text))
                    continue
                yield number, flat
        except Damaged:
            cut = _("%(file)s ends in the middle: the gzip is damaged after line %(line)s. Fetch it again.")
            raise CannotStart(cut % {"file": self.name, "line": number}) from None

    def _flat_elements(self, reject: Reject) -> Iterator[tuple[int, Flat]]:
        text = _Text(self._opened.texts())
        number = 0
        try:
            values = self._list(text, reject) if text.peek() == "[" else self._wrapper(text, reject)
            for number, flat in values:
                if flat is not None:
                    yield number, flat
            if text.peek():
                raise _Unreadable
        except Damaged:
            cut = _("%(file)s ends in the middle: the gzip is damaged after object %(number)s. Fetch it again.")
            raise CannotStart(cut % {"file": self.name, "number": number}) from None
        except (_Unreadable, ValueError, RecursionError):
            raise CannotStart(
                _(
                    "The rest of %(file)s cannot be read as JSON after object %(number)s. "
                    "Export it again, as one list of objects or with one object a line."
                )
                % {"file": self.name, "number": number}
            ) from None

    def _wrapper(self, text: _Text, reject: Reject) -> Iterator[tuple[int, Flat | None]]:
        """The first list of objects inside the object that begins here; without such a list, the object itself.

        An object with an id is no wrapper but a record, and its lists (comments, attachments) are values. So is one
        that holds a ticket with an id.
        """
        text.take("{")
        members: dict[str, object] = {}
        record = self._is_record()
        found = text.peek() == "}" and text.take("}") == "}"
        ended = found
        while not ended:
            if text.peek() != '"':
                raise _Unreadable
            key = str(text.value())
            text.take(":")
            record = record or "id" in members or bool(wrapped(members))
            if not (found or record) and text.peek() == "[" and text.after_bracket() == "{":
                found = True
                one_list = _("The rows of %(file)s are those of its list '%(key)s'; the rest was not read.")
                self.note_once(one_list % {"file": self.name, "key": key[:80]})
                yield from self._list(text, reject)
            else:
                value = text.value()
                if not found:
                    members[key] = value
            ended = text.take(",}") == "}"
        if not found and list(members.values()) != [[]]:
            yield 1, self._record(members)

    def _record(self, value: dict[str, object]) -> Flat:
        """The values of an object, or of the one record that it wraps."""
        key = wrapped(value)
        if not key:
            return flatten(value)
        if len(value) > 1:
            beside = _("The rows of %(file)s are its objects '%(key)s'; what stands beside them was not read.")
            self.note_once(beside % {"file": self.name, "key": key})
        return flatten(cast(dict[str, object], value[key]))

    def _is_record(self) -> bool:
        """Whether the file is small and one object with an id, or with a ticket, wherever in it these stand."""
        if len(self._opened.sample) >= SAMPLE:
            return False
        try:
            value = _DECODER.decode(self._opened.sample.decode("utf-8", "replace").strip())
        except (ValueError, RecursionError):
            return False
        return isinstance(value, dict) and (isinstance(value.get("id"), (str, int)) or bool(wrapped(value)))

    def _list(self, text: _Text, reject: Reject) -> Iterator[tuple[int, Flat | None]]:
        """(number, object) of the list that begins here; None for an object that was rejected."""
        text.take("[")
        if text.peek() == "]":
            text.take("]")
            return
        number = 0
        while True:
            number += 1
            yield number, self._element(text, number, reject)
            if text.take(",]") == "]":
                return

    def _element(self, text: _Text, number: int, reject: Reject) -> Flat | None:
        begins = text.peek()
        try:
            value = text.value()
        except (ValueError, RecursionError) as problem:
            if begins not in ("{", "["):
                raise
            reason = str(_DEEP if isinstance(problem, RecursionError) else _BROKEN)
            reject(self.rejected(number, reason, text.skip()))
            return None
        reason, raw = str(_NO_OBJECT), ""
        try:
            if isinstance(value, dict):
                return self._record(value)
            raw = _text(value)
        except RecursionError:
            reason = str(_DEEP)
        reject(self.rejected(number, reason, raw))
        return None
