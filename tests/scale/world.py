"""A made-up help desk of any size, the same at every run: cases in the order they came, and one later batch.

Of ten cases four met one rule and one met two: 600,000 links for a million. They stand in the `rules` column, so that
an import reads them with their cases. Of a hundred cases three have no customer and one is excluded. Four in ten
contacts come from customers who were there before.
"""

import csv
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

COLUMNS = (
    "external_id", "opened_at", "closed_at", "channel", "topic", "customer", "team", "handoffs", "reopens", "replies",
    "handle_seconds", "declared", "excluded", "rules",
)  # fmt: skip
SOURCE = "scale"
RULES = tuple(f"R-{number:03}" for number in range(1, 61))
GROUPS = ("billing", "delivery", "returns", "login", "product", "subscription", "complaints", "other")
TOPICS = tuple(f"{group}/{number}" for group in GROUPS for number in range(1, 6))
CHANNELS = ("phone", "mail", "chat", "form")
TEAMS = tuple(f"Team {letter}" for letter in "ABCDEFGHIJ")
REASONS = ("outbound", "spam", "test", "merged")
START = datetime(2024, 11, 1, 6, 0)  # noqa: DTZ001 (local time, as help desks export it)
SPAN = timedelta(days=425)  # 14 months
RECENT = 20_000  # a returning customer is one of the last so many contacts

Row = tuple[str, ...]


def write_rules(path: Path) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("code", "title"))
        writer.writerows((code, f"What agents must do under {code}") for code in RULES)


def write_cases(path: Path, rows: int) -> None:
    _write(path, _cases(rows))


def write_batch(path: Path, rows: int) -> None:
    """1,000 cases of the day after a world of `rows`: 500 of new customers, 200 of known ones, 300 old ones corrected.

    600 links: one each on the first 600 rows.
    """
    _write(path, _batch(rows))


def _write(path: Path, rows: Iterator[Row]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(rows)


def _cases(rows: int) -> Iterator[Row]:
    dice = Random(f"cases {rows}")
    recent: list[tuple[str, str]] = []  # customer and topic of the last contacts
    customers = 0
    for number in range(rows):
        chance = dice.random()
        topic = TOPICS[int(len(TOPICS) * dice.random() ** 2)]
        if chance < 0.03:
            customer = ""
        elif chance < 0.61 and recent:
            customer, before = recent[dice.randrange(len(recent))]
            topic = before if dice.random() < 0.6 else topic
        else:
            customers += 1
            customer = f"C{customers:07}"
        place = number % RECENT
        if place < len(recent):
            recent[place] = customer, topic
        else:
            recent.append((customer, topic))
        links = (0, 1, 0, 1, 0, 2, 0, 1, 0, 1)[number % 10]
        opened = START + SPAN * ((number + dice.random()) / rows)
        yield _row(dice, number, opened, customer, topic, links)


def _batch(rows: int) -> Iterator[Row]:
    dice = Random(f"batch {rows}")
    old = list(_sample(rows, 500))
    for place in range(500):
        opened = START + SPAN + timedelta(seconds=60 * place)
        topic = dice.choice(TOPICS)
        yield _row(dice, rows + place, opened, f"N{place:07}", topic, 1)
    for place, row in enumerate(old[:200], 500):
        opened = START + SPAN + timedelta(seconds=60 * place)
        yield _row(dice, rows + place, opened, row[5], row[4], int(place < 600))
    for row in old[200:]:
        corrected = dict(zip(COLUMNS, row, strict=True))
        corrected["handle_seconds"] = str(int(corrected["handle_seconds"]) + 1)
        corrected["topic"] = dice.choice(TOPICS)
        yield tuple(corrected.values())


def _sample(rows: int, wanted: int) -> Iterator[Row]:
    """Cases with a customer, evenly from the whole world."""
    step = rows // wanted
    due = 0
    for number, row in enumerate(_cases(rows)):
        if number >= due * step and row[5]:
            due += 1
            yield row
            if due == wanted:
                return


def _row(dice: Random, number: int, opened: datetime, customer: str, topic: str, links: int) -> Row:
    seconds = 60 + int(900 * dice.random())
    closed = opened + timedelta(seconds=seconds + (86_400 if dice.random() < 0.2 else 0))
    return (
        f"T-{number + 1:08}",
        f"{opened:%Y-%m-%d %H:%M:%S}",
        f"{closed:%Y-%m-%d %H:%M:%S}",
        CHANNELS[int(4 * dice.random() ** 2)],
        topic,
        customer,
        TEAMS[int(10 * dice.random())],
        str(int(3 * dice.random() ** 4)),
        str(int(2 * dice.random() ** 4)),
        str(int(4 * dice.random() ** 2)),
        str(seconds),
        "yes" if dice.random() < 0.7 else "no",
        REASONS[int(4 * dice.random())] if dice.random() < 0.01 else "",
        ";".join(dice.sample(RULES, links)) if links else "",
    )
