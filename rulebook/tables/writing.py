"""Writing tables that people open elsewhere: whole or not at all, and without cells that a spreadsheet would run."""

import csv
import io
import json
import os
import re
import secrets
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import IO

from django.utils.translation import gettext as _
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

from rulebook.errors import CannotStart, WrongUsage

Rows = Iterable[Sequence[str | None]]

MOST_SHEET_ROWS = 1_048_575  # below the header
LONGEST_CELL = 32_767  # characters in a cell of Excel

# After a semicolon too: a spreadsheet of a country that writes decimals with commas begins a new cell there.
_FORMULA = re.compile(r"(^|;)('*[=+\-@\t\r])")
_QUOTED_FORMULA = re.compile(r"(^|;)'('*[=+\-@\t\r])")


def neutralise(cell: str) -> str:
    """A cell that no spreadsheet runs as a formula; `restore` undoes it exactly, for every text.

    Source of the list of first characters: OWASP, "CSV Injection".

    >>> neutralise("=1+1"), neutralise("'=1+1"), neutralise("1=1"), neutralise("'tis")
    ("'=1+1", "''=1+1", '1=1', "'tis")
    >>> neutralise("returns;=1+1")
    "returns;'=1+1"
    """
    return _FORMULA.sub(r"\1'\2", cell)


def restore(cell: str) -> str:
    """What `neutralise` was given.

    >>> restore("'=1+1"), restore("''=1+1"), restore("=1+1"), restore("'tis")
    ('=1+1', "'=1+1", '=1+1', "'tis")
    """
    return _QUOTED_FORMULA.sub(r"\1\2", cell)


def write_table(path: Path, columns: Sequence[str], rows: Rows, *, private: bool = False) -> int:
    """Write a table as its extension says (.csv, .tsv, .xlsx, .json), in UTF-8, and give the number of rows.

    The file appears whole or not at all: it is written beside its place and then moved there. `private` makes it
    readable for its owner only. None is written as a blank (JSON: null). In all but JSON formulas are neutralised; in
    .xlsx every cell is text, control characters become U+FFFD, \\r\\n becomes \\n, cells are
    cut at 32,767 characters.
    Raises WrongUsage for another extension, CannotStart when it cannot be written or has more rows than a sheet holds.
    """
    if path.suffix.lower() not in _WRITERS:
        wrong = _("%(file)s has an ending that is not written. Name it .csv, .tsv, .xlsx or .json.")
        raise WrongUsage(wrong % {"file": path.name})
    beside = path.with_name(f".{secrets.token_hex(8)}.part")  # short: the name itself may be as long as names can be
    try:
        descriptor = os.open(beside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600 if private else 0o666)
        try:
            with os.fdopen(descriptor, "wb") as disk:
                count = write_into(disk, path.suffix, columns, rows)
                disk.flush()
                os.fsync(disk.fileno())
            os.replace(beside, path)
        except BaseException:
            beside.unlink(missing_ok=True)
            raise
    except OSError as problem:
        words = {"file": path.name, "why": problem.strerror or _("unknown cause")}
        failed = _("%(file)s cannot be written (%(why)s). Check the folder and its free space.")
        raise CannotStart(failed % words) from problem
    return count


def write_into(disk: IO[bytes], ending: str, columns: Sequence[str], rows: Rows) -> int:
    """Write a table into an open file, as the ending says (".csv"), and give its rows. Else as `write_table`."""
    return _WRITERS[ending.lower()](disk, columns, rows)


def _write_delimited(disk: IO[bytes], columns: Sequence[str], rows: Rows, separator: str) -> int:
    # The mark at the start of a CSV tells Excel that it is UTF-8, else it would spoil every æ. "replace": half a
    # surrogate pair must not stop an export at its last row.
    encoding = "utf-8-sig" if separator == "," else "utf-8"
    text = io.TextIOWrapper(disk, encoding=encoding, errors="replace", newline="")
    # Line ends as in RFC 4180; with a bare \n the csv module would leave a \r inside a cell unquoted.
    writer = csv.writer(text, delimiter=separator, lineterminator="\r\n")
    writer.writerow([neutralise(column) for column in columns])
    count = 0
    for count, row in enumerate(rows, 1):  # noqa: B007  # the number of the last row is the result
        writer.writerow([neutralise(cell) if cell else "" for cell in row])
    text.flush()
    text.detach()
    return count


def _write_csv(disk: IO[bytes], columns: Sequence[str], rows: Rows) -> int:
    return _write_delimited(disk, columns, rows, ",")


def _write_tsv(disk: IO[bytes], columns: Sequence[str], rows: Rows) -> int:
    return _write_delimited(disk, columns, rows, "\t")


def _write_json(disk: IO[bytes], columns: Sequence[str], rows: Rows) -> int:
    disk.write(b"[")
    count = 0
    for count, row in enumerate(rows, 1):
        record = json.dumps(dict(zip(columns, row, strict=True)), ensure_ascii=False)
        disk.write((",\n" if count > 1 else "\n").encode() + record.encode("utf-8", "replace"))
    disk.write(b"\n]\n")
    return count


def _write_xlsx(disk: IO[bytes], columns: Sequence[str], rows: Rows) -> int:
    book = Workbook(write_only=True)
    sheet = book.create_sheet("Table")

    def text_cell(text: str | None) -> WriteOnlyCell:
        safe = ILLEGAL_CHARACTERS_RE.sub("\ufffd", neutralise(text or ""))[:LONGEST_CELL]
        cell = WriteOnlyCell(sheet, safe.encode("utf-8", "replace").decode())
        cell.data_type = "s"  # else '#N/A' becomes an error
        return cell

    sheet.append([text_cell(column) for column in columns])
    count = 0
    for count, row in enumerate(rows, 1):
        if count > MOST_SHEET_ROWS:
            full = _("An Excel sheet holds %(most)s rows and this table has more. Write a .csv.")
            raise CannotStart(full % {"most": f"{MOST_SHEET_ROWS:,}"})
        sheet.append([text_cell(cell) if cell else None for cell in row])
    book.save(disk)
    return count


_WRITERS: dict[str, Callable[[IO[bytes], Sequence[str], Rows], int]] = {
    ".csv": _write_csv,
    ".tsv": _write_tsv,
    ".json": _write_json,
    ".xlsx": _write_xlsx,
}
