"""One process at a time does the work; when it dies another takes the lease, and notices nothing of it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connection, connections
from django.utils import timezone

from rulebook.desk import lease
from rulebook.desk.models import Lease
from rulebook.jobs import TakenOver
from tests.test_jobs import NOBODY

pytestmark = pytest.mark.django_db


@pytest.fixture
def take():
    """Takes the lease, and gives it back at the end of the test."""
    turns = []

    def take_it():
        turn = lease.take()
        turns.append(turn)
        return turn

    yield take_it
    for turn in turns:
        if turn is not None:
            turn.release()


def held_by(**fields):
    Lease.objects.filter(pk=1).update(**fields)


def test_the_lease_is_taken_once_and_given_back(take):
    assert lease.holder() == ""
    turn = take()
    assert turn is not None and take() is None and lease.holder().startswith("process ")
    turn.release()
    assert lease.holder() == "" and take() is not None


def test_the_lease_of_a_process_that_died_here_is_taken_at_once(take):
    assert take() is not None
    held_by(process=NOBODY)
    assert take() is not None


def test_the_lease_of_another_machine_is_taken_after_a_minute_of_silence(take):
    assert take() is not None
    held_by(host="elsewhere", heartbeat=timezone.now() - timedelta(seconds=55))
    assert take() is None and "elsewhere" in lease.holder()
    held_by(heartbeat=timezone.now() - timedelta(seconds=61))
    assert take() is not None


def test_whoever_lost_the_lease_stops_and_does_not_end_the_turn_of_the_next(take):
    first = take()
    first.beat()
    held_by(heartbeat=timezone.now() - timedelta(seconds=61))
    second = take()
    assert second is not None and not first.renew()
    with pytest.raises(TakenOver):
        first.beat()
    first.release()
    assert lease.holder() and second.renew()
    second.beat()


def test_a_worker_is_called_once_and_not_while_one_is_at_work(take):
    assert lease.call_a_worker() and not lease.call_a_worker()
    held_by(called_at=timezone.now() - lease.CALL_AGAIN)
    turn = take()
    assert not lease.call_a_worker()
    turn.release()
    assert lease.call_a_worker()


@pytest.mark.skipif(connection.vendor != "postgresql", reason="threads share one SQLite database in memory")
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("there", ["no row yet", "a dead holder"])
def test_of_four_who_take_the_lease_at_once_one_gets_it(there):
    if there == "a dead holder":
        lease.take().release()
        held_by(process=NOBODY, host="elsewhere", heartbeat=timezone.now() - timedelta(seconds=61))
    start = Barrier(4)

    def take_it(_):
        try:
            start.wait()
            return lease.take()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        turns = [turn for turn in pool.map(take_it, range(4)) if turn is not None]
    assert len(turns) == 1
    turns[0].release()
