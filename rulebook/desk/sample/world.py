"""Fourteen months of contacts at Fjordhandel, a made-up web shop in which the price of every rule is known beforehand.

`plan.py` fixes how many contacts were resolved, how many were not and which rule stood in the way; the dice only decide
who, when and through which channel. So whatever computes FCR over these rows must arrive at `truth()`. The definition
that they obey: *no_repeat*, window 7 days, issue key customer and topic, horizon = the end of the local day `end`.

Time is local time in Europe/Copenhagen without an offset. Repeats follow within 1 hour to 6 days and otherwise at least
9 days pass, so the one hour that summer time moves never changes an outcome.
"""

import csv
from bisect import bisect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from itertools import accumulate
from pathlib import Path
from random import Random

from rulebook.desk.sample.plan import (
    OUTBOUND,
    PENDING_ONCE,
    PENDING_TWICE,
    RETURNED_LATE,
    SPAM,
    TEST,
    TOPICS,
    UNKNOWN,
    Truth,
    plan,
    rules,
    truth,
)

__all__ = ["Truth", "cases", "first_day", "links", "truth", "write"]

MONTHS = 14
CHANNELS = ("phone", "chat", "mail")

TEAMS = {
    "delivery": "Delivery",
    "order": "Delivery",
    "returns": "Returns",
    "complaints": "Returns",
    "payment": "Payment and account",
    "account": "Payment and account",
    "product": "Product help",
    "club": "Product help",
}
EVENING = "Evening team"
WEEKDAYS = (1.30, 1.16, 1.06, 1.04, 1.00, 0.52, 0.42)  # Monday first
SEASON = (1.25, 0.95, 0.92, 0.94, 0.98, 0.95, 0.74, 0.92, 0.98, 1.00, 1.32, 1.42)  # January first; Christmas last
HOURS = {  # opening hour -> how busy it is, on weekdays
    "phone": {8: 6, 9: 9, 10: 11, 11: 10, 12: 8, 13: 8, 14: 7, 15: 7, 16: 6, 17: 5, 18: 4, 19: 3},
    "chat": {8: 4, 9: 6, 10: 8, 11: 8, 12: 8, 13: 7, 14: 6, 15: 6, 16: 6, 17: 6, 18: 6, 19: 8, 20: 8, 21: 5},
    "mail": {7: 4, 8: 6, 9: 7, 10: 7, 11: 6, 12: 6, 13: 6, 14: 5, 15: 5, 16: 5, 17: 5, 18: 5, 19: 7, 20: 8, 21: 7},
}
HANDLE_SECONDS = {"phone": 255, "chat": 540, "mail": 390}


@dataclass(slots=True)
class Contact:
    """One contact before it becomes a row; its chain gives it a day, its rules limit its channel."""

    topic: str
    last: bool = True  # the last of its chain: the customer does not come back with this
    channels: tuple[str, ...] = CHANNELS
    blocked: list[str] = field(default_factory=list)
    applied: list[str] = field(default_factory=list)
    channel: str = ""
    customer: str = ""
    opened: datetime = field(init=False)
    direction: str = "inbound"
    excluded: str = ""

    def fits(self, channels: tuple[str, ...]) -> bool:
        return any(channel in channels for channel in self.channels)

    def narrow(self, channels: tuple[str, ...]) -> None:
        self.channels = tuple(channel for channel in self.channels if channel in channels)


Chain = list[Contact]


def cases(end: date, seed: int = 1) -> Iterator[dict[str, str]]:
    """The help desk's export in the order in which the contacts came in; same `end` and `seed`, same rows."""
    return _case_rows(_contacts(end, seed), end, seed)


def links(end: date, seed: int = 1) -> Iterator[dict[str, str]]:
    """Which rule kept the agent from solving which case: one row per case and rule, `effect` always blocked."""
    return _link_rows(_contacts(end, seed))


def write(folder: Path, end: date, seed: int = 1) -> tuple[Path, Path]:
    """Write `cases.csv` and `links.csv` into `folder` (made if it is missing) and say where they are."""
    folder.mkdir(parents=True, exist_ok=True)
    contacts = _contacts(end, seed)
    cases_path, links_path = folder / "cases.csv", folder / "links.csv"
    _write_csv(cases_path, _case_rows(contacts, end, seed))
    _write_csv(links_path, _link_rows(contacts))
    return cases_path, links_path


def first_day(end: date) -> date:
    """The first day of the fourteen months that end with `end`."""
    year, month = divmod(end.year * 12 + end.month - 1 - MONTHS, 12)
    return date(year, month + 1, min(end.day, 28))


