"""manage.py fcr: first-contact resolution, of all cases or by rule, topic, channel, team or month."""

from argparse import ArgumentParser
from collections.abc import Sequence
from typing import Any

from rulebook.cases.fcr import GROUPINGS, Period, fcr
from rulebook.cases.models import Method, Source
from rulebook.cases.policies import Policy
from rulebook.cases.queries import by_policy, most_mature_first, sources_named
from rulebook.cases.telling import cases_opened, complete_until
from rulebook.commands import RulebookCommand, day
from rulebook.errors import WrongUsage

COLUMNS = (
    "group", "cases", "resolved", "not_resolved", "early_repeats", "pending", "unknown", "excluded", "blocked_silent",
    "fcr", "net", "issue_fcr",
)  # fmt: skip
RATES = {"fcr", "net", "issue_fcr"}


class Command(RulebookCommand):
    help = "Print first-contact resolution: rates 0..1 with their counts and a 95 % interval."

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_policy_arguments(parser)
        parser.add_argument("--source", metavar="S", help="Default: all sources; equal policies are pooled.")
        parser.add_argument("--by", choices=GROUPINGS)

    def handle(self, *args: Any, **options: Any) -> None:
        sources = sources_named([options["source"]] if options["source"] else [])
        grouped = by_policy(sources, options["method"], options["window"], options["key"])
        period = period_of(options)
        results = [fcr(grouped[policy], policy, period, options["by"]) for policy in sorted(grouped)]
        mature = [_mature(grouped[policy], policy, period) if len(grouped) > 1 else 0 for policy in sorted(grouped)]
        first, *others = most_mature_first(results, mature)
        if options["format"] == "json":
            self.print_json({**first, **({"others": others} if others else {})})
            return
        for result in (first, *others):
            self._table(result, period)

    def _table(self, result: dict[str, Any], period: Period) -> None:
        self.stdout.write(
            f"First-contact resolution of {', '.join(result['sources'])}: method {result['method']}, "
            f"window {result['window_days']} days, key {' and '.join(result['key'])}.\n"
            f"Cases {cases_opened(period)}; {complete_until(result['horizon'], len(result['sources']))}. "
            "Rates in % of resolved + not resolved; the last column is their 95 % interval (Wilson)."
        )
        rows = [
            [_cell(name, group[name]) for name in COLUMNS] + [_interval(group["interval"])]
            for group in result["groups"]
        ]
        headers = [name.replace("_", " ") for name in COLUMNS]
        self.table([*headers, "95 %"], rows, width=160)
        if "note" in result:
            self.stdout.write(result["note"])
        self.stdout.write("")


def period_of(options: dict[str, Any]) -> Period:
    period = Period(options["since"], options["until"])
    if period.since and period.until and period.since > period.until:
        raise WrongUsage("--since lies after --until, so there is no day between them. Swap them.")
    return period


def _mature(sources: Sequence[Source], policy: Policy, period: Period) -> int:
    """Counted once a case: groups by rule overlap."""
    (group,) = fcr(sources, policy, period, None)["groups"]
    return int(group["resolved"] + group["not_resolved"])


def add_policy_arguments(parser: ArgumentParser) -> None:
    """The options that `fcr` and `ledger` share."""
    parser.add_argument("--method", choices=Method.values, help="Default: the source's primary policy.")
    parser.add_argument("--window", type=int, metavar="DAYS")
    parser.add_argument("--key", metavar="customer,topic")
    parser.add_argument("--since", type=day, metavar="DAY", help="Included; by the day a case opened.")
    parser.add_argument("--until", type=day, metavar="DAY", help="Included.")
    parser.add_argument("--format", choices=["json", "table"], default="table")


def _cell(name: str, value: Any) -> str | None:
    if name == "group":
        return value or "(blank)"
    if value is None:
        return None
    return f"{value * 100:.1f}" if name in RATES else str(value)


def _interval(interval: tuple[float, float] | None) -> str:
    return f"{interval[0] * 100:.1f} to {interval[1] * 100:.1f}" if interval else ""
