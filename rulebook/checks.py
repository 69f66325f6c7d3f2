"""System checks: every misconfiguration is one sentence with an id, before anything runs on it.

Commands run them by themselves; the web server's door, `wsgi.py`, asks for `stop_unless_sound`.
"""

import os
import sqlite3
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import connections

from rulebook import environment


@register()
def environment_is_sound(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    return [*_secrets(), *_readable_database(), *_places(), *_values(), *_letters()]


def stop_unless_sound() -> None:
    """End the process with the errors on stderr. Raises SystemExit(3), which gunicorn takes for "do not try again"."""
    errors = [message for message in environment_is_sound(None) if message.is_serious()]
    for error in errors:
        hint = f" {error.hint}" if error.hint else ""
        print(f"{error.id}: {error.msg}{hint}", file=sys.stderr, flush=True)  # noqa: T201 (there is no log yet)
    if errors:
        raise SystemExit(3)


def _secrets() -> Iterator[CheckMessage]:
    if settings.PRODUCTION and not os.environ.get("RULEBOOK_SECRET_KEY"):
        yield Error(
            "RULEBOOK_SECRET_KEY is not set.",
            hint="Give a random text of 50 characters or more, the same on every server and every start.",
            id="rulebook.E001",
        )
    ring = Path(settings.KEY_RING_FILE)
    if settings.PRODUCTION and not (os.environ.get("RULEBOOK_KEY_RING") and ring.is_file()):
        yield Error(
            "There is no key ring: RULEBOOK_KEY_RING names no file.",
            hint='Make one, kept apart from the database: {"current": 1, "keys": {"1": "<32 bytes in base64>"}}.',
            id="rulebook.E002",
        )
    elif ring.is_file():
        problem = environment.key_ring_problem(ring)
        if problem:
            yield Error(problem, hint="Restore the key ring from its own backup.", id="rulebook.E004")
    for secret in (ring, Path(settings.KEY_DIR) / "secret_key"):
        if os.name == "posix" and secret.is_file() and stat.S_IMODE(secret.stat().st_mode) & 0o077:
            yield Warning(
                f"{secret} can be read by other users of this machine.",
                hint="Take that right away: chmod 600.",
                id="rulebook.W003",
            )


def _readable_database() -> Iterator[CheckMessage]:
    entry = settings.DATABASES["default"]
    if os.name != "posix" or not entry["ENGINE"].endswith("sqlite3"):
        return
    for file in (Path(f"{entry['NAME']}{end}") for end in ("", "-wal")):
        if file.is_file() and stat.S_IMODE(file.stat().st_mode) & 0o077:
            yield Warning(
                f"The database {file} can be read by other users of this machine.",
                hint="Take that right away: chmod 600.",
                id="rulebook.W016",
            )


def _places() -> Iterator[CheckMessage]:
    problem = environment.url_problem(os.environ.get("RULEBOOK_DATABASE_URL", ""))
    if problem:
        yield Error(problem, id="rulebook.E005")
    entry = settings.DATABASES["default"]
    if entry["ENGINE"].endswith("sqlite3") and Path(entry["NAME"]).is_dir():
        yield Error(
            f"The database {entry['NAME']} is a folder.",
            hint="Name a file: sqlite:////folder/file.sqlite3.",
            id="rulebook.E006",
        )
    data_dir = Path(settings.DATA_DIR)
    if data_dir.exists() and not data_dir.is_dir():
        yield Error("RULEBOOK_DATA_DIR is no folder.", hint="Name a folder that may be written.", id="rulebook.E013")
    elif problem := environment.make_folder(settings.KEY_DIR) or _not_writable(settings.KEY_DIR):
        yield Error(
            problem,
            hint="Name another place with RULEBOOK_DATA_DIR or RULEBOOK_DATABASE_URL, or mend its rights.",
            id="rulebook.E015",
        )


def _not_writable(folder: Path) -> str:
    """A sentence where this process needs to write and may not: the SQLite file, or the keys of a local run."""
    needed = settings.DATABASES["default"]["ENGINE"].endswith("sqlite3") or not settings.PRODUCTION
    return f"The folder {folder} may not be written." if needed and not os.access(folder, os.W_OK) else ""


def _values() -> Iterator[CheckMessage]:
    if settings.PRODUCTION and not settings.ALLOWED_HOSTS:
        yield Error(
            "RULEBOOK_ALLOWED_HOSTS is not set.",
            hint="Name the hosts that people open, separated by commas: rulebook.example.org.",
            id="rulebook.E007",
        )
    zone = os.environ.get("RULEBOOK_TIME_ZONE", "")
    if zone and not environment.is_time_zone(zone):
        yield Error("RULEBOOK_TIME_ZONE names no time zone.", hint="Write one like Europe/Oslo.", id="rulebook.E008")
    level = os.environ.get("RULEBOOK_LOG_LEVEL", "")
    if level and level.upper() not in environment.LOG_LEVELS:
        yield Error("RULEBOOK_LOG_LEVEL is no level.", hint="Write INFO or WARNING.", id="rulebook.E009")
    word = os.environ.get("RULEBOOK_WORKER", "").strip().lower()
    if word and word not in environment.WORKERS:
        yield Error("RULEBOOK_WORKER is neither auto nor off.", hint="Write auto or off.", id="rulebook.E017")
    word = os.environ.get("RULEBOOK_FOUR_EYES", "").strip().lower()
    if word and word not in environment.FOUR_EYES:
        yield Error(
            "RULEBOOK_FOUR_EYES is neither full_lane nor always.", hint="Write full_lane or always.", id="rulebook.E022"
        )
    for name in sorted(environment.SWITCHES):
        word = os.environ.get(name, "").strip().lower()
        if word and word not in environment.YES | environment.NO:
            yield Error(f"{name} is neither on nor off.", hint="Write 1 or 0.", id="rulebook.E010")
    for name in sorted(os.environ):
        if name.startswith("RULEBOOK_") and name not in environment.VARIABLES:
            yield Warning(f"Rulebook reads no variable {name}.", hint="The README lists them.", id="rulebook.W011")
    if settings.PRODUCTION and settings.DEBUG:
        yield Error("RULEBOOK_DEBUG is on in production.", hint="It shows secrets. Turn it off.", id="rulebook.E012")


def _letters() -> Iterator[CheckMessage]:
    mail, sender = os.environ.get("RULEBOOK_MAIL_URL", ""), os.environ.get("RULEBOOK_MAIL_FROM", "")
    public = os.environ.get("RULEBOOK_PUBLIC_URL", "").strip()
    if problem := environment.mail_problem(mail):
        yield Error(problem, id="rulebook.E018")
    if (mail or sender) and "@" not in sender:
        yield Error(
            "RULEBOOK_MAIL_FROM names no mail address.",
            hint="Say whom letters come from: Rulebook <rulebook@example.org>.",
            id="rulebook.E019",
        )
    if public and not environment.is_public_url(public):
        yield Error(
            "RULEBOOK_PUBLIC_URL is no address that people can open.",
            hint="Write it as they do: https://rulebook.example.org.",
            id="rulebook.E020",
        )
    elif mail and not public:
        yield Warning(
            "RULEBOOK_PUBLIC_URL is not set, so letters cannot hold a whole link.",
            hint="Write the address that people open: https://rulebook.example.org.",
            id="rulebook.W021",
        )


@register(Tags.database)
def database_is_new_enough(databases: Any = None, **kwargs: Any) -> list[CheckMessage]:
    messages: list[CheckMessage] = []
    for alias in databases or []:
        connection = connections[alias]
        if connection.vendor == "sqlite" and sqlite3.sqlite_version_info < (3, 38):
            messages.append(Error("SQLite is older than 3.38.", hint="Use a newer Python build.", id="rulebook.E014"))
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SHOW server_version_num")
                if int(cursor.fetchone()[0]) < 150000:
                    messages.append(Error("PostgreSQL is older than 15.", hint="Upgrade it.", id="rulebook.E014"))
    return messages
