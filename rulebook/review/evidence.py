"""What was known of a rule on the day it was marked: figures, votes and flags, frozen with the review."""

from typing import Any

from rulebook.catalogue.models import Rule
from rulebook.flags.models import Flag
from rulebook.insight.models import RuleFigures
from rulebook.votes.queries import verdict_of

MEASURED = ("listed", "why", "n", "missed", "expected", "excess", "volume", "harm", "low", "high", "blocked", "silent")


def evidence_of(rule: Rule) -> dict[str, Any]:
    """Plain values: what `RuleFigures` says, price in gross FCR, flags so far, the verdict of the votes, and
    whether it was protective, a law or a contract (`guarded`).
    """
    figures = RuleFigures.objects.filter(rule=rule).first()
    version = rule.versions.latest("number")
    verdict = verdict_of(version.pk)
    guarded = rule.protective or not rule.ours
    found: dict[str, Any] = {
        "version": version.number, "flags": Flag.objects.filter(rule=rule).count(), "guarded": guarded,
    }  # fmt: skip
    if figures is not None:
        found |= {name: getattr(figures, name) for name in MEASURED}
        price = figures.shown_price
        found |= {"price": None if price is None else str(price), "flags_30_days": figures.flags}
    if verdict is not None:
        found["votes"] = {
            "source": verdict.source, "voters": verdict.voters, "band": verdict.band, "mean": verdict.mean,
            "agreement": verdict.agreement, "on": verdict.on.isoformat(),
        }  # fmt: skip
    return found
