"""Links of a rule that was merged into another one: they become links of the one that stays.

In small transactions, so that a room can vote meanwhile. What is left to do follows from the links alone: whoever is
stopped half-way is gone on from, and a link that an import stored for the merged rule meanwhile is moved as well.
"""

from collections.abc import Callable, Mapping

from django.db import connection

from rulebook.cases.dialect import leave_room
from rulebook.cases.models import CaseRule, Effect, Origin
from rulebook.cases.refreshing import lock_cases, mark_links_changed
from rulebook.journal.services import business_verb

CASES_A_BATCH = 500  # some 15 ms
ONE_EFFECT = (Origin.SOURCE, Origin.PERSON)  # who says one effect of a case and a rule

Beat = Callable[[], None]


def links_to_move(stays: Mapping[int, int]) -> bool:
    """Whether any of the merged rules ({merged: the one that stays}) has links yet."""
    return CaseRule.objects.filter(rule__in=list(stays)).exists()


def move_links(stays: Mapping[int, int], beat: Beat = lambda: None) -> int:
    """Move all links of the merged rules; the number of their cases. `beat` may raise to stop in between."""
    moved = 0
    for gone, stayed in stays.items():
        while some := _move_some(gone=gone, stayed=stayed):
            moved += some
            leave_room()
            beat()
    return moved


@business_verb
def _move_some(*, gone: int, stayed: int) -> int:
    """The next cases, all their links to the rule at once; how many cases.

    The figures of both rules are marked, and of every other one that shares such a case: that two rules blocked it is
    now that one did. What both rules had is had once; where one of them was in play and the other blocked, as the same
    origin says, it blocked.
    """
    links = CaseRule.objects.filter(rule=gone).order_by("case")
    cases = list(links.values_list("case", flat=True).distinct()[:CASES_A_BATCH])
    if not cases:
        return 0
    lock_cases(cases)
    mark_links_changed(cases)
    listed = ", ".join(str(int(case)) for case in cases)
    origins = ", ".join(f"'{origin.value}'" for origin in ONE_EFFECT)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO cases_caserule (case_id, rule_id, effect, origin) SELECT case_id, %s, effect, origin "
            f"FROM cases_caserule WHERE case_id IN ({listed}) AND rule_id = %s ON CONFLICT DO NOTHING",
            [stayed, gone],
        )
        cursor.execute(f"DELETE FROM cases_caserule WHERE case_id IN ({listed}) AND rule_id = %s", [gone])
        cursor.execute(
            f"DELETE FROM cases_caserule WHERE case_id IN ({listed}) AND rule_id = %s AND effect = %s "
            f"AND origin IN ({origins}) AND EXISTS (SELECT 1 FROM cases_caserule b WHERE b.case_id = "
            "cases_caserule.case_id AND b.rule_id = cases_caserule.rule_id AND b.origin = cases_caserule.origin "
            "AND b.effect = %s)",
            [stayed, Effect.APPLIED.value, Effect.BLOCKED.value],
        )
    mark_links_changed(cases)
    return len(cases)
