"""Links from a file of their own: case, rule, effect. They only add, or correct the effect."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from django.db import connection
from django.utils.translation import gettext as _

from rulebook.cases.models import Effect, ImportRun, Origin
from rulebook.cases.parsing import LONGEST_ID, LONGEST_NAME
from rulebook.cases.presets import plain
from rulebook.cases.refreshing import lock_cases, mark_links_changed
from rulebook.cases.runs import beat
from rulebook.cases.storing import BATCH, LINK, add_pending, insert_rows
from rulebook.catalogue.queries import rule_ids_by_name
from rulebook.errors import CannotStart
from rulebook.journal.services import business_verb
from rulebook.tables.reading import Table
from rulebook.tables.values import clean_key

COLUMNS = {
    "case": ("external_id", "case_id", "case"),
    "rule": ("code", "rule_code", "rule"),
    "effect": ("effect",),
}


class ParsedLink(NamedTuple):
    line: int
    external_id: str
    rule_name: str
    effect: str


class LinkRejected(Exception):
    def __init__(self, column: str, reason: str) -> None:
        super().__init__(reason)
        self.column = column
        self.reason = reason


@dataclass
class Linked:
    """read = added + corrected + unchanged + waiting + rejected."""

    read: int = 0
    added: int = 0
    corrected: int = 0
    unchanged: int = 0
    waiting: int = 0
    rejected: int = 0

    def __post_init__(self) -> None:
        self.waits: list[tuple[int, str, str]] = []  # line, what is missing, rule name


def link_parser(table: Table, effect: str) -> Callable[[int, Sequence[str | None]], ParsedLink]:
    """A function from (line, cells) to the link; raises LinkRejected. Further columns are ignored."""
    names = [plain(column) for column in table.columns]
    places = {field: next((names.index(n) for n in those if n in names), None) for field, those in COLUMNS.items()}
    case_place, rule_place, effect_place = places["case"], places["rule"], places["effect"]
    if case_place is None or rule_place is None:
        missing = ", ".join(f"'{field}'" for field in ("case", "rule") if places[field] is None)
        raise CannotStart(
            _(
                "%(file)s is not a list of links: line 1 has no column %(missing)s. "
                "Its columns are case (or case_id, external_id), rule (or rule_code, code) and effect."
            )
            % {"file": table.name, "missing": missing}
        )

    def parse(line: int, cells: Sequence[str | None]) -> ParsedLink:
        external_id = clean_key(cells[case_place] or "")
        rule_name = clean_key(cells[rule_place] or "")
        for column, value, longest in (("case", external_id, LONGEST_ID), ("rule", rule_name, LONGEST_NAME["rules"])):
            if not value or len(value) > longest or "\0" in value:
                told = _("A link needs a %(column)s of 1 to %(longest)s characters. Fill it in.")
                raise LinkRejected(column, told % {"column": column, "longest": longest})
        said = (cells[effect_place] or "").strip().lower() if effect_place is not None else ""
        if said and said not in Effect.values:
            raise LinkRejected("effect", _("The effect is neither applied nor blocked. Write one of them."))
        return ParsedLink(line, external_id, rule_name, said or effect)

    return parse


@dataclass
class Rehearsal:
    """What a dry run would have stored before: the cells of the cases it would write, and the links it went through."""

    effect: str
    cells: dict[str, tuple[str, ...] | None] = field(default_factory=dict)  # None: the case keeps the links it has
    links: dict[tuple[str, int], set[str]] = field(default_factory=dict)

    def lay_over(self, present: dict[tuple[str, int], set[str]], ids: Iterable[str]) -> None:
        """Change what is stored of these cases' links into what would be."""
        cells = {external_id: cell for external_id in ids if (cell := self.cells.get(external_id)) is not None}
        for pair in [pair for pair in present if pair[0] in cells]:
            del present[pair]
        rules = rule_ids_by_name({name for cell in cells.values() for name in cell})
        for external_id, cell in cells.items():
            present.update({(external_id, rules[name]): {self.effect} for name in cell if name in rules})
        present.update({pair: effects for pair, effects in self.links.items() if pair[0] in ids})


