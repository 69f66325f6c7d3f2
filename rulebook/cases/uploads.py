"""Files of cases that somebody brings through the admin: kept, looked at, imported in the background, and removed.

They hold raw ids. Each upload has a folder of its own below `settings.UPLOAD_DIR`, with a random name and for its
owner alone. A file that was imported goes at once; the others, and the rejected rows, 24 hours after the file came.
"""

import secrets
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from rulebook.access.rights import refuse_without
from rulebook.cases.models import Effect, Upload
from rulebook.cases.previewing import Preview, preview_of
from rulebook.cases.upload_files import (
    REJECTED,
    Chunks,
    file_of,
    left_alone,
    links_of,
    place_of,
    safe_name,
    write_private,
)
from rulebook.errors import CannotStart, WrongUsage
from rulebook.journal.services import Acting, business_verb
from rulebook.tables.values import clean_key

KEPT_FOR = timedelta(hours=24)
LONGEST_SOURCE = 100  # characters

State = Upload.State
ADD = "cases.add_upload"  # also to start one, and to throw it away: `work` then acts for whoever started it

__all__ = [
    "Chunks", "Options", "Preview", "discard", "keep_upload", "preview", "rejected_file", "start_import", "sweep",
    "sweep_due",
]  # fmt: skip


@dataclass(frozen=True)
class Options:
    """How a file is to be imported, as by the command. Blank: as the source has it, or the default.

    The report is written in `language`, that of the person who reads it; blank: the server's.
    """

    source: str
    preset: str = "auto"
    overrides: dict[str, str | None] = field(default_factory=dict)
    effect: str = Effect.APPLIED.value
    time_zone: str = ""
    space: str = ""
    complete_until: str = ""
    language: str = ""


def keep_upload(*, file: Chunks, name: str, by: Acting | None, links: Chunks | None = None) -> Upload:
    """Store a file that somebody uploaded, as a draft to be looked at, with the file of links that came with it.

    Raises CannotStart, and keeps nothing, when it cannot be stored; NotAllowed without the right to bring files in.
    """
    refuse_without(by, ADD)
    folder = secrets.token_hex(16)
    place = place_of(folder)
    file_name, links_name = safe_name(name, "cases.csv"), safe_name(links.name or "", "links.csv") if links else ""
    if links_name == file_name:
        links_name = f"links-{file_name}"
    try:
        place.mkdir(mode=0o700, parents=True)
        size = write_private(place / file_name, file)
        if links is not None:
            write_private(place / links_name, links)
        return _keep(file_name=file_name, links_name=links_name, folder=folder, size=size, by=by)
    except BaseException as problem:
        shutil.rmtree(place, ignore_errors=True)
        if isinstance(problem, OSError):
            raise CannotStart(
                _("%(file)s cannot be stored here (%(why)s). Nothing of it was kept. Ask who runs this server.")
                % {"file": file_name, "why": problem.strerror or type(problem).__name__}
            ) from problem
        raise


@business_verb
def _keep(*, file_name: str, links_name: str, folder: str, size: int, by: Acting | None) -> Upload:
    return Upload.objects.create(
        file_name=file_name,
        links_name=links_name,
        folder=folder,
        size=size,
        created_by_id=by.pk if by else None,
        gone_at=timezone.now() + KEPT_FOR,
    )


def preview(upload: Upload, preset: str = "auto", overrides: Mapping[str, str | None] | None = None) -> Preview:
    """How the file would be read and its first 20 rows, ids hidden; `problem` says why it cannot be read."""
    return preview_of(file_of(upload), links_of(upload), preset, overrides or {})


