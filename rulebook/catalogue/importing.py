"""Bringing in a list of rules. The same list twice changes nothing, and a bad row never stops the good ones."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.db import DataError, IntegrityError
from django.utils.translation import gettext as _

from rulebook.access.models import Department, Person
from rulebook.access.services import department_named, find_person, owner_named
from rulebook.catalogue.codes import next_code, own_code, own_number
from rulebook.catalogue.locks import WordingLocked
from rulebook.catalogue.models import Alias, Rule, RuleVersion
from rulebook.catalogue.rows import Message, RuleRow, match_columns, read_row
from rulebook.catalogue.services import RuleFields, change_rule, stated_start, write_down
from rulebook.errors import CannotStart, LostRace, RulebookError
from rulebook.journal.services import Acting, business_verb
from rulebook.numbers import day
from rulebook.tables.reading import open_table
from rulebook.tables.table import Rejected, Table
from rulebook.tables.writing import restore

CHUNK = 100  # rows a transaction: short enough to let others write in between
RULES = Rule.objects.select_related("department", "owner")


@dataclass
class RuleReport:
    """What an import did: read = created + updated + unchanged + rejected, and a sentence for each thing amiss."""

    file: str
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    rejections: list[Message] = field(default_factory=list)
    warnings: list[Message] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def rejected(self) -> int:
        return len(self.rejections)

    @property
    def read(self) -> int:
        return self.created + self.updated + self.unchanged + self.rejected


@dataclass
class Verdict:
    """What became of one row: 'created', 'updated', 'unchanged' or 'rejected', and why."""

    outcome: str
    reason: Message | None = None
    warnings: list[Message] = field(default_factory=list)
    may_pass_later: bool = False  # the row was refused for what another row of the file may yet change


def import_rules(path: Path, by: Acting | None, most: int = 0) -> RuleReport:
    """Write down the rules of a CSV, TSV, XLSX or JSON file, and change those that are there already.

    Raises CannotStart when the file is no list of rules or cannot be read to its end; the chunks before that are kept,
    and importing the file again goes on from there. Also when it has more than `most` rows (0: any number); then
    nothing was stored.
    """
    table = open_table(path)
    report = RuleReport(table.name)
    rows = _read(table, report, most)
    _refuse_repeated(rows)
    named = frozenset(row.code for row in rows if row.code)
    later: list[RuleRow] = []
    for again, batch in ((False, rows), (True, later)):
        for start in range(0, len(batch), CHUNK):
            chunk = batch[start : start + CHUNK]
            good = [row for row in chunk if row.problem is None]
            verdicts = iter(_import_chunk(rows=good, named=named, by=by) if good else [])
            for row in chunk:
                verdict = Verdict("rejected", row.problem) if row.problem else next(verdicts)
                if verdict.may_pass_later and not again:
                    later.append(row)
                else:
                    _count(report, row, verdict)
    report.rejections.sort()
    report.warnings.sort()
    return report


def _count(report: RuleReport, row: RuleRow, verdict: Verdict) -> None:
    if verdict.reason is not None:
        report.rejections.append(verdict.reason)
        return  # what else is odd about a row that was not taken is noise
    setattr(report, verdict.outcome, getattr(report, verdict.outcome) + 1)
    report.warnings += row.warnings + verdict.warnings


def _read(table: Table, report: RuleReport, most: int) -> list[RuleRow]:
    """All rows, in memory: a house has thousands of rules, not millions."""
    places, report.notes = match_columns(table.columns, table.name)
    if "title" not in places and "code" not in places:
        raise CannotStart(
            _(
                "%(file)s is not a list of rules: it has neither a column title nor a column code. "
                "Its columns are %(columns)s. Name one of them title."
            )
            % {"file": table.name, "columns": ", ".join(name for name in table.columns if name)[:300]}
        )
    plain = table.kind in {"json", "ndjson"}  # only spreadsheets need their formulas neutralised

    def reject(rejected: Rejected) -> None:
        report.rejections.append(Message(table.name, rejected.line, rejected.column, rejected.reason))

    rows = []
    for line, cells in table.rows(reject):
        present = {name: cells[place] for name, place in places.items()}
        texts = {name: text if plain else restore(text) for name, text in present.items() if text is not None}
        rows.append(read_row(table.name, line, texts))
        if most and len(rows) > most:
            full = _("%(file)s has more than %(most)s rows. Nothing was stored; split it and try again.")
            raise CannotStart(full % {"file": table.name, "most": f"{most:,}"})
    report.notes += table.notes
    return rows


def _refuse_repeated(rows: Sequence[RuleRow]) -> None:
    """One row a rule: with two, each import would change it from one to the other and back."""
    lines: dict[tuple[str, ...], int] = {}
    for row in rows:
        if row.problem is None:
            key = (row.code,) if row.code else (row.values.get("title", ""), row.values.get("text", ""))
            first = lines.setdefault(key, row.line)
            if first != row.line:
                if row.code:
                    again = _("The code %(code)s stands in line %(line)s already. Keep one of them.")
                else:
                    again = _("A rule of this title and text stands in line %(line)s already. Keep one of them.")
                row.reject("code" if row.code else "title", again % {"code": row.code, "line": first})


@business_verb
def _import_chunk(*, rows: Sequence[RuleRow], named: frozenset[str], by: Acting | None) -> list[Verdict]:
    """One verdict a row. Tried again as a whole after a lost race, so it keeps nothing outside what it returns."""
    shelf = Shelf(rows, named)
    return [_verdict(row, shelf, by) for row in rows]


def _verdict(row: RuleRow, shelf: "Shelf", by: Acting | None) -> Verdict:
    def refused(column: str, text: str, may_pass_later: bool = False) -> Verdict:
        return Verdict("rejected", Message(row.file, row.line, column, text), may_pass_later=may_pass_later)

    rule, is_code = shelf.find(row)
    if rule is not None and not is_code:
        return refused(
            "code",
            _(
                "'%(name)s' is another name of rule %(code)s. Write %(code)s as the code, "
                "or take the alias from that rule first."
            )
            % {"name": row.code, "code": rule.code},
            may_pass_later=True,
        )
    if rule is None and "title" not in row.values:
        return refused("title", _("The title is missing. Write what agents must, must not or may do, in one line."))
    if row.status not in {"", rule.status if rule else Rule.Status.IN_FORCE}:
        if rule:
            now = _(
                "A status changes in a review, not in an import, and rule %(code)s is %(status)s. Leave the cell blank."
            )
            return refused("status", now % {"code": rule.code, "status": rule.get_status_display()})
        now = _(
            "A status changes in a review, not in an import, and a new rule is in force as it was found. "
            "Leave the cell blank."
        )
        return refused("status", now)
    verdict = Verdict("unchanged")
    try:
        if rule is None:
            _create(row=row, code=row.code or shelf.next_code(), shelf=shelf, by=by)
            verdict.outcome = "created"
        elif differing := shelf.differing(rule, row.values):
            if by is not None and "review_by" in differing and rule.is_put_off(differing["review_by"]):
                del differing["review_by"]  # the rest of the row waits for nobody
                verdict.warnings.append(Message(row.file, row.line, "review_by", _needs_two(rule)))
            verdict.outcome = "updated" if _change(rule=rule, values=differing, shelf=shelf, by=by) else "unchanged"
    except LostRace:
        raise
    except IntegrityError as error:  # somebody else wrote down the same name at this moment
        raise LostRace(
            _("Another import wrote the rule of %(file)s, line %(line)s at the same moment. Import the file again.")
            % {"file": row.file, "line": row.line}
        ) from error
    except WordingLocked as error:
        words = {"code": rule.code if rule else row.code, "why": str(error)}
        return refused(error.field, _("Rule %(code)s is as it was. %(why)s") % words)
    except RulebookError as error:
        return refused(getattr(error, "field", ""), str(error), may_pass_later=True)
    except DataError:
        return refused("", _("The database cannot hold this row. Shorten its texts and look for odd characters."))
    authority = row.values.get("authority", rule.authority if rule else "")
    clause = row.values.get("clause", rule.clause if rule else "")
    if authority in Rule.NOT_OURS and not clause:
        claim = _(
            "A %(authority)s without its clause is a claim only. Write the words and where they stand into clause."
        )
        text = claim % {"authority": Rule.Authority(authority).label}
        verdict.warnings.append(Message(row.file, row.line, "clause", text))
    return verdict


def _needs_two(rule: Rule) -> str:
    text = _("A later review-by date needs a second person, so %(day)s stays. Ask for it on the form of %(code)s.")
    return text % {"day": day(rule.review_by) if rule.review_by else "", "code": rule.code}


@business_verb
def _create(*, row: RuleRow, code: str, shelf: "Shelf", by: Acting | None) -> None:
    write_down(fields=shelf.resolved(row.values, by), by=by, code=code)


@business_verb
def _change(*, rule: Rule, values: dict[str, Any], shelf: "Shelf", by: Acting | None) -> bool:
    return change_rule(rule=rule, fields=shelf.resolved(values, by), by=by)


class Shelf:
    """What is stored about the rules, people and departments of one chunk, fetched in a handful of queries."""

    def __init__(self, rows: Sequence[RuleRow], named: frozenset[str]) -> None:
        self._named = named
        codes = [row.code for row in rows if row.code]
        self._by_name = {alias.name: alias for alias in Alias.objects.filter(name__in=codes)}
        rules = {rule.pk: rule for rule in RULES.filter(pk__in={alias.rule_id for alias in self._by_name.values()})}
        self._by_words: dict[tuple[str, str | None], Rule] = {}  # None: a list without a column text
        titles = {row.values.get("title") for row in rows if not row.code}
        for rule in RULES.filter(title__in=titles).order_by("-code") if titles else ():
            if rule.code not in named:  # a rule that another row of the file names by its code is that row's
                self._by_words[rule.title, rule.text] = rules[rule.pk] = rule
                if (rule.title, None) not in self._by_words or not rule.text:
                    self._by_words[rule.title, None] = rule
        self._rules = rules
        self._versions: dict[int, list[RuleVersion]] = {}
        for version in RuleVersion.objects.filter(rule__in=rules).order_by("rule", "number"):
            self._versions.setdefault(version.rule_id, []).append(version)
        self._aliases: dict[int, set[str]] = {}
        for alias in Alias.objects.filter(rule__in=rules, is_code=False):
            self._aliases.setdefault(alias.rule_id, set()).add(alias.name)
        departments = {row.values.get("department") for row in rows}
        self._departments = {found.name: found for found in Department.objects.filter(name__in=departments)}
        owners = {row.values.get("owner") for row in rows}
        self._people = {person.username: person for person in Person.objects.filter(username__in=owners)}
        self._codes: Iterator[str] | None = None

    def find(self, row: RuleRow) -> tuple[Rule | None, bool]:
        """(the row's rule or None, whether it was found by its own code and not by an alias)."""
        if row.code:
            alias = self._by_name.get(row.code)
            return (self._rules[alias.rule_id], alias.is_code) if alias else (None, False)
        return self._by_words.get((row.values.get("title", ""), row.values.get("text"))), True

    def next_code(self) -> str:
        """A code of our own form that neither the database nor any row of the file has."""
        if self._codes is None:
            first = max(own_number(next_code()), *(own_number(code) + 1 for code in self._named), 1)
            self._codes = (code for number in range(first, 10**9) if (code := own_code(number)) not in self._named)
        return next(self._codes)

    def differing(self, rule: Rule, values: dict[str, Any]) -> dict[str, Any]:
        """Those of the row's values that differ from what is stored."""
        versions = self._versions[rule.pk]
        stored: dict[str, Any] = {
            "department": rule.department.name if rule.department else "",
            "topics": versions[-1].topics,
            "applies_from": versions[-1].applies_from,
        }
        found = {}
        for name, value in values.items():
            if name == "owner":
                person = self._person(value) if value else None
                same = person == rule.owner and (person is not None or not value)  # somebody unknown is not nobody
            elif name == "aliases":
                same = set(value) - {rule.code} == self._aliases.get(rule.pk, set())
            elif name == "channels":
                same = set(value) == set(rule.channels)
            elif name == "applies_from":
                same = stated_start(value, [version.applies_from for version in versions]) == stored[name]
            else:
                same = value == stored[name] if name in stored else value == getattr(rule, name)
            if not same:
                found[name] = value
        if found and "applies_from" in values:
            found["applies_from"] = values["applies_from"]  # a new wording applies from the day that comes with it
        return found

    def resolved(self, values: dict[str, Any], by: Acting | None) -> RuleFields:
        """The values with the department and the owner themselves, made where nobody has named them before."""
        fields: dict[str, Any] = dict(values)
        if name := fields.get("department"):
            fields["department"] = self._departments.get(name) or department_named(name=name, by=by)
        elif "department" in fields:
            fields["department"] = None
        if name := fields.get("owner"):
            fields["owner"] = self._person(name) or owner_named(name=name, by=by)
        elif "owner" in fields:
            fields["owner"] = None
        return fields  # type: ignore[return-value]

    def _person(self, name: str) -> Person | None:
        """Kept only once found: somebody written down for a row is gone again when that row is refused."""
        person = self._people.get(name) or find_person(name)
        if person is not None:
            self._people[name] = person
        return person
