"""`manage.py work` does what is due, one duty after the other, and nothing that fails stops the rest."""

import dataclasses
import re
from datetime import date, timedelta
from io import BytesIO

import pytest
from django.core.files.base import File
from django.db import OperationalError
from django.utils import timezone

from rulebook.cases.models import CaseRule, DirtyMonth, ImportRun, PendingLink, Source, Upload
from rulebook.cases.services import set_policy
from rulebook.cases.uploads import Options, keep_upload, start_import
from rulebook.catalogue.models import Rule
from rulebook.desk import lease, work
from rulebook.desk.management.commands import work as command
from rulebook.desk.models import Duty, Lease
from rulebook.insight.models import RuleFigures
from rulebook.jobs import BACK_OFF, this_process
from tests import make
from tests.cases.running import run
from tests.test_jobs import NOBODY

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_key_ring", "folder")]


@pytest.fixture
def own_key_ring(tmp_path, settings):
    settings.KEY_RING_FILE = tmp_path / "key_ring.json"


@pytest.fixture
def folder(tmp_path, settings):
    settings.UPLOAD_DIR = tmp_path / "uploads"


@pytest.fixture
def manage(capsys, monkeypatch):
    """`manage.py WORDS` in this process, on the test's own connection."""
    monkeypatch.setattr(command, "close_old_connections", lambda: None)
    return lambda *words: run(capsys, monkeypatch, *words)


def upload(rows="1,2026-01-05,anna,R1\n2,2026-01-06,anna,\n", source="shop"):
    text = f"external_id,opened_at,customer,rules\n{rows}"
    kept = keep_upload(file=File(BytesIO(text.encode())), name="tickets.csv", by=None)
    start_import(upload=kept, options=Options(source=source, effect="blocked", complete_until="2026-03-01"), by=None)
    return kept


def change(name, monkeypatch, **values):
    """Replace parts of one task."""
    tasks = tuple(dataclasses.replace(task, **values) if task.name == name else task for task in work.TASKS)
    monkeypatch.setattr(work, "TASKS", tasks)


def test_nothing_is_due_in_an_empty_house(manage):
    assert not work.is_due()
    ran = manage("work")
    assert (ran.code, ran.out) == (0, "") and "Nothing is due." in ran.err
    assert manage("work", "--format", "json").json == {"held_by_another": False, "done": []}


def test_an_upload_goes_all_the_way_to_figures_in_one_go(manage):
    rule = make.rule(code="R1")
    upload()
    assert work.is_due()
    ran = manage("work")
    assert ran.code == 0
    told = [line.partition(": ")[0] for line in ran.out.splitlines()]
    assert told[0] == "uploads" and "figures" in told and "Imported tickets.csv: 2 rows read" in ran.out
    assert not DirtyMonth.objects.exists() and RuleFigures.objects.get(rule=rule).blocked == 1
    assert not work.is_due() and lease.holder() == ""
    assert manage("work").out == ""


def test_after_a_new_policy_outcomes_and_figures_follow(manage):
    make.rule(code="R1")
    upload()
    manage("work")
    source = Source.objects.get()
    set_policy(source=source, method="declared", window_days=7, key="customer,topic", by=None)
    assert work.is_due()
    assert "outcomes" in manage("work").out
    assert not Source.objects.get().stale and RuleFigures.objects.get().blocked == 0


def test_outcomes_wait_for_the_import_that_will_store_them_but_not_for_one_that_died():
    source = make.source("shop", changes=1)
    host, process = this_process()
    now = timezone.now()
    ImportRun.objects.create(source=source, started_at=now, heartbeat=now, host=host, process=process)
    assert not work.is_due()
    ImportRun.objects.update(process=NOBODY)
    assert work.is_due() and work.work()
    assert not Source.objects.get().stale and ImportRun.objects.get().state == "dead"


def test_links_that_waited_count_when_their_rule_is_written_down(manage):
    upload()
    manage("work")
    assert PendingLink.objects.exists() and not work.is_due()
    make.rule(code="R2")
    assert work.is_due() and "links" not in manage("work").out and not work.is_due()
    make.rule(code="R1")
    assert work.is_due() and "now count: 1" in manage("work").out
    assert CaseRule.objects.get().rule.code == "R1" and not work.is_due()


def test_links_that_an_import_left_waiting_when_it_died_count_after_the_next_work(manage):
    upload("1,2026-01-05,anna,R9\n")
    make.rule(code="R1")
    manage("work")
    assert not work.is_due()
    PendingLink.objects.update(rule_name="R1")  # as when a chunk was stored, and the process killed before its links
    assert not work.is_due()
    source, now = Source.objects.get(), timezone.now()
    ImportRun.objects.create(source=source, started_at=now, heartbeat=now, host=this_process()[0], process=NOBODY)
    Source.objects.update(changes=source.changes + 1)
    ran = manage("work")
    assert "now count: 1" in ran.out and CaseRule.objects.get().rule.code == "R1" and not work.is_due()


def test_a_law_that_nobody_confirmed_becomes_policy(manage):
    rule = make.rule(authority="law", clause="§ 1")
    Rule.objects.filter(pk=rule.pk).update(claimed_on=timezone.localdate() - timedelta(days=15))
    assert "claims: Laws and contracts that nobody confirmed, now policy: 1." in manage("work").out
    assert Rule.objects.get().authority == "policy"


