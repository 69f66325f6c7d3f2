"""Keeps the sums by month up to date: recomputes from cases those that a change marked, and no others.

In small transactions beside running imports. A mark is taken away only together with the sums that answer it, and only
where nobody marked the month again since it was read; so any sequence of partial refreshes ends where a full one does.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.db.models import F, Q

from rulebook.cases.dialect import leave_room
from rulebook.cases.models import DirtyMonth, Source
from rulebook.cases.policies import by_space, is_settled
from rulebook.cases.refreshing import mark_dirty
from rulebook.insight.models import BlockedMonth, RuleFigures, RuleMonth, SourceFigures, TopicMonth
from rulebook.insight.rescoring import rescore, scores_due
from rulebook.insight.sums import blocked_sums, months_with_cases, rule_sums, subjects_of, topic_sums
from rulebook.journal.services import business_verb

SUBJECTS_A_BATCH = 300
MARKS_A_STATEMENT = 300

Beat = Callable[[], None]
Counted = tuple[Any, str, Sequence[Any]]  # table, its column of the subject, rows


class Overtaken(Exception):
    """The month was marked again while it was counted: what was counted is thrown away, and the mark stays."""


@dataclass
class _Marks:
    """What is marked of one source and month: {topic or rule id: (number of the mark, how often it was marked)}."""

    topics: dict[int, tuple[int, int]] = field(default_factory=dict)
    rules: dict[int, tuple[int, int]] = field(default_factory=dict)


def figures_due() -> bool:
    """True when a refresh would change something. Looks at no case."""
    fresh = _fresh()
    return bool(fresh) and (
        DirtyMonth.objects.filter(source__in=fresh).exists() or bool(_unknown_sources(fresh)) or scores_due()
    )


def refresh_figures(*, everything: bool = False, beat: Beat = lambda: None) -> int:
    """Bring all figures up to date; how many months of a source were recomputed.

    Sources whose outcomes are not all stored (an import runs, or died) keep the figures they have.
    """
    fresh = _fresh()
    wholly = set(fresh) if everything else _unknown_sources(fresh)
    recomputed = 0
    for source_id in fresh:
        months: Iterable[date] = _marked_months(source_id)
        if source_id in wholly:
            known = TopicMonth.objects.filter(source=source_id).values_list("month", flat=True).distinct()
            months = months_with_cases(source_id) | set(known) | set(months)
            _open_figures(source_id=source_id)
        for month in sorted(months):
            if source_id in wholly:
                _mark_whole(source_id, month)
            _refresh_month(source_id, month)
            recomputed += 1
            beat()
    if everything or recomputed or scores_due():
        rescore(beat, everything=everything)
    return recomputed


def _fresh() -> list[int]:
    """Sources of the spaces in which no outcome is open: a stale neighbour may yet change those of the others."""
    spaces = by_space(Source.objects.all()).values()
    return sorted(source.pk for space in spaces if is_settled(space) for source in space)


def _unknown_sources(source_ids: Sequence[int]) -> set[int]:
    """Sources whose sums were never made: all their months are counted, marked or not."""
    return set(source_ids) - set(SourceFigures.objects.values_list("pk", flat=True))


def _marked_months(source_id: int) -> set[date]:
    return set(DirtyMonth.objects.filter(source=source_id).values_list("month", flat=True).distinct())


def _mark_whole(source_id: int, month: date) -> None:
    """Mark all that the month holds and held. To count it without marks would undo what somebody else counts."""
    topics, rules = subjects_of(source_id, month)
    topics |= _stored(TopicMonth, "topic_id", source_id, month)
    rules |= _stored(RuleMonth, "rule_id", source_id, month) | _stored(BlockedMonth, "rule_id", source_id, month)
    for subject, found in ((DirtyMonth.Subject.TOPIC, topics), (DirtyMonth.Subject.RULE, rules)):
        for some in _batches(found):
            mark_months(months=[(source_id, subject.value, number, f"{month:%Y-%m}") for number in some])


def _marks(source_id: int, month: date) -> _Marks:
    found = _Marks()
    rows = DirtyMonth.objects.filter(source=source_id, month=month)
    for subject, subject_id, number, marks in rows.values_list("subject", "subject_id", "pk", "marks"):
        kind = found.topics if subject == DirtyMonth.Subject.TOPIC else found.rules
        kind[subject_id] = number, marks
    return found


def _refresh_month(source_id: int, month: date) -> None:
    """Count what is marked, and put it in place of what was stored."""
    marks = _marks(source_id, month)
    if marks.topics:
        topics = topic_sums(source_id, month, marks.topics)
        for some in _batches(marks.topics):
            rows = [row for row in topics if (row.topic_id or 0) in some]
            _settle(source_id, month, [(TopicMonth, "topic", rows)], some, marks.topics)
    if marks.rules:
        rules, blocked = rule_sums(source_id, month, marks.rules), blocked_sums(source_id, month, marks.rules)
        for some in _batches(marks.rules):
            kept: list[Counted] = [
                (RuleMonth, "rule", [row for row in rules if row.rule_id in some]),
                (BlockedMonth, "rule", [row for row in blocked if row.rule_id in some]),
            ]
            _settle(source_id, month, kept, some, marks.rules)


def _stored(model: Any, column: str, source_id: int, month: date) -> set[int]:
    rows = model.objects.filter(source=source_id, month=month)
    return {number or 0 for number in rows.values_list(column, flat=True).distinct()}


def _batches(subjects: Iterable[int]) -> list[set[int]]:
    ordered = sorted(subjects)
    return [set(ordered[start : start + SUBJECTS_A_BATCH]) for start in range(0, len(ordered), SUBJECTS_A_BATCH)]


def _settle(
    source_id: int,
    month: date,
    counted: Sequence[Counted],
    subjects: set[int],
    marks: dict[int, tuple[int, int]],
) -> None:
    noted = [marks[subject] for subject in sorted(subjects)]
    try:
        store_sums(source_id=source_id, month=month, counted=counted, subjects=subjects, noted=noted)
        leave_room()
    except Overtaken:
        return  # it is marked, so the next refresh counts it again


@business_verb
def store_sums(
    *,
    source_id: int,
    month: date,
    counted: Sequence[Counted],
    subjects: set[int],
    noted: Sequence[tuple[int, int]],
) -> None:
    """Put the sums of these topics or rules in place of the stored ones, and take their marks away.

    Raises Overtaken, and stores nothing, where a noted mark has changed since.
    """
    _open_figures(source_id=source_id)
    for start in range(0, len(noted), MARKS_A_STATEMENT):
        some = noted[start : start + MARKS_A_STATEMENT]
        same = Q()
        for number, marks in some:
            same |= Q(pk=number, marks=marks)
        # Locked in the order in which changes mark months: to delete them in any other would wait in a circle.
        unchanged = DirtyMonth.objects.select_for_update().filter(same).order_by("subject_id")
        if len(unchanged.values_list("pk")) != len(some):
            raise Overtaken
        DirtyMonth.objects.filter(same).delete()
    # Before a figure is blanked: whoever scores meanwhile takes the source first, too, and sees that its sums changed.
    SourceFigures.objects.filter(pk=source_id).update(changes=F("changes") + 1)
    for model, column, rows in counted:
        theirs = Q(**{f"{column}__in": subjects - {0}})
        if 0 in subjects:
            theirs |= Q(**{column: None})
        model.objects.filter(theirs, source=source_id, month=month).delete()
        model.objects.bulk_create(rows)
        if column == "rule":
            RuleFigures.objects.filter(rule__in=subjects).exclude(gathered="").update(gathered="")


@business_verb
def mark_months(*, months: Sequence[tuple[int, str, int, str]]) -> None:
    """Mark months to be counted anew; (source id, subject, subject id, YYYY-MM)."""
    mark_dirty(months)


@business_verb
def _open_figures(*, source_id: int) -> None:
    SourceFigures.objects.get_or_create(pk=source_id)
