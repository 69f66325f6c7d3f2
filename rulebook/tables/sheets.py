"""Reading the first sheet of an Excel workbook (.xlsx), row by row, through openpyxl's read-only mode."""

import warnings
import zipfile
from collections.abc import Iterator
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import IO

from django.utils.translation import gettext as _
from openpyxl import load_workbook
from openpyxl.cell.read_only import ReadOnlyCell
from openpyxl.worksheet._read_only import ReadOnlyWorksheet

from rulebook.errors import CannotStart
from rulebook.tables.opening import BOMB_RATIO, BOMB_SIZE
from rulebook.tables.table import Reject, Row, Table

MOST_ROWS = 200_000  # beyond this a workbook takes minutes where a CSV takes seconds
LARGEST_BOOK = 1 << 30  # bytes, unpacked

# openpyxl warns of styles and dates it does not like, some of them with the cell's value, which is nobody's business.
warnings.filterwarnings("ignore", category=UserWarning, module=r"openpyxl\.")


def cell_text(value: object, number_format: str = "General") -> str:
    """A cell as text: numbers to the 15 digits that Excel keeps, dates as ISO, truth as 'true' and 'false'.

    A date at midnight is a day unless its format shows hours.

    >>> cell_text(123.0), cell_text(0.1 + 0.2), cell_text(True), cell_text(None)
    ('123', '0.3', 'true', '')
    >>> cell_text(datetime(2025, 3, 4), "dd-mm-yyyy"), cell_text(datetime(2025, 3, 4), "dd-mm-yyyy hh:mm")
    ('2025-03-04', '2025-03-04T00:00:00')
    >>> cell_text(datetime(2025, 3, 4, 10, 11), "dd-mm-yyyy hh:mm"), cell_text(timedelta(hours=26, seconds=5))
    ('2025-03-04T10:11:00', '26:00:05')
    """
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e22 else format(value, ".15g")
    if isinstance(value, datetime):
        value = (value + timedelta(microseconds=500_000)).replace(microsecond=0)  # 10:59:59.999995 is Excel's 11:00:00
        shows_hours = "h" in number_format.lower()
        return value.date().isoformat() if value.time() == time() and not shows_hours else value.isoformat()
    if isinstance(value, timedelta):
        seconds = round(value.total_seconds())
        return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return str(value)


class SheetTable(Table):
    """The first visible sheet with anything on it; its first row with a value is the header, lines are sheet rows."""

    kind = "xlsx"

    def __init__(self, path: Path) -> None:
        self._path, self.name = path, path.name
        self._size, self._consumed = path.stat().st_size, 0
        self._titles: list[str] = []
        refuse_odd_zip(path)
        header = next(self._filled_rows(), (0, []))[1]
        if not header:
            raise CannotStart(_("%(file)s is empty. Export it again, with a header row.") % {"file": self.name})
        super().__init__(path.name, [name.strip().lstrip("\ufeff") for name in header])
        if len(self._titles) > 1:
            several = _("%(file)s has %(count)s sheets; only the first one with a header is read.")
            self.notes.append(several % {"file": self.name, "count": len(self._titles)})

    def position(self) -> tuple[int, int]:
        return self._consumed, self._size

    def rows(self, reject: Reject) -> Iterator[Row]:
        filled = self._filled_rows()
        header = next(filled, (0, []))[1]
        if tuple(name.strip().lstrip("\ufeff") for name in header) != self.columns:
            changed = _("%(file)s changed while it was read. Import it again when nobody writes to it.")
            raise CannotStart(changed % {"file": self.name})
        width = len(self.columns)
        for count, (line, cells) in enumerate(filled, 1):
            if count > MOST_ROWS:
                full = _("%(file)s has more than %(most)s rows. Save it as CSV and import that.")
                raise CannotStart(full % {"file": self.name, "most": f"{MOST_ROWS:,}"})
            if len(cells) > width:
                wide = _("%(count)s cells where the header has %(width)s: clear the cells beyond it or name them.")
                reason = wide % {"count": len(cells), "width": width}
                reject(self.rejected(line, reason, "\t".join(cells)))
                continue
            yield line, [*cells, *[""] * (width - len(cells))]
        self._consumed = self._size

    def _filled_rows(self) -> Iterator[tuple[int, list[str]]]:
        """(row number, texts up to the last cell with a value) of every row with a value."""
        self._consumed = 0
        try:
            with self._path.open("rb") as disk:
                book = load_workbook(disk, read_only=True, data_only=True, keep_links=False)
                try:
                    sheets = list(book.worksheets)
                    self._titles = [sheet.title for sheet in sheets]
                    for sheet in [s for s in sheets if s.sheet_state == "visible"] or sheets:
                        found = False
                        for row in self._sheet_rows(sheet, disk):
                            found = True
                            yield row
                        if found:
                            return
                finally:
                    book.close()
        except (GeneratorExit, CannotStart):
            raise
        except MemoryError:
            large = _("%(file)s is too large a workbook. Save it as CSV and import that.")
            raise CannotStart(large % {"file": self.name}) from None
        except Exception as problem:  # openpyxl lets anything through: zip, XML, key, type and value errors
            raise CannotStart(
                _(
                    "%(file)s is damaged and cannot be read as an Excel workbook. "
                    "Open it in Excel and save it again, or save it as CSV."
                )
                % {"file": self.name}
            ) from problem

    def _sheet_rows(self, sheet: ReadOnlyWorksheet, disk: IO[bytes]) -> Iterator[tuple[int, list[str]]]:
        sheet.reset_dimensions()  # many exporters write a wrong one, and openpyxl would cut the rows to it
        for line, cells in enumerate(sheet.iter_rows(), 1):
            texts = [self._cell(cell) for cell in cells]
            while texts and not texts[-1].strip():
                texts.pop()
            if texts:
                self._consumed = min(disk.tell(), self._size)
                yield line, texts

    def _cell(self, cell: ReadOnlyCell) -> str:
        value = cell.value
        if type(value) is str:
            if cell.data_type == "e":
                self._note_errors()
                return ""
            return value.replace("_x000D_", "")  # how Excel spells the \r of a \r\n inside a cell
        return cell_text(value, cell.number_format if type(value) is datetime else "")

    def _note_errors(self) -> None:
        if hasattr(self, "notes"):
            errors = _("%(file)s has cells with an Excel error such as #N/A; they were read as blank.")
            self.note_once(errors % {"file": self.name})


def refuse_odd_zip(path: Path) -> None:
    """Raise CannotStart for a zip that is damaged, no workbook, or would unpack to far more than a table needs."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
            unpacked = sum(entry.file_size for entry in archive.infolist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError, EOFError):
        damaged = _("%(file)s is a damaged zip or Excel workbook. Fetch it or save it again.")
        raise CannotStart(damaged % {"file": path.name}) from None
    if "xl/workbook.xml" not in names:
        if "xl/workbook.bin" in names or "content.xml" in names:
            other = _("%(file)s is a workbook of a kind that is not read here. Save it as .xlsx or CSV.")
            raise CannotStart(other % {"file": path.name})
        raise CannotStart(
            _("%(file)s is a zip but not an Excel workbook (.xlsx). Unpack it and import the table inside.")
            % {"file": path.name}
        )
    if unpacked > LARGEST_BOOK or (unpacked > BOMB_SIZE and unpacked > BOMB_RATIO * path.stat().st_size):
        raise CannotStart(
            _("%(file)s unpacks to far more than a table needs. Open it in Excel and save the table as CSV.")
            % {"file": path.name}
        )
