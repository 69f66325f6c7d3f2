"""Reads of the figures, for commands and screens."""

from typing import Any

from rulebook.cases.fcr import Period
from rulebook.cases.models import Source
from rulebook.cases.policies import Policy
from rulebook.cases.queries import most_mature_first
from rulebook.insight.ledger import ledger


def ledgers(grouped: dict[Policy, list[Source]], period: Period) -> dict[str, Any]:
    """The ledger of the policy with most mature cases; `others` holds that of each other policy."""
    found = [ledger(grouped[policy], policy, period) for policy in sorted(grouped)]
    mature = [entry["resolved"] + entry["not_resolved"] for entry in found]
    first, *others = most_mature_first(found, mature)
    return {**first, "others": others}
