"""One import of a source at a time: starting, beating, ending, and taking over from one that died."""

import os
import socket
from datetime import datetime, timedelta
from pathlib import Path

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from rulebook.cases.models import ImportRun, Source
from rulebook.errors import CannotStart
from rulebook.journal.services import Acting, business_verb

DEAD_AFTER = timedelta(seconds=60)


@business_verb
def start_run(*, source: Source, complete_until: datetime | None, by: Acting | None) -> ImportRun | None:
    """Begin an import; None while another one of this source is alive. A dead one is taken over.

    Leaves the source stale until its outcomes are stored: whoever comes after a crash computes them all. The run's
    `source` holds the number of this change.
    """
    source = Source.objects.select_for_update().get(pk=source.pk)
    if living_runs(ImportRun.objects.filter(source=source)):
        return None
    now = timezone.now()
    try:
        with transaction.atomic():
            run = ImportRun.objects.create(
                source=source,
                started_at=now,
                heartbeat=now,
                host=socket.gethostname(),
                process=_process(os.getpid()),
                started_by_id=by.pk if by else None,
                complete_until=complete_until,
            )
    except IntegrityError:
        return None  # another one began in the same moment
    source.changes += 1
    source.save(update_fields=["changes"])
    return run


@business_verb
def living_runs(runs: QuerySet[ImportRun]) -> list[ImportRun]:
    """Those of the runs that are alive. One that died is called dead, so that it stops if it ever wakes up."""
    running = list(runs.filter(state=ImportRun.State.RUNNING))
    dead = [run.pk for run in running if not _alive(run)]
    if dead:
        ImportRun.objects.filter(pk__in=dead, state=ImportRun.State.RUNNING).update(state=ImportRun.State.DEAD)
    return [run for run in running if run.pk not in dead]


@business_verb
def beat(*, run: ImportRun) -> None:
    """Say that this import is alive. Raises CannotStart when another one has taken over meanwhile."""
    alive = ImportRun.objects.filter(pk=run.pk, state=ImportRun.State.RUNNING).update(heartbeat=timezone.now())
    if not alive:
        raise CannotStart(
            "Another import of this source took over while this one stood still. What was stored is kept; "
            "run it again when the other has ended."
        )


@business_verb
def give_up(*, run: ImportRun) -> None:
    """End an import that cannot finish. What it stored stays; its source stays stale."""
    ImportRun.objects.filter(pk=run.pk, state=ImportRun.State.RUNNING).update(
        state=ImportRun.State.FAILED, finished_at=timezone.now()
    )


def _alive(run: ImportRun) -> bool:
    """A process of this machine is looked up; for any other, silence of 60 seconds is death."""
    number, _, _ = run.process.partition(":")
    if run.host == socket.gethostname() and number.isdigit() and _process(int(number)) != run.process:
        return False
    return timezone.now() - run.heartbeat < DEAD_AFTER


def _process(number: int) -> str:
    """Process number and, where the system tells it, its start: numbers are used again."""
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
    return "" if fields[0] == "Z" else f"{number}:{fields[19]}"
