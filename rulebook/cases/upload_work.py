"""The import of uploaded files in the background: in their turn, with progress that a page can show."""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import override

from rulebook.cases.importing import Order, Report, import_cases
from rulebook.cases.models import ImportRun, Upload
from rulebook.cases.rejects import RejectedRows
from rulebook.cases.reporting import Listener
from rulebook.cases.upload_files import REJECTED, file_of, is_here, links_of, place_of, remove_raw
from rulebook.cases.uploads import Options
from rulebook.errors import CannotStart, RulebookError
from rulebook.jobs import (
    BACK_OFF,
    TakenOver,
    beat,
    claim,
    fail,
    finish,
    is_alive,
    kept_alive,
    let_go,
    open_jobs,
    told_of,
)
from rulebook.tables.reading import Rejected

MISSED_AFTER = timedelta(minutes=10)  # so long an upload waits for the machine that has its file
TOLD_EVERY = 1.0  # seconds between two notes of progress

State = Upload.State


def uploads_to_run() -> list[Upload]:
    """Those that wait or were left by a process that died, oldest first, as far as their files are on this machine.

    Those of a source that is just being imported wait for its end, and hold up no other work meanwhile.
    Where several machines share a database but no folder, each runs its own; a file that nobody has is missed after
    ten minutes, and then says so.
    """
    begun = open_jobs(Upload.objects.filter(state__in=(State.WAITING, State.RUNNING)).order_by("created_at", "pk"))
    if not begun:
        return []
    missed = timezone.now() - MISSED_AFTER
    runs = ImportRun.objects.filter(state=ImportRun.State.RUNNING).select_related("source")
    busy = {run.source.name for run in runs if is_alive(run.host, run.process, run.heartbeat)}
    there = (upload for upload in begun if is_here(upload) or upload.next_attempt < missed)
    return [upload for upload in there if upload.options["source"] not in busy]


def run_upload(upload: Upload, pulse: Callable[[], None] = lambda: None) -> str:
    """Import an upload that waits; what came of it as a sentence, '' when another process has it.

    Its report is in the language of whom it is for. `pulse` is called often, and may raise to stop the work. An import
    that was killed begins anew: what it stored is found again as it is. What a person has to mend is not tried again;
    anything else is, after a while.
    """
    if not claim(upload):
        return ""
    with override(upload.options.get("language") or settings.LANGUAGE_CODE):
        return _run(upload, pulse)


def _run(upload: Upload, pulse: Callable[[], None]) -> str:
    name = upload.file_name
    progress = None
    try:
        if upload.attempts > len(BACK_OFF) + 1:
            raise CannotStart(_("The import was begun several times and never ended. Ask who runs this server."))
        if not is_here(upload):
            raise CannotStart(_("The file is no longer here. Upload it again."))
        progress = _Progress(upload, pulse)
        try:
            with kept_alive(upload):
                report = import_cases(_order(upload), upload.created_by, progress)
        finally:
            progress.rejected.close()
        result = {"report": _told(report, progress), "rejected": progress.rejected.count}
        finish(upload, rows_done=upload.rows_total, ended_at=timezone.now(), **result)
        remove_raw(upload)
        counts = report.counts
        return f"Imported {name}: {counts.read} rows read, {counts.rejected} rejected."
    except TakenOver as lost:
        with suppress(TakenOver):
            let_go(upload)  # where the lease was lost, and not the upload
        return f"Stopped the import of {name}. {lost}"
    except RulebookError as problem:
        rejected = progress.rejected.count if progress else 0
        fail(upload, str(problem), final=True, when_over={"rejected": rejected, "ended_at": timezone.now()})
        return f"The import of {name} cannot go on. {problem}"
    except Exception as error:
        sentence = told_of(error, f"upload {upload.pk}")
        fail(upload, sentence, when_over={"ended_at": timezone.now()})
        return f"The import of {name} failed. {sentence}"
    except BaseException:
        let_go(upload)
        raise


class _Progress(Listener):
    """Notes how far an import is in the upload's row, at most once a second, and keeps the rejected rows."""

    def __init__(self, upload: Upload, pulse: Callable[[], None]) -> None:
        self.upload, self.pulse = upload, pulse
        self.rejected = RejectedRows(place_of(upload.folder) / REJECTED)
        self.told: list[str] = []
        self.rows = 0
        self.noted = time.monotonic()

    def say(self, sentence: str) -> None:
        if sentence not in self.told:
            self.told.append(sentence)
        beat(self.upload, said=sentence[:500])
        self.pulse()

    def begin(self, total: int) -> None:
        beat(self.upload, rows_total=total, rows_done=0)

    def advance(self, rows: int) -> None:
        self.rows += rows
        now = time.monotonic()
        if now - self.noted >= TOLD_EVERY:
            self.noted = now
            beat(self.upload, rows_done=self.rows)
            self.pulse()

    def reject(self, rejected: Rejected) -> None:
        self.rejected.add(rejected)


def _order(upload: Upload) -> Order:
    options = Options(**upload.options)
    return Order(
        source=options.source,
        files=(file_of(upload),),
        links=links_of(upload),
        preset=options.preset,
        overrides=options.overrides,
        effect=options.effect,
        time_zone=options.time_zone,
        space=options.space,
        complete_until=options.complete_until,
    )


def _told(report: Report, progress: _Progress) -> dict[str, Any]:
    """The report as it is kept: counts, and sentences in which no row's value stands."""
    return {
        "counts": asdict(report.counts),
        "links": {name: count for name, count in asdict(report.links).items() if name != "waits"}
        if report.links
        else None,
        "settled": report.settled,
        "horizon": report.horizon.isoformat() if report.horizon else None,
        "warnings": report.warnings,
        "told": progress.told,
    }
