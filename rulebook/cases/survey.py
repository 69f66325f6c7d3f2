"""The first pass over the files of an import: which ids come twice, and how many rows there are.

Of equal ids in one run the last good row wins, or the latest where rows tell when they were true, but rows are stored
as they are read. Knowing the repeated ids beforehand is what makes a second run of the same file change nothing. Memory
is bounded: bit maps of fixed size, and a nameless file on disk, gone with the process, for the ids that come again and
their newest row. Parsed rows hold pseudonyms only.
"""

import pickle
import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence

from django.utils.translation import gettext as _

from rulebook.cases.parsing import ParsedCase, merged
from rulebook.errors import CannotStart

BITS = 1 << 26
MASK = BITS - 1
SLASHES = re.compile(r" *([0-9]{1,2})/([0-9]{1,2})/[0-9]{4}")


class Seen:
    """Texts that were probably there before: two bits of one hash each (a Bloom filter).

    Of a million texts a few in ten thousand are taken for seen though they are new; never the other way round.
    """

    def __init__(self) -> None:
        self._bits = bytearray(BITS >> 3)

    def __contains__(self, text: str) -> bool:
        number = hash(text)
        first, second = number & MASK, (number >> 32) & MASK
        return bool(self._bits[first >> 3] & 1 << (first & 7) and self._bits[second >> 3] & 1 << (second & 7))

    def add(self, text: str) -> None:
        number = hash(text)
        first, second = number & MASK, (number >> 32) & MASK
        self._bits[first >> 3] |= 1 << (first & 7)
        self._bits[second >> 3] |= 1 << (second & 7)


class DayOrder:
    """Tells a file whose dates have the month first, which would be stored on wrong days up to the 12th of each month.

    Only dates with slashes can be meant so. A file that also has a day above 12 in front is day-first with a slip in
    it: its bad rows are rejected one by one.
    """

    def __init__(self, file: str, column: str) -> None:
        self._file, self._column = file, column
        self._month_first = 0  # the first line that shows it
        self._day_first = self._either = False

    def watch(self, rows: Iterable[tuple[int, list[str | None]]], place: int) -> Iterator[list[str | None]]:
        for line, cells in rows:
            text = cells[place]
            if text and "/" in text and (match := SLASHES.match(text)):
                first, second = int(match[1]), int(match[2])
                self._day_first |= first > 12
                self._either |= first <= 12 and second <= 12
                if second > 12 and not self._month_first:
                    self._month_first = line
            yield cells

    def check(self) -> None:
        """Raise CannotStart where the month stands first and some date would be read the other way round."""
        if self._month_first and self._either and not self._day_first:
            raise CannotStart(
                _(
                    "%(file)s, line %(line)s, column %(column)s: the month stands before the day. "
                    "Export the dates as YYYY-MM-DD."
                )
                % {"file": self._file, "line": self._month_first, "column": self._column}
            )


class Survey:
    """What one pass over every id of every file has learnt. Then it holds rows back until their id comes no more."""

    def __init__(self) -> None:
        self.rows = 0
        self.lookalikes: set[str] = set()  # lower-case spellings that several ids may share
        self._again = Seen()
        self._disk = sqlite3.connect("", isolation_level=None)
        self._disk.execute("PRAGMA journal_mode=OFF")
        self._disk.execute("CREATE TABLE held (id BLOB PRIMARY KEY, coming INTEGER, row BLOB) WITHOUT ROWID")

    def look(
        self,
        rows: Iterable[Sequence[str | None]],
        id_of: Callable[[Sequence[str | None]], str],
        seen: Seen,
        seen_lower: Seen,
    ) -> None:
        """Read the ids of one file. The two `Seen` are shared by the files of a run, and needed for this pass only."""
        for cells in rows:
            self.rows += 1
            external_id = id_of(cells)
            if external_id in seen:
                self._again.add(external_id)
                self._disk.execute(
                    "INSERT INTO held VALUES (?, 2, NULL) ON CONFLICT DO UPDATE SET coming = coming + 1",
                    [_key(external_id)],
                )
                continue
            seen.add(external_id)
            if not external_id.isdigit():
                lower = external_id.lower()
                if lower in seen_lower:
                    self.lookalikes.add(lower)
                else:
                    seen_lower.add(lower)

    def comes_again(self, external_id: str) -> bool:
        """Whether the id stands in several rows; hardly ever also for one that does not."""
        return external_id in self._again

    def hold(self, external_id: str, row: ParsedCase | None) -> tuple[ParsedCase | None, bool]:
        """(the row to be stored now or None, whether an earlier good row was replaced) for the next row of an id.

        `row` is None where that row was rejected: it leaves the earlier one standing.
        """
        found = self._disk.execute("SELECT coming, row FROM held WHERE id = ?", [_key(external_id)]).fetchone()
        if found is None:
            return row, False
        coming, earlier = found[0] - 1, pickle.loads(found[1]) if found[1] else None  # noqa: S301 (our own)
        newest = merged(earlier, row) if earlier and row else row or earlier
        if coming > 0:
            self._disk.execute(
                "UPDATE held SET coming = ?, row = ? WHERE id = ?",
                [coming, pickle.dumps(newest) if newest else None, _key(external_id)],
            )
        else:
            self._disk.execute("DELETE FROM held WHERE id = ?", [_key(external_id)])
        return (None if coming > 0 else newest), bool(earlier and row)

    def rest(self) -> Iterator[ParsedCase]:
        """The rows still held back at the end: their ids only seemed to come again."""
        for (row,) in self._disk.execute("SELECT row FROM held WHERE row IS NOT NULL"):
            yield pickle.loads(row)  # noqa: S301 (our own)


def _key(external_id: str) -> bytes:
    return external_id.encode("utf-8", "surrogatepass")
