"""A small made-up house, written as the files that its help desks and its managers would hand over.

The files are committed beside this module, since the databases of `tests.upgrade` were made from them: write them anew
(`python -m tests.upgrade files`) only together with the databases. Everything follows from `SEED`; no customer, agent
or price is real. Laws, habits, aliases, rules that nobody wrote down, repeats, customers without a name, days without a
time, contacts that do not count: all that a migration could lose stands in there at least once.
"""

import csv
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path
from random import Random

FOLDER = Path(__file__).resolve().parent
SEED = "an upgrade loses nothing"
FIRST, DAYS = date(2024, 10, 1), 457  # fifteen months, to the end of 2025
KEY_RING = FOLDER / "key_ring.json"  # of this test alone

RULES = ("code", "title", "text", "kind", "authority", "clause", "protective", "department", "owner", "topics",
         "channels", "purpose", "heard_where", "customer_hears", "decision_limit", "requirements", "applies_from",
         "review_by", "aliases", "intent")  # fmt: skip
CASES = ("external_id", "opened_at", "closed_at", "channel", "topic", "customer", "agent", "team", "handoffs",
         "reopens", "replies", "handle_seconds", "declared", "survey", "excluded", "rules")  # fmt: skip
LINKS = ("case", "rule", "effect")

# The topic with its team, how often it comes, how often it comes back, and the rules that are met there: the first
# stands in the way most often.
TOPICS = {
    "delivery/late": ("Parcels", 0.34, 0.22, ("R-0001", "R-0002", "R-0003")),
    "returns/refund": ("Returns", 0.36, 0.30, ("R-0004", "R-0005", "R-0006", "L-1")),
    "account/login": ("Accounts", 0.22, 0.16, ("R-0007", "the card rule")),
    "": ("", 0.08, 0.10, ("R-0008",)),
}
BLOCKING = (0.34, 0.18, 0.10, 0.06)  # how often the first, second ... rule of a topic is met
HARM = 0.30  # how much oftener a customer comes back whom the first rule met

# All that `manage.py` is told, in this order, to make the database; "FOLDER" stands for this folder.
COMMANDS = (
    ("import_rules", "FOLDER/rules.csv"),
    ("import_cases", "FOLDER/desk.csv", "--source", "desk", "--links", "FOLDER/links.csv", "--effect", "blocked",
     "--timezone", "Europe/Copenhagen", "--space", "shop", "--complete-until", "2025-12-31"),
    ("import_rules", "FOLDER/rules_later.csv"),
    ("import_cases", "FOLDER/counter.csv", "--source", "counter", "--timezone", "Europe/London", "--space", "shop"),
    ("source", "counter", "--window", "14", "--key", "customer"),
    ("shell", "-v0", "-c",
     "from rulebook.access.models import Department, Team\n"
     "from rulebook.access.services import give_sign_in, set_head, set_headcount\n"
     "from rulebook.cases.models import ImportRun\n"
     "parcels = Team.objects.get(name='Parcels')\n"
     "set_headcount(team=parcels, headcount=7, by=None)\n"
     "set_headcount(team=Team.objects.get(name='Returns'), headcount=3, by=None)\n"
     "head = give_sign_in(username='mette', password='made up', role='manager', team=parcels, by=None)\n"
     "set_head(department=Department.objects.get(name='Finance'), head=head, by=head)\n"
     # Where the dump was made is nobody's business.
     "ImportRun.objects.update(host='here', process='1')\n"),
    ("refresh_figures",),
)  # fmt: skip


def commands() -> list[list[str]]:
    return [[word.replace("FOLDER", str(FOLDER)) for word in words] for words in COMMANDS]


def write() -> None:
    _table("rules.csv", RULES, rules())
    later = [row for row in rules() if row[0] in {"R-0002", "R-0005", "U-3"}]
    for row in later:
        row[1] += ", with a manager's word for more"
        row[RULES.index("applies_from")] = "2025-06-01"
        row[RULES.index("topics")] = "returns/refund; delivery"
    _table("rules_later.csv", RULES, later)
    dice = Random(SEED)
    desk = list(cases(dice, "D", 430, day_only=False))
    _table("desk.csv", CASES, desk)
    _table("links.csv", LINKS, links(dice, desk))
    _table("counter.csv", CASES, cases(dice, "C", 180, day_only=True))


