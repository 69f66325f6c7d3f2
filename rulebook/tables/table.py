"""What every reader of a table gives back, whatever the file was: columns, rows, and what could not be split."""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from django.utils.translation import ngettext

RAW_SHOWN = 2_000  # characters of a rejected row that are kept: enough to find it again


@dataclass(frozen=True)
class Rejected:
    """A row that could not be split into cells.

    `line` counts from 1 and means what the table's `rows` means by it. `column` is '' when the whole row is at fault.
    `reason` is one sentence with the remedy and never holds a cell's value; `row` is the raw text, cut at 2,000
    characters, and may hold customers' ids: it belongs in a private report only.
    """

    file: str
    line: int
    column: str
    reason: str
    row: str


Reject = Callable[[Rejected], None]
Row = tuple[int, list[str | None]]


class Table(ABC):
    """A table somebody brought, opened far enough to know its columns; its rows are read as they are asked for."""

    kind: str  # 'csv' | 'json' | 'ndjson' | 'xlsx'

    def __init__(self, name: str, columns: Sequence[str]) -> None:
        self.name = name  # the file's name without its folder, for messages
        self.columns: tuple[str, ...] = tuple(columns)  # stripped, else as written; '' where the header is missing
        seen = Counter(column for column in self.columns if column)
        self.duplicated: frozenset[str] = frozenset(column for column, times in seen.items() if times > 1)
        self.notes: list[str] = []  # whole sentences about the file; reading the rows may add some
        unnamed = [str(number) for number, column in enumerate(self.columns, 1) if not column]
        if unnamed:
            nameless = ngettext(
                "%(file)s has column %(number)s without a name. Name what is needed in the header.",
                "%(file)s has %(count)s columns without a name. Name what is needed in the header.",
                len(unnamed),
            )
            self.notes.append(nameless % {"file": name, "number": unnamed[0], "count": len(unnamed)})

    @abstractmethod
    def rows(self, reject: Reject) -> Iterator[Row]:
        """The rows in the order of the file, read anew from its start at every call.

        Gives (line, cells): `line` counts from 1 (csv, ndjson: the line of the file where the row begins; xlsx: the
        row of the sheet; json: the number of the object), `cells` has one value for each of `columns`: None where the
        key is absent (JSON only), '' where it is blank. A row that cannot be split goes to `reject` and reading goes
        on. Raises CannotStart when the file is damaged so that the rest of it cannot be read.
        """

    @abstractmethod
    def position(self) -> tuple[int, int]:
        """(bytes on disk consumed by the newest `rows` call, size of the file in bytes), for a progress bar."""

    def note_once(self, sentence: str) -> None:
        """Add a note unless it is already there: `rows` may be called more than once."""
        if sentence not in self.notes:
            self.notes.append(sentence)

    def rejected(self, line: int, reason: str, raw: str) -> Rejected:
        """A Rejected of this file, about the whole row."""
        return Rejected(self.name, line, "", reason, raw[:RAW_SHOWN].rstrip("\r\n"))
