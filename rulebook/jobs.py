"""Work that is a row: one process claims it, a heartbeat shows that it lives, and another takes over when it died.

Every change is one conditional UPDATE whose row count says who won, so that no lock is held while the work is done.
"""

import logging
import os
import socket
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

from django.db import DatabaseError, connections, models
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from rulebook.errors import RulebookError

DEAD_AFTER = timedelta(seconds=60)
PULSE = 10.0  # seconds between two signs of life
# How long a job that failed waits for its next attempt. One that is not standing is given up after the last of them.
BACK_OFF = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=30))

logger = logging.getLogger(__name__)


class TakenOver(RulebookError):
    """Another process does this work now, because this one was silent for too long. It has to stop."""


class Job(models.Model):
    """Something that is to be done in the background, and how far that has come.

    `attempts` counts claims: one that never ends, because its process dies each time, is counted too.
    """

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        RUNNING = "running", _("running")
        DONE = "done", _("done")
        FAILED = "failed", _("failed")

    state = models.CharField(max_length=10, choices=State, default=State.WAITING, editable=False)
    attempts = models.PositiveIntegerField(default=0, editable=False)
    next_attempt = models.DateTimeField(default=timezone.now, editable=False)
    heartbeat = models.DateTimeField(null=True, blank=True, editable=False)
    host = models.CharField(max_length=200, blank=True, editable=False)
    process = models.CharField(max_length=60, blank=True, editable=False)
    last_error = models.CharField(max_length=500, blank=True, editable=False, help_text="One sentence, no raw ids.")

    class Meta:
        abstract = True


J = TypeVar("J", bound=Job)


class Pulse:
    """A thread that gives a sign of life every ten seconds, so that a long statement is not taken for death.

    It ends when the sign answers False: the work is no longer ours. Stopped with its process, it is silent too.
    """

    def __init__(self, sign: Callable[[], bool]) -> None:
        self._sign = sign
        self._over = threading.Event()
        threading.Thread(target=self._go_on, name="rulebook-pulse", daemon=True).start()

    def end(self) -> None:
        self._over.set()

    def _go_on(self) -> None:
        while not self._over.wait(PULSE):
            try:
                if not self._sign():
                    return
            except DatabaseError as error:
                logger.warning("No sign of life could be given (%s).", type(error).__name__)
            finally:
                connections.close_all()  # this thread's own


@contextmanager
def kept_alive(job: Job) -> Iterator[None]:
    """Give signs of life of a claimed job while it is worked on."""
    mine = _mine(job)
    pulse = Pulse(lambda: bool(mine.all().update(heartbeat=timezone.now())))
    try:
        yield
    finally:
        pulse.end()


def open_jobs(jobs: Iterable[J], now: datetime | None = None) -> list[J]:
    """Those of the jobs that may be claimed: it is their time, or the process that ran them died."""
    now = now or timezone.now()
    return [job for job in jobs if _may_be_claimed(job, now)]


def claim(job: Job) -> bool:
    """Make the job this process's own; False when another process was first, or it is not its time.

    The job as it was read is what is claimed: whatever has happened to the row since makes the claim fail.
    """
    now = timezone.now()
    if not _may_be_claimed(job, now):
        return False
    as_read = {name: getattr(job, name) for name in ("state", "attempts", "host", "process", "heartbeat")}
    host, process = this_process()
    won = _rows(job).filter(**as_read).update(
        state=Job.State.RUNNING, attempts=job.attempts + 1, heartbeat=now, host=host, process=process
    )  # fmt: skip
    if won:
        job.state, job.attempts, job.heartbeat, job.host, job.process = (
            Job.State.RUNNING, job.attempts + 1, now, host, process,
        )  # fmt: skip
    return bool(won)


def beat(job: Job, **values: object) -> None:
    """Say that the claimed job lives, and store how far it is. Raises TakenOver when it is no longer ours."""
    _change(job, heartbeat=timezone.now(), **values)


def finish(job: Job, **values: object) -> None:
    """Call a claimed job done. Raises TakenOver when it is no longer ours."""
    _change(job, state=Job.State.DONE, last_error="", host="", process="", **values)


