"""From sums by month to one row of figures a rule and a source: all rules in one pass, and no case is looked at."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from math import lcm
from typing import NamedTuple
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import F, Min, Q, Sum
from django.utils import timezone

from rulebook.cases.models import Method, Source
from rulebook.cases.policies import Policy, by_space, effective_horizon, is_settled, primary
from rulebook.catalogue.models import Rule, Topic
from rulebook.insight.models import BlockedMonth, RuleFigures, RuleMonth, SourceFigures, TopicMonth
from rulebook.insight.prices import Rates, printed_parts
from rulebook.insight.scoring import LEAST_MEASURED, Background, Compared, Count, Group, score_all
from rulebook.insight.sums import next_month
from rulebook.journal.services import business_verb

MONTHS = 12
MONTHS_OF_VOLUME = 3
FREE = Decimal("0.000000")
ROWS_A_BATCH = 500
SUMMED = (
    "resolved", "not_resolved", "pending", "early_repeats", "unknown", "excluded", "blocked", "linked", "silent",
    "issues", "short_issues", "seconds", "timed",
)  # fmt: skip


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


@dataclass(frozen=True)
class Window:
    """The twelve months of one source up to its horizon, in its own time zone, and how it is measured."""

    source_id: int
    policy: Policy
    horizon: datetime
    since: date
    last: date  # first day of the horizon's month
    volume_since: date
    days: float  # from `volume_since` to the horizon
    judged_until: date  # cases of this day and before are mature

    @property
    def months(self) -> Q:
        return Q(source=self.source_id, month__gte=self.since, month__lte=self.last)

    @property
    def shown(self) -> list[date]:
        return [next_month(self.since, step) for step in range(MONTHS)]

    def is_complete(self, month: date) -> bool:
        return next_month(month) - timedelta(days=1) <= self.judged_until


def windows() -> dict[int, Window]:
    """{source id: window}, by the present horizon and policy; while a source is imported, by those of before."""
    found = {}
    stored = SourceFigures.objects.in_bulk()
    for space in by_space(Source.objects.order_by("pk")).values():
        horizon = effective_horizon(space) if is_settled(space) else None
        for source in space:
            figures = stored.get(source.pk)
            if horizon is not None:
                found[source.pk] = _window(source, primary(source), horizon)
            elif figures is not None and figures.horizon is not None:
                policy = Policy(figures.method, figures.window_days, tuple(figures.key.split(",")))
                found[source.pk] = _window(source, policy, figures.horizon)
    return found


def _window(source: Source, policy: Policy, horizon: datetime) -> Window:
    zone = ZoneInfo(source.time_zone)
    today = horizon.astimezone(zone).date()
    last = today.replace(day=1)
    volume_since = next_month(last, 1 - MONTHS_OF_VOLUME)
    begin = datetime.combine(volume_since, datetime.min.time(), zone)
    waits = policy.window_days if policy.method in {Method.NO_REPEAT, Method.CLOSED_FAST} else 0
    return Window(
        source_id=source.pk,
        policy=policy,
        horizon=horizon,
        since=next_month(last, 1 - MONTHS),
        last=last,
        volume_since=volume_since,
        days=(horizon - begin) / timedelta(days=1),
        judged_until=today - timedelta(days=waits),
    )


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


def rescore(beat: Callable[[], None] = lambda: None) -> None:
    """Make every rule's and source's figures anew from the sums by month."""
    noted = {row.pk: (row.changes, row.refreshed_at) for row in SourceFigures.objects.all()}
    found = {pk: window for pk, window in windows().items() if pk in noted}
    totals = {window.source_id: _totals(window) for window in found.values()}
    headline = _headline(found, totals)
    rows = _rule_rows(found, [found[pk] for pk in headline], totals)
    beat()
    stored = set(RuleFigures.objects.values_list(*Row._fields))
    changed = [row for row in rows if row not in stored]
    for start in range(0, len(changed), ROWS_A_BATCH):
        store_rule_figures(rows=changed[start : start + ROWS_A_BATCH])
        beat()
    store_source_figures(windows=list(found.values()), totals=totals, noted=noted)


@business_verb
def store_rule_figures(*, rows: Sequence[Row]) -> None:
    """Derived figures: no event is written of them."""
    columns = Row._fields
    assignments = ", ".join(f"{name} = excluded.{name}" for name in columns[1:])
    with connection.cursor() as cursor:
        cursor.executemany(
            f"INSERT INTO insight_rulefigures ({', '.join(columns)}) VALUES ({', '.join(['%s'] * len(columns))}) "
            f"ON CONFLICT (rule_id) DO UPDATE SET {assignments}",
            [row._replace(price=None if row.price is None else str(row.price)) for row in rows],  # type: ignore[arg-type]
        )


@business_verb
def store_source_figures(
    *,
    windows: Sequence[Window],
    totals: Mapping[int, Mapping[str, int]],
    noted: Mapping[int, tuple[int, datetime | None]],
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
    found: Mapping[int, Window], headline: Sequence[Window], totals: Mapping[int, Mapping[str, int]]
) -> list[Row]:
    codes = dict(Rule.objects.order_by("code").values_list("pk", "code"))
    counts, volumes, cases = _counting(found)
    scores = score_all(counts, _background(found), lambda rule: volumes[rule])
    blocked = _blocked(headline)
    prices = _prices(blocked, headline, totals, codes)
    monthly = _monthly(found)
    priced = (
        sum(totals[w.source_id]["resolved"] + totals[w.source_id]["not_resolved"] for w in headline) >= LEAST_MEASURED
    )
    watches = bool(headline) and headline[0].policy.watches_repeats
    nothing = Compared(Count(), None), None
    rows = []
    for pk in codes:
        compared, score = scores.get(pk, nothing)
        missed, silent = blocked.get(pk, ({}, 0))
        if score is not None and score.count.n < LEAST_MEASURED:
            score = None  # what little was seen of it may be chance
        rows.append(
            Row(
                rule_id=pk,
                listed=RuleFigures.Listed.NOT_MEASURABLE.value if score is None else RuleFigures.Listed.MEASURED.value,
                why="" if score is not None else _why(compared, cases[pk]),
                n=compared.count.n,
                missed=compared.count.missed,
                cases=cases[pk],
                expected=compared.expected,
                excess=None if score is None else score.excess,
                volume=volumes[pk],
                harm=None if score is None else score.harm,
                low=None if score is None else score.low,
                high=None if score is None else score.high,
                price=None if prices is None else prices.get(pk, FREE),
                priced=priced,
                blocked=sum(missed.values()),
                silent=silent if watches else None,
                monthly=monthly.get(pk, ""),
            )
        )
    return rows


def _why(compared: Compared, cases: int) -> str:
    if not cases:
        return RuleFigures.Why.NO_CASES.value
    if compared.seen >= LEAST_MEASURED or (compared.seen and not compared.count.n):
        return RuleFigures.Why.NO_COMPARISON.value  # enough of them, had they anything to be compared with
    return RuleFigures.Why.TOO_FEW.value


def _counting(
    found: Mapping[int, Window],
) -> tuple[dict[int, dict[Group, Count]], dict[int, float], dict[int, int]]:
    """({rule: {group: mature cases}}, {rule: contacts in 30 days}, {rule: cases of the twelve months})"""
    counts: dict[int, dict[Group, Count]] = defaultdict(dict)
    volumes: dict[int, float] = defaultdict(float)
    cases: dict[int, int] = defaultdict(int)
    for window in found.values():
        rows = RuleMonth.objects.filter(window.months).values_list("rule", "topic", "channel").order_by()
        recent = Sum("cases", filter=Q(month__gte=window.volume_since), default=0)
        for rule, topic, channel, n, missed, recently, all_cases in rows.annotate(
            n=Sum("mature"), k=Sum("missed"), recently=recent, all_cases=Sum("cases")
        ):
            if n:
                counts[rule][window.source_id, topic or 0, channel] = Count(int(n), int(missed))
            volumes[rule] += int(recently) * 30 / window.days
            cases[rule] += int(all_cases)
    return counts, volumes, cases


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


def _monthly(found: Mapping[int, Window]) -> dict[int, str]:
    """{rule: its twelve months up to the latest horizon of its sources, packed as RuleFigures holds them}"""
    sums: dict[int, dict[date, tuple[int, int]]] = {}
    sources: dict[int, tuple[int, ...]] = {}
    counted = "SELECT rule_id, SUM(cases), SUM(missed) FROM insight_rulemonth WHERE source_id = %s AND month = %s"
    with connection.cursor() as cursor:
        for source_id, window in found.items():
            for month in window.shown:
                cursor.execute(f"{counted} GROUP BY rule_id", [source_id, month.isoformat()])
                for rule, cases, missed in cursor.fetchall():
                    mine = sums.setdefault(rule, {})
                    before = mine.get(month, (0, 0))
                    mine[month] = int(cases) + before[0], int(missed) + before[1]
                    if sources.get(rule, ())[-1:] != (source_id,):
                        sources[rule] = (*sources.get(rule, ()), source_id)
    begun = _begun()
    spans = {which: _span([found[pk] for pk in which], begun) for which in set(sources.values())}
    packed = {}
    for rule, mine in sums.items():
        shown, drawn = spans[sources[rule]]
        pairs = " ".join("{}/{}".format(*mine.get(month, (0, 0))) for month in shown)
        packed[rule] = f"{shown[0]:%Y-%m} {drawn} {pairs}"
    return packed


def _begun() -> dict[int, date]:
    """{source id: the first month with cases}: what lies before is no month without contacts, but one without data."""
    return dict(TopicMonth.objects.values_list("source").annotate(first=Min("month")).order_by())


def _span(windows: Sequence[Window], begun: Mapping[int, date]) -> tuple[list[date], str]:
    """(the twelve months shown, from which to before which of them the data of all sources is complete)"""
    shown = max(windows, key=lambda window: window.last).shown
    drawn = [place for place, month in enumerate(shown) if complete_in(windows, month, begun)]
    return shown, f"{drawn[0]}-{drawn[-1] + 1}" if drawn else "0-0"


def complete_in(windows: Iterable[Window], month: date, begun: Mapping[int, date]) -> bool:
    """Whether the data holds the whole month, and all is mature, in those sources whose window it lies in."""
    inside = [window for window in windows if window.since <= month <= window.last]
    return bool(inside) and all(
        window.is_complete(month) and begun.get(window.source_id, month) <= month for window in inside
    )
