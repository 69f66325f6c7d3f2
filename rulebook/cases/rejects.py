"""The file of rejected rows. Raw ids stand in it, so its owner alone may read it."""

import csv
import os
import stat
from pathlib import Path

from rulebook.tables.reading import Rejected
from rulebook.tables.writing import neutralise

COLUMNS = ("file", "line", "column", "reason", "row")


class RejectedRows:
    """A CSV that grows row by row; cells that a spreadsheet would run as a formula are written so that it does not."""

    def __init__(self, path: Path) -> None:
        self.count = 0
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        if stat.S_ISREG(os.fstat(descriptor).st_mode):  # /dev/null is everybody's
            os.fchmod(descriptor, 0o600)  # also when the file was there before
        self._file = os.fdopen(descriptor, "w", newline="", encoding="utf-8", errors="replace")
        self._writer = csv.writer(self._file)
        self._writer.writerow(COLUMNS)

    def add(self, rejected: Rejected) -> None:
        self.count += 1
        row = (rejected.file, rejected.line, rejected.column, rejected.reason, rejected.row)
        self._writer.writerow([neutralise(str(cell)) for cell in row])

    def close(self) -> None:
        self._file.close()
