"""The right to do the work, which one process of all has at a time."""

from datetime import timedelta

from django.db.models import Q
from django.utils import timezone

from rulebook.desk.models import Lease
from rulebook.jobs import Pulse, TakenOver, is_alive, this_process

CALL_AGAIN = timedelta(seconds=10)  # a worker that was called takes the lease by then, or has not come up


class Turn:
    """One taking of the lease. A pulse renews it."""

    def __init__(self, number: int) -> None:
        self.number = number
        self._lost = False
        self._pulse = Pulse(self.renew)

    def beat(self) -> None:
        """Asked often by whoever works. Raises TakenOver when another process has the lease."""
        if self._lost:
            raise TakenOver("Another process does the work now, because this one stood still for too long.")

    def release(self) -> None:
        self._pulse.end()
        Lease.objects.filter(turn=self.number).update(host="", process="", heartbeat=None)

    def renew(self) -> bool:
        """Give a sign of life; False, from then on, when another process has the lease."""
        self._lost = not Lease.objects.filter(turn=self.number).update(heartbeat=timezone.now())
        return not self._lost


def take() -> Turn | None:
    """The lease, when nobody has it or its holder died; None while a living process has it."""
    lease, _created = Lease.objects.get_or_create(pk=1)
    if not _is_free(lease):
        return None
    host, process = this_process()
    as_read = Lease.objects.filter(turn=lease.turn, process=lease.process, heartbeat=lease.heartbeat)
    number = lease.turn + 1
    won = as_read.update(turn=number, host=host, process=process, heartbeat=timezone.now())
    return Turn(number) if won else None


def holder() -> str:
    """Who has the lease, for a sentence; '' when nobody does."""
    lease = Lease.objects.filter(pk=1).first()
    return "" if lease is None or _is_free(lease) else f"process {lease.process.partition(':')[0]} on {lease.host}"


def call_a_worker() -> bool:
    """Whether the asking web process is to start a worker now: the lease is free, and none was started just before."""
    lease, _created = Lease.objects.get_or_create(pk=1)
    now = timezone.now()
    lately = Q(called_at=None) | Q(called_at__lt=now - CALL_AGAIN)
    return _is_free(lease) and bool(Lease.objects.filter(lately, turn=lease.turn).update(called_at=now))


def _is_free(lease: Lease) -> bool:
    return not lease.process or not is_alive(lease.host, lease.process, lease.heartbeat)
