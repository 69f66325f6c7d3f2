"""Finding the rule that somebody means while they type, and rules that say the same twice.

Each process keeps the words of all rules in memory, made on first use and brought up to date when a rule has changed:
one short question a search asks whether any has. For 10,000 rules of 15 to 50 words that is about 20 MB, a second and a
half for the first search, some 5 ms for each, and 50 ms more for the first after a change. Safe for threads: one of
them looks at a time.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from threading import RLock
from typing import Any

from django.db.models import Subquery

from rulebook.catalogue.cleaning import clean_text
from rulebook.catalogue.models import Alias, Rule
from rulebook.catalogue.nearness import LONGEST_TEXT, Near, Nearness, Saying
from rulebook.catalogue.queries import BATCH
from rulebook.journal.models import JournalHead

LEAST_LIKELY = 0.25  # less than this is chance
LEAST_ALIKE = 0.6  # of a title's weight, both ways round
# How much likelier a rule must be that nobody has to follow yet, or any more, to stand before one that is in force.
BEHIND = {Rule.Status.PROPOSED.value: 0.1, Rule.Status.REMOVED.value: 0.15}
NAMED = 2.0  # the score of a code or an alias

# pk -> when it was last changed, status, names
State = dict[int, tuple[datetime, str, tuple[str, ...]]]


@dataclass(frozen=True)
class Likely:
    """A rule that may be the one that is meant. `score` is 0 to 1; 2 where its code or an alias was typed."""

    pk: int
    code: str
    title: str
    customer_hears: str
    score: float
    status: str = Rule.Status.IN_FORCE

    @property
    def removed(self) -> bool:
        return self.status == Rule.Status.REMOVED


@dataclass
class _Memory:
    """What this process knows of the rules, and of which moment."""

    near: Nearness = field(default_factory=Nearness)
    state: State = field(default_factory=dict)
    shown: dict[int, tuple[str, str, str]] = field(default_factory=dict)  # pk -> code, title, customer's sentence
    removed: frozenset[int] = frozenset()
    as_of: tuple[Any, ...] | None = None


_lock = RLock()
_memory = _Memory()


def likely_rules(text: str, *, most: int = 5, include_removed: bool = True) -> list[Likely]:
    """The rules that somebody who typed this may mean, the likeliest first; none for a blank or for chance.

    Looks at titles, texts, codes, aliases and the customer's sentence, in any of the four languages and misspelt.
    An exact code or alias leads. A proposed rule stands behind those in force that are as likely; removed ones stand
    last, for they can still be meant. Takes any text.
    """
    text = clean_text(text[:LONGEST_TEXT])
    if not text:
        return []
    with _lock:
        memory = _refreshed()
        besides = frozenset() if include_removed else memory.removed
        near = _told(memory, memory.near.nearest(text, most=2 * most, least=LEAST_LIKELY, besides=besides))
    likeliest = sorted(
        near, key=lambda rule: -rule.score if rule.score == NAMED else BEHIND.get(rule.status, 0.0) - rule.score
    )
    return sorted(likeliest[:most], key=lambda rule: rule.removed and rule.score != NAMED)


def alike(rule: Rule | str, *, most: int = 5, include_removed: bool = True) -> list[Likely]:
    """Rules whose titles say much the same as that rule's, or as a short text: likely written down twice."""
    title = rule if isinstance(rule, str) else rule.title
    own = frozenset() if isinstance(rule, str) else frozenset([rule.pk])
    title = clean_text(title[:LONGEST_TEXT])
    if not title:
        return []
    with _lock:
        memory = _refreshed()
        besides = own if include_removed else own | memory.removed
        return _told(memory, memory.near.alike(title, most=most, least=LEAST_ALIKE, besides=besides))


def forget() -> None:
    """Begin anew at the next search. For tests, whose rules go with them."""
    global _memory
    with _lock:
        _memory = _Memory()


def _told(memory: _Memory, found: Iterable[Near]) -> list[Likely]:
    return [
        Likely(near.key, *memory.shown[near.key], score=near.score, status=memory.state[near.key][1]) for near in found
    ]


def _refreshed() -> _Memory:
    """The memory, brought up to date where a rule was written, changed or removed since. Under the lock."""
    now = _moment()
    if now == _memory.as_of:
        return _memory
    state = _state()
    gone = _memory.state.keys() - state.keys()
    changed = [pk for pk, seen in state.items() if _memory.state.get(pk) != seen]
    if len(gone) + len(changed) + _memory.near.wasted > len(state) / 2:
        _memory.near = Nearness()
        gone, changed = set(), list(state)
        _memory.shown = {}
    for pk in gone:
        _memory.near.remove(pk)
        del _memory.shown[pk]
    _take_in(changed, state)
    _memory.state = state
    _memory.removed = frozenset(pk for pk, seen in state.items() if seen[1] == Rule.Status.REMOVED)
    _memory.as_of = now
    return _memory


def _moment() -> tuple[Any, ...] | None:
    """What differs as soon as any rule or name has been written: asked at every search, so one row by its keys.

    The journal is numbered in the order of commits, so a change that was begun early and stored late is not missed.
    """
    head = Subquery(JournalHead.objects.values("last")[:1])
    alias = Subquery(Alias.objects.order_by("-pk").values("pk")[:1])
    return Rule.objects.order_by("-pk").values_list("pk", head, alias).first()


def _state() -> State:
    """Of a rule that was merged into another nobody means anything but the one that stayed: it is left out."""
    names: dict[int, list[str]] = defaultdict(list)
    found: dict[str, int] = {}
    for rule_id, name in Alias.objects.order_by("name").values_list("rule_id", "name"):
        names[rule_id].append(name)
        found[name] = rule_id
    rows = Rule.objects.order_by("pk").values_list("pk", "code", "updated_at", "status")
    return {pk: (at, status, tuple(names[pk])) for pk, code, at, status in rows if found.get(code, pk) == pk}


def _take_in(changed: list[int], state: State) -> None:
    for start in range(0, len(changed), BATCH):
        rules = Rule.objects.filter(pk__in=changed[start : start + BATCH]).order_by("pk")
        for pk, code, title, text, heard in rules.values_list("pk", "code", "title", "text", "customer_hears"):
            _memory.near.add(Saying(pk, code, title, text, heard, state[pk][2]))
            _memory.shown[pk] = (code, title, heard)
