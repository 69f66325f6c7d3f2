"""`@business_verb` and `record`: how everything that changes something is done, and written down."""

import random
import time
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from functools import wraps
from typing import ParamSpec, Protocol, TypeVar

from django.db import OperationalError, connection, transaction
from django.utils import timezone

from rulebook.errors import LostRace
from rulebook.journal.models import Actor, Event, JournalHead, Note

P = ParamSpec("P")
R = TypeVar("R")

RETRIES = 2
# PostgreSQL: serialization failure, deadlock. Both mean "again, from the start".
LOST_RACE_STATES = frozenset({"40001", "40P01"})


class Acting(Protocol):
    """Somebody who can be written into the journal: a person, by number and name."""

    pk: int

    def get_full_name(self) -> str: ...
    def get_username(self) -> str: ...


@dataclass(frozen=True)
class Draft:
    """An event before it has a number."""

    verb: str
    object_type: str
    object_code: str
    before: str
    after: str
    by: Acting | None
    note: str


_drafts: ContextVar[list[Draft] | None] = ContextVar("drafts", default=None)


def business_verb(function: Callable[P, R]) -> Callable[P, R]:
    """Make a service function one whole thing: checked, written and journalled in one transaction, or not at all.

    The outermost verb opens the transaction, retries a lost race twice, and at its exit takes the journal head (the
    last lock before the commit), numbers the events and inserts them: so numbers have no gap and follow the order of
    commits on both databases. An inner verb joins; when it fails, what it wrote and recorded is undone with it.
    """

    @wraps(function)
    def verb(*args: P.args, **kwargs: P.kwargs) -> R:
        outer = _drafts.get()
        if outer is not None:
            mark = len(outer)
            try:
                with transaction.atomic():
                    return function(*args, **kwargs)
            except BaseException:
                del outer[mark:]
                raise
        for attempt in range(RETRIES + 1):
            drafts: list[Draft] = []
            token = _drafts.set(drafts)
            try:
                with transaction.atomic():
                    result = function(*args, **kwargs)
                    _write(drafts)
                return result
            except (OperationalError, LostRace) as error:
                # Inside somebody else's transaction only a savepoint is ours to repeat.
                if attempt == RETRIES or connection.in_atomic_block or not is_lost_race(error):
                    raise
            finally:
                _drafts.reset(token)
            time.sleep(random.uniform(0.01, 0.05) * (attempt + 1))  # noqa: S311 (spreads writers, no secret)
        raise AssertionError("the last attempt returns or raises")

    return verb


def record(
    verb: str,
    object_type: str,
    object_code: str,
    *,
    by: Acting | None,
    before: str = "",
    after: str = "",
    note: str = "",
) -> None:
    """Add an event to the running business verb; `by` is None for the system itself.

    Raises RuntimeError outside a business verb: an event without its change, or a change without its event, is a lie.
    """
    drafts = _drafts.get()
    if drafts is None:
        raise RuntimeError("record() works inside a @business_verb only.")
    drafts.append(Draft(verb, object_type, object_code, before, after, by, note))


def take_turn(what: str) -> None:
    """Wait until no other transaction holds `what`; it is ours until the commit.

    Taken before the journal head, never after it. SQLite lets one transaction write at a time anyway.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [what])


def _write(drafts: list[Draft]) -> None:
    if not drafts:
        return
    actors: dict[int, int] = {}
    notes: list[int | None] = []
    for draft in drafts:
        reference = draft.by.pk if draft.by else 0
        if reference not in actors:
            actors[reference] = _actor_number(draft.by)
        notes.append(Note.objects.create(text=draft.note).number if draft.note else None)
    last = _take_head(len(drafts))
    now = timezone.now()
    Event.objects.bulk_create(
        Event(
            number=last - len(drafts) + 1 + place,
            verb=draft.verb,
            object_type=draft.object_type,
            object_code=draft.object_code,
            before=draft.before,
            after=draft.after,
            actor=actors[draft.by.pk if draft.by else 0],
            note=note,
            at=now,
        )
        for place, (draft, note) in enumerate(zip(drafts, notes, strict=True))
    )


def _actor_number(by: Acting | None) -> int:
    if by is None:
        kind, reference, name = Actor.Kind.SYSTEM, 0, "Rulebook"
    else:
        kind, reference, name = Actor.Kind.PERSON, by.pk, by.get_full_name() or by.get_username()
    actor, _ = Actor.objects.get_or_create(kind=kind, reference=reference, name=name[:200])
    return actor.number


def _take_head(count: int) -> int:
    """The number of the last of `count` new events. The row stays locked until the commit."""
    head = JournalHead.objects.select_for_update().get(id=1)
    head.last += count
    head.save(update_fields=["last"])
    return head.last


def is_lost_race(error: Exception) -> bool:
    """True when the same again, from the start, may well go through."""
    if isinstance(error, LostRace):
        return True
    state = getattr(error.__cause__, "sqlstate", None)
    return state in LOST_RACE_STATES or "database is locked" in str(error)
