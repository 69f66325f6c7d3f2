"""What each rule met in its twelve months, gathered from the sums by month, and kept with its figures.

To add up the sums of ten thousand rules takes longer than all else that scoring does, and most of them did not change
since the last time. So a rule's are packed into its row of figures; whoever changes a sum of the rule blanks that.
"""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.db import connection

from rulebook.insight.models import RuleFigures
from rulebook.insight.scoring import Count, Group
from rulebook.insight.windows import Window, begun, complete_in

FEW = 500  # rules that are looked up one by one; of more, all are added up at once
# One source's part of what a rule met: source, contacts of its last three months, contacts of the twelve, mature ones
# as topic, channel, n, k one after the other, and each month as "contacts/not resolved".
Part = list[Any]


@dataclass(slots=True)
class Met:
    """The counting contacts of one rule: mature ones by group; `volume` is contacts in 30 days."""

    parts: list[Part] = field(default_factory=list)
    groups: dict[Group, Count] = field(default_factory=dict)
    cases: int = 0
    volume: float = 0.0
    packed: str = ""


def contacts_met(rules: Collection[int], found: Mapping[int, Window], *, everything: bool = False) -> dict[int, Met]:
    """{rule: what it met in the windows of all sources}, for each of the rules.

    What was packed for other windows, or blanked, is added up anew; `everything` believes nothing that is packed.
    """
    windows = ",".join(f"{source}:{window.since:%Y-%m}" for source, window in sorted(found.items()))
    begins = _packed(windows, [])[:-1]
    kept = {} if everything else dict(RuleFigures.objects.exclude(gathered="").values_list("pk", "gathered").order_by())
    met = {rule: _met(text, found) for rule, text in kept.items() if text.startswith(begins)}
    missing = set(rules) - met.keys()
    if missing:
        added = _added_up(found, missing if len(missing) <= FEW else None)
        met |= {rule: _met(_packed(windows, added.get(rule, [])), found) for rule in missing}
    return met


def _packed(windows: str, parts: Sequence[Part]) -> str:
    return json.dumps([windows, *parts], separators=(",", ":"), ensure_ascii=False)


def _met(text: str, found: Mapping[int, Window]) -> Met:
    met = Met(json.loads(text)[1:], packed=text)
    for source, recent, cases, groups, _months in met.parts:
        met.cases += cases
        met.volume += recent * 30 / found[source].days
        for place in range(0, len(groups), 4):
            topic, channel, n, missed = groups[place : place + 4]
            met.groups[source, topic, channel] = Count(n, missed)
    return met


def _added_up(found: Mapping[int, Window], rules: Collection[int] | None) -> dict[int, list[Part]]:
    """{rule: its parts, by source} of these rules, None: of all."""
    met: dict[int, list[Part]] = {}
    # The plus keeps SQLite from looking the rows up one by one by an index, where it needs nearly all.
    where = "+source_id = %s AND month >= %s AND month <= %s"
    if rules is not None:
        listed = ", ".join(str(int(rule)) for rule in sorted(rules))
        where = f"source_id = %s AND month IN ({{months}}) AND rule_id IN ({listed})"
    for source, window in sorted(found.items()):
        days = [day.isoformat() for day in window.shown]
        scope = where.format(months=", ".join(["%s"] * len(days)))
        params = [source, *(days if rules is not None else (days[0], days[-1]))]
        groups = _rows(
            f"SELECT rule_id, COALESCE(topic_id, 0), channel, {_summed('mature')}, {_summed('missed')} "
            f"FROM insight_rulemonth WHERE {scope} GROUP BY rule_id, topic_id, channel ORDER BY 1, 2, 3",
            params,
        )
        months = _rows(
            f"SELECT rule_id, CAST(month AS text), {_summed('cases')}, {_summed('missed')} "
            f"FROM insight_rulemonth WHERE {scope} GROUP BY rule_id, month",
            params,
        )
        for rule, part in _parts(source, window, groups, months).items():
            met.setdefault(rule, []).append(part)
    return met


def _parts(source: int, window: Window, groups: Iterable[Any], months: Iterable[Any]) -> dict[int, Part]:
    place = {day.isoformat(): number for number, day in enumerate(window.shown)}
    recent = place[window.volume_since.isoformat()]
    parts: dict[int, Part] = {}
    for rule, month, cases, missed in months:
        part = parts.setdefault(rule, [source, 0, 0, [], ["0/0"] * len(place)])
        number = place[month]
        part[1] += cases if number >= recent else 0
        part[2] += cases
        part[4][number] = f"{cases}/{missed}"
    for rule, topic, channel, n, missed in groups:
        if n:
            parts[rule][3] += (topic, channel, n, missed)
    for part in parts.values():
        part[4] = " ".join(part[4])
    return parts


def _rows(text: str, params: Sequence[Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(text, params)
        rows: list[Any] = cursor.fetchall()
    return rows


def _summed(expression: str) -> str:
    """Whole also on PostgreSQL, whose sums of large numbers are decimals."""
    return f"CAST(SUM({expression}) AS bigint)"


def packed_months(met: Mapping[int, Met], found: Mapping[int, Window]) -> dict[int, str]:
    """{rule: its twelve months up to the latest horizon of its sources, packed as RuleFigures holds them}"""
    first = begun()
    spans: dict[tuple[int, ...], tuple[list[date], str]] = {}
    packed = {}
    for rule, mine in met.items():
        if not mine.parts:
            continue
        sources = tuple(part[0] for part in mine.parts)
        if sources not in spans:
            spans[sources] = _span([found[source] for source in sources], first)
        shown, drawn = spans[sources]
        pairs = mine.parts[0][4] if len(sources) == 1 else _together(mine.parts, found, shown)
        packed[rule] = f"{shown[0]:%Y-%m} {drawn} {pairs}"
    return packed


def _together(parts: Sequence[Part], found: Mapping[int, Window], shown: Sequence[date]) -> str:
    sums: dict[date, tuple[int, int]] = {}
    for source, _recent, _cases, _groups, months in parts:
        for day, pair in zip(found[source].shown, months.split(), strict=True):
            cases, missed = map(int, pair.split("/"))
            before = sums.get(day, (0, 0))
            sums[day] = before[0] + cases, before[1] + missed
    return " ".join("{}/{}".format(*sums.get(day, (0, 0))) for day in shown)


def _span(windows: Sequence[Window], first: Mapping[int, date]) -> tuple[list[date], str]:
    """(the twelve months shown, from which to before which of them the data of all sources is complete)"""
    shown = max(windows, key=lambda window: window.last).shown
    drawn = [place for place, month in enumerate(shown) if complete_in(windows, month, first)]
    return shown, f"{drawn[0]}-{drawn[-1] + 1}" if drawn else "0-0"
