"""Figures against the plain SELECTs of the same sums: what the database needs to add them up and hand them over.

Run as a process of its own on a large database: `python -m tests.scale.rollups nothing | marked | rescore TIMES`.
Prints JSON: seconds of the work alone, and what it counted.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "rulebook.settings")
django.setup()

from django.db import connection  # noqa: E402
from django.db.models import F, Sum  # noqa: E402

from rulebook.cases.dialect import month  # noqa: E402
from rulebook.cases.models import DirtyMonth  # noqa: E402
from rulebook.insight.models import BlockedMonth, RuleFigures, RuleMonth, SourceFigures, TopicMonth  # noqa: E402
from rulebook.insight.refreshing import figures_due, refresh_figures  # noqa: E402
from rulebook.insight.rescoring import rescore  # noqa: E402

JUDGED = "c.outcome IN ('resolved', 'not_resolved')"
LINKED = "SELECT 1 FROM cases_caserule l WHERE l.case_id = c.id"
MISSED = "SUM(CASE WHEN c.outcome = 'not_resolved' THEN 1 ELSE 0 END)"
# The sums of all months as somebody would ask for them by hand: of topics, of rules, and of what was blocked.
BY_TOPIC = f"""
SELECT {month("c.opened_day")}, c.topic_id, c.channel, COUNT(*), {MISSED},
       SUM(CASE WHEN {JUDGED} THEN 1 ELSE 0 END), SUM(CASE WHEN c.excluded = '' THEN 0 ELSE 1 END),
       SUM(CASE WHEN {JUDGED} AND EXISTS ({LINKED} AND l.effect = 'blocked') THEN 1 ELSE 0 END),
       SUM(CASE WHEN {JUDGED} AND EXISTS ({LINKED}) THEN 1 ELSE 0 END),
       SUM(COALESCE(c.handle_seconds, 0))
FROM cases_case c GROUP BY 1, 2, 3
"""
BY_RULE = f"""
SELECT l.rule_id, {month("c.opened_day")}, c.topic_id, c.channel, COUNT(DISTINCT c.id), {MISSED}
FROM cases_case c JOIN cases_caserule l ON l.case_id = c.id WHERE c.excluded = '' GROUP BY 1, 2, 3, 4
"""
BLOCKED = f"""
SELECT rule_id, m, k, COUNT(*) FROM (
    SELECT l.rule_id, {month("c.opened_day")} AS m, COUNT(*) OVER (PARTITION BY l.case_id) AS k
    FROM cases_case c JOIN cases_caserule l ON l.case_id = c.id
    WHERE c.excluded = '' AND {JUDGED} AND l.effect = 'blocked'
) x GROUP BY 1, 2, 3
"""


def timed(work: Callable[[], Any]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def plain_sums() -> None:
    with connection.cursor() as cursor:
        for statement in (BY_TOPIC, BY_RULE, BLOCKED):
            cursor.execute(statement)
            cursor.fetchall()


def plain_scores() -> None:
    """The rows that scoring needs, added up over twelve months and handed over; and what is stored already."""
    last = RuleMonth.objects.order_by("-month").values_list("month", flat=True)[0]
    since = last.replace(year=last.year - 1)
    within = {"month__gt": since}
    rows = RuleMonth.objects.filter(**within).order_by()
    list(rows.values_list("rule", "topic", "channel").annotate(Sum("mature"), Sum("missed"), Sum("cases")))
    list(rows.values_list("rule", "month").annotate(Sum("cases"), Sum("missed")))
    topics = TopicMonth.objects.filter(**within).order_by()
    list(topics.values_list("topic", "channel").annotate(Sum("resolved"), Sum("not_resolved")))
    blocked = BlockedMonth.objects.filter(**within).order_by()
    list(blocked.values_list("rule", "k").annotate(Sum("not_resolved"), Sum("resolved")))
    list(RuleFigures.objects.values_list())


def nothing() -> dict[str, Any]:
    """All figures from cases alone; before it the plain SELECTs, so that both find the tables in memory."""
    plain_sums()
    plain = timed(plain_sums)
    for model in (TopicMonth, RuleMonth, BlockedMonth, SourceFigures, RuleFigures):
        model.objects.all().delete()
    ours = timed(refresh_figures)
    return {"ours": ours, "plain": plain, **counted()}


def marked() -> dict[str, Any]:
    marks = DirtyMonth.objects.count()
    if not marks:
        raise SystemExit("Nothing is marked: the batch changed nothing.")
    plain_sums()
    ours = timed(refresh_figures)
    return {"ours": ours, "plain": timed(plain_sums), "marks": marks, **counted()}


def scored(times: int) -> dict[str, Any]:
    """Every rule anew, as after any change; and in the worst case, that each rule's row must be written again."""
    seconds: dict[str, list[float]] = {"ours": [], "plain": [], "worst": []}
    rescore()
    plain_scores()
    for _ in range(times):
        seconds["ours"].append(timed(rescore))
        seconds["plain"].append(timed(plain_scores))
        RuleFigures.objects.update(cases=F("cases") + 1)
        seconds["worst"].append(timed(rescore))
    return {**seconds, **counted()}


def counted() -> dict[str, int]:
    if figures_due():
        raise SystemExit("Figures are due after a refresh.")
    models = (TopicMonth, RuleMonth, BlockedMonth, RuleFigures)
    found = {model.__name__: model.objects.count() for model in models}
    return {**found, "measured": RuleFigures.objects.filter(listed="measured").count()}


def main(verb: str, times: str = "3") -> None:
    result = {"nothing": nothing, "marked": marked, "rescore": lambda: scored(int(times))}[verb]()
    connection.close()
    sys.stdout.write(json.dumps(result))


if __name__ == "__main__":
    main(*sys.argv[1:])