def rest(job: Job, pause: timedelta = timedelta(0), **values: object) -> None:
    """End an attempt of a standing job well: it may be claimed again after the pause."""
    again = timezone.now() + pause
    _change(job, state=Job.State.WAITING, attempts=0, next_attempt=again, last_error="", host="", process="", **values)


def let_go(job: Job) -> None:
    """Give a claimed job back, because this process is told to stop. The attempt does not count."""
    now = timezone.now()
    _change(job, state=Job.State.WAITING, attempts=job.attempts - 1, next_attempt=now, host="", process="")


def fail(
    job: Job,
    sentence: str,
    *,
    standing: bool = False,
    final: bool = False,
    when_over: Mapping[str, object] | None = None,
) -> None:
    """End an attempt that failed. It is tried again later, a standing job for ever; `final` gives up at once.

    `when_over` is stored with it where the job is given up. Raises TakenOver when the job is no longer ours.
    """
    over = final or (not standing and job.attempts > len(BACK_OFF))
    values: dict[str, object] = dict(when_over or {}) if over else {}
    values |= {"state": Job.State.FAILED if over else Job.State.WAITING, "last_error": sentence[:500]}
    values |= {"next_attempt": timezone.now() + BACK_OFF[min(job.attempts, len(BACK_OFF)) - 1]}
    _change(job, host="", process="", **values)


def told_of(error: BaseException, what: str) -> str:
    """What went wrong as one sentence; an error that nobody foresaw is logged with its place.

    The text of such an error stands in neither: it may quote a row, and so a customer's id.
    """
    if isinstance(error, RulebookError):
        return str(error)
    frames = "".join(traceback.format_tb(error.__traceback__))
    logger.error("%s failed: %s\n%s", what, type(error).__name__, frames)
    told = gettext("The program met an error that it does not know (%(name)s). The log of the server says where.")
    return told % {"name": type(error).__name__}


def this_process() -> tuple[str, str]:
    """(host, process) as they stand in the row of a job: the process number and, where it can be told, its start."""
    return socket.gethostname()[:200], _process(os.getpid())


def is_alive(host: str, process: str, heartbeat: datetime | None) -> bool:
    """Whether the process at work is. One of this machine is looked up; for all, silence of 60 seconds is death."""
    number, _, rest = process.partition(":")
    space, told, _ = rest.partition(":")
    here = host == socket.gethostname()[:200] and (not told or space == _number_space())
    if here and number.isdigit() and _process(int(number)) != process:
        return False
    return heartbeat is not None and timezone.now() - heartbeat < DEAD_AFTER


def _may_be_claimed(job: Job, now: datetime) -> bool:
    if job.state == Job.State.WAITING:
        return job.next_attempt <= now
    return job.state == Job.State.RUNNING and not is_alive(job.host, job.process, job.heartbeat)


def _change(job: Job, **values: object) -> None:
    """Change the row while it is ours, and the object with it."""
    if not _mine(job).update(**values):
        raise TakenOver(
            gettext("Another process took this work over while this one stood still. What was stored is kept.")
        )
    for name, value in values.items():
        setattr(job, name, value)


def _mine(job: J) -> models.QuerySet[J]:
    return _rows(job).filter(state=Job.State.RUNNING, attempts=job.attempts, host=job.host, process=job.process)


def _rows(job: J) -> models.QuerySet[J]:
    return type(job)._default_manager.filter(pk=job.pk)


def _process(number: int) -> str:
    """Process number and, where the system tells them, what it is a number in, and its start: they are used again."""
    try:
        # The name in brackets may hold blanks; after it, the 20th field is the start in clock ticks.
        fields = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        try:
            os.kill(number, 0)
        except ProcessLookupError:
            return ""
        except PermissionError:
            pass
        return f"{number}:"
    return "" if fields[0] == "Z" else f"{number}:{_number_space()}:{fields[19]}"


def _number_space() -> str:
    """Which processes the numbers of ours are counted with: containers of one host name may each have their own."""
    try:
        return os.readlink("/proc/self/ns/pid").strip("pid:[]")
    except OSError:
        return ""
