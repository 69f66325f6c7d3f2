"""Keeps the sums by month up to date: recomputes from cases those that a change marked, and no others.

In small transactions beside running imports. A mark is taken away only together with the sums that answer it, and only
where nobody marked the month again since it was read; so any sequence of partial refreshes ends where a full one does.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.db.models import F, Q

from rulebook.cases.models import DirtyMonth, Source
from rulebook.cases.policies import by_space, is_settled
from rulebook.insight.models import BlockedMonth, RuleMonth, SourceFigures, TopicMonth
from rulebook.insight.rescoring import rescore, scores_due
from rulebook.insight.sums import blocked_sums, months_with_cases, rule_sums, topic_sums
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
        marked = _marks(source_id)
        months: Iterable[date] = marked
        if source_id in wholly:
            known = TopicMonth.objects.filter(source=source_id).values_list("month", flat=True).distinct()
            months = months_with_cases(source_id) | set(known) | set(marked)
            _open_figures(source_id=source_id)
        for month in sorted(months):
            _refresh_month(source_id, month, marked.get(month, _Marks()), whole=source_id in wholly)
            recomputed += 1
            beat()
    if everything or recomputed or scores_due():
        rescore(beat)
    return recomputed


def _fresh() -> list[int]:
    """Sources of the spaces in which no outcome is open: a stale neighbour may yet change those of the others."""
    spaces = by_space(Source.objects.all()).values()
    return sorted(source.pk for space in spaces if is_settled(space) for source in space)


def _unknown_sources(source_ids: Sequence[int]) -> set[int]:
    """Sources whose sums were never made: all their months are counted, marked or not."""
    return set(source_ids) - set(SourceFigures.objects.values_list("pk", flat=True))


def _marks(source_id: int) -> dict[date, _Marks]:
    found: dict[date, _Marks] = defaultdict(_Marks)
    rows = DirtyMonth.objects.filter(source=source_id).values_list("month", "subject", "subject_id", "pk", "marks")
    for month, subject, subject_id, number, marks in rows:
        kind = found[month].topics if subject == DirtyMonth.Subject.TOPIC else found[month].rules
        kind[subject_id] = number, marks
    return found


def _refresh_month(source_id: int, month: date, marks: _Marks, *, whole: bool) -> None:
    """Count what is marked, all of it for `whole`, and put it in place of what was stored."""
    if marks.topics or whole:
        topics = topic_sums(source_id, month, None if whole else marks.topics)
        stored = _stored(TopicMonth, "topic_id", source_id, month) if whole else set()
        subjects = {row.topic_id or 0 for row in topics} | stored | marks.topics.keys()
        for some in _batches(subjects):
            rows = [row for row in topics if (row.topic_id or 0) in some]
            _settle(source_id, month, [(TopicMonth, "topic", rows)], some, marks.topics)
    if marks.rules or whole:
        rules = rule_sums(source_id, month, None if whole else marks.rules)
        blocked = blocked_sums(source_id, month, None if whole else marks.rules)
        subjects = {row.rule_id for row in rules} | {row.rule_id for row in blocked} | marks.rules.keys()
        if whole:
            subjects |= _stored(RuleMonth, "rule_id", source_id, month)
            subjects |= _stored(BlockedMonth, "rule_id", source_id, month)
        for some in _batches(subjects):
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
    noted = [marks[subject] for subject in sorted(subjects) if subject in marks]
    try:
        store_sums(source_id=source_id, month=month, counted=counted, subjects=subjects, noted=noted)
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
    for model, column, rows in counted:
        theirs = Q(**{f"{column}__in": subjects - {0}})
        if 0 in subjects:
            theirs |= Q(**{column: None})
        model.objects.filter(theirs, source=source_id, month=month).delete()
        model.objects.bulk_create(rows)
    _open_figures(source_id=source_id)
    SourceFigures.objects.filter(pk=source_id).update(changes=F("changes") + 1)


@business_verb
def _open_figures(*, source_id: int) -> None:
    SourceFigures.objects.get_or_create(pk=source_id)
