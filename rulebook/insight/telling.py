"""Ledger and figures in words and columns, for a terminal. Points are percentage points of first-contact resolution."""

from decimal import Decimal
from typing import Any

from rulebook.cases.fcr import Period
from rulebook.cases.telling import cases_opened, complete_until, number
from rulebook.catalogue.models import Rule
from rulebook.flags.audits import Estimate
from rulebook.insight.models import RuleFigures
from rulebook.insight.overview import Overview
from rulebook.insight.prices import printed
from rulebook.insight.queries import figures_of
from rulebook.insight.sentences import why_no_harm

FIGURE_HEADERS = [
    "rule", "title", "ours", "contacts", "not solved", "expected", "harm", "90 % sure", "price", "flags", "vote",
]  # fmt: skip
VOICES = "Flags of the last 30 days; votes as published, -2 hurts badly to 2 helps a lot. Neither changes a figure."
HEADERS = ["rule", "title", "ours", "contacts", "told no", "hours", "price"]


def ledger_table(entry: dict[str, Any], top: int | None = None) -> tuple[list[str], list[list[Any]]]:
    """(headers, rows) of the dearest rules; the price in points."""
    rows = [
        [
            row["rule"],
            row["title"],
            "ours" if row["ours"] else row["authority"],
            row["blocked_contacts"],
            row["blocked_silent"],
            None if row["blocked_hours"] is None else f"{row['blocked_hours']:.0f}",
            points(row["price"]),
        ]
        for row in entry["rows"][:top]
    ]
    return HEADERS, rows


def ledger_lines(entry: dict[str, Any], period: Period) -> list[str]:
    """What stands beside the table: method, window, horizon, sums, and what is not counted."""
    policy = entry["policy"]
    lines = [
        f"{', '.join(entry['sources'])}: method {policy['method']}, window {policy['window_days']} days, "
        f"key {' and '.join(policy['key'])}; cases {cases_opened(period)}; "
        f"{complete_until(entry['horizon'], len(entry['sources']))}.",
    ]
    if entry["gross"] is None:
        return [*lines, "No mature case yet: nothing to measure until the window of the first cases has passed."]
    missed = entry["not_resolved"]
    lines += [
        f"Gross FCR {percent(entry['gross'])} of {number(entry['resolved'] + missed)} mature cases; "
        f"{number(missed)} were not resolved at first contact.",
        f"Rules blocked {number(entry['blocked'])} of them, at least: {points(entry['ceiling'])} points, "
        f"of which {points(entry['ours'])} are ours to change and {points(entry['not_ours'])} are not.",
        f"No rule explains {number(entry['unexplained'])}. {_coverage(entry['coverage'])}",
    ]
    if entry["blocked_silent"] is not None:
        silent = entry["blocked_silent"]
        lines.append(f"{number(silent)} were told no and did not return; they count as resolved, not as success.")
    if entry["net"] is not None:
        lines.append(f"Net FCR, which others report, leaves the blocked out: {percent(entry['net'])}.")
    lines.append("A price is at most what gross FCR would rise by without the rule, in percentage points.")
    return lines


def _coverage(coverage: float | None) -> str:
    return "" if coverage is None else f"{coverage * 100:.0f} % of the not resolved have any link to a rule."


def audit_line(found: Estimate) -> str:
    """What the newest random audit says, for below the ledger.

    >>> from datetime import date
    >>> audit_line(Estimate(date(2026, 10, 1), drawn=30, explained=12, found=6)).partition(": ")[2]
    'between 11 and 34 % of the not resolved contacts that nobody flagged (90 % sure).'
    >>> audit_line(Estimate(date(2026, 10, 1), drawn=30, explained=12, left=5, found=2))
    'An audit of 2026-10: 13 of 18 contacts are read, and a rule stopped 2; there is no estimate yet.'
    """
    month = f"{found.month:%Y-%m}"
    if found.left:
        read = f"{found.read} of {found.to_read} contacts are read, and a rule stopped {found.found}"
        return f"An audit of {month}: {read}; there is no estimate yet."
    said = f"An audit of {found.told} contacts of {month} found a rule in {found.found} that the ledger misses"
    if found.interval is None:
        return f"{said}: too few for an estimate."
    low, high = (round(bound * 100) for bound in found.interval)
    return f"{said}: between {low} and {high} % of the not resolved contacts that nobody flagged (90 % sure)."


