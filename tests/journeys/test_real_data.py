"""The real data beside the project, against plain loops over the same files that share nothing with the product."""

import csv
import gzip
import io
import json
from collections import defaultdict
from datetime import date, datetime, timedelta

import pytest
from django.core.management import call_command

from rulebook.cases.models import PendingLink
from tests.cases.importer import do_import, state

pytestmark = [pytest.mark.django_db, pytest.mark.world]


@pytest.fixture(autouse=True)
def own_key_ring(settings, tmp_path):
    settings.KEY_RING_FILE = tmp_path / "keys" / "key_ring.json"


def read(path):
    with gzip.open(path, "rt", encoding="utf-8", newline="") if path.suffix == ".gz" else path.open(newline="") as file:
        return list(csv.DictReader(file))


def fcr(source, **options):
    """{group: figures} as the command prints them."""
    out = io.StringIO()
    words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    call_command("fcr", "--source", source, "--format", "json", *words, stdout=out, stderr=io.StringIO())
    return {group["group"]: group for group in json.loads(out.getvalue())["groups"]}


def no_repeat(cases, days):
    """Figures of cases (opened, id, customer, topic), all instants of one offset or all bare days, by the glossary."""
    window = timedelta(days=days)
    horizon = max(case[0] for case in cases)
    issues = defaultdict(list)
    got = defaultdict(int)
    for case in cases:
        if case[2]:
            issues[case[2:]].append(case[:2])
        else:
            got["unknown"] += 1
    for those in issues.values():
        those.sort()
        for this, later in zip(those, [*those[1:], None], strict=True):
            back = later is not None and later[0] - this[0] <= window
            if this[0] + window > horizon:
                got["pending"] += 1
                got["early_repeats"] += back
            else:
                got["not_resolved" if back else "resolved"] += 1
    return got | {"cases": len(cases), "repeated": got["not_resolved"]}


def assert_equal(printed, expected):
    names = ("cases", "resolved", "not_resolved", "repeated", "early_repeats", "pending", "unknown", "excluded")
    assert {name: printed[name] for name in names} == {name: expected.get(name, 0) for name in names}
    mature = printed["resolved"] + printed["not_resolved"]
    assert printed["fcr"] == pytest.approx(printed["resolved"] / mature if mature else None)


def test_service_desk_incidents_at_7_and_30_days(world):
    path = world("servicenow-incidents/cases.csv.gz")
    done = do_import(path, timezone="UTC", map=["external_id=case_id", "customer=caller_id", "topic=category"])
    rows = read(path)
    assert (done.read, done.created, done.rejected) == (24_918, 24_918, 0)
    cases = [
        (datetime.fromisoformat(row["opened_at"]), row["case_id"], row["caller_id"], row["category"]) for row in rows
    ]
    for days in (7, 30):
        assert_equal(fcr("shop", window=days)["all"], no_repeat(cases, days))


def test_sanitation_complaints_of_days_only_with_repeated_ids_at_7_14_and_30_days(world):
    path = world("chicago-311-sanitation/cases.csv.gz")
    columns = ["external_id=case_id", "opened_at=opened_on", "closed_at=closed_on", "customer=street_address",
               "topic=category"]  # fmt: skip
    done = do_import(path, map=columns)
    assert (done.read, done.created, done.replaced, done.rejected) == (74_401, 74_026, 375, 0)
    last = {row["case_id"]: row for row in read(path)}
    cases = [
        (date.fromisoformat(row["opened_on"]), row["case_id"], row["street_address"].strip(), row["category"].strip())
        for row in last.values()
    ]
    for days in (7, 14, 30):
        assert_equal(fcr("shop", window=days)["all"], no_repeat(cases, days))
    again = do_import(path, map=columns)
    assert (again.created, again.updated, again.unchanged, again.replaced) == (0, 0, 74_026, 375)


def test_chats_with_a_declared_outcome_by_the_rules_they_were_about(world):
    call_command("import_rules", str(world("star/rules.csv")), stdout=io.StringIO(), stderr=io.StringIO())
    path, links = world("star/cases.csv.gz"), world("star/rule_links.csv")
    columns = ["external_id=case_id", "customer=customer_key", "declared=completed"]
    done = do_import(path, links=links, map=columns)
    rows = {row["case_id"]: row for row in read(path)}
    assert (done.read, done.rejected) == (6_652, 126)
    assert done.links["read"] == 11_733 and done.links["rejected"] == 0
    dated = {case_id: row for case_id, row in rows.items() if row["opened_at"]}
    assert len(rows) - len(dated) == 126 and done.created == len(dated)
    pairs = {(row["case_id"], row["rule_code"]) for row in read(links)}
    assert PendingLink.objects.count() == sum(case_id not in dated for case_id, _ in pairs)
    expected = defaultdict(lambda: defaultdict(int))
    said = {"true": "resolved", "false": "not_resolved", "": "unknown"}
    for case_id, rule in pairs:
        if case_id in dated:
            expected[rule][said[dated[case_id]["completed"]]] += 1
    printed = fcr("shop", by="rule", method="declared")
    got = {
        rule: {name: group[name] for name in said.values() if group[name]}
        for rule, group in printed.items()
        if rule in expected
    }
    assert got == {rule: dict(counted) for rule, counted in expected.items()}
    before = state()
    again = do_import(path, links=links, map=columns)
    assert (again.created, again.updated, again.links["added"], again.links["corrected"]) == (0, 0, 0, 0)
    assert state() == before


def test_support_threads_have_almost_no_repeats(world):
    call_command("import_rules", str(world("twitter-care/rules.csv")), stdout=io.StringIO(), stderr=io.StringIO())
    path = world("twitter-care/cases.csv")
    columns = ["external_id=case_id", "customer=customer_key", "topic=company"]
    done = do_import(path, map=columns, links=world("twitter-care/rule_links.csv"), timezone="UTC")
    nameless = {row["code"] for row in read(world("twitter-care/rules.csv")) if not row["title"].strip()}
    waiting = sum(row["rule_code"] in nameless for row in read(world("twitter-care/rule_links.csv")))
    assert (done.created, done.rejected, done.links["added"], done.links["waiting"]) == (525, 0, 525 - waiting, waiting)
    cases = [
        (datetime.fromisoformat(row["opened_at"]), row["case_id"], row["customer_key"], row["company"])
        for row in read(path)
    ]
    assert_equal(fcr("shop")["all"], no_repeat(cases, 7))


def test_written_guidelines_are_read_once(world):
    counted = []
    for _ in range(2):
        out = io.StringIO()
        call_command("import_rules", str(world("abcd/rules.csv")), stdout=out, stderr=io.StringIO())
        counted.append(out.getvalue())
    assert "55 rows read = 55 created" in counted[0]
    assert "0 created + 0 updated + 55 unchanged + 0 rejected" in counted[1]