def _contacts(end: date, seed: int) -> list[Contact]:
    """Every contact of the world in the order of its opening, which is also the order of its number."""
    rng = Random(seed)  # noqa: S311 - a repeatable world, no secret
    chains = _planted_chains(rng)
    calendar = _Calendar(rng, end)
    for chain in chains:
        calendar.place(chain)
    recent = _recent_chains(rng, calendar)
    _give_customers(rng, chains + recent)
    contacts = [contact for chain in chains + recent for contact in chain]
    contacts += _outside_the_figures(rng, calendar, contacts, end)
    contacts.sort(key=lambda contact: contact.opened)  # stable: contacts of the same second keep their order
    return contacts


def _planted_chains(rng: Random) -> list[Chain]:
    """R chains with N repeats in each topic, and the plan's rules laid upon them."""
    chains: list[Chain] = []
    failed: dict[str, list[Contact]] = {}
    solved: dict[str, list[Contact]] = {}
    for topic, (resolved, not_resolved) in TOPICS.items():
        mine = [[Contact(topic) for _ in range(length)] for length in _lengths(resolved, not_resolved)]
        for chain in mine:
            for contact in chain[:-1]:
                contact.last = False
        failed[topic] = [contact for chain in mine for contact in chain[:-1]]
        solved[topic] = [chain[-1] for chain in mine]
        rng.shuffle(failed[topic])
        rng.shuffle(solved[topic])
        chains += mine
    channels = {row["code"]: tuple(row["channels"].split(";")) if row["channels"] else CHANNELS for row in rules()}
    for row in plan():
        _block(failed[row.topic], row.blocked, (row.code,), channels)
        _block(failed[row.topic], row.together, (row.code, row.together_with), channels)
        _block(solved[row.topic], row.silent, (row.code,), channels)
    everyone = {topic: [chain[-1] for chain in chains if chain[0].topic == topic] for topic in TOPICS}
    for row in plan():  # last, so that a rule in play never takes a place that a blocked link needs
        possible = [c for c in everyone[row.topic] if row.code not in c.blocked and c.fits(channels[row.code])]
        for contact in rng.sample(possible, row.applied):
            contact.applied.append(row.code)
            contact.narrow(channels[row.code])
    return chains


def _lengths(resolved: int, not_resolved: int) -> list[int]:
    """Lengths of `resolved` chains that hold `not_resolved` repeats: mostly one contact, some two, a few three or four.

    >>> _lengths(12, 7)
    [3, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1]
    """
    four, three = not_resolved // 20, not_resolved // 7
    two = not_resolved - 3 * four - 2 * three
    return [4] * four + [3] * three + [2] * two + [1] * (resolved - four - three - two)


def _block(free: list[Contact], count: int, codes: tuple[str, ...], channels: Mapping[str, tuple[str, ...]]) -> None:
    """Let `codes` block `count` contacts and take those out of `free`, so that no other rule blocks them as well."""
    for contact in (free.pop() for _ in range(count)):
        contact.blocked.extend(codes)
        for code in codes:
            contact.narrow(channels[code])


