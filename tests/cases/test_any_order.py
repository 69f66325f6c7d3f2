"""Late, older and corrected cases: however they come, the outcomes are those of one import in order."""

from datetime import datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase as HypothesisTestCase

from rulebook.cases.models import Case, CaseRule, DirtyMonth, ImportRun, Source
from tests.cases.importer import do_import, table

pytestmark = pytest.mark.usefixtures("own_key_ring")

INSTANT = st.datetimes(datetime.fromisoformat("2026-01-01"), datetime.fromisoformat("2026-01-25")).map(
    lambda when: when.replace(minute=0, second=0, microsecond=0)
)
OPENED = st.one_of(INSTANT.map(lambda when: when.isoformat(" ")), INSTANT.map(lambda when: str(when.date())))
ROW = st.tuples(
    OPENED,
    st.sampled_from(["anna", "bo", ""]),
    st.sampled_from(["returns", "bills", ""]),
    st.sampled_from(["", "", "", "", "spam"]),
)
HEADER = "external_id opened_at customer topic excluded"
SOURCES = ("mail", "phone")


def outcomes():
    return set(Case.objects.values_list("source__name", "external_id", "outcome", "opened_at", "excluded"))


class AnyOrder(HypothesisTestCase):
    """Each example in a transaction of its own: sources, cases and horizons begin anew."""

    @pytest.fixture(autouse=True)
    def place(self, tmp_path):
        self.folder = tmp_path

    def load(self, source, rows):
        path = table(self.folder / "cases.csv", HEADER, *((row_id, *row) for row_id, row in rows))
        do_import(path, source=source, space="customers", timezone="Europe/Copenhagen", complete_until="2026-01-20")

    def clean(self):
        for model in (CaseRule, Case, ImportRun, DirtyMonth, Source):
            model.objects.all().delete()

    @settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(rows=st.lists(st.tuples(st.sampled_from(SOURCES), ROW), min_size=1, max_size=14), data=st.data())
    def test_any_order_and_batching_of_distinct_ids_ends_in_the_same_outcomes(self, rows, data):
        numbered = [(source, (f"C{number}", row)) for number, (source, row) in enumerate(rows)]
        for source in SOURCES:
            self.load(source, [row for name, row in numbered if name == source])
        expected = outcomes()
        self.clean()
        shuffled = data.draw(st.permutations(numbered))
        for batch in cut(shuffled, data):
            for source in data.draw(st.permutations(SOURCES)):
                if mine := [row for name, row in batch if name == source]:
                    self.load(source, mine)
        assert outcomes() == expected

    @settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(rows=st.lists(st.tuples(st.sampled_from("abcd"), ROW), min_size=1, max_size=14), data=st.data())
    def test_any_batching_of_repeated_ids_in_one_order_ends_in_the_same_outcomes(self, rows, data):
        self.load("mail", rows)
        expected = outcomes()
        self.clean()
        for batch in cut(rows, data):
            self.load("mail", batch)
        assert outcomes() == expected


def cut(rows, data):
    """The rows in one to four batches, in their order."""
    edges = sorted(data.draw(st.lists(st.integers(0, len(rows)), max_size=3)))
    return [rows[start:end] for start, end in zip([0, *edges], [*edges, len(rows)], strict=True)]
