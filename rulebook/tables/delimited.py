"""Reading delimited text (CSV, TSV, semicolons, bars): every good row is kept, whatever stands between them.

The csv module does the splitting. Around it: when a quote is never closed, only the physical line where that record
began is rejected; the lines read in vain are pushed back and read again. What cannot be seen from the text alone is a
stray quote that a later one closes exactly where a cell may end, with the right number of cells: that is valid CSV.
"""

import csv
from collections import deque
from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from rulebook.errors import CannotStart
from rulebook.tables.opening import CutLine, Damaged, Opened
from rulebook.tables.table import RAW_SHOWN, Reject, Row, Table

SEPARATORS = ",;\t|"  # in the order that settles a tie
LONGEST_RECORD = 32 << 20  # characters; memory stays below a few times this
MOST_LINES = 1_000_000  # of one record: short lines cost more memory than their characters
SHORTEST_SPAN = 4096  # characters that a record may span even in a file full of stray quotes
REREAD_FREELY = 64 << 20  # characters read again before the span of a record is narrowed

# The module's own limit is 131,072 characters. It is one number for the whole process, hence never lowered, and the
# limits above are what protects memory.
csv.field_size_limit(max(csv.field_size_limit(), 2 * LONGEST_RECORD))

_NEVER_CLOSED = gettext_lazy(
    "A quote is opened here and never closed: close it, or double it where it is part of the text."
)
_STRAY = gettext_lazy(
    "Something follows a closing quote other than a separator: double the quote where it is part of the text."
)
_TOO_LONG = gettext_lazy(
    "This line is longer than 32 MB: a line end or a quote is missing, or the file is not a table."
)


class _Overrun(Exception):
    """A record spans more than it may. Raised by the feed, in the middle of the csv module's reading."""


class _Feed:
    """Physical lines for csv.reader, remembered since the record's start so that they can be pushed back.

    `record` holds the lines of the record being read; whoever takes a record clears it.
    """

    def __init__(self, opened: Opened) -> None:
        self.record: list[str] = []
        self._opened = opened
        self._blocks = opened.lines(LONGEST_RECORD)
        self._block: Iterator[str] = iter(())
        self._pending: deque[str] = deque()
        self._limit = LONGEST_RECORD
        self._reread = 0

    def lines(self) -> Iterator[str]:
        record, pending = self.record, self._pending
        span = 0
        while True:
            while pending:
                line = pending.popleft()
                span = span + len(line) if record else len(line)
                record.append(line)
                if (span > self._limit and len(record) > 1) or type(line) is CutLine:
                    raise _Overrun
                yield line
            for line in self._block:
                record.append(line)
                yield line
            block = next(self._blocks, None)
            if block is None:
                return
            if type(block[0]) is CutLine or (record and self._overrun()):
                pending.extend(block)
                if type(block[0]) is not CutLine:
                    raise _Overrun
            else:
                self._block = iter(block)
            span = sum(map(len, record))

    def _overrun(self) -> bool:
        return len(self.record) > MOST_LINES or sum(map(len, self.record)) > self._limit

    def push_back(self) -> str:
        """Take the record apart: its first line is returned, the others will be read again.

        A file of stray quotes would be read again from every line, which is quadratic. So the total read again is kept
        to 64 MB plus twice the file: beyond that, a record may span 4,096 characters only.
        """
        first, *others = self.record
        self.record.clear()
        self._pending.extendleft(reversed(others))
        self._reread += sum(map(len, others)) + 32 * len(others)
        left = REREAD_FREELY + 2 * self._opened.inflated - self._reread
        self._limit = min(LONGEST_RECORD, max(SHORTEST_SPAN, left))
        return first


