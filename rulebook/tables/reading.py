"""Open a table somebody brought, whatever it is: CSV, TSV, JSON, NDJSON (each also gzipped) or an Excel workbook."""

from pathlib import Path

from django.utils.translation import gettext as _

from rulebook.errors import CannotStart
from rulebook.tables.delimited import DelimitedTable
from rulebook.tables.objects import ObjectsTable
from rulebook.tables.opening import Opened
from rulebook.tables.sheets import SheetTable
from rulebook.tables.table import Reject, Rejected, Row, Table

__all__ = ["Reject", "Rejected", "Row", "Table", "open_table"]


def open_table(path: Path) -> Table:
    """The table in a file, told by its content first and its name second.

    Raises CannotStart, with one sentence that names the file and the remedy, for anything that is no table: missing,
    empty, damaged, packed in a way that is not read here, or suspiciously large once unpacked.
    """
    if _is_zip(path):
        return SheetTable(path)
    notes: list[str] = []
    table: Table | None = None

    def note(sentence: str) -> None:
        if table is not None:
            table.note_once(sentence)
        elif sentence not in notes:
            notes.append(sentence)

    opened = Opened(path, note)
    kind = ObjectsTable if opened.sample.lstrip()[:1] in (b"[", b"{") else DelimitedTable
    table = kind(opened, notes)
    return table


def _is_zip(path: Path) -> bool:
    if not path.is_file():  # Opened says so; to open a pipe would wait for its writer
        return False
    try:
        with path.open("rb") as disk:
            return disk.read(4) in (b"PK\x03\x04", b"PK\x05\x06")
    except OSError as problem:
        raise CannotStart(
            _("%(file)s cannot be read (%(why)s). Check the path and its rights.")
            % {"file": path.name, "why": problem.strerror or _("unknown cause")}
        ) from None
