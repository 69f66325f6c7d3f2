"""A job is done by one process at a time, tried again when it fails, and taken over from a process that died."""

import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connection, connections
from django.utils import timezone

from rulebook.desk.models import Duty
from rulebook.errors import CannotStart
from rulebook.jobs import (
    BACK_OFF,
    Job,
    TakenOver,
    beat,
    claim,
    fail,
    finish,
    is_alive,
    let_go,
    open_jobs,
    rest,
    this_process,
    told_of,
)

pytestmark = pytest.mark.django_db
NOBODY = "4194304:1"  # above the highest number that Linux gives a process


def job(name="a job", **fields):
    return Duty.objects.create(name=name, **fields)


def again(made):
    return Duty.objects.get(pk=made.pk)


def running(ago=0, **fields):
    host, process = this_process()
    heartbeat = timezone.now() - timedelta(seconds=ago)
    given = {"state": Job.State.RUNNING, "attempts": 1, "host": host, "process": process, "heartbeat": heartbeat}
    return job(**{**given, **fields})


def test_of_two_who_saw_the_same_job_one_gets_it():
    first = job()
    second = again(first)
    assert claim(first) and not claim(second)
    stored = again(first)
    assert (stored.state, stored.attempts, stored.host, stored.process) == ("running", 1, *this_process())
    assert not claim(stored), "it runs, and its process lives"


def test_a_job_is_left_alone_until_its_time():
    made = job(next_attempt=timezone.now() + timedelta(seconds=30))
    assert not claim(made) and open_jobs([made]) == []
    assert open_jobs([made], timezone.now() + timedelta(seconds=31)) == [made]


def test_what_fails_is_tried_again_later_and_later_and_then_given_up():
    made = job()
    for pause in BACK_OFF:
        assert claim(made)
        fail(made, "It did not work.")
        assert made.state == "waiting" and again(made).last_error == "It did not work."
        assert abs(made.next_attempt - timezone.now() - pause) < timedelta(seconds=5)
        Duty.objects.filter(pk=made.pk).update(next_attempt=timezone.now())
        made = again(made)
    assert claim(made)
    fail(made, "It did not work.")
    assert again(made).state == "failed" and not claim(made)


def test_a_standing_job_is_never_given_up_and_forgets_its_failures_when_it_goes_well():
    made = job(attempts=40)
    assert claim(made)
    fail(made, "Again.", standing=True)
    assert made.state == "waiting" and made.next_attempt - timezone.now() <= BACK_OFF[-1]
    Duty.objects.filter(pk=made.pk).update(next_attempt=timezone.now())
    made = again(made)
    assert claim(made)
    rest(made, seen="7")
    stored = again(made)
    assert (stored.state, stored.attempts, stored.last_error, stored.seen) == ("waiting", 0, "", "7")
    assert claim(stored)


@pytest.mark.parametrize(
    ("fields", "alive"),
    [
        ({}, True),
        ({"process": NOBODY}, False),
        ({"process": this_process()[1] + "7"}, False),  # the number is used again by another process
        ({"host": "elsewhere", "process": NOBODY}, True),
        ({"host": "elsewhere", "process": NOBODY, "ago": 59}, True),
        ({"host": "elsewhere", "process": NOBODY, "ago": 61}, False),
        ({"ago": 61}, False),
        ({"heartbeat": None}, False),
    ],
)
def test_a_job_is_taken_over_at_once_on_the_same_machine_and_elsewhere_after_a_minute_of_silence(fields, alive):
    made = running(**fields)
    assert is_alive(made.host, made.process, made.heartbeat) == alive
    assert claim(made) == (not alive)
    assert again(made).attempts == 1 + (not alive)


def test_who_was_taken_over_changes_nothing_any_more():
    old = running(ago=61)
    new = again(old)
    assert claim(new)
    for change in (beat, finish, let_go, rest, lambda it: fail(it, "Lost.")):
        with pytest.raises(TakenOver, match="took this work over"):
            change(old)
    stored = again(new)
    assert (stored.state, stored.attempts, stored.last_error) == ("running", 2, "")
    finish(new, seen="all")
    assert (again(new).state, again(new).seen) == ("done", "all")


def test_an_attempt_that_was_told_to_stop_does_not_count():
    made = job()
    assert claim(made)
    let_go(made)
    stored = again(made)
    assert (stored.state, stored.attempts, stored.process) == ("waiting", 0, "") and claim(stored)


def test_an_error_that_nobody_foresaw_is_told_without_the_text_that_may_quote_a_row(caplog):
    def read(row):
        raise ValueError(f"bad row: {row}")

    with caplog.at_level(logging.ERROR), pytest.raises(ValueError, match="anna") as caught:
        read("@".join(["anna", "example.org"]))  # not in one word, since the log shows lines of source
    told = told_of(caught.value, "duty figures")
    assert "ValueError" in told and told.endswith(".")
    assert "duty figures failed" in caplog.text and "test_jobs.py" in caplog.text
    assert "anna@" not in told + caplog.text
    assert told_of(CannotStart("Upload it again."), "x") == "Upload it again."


@pytest.mark.skipif(connection.vendor != "postgresql", reason="threads share one SQLite database in memory")
@pytest.mark.django_db(transaction=True)
def test_of_four_who_claim_the_same_jobs_at_once_each_job_has_one_winner():
    jobs = [job(str(number)) for number in range(25)]
    start = Barrier(4)

    def claim_all(_):
        mine = [again(made) for made in jobs]
        try:
            start.wait()
            return [made.name for made in mine if claim(made)]
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        won = [name for names in pool.map(claim_all, range(4)) for name in names]
    assert sorted(won, key=int) == [str(number) for number in range(25)]
