"""The definitions once more, slowly and in plain Python: what FCR and the ledger of a small world must be.

Written from the words of the glossary alone; it shares no line with the product's SQL and never looks at a database.
Rates are fractions, None where there is nothing to divide by.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo


@dataclass(frozen=True)
class Source:
    name: str
    zone: str = "Europe/Copenhagen"
    space: str = "shop"
    horizon: datetime | None = None
    retired: bool = False


@dataclass(frozen=True)
class Case:
    """`opened` and `closed` are an instant, or a bare date where only the day is known."""

    source: str
    id: str
    opened: datetime | date
    closed: datetime | date | None = None
    customer: str = ""
    topic: str = ""
    channel: str = ""
    team: str = ""
    handoffs: int | None = None
    reopens: int | None = None
    replies: int | None = None
    seconds: int | None = None
    declared: bool | None = None
    survey: bool | None = None
    excluded: str = ""


@dataclass(frozen=True)
class Link:
    source: str
    id: str
    rule: str
    effect: str = "blocked"
    origin: str = "source"


@dataclass(frozen=True)
class Policy:
    method: str = "no_repeat"
    window: int = 7
    key: tuple[str, ...] = ("customer", "topic")


@dataclass(frozen=True)
class World:
    sources: tuple[Source, ...]
    cases: tuple[Case, ...] = ()
    links: tuple[Link, ...] = ()
    headcounts: tuple[tuple[str, int], ...] = ()  # team, people

    def source(self, name):
        return next(source for source in self.sources if source.name == name)

    def rules(self, case, effects=("applied", "blocked")):
        return {x.rule for x in self.links if (x.source, x.id) == (case.source, case.id) and x.effect in effects}


@dataclass
class Judged:
    outcome: str
    mature: bool
    repeat: Case | None = None  # the case that came back after this one
    first: bool = True  # not itself the repeat of another


@dataclass
class Tally:
    """What one group adds up to before anything is divided."""

    resolved: int = 0
    not_resolved: int = 0
    pending: int = 0
    unknown: int = 0
    excluded: int = 0
    early: int = 0
    blocked: int = 0
    silent: int = 0
    chains: int = 0
    short_chains: int = 0


def bare(value):
    return not isinstance(value, datetime)


def local_day(value, zone):
    return value if bare(value) else value.astimezone(ZoneInfo(zone)).date()


def moment(value, zone):
    """The instant; a bare date stands at its local midnight."""
    return datetime(value.year, value.month, value.day, tzinfo=ZoneInfo(zone)) if bare(value) else value


def micro(value):
    """Exact whole microseconds of an instant, for comparisons at an edge."""
    delta = value - datetime(2000, 1, 1, tzinfo=ZoneInfo("UTC"))
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


def at(value, zone):
    return micro(moment(value, zone).astimezone(ZoneInfo("UTC")))


def within(world, first, second, days):
    """Whether `second` came at most `days` after `first`: in seconds where both have an instant, else in days."""
    zone_one, zone_two = world.source(first.source).zone, world.source(second.source).zone
    if bare(first.opened) or bare(second.opened):
        return (local_day(second.opened, zone_two) - local_day(first.opened, zone_one)).days <= days
    return at(second.opened, zone_two) - at(first.opened, zone_one) <= days * 86_400 * 1_000_000


def horizon(world, space):
    """The earliest of the live sources. One that no import has finished yet has none, and holds nothing back."""
    known = [source for source in world.sources if source.space == space and source.horizon]
    live = [source.horizon for source in known if not source.retired]
    if live:
        return min(live)
    return max((source.horizon for source in known), default=None)


def is_mature(world, case, days):
    source = world.source(case.source)
    until = horizon(world, source.space)
    if until is None:
        return False
    if bare(case.opened):
        return case.opened + timedelta(days=days) <= local_day(until, source.zone)
    return at(case.opened, source.zone) + days * 86_400 * 1_000_000 <= at(until, source.zone)


def judge(world, policy):
    """{case: Judged} of every case that is not excluded."""
    counted = [case for case in world.cases if not case.excluded]
    found = {case: Judged("", is_mature(world, case, policy.window)) for case in counted}
    if policy.method == "no_repeat":
        find_repeats(world, policy, found)
    for case, judged in found.items():
        judged.outcome = outcome(world, case, judged, policy)
    return found


def find_repeats(world, policy, found):
    issues = defaultdict(list)
    for case in found:
        if case.customer:
            key = (case.customer, case.topic) if "topic" in policy.key else (case.customer,)
            issues[world.source(case.source).space, key].append(case)
    for cases in issues.values():
        cases.sort(key=lambda c: (at(c.opened, world.source(c.source).zone), c.source.encode(), c.id.encode()))
        for number in range(len(cases) - 1):
            if within(world, cases[number], cases[number + 1], policy.window):
                found[cases[number]].repeat = cases[number + 1]
                found[cases[number + 1]].first = False


def outcome(world, case, judged, policy):
    if policy.method in ("declared", "survey"):
        return {None: "unknown", True: "resolved", False: "not_resolved"}[getattr(case, policy.method)]
    if policy.method == "single_touch":
        return single_touch(case)
    if policy.method == "closed_fast":
        if closed_in_time(world, case, policy.window):
            return "resolved"
        return "not_resolved" if judged.mature else "pending"
    if not case.customer:
        return "unknown"
    if not judged.mature:
        return "pending"
    return "not_resolved" if judged.repeat else "resolved"


def single_touch(case):
    if case.closed is None:
        return "pending"
    counts = [(case.handoffs, 0), (case.reopens, 0), (case.replies, 1)]
    if any(count is not None and count > limit for count, limit in counts):
        return "not_resolved"
    return "unknown" if any(count is None for count, _ in counts) else "resolved"


def closed_in_time(world, case, days):
    if case.closed is None:
        return False
    zone = world.source(case.source).zone
    if bare(case.opened) or bare(case.closed):
        return (local_day(case.closed, zone) - local_day(case.opened, zone)).days <= days
    return at(case.closed, zone) - at(case.opened, zone) <= days * 86_400 * 1_000_000


def fcr(world, names, policy, since=None, until=None, by=None):
    """{group: the line that `fcr` prints}, of the sources of these names."""
    found = judge(world, policy)
    tallies = defaultdict(Tally)
    if by is None:
        tallies["all"] = Tally()
    for case in chosen(world, names, since, until):
        for group in groups(world, case, by):
            add_case(world, tallies[group], case, found.get(case))
            if policy.method == "no_repeat":
                add_chain(tallies[group], case, found)
    return {group: line(tally, policy) for group, tally in tallies.items()}


def chosen(world, names, since, until):
    for case in world.cases:
        day = local_day(case.opened, world.source(case.source).zone)
        if case.source in names and (since is None or since <= day) and (until is None or day <= until):
            yield case


def groups(world, case, by):
    if by is None:
        return ["all"]
    if by == "rule":
        return sorted(world.rules(case))
    if by == "month":
        return [local_day(case.opened, world.source(case.source).zone).isoformat()[:7]]
    if by == "team":
        return [case.team if not case.team or case.team in shown(dict(world.headcounts)) else "other"]
    return [getattr(case, by)]


def shown(headcounts):
    """Teams of five and more; "other" takes in the next smallest while it has fewer than five itself."""
    named = sorted((people, team) for team, people in headcounts.items() if people >= 5)
    other = [people for people in headcounts.values() if people < 5]
    while other and sum(other) < 5 and named:
        other.append(named.pop(0)[0])
    return {team for _, team in named}


def add_case(world, tally, case, judged):
    if judged is None:
        tally.excluded += 1
        return
    setattr(tally, judged.outcome, getattr(tally, judged.outcome) + 1)
    tally.early += judged.outcome == "pending" and judged.repeat is not None
    if world.rules(case, ("blocked",)):
        tally.blocked += judged.outcome == "not_resolved"
        tally.silent += judged.outcome == "resolved"


def add_chain(tally, case, found):
    """The chain that begins with this case counts where its first contact counts, once its last is mature."""
    if case not in found or not case.customer or not found[case].first:
        return
    last, length = case, 1
    while found[last].repeat:
        last, length = found[last].repeat, length + 1
    if found[last].mature:
        tally.chains += 1
        tally.short_chains += length == 1


def divided(part, whole):
    return Fraction(part, whole) if whole else None


def line(tally, policy):
    repeats = policy.method == "no_repeat"
    mature = tally.resolved + tally.not_resolved
    return {
        "cases": mature + tally.pending + tally.unknown,
        "resolved": tally.resolved,
        "not_resolved": tally.not_resolved,
        "repeated": tally.not_resolved if repeats else None,
        "early_repeats": tally.early if repeats else None,
        "pending": tally.pending,
        "unknown": tally.unknown,
        "excluded": tally.excluded,
        "blocked_silent": tally.silent if repeats else None,
        "fcr": divided(tally.resolved, mature),
        "net": divided(tally.resolved, mature - tally.blocked),
        "issue_fcr": divided(tally.short_chains, tally.chains) if repeats else None,
    }


@dataclass
class Row:
    """What the ledger says of one rule."""

    contacts: int = 0
    silent: int = 0
    price: Fraction = Fraction(0)
    share: Fraction | None = None
    seconds: list[Fraction] = field(default_factory=list)


@dataclass
class Ledger:
    resolved: int
    not_resolved: int
    blocked: int
    silent: int | None
    gross: Fraction | None
    net: Fraction | None
    gap: Fraction | None
    ceiling: Fraction | None
    coverage: Fraction | None
    rows: dict[str, Row]


def ledger(world, names, policy, since=None, until=None):
    """The ledger of the sources of these names under one policy."""
    found = judge(world, policy)
    mature = [(c, found[c].outcome) for c in chosen(world, names, since, until) if c in found]
    solved = [case for case, said in mature if said == "resolved"]
    missed = [case for case, said in mature if said == "not_resolved"]
    blockers = {case: world.rules(case, ("blocked",)) for case, _ in mature}
    blocked = [case for case in missed if blockers[case]]
    everyone = len(solved) + len(missed)
    gross, net = divided(len(solved), everyone), divided(len(solved), everyone - len(blocked))
    gap = None if gross is None or net is None else net - gross
    rows = defaultdict(Row)
    for case in blocked:
        for rule in blockers[case]:
            part = Fraction(1, len(blockers[case]))
            rows[rule].contacts += 1
            rows[rule].price += part / everyone
            if case.seconds is not None:
                rows[rule].seconds.append(part * case.seconds)
    told_no = [case for case in solved if blockers[case]]
    if policy.method == "no_repeat":
        for case in told_no:
            for rule in blockers[case]:
                rows[rule].silent += 1
    for row in rows.values():
        if gap is not None:
            row.share = gap * row.price * everyone / len(blocked) if blocked else Fraction(0)
    linked = [case for case in missed if world.rules(case)]
    return Ledger(
        resolved=len(solved),
        not_resolved=len(missed),
        blocked=len(blocked),
        silent=len(told_no) if policy.method == "no_repeat" else None,
        gross=gross,
        net=net,
        gap=gap,
        ceiling=divided(len(blocked), everyone),
        coverage=divided(len(linked), len(missed)),
        rows=dict(rows),
    )