@business_verb
def store_links(*, run: ImportRun, links: Sequence[ParsedLink]) -> Linked:
    """Store one chunk of links of the run's source. Of equal pairs the last one says the effect."""
    beat(run=run)
    return link(run.source_id, links, None)


def link(source_id: int, links: Sequence[ParsedLink], rehearsal: Rehearsal | None) -> Linked:
    """Store links, or with a rehearsal only count what would become of them."""
    result = Linked()
    rules = rule_ids_by_name({row.rule_name for row in links})
    ids = {row.external_id for row in links}
    cases = _cases(source_id, ids)
    known = cases.keys() | (rehearsal.cells.keys() if rehearsal else ())
    arrived: dict[tuple[str, int], str] = {}
    waiting: dict[tuple[str, str], str] = {}
    for row in links:
        rule = rules.get(row.rule_name)
        if row.external_id in known and rule is not None:
            arrived[row.external_id, rule] = row.effect
        else:
            waiting[row.external_id, row.rule_name] = row.effect
            result.waits.append((row.line, "rule" if rule is None else "case", row.rule_name))
    result.waiting = len(result.waits)
    said_twice = len(links) - result.waiting - len(arrived)
    present = _present({case_id: external_id for external_id, case_id in cases.items()})
    if rehearsal:
        rehearsal.lay_over(present, ids)
    added = [pair for pair in arrived if pair not in present]
    corrected = [pair for pair, effect in arrived.items() if present.get(pair, {effect}) != {effect}]
    result.added, result.corrected = len(added), len(corrected)
    result.unchanged = len(arrived) - len(added) - len(corrected) + said_twice
    if rehearsal:
        rehearsal.links.update({pair: {effect} for pair, effect in arrived.items()})
        return result
    own = Origin.SOURCE.value
    lock_cases(cases[external_id] for external_id, _ in (*added, *corrected))
    _remove([(cases[external_id], rule_id, own) for external_id, rule_id in corrected])
    new = [(cases[pair[0]], pair[1], arrived[pair], own) for pair in (*added, *corrected)]
    insert_rows("cases_caserule", LINK, new)
    _wait(source_id, waiting)
    mark_links_changed(case_id for case_id, _, _, _ in new)
    return result


def _cases(source_id: int, ids: Iterable[str]) -> dict[str, int]:
    """{external id: case id}"""
    wanted = list(ids)
    found: dict[str, int] = {}
    with connection.cursor() as cursor:
        for start in range(0, len(wanted), BATCH):
            part = wanted[start : start + BATCH]
            cursor.execute(
                "SELECT external_id, id FROM cases_case "
                f"WHERE source_id = %s AND external_id IN ({', '.join(['%s'] * len(part))})",
                [source_id, *part],
            )
            found.update(cursor.fetchall())
    return found


def _present(cases: Mapping[int, str]) -> dict[tuple[str, int], set[str]]:
    """{(external id, rule id): effects} of the source's own links of these cases, given by case id."""
    found: dict[tuple[str, int], set[str]] = {}
    listed = ", ".join(str(int(case_id)) for case_id in cases)
    if listed:
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT case_id, rule_id, effect FROM cases_caserule WHERE case_id IN ({listed}) AND origin = %s",
                [Origin.SOURCE.value],
            )
            for case_id, rule_id, effect in cursor.fetchall():
                found.setdefault((cases[case_id], rule_id), set()).add(effect)
    return found


def _remove(corrected: Sequence[tuple[int, int, str]]) -> None:
    if corrected:
        with connection.cursor() as cursor:
            cursor.executemany(
                "DELETE FROM cases_caserule WHERE case_id = %s AND rule_id = %s AND origin = %s",
                corrected,
            )


def _wait(source_id: int, waiting: dict[tuple[str, str], str]) -> None:
    """A link that waits with another effect is corrected; the same one is not written twice."""
    with connection.cursor() as cursor:
        if waiting:
            cursor.executemany(
                "DELETE FROM cases_pendinglink WHERE source_id = %s AND external_id = %s AND rule_name = %s "
                "AND origin = %s AND effect <> %s",
                [(source_id, *pair, Origin.SOURCE.value, effect) for pair, effect in waiting.items()],
            )
    add_pending([(source_id, *pair, effect, Origin.SOURCE.value) for pair, effect in waiting.items()])
