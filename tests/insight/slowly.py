"""Harm once more, slowly and in plain Python, from the words of the glossary alone: what figures have to agree with.

A case is (source, topic path, channel, opened day, outcome); outcomes are given here, since they have an oracle of
their own. Shares no line with the product.
"""

from dataclasses import dataclass
from datetime import date, datetime
from math import sqrt
from zoneinfo import ZoneInfo


@dataclass(frozen=True)
class Case:
    number: int
    source: str
    topic: str
    channel: str
    day: date
    outcome: str


@dataclass
class Harm:
    n: int
    k: int
    e: float | None
    excess: float | None = None
    volume: float = 0.0
    harm: float | None = None
    interval: tuple[float, float] | None = None


def months_back(day, months):
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    return date(year, month + 1, 1)


def local(horizon, zone):
    return horizon.astimezone(ZoneInfo(zone))


def inside(case, horizon, months):
    """Opened in the calendar months that end with the horizon's."""
    end = months_back(horizon.date(), -1)
    return months_back(horizon.date(), months - 1) <= case.day < end


def mature(case):
    return case.outcome in ("resolved", "not_resolved")


def harms(cases, counting, horizons):
    """{rule: Harm}; `counting` as {rule: case numbers}, `horizons` as {source: local datetime}."""
    recent = [case for case in cases if inside(case, horizons[case.source], 12)]
    judged = [case for case in recent if mature(case)]
    found = {}
    for rule, numbers in counting.items():
        without = [case for case in judged if case.number not in numbers]
        compared, rates = [], []
        for case in judged:
            if case.number in numbers and (rate := expected_rate(case, without)) is not None:
                compared.append(case)
                rates.append(rate)
        k = sum(case.outcome == "not_resolved" for case in compared)
        found[rule] = Harm(len(compared), k, sum(rates) / len(rates) if rates else None)
    s = strength([harm for harm in found.values() if harm.n])
    for rule, harm in found.items():
        mine = [case for case in cases if case.number in counting[rule]]
        harm.volume = sum(volume(mine, source, horizon) for source, horizon in horizons.items())
        if harm.n:
            score(harm, s)
    return found


def expected_rate(case, without):
    for same in (
        lambda other: (other.source, other.topic, other.channel) == (case.source, case.topic, case.channel),
        lambda other: (other.source, other.topic) == (case.source, case.topic),
        lambda other: other.source == case.source and below(other.topic, parent(case.topic)),
        lambda other: other.source == case.source,
    ):
        group = [other for other in without if same(other)]
        if len(group) >= 30:
            return sum(other.outcome == "not_resolved" for other in group) / len(group)
    return None


def parent(topic):
    return topic.rpartition("/")[0]


def below(topic, above):
    return bool(above) and (topic == above or topic.startswith(above + "/"))


def volume(mine, source, horizon):
    begin = datetime.combine(months_back(horizon.date(), 2), datetime.min.time(), horizon.tzinfo)
    days = (horizon.timestamp() - begin.timestamp()) / 86_400
    return sum(case.source == source and inside(case, horizon, 3) for case in mine) * 30 / days


def strength(rules):
    if sum(rule.n >= 5 for rule in rules) < 5:
        return 50.0
    n, k = sum(rule.n for rule in rules), sum(rule.k for rule in rules)
    m = (k + 0.5) / (n + 1)
    w = [1 / (m * (1 - m) / rule.n) for rule in rules]
    x = [rule.k / rule.n for rule in rules]
    mean = sum(a * b for a, b in zip(w, x, strict=True)) / sum(w)
    q = sum(a * (b - mean) ** 2 for a, b in zip(w, x, strict=True))
    tau2 = max(0.0, (q - (len(rules) - 1)) / (sum(w) - sum(a * a for a in w) / sum(w)))
    return 1000.0 if tau2 == 0 else min(1000.0, max(2.0, m * (1 - m) / tau2 - 1))


def score(harm, s):
    n, k, e = harm.n, harm.k, harm.e
    harm.excess = n / (n + s) * (k / n - e)
    harm.harm = harm.excess * harm.volume
    z = 1.6448536269514722
    successes, trials = k + s * e, n + s
    p = successes / trials
    half = z * sqrt(p * (1 - p) / trials + z * z / (4 * trials**2))
    low, high = ((p + z * z / (2 * trials) + sign * half) / (1 + z * z / trials) for sign in (-1, 1))
    harm.interval = (low - e) * harm.volume, (high - e) * harm.volume
