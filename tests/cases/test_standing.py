"""What outcomes stand on while several hands change it: policies set, imports that die, neighbours that come and go."""

from datetime import timedelta

import pytest
from django.db import OperationalError, connection
from django.db.models import F
from django.utils import timezone

from rulebook.cases import refreshing, services, storing
from rulebook.cases.models import Case, ImportRun, Source
from rulebook.cases.refreshing import Touched, refresh_space
from rulebook.cases.services import refresh_all, set_policy
from tests.cases.importer import do_import

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_key_ring")]

HEADER = "external_id opened_at customer"
FIRST = [("1", "2026-01-01", "a"), ("2", "2026-01-12", "a"), ("9", "2026-03-01", "z")]


def outcomes():
    return dict(Case.objects.values_list("external_id", "outcome"))


def set_window(source, days):
    return set_policy(source=source, method="no_repeat", window_days=days, key="customer,topic", by=None)


def dead_run(source):
    """An import that was killed on another machine some time ago."""
    now = timezone.now()
    Source.objects.filter(pk=source.pk).update(changes=F("changes") + 1)
    silent = now - timedelta(minutes=5)
    return ImportRun.objects.create(source=source, started_at=now, heartbeat=silent, host="elsewhere", process="1:1")


def test_a_policy_set_while_a_neighbour_ends_keeps_its_source_stale(file, monkeypatch):
    do_import(file(HEADER, *FIRST), source="a", space="both")
    store_judged = refreshing.store_judged
    set_before = []

    def meanwhile(**words):
        if not set_before:
            set_before.append(set_window(Source.objects.get(name="a"), 14))
        return store_judged(**words)

    monkeypatch.setattr(refreshing, "store_judged", meanwhile)
    Source.objects.update(changes=F("changes") + 1)  # so that the neighbour computes the whole space
    do_import(file(HEADER, ("1", "2026-02-01", "b")), source="b", space="both")
    monkeypatch.undo()
    assert set_before == [True]
    assert Source.objects.get(name="a").stale, "nobody noted that change before judging"
    assert refresh_all(source=Source.objects.get(name="a"))
    assert Case.objects.get(source__name="a", external_id="1").outcome == "not_resolved"


def test_a_policy_set_during_an_import_of_its_own_source_is_judged_at_its_end(file, monkeypatch):
    do_import(file(HEADER, *FIRST))
    assert outcomes()["1"] == "resolved"
    store = services.store_chunk

    def meanwhile(*words, **more):
        set_window(Source.objects.get(), 14)
        return store(*words, **more)

    monkeypatch.setattr(services, "store_chunk", meanwhile)
    do_import(file(HEADER, ("5", "2026-03-02", "q")))
    assert outcomes()["1"] == "not_resolved"
    assert not Source.objects.get().stale


def test_a_killed_neighbour_neither_blocks_a_policy_nor_stays_stale_for_ever(file):
    do_import(file(HEADER, *FIRST), source="a", space="both")
    do_import(file(HEADER, ("1", "2026-02-01", "b")), source="b", space="both")
    run = dead_run(Source.objects.get(name="b"))
    set_window(Source.objects.get(name="a"), 14)
    assert refresh_all(source=Source.objects.get(name="a"))
    assert Case.objects.get(source__name="a", external_id="1").outcome == "not_resolved"
    assert not any(source.stale for source in Source.objects.all())
    run.refresh_from_db()
    assert run.state == ImportRun.State.DEAD


def test_a_living_neighbour_stays_stale_whatever_others_compute(file):
    do_import(file(HEADER, *FIRST), source="a", space="both")
    do_import(file(HEADER, ("1", "2026-02-01", "b")), source="b", space="both")
    run = dead_run(Source.objects.get(name="b"))
    ImportRun.objects.filter(pk=run.pk).update(heartbeat=timezone.now())
    set_window(Source.objects.get(name="a"), 14)
    assert refresh_all(source=Source.objects.get(name="a"))
    assert Source.objects.get(name="b").stale
    assert not refresh_all(source=Source.objects.get(name="b"))


def test_a_neighbour_that_comes_to_its_end_between_judging_and_storing_makes_all_be_judged_again(file, monkeypatch):
    do_import(file(HEADER, *FIRST), source="a", space="both")
    do_import(file(HEADER, ("7", "2026-03-02", "b")), source="b", space="both")
    Case.objects.update(outcome="pending")
    store_judged = refreshing.store_judged
    calls = []

    def meanwhile(**words):
        calls.append(words["low"])
        if len(calls) == 1:
            do_import(file(HEADER, ("8", "2026-03-03", "b")), source="b", space="both")
        return store_judged(**words)

    monkeypatch.setattr(refreshing, "store_judged", meanwhile)
    refresh_space("both", Touched(everything=True), lambda: None)
    assert len(calls) > 1, "the first judgement may not be stored"
    assert outcomes() == {
        "1": "resolved", "2": "resolved", "9": "pending", "7": "pending", "8": "pending",
    }  # fmt: skip


def test_a_lost_race_inside_a_bulk_load_is_an_error_that_can_be_tried_again(file):
    if connection.vendor != "postgresql":
        pytest.skip("only on PostgreSQL: SQLite has no COPY")
    do_import(file(HEADER, *FIRST))
    with pytest.raises(OperationalError), connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION pg_temp.lose() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '40P01'; END $$"
        )
        cursor.execute(
            "CREATE TRIGGER lose BEFORE INSERT ON cases_caserule FOR EACH ROW EXECUTE FUNCTION pg_temp.lose()"
        )
        storing.insert_rows("cases_caserule", storing.LINK, [(Case.objects.first().pk, 1, "applied", "source")])