def test_files_are_removed_after_their_time(manage):
    kept = upload()
    manage("work")
    Upload.objects.update(gone_at=timezone.now())
    assert "files: Uploads whose files were removed after their time: 1." in manage("work").out
    assert Upload.objects.get(pk=kept.pk).folder == ""


def test_a_duty_that_fails_does_not_stop_the_others_and_is_tried_again_later(manage, monkeypatch):
    def fall_over(row, beat):
        raise OperationalError("@".join(["anna", "example.org"]))

    rule = make.rule(code="R1", authority="law", clause="§ 1")
    Rule.objects.filter(pk=rule.pk).update(claimed_on=timezone.localdate() - timedelta(days=15))
    upload()
    with monkeypatch.context() as patched:
        change("uploads", patched, run=fall_over)
        ran = manage("work", "--format", "json")
    assert ran.code == 0 and "anna@" not in ran.out + ran.err
    (failed,) = [line for line in ran.json["done"] if line["failed"]]
    assert failed["duty"] == "uploads" and "OperationalError" in failed["what"]
    duty = Duty.objects.get(name="uploads")
    assert duty.last_error == failed["what"] and duty.attempts == 1
    assert BACK_OFF[0] - timedelta(seconds=10) < duty.next_attempt - timezone.now() <= BACK_OFF[0]
    assert "claims" in {line["duty"] for line in ran.json["done"]} and not work.is_due()
    Duty.objects.update(next_attempt=timezone.now())
    assert "Imported" in manage("work").out
    duty.refresh_from_db()
    assert (duty.last_error, duty.attempts) == ("", 0)


def test_an_error_in_looking_whether_a_duty_is_due_stops_no_other_either(manage, monkeypatch):
    def fall_over(row):
        raise ValueError("x")

    change("links", monkeypatch, due=fall_over)
    make.rule(code="R1")
    upload()
    ran = manage("work")
    assert ran.code == 0 and "Imported" in ran.out and "links: The program met an error" in ran.out


def test_a_second_one_says_who_is_at_work_and_exits(manage):
    turn = lease.take()
    upload()
    ran = manage("work")
    assert (ran.code, ran.out) == (0, "") and "The work is being done by process" in ran.err
    assert manage("work", "--format", "json").json == {"held_by_another": True, "done": []}
    turn.release()
    assert "Imported" in manage("work").out


def test_a_duty_that_a_dead_worker_had_claimed_is_taken_up_at_once(manage):
    host, _process = this_process()
    died = {"state": "running", "host": host, "process": NOBODY, "heartbeat": timezone.now()}
    Duty.objects.create(name="uploads", attempts=1, **died)
    Lease.objects.create(turn=3, **{name: died[name] for name in ("host", "process", "heartbeat")})
    upload()
    assert "Imported" in manage("work").out and Lease.objects.get().turn == 4


def test_told_to_stop_it_gives_back_what_it_had_claimed(manage, monkeypatch):
    def interrupted(row, beat):
        raise KeyboardInterrupt

    upload()
    with monkeypatch.context() as patched:
        change("uploads", patched, run=interrupted)
        ran = manage("work")
        assert ran.code == 130 and "Stopped. Run it again" in ran.err
        assert lease.holder() == "" and Duty.objects.get(name="uploads").attempts == 0
        ran = manage("work", "--forever")
        assert ran.code == 0 and "Stopped. What was under way" in ran.err and lease.holder() == ""
    assert "Imported" in manage("work").out


def test_whoever_loses_the_lease_stops_between_two_duties(monkeypatch):
    def lose(row, beat):
        Lease.objects.update(turn=99)
        return ["done"]

    upload()
    change("uploads", monkeypatch, run=lose)
    real = lease.Turn.beat
    monkeypatch.setattr(lease.Turn, "beat", lambda turn: (turn.renew(), real(turn)))
    done = work.work()
    assert [line.duty for line in done] == ["uploads", "lease"] and done[-1].failed
    assert Lease.objects.get().turn == 99


def test_for_ever_it_looks_again_and_a_database_that_does_not_answer_is_told_once(manage, monkeypatch):
    answers = iter([OperationalError("gone"), OperationalError("gone"), None, None, [work.Done("figures", "Done.")]])
    pauses = []

    def once():
        answer = next(answers, KeyboardInterrupt())
        if isinstance(answer, BaseException):
            raise answer
        return answer

    monkeypatch.setattr(command, "work", once)
    monkeypatch.setattr(command.time, "sleep", pauses.append)
    ran = manage("work", "--forever")
    assert ran.code == 0 and ran.out == "figures: Done.\n" and len(pauses) == 5
    assert ran.err.count("does not answer") == 1 and ran.err.count("This one waits") == 1


def test_a_look_costs_a_few_short_queries_and_none_of_cases(django_assert_max_num_queries, travel):
    travel(date(2026, 3, 3))  # at noon: before five nobody asks for the morning letters
    make.rule(code="R1")
    upload()
    work.work()
    with django_assert_max_num_queries(33) as asked:  # the duties' own rows, and at most four for one of them
        assert not work.is_due()
    assert not [sql for query in asked.captured_queries if re.search('"(cases_case|votes_cast)"', sql := query["sql"])]
