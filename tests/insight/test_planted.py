"""The made-up shop, whose rules cost what `plan.csv` says: their order by harm is the planted one."""

import json
from datetime import date
from io import StringIO
from math import sqrt

import pytest
from django.core.management import call_command

from rulebook.catalogue.importing import import_rules
from rulebook.desk.sample import world
from rulebook.desk.sample.plan import HERE, TOPICS, plan
from tests.cases.importer import do_import

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_key_ring")]

ENOUGH = 200  # linked contacts


def planted():
    """{rule: (linked contacts n, harm k - n x the rate of its topic without it)}, from the plan alone.

    Blocked contacts, together or alone, were not resolved; those told no for good, and those where a rule was merely in
    play, were. A rule stands in the way of one topic.
    """
    counts = {}
    for row in plan():
        for code, missed, solved in (
            (row.code, row.blocked + row.together, row.silent + row.applied),
            *([(row.together_with, row.together, 0)] if row.together else []),
        ):
            topic, k, n = counts.get(code, (row.topic, 0, 0))
            assert topic == row.topic, f"{code} stands in the way of two topics"
            counts[code] = topic, k + missed, n + missed + solved
    found = {}
    for code, (topic, k, n) in counts.items():
        resolved, missed = TOPICS[topic]
        found[code] = n, k - n * (missed - k) / (resolved + missed - n)
    return found


def ranks(values):
    """1 for the least; equal values share the mean of their places.

    >>> ranks([30, 10, 10])
    [3.0, 1.5, 1.5]
    """
    ordered = sorted(values)
    return [ordered.index(value) + (ordered.count(value) + 1) / 2 for value in values]


def spearman(one, other):
    """Spearman's rho, as Pearson's correlation of the ranks.

    >>> spearman([1, 2, 3], [10, 20, 30]), spearman([1, 2, 3], [3, 2, 1])
    (1.0, -1.0)
    """
    a, b = ranks(one), ranks(other)
    mean = sum(a) / len(a)  # of both: they are the same places
    both = sum((x - mean) * (y - mean) for x, y in zip(a, b, strict=True))
    return both / sqrt(sum((x - mean) ** 2 for x in a) * sum((y - mean) ** 2 for y in b))


@pytest.fixture
def rows(tmp_path):
    """What `figures --format json` prints of the sample."""
    import_rules(HERE / "rules.csv", None)
    end = date(2026, 11, 15)
    cases, links = world.write(tmp_path, end)
    do_import(cases, source="desk", links=links, timezone="Europe/Copenhagen", complete_until=end.isoformat())
    out = StringIO()
    call_command("figures", "--format", "json", stdout=out, stderr=StringIO())
    return {row["code"]: row for row in json.loads(out.getvalue())["rows"]}


def test_the_ranking_recovers_the_planted_order(rows, record_property):
    truth = {code: harm for code, (n, harm) in planted().items() if n >= ENOUGH}
    assert len(truth) >= 12
    assert {code for code in truth if rows[code]["harm"] is None} == set(), "so many contacts can be measured"
    rho = spearman([rows[code]["harm"] for code in truth], list(truth.values()))
    record_property("spearman", rho)
    print(f"Spearman over {len(truth)} rules: {rho:.3f}")  # noqa: T201
    assert rho >= 0.9, {code: (rows[code]["harm"], harm) for code, harm in truth.items()}
    dearest = max(truth, key=truth.get)
    assert next(iter(rows)) == dearest, "the list begins with the rule that was planted worst"
