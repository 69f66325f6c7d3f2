"""The thread of a web server: it looks, starts a worker when something is due, and no trouble ends it."""

import logging
import os
import subprocess
import sys
import threading

import pytest
from django.core.signals import request_started
from django.db import OperationalError

from rulebook.desk import lease, work, worker
from rulebook.desk.models import Lease
from tests.test_settings import run, sound


class Pauses:
    """Stands in for the event that ends a thread: notes each pause and says "over" after so many of them."""

    def __init__(self, most):
        self.most, self.waited = most, []

    def wait(self, seconds):
        self.waited.append(seconds)
        return len(self.waited) > self.most


@pytest.fixture
def steps(monkeypatch):
    """What the thread finds at each look, and what it did."""
    did = []
    monkeypatch.setattr(worker.random, "uniform", lambda low, high: 1.0)
    monkeypatch.setattr(worker.connections, "close_all", lambda: did.append("closed"))
    monkeypatch.setattr(lease, "holder", lambda: "")
    monkeypatch.setattr(work, "is_due", lambda: False)
    monkeypatch.setattr(lease, "call_a_worker", lambda: True)
    monkeypatch.setattr(worker, "run_worker", lambda over: did.append("worker") or 0)
    return did


def test_the_longer_nothing_is_due_the_longer_it_pauses(steps):
    pauses = Pauses(9)
    worker.look(pauses)
    assert pauses.waited[0] == worker.FIRST and pauses.waited[-1] == worker.LONGEST
    assert pauses.waited == sorted(pauses.waited) and "worker" not in steps


def test_when_something_is_due_a_worker_is_started_and_it_looks_again_soon(steps, monkeypatch):
    monkeypatch.setattr(work, "is_due", lambda: True)
    pauses = Pauses(2)
    worker.look(pauses)
    assert steps.count("worker") == 2 and pauses.waited == [worker.FIRST, worker.SHORTEST, worker.SHORTEST]
    assert steps.index("closed") < steps.index("worker"), "no connection is held while a worker is waited for"


@pytest.mark.parametrize("other", ["has the lease", "was quicker to call"])
def test_while_another_is_at_work_nothing_is_started(steps, monkeypatch, other):
    monkeypatch.setattr(work, "is_due", lambda: True)
    if other == "has the lease":
        monkeypatch.setattr(lease, "holder", lambda: "process 7 on elsewhere")
    else:
        monkeypatch.setattr(lease, "call_a_worker", lambda: False)
    worker.look(Pauses(3))
    assert "worker" not in steps


@pytest.mark.parametrize("error", [OperationalError("the password of the database"), OSError("no such program")])
def test_trouble_is_told_once_in_a_row_and_does_not_end_it(steps, monkeypatch, caplog, error):
    found = iter([error, error, False, error, True])

    def is_due():
        answer = next(found)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(work, "is_due", is_due)
    pauses = Pauses(5)
    with caplog.at_level(logging.WARNING):
        worker.look(pauses)
    assert len(caplog.records) == 2 and "stands still for now" in caplog.text and "password" not in caplog.text
    assert steps.count("worker") == 1 and pauses.waited[2] == worker.AFTER_TROUBLE
    assert steps.count("closed") >= 5, "a broken connection is not kept"


def test_a_worker_that_cannot_run_is_told_and_not_started_again_at_once(steps, monkeypatch, caplog):
    monkeypatch.setattr(work, "is_due", lambda: True)
    monkeypatch.setattr(worker, "run_worker", lambda over: 1)
    pauses = Pauses(3)
    with caplog.at_level(logging.WARNING):
        worker.look(pauses)
    assert "exit code 1" in caplog.text and pauses.waited[1:] == [worker.AFTER_TROUBLE] * 3


def test_each_process_has_one_thread_and_a_child_of_a_fork_its_own(monkeypatch):
    began = []

    def stand(over):
        began.append(threading.current_thread())
        over.wait()

    monkeypatch.setattr(worker, "look", stand)
    watch = worker.Watch()
    watch.begin()
    watch.begin()
    first = watch.thread
    assert first.daemon, "it must not keep the process from exiting"
    watch.end()  # before a fork
    first.join(5)
    assert not first.is_alive()
    watch.begin_in_child()
    assert watch.thread is not first and watch.thread.is_alive()
    watch.end()
    watch.thread.join(5)
    assert began == [first, watch.thread]


def test_off_means_off(settings, monkeypatch):
    began = []
    monkeypatch.setattr(worker.Watch, "begin", lambda self, **kwargs: began.append(self))
    monkeypatch.setattr(os, "register_at_fork", lambda **kwargs: began.append(kwargs))
    settings.WORKER = "off"
    worker.start()
    assert began == []
    settings.WORKER = "auto"
    worker.start()
    assert len(began) == 2
    assert request_started.disconnect(dispatch_uid="rulebook-watch")


def test_the_thread_stands_in_no_test_and_no_command():
    # Whoever collects `rulebook/wsgi.py` for its doctests starts it.
    assert "rulebook-watch" not in {thread.name for thread in threading.enumerate()}
    code = "import threading; print(*(thread.name for thread in threading.enumerate()))"
    assert "rulebook" not in run("manage.py", "shell", "-v0", "-c", code).stdout


def test_importing_the_web_application_starts_it_and_does_not_keep_the_process_from_exiting(tmp_path):
    code = "import rulebook.wsgi, threading; print(*(thread.name for thread in threading.enumerate()))"
    done = run("-c", code, **sound(tmp_path))
    assert (done.returncode, done.stderr) == (0, "") and "rulebook-watch" in done.stdout


def test_a_worker_is_our_command_in_the_same_environment(monkeypatch, settings):
    called = {}

    class Ended:
        returncode = 0

        def __init__(self, words, **options):
            called.update(options, words=words)

        def poll(self):
            return 0

    monkeypatch.setattr(subprocess, "Popen", Ended)
    monkeypatch.setenv("RULEBOOK_TIME_ZONE", "Europe/Oslo")
    assert worker.run_worker(threading.Event()) == 0
    assert called["words"] == [sys.executable, str(settings.BASE_DIR / "manage.py"), "work", "--verbosity=0"]
    assert called["env"]["RULEBOOK_TIME_ZONE"] == "Europe/Oslo" and called["env"]["DJANGO_SETTINGS_MODULE"]


@pytest.mark.django_db
def test_a_look_without_any_row_makes_the_lease(monkeypatch):
    monkeypatch.setattr(worker.connections, "close_all", lambda: None)
    monkeypatch.setattr(worker, "run_worker", lambda over: 0)
    monkeypatch.setattr(work, "is_due", lambda: True)
    worker.look(Pauses(1))
    assert Lease.objects.get().called_at
