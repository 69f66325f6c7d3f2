"""Anonymous flags, from the moment they are sent to the day after, when they go out together.

Nothing about them may tell when one came: neither a time, nor a number that counts, nor the place of a row among the
others. So whenever one joins or changes, all of them are written anew in another order; and when a day's flags become
readable they do so at once, shuffled.
"""

import random
from collections.abc import Iterable
from datetime import date, datetime, timedelta

from django.utils import timezone

from rulebook.catalogue.models import Rule
from rulebook.flags.models import Flag, HeldFlag, random_id
from rulebook.journal.services import business_verb, record, take_turn

ADDING_SECONDS = 3_600  # how long something can be added to a flag after it was sent
TURN = "held flags"
CHANCE = random.SystemRandom()
CARRIED = (
    "stopped", "customer_heard", "rule_id", "rule_words", "channel", "solved", "minutes", "instead", "decision",
    "quotable", "once", "receipt",
)  # fmt: skip


def hold(flag: HeldFlag) -> None:
    """Let a flag join those that wait. Inside a business verb that has taken `TURN`."""
    _write_anew([*HeldFlag.objects.all(), flag])


def change_held(once: str, **fields: object) -> bool:
    """Change the held flag of that form; False when it is none. Inside a business verb that has taken `TURN`."""
    held = list(HeldFlag.objects.all())
    changed = [flag for flag in held if flag.once == once]
    for flag in changed:
        for name, value in fields.items():
            setattr(flag, name, value)
    if changed:
        _write_anew(held)
    return bool(changed)


def move_held(gone: int, stayed: int) -> None:
    """Let what waits be about the rule into which its own was merged. Inside a business verb."""
    take_turn(TURN)
    held = list(HeldFlag.objects.all())
    theirs = [flag for flag in held if flag.rule_id == gone]
    for flag in theirs:
        flag.rule_id = stayed
    if theirs:
        _write_anew(held)


def releasable_before(now: datetime) -> date:
    """Flags held on days before this one can go out: nobody can add to them any more.

    An hour after midnight and not at midnight: a flag of 23:50 that is added to at 0:20 would be the one that changed.
    """
    return timezone.localdate(now - timedelta(seconds=ADDING_SECONDS))


def release_due(today: date) -> bool:
    return HeldFlag.objects.filter(held_on__lt=today).exists()


@business_verb
def release_held(*, today: date) -> int:
    """Let the flags held on days before `today` go out, shuffled; how many. One event for all of them."""
    take_turn(TURN)
    due = list(HeldFlag.objects.filter(held_on__lt=today).select_related("rule"))
    if not due:
        return 0
    CHANCE.shuffle(due)
    HeldFlag.objects.filter(held_on__lt=today).delete()
    Flag.objects.bulk_create(
        Flag(
            anonymous=True,
            flagged_on=held.held_on,
            rule_was_removed=held.rule is not None and held.rule.status == Rule.Status.REMOVED,
            **{name: getattr(held, name) for name in CARRIED},
        )
        for held in due
    )
    record("flags_released", "flag", "", after=str(len(due)), by=None)
    return len(due)


def _write_anew(flags: Iterable[HeldFlag]) -> None:
    """All of them under new numbers and in another order; a few hundred a day at the most."""
    shuffled = list(flags)
    CHANCE.shuffle(shuffled)
    HeldFlag.objects.all().delete()
    for flag in shuffled:
        flag.pk = random_id()
    HeldFlag.objects.bulk_create(shuffled)
