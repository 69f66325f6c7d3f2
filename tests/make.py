"""Builders: every keyword has a default, so that a test names only what it is about."""

from datetime import UTC, date, datetime
from itertools import count
from typing import Any

from django.contrib.auth.models import Group

from rulebook.access.models import Department, Person, Team
from rulebook.cases.models import Case, CaseRule, Source
from rulebook.catalogue.models import Rule, Topic
from rulebook.catalogue.services import topic_at, write_down

_numbers = count(1)


def person(username: str = "", *, role: str = "", **fields: Any) -> Person:
    fields.setdefault("is_staff", role not in {"", "agent"})
    made = Person(username=username or f"person{next(_numbers)}", **fields)
    made.set_unusable_password()
    made.save()
    if role:
        made.groups.add(Group.objects.get(name=role))
    return made


def department(name: str = "", **fields: Any) -> Department:
    return Department.objects.create(name=name or f"Department {next(_numbers)}", **fields)


def team(name: str = "", **fields: Any) -> Team:
    return Team.objects.create(name=name or f"Team {next(_numbers)}", **fields)


def topic(path: str = "returns/refund") -> Topic:
    return topic_at(path=path, by=None)


def rule(title: str = "", *, code: str = "", by: Any = None, **fields: Any) -> Rule:
    return write_down(fields={"title": title or f"Rule {next(_numbers)}", **fields}, by=by, code=code)


def source(name: str = "", **fields: Any) -> Source:
    name = name or f"source{next(_numbers)}"
    return Source.objects.create(**{"name": name, "time_zone": "UTC", "space": name, **fields})


def case(source: Source, external_id: str = "", **fields: Any) -> Case:
    opened = fields.pop("opened_at", datetime(2026, 3, 2, 9, tzinfo=UTC))
    given = {
        "external_id": external_id or f"C-{next(_numbers)}",
        "opened_at": opened,
        "opened_day": date(opened.year, opened.month, opened.day),
        "row_hash": b"0" * 16,
        **fields,
    }
    return Case.objects.create(source=source, **given)


def link(case: Case, rule: Rule, *, effect: str = "blocked", origin: str = "source") -> CaseRule:
    return CaseRule.objects.create(case=case, rule=rule, effect=effect, origin=origin)
