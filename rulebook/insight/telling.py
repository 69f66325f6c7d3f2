"""The ledger in words and columns, for a terminal. Points are percentage points of first-contact resolution."""

from decimal import Decimal
from typing import Any

from rulebook.cases.fcr import Period
from rulebook.cases.telling import cases_opened, complete_until, number

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
