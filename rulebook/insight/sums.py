"""One month of one source, counted from its cases and links: the rows of TopicMonth, RuleMonth and BlockedMonth.

The only place where figures are made from cases. Reads alone; `refreshing` stores what is found.
"""

from collections.abc import Collection, Iterable
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection

from rulebook.cases import dialect
from rulebook.cases.models import Effect, Issue, Origin, Outcome
from rulebook.insight.models import BlockedMonth, RuleMonth, TopicMonth

# Made without looking at the outcome. A flag or a person says where it hurts, and never how often.
COUNTING = (Origin.SOURCE, Origin.MATCHER)
LISTED_AT_MOST = 500  # ids named in a statement; beyond that all are counted, and the others passed over

_RESOLVED, _MISSED = f"c.outcome = '{Outcome.RESOLVED}'", f"c.outcome = '{Outcome.NOT_RESOLVED}'"
_ANY_LINK = "EXISTS (SELECT 1 FROM cases_caserule l WHERE l.case_id = c.id)"
_BLOCKED = f"EXISTS (SELECT 1 FROM cases_caserule l WHERE l.case_id = c.id AND l.effect = '{Effect.BLOCKED}')"
_COUNTS = {
    "resolved": _RESOLVED,
    "not_resolved": _MISSED,
    "pending": f"c.outcome = '{Outcome.PENDING}'",
    "early_repeats": f"c.outcome = '{Outcome.PENDING}' AND c.repeated",
    "unknown": f"c.outcome = '{Outcome.UNKNOWN}'",
    "blocked": f"{_MISSED} AND {_BLOCKED}",
    "linked": f"{_MISSED} AND {_ANY_LINK}",
    "silent": f"{_RESOLVED} AND {_BLOCKED}",
    "issues": "c.issue <> ''",
    "short_issues": f"c.issue = '{Issue.SHORT}'",
    "timed": "c.handle_seconds IS NOT NULL",
}


def topic_sums(source_id: int, month: date, topics: Collection[int]) -> list[TopicMonth]:
    """The sums of these topics; 0 stands for cases without a topic. No row where there is no case."""
    columns = ", ".join(
        f"SUM(CASE WHEN c.excluded = '' AND {condition} THEN 1 ELSE 0 END)" for condition in _COUNTS.values()
    )
    text = (
        f"SELECT c.topic_id, c.channel, {columns}, SUM(CASE WHEN c.excluded = '' THEN 0 ELSE 1 END), "
        "SUM(CASE WHEN c.excluded = '' THEN COALESCE(c.handle_seconds, 0) ELSE 0 END) "
        f"FROM cases_case c WHERE {_IN_MONTH}{_only('COALESCE(c.topic_id, 0)', topics)} GROUP BY c.topic_id, c.channel"
    )
    return [
        TopicMonth(
            source_id=source_id,
            month=month,
            topic_id=topic_id,
            channel=channel,
            **dict(zip((*_COUNTS, "excluded", "seconds"), map(int, counts), strict=True)),
        )
        for topic_id, channel, *counts in _rows(text, source_id, month)
        if (topic_id or 0) in topics
    ]


def rule_sums(source_id: int, month: date, rules: Collection[int]) -> list[RuleMonth]:
    """The counting cases of these rules. A case counts once a rule, however often it was linked."""
    origins = ", ".join(f"'{origin}'" for origin in COUNTING)
    text = (
        "SELECT l.rule_id, c.topic_id, c.channel, COUNT(DISTINCT c.id), "
        f"COUNT(DISTINCT CASE WHEN {_RESOLVED} OR {_MISSED} THEN c.id END), "
        f"COUNT(DISTINCT CASE WHEN {_MISSED} THEN c.id END) "
        f"FROM cases_case c JOIN cases_caserule l ON l.case_id = c.id WHERE {_IN_MONTH} AND c.excluded = '' "
        f"AND l.origin IN ({origins}){_only('l.rule_id', rules)} GROUP BY l.rule_id, c.topic_id, c.channel"
    )
    return [
        RuleMonth(
            rule_id=rule_id,
            source_id=source_id,
            month=month,
            topic_id=topic_id,
            channel=channel,
            cases=cases,
            mature=mature,
            missed=missed,
        )
        for rule_id, topic_id, channel, cases, mature, missed in _rows(text, source_id, month)
        if rule_id in rules
    ]


