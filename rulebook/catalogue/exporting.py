"""Giving out the list of rules, in the columns that an import reads."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from pathlib import Path

from django.db.models import Prefetch

from rulebook.catalogue.models import Alias, Rule, RuleVersion
from rulebook.catalogue.rows import COLUMNS
from rulebook.errors import CannotStart
from rulebook.tables.writing import LONGEST_CELL, neutralise, write_table

BATCH = 500


def export_rules(path: Path) -> int:
    """Write every rule, in the order of the codes, as the file's ending says; the number of rules.

    Raises WrongUsage for another ending and CannotStart when the file cannot be written, or a text is longer than a
    cell of Excel: it would come back cut off and be taken for a change.
    """
    rows: Iterable[list[str]] = rule_rows()
    if path.suffix.lower() == ".xlsx":
        rows = list(rows)
        _refuse_cut(rows, path)
    return write_table(path, COLUMNS, rows)


def rule_rows() -> Iterator[list[str]]:
    """One row a rule, in the order of COLUMNS."""
    rules = Rule.objects.select_related("department", "owner").order_by("code")
    rules = rules.prefetch_related(
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
        yield [cells[name] if name in cells else str(getattr(rule, name)) for name in COLUMNS]


def _day(day: date | None) -> str:
    return day.isoformat() if day else ""


def _refuse_cut(rows: Sequence[list[str]], path: Path) -> None:
    """Before the first byte is written: a workbook that breaks off half-way complains for itself."""
    for row in rows:
        for column, cell in zip(COLUMNS, row, strict=True):
            if len(neutralise(cell)) > LONGEST_CELL:
                raise CannotStart(
                    f"{path.name} was not written: the {column} of rule {row[0]} has more than the {LONGEST_CELL:,} "
                    "characters that a cell of Excel holds. Export to a .csv or .json."
                )