@business_verb
def start_import(*, upload: Upload, options: Options, by: Acting | None) -> None:
    """Let `work` import a draft, or one that failed, anew. The import itself writes the event.

    Raises WrongUsage for options that cannot mean anything, CannotStart when it is under way or its file is gone,
    NotAllowed without the right to bring files in.
    """
    refuse_without(by, ADD)
    source, space = _named(options.source), _named(options.space) if options.space.strip() else ""
    stored = {**asdict(options), "source": source, "space": space}
    kept = Upload.objects.filter(gone_at__gt=timezone.now()).exclude(folder="")
    begun = kept.filter(pk=upload.pk, state__in=(State.DRAFT, State.FAILED))
    values: dict[str, Any] = {
        "state": State.WAITING, "options": stored, "attempts": 0, "next_attempt": timezone.now(), "last_error": "",
        "rows_total": 0, "rows_done": 0, "said": "", "report": {}, "rejected": 0, "ended_at": None,
    }  # fmt: skip
    if by is not None:
        values["created_by_id"] = by.pk
    if not begun.update(**values):
        raise CannotStart(_("This file is being imported already, or it is no longer kept here. Upload it again."))
    upload.refresh_from_db()


def discard(*, upload: Upload, by: Acting | None) -> None:
    """Remove an upload's files at once; of one that was never imported the row too. Raises CannotStart while it runs.

    Nothing of this is in the journal: what was imported stays, and says so there. Raises NotAllowed as `keep_upload`.
    """
    refuse_without(by, ADD)
    folder = _forget(upload=upload)
    if folder:
        shutil.rmtree(place_of(folder), ignore_errors=True)


@business_verb
def _forget(*, upload: Upload) -> str:
    row = Upload.objects.select_for_update().filter(pk=upload.pk).first()
    if row is None:
        return ""
    if row.state == State.RUNNING:
        raise CannotStart(_("This file is being imported. Wait until that has ended."))
    if row.state in (State.DRAFT, State.WAITING):
        row.delete()
    else:
        Upload.objects.filter(pk=row.pk).update(folder="")
    return row.folder


def is_over(upload: Upload) -> bool:
    """Whether its 24 hours have passed, also where no `work` has swept its files yet."""
    return upload.gone_at <= timezone.now()


def rejected_file(upload: Upload) -> Path | None:
    """The CSV of rejected rows, which holds raw ids, until 24 hours after the file came; None where there is none."""
    path = place_of(upload.folder) / REJECTED if upload.folder and not is_over(upload) else None
    return path if path and upload.rejected and path.is_file() else None


def sweep_due(now: datetime) -> bool:
    return _over(now).exists() or bool(_orphans())


def sweep(now: datetime) -> int:
    """Remove the files of uploads whose time is over, and files that belong to none; how many uploads or files.

    The row of an upload that was imported stays, with its counts; a draft that nobody started goes with its file.
    """
    swept = 0
    for upload in _over(now):
        # The row first: where this stops between the two, the files belong to none and are swept by the next.
        if _let_files_go(upload=upload, now=now):
            shutil.rmtree(place_of(upload.folder), ignore_errors=True)
            swept += 1
    stayed = 0
    for path in _orphans():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            with suppress(OSError):
                path.unlink(missing_ok=True)
        stayed += path.exists()
        swept += not path.exists()
    if stayed:  # said, and tried again later and later: else the work would be due again at once, for ever
        raise CannotStart(
            f"In the folder of uploads {stayed} files or folders are left over that cannot be removed. They may hold "
            "raw ids; remove them by hand, or give them to the user that Rulebook runs as."
        )
    return swept


def _over(now: datetime) -> QuerySet[Upload]:
    busy = (State.WAITING, State.RUNNING)
    return Upload.objects.filter(gone_at__lte=now).exclude(folder="").exclude(state__in=busy)


@business_verb
def _let_files_go(*, upload: Upload, now: datetime) -> bool:
    row = _over(now).filter(pk=upload.pk)
    if upload.state == State.DRAFT:
        return bool(row.filter(state=State.DRAFT).delete()[0])
    return bool(row.update(folder=""))


def _orphans() -> list[Path]:
    """Files that no row knows: of an upload that died on its way."""
    found = left_alone()
    known = set(Upload.objects.exclude(folder="").values_list("folder", flat=True)) if found else set()
    return [Path(entry.path) for entry in found if entry.name not in known]


def _named(text: str) -> str:
    """A source's or space's name in the form in which names are compared."""
    name = clean_key(text.encode("utf-8", "replace").decode())
    if not 0 < len(name) <= LONGEST_SOURCE or "\0" in name:
        raise WrongUsage(_("A source needs a name of 1 to %(most)s characters.") % {"most": LONGEST_SOURCE})
    return name
