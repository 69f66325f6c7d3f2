"""Harm: how many contacts a rule makes come back, beyond what its topics do without it. Pure.

A rule's contacts are compared with the other contacts of the same source, topic and channel; what little was seen of a
rule is drawn towards "no different", as far as all rules together say that rules hardly differ.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import fsum
from typing import NamedTuple

from rulebook.cases.intervals import Z90, wilson

LEAST_COMPARED = 30  # contacts without the rule, for a rate to be worth anything
LEAST_MEASURED = 20  # contacts of a rule, for its harm to be shown
LEAST_STRENGTH, MOST_STRENGTH, USUAL_STRENGTH = 2.0, 1000.0, 50.0
RULES_NEEDED, CASES_NEEDED = 5, 5  # for a strength of one's own

Group = tuple[int, int, str]  # source, topic (0: blank), channel
Wide = tuple[str, int, int]  # 'topic', 'parent' or 'source', source, topic


class Count(NamedTuple):
    """Mature contacts, and those of them that were not resolved."""

    n: int = 0
    missed: int = 0

    @property
    def rate(self) -> float:
        return self.missed / self.n

    def without(self, others: "Count") -> "Count":
        return Count(self.n - others.n, self.missed - others.missed)


NOTHING = Count()


@dataclass(frozen=True)
class Compared:
    """A rule's comparable contacts and what they would have done without it: `expected` is the mean of their rates.

    `seen` counts its mature contacts, those that nothing compares with too.
    """

    count: Count
    expected: float | None  # None: nothing to compare with
    seen: int = 0


@dataclass(frozen=True)
class Score:
    """k of n, e, the shrunken excess (parts of 1), and harm with its 90 % interval (contacts per 30 days)."""

    count: Count
    expected: float
    excess: float
    harm: float
    low: float
    high: float


class Background:
    """All contacts of the twelve months by group, to compare a rule's with those that did not meet it.

    `above` gives the topics a topic lies in, nearest first, itself left out. A parent's rate is that of all topics
    below it, its own included.
    """

    def __init__(self, counts: Mapping[Group, Count], above: Mapping[int, Sequence[int]]) -> None:
        self.above = above
        self.narrow = counts
        self.wide = self._widened(counts)

    def compare(self, rule: Mapping[Group, Count]) -> Compared:
        """Each contact takes the rate of the narrowest group with 30 contacts without the rule.

        >>> all_contacts = {(1, 1, "phone"): Count(100, 40), (1, 2, "phone"): Count(200, 20)}
        >>> background = Background(all_contacts, {1: [], 2: []})
        >>> background.compare({(1, 1, "phone"): Count(60, 32)})  # of the other 40 contacts 8 were not resolved
        Compared(count=Count(n=60, missed=32), expected=0.2, seen=60)
        >>> few = background.compare({(1, 1, "phone"): Count(80, 35)})  # 20 others are too few: the whole source
        >>> round(few.expected, 4)
        0.1136

        One rule with all contacts cannot be told from its topic:

        >>> background.compare(all_contacts)
        Compared(count=Count(n=0, missed=0), expected=None, seen=300)
        """
        own: Mapping[Wide, Count] | None = None
        n = missed = seen = 0
        expected = []
        for group, count in rule.items():
            if not count.n:
                continue
            seen += count.n
            others = self.narrow.get(group, NOTHING).without(count)
            if others.n < LEAST_COMPARED:
                own = self._widened(rule) if own is None else own  # of most rules never needed, and it takes its time
                wider = (self.wide.get(wide, NOTHING).without(own.get(wide, NOTHING)) for wide in self._wider(group))
                others = next((found for found in wider if found.n >= LEAST_COMPARED), NOTHING)
            if others.n:
                n += count.n
                missed += count.missed
                expected.append(count.n * others.rate)
        # fsum: the same to the last digit, in whichever order the groups come.
        return Compared(Count(n, missed), fsum(expected) / n if n else None, seen)

    def _wider(self, group: Group) -> list[Wide]:
        source, topic, _ = group
        parents = self.above.get(topic, ())[:1]
        return [("topic", source, topic), *(("parent", source, parent) for parent in parents), ("source", source, 0)]

    def _widened(self, counts: Mapping[Group, Count]) -> dict[Wide, Count]:
        sums: dict[Wide, list[int]] = defaultdict(lambda: [0, 0])
        for (source, topic, _), count in counts.items():
            for wide in (
                ("topic", source, topic),
                *(("parent", source, parent) for parent in (topic, *self.above.get(topic, ())) if parent),
                ("source", source, 0),
            ):
                sums[wide][0] += count.n
                sums[wide][1] += count.missed
        return {wide: Count(n, missed) for wide, (n, missed) in sums.items()}


def strength(counts: Iterable[Count]) -> float:
    """s: how many contacts of "no different" every rule is given, from how much the rules' rates differ.

    DerSimonian and Laird's moment estimate of the variance between rules (Controlled Clinical Trials 7, 1986), turned
    into the size of a beta prior; 2 to 1000, and 50 where fewer than five rules have five contacts.

    >>> strength([Count(100, 30)])  # one rule
    50.0
    >>> strength([Count(40, 12)] * 8)  # equal rates: nothing tells the rules apart
    1000.0
    >>> round(strength([Count(50, 5), Count(50, 10), Count(50, 15), Count(50, 25), Count(50, 35)]), 2)
    3.32
    >>> strength([Count(50, 50)] * 6), strength([Count(50, 0)] * 6)  # all failed, all resolved
    (1000.0, 1000.0)
    """
    seen = [count for count in counts if count.n]
    if sum(count.n >= CASES_NEEDED for count in seen) < RULES_NEEDED:
        return USUAL_STRENGTH
    total = sum(count.n for count in seen)
    mean = (sum(count.missed for count in seen) + 0.5) / (total + 1)
    spread = mean * (1 - mean)
    weights = [count.n / spread for count in seen]
    summed = fsum(weights)
    middle = fsum(weight * count.rate for weight, count in zip(weights, seen, strict=True)) / summed
    unequal = fsum(weight * (count.rate - middle) ** 2 for weight, count in zip(weights, seen, strict=True))
    scale = summed - fsum(weight * weight for weight in weights) / summed
    between = max(0.0, (unequal - (len(seen) - 1)) / scale)
    if between == 0:
        return MOST_STRENGTH
    return min(MOST_STRENGTH, max(LEAST_STRENGTH, spread / between - 1))


def score(compared: Compared, volume: float, s: float) -> Score | None:
    """Harm of a rule with `volume` contacts in 30 days; None without anything to compare.

    >>> found = score(Compared(Count(100, 40), 0.2), volume=60, s=50)
    >>> round(found.excess, 4), round(found.harm, 2), round(found.low, 2), round(found.high, 2)
    (0.1333, 8.0, 4.41, 11.95)

    All resolved and all failed, against a rate of one half; and a rule no different from its topic:

    >>> [score(Compared(Count(50, missed), 0.5), 60, 50).harm for missed in (0, 50, 25)]
    [-15.0, 15.0, 0.0]
    """
    count, expected = compared.count, compared.expected
    bounds = None if expected is None else wilson(count.missed + s * expected, count.n + s, Z90)
    if expected is None or bounds is None or not count.n:
        return None
    low, high = bounds
    excess = count.n / (count.n + s) * (count.rate - expected)
    return Score(count, expected, excess, excess * volume, (low - expected) * volume, (high - expected) * volume)


def score_all(
    rules: Mapping[int, Mapping[Group, Count]], background: Background, volume: Callable[[int], float]
) -> dict[int, tuple[Compared, Score | None]]:
    """{rule: what it was compared with, and its score}, with one strength from all `rules` ({rule: {group: count}})."""
    compared = {rule: background.compare(groups) for rule, groups in rules.items()}
    s = strength(entry.count for entry in compared.values())
    return {rule: (entry, score(entry, volume(rule), s)) for rule, entry in compared.items()}
