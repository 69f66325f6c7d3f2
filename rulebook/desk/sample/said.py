"""What the front line of the made-up web shop says: flags, votes, one ballot, and the rule that somebody proposes.

All of it is invented, the agents too: their votes come from devices of team links that nobody holds.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle

from rulebook.desk.sample.plan import HERE
from rulebook.desk.sample.world import EVENING

AGENT, ANONYMOUS = "agent", "anonymous"  # who flags: the person of that name, nobody, or else a team
PROPOSED = "PROPOSED"  # the rule at the front door, which has no code before it is proposed
LINK_OF = EVENING  # the team whose link the demo prints
BALLOT = "Which of the habits on delays and complaints can go?"
TEAMS = ("Delivery", "Returns", "Payment and account", "Product help", EVENING)


@dataclass(frozen=True)
class SaidProposal:
    """What stands at the front door."""

    title: str = "A complaint without a receipt needs two proofs of purchase"
    text: str = "Ask for a bank statement and an order confirmation before you start the case."
    customer_hears: str = "Please send us two proofs that you bought it here"
    protects: str = "The house, from complaints about goods that were bought elsewhere."
    without_it: str = "Perhaps three wrong complaints a month, says Finance."


@dataclass(frozen=True)
class SaidFlag:
    """A line of `flags.csv`. Days count back from today, `replied` and `decided` onwards from the flag; None: not yet.

    `about` is the number of the flag that it is merged with.
    """

    number: int
    days: int
    who: str
    rule: str
    rule_words: str
    channel: str
    customer_heard: str
    stopped: str
    instead: str
    decision: str
    minutes: int | None
    solved: bool | None
    quotable: bool
    outcome: str
    about: int | None
    headline: str
    answer: str
    replied: int | None
    decided: int | None


@dataclass(frozen=True)
class SaidVotes:
    """A line of `votes.csv`: the votes on one rule, standing or in the ballot, each of another device."""

    sealed: bool
    rule: str
    impacts: tuple[int, ...]
    eases: tuple[int, ...]
    reason: str  # of the first voter


def flags() -> list[SaidFlag]:
    """In file order, the oldest first."""
    return [
        SaidFlag(
            number=int(row["number"]),
            days=int(row["days_ago"]),
            who=row["who"],
            rule=row["rule"],
            rule_words=row["rule_words"],
            channel=row["channel"],
            customer_heard=row["customer_heard"],
            stopped=row["stopped"],
            instead=row["instead"],
            decision=row["decision"],
            minutes=_number(row["minutes"]),
            solved={"yes": True, "no": False}.get(row["solved"]),
            quotable=row["quotable"] == "yes",
            outcome=row["outcome"],
            about=_number(row["about"]),
            headline=row["headline"],
            answer=row["answer"],
            replied=_number(row["replied_after"]),
            decided=_number(row["decided_after"]),
        )
        for row in _rows("flags.csv")
    ]


def votes() -> list[SaidVotes]:
    return [
        SaidVotes(
            sealed=row["in"] == "ballot",
            rule=row["rule"],
            impacts=tuple(map(int, row["impact"].split())),
            eases=tuple(map(int, row["ease"].split())),
            reason=row["reason"],
        )
        for row in _rows("votes.csv")
    ]


def devices() -> Iterator[tuple[str, str]]:
    """(name, team) of the made-up agents, one after the other, without end."""
    return ((f"made-up agent {place}", team) for place, team in enumerate(cycle(TEAMS), 1))


def _rows(name: str) -> list[dict[str, str]]:
    with (HERE / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _number(cell: str) -> int | None:
    return int(cell) if cell else None