class _Calendar:
    """Which days are busy, and when on such a day a customer gets in touch."""

    def __init__(self, rng: Random, end: date) -> None:
        self.rng = rng
        self.first = first_day(end)
        days = [self.first + timedelta(days=n) for n in range((end - self.first).days + 1)]
        weights = [WEEKDAYS[d.weekday()] * SEASON[d.month - 1] * rng.uniform(0.9, 1.1) for d in days]
        self.sums = list(accumulate(weights))
        self.edge = len(days) - 1 - 7  # the last day whose whole window of 7 days lies inside the horizon

    def day(self, lowest: int, highest: int) -> int:
        """A day from `lowest` to `highest` (counted from the first), busy days more often."""
        below = self.sums[lowest - 1] if lowest else 0.0
        return min(highest, bisect(self.sums, self.rng.uniform(below, self.sums[highest]), lo=lowest))

    def place(self, chain: Chain) -> None:
        """Give each contact of a planted chain its channel and its moment; the whole chain ends up mature."""
        # One day spare per repeat, because `follow` may put it off till tomorrow. Whatever carries a link or a repeat
        # stays a further day away from the edge, so that a horizon read slightly otherwise cannot touch the plan.
        gaps = [self.gap() for _ in chain[1:]]
        plain = len(chain) == 1 and not chain[0].blocked and not chain[0].applied
        latest = self.edge - (not plain) - sum(gaps) - len(gaps)
        self.open(chain[0], self.day(0, latest))
        for before, contact, gap in zip(chain, chain[1:], gaps, strict=False):
            self.follow(before, contact, gap)

    def gap(self) -> int:
        """Days until a customer who was not helped comes back: five and a few hours at most."""
        return self.rng.choices((0, 1, 2, 3, 4, 5), (18, 33, 21, 13, 9, 6))[0]

    def open(self, contact: Contact, day: int, before: str = "") -> None:
        keep = before in contact.channels and self.rng.random() < 0.65
        contact.channel = before if keep else self.channel(contact.channels)
        contact.opened = self.moment(contact.channel, day, 0)

    def follow(self, before: Contact, contact: Contact, gap: int) -> None:
        """Open `contact` as the repeat of `before`: `gap` days later, at least an hour later, or tomorrow instead."""
        day = (before.opened.date() - self.first).days + gap
        self.open(contact, day, before.channel)
        if gap == 0:
            later = before.opened.hour + 2  # the next full hour but one: never less than an hour away
            possible = later <= max(self.hours(contact.channel, day))
            contact.opened = self.moment(contact.channel, day + (not possible), later if possible else 0)

    def channel(self, channels: tuple[str, ...]) -> str:
        usual = {"phone": 46, "chat": 22, "mail": 32}
        return self.rng.choices(channels, [usual[channel] for channel in channels])[0]

    def hours(self, channel: str, day: int) -> Mapping[int, int]:
        weekend = (self.first + timedelta(days=day)).weekday() >= 5
        return dict.fromkeys(range(10, 16), 1) if weekend and channel != "mail" else HOURS[channel]

    def moment(self, channel: str, day: int, earliest: int) -> datetime:
        """A moment in the opening hours of a day, from the hour `earliest` on."""
        hours = {hour: busy for hour, busy in self.hours(channel, day).items() if hour >= earliest}
        hour = self.rng.choices(list(hours), list(hours.values()))[0]
        at = time(hour, self.rng.randrange(60), self.rng.randrange(60))
        return datetime.combine(self.first + timedelta(days=day), at)


def _recent_chains(rng: Random, calendar: _Calendar) -> list[Chain]:
    """The last seven days: ordinary contacts without a link, on which it is too early to pass judgement."""
    first, last = calendar.edge + 1, calendar.edge + 7
    starts: list[tuple[int, int]] = []  # the day of the first contact, and in how many days the customer is back
    for _ in range(PENDING_TWICE):
        starts.append((calendar.day(first, last - 2), rng.choice((1, 1, 2))))
    for _ in range(RETURNED_LATE):
        start = calendar.edge - rng.choices((0, 1, 2, 3), (8, 5, 3, 2))[0]
        starts.append((start, rng.randint(first - start, 5)))
    starts += [(calendar.day(first, last), 0) for _ in range(PENDING_ONCE)]
    chains: list[Chain] = []
    usual = [resolved for resolved, _ in TOPICS.values()]
    for (start, gap), topic in zip(starts, rng.choices(list(TOPICS), usual, k=len(starts)), strict=True):
        chain = [Contact(topic, last=not gap)]
        calendar.open(chain[0], start)
        if gap:
            chain.append(Contact(topic))
            calendar.follow(chain[0], chain[1], gap)
        chains.append(chain)
    return chains


def _give_customers(rng: Random, chains: list[Chain]) -> None:
    """Let new customers come, and old ones come back: with another topic, or with the same one after a good while."""
    known: list[str] = []
    last_seen: dict[tuple[str, str], datetime] = {}
    number = 100_000
    for chain in sorted(chains, key=lambda chain: chain[0].opened):
        customer = rng.choice(known) if known and rng.random() < 0.42 else ""
        topic, opened = chain[0].topic, chain[0].opened
        seen = last_seen.get((customer, topic))
        # Within nine days of the same topic it would be a repeat, or nearly one; nobody planted that.
        if not customer or (seen and opened - seen < timedelta(days=9)):
            number += rng.randint(1, 9)
            customer = f"C{number}"
            known.append(customer)
        last_seen[customer, topic] = chain[-1].opened
        for contact in chain:
            contact.customer = customer


