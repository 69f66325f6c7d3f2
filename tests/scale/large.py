"""A house with many rules and any number of cases: rules by `import_rules`, cases by raw inserts, outcomes by ours.

Run as a process of its own on a database with the rules: `python -m tests.scale.large CASES`. Of ten cases four met
one rule and one met two, as in `world.py`; half of the links say blocked. Some rules are met a thousand times more
often than others, and most by contacts of their own topic.
"""

import csv
import os
import sys
from collections.abc import Iterator
from datetime import timedelta
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "rulebook.settings")
django.setup()

from zoneinfo import ZoneInfo  # noqa: E402

from django.db import connection, transaction  # noqa: E402

from rulebook.cases.dialect import gather_statistics  # noqa: E402
from rulebook.cases.models import Source  # noqa: E402
from rulebook.cases.services import refresh_all  # noqa: E402
from rulebook.cases.storing import INSERTED, LINK, insert_rows  # noqa: E402
from rulebook.catalogue.models import Rule, Topic  # noqa: E402
from tests import make  # noqa: E402
from tests.scale.world import CHANNELS, COLUMNS, RECENT, SOURCE, SPAN, START, TOPICS  # noqa: E402

ROWS_A_BATCH = 10_000
ZONE = ZoneInfo("Europe/Copenhagen")
HORIZON = START.replace(tzinfo=ZONE) + SPAN
DEPARTMENTS = ("Finance", "Legal", "Logistics", "Web shop", "Customer service", "Warehouse")
AUTHORITIES = ("policy", "practice", "system", "habit", "unknown", "policy", "habit", "law")
BATCH = 1_000
TOPIC = INSERTED.index("topic_id")


def write_rules(path: Path, rules: int) -> None:
    """Rules as a house would have them: words, topics, channels, departments; one in eight a claimed law."""
    columns = "code title text kind authority topics channels department customer_hears purpose review_by aliases"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns.split())
        for number in range(1, rules + 1):
            writer.writerow((
                f"R-{number:05}",
                f"Rule {number}: what agents do when a customer asks for {TOPICS[number % len(TOPICS)]}",
                f"Agents ask a colleague before they say yes. Sentence {number} of a rule of some length. " * 4,
                "unwritten" if number % 3 == 0 else "written",
                AUTHORITIES[number % len(AUTHORITIES)],
                TOPICS[number % len(TOPICS)],
                CHANNELS[number % len(CHANNELS)] if number % 2 else "",
                DEPARTMENTS[number % len(DEPARTMENTS)] if number % 5 else "",
                "I am not allowed to." if number % 4 else "",
                "Somebody once lost money." if number % 3 else "",
                f"202{6 + number % 3}-0{1 + number % 9}-01" if number % 2 else "",
                f"OLD-{number}",
            ))  # fmt: skip


def fill(cases: int) -> None:
    """The cases and links, their outcomes, and a manager who may look at them."""
    make.person("manager", role="manager")
    dice = Random(f"large {cases}")
    with transaction.atomic():
        source = Source.objects.create(
            name=SOURCE, time_zone=ZONE.key, space=SOURCE, horizon=HORIZON, changes=1, judged=0
        )
        topics = dict(Topic.objects.filter(path__in=TOPICS).values_list("path", "pk"))
        for path in TOPICS:
            topics.setdefault(path, make.topic(path).pk)
        rules = list(Rule.objects.order_by("code").values_list("pk", flat=True))
        place = {topics[path]: number for number, path in enumerate(TOPICS)}
        made = _cases(dice, cases, source.pk, [topics[path] for path in TOPICS])
        number = 0
        while rows := list(islice(made, ROWS_A_BATCH)):
            insert_rows("cases_case", INSERTED, rows)
            links = []
            for row in rows:
                for rule in {_met(dice, rules, place[row[TOPIC]]) for _ in range((0, 1, 0, 1, 0, 2)[number % 6])}:
                    links.append((row[0], rule, "blocked" if dice.random() < 0.5 else "applied", "source"))
                number += 1
            insert_rows("cases_caserule", LINK, links)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("VACUUM ANALYZE")
    gather_statistics()
    if not refresh_all(source=source):
        raise SystemExit("The source is still stale.")
    gather_statistics()


def _met(dice: Random, rules: list[int], topic: int) -> int:
    """A rule that the contact met: four in five are about its own topic, as `write_rules` gave them."""
    if dice.random() < 0.2:
        return rules[int(len(rules) * dice.random() ** 3)]
    own = rules[(topic - 1) % len(TOPICS) :: len(TOPICS)]
    return own[int(len(own) * dice.random() ** 3)]


def _cases(dice: Random, cases: int, source_id: int, topics: list[int]) -> Iterator[tuple[Any, ...]]:
    recent: list[tuple[int, int]] = []  # customer and topic of the last contacts
    for number in range(cases):
        opened = HORIZON - SPAN + SPAN * ((number + dice.random()) / cases)
        opened = opened.astimezone(ZoneInfo("UTC")).replace(microsecond=0, tzinfo=None)
        local = opened.replace(tzinfo=ZoneInfo("UTC")).astimezone(ZONE).date()
        topic = topics[int(len(topics) * dice.random() ** 2)]
        chance, customer = dice.random(), number
        if chance > 0.55 and recent:
            customer, before = recent[dice.randrange(len(recent))]
            topic = before if dice.random() < 0.6 else topic
        if len(recent) < RECENT:
            recent.append((customer, topic))
        else:
            recent[number % RECENT] = customer, topic
        seconds = 60 + int(900 * dice.random())
        key = None if chance < 0.03 else blake2b(customer.to_bytes(8, "big"), digest_size=32).digest()
        excluded = "spam" if dice.random() < 0.01 else ""
        yield (
            number + 1, source_id, external_id(number), str(opened), local.isoformat(), False,
            str(opened + timedelta(seconds=seconds)), local.isoformat(), False, CHANNELS[int(4 * dice.random() ** 2)],
            topic, None, key, None, 1 if key else None, 0, 0, 1, seconds, None, None, excluded,
            "" if excluded else "pending", b"0" * 16,
        )  # fmt: skip


def external_id(number: int) -> str:
    return f"T-{number + 1:08}"


def write_batch(path: Path, cases: int) -> None:
    """1,000 old cases corrected, from the whole of the time: another topic and channel, and a customer of their own."""
    dice = Random(f"batch {cases}")
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for place in range(min(BATCH, cases)):
            number = place * max(1, cases // BATCH)
            opened = START + SPAN * (number / cases)
            row = {
                "external_id": external_id(number),
                "opened_at": f"{opened:%Y-%m-%d %H:%M:%S}",
                "channel": dice.choice(CHANNELS),
                "topic": dice.choice(TOPICS),
                "customer": f"C{number}",
                "rules": f"R-{1 + dice.randrange(60):05}",
            }
            writer.writerow([row.get(column, "") for column in COLUMNS])


if __name__ == "__main__":
    fill(int(sys.argv[1]))
    connection.close()
