"""Whatever happens to the cases, and in whichever pieces the figures follow: they are those of a full refresh."""

from unittest import mock

import pytest
from django.db.models import F
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase as HypothesisTestCase

from rulebook.cases.linking_by_hand import link_by_hand, unlink_by_hand
from rulebook.cases.models import Case, CaseRule, DirtyMonth, Source
from rulebook.cases.services import delete_cases, refresh_stale, set_policy, set_retired
from rulebook.catalogue.models import Rule
from rulebook.catalogue.services import write_down
from rulebook.insight import scoring
from rulebook.insight.models import BlockedMonth, RuleFigures, RuleMonth, SourceFigures, TopicMonth
from rulebook.insight.refreshing import figures_due, refresh_figures
from tests import make
from tests.cases.importer import do_import, table

pytestmark = pytest.mark.usefixtures("own_key_ring")

SOURCES = ("mail", "phone")
SOURCE = st.sampled_from(["mail", "mail", "phone"])  # the first import is of mail
IDS = "abcdefgh"
CODES = ("R-1", "R-2", "R-3")
LATE = "R-9"  # written down only after links to it have waited
HEADER = "external_id opened_at customer topic channel rules excluded"
# Days of two months, so near one another that each may be the repeat of the one before.
DAYS = tuple(f"2026-{month:02}-{day:02} 09:00" for month, day in ((1, 25), (1, 28), (1, 30), (2, 2), (2, 5), (2, 14)))
ROW = st.tuples(
    st.sampled_from(IDS),
    st.sampled_from([*DAYS, "2024-06-01", "2026-01-31 23:30"]),
    st.sampled_from(["anna", "anna", "anna", "bo", ""]),
    st.sampled_from(["returns", "returns", "returns/refund", ""]),
    st.sampled_from(["mail", ""]),
    st.sampled_from(["", "R-1", "R-1;R-2", "R-2;R-3", "R-9"]),
    st.sampled_from(["", "", "", "", "spam"]),
)
STEPS = st.one_of(
    st.tuples(
        st.just("cases"),
        SOURCE,
        st.lists(ROW, min_size=1, max_size=4),
        st.sampled_from(["applied", "blocked"]),
        st.sampled_from(["", "2026-02-04", "2026-02-10", "2026-04-20"]),
    ),
    st.tuples(
        st.just("links"),
        SOURCE,
        st.lists(
            st.tuples(st.sampled_from(IDS), st.sampled_from([*CODES, LATE]), st.sampled_from(["applied", "blocked"])),
            min_size=1,
            max_size=4,
        ),
    ),
    st.tuples(st.just("by hand"), st.sampled_from(CODES), st.sampled_from(["applied", "blocked"]), st.integers(0, 20)),
    st.tuples(st.just("unlink"), st.integers(0, 20)),
    st.tuples(st.just("delete"), st.sampled_from(SOURCES), st.lists(st.sampled_from(IDS), min_size=1, max_size=3)),
    st.tuples(
        st.just("policy"),
        st.sampled_from(SOURCES),
        st.sampled_from(["no_repeat", "declared", "closed_fast"]),
        st.sampled_from([1, 7, 30]),
        st.sampled_from(["customer,topic", "customer"]),
    ),
    st.tuples(st.just("retired"), st.sampled_from(SOURCES), st.booleans()),
    st.tuples(st.just("rule")),
)


def figures():
    """Every figure that is kept, without row numbers and moments."""
    sums = {
        model.__name__: set(model.objects.values_list(*(f.attname for f in model._meta.fields if f.name != "id")))
        for model in (TopicMonth, RuleMonth, BlockedMonth)
    }
    left = {"refreshed_at", "changes", "scored"}
    kept = [field.attname for field in SourceFigures._meta.fields if field.name not in left]
    sums["SourceFigures"] = set(SourceFigures.objects.values_list(*kept))
    sums["RuleFigures"] = sorted(
        map(repr, RuleFigures.objects.values_list(*(f.attname for f in RuleFigures._meta.fields)))
    )
    return sums


class PartialIsFull(HypothesisTestCase):
    @pytest.fixture(autouse=True)
    def place(self, tmp_path):
        self.folder = tmp_path

    def do(self, step, *given):
        getattr(self, f"do_{step.replace(' ', '_')}")(*given)

    def do_cases(self, source, rows, effect, until):
        path = table(self.folder / "cases.csv", HEADER, *rows)
        more = {"complete_until": until} if until else {}
        do_import(path, source=source, space="customers", timezone="Europe/Copenhagen", effect=effect, **more)

    def do_links(self, source, links):
        cases = table(self.folder / "cases.csv", "external_id opened_at", ("z", "2026-01-05"))
        do_import(
            cases,
            source=source,
            space="customers",
            timezone="Europe/Copenhagen",
            links=table(self.folder / "links.csv", "case rule effect", *links),
        )

    def do_by_hand(self, code, effect, place):
        if case := self.nth(Case, place):
            link_by_hand(case=case, rule=Rule.objects.get(code=code), effect=effect, by=self.manager)

    def do_unlink(self, place):
        if link := self.nth(CaseRule, place, origin="person"):
            unlink_by_hand(link=link, by=self.manager)

    def do_delete(self, source, ids):
        if found := Source.objects.filter(name=source).first():
            delete_cases(source=found, external_ids=ids, by=None)

    def do_policy(self, source, method, window, key):
        if found := Source.objects.filter(name=source).first():
            set_policy(source=found, method=method, window_days=window, key=key, by=None)

    def do_retired(self, source, retired):
        if found := Source.objects.filter(name=source).first():
            set_retired(source=found, retired=retired, by=None)

    def do_rule(self):
        if not Rule.objects.filter(code=LATE).exists():
            write_down(fields={"title": "Late"}, by=None, code=LATE)

    def do_refresh(self):
        refresh_stale()
        refresh_figures()

    @staticmethod
    def nth(model, place, **only):
        rows = list(model.objects.filter(**only).order_by("pk"))
        return rows[place % len(rows)] if rows else None

    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(
        rows=st.lists(ROW, min_size=5, max_size=10),
        until=st.sampled_from(["2026-02-04", "2026-02-10"]),
        steps=st.lists(st.tuples(STEPS, st.booleans()), min_size=1, max_size=8),
    )
    def test_any_sequence_of_partial_refreshes_gives_what_a_full_one_gives(self, rows, until, steps):
        self.manager = make.person("manager", role="manager")
        for code in CODES:
            write_down(fields={"title": code}, by=None, code=code)
        # So few cases are never compared; here a single one is.
        with mock.patch.multiple(scoring, LEAST_COMPARED=1, RULES_NEEDED=2, CASES_NEEDED=1):
            self.do_cases("mail", rows, "blocked", until)
            self.do_refresh()
            for step, followed in steps:
                self.do(*step)
                if followed:
                    self.do_refresh()
            self.do_refresh()
            assert not figures_due() and not DirtyMonth.objects.exists()
            partial = figures()
            refresh_figures(everything=True)
            assert figures() == partial
            self.forget()
            self.do_refresh()
            assert figures() == partial

    def forget(self):
        """Nothing is left but cases and links: outcomes and figures begin anew."""
        for model in (TopicMonth, RuleMonth, BlockedMonth, SourceFigures, RuleFigures):
            model.objects.all().delete()
        Case.objects.filter(excluded="").update(outcome="pending", repeated=False, issue="")
        Source.objects.update(changes=F("changes") + 1)