class DelimitedTable(Table):
    """A CSV or TSV file. Rows of empty cells only are skipped and noted; blank lines are skipped."""

    kind = "csv"

    def __init__(self, opened: Opened, notes: list[str]) -> None:
        self._opened = opened
        self._directive, self._separator = self._sniff()
        self._header = self._read_header()
        super().__init__(opened.name, [name.strip().lstrip("\ufeff") for name in self._header])
        self._needed = max(number for number, name in enumerate(self.columns, 1) if name)
        self.notes[:0] = notes

    def _sniff(self) -> tuple[bool, str]:
        """(whether line 1 is Excel's 'sep=;', the separator: the most frequent one outside quotes in line 1)."""
        try:
            lines = (line for block in self._opened.lines(LONGEST_RECORD) for line in block if line.strip())
            first = next(lines, "")
        except Damaged:
            raise self._damaged_at_once() from None
        if not first.replace("\0", "").strip():
            raise self._empty()
        bare = first.rstrip("\r\n")
        if bare[:4].lower() == "sep=" and len(bare) == 5:
            return True, bare[4]
        if self._opened.name.lower().endswith((".tsv", ".tsv.gz")):
            return False, "\t"
        outside = "".join(first.split('"')[::2])
        return False, max(SEPARATORS, key=outside.count)

    def _reader(self, feed: _Feed) -> Any:  # csv.reader is a function, its result has no public name
        return csv.reader(feed.lines(), delimiter=self._separator, strict=True)

    def _read_header(self) -> list[str]:
        feed = _Feed(self._opened)
        try:
            reader = self._reader(feed)
            if self._directive:
                next(row for row in reader if row)
            header: list[str] | None = next((row for row in reader if any(name.strip() for name in row)), None)
        except (csv.Error, _Overrun):
            raise CannotStart(
                _(
                    "The header of %(file)s holds a quote that is never closed, or no line end. "
                    "Mend its first line and import it again."
                )
                % {"file": self._opened.name}
            ) from None
        except Damaged:
            raise self._damaged_at_once() from None
        if header is None:
            raise self._empty()
        return header

    def _damaged_at_once(self) -> CannotStart:
        return CannotStart(
            _("%(file)s is a gzip damaged before its first row. Fetch it again.") % {"file": self._opened.name}
        )

    def _empty(self) -> CannotStart:
        return CannotStart(_("%(file)s is empty. Export it again, with a header line.") % {"file": self._opened.name})

    def position(self) -> tuple[int, int]:
        return self._opened.consumed, self._opened.size

    def rows(self, reject: Reject) -> Iterator[Row]:
        feed = _Feed(self._opened)
        record = feed.record
        width = -1  # until the header has passed no row is taken for a good one
        directive = self._directive
        line = 1
        while True:
            reader = self._reader(feed)
            before = line
            try:
                for row in reader:
                    if len(row) == width and (row[0] or any(row)):
                        yield line, row
                    elif directive:
                        directive = not row  # blank lines may stand before it
                    elif width > 0:
                        cells = self._odd_row(row, line, record, reject)
                        if cells:
                            yield line, cells
                    elif any(name.strip() for name in row):
                        width = self._same_header(row)
                    record.clear()
                    line = before + reader.line_num
                return
            except (csv.Error, _Overrun):
                reject(self.rejected(line, self._fault(record), feed.push_back()))
                line += 1
            except Damaged:
                raise CannotStart(
                    _("%(file)s ends in the middle: the gzip is damaged after line %(line)s. Fetch it again.")
                    % {"file": self.name, "line": line - 1}
                ) from None

    def _same_header(self, row: list[str]) -> int:
        if row != self._header:
            changed = _("%(file)s changed while it was read. Import it again when nobody writes to it.")
            raise CannotStart(changed % {"file": self.name})
        return len(row)

    def _fault(self, record: list[str]) -> str:
        if type(record[0]) is CutLine:
            return str(_TOO_LONG)
        inside = len(record) > 1 or _ends_inside_quotes(record[0], self._separator)
        return str(_NEVER_CLOSED if inside else _STRAY)

    def _odd_row(self, row: list[str], line: int, record: list[str], reject: Reject) -> list[str | None] | None:
        """A row that is blank, or has not the header's width: mended, or None; _Overrun when it swallowed rows."""
        width = len(self.columns)
        if not any(cell.strip() for cell in row):
            if len(row) > 1:
                self.note_once(_("%(file)s has rows without any value; they were skipped.") % {"file": self.name})
            return None
        if len(record) > 1 and width > 1 and any(self._is_row(other) for other in record[1:]):
            # Two stray quotes paired up over whole rows. Rejecting the record, or mending it, would lose these rows.
            raise _Overrun
        if self._needed <= len(row) <= width:
            return [*row, *[""] * (width - len(row))]
        if len(row) > width and not any(cell.strip() for cell in row[width:]):
            return [*row[:width]]
        reason = ngettext(
            "%(count)s field where the header has %(width)s: a separator or a quote is missing or too many.",
            "%(count)s fields where the header has %(width)s: a separator or a quote is missing or too many.",
            len(row),
        ) % {"count": len(row), "width": width}
        reject(self.rejected(line, reason, "".join(record[:RAW_SHOWN])))
        return None

    def _is_row(self, line: str) -> bool:
        try:
            return len(next(csv.reader([line], delimiter=self._separator, strict=True), ())) == len(self.columns)
        except csv.Error:
            return False


def _ends_inside_quotes(line: str, separator: str) -> bool:
    """Whether a line by itself fails only because it ends before its quote is closed.

    >>> _ends_inside_quotes('1,"two', ","), _ends_inside_quotes('1,"two"3', ",")
    (True, False)
    """
    try:
        next(csv.reader([line, '"'], delimiter=separator, strict=True), None)
    except csv.Error:
        return False
    return True