def rules() -> Iterator[list[str]]:
    """Seven that cost, two laws, a contract, unwritten ones that no system knows, and some that nobody ever meets."""
    titled = [
        ("R-0001", "The customer must call the carrier", "written", "policy", "delivery/late", "Parcels"),
        ("R-0002", "A lost parcel is searched for ten days first", "written", "practice", "delivery", "Parcels"),
        ("R-0003", "No new parcel before the carrier answers", "unwritten", "habit", "delivery/late", "Parcels"),
        ("R-0004", "No refund before the goods are scanned", "written", "policy", "returns/refund", "Finance"),
        ("R-0005", "An agent refunds at most 500 kr", "written", "policy", "returns/refund", "Finance"),
        ("R-0006", "The tool closes a return after 30 days", "written", "system", "returns", "Finance"),
        ("R-0007", "A new password goes by letter", "written", "unknown", "account/login", "IT"),
        ("R-0008", "A call takes at most 180 seconds", "written", "policy", "", "Service"),
        ("L-1", "Money goes back to the card it came from", "written", "law", "returns/refund", "Finance"),
        ("L-2", "An account is shown to its holder alone", "written", "law", "account", "IT"),
        ("K-1", "The card company sees each refund over 5,000 kr", "written", "contract", "returns/refund", "Finance"),
        *((f"U-{n}", f"We have always done it so, number {n}", "unwritten", "habit", "", "") for n in range(1, 7)),
        *((f"P-{n}", f"Rule {n} of the old binder: “så står der”", "written", "practice", "", "Service")
          for n in range(1, 9)),
    ]  # fmt: skip
    for place, (code, title, kind, authority, topics, department) in enumerate(titled):
        given = {
            "code": code,
            "title": title,
            "text": f"{title}.\nNobody remembers since when." if place % 3 else "",
            "kind": kind,
            "authority": authority,
            "clause": "Section 4, second sentence" if authority in {"law", "contract"} else "",
            "protective": "yes" if code == "L-2" else "",
            "department": department,
            "owner": "anna" if place % 4 == 0 else "",
            "topics": topics,
            "channels": "phone; mail" if place % 5 == 0 else "",
            "purpose": "Fewer losses" if place % 2 else "",
            "heard_where": "At the Monday meeting" if kind == "unwritten" else "",
            "customer_hears": "I'm not allowed to" if place % 3 == 1 else "",
            "decision_limit": "500 kr" if code == "R-0005" else "",
            "requirements": str(place % 4) if place % 4 else "",
            "applies_from": "1899-01-01" if code == "L-1" else "2024-01-01" if place % 2 else "",
            "review_by": "2031-05-01" if place % 6 == 0 else "",
            "aliases": {"R-0004": "scan-first; FIN 4", "R-0007": "the card rule; pw-letter"}.get(code, ""),
            "intent": ("", "drop", "keep", "simplify", "ask")[place % 5],
        }
        yield [given[name] for name in RULES]


def cases(dice: Random, letter: str, count: int, *, day_only: bool) -> Iterator[list[str]]:
    """Contacts in the order of their numbers. `day_only`: a counter that writes down the day and not the time."""
    due: list[tuple[int, str, str]] = []  # days on which somebody comes back: (minute, customer, topic)
    for number in range(1, count + 1):
        minute = number * DAYS * 24 * 60 // (count + 1) + int(dice.random() * 600)
        due.sort()
        if due and due[0][0] <= minute:
            minute, customer, topic = due.pop(0)
        else:
            topic = _drawn(dice, {path: odds for path, (_, odds, _, _) in TOPICS.items()})
            customer = f"customer {int(dice.random() * 300)}" if dice.random() < 0.95 else ""
        team, _, returning, known = TOPICS[topic]
        met = [code for code, odds in zip(known, BLOCKING, strict=False) if dice.random() < odds]
        excluded = dice.random() < 0.04
        if customer and not excluded and dice.random() < returning + HARM * (known[0] in met):
            due.append((minute + 600 + int(dice.random() * 8 * 24 * 60), customer, topic))
        opened = datetime.combine(FIRST, time(6)) + timedelta(minutes=minute)
        closed = opened + timedelta(minutes=1 + int(dice.random() ** 4 * 20_000))
        yield [
            f"{letter}-{number}",
            str(opened.date() if day_only else opened),
            "" if dice.random() < 0.06 else str(closed.date() if day_only else closed),
            "counter" if day_only else "phone" if dice.random() < 0.6 else "mail",
            topic,
            customer,
            f"agent {int(dice.random() * 9)}",
            team,
            *(str(int(dice.random() ** 3 * 3)) if dice.random() < 0.9 else "" for _ in range(3)),
            str(60 + int(dice.random() * 500)),
            ("yes", "no", "")[int(dice.random() * 3)],
            ("yes", "no", "", "", "", "")[int(dice.random() * 6)],
            ("spam", "outbound", "merged", "test")[number % 4] if excluded else "",
            ";".join(met),
        ]


def links(dice: Random, rows: list[list[str]]) -> Iterator[list[str]]:
    """What agents ticked beside the ticket. Some name a rule that nobody wrote down yet, or a case yet to come."""
    for row in rows:
        known = TOPICS[row[CASES.index("topic")]][3]
        if dice.random() < 0.12:
            yield [row[0], known[int(dice.random() * len(known))], "applied" if dice.random() < 0.4 else "blocked"]
        if dice.random() < 0.01:
            yield [row[0], "not written down", "blocked"]
    yield ["D-100000", "R-0001", "applied"]


def _drawn(dice: Random, odds: dict[str, float]) -> str:
    at = dice.random() * sum(odds.values())
    for name, share in odds.items():
        at -= share
        if at < 0:
            return name
    return name


def _table(name: str, header: tuple[str, ...], rows: object) -> None:
    with (FOLDER / name).open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)  # type: ignore[arg-type]
