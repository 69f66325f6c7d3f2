"""The demo, from an empty database to a priced rulebook: the figures are exactly those that were planted."""

import io
import time
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from rulebook.access.models import Person
from rulebook.cases.fcr import Period, fcr
from rulebook.cases.models import Case, CaseRule, ImportRun, PendingLink, Source
from rulebook.cases.policies import primary
from rulebook.catalogue.models import Rule
from rulebook.desk.sample import world
from rulebook.insight.ledger import ledger
from rulebook.insight.prices import printed, printed_parts
from rulebook.journal.models import Event

pytestmark = pytest.mark.django_db


def demo():
    out, err = io.StringIO(), io.StringIO()
    began = time.monotonic()
    call_command("demo", "--no-serve", stdout=out, stderr=err)
    return out.getvalue(), time.monotonic() - began


def estimated_cases():
    """How many cases the database's own planner believes there are."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT reltuples FROM pg_class WHERE relname = 'cases_case'")
        else:
            cursor.execute(
                "SELECT MAX(CAST(substr(stat, 1, instr(stat, ' ')) AS INTEGER)) FROM sqlite_stat1 "
                "WHERE tbl = 'cases_case'"
            )
        return int(cursor.fetchone()[0])


def counts():
    tables = (Rule, Case, CaseRule, PendingLink, ImportRun, Person, Event)
    return {model.__name__: model.objects.count() for model in tables}


def test_the_demo_prices_every_rule_as_planted_and_a_second_call_changes_nothing():
    out, _ = demo()
    answer = world.truth()
    source = Source.objects.get()

    (group,) = fcr([source], primary(source), Period(), None)["groups"]
    assert group["cases"] == answer.resolved + answer.not_resolved + answer.pending + answer.unknown
    for name in ("resolved", "not_resolved", "pending", "early_repeats", "unknown", "excluded"):
        assert group[name] == getattr(answer, name), name
    assert group["blocked_silent"] == answer.silent_total

    result = ledger([source], primary(source), Period())
    assert (result["resolved"], result["not_resolved"]) == (answer.resolved, answer.not_resolved)
    assert (result["blocked"], result["blocked_silent"]) == (answer.blocked, answer.silent_total)
    assert (result["gross"], result["ceiling"]) == (printed(answer.gross), printed(answer.ceiling))
    dearest = sorted(answer.prices, key=lambda code: (-answer.prices[code], code))
    prices = printed_parts([answer.prices[code] for code in dearest], answer.ceiling)
    assert [(row["rule"], row["price"]) for row in result["rows"] if row["blocked_contacts"]] == list(
        zip(dearest, prices, strict=True)
    )
    assert {row["rule"]: row["blocked_silent"] for row in result["rows"] if row["blocked_silent"]} == answer.silent

    assert estimated_cases() > 10_000, "after a bulk load the planner must know of it"

    for told in (*dearest[:10], "http://127.0.0.1:8000", "agent", "manager", "owner", "admin", "at most"):
        assert told in out, told
    assert dearest[10] not in out
    assert not PendingLink.objects.exists()
    assert timezone.localtime(source.horizon).date() >= timezone.localdate() - timedelta(days=1)

    before = counts()
    again, seconds = demo()
    assert seconds < 10
    assert counts() == before
    assert again.partition("What the rules")[2] == out.partition("What the rules")[2]
