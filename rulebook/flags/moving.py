"""Flags on a rule that was merged into another one: they are flags on the one that stays, and keep their answers."""

from collections.abc import Mapping

from rulebook.catalogue.models import Rule
from rulebook.flags.holding import move_held
from rulebook.flags.models import AuditedCase, Flag, HeldFlag
from rulebook.journal.services import business_verb

MOVED = (Flag, HeldFlag, AuditedCase)


def flags_to_move(stays: Mapping[int, int]) -> bool:
    """Whether any of the merged rules ({merged: the one that stays}) has flags yet, or contacts read in an audit."""
    return any(model.objects.filter(rule__in=list(stays)).exists() for model in MOVED)


@business_verb
def move_flags(*, gone: int, stayed: int) -> int:
    """How many were moved. No event: that the rules were merged tells of it, and an anonymous flag has none.

    Not a word of a flag changes, nor who may have sent it. One that came when the merged rule had just ended met no
    removed rule: the rule that it is about now is in force.
    """
    move_held(gone, stayed)
    AuditedCase.objects.filter(rule=gone).update(rule=stayed)
    removed = Rule.objects.filter(pk=stayed, status=Rule.Status.REMOVED).exists()
    return Flag.objects.filter(rule=gone).update(rule=stayed, rule_was_removed=removed)
