"""From sums by month to one row of figures a rule and a source: all rules in one pass, and no case is looked at."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from math import lcm
from typing import NamedTuple

from django.db import connection
from django.db.models import F, Sum
from django.utils import timezone

from rulebook.cases.dialect import leave_room
from rulebook.cases.policies import Policy
from rulebook.catalogue.models import Rule, Topic
from rulebook.insight.gathering import Met, contacts_met, packed_months
from rulebook.insight.models import BlockedMonth, RuleFigures, SourceFigures, TopicMonth
from rulebook.insight.prices import Rates, printed_parts
from rulebook.insight.scoring import LEAST_MEASURED, Background, Compared, Count, Group, score_all
from rulebook.insight.windows import Window, windows
from rulebook.journal.services import business_verb

FREE = Decimal("0.000000")
ROWS_A_BATCH = 500
SUMMED = (
    "resolved", "not_resolved", "pending", "early_repeats", "unknown", "excluded", "blocked", "linked", "silent",
    "issues", "short_issues", "seconds", "timed",
)  # fmt: skip


Noted = tuple[int, datetime | None]  # of a source: how often its sums changed, when it was last scored


class Row(NamedTuple):
    """A row of RuleFigures, in the order of its columns; plain, since there are ten thousand of them."""

    rule_id: int
    listed: str
    why: str
    n: int
    missed: int
    cases: int
    expected: float | None
    excess: float | None
    volume: float
    harm: float | None
    low: float | None
    high: float | None
    price: Decimal | None
    priced: bool
    blocked: int
    silent: int | None
    monthly: str
    gathered: str


def scores_due() -> bool:
    """True when a figure follows from sums, a horizon, a policy or a rule that it was not made with."""
    stored = SourceFigures.objects.in_bulk()
    if any(row.changes != row.scored for row in stored.values()):
        return True
    for source_id, window in windows().items():
        row = stored.get(source_id)
        if row is None or (row.method, row.window_days, row.key, row.horizon) != _measured(window):
            return True
    return Rule.objects.filter(figures=None).exists()


def _measured(window: Window) -> tuple[str, int, str, datetime]:
    policy = window.policy
    return policy.method, policy.window_days, ",".join(policy.key), window.horizon


def rescore(beat: Callable[[], None] = lambda: None, *, everything: bool = False) -> None:
    """Make every rule's and source's figures anew from the sums by month; `everything` adds up unchanged ones too."""
    noted = {row.pk: (row.changes, row.refreshed_at) for row in SourceFigures.objects.all()}
    found = {pk: window for pk, window in windows().items() if pk in noted}
    totals = {window.source_id: _totals(window) for window in found.values()}
    headline = _headline(found, totals)
    codes = dict(Rule.objects.order_by("code").values_list("pk", "code"))
    met = contacts_met(codes.keys(), found, everything=everything)
    rows = _rule_rows(codes, met, found, [found[pk] for pk in headline], totals)
    beat()
    stored = set(RuleFigures.objects.values_list(*Row._fields))
    changed = [row for row in rows if row not in stored]
    for start in range(0, len(changed), ROWS_A_BATCH):
        store_rule_figures(rows=changed[start : start + ROWS_A_BATCH], noted=noted)
        beat()
        leave_room()
    store_source_figures(windows=list(found.values()), totals=totals, noted=noted)


@business_verb
def store_rule_figures(*, rows: Sequence[Row], noted: Mapping[int, Noted]) -> None:
    """Derived figures: no event is written of them. A new row has no voices yet; those of an old one stay.

    What was gathered is kept only where no sum changed since `noted`: it may be of before that change.
    """
    sources = SourceFigures.objects.select_for_update().order_by("pk").values_list("pk", "changes")
    if dict(sources) != {pk: changes for pk, (changes, _) in noted.items()}:
        rows = [row._replace(gathered="") for row in rows]
    columns = Row._fields
    assignments = ", ".join(f"{name} = excluded.{name}" for name in columns[1:])
    with connection.cursor() as cursor:
        cursor.executemany(
            f"INSERT INTO insight_rulefigures ({', '.join(columns)}, flags, voters) "
            f"VALUES ({', '.join(['%s'] * len(columns))}, 0, 0) ON CONFLICT (rule_id) DO UPDATE SET {assignments}",
            [row._replace(price=None if row.price is None else str(row.price)) for row in rows],  # type: ignore[arg-type]
        )


@business_verb
def store_source_figures(
    *,
    windows: Sequence[Window],
    totals: Mapping[int, Mapping[str, int]],
    noted: Mapping[int, Noted],
) -> None:
    """The last step: with it the noted changes count as scored, unless somebody else scored meanwhile.

    Each of two writes what differs from what it found, so of both nobody knows whose rows stand: one more is due.
    """
    now = timezone.now()
    for window in windows:
        method, days, key, horizon = _measured(window)
        SourceFigures.objects.filter(pk=window.source_id).update(
            method=method, window_days=days, key=key, since=window.since, horizon=horizon,
            **totals[window.source_id],
        )  # fmt: skip
    for source_id, (changes, refreshed_at) in noted.items():
        mine = SourceFigures.objects.filter(pk=source_id)
        if not mine.filter(refreshed_at=refreshed_at).update(scored=changes, refreshed_at=now):
            mine.update(changes=F("changes") + 1)


def _totals(window: Window) -> dict[str, int]:
    sums = TopicMonth.objects.filter(window.months).aggregate(**{name: Sum(name, default=0) for name in SUMMED})
    counted = F("resolved") + F("not_resolved") + F("pending") + F("unknown")
    after = TopicMonth.objects.filter(source=window.source_id, month__gt=window.last)
    later = after.aggregate(later=Sum(counted, default=0))["later"]
    return {**{name: int(value) for name, value in sums.items()}, "later": int(later)}


def _headline(found: Mapping[int, Window], totals: Mapping[int, Mapping[str, int]]) -> list[int]:
    """The sources whose policy has most mature cases; as in the ledger, ties go to the first policy in order."""
    mature: dict[Policy, int] = defaultdict(int)
    for pk, window in found.items():
        mature[window.policy] += totals[pk]["resolved"] + totals[pk]["not_resolved"]
    if not mature:
        return []
    first = min(mature, key=lambda policy: (-mature[policy], policy))
    return [pk for pk, window in found.items() if window.policy == first]


def _rule_rows(
    codes: Mapping[int, str],
    met: Mapping[int, Met],
    found: Mapping[int, Window],
    headline: Sequence[Window],
    totals: Mapping[int, Mapping[str, int]],
) -> list[Row]:
    scores = score_all({pk: rule.groups for pk, rule in met.items()}, _background(found), lambda pk: met[pk].volume)
    blocked = _blocked(headline)
    prices = _prices(blocked, headline, totals, codes)
    monthly = packed_months(met, found)
    priced = (
        sum(totals[w.source_id]["resolved"] + totals[w.source_id]["not_resolved"] for w in headline) >= LEAST_MEASURED
    )
    watches = bool(headline) and headline[0].policy.watches_repeats
    nothing = Compared(Count(), None), None
    rows = []
    for pk in codes:
        compared, score = scores.get(pk, nothing)
        missed, silent = blocked.get(pk, ({}, 0))
        mine = met[pk]
        if score is not None and score.count.n < LEAST_MEASURED:
            score = None  # what little was seen of it may be chance
        rows.append(
            Row(
                rule_id=pk,
                listed=RuleFigures.Listed.NOT_MEASURABLE.value if score is None else RuleFigures.Listed.MEASURED.value,
                why="" if score is not None else _why(compared, mine.cases),
                n=compared.count.n,
                missed=compared.count.missed,
                cases=mine.cases,
                expected=compared.expected,
                excess=None if score is None else score.excess,
                volume=mine.volume,
                harm=None if score is None else score.harm,
                low=None if score is None else score.low,
                high=None if score is None else score.high,
                price=None if prices is None else prices.get(pk, FREE),
                priced=priced,
                blocked=sum(missed.values()),
                silent=silent if watches else None,
                monthly=monthly.get(pk, ""),
                gathered=mine.packed,
            )
        )
    return rows


def _why(compared: Compared, cases: int) -> str:
    if not cases:
        return RuleFigures.Why.NO_CASES.value
    if compared.seen >= LEAST_MEASURED or (compared.seen and not compared.count.n):
        return RuleFigures.Why.NO_COMPARISON.value  # enough of them, had they anything to be compared with
    return RuleFigures.Why.TOO_FEW.value


def _background(found: Mapping[int, Window]) -> Background:
    counts: dict[Group, Count] = {}
    for window in found.values():
        rows = TopicMonth.objects.filter(window.months).values_list("topic", "channel").order_by()
        for topic, channel, resolved, missed in rows.annotate(r=Sum("resolved"), m=Sum("not_resolved")):
            counts[window.source_id, topic or 0, channel] = Count(int(resolved) + int(missed), int(missed))
    parents = dict(Topic.objects.exclude(parent=None).values_list("pk", "parent"))
    above: dict[int, list[int]] = {}
    for topic in parents:
        above[topic] = []
        higher = parents.get(topic)
        while higher:
            above[topic].append(higher)
            higher = parents.get(higher)
    return Background(counts, above)


def _blocked(headline: Sequence[Window]) -> dict[int, tuple[dict[int, int], int]]:
    """{rule: ({k: not resolved cases}, resolved cases)}"""
    found: dict[int, tuple[dict[int, int], int]] = {}
    for window in headline:
        rows = BlockedMonth.objects.filter(window.months).values_list("rule", "k").order_by()
        for rule, k, missed, resolved in rows.annotate(m=Sum("not_resolved"), r=Sum("resolved")):
            by_k, silent = found.setdefault(rule, ({}, 0))
            if missed:
                by_k[k] = by_k.get(k, 0) + int(missed)
            found[rule] = by_k, silent + int(resolved)
    return found


def _prices(
    blocked: Mapping[int, tuple[dict[int, int], int]],
    headline: Sequence[Window],
    totals: Mapping[int, Mapping[str, int]],
    codes: Mapping[int, str],
) -> dict[int, Decimal] | None:
    """{rule: price}, adding up to the ceiling as in the ledger; None where nothing is mature."""
    rates = Rates(
        *(
            sum(totals[window.source_id][name] for window in headline)
            for name in ("resolved", "not_resolved", "blocked")
        )
    )
    if rates.ceiling is None:
        return None
    whole = lcm(*(k for by_k, _ in blocked.values() for k in by_k))  # in these parts of a case, weights are whole
    weights = {
        rule: sum(cases * (whole // k) for k, cases in by_k.items()) for rule, (by_k, _) in blocked.items() if by_k
    }
    order = sorted(weights, key=lambda rule: (-weights[rule], codes[rule]))
    parts = printed_parts([rates.price(Fraction(weights[rule], whole)) for rule in order], rates.ceiling)
    return {rule: Decimal(part) for rule, part in zip(order, parts, strict=True)}
