"""One import of a source at a time: starting, beating, ending, and taking over from one that died."""

from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from rulebook.cases.models import ImportRun, Source
from rulebook.errors import CannotStart
from rulebook.jobs import is_alive, this_process
from rulebook.journal.services import Acting, business_verb


@business_verb
def start_run(*, source: Source, complete_until: datetime | None, by: Acting | None) -> ImportRun | None:
    """Begin an import; None while another one of this source is alive. A dead one is taken over.

    Leaves the source stale until its outcomes are stored: whoever comes after a crash computes them all. The run's
    `source` holds the number of this change.
    """
    source = Source.objects.select_for_update(no_key=True).get(pk=source.pk)
    if living_runs(ImportRun.objects.filter(source=source)):
        return None
    now = timezone.now()
    host, process = this_process()
    try:
        with transaction.atomic():
            run = ImportRun.objects.create(
                source=source,
                started_at=now,
                heartbeat=now,
                host=host,
                process=process,
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
    dead = [run.pk for run in running if not is_alive(run.host, run.process, run.heartbeat)]
    if dead:
        ImportRun.objects.filter(pk__in=dead, state=ImportRun.State.RUNNING).update(state=ImportRun.State.DEAD)
    return [run for run in running if run.pk not in dead]


@business_verb
def beat(*, run: ImportRun) -> None:
    """Say that this import is alive. Raises CannotStart when another one has taken over meanwhile."""
    alive = ImportRun.objects.filter(pk=run.pk, state=ImportRun.State.RUNNING).update(heartbeat=timezone.now())
    if not alive:
        raise CannotStart(
            _(
                "Another import of this source took over while this one stood still. What was stored is kept; "
                "run it again when the other has ended."
            )
        )


@business_verb
def give_up(*, run: ImportRun) -> None:
    """End an import that cannot finish. What it stored stays; its source stays stale."""
    ImportRun.objects.filter(pk=run.pk, state=ImportRun.State.RUNNING).update(
        state=ImportRun.State.FAILED, finished_at=timezone.now()
    )
