"""What every command shares: sentences and exit codes instead of tracebacks, and two ways to print.

Exit codes: 0 it finished, 1 it could not start or finish, 2 it was called wrongly.
"""

import argparse
import json
import os
import re
import sys
from collections.abc import Sequence
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from rulebook.errors import RulebookError, WrongUsage

WIDTH = 100  # columns of a table on a terminal
NARROWEST = 12  # what a column of text keeps when a table has to become narrower
NUMBER = re.compile(r"[-+\u2212]?[0-9][0-9.,\u00a0 ]*( ?%)?")


class RulebookCommand(BaseCommand):
    """Base of our commands. `handle` raises RulebookError (exit 1) or WrongUsage (exit 2) and prints with the helpers.

    `--traceback` shows where an error came from.
    """

    def execute(self, *args: Any, **options: Any) -> str | None:
        for stream in (sys.stdout, sys.stderr):
            if hasattr(stream, "reconfigure"):  # a letter that the terminal does not know must not end the work
                stream.reconfigure(errors="replace")
        try:
            output = super().execute(*args, **options)
            self.stdout.flush()
            return output
        except CommandError:
            raise
        except WrongUsage as error:
            raise CommandError(str(error), returncode=2) from error
        except RulebookError as error:
            raise CommandError(str(error)) from error
        except DatabaseError as error:
            raise CommandError(_database_sentence(error)) from error
        except BrokenPipeError:
            # The reader (`head`, a pager) had enough. Python would complain once more when it flushes at its end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise SystemExit(1) from None
        except OSError as error:
            where = f" ({error.filename})" if error.filename else ""
            raise CommandError(f"{error.strerror or error}{where}. Check the path, its rights and the disk.") from error
        except KeyboardInterrupt as error:
            raise CommandError("Stopped. Run it again to go on.", returncode=130) from error

    def print_json(self, data: Any) -> None:
        """The JSON alone on stdout; everything else belongs on stderr (`say`)."""
        plain = (getattr(self.stdout, "encoding", None) or "utf-8").lower().replace("-", "") != "utf8"
        self.stdout.write(json.dumps(data, ensure_ascii=plain, indent=2))

    def table(self, headers: Sequence[str], rows: Sequence[Sequence[Any]], *, width: int = WIDTH) -> None:
        """Aligned text on stdout, at most `width` columns wide."""
        self.stdout.write(aligned(headers, rows, width=width))

    def say(self, text: str) -> None:
        """A sentence for the person at the keyboard, on stderr."""
        self.stderr.write(text, self.style.NOTICE if text.startswith("Warning") else str)


def day(text: str) -> date:
    """An argparse type: a day as 2026-03-01, anything else is wrong usage."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is no day. Write it like 2026-03-01.") from None


def aligned(headers: Sequence[str], rows: Sequence[Sequence[Any]], *, width: int = WIDTH) -> str:
    """A table as plain text: columns of numbers to the right, None as '-', the widest columns cut to fit.

    >>> print(aligned(["rule", "contacts"], [["R-0001", 7], ["R-0002", None]]))
    rule    contacts
    ------  --------
    R-0001         7
    R-0002         -
    """
    cells = [["-" if value is None else " ".join(str(value).split()) for value in row] for row in rows]
    columns = list(zip(headers, *cells, strict=True))
    right = [all(NUMBER.fullmatch(cell) or cell in {"", "-"} for cell in column[1:]) for column in columns]
    widths = [max(map(len, column)) for column in columns]
    while sum(widths) + 2 * (len(widths) - 1) > width:
        widest = max(range(len(widths)), key=lambda place: (not right[place], widths[place]))
        if right[widest] or widths[widest] <= NARROWEST:
            break  # numbers are never cut
        widths[widest] -= 1
    lines = [_line(headers, widths, right), "  ".join("-" * column for column in widths)]
    return "\n".join([*lines, *(_line(row, widths, right) for row in cells)])


def _line(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    shown = (cell if len(cell) <= width else f"{cell[: width - 1]}…" for cell, width in zip(cells, widths, strict=True))
    placed = (
        cell.rjust(width) if to_right else cell.ljust(width)
        for cell, width, to_right in zip(shown, widths, right, strict=True)
    )
    return "  ".join(placed).rstrip()


def _database_sentence(error: DatabaseError) -> str:
    migrate = "Run `python manage.py migrate`."
    try:
        if not connection.introspection.table_names():
            return f"The database has no tables yet. {migrate}"
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            return f"The database is older than this program. {migrate}"
    except DatabaseError:
        return f"The database cannot be opened ({_first_line(error)}). Check RULEBOOK_DATABASE_URL."
    return f"The database gave up ({_first_line(error)}). What was finished is kept; run it again."


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
