"""Giving out the list of rules, in the columns that an import reads."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import IO

from django.db.models import Prefetch, QuerySet
from django.utils.translation import gettext as _

from rulebook.catalogue.models import Alias, Rule, RuleVersion
from rulebook.catalogue.queries import was_merged
from rulebook.catalogue.rows import COLUMNS, VOICES
from rulebook.errors import CannotStart
from rulebook.numbers import whole
from rulebook.tables.writing import LONGEST_CELL, neutralise, write_into, write_table

BATCH = 500

Voiced = Callable[[Rule], Sequence[str]]  # a rule's cells in the order of VOICES


def export_rules(path: Path) -> int:
    """Write every rule, in the order of the codes, as the file's ending says; the number of rules.

    Raises WrongUsage for another ending and CannotStart when the file cannot be written, or a text is longer than a
    cell of Excel: it would come back cut off and be taken for a change.
    """
    return write_table(path, COLUMNS, _rows_for(path.suffix, path.name, None))


def write_rules(disk: IO[bytes], ending: str, rules: QuerySet[Rule], voices: Voiced) -> int:
    """Write these rules into an open file, in the order of the codes; the number of rules.

    The columns are those of the command, so that the file can be imported, and what people say of each rule, as
    `voices` tells it. Raises CannotStart as `export_rules` does.
    """
    return write_into(disk, ending, (*COLUMNS, *VOICES), _rows_for(ending, "The file", rules, voices))


def rule_rows(rules: QuerySet[Rule] | None = None, voices: Voiced | None = None) -> Iterator[list[str]]:
    """One row a rule, of all or of these, in the order of COLUMNS; with `voices` also of VOICES.

    A rule that was merged has none: it stands among the aliases of the one that stayed.
    """
    rules = (Rule.objects.all() if rules is None else rules).select_related("department", "owner").order_by("code")
    rules = rules.exclude(was_merged()).prefetch_related(
        Prefetch("names", Alias.objects.filter(is_code=False).order_by("name"), to_attr="aliases"),
        Prefetch("versions", RuleVersion.objects.order_by("number")),
    )
    for rule in rules.iterator(chunk_size=BATCH):
        newest = list(rule.versions.all())[-1]
        cells = {
            "kind": rule.kind,
            "protective": "yes" if rule.protective else "no",
            "department": rule.department.name if rule.department else "",
            "owner": rule.owner.get_username() if rule.owner else "",
            "topics": ";".join(newest.topics),
            "channels": ";".join(rule.channels),
            "requirements": "" if rule.requirements is None else str(rule.requirements),
            "review_by": _day(rule.review_by),
            "applies_from": _day(newest.applies_from),
            "aliases": ";".join(alias.name for alias in rule.aliases),
        }
        row = [cells[name] if name in cells else str(getattr(rule, name)) for name in COLUMNS]
        yield row if voices is None else [*row, *voices(rule)]


def _day(day: date | None) -> str:
    return day.isoformat() if day else ""


def _rows_for(
    ending: str, name: str, rules: QuerySet[Rule] | None, voices: Voiced | None = None
) -> Iterable[list[str]]:
    rows: Iterable[list[str]] = rule_rows(rules, voices)
    if ending.lower() == ".xlsx":
        rows = list(rows)
        _refuse_cut(rows, name)
    return rows


def _refuse_cut(rows: Sequence[list[str]], name: str) -> None:
    """Before the first byte is written: a workbook that breaks off half-way complains for itself."""
    for row in rows:
        for column, cell in zip(COLUMNS, row, strict=False):  # what follows are numbers
            if len(neutralise(cell)) > LONGEST_CELL:
                raise CannotStart(
                    _(
                        "%(file)s was not written: the %(column)s of rule %(code)s has more than the %(longest)s "
                        "characters that a cell of Excel holds. Export to a .csv or .json."
                    )
                    % {"file": name, "column": column, "code": row[0], "longest": whole(LONGEST_CELL)}
                )