def _outside_the_figures(rng: Random, calendar: _Calendar, contacts: list[Contact], end: date) -> list[Contact]:
    """Rows that change no rate: unsigned chats, our own calls to customers, spam, and the testers' cases."""
    rows: list[Contact] = []
    topics = list(TOPICS)
    for _ in range(UNKNOWN):
        contact = Contact(rng.choice(topics), channels=("chat", "mail"))
        calendar.open(contact, calendar.day(0, calendar.edge + 7))
        rows.append(contact)
    limit = datetime.combine(end, time(21))
    called = rng.sample([contact for contact in contacts if contact.opened < limit - timedelta(days=4)], OUTBOUND)
    for contact in called:  # a call-back to the same customer about the same thing: no repeat, since we called
        call = Contact(contact.topic, customer=contact.customer, channel="phone", direction="outbound")
        day = (contact.opened.date() - calendar.first).days + rng.randint(1, 3)
        call.opened = calendar.moment("phone", day, 0)
        rows.append(call)
    for _ in range(SPAM):
        contact = Contact("", channels=("mail",), excluded="spam")
        calendar.open(contact, calendar.day(0, calendar.edge + 7))
        rows.append(contact)
    for number in range(TEST):  # in pairs on the same day: counted, they would be repeats
        contact = Contact("order/status", customer="C100000", channels=("mail",), excluded="test")
        calendar.open(contact, 30 * (1 + number // 2))
        rows.append(contact)
    return rows


def _case_rows(contacts: list[Contact], end: date, seed: int) -> Iterator[dict[str, str]]:
    # Dice of their own, so that a detail added to the rows never moves a contact.
    rng = Random(f"rows {seed}")  # noqa: S311 - a repeatable world, no secret
    for number, contact in enumerate(contacts, start=1):
        yield {"external_id": _external_id(number), **_described(rng, contact, end)}


def _link_rows(contacts: list[Contact]) -> Iterator[dict[str, str]]:
    for number, contact in enumerate(contacts, start=1):
        for code in sorted(contact.blocked):
            yield {"case": _external_id(number), "rule": code, "effect": "blocked"}


def _external_id(number: int) -> str:
    return f"FH-{number:06d}"


def _described(rng: Random, contact: Contact, end: date) -> dict[str, str]:
    """What the help desk noted about a contact. Its own traces are tied to the truth only loosely, as in life."""
    smooth = contact.last and not contact.blocked
    handoffs = rng.choices((0, 1, 2), (91, 8, 1) if smooth else (52, 39, 9) if contact.blocked else (74, 22, 4))[0]
    replies = 1
    if contact.channel == "mail":
        replies = rng.choices((1, 2, 3), (82, 15, 3) if contact.last else (58, 29, 13))[0]
    reopens = int(rng.random() < (0.01 if contact.last else 0.11))
    seconds = HANDLE_SECONDS[contact.channel] * rng.lognormvariate(0, 0.5) * (1 if smooth else 1.2) * replies
    handle = max(35, min(3600, round(seconds)))
    # Agents say yes too often: they do not see the customer come back. Some say nothing.
    said = (76, 6, 18) if smooth else (52, 30, 18) if contact.last else (45, 37, 18)
    declared = rng.choices(("yes", "no", ""), said)[0]
    team = TEAMS.get(contact.topic.partition("/")[0], "Product help")
    if contact.opened.hour >= 18 and rng.random() < 0.6:
        team = EVENING
    elif rng.random() < 0.08:
        team = rng.choice(sorted(set(TEAMS.values())))
    closed = contact.opened + timedelta(seconds=handle)
    if contact.channel == "mail" and not contact.excluded:
        closed += timedelta(hours=rng.triangular(1, 40, 5) * replies)
        if not 8 <= closed.hour < 20:  # nobody answers mail at night, least of all in the hour that summer time skips
            morning = closed.date() + timedelta(days=closed.hour >= 20)
            closed = datetime.combine(morning, time(8, closed.minute, closed.second))
    figures = not contact.excluded and contact.direction == "inbound"
    return {
        "opened_at": f"{contact.opened:%Y-%m-%d %H:%M:%S}",
        "closed_at": f"{closed:%Y-%m-%d %H:%M:%S}" if closed.date() <= end else "",  # still open when the export ran
        "channel": contact.channel,
        "topic": contact.topic,
        "customer": contact.customer,
        "team": team,
        "handoffs": str(handoffs),
        "reopens": str(reopens),
        "replies": str(replies),
        "handle_seconds": str(handle),
        "declared": declared if figures else "",
        "direction": contact.direction,
        "excluded": contact.excluded,
        "rules": ";".join(sorted(contact.applied)),
    }


def _write_csv(path: Path, rows: Iterator[dict[str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        first = next(rows)
        writer = csv.DictWriter(file, list(first), lineterminator="\n")
        writer.writeheader()
        writer.writerow(first)
        writer.writerows(rows)