def points(text: str | None) -> str | None:
    """
    >>> points("0.013210")
    '1.32'
    """
    return None if text is None else f"{Decimal(text) * 100:.2f}"


def percent(text: str) -> str:
    """
    >>> percent("0.707612")
    '70.8 %'
    """
    return f"{Decimal(text) * 100:.1f} %"


def figure_row(rule: Rule) -> dict[str, Any]:
    """One rule's figures for programs. `harm` is signed; null, as is every other figure, where it is not known.

    n and k are contacts, e and excess parts of 1, harm and interval contacts per 30 days, price a part of 1 as in the
    ledger, over the twelve months up to each source's horizon. Flags are those of the last 30 days; votes what is
    published of them, from -2 (hurts badly) to 2 (helps a lot), drawn towards 0, null where nothing is.
    """
    figures = figures_of(rule)
    known = figures.harm is not None
    return {
        "code": rule.code,
        "title": rule.title,
        "list": figures.listed,
        "why": why_no_harm(figures) or None,
        "n": figures.n,
        "k": figures.missed,
        "e": figures.expected,
        "excess": figures.excess,
        "interval": [figures.low, figures.high] if known else None,
        "harm": figures.harm,
        "price": None if figures.price is None else str(figures.price),
        "blocked": figures.blocked,
        "blocked_silent": figures.silent,
        "flags": figures.flags,
        "votes": None if figures.vote is None else {"voters": figures.voters, "shrunken": figures.vote},
        "authority": rule.authority,
        "ours": rule.ours,
    }


def overview_row(found: Overview | None) -> dict[str, Any] | None:
    """All contacts under the headline policy, for programs: counts, then rates as in the ledger. Null without cases."""
    if found is None:
        return None
    counts = ("resolved", "not_resolved", "pending", "early_repeats", "unknown", "excluded", "blocked", "issues")
    return {
        "sources": list(found.sources),
        "method": found.method,
        "window_days": found.window_days,
        "key": list(found.key),
        "since": found.since.isoformat(),
        "horizon": found.horizon.isoformat(),
        **{name: getattr(found, name) for name in counts},
        "blocked_silent": found.silent if found.watches_repeats else None,
        **{name: printed(getattr(found, name)) for name in ("gross", "issue_fcr", "net", "gap", "ceiling", "coverage")},
        "ours": str(found.ours),
        "not_ours": str(found.not_ours),
        "others": [overview_row(other) for other in found.others],
    }


def figure_cells(rule: Rule) -> list[Any]:
    figures = figures_of(rule)
    return [
        rule.code,
        rule.title,
        "ours" if rule.ours else rule.authority,
        figures.n,
        figures.missed,
        None if figures.expected is None else f"{figures.expected * 100:.1f} %",
        _harm(figures),
        _interval(figures),
        None if figures.price is None else points(str(figures.price)),
        figures.flags,
        None if figures.vote is None else f"{figures.vote:.1f}",
    ]


def _harm(figures: RuleFigures) -> str:
    """
    >>> _harm(RuleFigures(harm=35.6)), _harm(RuleFigures(harm=-2.0)), _harm(RuleFigures())
    ('36', 'no harm seen', 'not measurable')
    """
    if figures.harm is None:
        return "not measurable"
    return f"{figures.harm:.0f}" if figures.harm >= 0 else "no harm seen"


def _interval(figures: RuleFigures) -> str | None:
    """
    >>> _interval(RuleFigures(low=-0.4, high=2.2)), _interval(RuleFigures())
    ('0 to 2', None)
    """
    if figures.low is None or figures.high is None:
        return None
    return f"{round(figures.low)} to {round(figures.high)}"


def figure_lines(found: Overview | None) -> list[str]:
    """What stands below the table: unit, method, window and horizon."""
    if found is None:
        return ["There are no cases yet: nothing can be measured.", VOICES]
    horizon = complete_until(found.horizon.isoformat(), len(found.sources))
    return [
        f"{', '.join(found.sources)}: method {found.method}, window {found.window_days} days, "
        f"cases opened from {found.since}; {horizon}.",
        "Harm: contacts in 30 days that would not have come back without the rule. Harms are never added up.",
        "A price is at most what gross FCR would rise by without the rule, in percentage points.",
        VOICES,
        *(
            f"{', '.join(other.sources)} are measured by {other.method}, {other.window_days} days: in no price here."
            for other in found.others
        ),
    ]
