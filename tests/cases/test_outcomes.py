"""Stored outcomes: whatever came in, in whatever order, they are those of a full computation, and of the oracle."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db.models import F
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rulebook.cases import models, refreshing, services
from rulebook.cases.outcomes import stored_cases
from rulebook.cases.policies import Policy
from rulebook.cases.refreshing import Touched, refresh_space
from rulebook.cases.runs import start_run
from tests.cases import oracle
from tests.cases.oracle import Case, Source, World
from tests.cases.worlds import (
    ANCHORS,
    WINDOWS,
    cases,
    customer_key,
    moments,
    policies,
    sources,
    store,
    store_cases,
    store_source,
    stored_outcomes,
    told,
    tried,
    true_outcomes,
    worlds,
)

pytestmark = pytest.mark.django_db

START = datetime(2026, 5, 4, 8, tzinfo=UTC)
LATE = datetime(2026, 12, 1, tzinfo=UTC)
WEEK = timedelta(days=7)
LIMITS = {"deadline": None, "suppress_health_check": list(HealthCheck)}


class House:
    """A world and its database, changed together by what an import and a manager do."""

    def __init__(self):
        self.world = World(())
        self.stored = {}
        self.policies = {}

    def join(self, source):
        """A source is there from its first import on; until that ends it has no horizon."""
        source = replace(source, horizon=None, retired=False)
        self.world = replace(self.world, sources=(*self.world.sources, source))
        self.stored[source.name] = store_source(source)
        self.policies[source.name] = oracle.Policy()

    def bring(self, name, rows, horizon):
        """One import of a source, rows new and corrected, as the real one does it around its storing."""
        run = start_run(source=self.stored[name], complete_until=horizon, by=None)
        touched = Touched()
        known = {(case.source, case.id): case for case in self.world.cases}
        stored = {
            (case.source.name, case.external_id): (case.pk, case.customer_key)
            for case in models.Case.objects.select_related("source")
        }
        new = []
        for row in rows:
            if known.get((row.source, row.id)) == row:
                continue  # unchanged rows are not written
            if (row.source, row.id) in known:
                number, customer = stored[row.source, row.id]
                touched.add(number, bytes(customer) if customer is not None else None)
            known[row.source, row.id] = row
            new.append(row)
        store_cases(self.world, new, self.stored)
        numbers = dict(models.Case.objects.filter(source__name=name).values_list("external_id", "pk"))
        for row in new:
            touched.add(numbers[row.id], customer_key(row))
        self.world = replace(self.world, cases=tuple(known.values()))
        counted = [told(row.opened, self.world.source(name).zone)[0] for row in rows if not row.excluded]
        latest = max(counted, default=None)
        services.finish_run(run=run, counts=services.Counts(), latest=latest, touched=touched, by=None)
        self._move(name, horizon or latest)

    def _move(self, name, horizon):
        before = self.world.source(name).horizon
        if horizon and (before is None or horizon > before):
            self._change(name, horizon=horizon)

    def retire(self, name, retired):
        if services.set_retired(source=self.stored[name], retired=retired, by=None):
            services.refresh_all(source=self.stored[name])
        self._change(name, retired=retired)

    def measure(self, name, policy):
        changed = services.set_policy(
            source=self.stored[name],
            method=policy.method,
            window_days=policy.window,
            key=",".join(policy.key),
            by=None,
        )
        if changed:
            services.refresh_all(source=self.stored[name])
        self.policies[name] = policy

    def _change(self, name, **fields):
        self.world = replace(
            self.world,
            sources=tuple(replace(s, **fields) if s.name == name else s for s in self.world.sources),
        )

    def check(self):
        stored = stored_outcomes()
        assert stored == true_outcomes(self.world, self.policies)
        for space in {source.space for source in self.world.sources}:
            refresh_space(space, Touched(everything=True), lambda: None)
        assert stored_outcomes() == stored


@st.composite
def stories(draw):
    """[(what happens, to whom, with what)] around one anchor, so that windows, repeats and horizons meet."""
    anchor, window = draw(st.sampled_from(ANCHORS)), draw(st.sampled_from(WINDOWS))
    places = draw(sources(anchor, window))
    names = [place.name for place in places]
    steps = [("join", places[0].name, places[0])]
    waiting = list(places[1:])
    for _ in range(draw(st.integers(2, 7))):
        there = names[: len(names) - len(waiting)]
        what = draw(st.sampled_from(["bring"] * 5 + ["retire", "measure", "join", "join"]))
        if what == "join" and waiting:
            steps.append(("join", waiting[0].name, waiting.pop(0)))
            continue
        name = draw(st.sampled_from(there))
        if what == "retire":
            steps.append(("retire", name, draw(st.booleans())))
        elif what == "measure":
            steps.append(("measure", name, draw(policies)))
        else:
            rows = draw(st.lists(cases([name], anchor, window), max_size=5, unique_by=lambda case: case.id))
            steps.append(("bring", name, (rows, draw(st.one_of(st.none(), moments(anchor, window, steps=4))))))
    return steps


@settings(max_examples=120, **LIMITS)
@given(stories())
def test_any_sequence_of_imports_and_decisions_stores_what_a_full_computation_gives(story):
    def check():
        house = House()
        for what, name, given_to in story:
            before = stored_outcomes()
            models.DirtyMonth.objects.all().delete()
            if what == "join":
                house.join(given_to)
            elif what == "bring":
                house.bring(name, *given_to)
            elif what == "retire":
                house.retire(name, given_to)
            else:
                house.measure(name, given_to)
            marked = set(models.DirtyMonth.objects.values_list("source__name", "subject_id", "month"))
            brought = {(name, row.id) for row in given_to[0]} if what == "bring" else set()
            for case in models.Case.objects.select_related("source"):
                key = (case.source.name, case.external_id)
                if key in before and key not in brought and before[key] != case.outcome:
                    month = case.opened_day.replace(day=1)
                    assert (case.source.name, case.topic_id or 0, month) in marked
            house.check()
        assert not models.Source.objects.exclude(judged=F("changes")).filter(runs__isnull=False).exists()

    tried(check)


@settings(max_examples=60, **LIMITS)
@given(worlds(), st.integers(0, 2**16))
def test_batches_of_any_size_cut_no_issue_key_in_two(world, size):
    def check():
        store(world)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(refreshing, "CASES_A_BATCH", 1 + size % 3)
            for space in {source.space for source in world.sources}:
                refresh_space(space, Touched(everything=True), lambda: None)
        assert stored_outcomes() == true_outcomes(
            world, dict.fromkeys([s.name for s in world.sources], oracle.Policy())
        )

    tried(check)


# By hand


def house_with(*horizons):
    house = House()
    for number, horizon in enumerate(horizons):
        house.join(Source(f"desk {number}", zone="UTC"))
        house.bring(f"desk {number}", [], horizon)
    return house


def row(number, opened, source="desk 0", **fields):
    return Case(**{"source": source, "id": str(number), "opened": opened, "customer": "ann", **fields})


def outcome(number, source="desk 0"):
    return stored_outcomes()[source, str(number)]


def test_a_late_case_turns_an_earlier_resolved_one():
    house = house_with(LATE)
    house.bring("desk 0", [row(1, START)], None)
    assert outcome(1) == "resolved"
    house.bring("desk 0", [row(2, START + WEEK)], None)
    assert outcome(1) == "not_resolved"


def test_a_corrected_repeat_sets_the_earlier_case_right_again():
    house = house_with(LATE)
    house.bring("desk 0", [row(1, START), row(2, START + WEEK)], None)
    for corrected in ({"customer": "bob"}, {"topic": "returns"}, {"excluded": "spam"}, {"opened": START + 2 * WEEK}):
        house.bring("desk 0", [replace(row(2, START + WEEK), **corrected)], None)
        assert outcome(1) == "resolved"
        house.bring("desk 0", [row(2, START + WEEK)], None)
        assert outcome(1) == "not_resolved"


def test_cases_mature_when_the_horizon_moves_though_no_row_of_theirs_came():
    house = house_with(START)
    house.bring("desk 0", [row(1, START)], None)
    assert outcome(1) == "pending"
    house.bring("desk 0", [], START + WEEK)
    assert outcome(1) == "resolved"


def test_a_bare_date_matures_on_its_local_day_also_when_the_clocks_change_meanwhile():
    house = House()
    house.join(Source("desk 0", zone="Europe/Copenhagen"))
    house.bring("desk 0", [row(1, date(2026, 10, 25))], datetime(2026, 10, 31, 22, 30, tzinfo=UTC))
    assert outcome(1) == "pending"
    house.bring("desk 0", [], datetime(2026, 10, 31, 23, tzinfo=UTC))
    assert outcome(1) == "resolved"


def test_a_horizon_never_moves_back_by_an_older_file():
    house = house_with(LATE)
    house.bring("desk 0", [row(1, START)], START)
    assert outcome(1) == "resolved"
    assert models.Source.objects.get().horizon == LATE


def test_without_complete_until_the_horizon_is_the_latest_row_that_is_not_excluded():
    house = house_with(None)
    house.bring("desk 0", [row(1, START), row(2, START + WEEK, excluded="spam")], None)
    assert models.Source.objects.get().horizon == START


def test_a_source_that_joins_with_an_earlier_horizon_makes_its_neighbours_cases_pending_again():
    house = house_with(LATE)
    house.bring("desk 0", [row(1, START)], None)
    house.join(Source("phone", zone="UTC"))
    assert outcome(1) == "resolved"
    house.bring("phone", [], START + WEEK - timedelta(seconds=1))
    assert outcome(1) == "pending"
    house.bring("phone", [], START + WEEK)
    assert outcome(1) == "resolved"


def test_a_source_that_retires_lets_its_neighbours_cases_mature():
    house = house_with(LATE, START)
    house.bring("desk 0", [row(1, START)], None)
    assert outcome(1) == "pending"
    house.retire("desk 1", True)
    assert outcome(1) == "resolved"
    house.retire("desk 1", False)
    assert outcome(1) == "pending"


def test_each_source_of_a_space_keeps_its_own_policy():
    house = house_with(LATE, LATE)
    house.measure("desk 1", oracle.Policy("declared"))
    house.bring("desk 0", [row(1, START)], None)
    house.bring("desk 1", [row(1, START + WEEK, source="desk 1", declared=False)], None)
    assert (outcome(1), outcome(1, "desk 1")) == ("not_resolved", "not_resolved")
    house.measure("desk 0", oracle.Policy(window=1))
    assert (outcome(1), outcome(1, "desk 1")) == ("resolved", "not_resolved")


def test_outcomes_do_not_follow_todays_clock(monkeypatch):
    house = house_with(START + WEEK)
    house.bring("desk 0", [row(1, START), row(2, START + WEEK)], None)
    before = stored_outcomes()
    monkeypatch.setattr(timezone, "now", lambda: datetime(2046, 1, 1, tzinfo=UTC))
    refresh_space("shop", Touched(everything=True), lambda: None)
    assert stored_outcomes() == before == {("desk 0", "1"): "not_resolved", ("desk 0", "2"): "pending"}


def test_stored_outcomes_are_read_only_where_every_source_of_the_space_is_fresh_and_has_the_policy():
    house = house_with(LATE, LATE)
    policy = Policy("no_repeat", 7, ("customer", "topic"))

    def read(wanted=policy):
        return stored_cases(list(models.Source.objects.all()), wanted)

    assert read() is not None
    assert read(Policy("no_repeat", 30, ("customer", "topic"))) is None
    models.Source.objects.filter(name="desk 1").update(changes=F("changes") + 1)
    assert read() is None
    models.Source.objects.update(judged=F("changes"))
    house.measure("desk 1", oracle.Policy("survey"))
    assert read() is None


def test_more_touched_customers_than_can_be_remembered_mean_everything(monkeypatch):
    monkeypatch.setattr(Touched, "LIMIT", 2)
    touched = Touched()
    for number in range(3):
        touched.add(number, bytes([number]))
    assert touched.everything and not touched.customers
    house = house_with(LATE)
    house.bring("desk 0", [row(n, START, customer=str(n)) for n in range(5)], None)
    assert set(stored_outcomes().values()) == {"resolved"}


def test_an_update_that_changes_nothing_marks_no_month():
    house = house_with(LATE)
    house.bring("desk 0", [row(1, START)], None)
    models.DirtyMonth.objects.all().delete()
    refresh_space("shop", Touched(everything=True), lambda: None)
    assert not models.DirtyMonth.objects.exists()