def blocked_sums(source_id: int, month: date, rules: Collection[int]) -> list[BlockedMonth]:
    """The mature cases that these rules blocked, by how many rules blocked each."""
    pairs = (
        "SELECT DISTINCT l.case_id, l.rule_id, c.outcome FROM cases_case c JOIN cases_caserule l ON l.case_id = c.id "
        f"WHERE {_IN_MONTH} AND c.excluded = '' AND ({_RESOLVED} OR {_MISSED}) AND l.effect = '{Effect.BLOCKED}'"
    )
    counted = f"SELECT p.*, COUNT(*) OVER (PARTITION BY p.case_id) AS k FROM ({pairs}) p"
    text = (
        f"SELECT c.rule_id, c.k, SUM(CASE WHEN {_MISSED} THEN 1 ELSE 0 END), "
        f"SUM(CASE WHEN {_RESOLVED} THEN 1 ELSE 0 END) FROM ({counted}) c WHERE 1 = 1{_only('c.rule_id', rules)} "
        "GROUP BY c.rule_id, c.k"
    )
    return [
        BlockedMonth(
            rule_id=rule_id,
            source_id=source_id,
            month=month,
            k=k,
            not_resolved=int(not_resolved),
            resolved=int(resolved),
        )
        for rule_id, k, not_resolved, resolved in _rows(text, source_id, month)
        if rule_id in rules
    ]


def subjects_of(source_id: int, month: date) -> tuple[set[int], set[int]]:
    """({topic id, 0 for none}, {rule id}) that the month's cases have and met."""
    topics = f"SELECT DISTINCT COALESCE(c.topic_id, 0) FROM cases_case c WHERE {_IN_MONTH}"
    rules = (
        "SELECT DISTINCT l.rule_id FROM cases_case c JOIN cases_caserule l ON l.case_id = c.id "
        f"WHERE {_IN_MONTH} AND c.excluded = ''"
    )
    return {row[0] for row in _rows(topics, source_id, month)}, {row[0] for row in _rows(rules, source_id, month)}


def months_with_cases(source_id: int) -> set[date]:
    """The first days of the months in which the source has cases."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT DISTINCT {dialect.month('c.opened_day')} FROM cases_case c WHERE c.source_id = %s", [source_id]
        )
        return {date.fromisoformat(f"{month}-01") for (month,) in cursor.fetchall()}


# By the instant, which has an index, and exactly by the source's own day: zones differ from UTC by less than two days.
_IN_MONTH = "c.source_id = %s AND c.opened_at >= %s AND c.opened_at < %s AND c.opened_day >= %s AND c.opened_day < %s"


def _only(column: str, ids: Iterable[int]) -> str:
    named = sorted(ids)
    if len(named) > LISTED_AT_MOST:
        return ""
    return f" AND {column} IN ({', '.join(str(int(number)) for number in named) or 'NULL'})"


def _rows(text: str, source_id: int, month: date) -> list[tuple[Any, ...]]:
    first, next_first = month, next_month(month)
    begin, end = (datetime.combine(day, datetime.min.time()) for day in (first, next_first))
    margin = timedelta(days=2)
    params: list[Any] = [
        source_id,
        *map(dialect.stamp, (begin - margin, end + margin)),
        *map(dialect.as_day, (first, next_first)),
    ]
    with connection.cursor() as cursor:
        cursor.execute(text, params)
        return list(cursor.fetchall())


def next_month(month: date, steps: int = 1) -> date:
    """
    >>> next_month(date(2026, 11, 1)), next_month(date(2026, 1, 1), -2)
    (datetime.date(2026, 12, 1), datetime.date(2025, 11, 1))
    """
    index = month.year * 12 + month.month - 1 + steps
    return date(index // 12, index % 12 + 1, 1)
