"""Where uploaded files lie: each upload in a folder of its own, with a random name and for its owner alone."""

import os
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Protocol
from unicodedata import normalize

from django.conf import settings

from rulebook.cases.models import Upload

BLOCK = 1 << 20  # bytes written at a time
LONGEST_NAME = 160  # bytes of a file's name
ORPHANED_AFTER = 3_600  # seconds without a change after which a file that belongs to no upload is swept
REJECTED = ".rejected.csv"  # the name of no uploaded file begins with a dot

_UNWANTED = re.compile(r"[^\w .()+\-]+")


class Chunks(Protocol):
    """A file as Django hands it over: read in pieces, however large it is."""

    name: str | None

    def chunks(self, chunk_size: int | None = None) -> Iterator[bytes]: ...


def place_of(folder: str) -> Path:
    return Path(settings.UPLOAD_DIR) / folder


def file_of(upload: Upload) -> Path:
    return place_of(upload.folder) / upload.file_name


def links_of(upload: Upload) -> Path | None:
    return place_of(upload.folder) / upload.links_name if upload.links_name else None


def is_here(upload: Upload) -> bool:
    return bool(upload.folder) and file_of(upload).is_file()


def safe_name(name: str, default: str) -> str:
    """A file's name without its folder, and without what a file system or a page could stumble over.

    >>> safe_name("C:\\\\Users\\\\anna\\\\tickets <2026>.csv", "cases.csv")
    'tickets _2026_.csv'
    >>> safe_name("../../.hidden", "cases.csv"), safe_name("/", "cases.csv")
    ('hidden', 'cases.csv')
    """
    last = re.split(r"[/\\]", normalize("NFC", name))[-1]
    clean = _UNWANTED.sub("_", last).strip(" .")
    stem, dot, ending = clean.rpartition(".")
    ending = f"{dot}{ending}" if stem and len(ending) <= 10 else ""
    room = LONGEST_NAME - len(ending.encode())
    return clean.removesuffix(ending).encode()[:room].decode(errors="ignore") + ending or default


def write_private(path: Path, file: Chunks) -> int:
    """Bytes written, in a file that its owner alone may read."""
    size = 0
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as disk:
        for chunk in file.chunks(BLOCK):
            disk.write(chunk)
            size += len(chunk)
    return size


def remove_raw(upload: Upload) -> None:
    """Remove the files as they came, and leave the rejected rows. What cannot be removed now goes with the folder."""
    for path in filter(None, (file_of(upload), links_of(upload))):
        with suppress(OSError):
            path.unlink(missing_ok=True)


def left_alone() -> list["os.DirEntry[str]"]:
    """What lies in the folder of uploads and has not changed for an hour."""
    try:
        return [entry for entry in os.scandir(settings.UPLOAD_DIR) if _is_old(entry)]
    except OSError:
        return []  # nobody has uploaded anything yet


def _is_old(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.stat(follow_symlinks=False).st_mtime < time.time() - ORPHANED_AFTER
    except OSError:
        return False  # gone meanwhile
