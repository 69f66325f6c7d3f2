"""What may be told of votes, by how many there are. Pure.

Impact and ease stand on one scale of five places, from -2 to +2.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from statistics import median

from rulebook.votes.agreement import agreement

PLACES = range(-2, 3)  # hurts badly ... helps a lot
FEWEST = 5  # voters of a mean; also how many people's votes two published sets are apart
FEWEST_OF_A_MEDIAN = 3
HURTS, MIXED, HELPS = "hurts", "mixed", "helps"

Votes = Mapping[str, int]  # {voter: impact}


def band(mean: Fraction | Decimal | float) -> str:
    """
    >>> band(-0.5), band(Decimal("0.0")), band(0.49), band(2)
    ('hurts', 'mixed', 'mixed', 'helps')
    """
    if mean <= -0.5:
        return HURTS
    return HELPS if mean >= 0.5 else MIXED


def counted(values: Iterable[int]) -> list[int]:
    """Votes per place of the scale, from -2 to +2.

    >>> counted([-2, 2, 2])
    [1, 0, 0, 0, 2]
    """
    places = Counter(values)
    return [places[place] for place in PLACES]


def link_voters(by_link: Mapping[int, int], signed_in: Mapping[int, int], sizes: Mapping[int, int]) -> int:
    """How many agents the devices are that came by teams' links, each {team: how many}.

    A link knows devices and no people, and one person may open it in several windows. So a team's devices count as no
    more agents than it has people who did not vote signed in; those of a team that is gone, or has no size, as none.

    >>> link_voters({1: 9, 2: 3}, {1: 2}, {1: 6, 2: 8})
    7
    """
    return sum(min(count, max(0, sizes.get(team, 0) - signed_in.get(team, 0))) for team, count in by_link.items())


def shown_by_link(voters: int, by_link: int) -> int | None:
    """How many voters of a closed ballot are said to have come by a team's link; None: some, and no number.

    Of fewer than five voters nothing is said. A number stands for all of them, or for five and more on either side.

    >>> [shown_by_link(12, count) for count in (0, 3, 5, 9, 12)], shown_by_link(4, 4)
    ([0, None, 5, None, 12], 0)
    """
    if voters < FEWEST or not by_link:
        return 0
    told = by_link == voters or (by_link >= FEWEST and voters - by_link >= FEWEST)
    return by_link if told else None


# Of standing votes, which people change one by one while tallies are published.


@dataclass(frozen=True)
class Shown:
    """What is published of a set of standing votes: `band` where all agree, else mean (to 0.5) and agreement."""

    voters: int
    band: str = ""
    mean: Decimal | None = None
    agreement: float | None = None


def shown(impacts: Sequence[int]) -> Shown:
    """What may be published of a set that may be. Where all voted alike, a mean would tell how each of them did.

    >>> shown([-2, -2, -2, -2, -2])
    Shown(voters=5, band='hurts', mean=None, agreement=None)
    >>> shown([-2, -2, -1, -1, 1])
    Shown(voters=5, band='', mean=Decimal('-1'), agreement=0.36666666666666664)
    """
    if len(set(impacts)) == 1:
        return Shown(len(impacts), band=band(impacts[0]))
    halves = round(Fraction(2 * sum(impacts), len(impacts)))
    return Shown(len(impacts), mean=Decimal(halves) / 2, agreement=agreement(counted(impacts)))


def people_apart(one: Votes, other: Votes) -> int:
    """How many people's votes differ between two sets; somebody who stands in one of them alone is one.

    >>> people_apart({"a": 1, "b": 1, "c": 1}, {"a": 1, "b": 2, "d": 1})
    3
    """
    return sum(one.get(voter) != other.get(voter) for voter in one.keys() | other.keys())


def may_publish(votes: Votes, earlier: Iterable[Votes]) -> bool:
    """Five voters or more, and five people's votes or more apart from every set that was published before.

    >>> five = {voter: -1 for voter in "abcde"}
    >>> may_publish(five, []), may_publish(five | {"f": 2}, [five])
    (True, False)
    """
    return len(votes) >= FEWEST and all(people_apart(votes, before) >= FEWEST for before in earlier)


# Of a round that is over, which nobody can vote in any more.


@dataclass(frozen=True)
class Answers:
    """What is shown of the answers to one question; None is what so few voters keep to themselves."""

    voters: int
    median: float | None = None
    mean: float | None = None
    counts: tuple[int, ...] | None = None  # per place, from -2 to +2
    agreement: float | None = None


def answers(values: Sequence[int]) -> Answers:
    """Fewer than 3 voters: the count only. Fewer than 5: median and count. From 5 on mean, counts and agreement.

    >>> answers([-2, -1])
    Answers(voters=2, median=None, mean=None, counts=None, agreement=None)
    >>> answers([-2, -1, 1])
    Answers(voters=3, median=-1.0, mean=None, counts=None, agreement=None)
    >>> answers([-2, -2, -2, -2, 2]).mean, answers([-2, -2, -2, -2, 2]).counts
    (-1.2, (4, 0, 0, 0, 1))
    """
    if len(values) < FEWEST_OF_A_MEDIAN:
        return Answers(len(values))
    middle = float(median(values))
    if len(values) < FEWEST:
        return Answers(len(values), median=middle)
    counts = counted(values)
    return Answers(len(values), middle, sum(values) / len(values), tuple(counts), agreement(counts))
