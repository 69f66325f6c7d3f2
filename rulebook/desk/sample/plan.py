"""What is planted in the made-up web shop, and therefore the answer that a correct calculation must give.

`plan.csv` says how many contacts each rule spoils; the constants below say how many there are at all. Both together fix
every figure before a single row exists, so `truth()` needs no rows and cannot share a mistake with the code it judges.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType

HERE = Path(__file__).parent

# Mature contacts per topic: (resolved, not resolved). What the plan does not explain failed for other reasons: a slow
# carrier, an unclear answer, an agent in a hurry.
TOPICS: Mapping[str, tuple[int, int]] = MappingProxyType(
    {
        "delivery/late": (2450, 1140),
        "delivery/missing": (1250, 630),
        "delivery/address": (700, 270),
        "delivery/damaged": (920, 470),
        "delivery/pickup": (760, 190),
        "returns/refund": (2500, 1490),
        "returns/label": (1120, 300),
        "returns/exchange": (850, 380),
        "returns/electronics": (600, 290),
        "returns/deadline": (440, 130),
        "complaints/faulty": (1150, 500),
        "complaints/repair": (680, 520),
        "payment/invoice": (900, 370),
        "payment/card": (820, 220),
        "payment/gift-card": (450, 180),
        "payment/price-match": (420, 150),
        "order/change": (960, 550),
        "order/cancel": (860, 330),
        "order/status": (2200, 450),
        "account/login": (960, 410),
        "account/data": (300, 100),
        "account/newsletter": (340, 60),
        "product/stock": (1000, 200),
        "product/technical-help": (900, 550),
        "product/sizes": (780, 130),
        "club/points": (440, 140),
    }
)
# The last seven days, whose windows are still open, and the week before them.
PENDING_ONCE = 355  # contacts that nobody can judge yet
PENDING_TWICE = 48  # customers who have already come back within those days: two contacts each
RETURNED_LATE = 75  # a mature contact that is repeated within those days: the first is judged, the second is pending
UNKNOWN = 160  # contacts without a customer: chats that nobody signed in to
OUTBOUND, SPAM, TEST = 330, 42, 12  # rows that are in no figure


@dataclass(frozen=True)
class Truth:
    """What a correct calculation finds in the cases and links. Counts are contacts; prices are parts of 1."""

    resolved: int
    not_resolved: int
    blocked: int  # B: the not resolved with at least one blocked link
    pending: int
    early_repeats: int  # pending contacts whose repeat is already seen
    unknown: int
    excluded: int  # outbound, spam and test rows: stored, counted, in no figure
    prices: Mapping[str, Fraction]  # rule code -> what gross FCR would rise by without the rule, at most
    silent: Mapping[str, int]  # rule code -> told no, did not return
    silent_total: int

    @property
    def gross(self) -> Fraction:
        """Gross FCR: R / (R + N)."""
        return Fraction(self.resolved, self.resolved + self.not_resolved)

    @property
    def ceiling(self) -> Fraction:
        """B / (R + N), which the prices of all rules sum to."""
        return Fraction(self.blocked, self.resolved + self.not_resolved)


@dataclass(frozen=True)
class Planted:
    """One row of the plan: how often a rule stands in the way of one topic."""

    code: str
    topic: str
    blocked: int
    silent: int
    applied: int
    together_with: str
    together: int


def plan() -> list[Planted]:
    """The rows of `plan.csv`, in file order."""
    with (HERE / "plan.csv").open(encoding="utf-8", newline="") as file:
        return [
            Planted(
                code=row["code"],
                topic=row["topic"],
                blocked=int(row["blocked"]),
                silent=int(row["silent"]),
                applied=int(row["applied"]),
                together_with=row["together_with"],
                together=int(row["together"]),
            )
            for row in csv.DictReader(file)
        ]


def rules() -> list[dict[str, str]]:
    """The rows of `rules.csv`, in file order."""
    with (HERE / "rules.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def truth() -> Truth:
    """The planted answer, from the plan and the constants alone: no row is generated and no FCR computed."""
    planted = plan()
    resolved = sum(r for r, _ in TOPICS.values())
    not_resolved = sum(n for _, n in TOPICS.values()) + RETURNED_LATE
    weights: dict[str, Fraction] = {}
    for row in planted:
        weights[row.code] = weights.get(row.code, Fraction(0)) + row.blocked + Fraction(row.together, 2)
        if row.together:
            weights[row.together_with] = weights.get(row.together_with, Fraction(0)) + Fraction(row.together, 2)
    silent = {row.code: row.silent for row in planted if row.silent}
    return Truth(
        resolved=resolved,
        not_resolved=not_resolved,
        blocked=sum(row.blocked + row.together for row in planted),
        pending=PENDING_ONCE + 2 * PENDING_TWICE + RETURNED_LATE,
        early_repeats=PENDING_TWICE,
        unknown=UNKNOWN,
        excluded=OUTBOUND + SPAM + TEST,
        prices=MappingProxyType({code: w / (resolved + not_resolved) for code, w in sorted(weights.items()) if w}),
        silent=MappingProxyType(silent),
        silent_total=sum(silent.values()),
    )
