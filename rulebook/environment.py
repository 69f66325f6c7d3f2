"""Reads the environment for `settings.py`: databases by URL, switches, and the two secrets of a first local run.

No Django here, because the settings themselves stand on it.
"""

import base64
import contextlib
import importlib.util
import json
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit
from zoneinfo import ZoneInfo

YES = frozenset({"1", "yes", "true", "on"})
NO = frozenset({"0", "no", "false", "off"})
LOG_LEVELS = frozenset({"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"})
SWITCHES = frozenset({"RULEBOOK_PRODUCTION", "RULEBOOK_DEBUG", "RULEBOOK_AGENT_KEYS", "RULEBOOK_BEHIND_PROXY"})
WORKERS = frozenset({"auto", "off"})
FOUR_EYES = frozenset({"full_lane", "always"})
# Every variable the product reads. The README's table and a system check for misspelt names go by this list.
VARIABLES = SWITCHES | {
    "RULEBOOK_ALLOWED_HOSTS",
    "RULEBOOK_DATABASE_URL",
    "RULEBOOK_DATA_DIR",
    "RULEBOOK_FOUR_EYES",
    "RULEBOOK_KEY_RING",
    "RULEBOOK_LOG_LEVEL",
    "RULEBOOK_MAIL_FROM",
    "RULEBOOK_MAIL_URL",
    "RULEBOOK_PUBLIC_URL",
    "RULEBOOK_SECRET_KEY",
    "RULEBOOK_TIME_ZONE",
    "RULEBOOK_TRUSTED_ORIGINS",
    "RULEBOOK_WORKER",
}

# Written on the connection itself: recursive_triggers because REPLACE would pass by the journal's DELETE trigger. The
# small cache bounds what SQLite sorts in memory, so that an import of a million rows needs no more than one of 100,000;
# the system's own file cache makes up for it.
SQLITE_PRAGMAS = (
    "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA recursive_triggers=ON; "
    "PRAGMA foreign_keys=ON; PRAGMA secure_delete=FAST; PRAGMA cache_size=-4096; PRAGMA temp_store=FILE;"
)


def flag(name: str, default: bool = False) -> bool:
    """A switch. A word that is neither yes nor no counts as the default, and a system check names it."""
    word = os.environ.get(name, "").strip().lower()
    return True if word in YES else False if word in NO else default


def time_zone(default: str) -> str:
    """RULEBOOK_TIME_ZONE where such a zone exists, else the default; a system check names a wrong one."""
    name = os.environ.get("RULEBOOK_TIME_ZONE", "")
    return name if name and is_time_zone(name) else default


def is_time_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):  # not a name, a folder of the zone data, not there
        return False
    return True


def log_level(default: str) -> str:
    level = os.environ.get("RULEBOOK_LOG_LEVEL", "").upper()
    return level if level in LOG_LEVELS else default


def worker(default: str) -> str:
    """Whether a web server does the work in the background: auto or off."""
    word = os.environ.get("RULEBOOK_WORKER", "").strip().lower()
    return word if word in WORKERS else default


def four_eyes(default: str) -> str:
    """When somebody else than the proposer decides a review: full_lane or always."""
    word = os.environ.get("RULEBOOK_FOUR_EYES", "").strip().lower()
    return word if word in FOUR_EYES else default


def words(name: str) -> list[str]:
    """A list, separated by commas."""
    return [word.strip() for word in os.environ.get(name, "").split(",") if word.strip()]


def database(url: str, data_dir: Path) -> dict[str, Any]:
    """Django's settings for a database URL; the own SQLite file when the URL is empty or cannot be used.

    >>> database("sqlite:////srv/rulebook.sqlite3", Path("/d"))["NAME"]
    '/srv/rulebook.sqlite3'
    >>> entry = database("postgresql://anna:p%40ss@db.example:5433/rules?sslmode=require", Path("/d"))
    >>> entry["HOST"], entry["PORT"], entry["NAME"], entry["USER"], entry["PASSWORD"], entry["OPTIONS"]["sslmode"]
    ('db.example', '5433', 'rules', 'anna', 'p@ss', 'require')
    >>> database("", Path("/d"))["NAME"]
    '/d/rulebook.sqlite3'
    """
    if not url or url_problem(url):
        return _sqlite(data_dir / "rulebook.sqlite3")
    parts = urlsplit(url)
    if parts.scheme != "sqlite":
        # To compile a statement of a page takes PostgreSQL longer than to run it: 20 ms against 2 when tried.
        options: dict[str, Any] = {"options": "-c jit=off", **dict(parse_qsl(parts.query))}
        return {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": unquote(parts.path[1:]),
            "USER": unquote(parts.username or ""),
            "PASSWORD": unquote(parts.password or ""),
            "HOST": options.pop("host", "") or parts.hostname or "",
            "PORT": options.pop("port", "") or str(parts.port or ""),
            "OPTIONS": options,
            "CONN_MAX_AGE": 60,
            "CONN_HEALTH_CHECKS": True,
        }
    return _sqlite(Path(unquote(parts.path[1:])))


def _sqlite(path: Path) -> dict[str, Any]:
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(path),
        # IMMEDIATE takes the write lock at BEGIN: a deferred read-then-write loses votes under load.
        "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 30, "init_command": SQLITE_PRAGMAS},
        # To open it anew for each page takes longer than all that most pages ask of it.
        "CONN_MAX_AGE": 60,
    }


def url_problem(url: str) -> str:
    """Why a database URL cannot be used, as a sentence; empty when it can."""
    remedy = "Write sqlite:////folder/file.sqlite3 or postgresql://user:password@host:5432/name."
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 (reading it is what raises on a port that is no number)
    except ValueError:
        return f"RULEBOOK_DATABASE_URL cannot be read. {remedy}"
    if url and (parts.scheme not in {"sqlite", "postgresql", "postgres"} or len(parts.path) < 2):
        return f"RULEBOOK_DATABASE_URL names no database that Rulebook knows. {remedy}"
    if url and parts.scheme != "sqlite" and not importlib.util.find_spec("psycopg"):
        return "RULEBOOK_DATABASE_URL names a PostgreSQL, and psycopg is not installed. Install requirements.lock."
    return ""


def mail(url: str) -> dict[str, Any]:
    """Django's settings for the address of a mail server; empty when there is none or it cannot be used.

    smtps:// speaks TLS from the first word. smtp:// changes to TLS before it tells a password, and never without.

    >>> found = mail("smtp://anna%40x.dk:p%3Aw@mail.example:2525")
    >>> found["EMAIL_HOST"], found["EMAIL_PORT"], found["EMAIL_HOST_USER"], found["EMAIL_HOST_PASSWORD"]
    ('mail.example', 2525, 'anna@x.dk', 'p:w')
    >>> found["EMAIL_USE_TLS"], mail("smtp://localhost")["EMAIL_USE_TLS"], mail("smtps://h")["EMAIL_PORT"]
    (True, False, 465)
    """
    if not url or mail_problem(url):
        return {}
    parts = urlsplit(url)
    user, whole = unquote(parts.username or ""), parts.scheme == "smtps"
    return {
        "EMAIL_HOST": parts.hostname or "",
        "EMAIL_PORT": parts.port or (465 if whole else 587 if user else 25),
        "EMAIL_HOST_USER": user,
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_SSL": whole,
        "EMAIL_USE_TLS": bool(user) and not whole,
        "EMAIL_TIMEOUT": 20,  # seconds
    }


def mail_problem(url: str) -> str:
    """Why the address of a mail server cannot be used, as a sentence that does not quote it; empty when it can."""
    remedy = "Write smtp://user:password@host:587 or smtps://user:password@host:465."
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return f"RULEBOOK_MAIL_URL cannot be read. {remedy}"
    if url and (parts.scheme not in {"smtp", "smtps"} or not parts.hostname or port == 0):
        return f"RULEBOOK_MAIL_URL names no mail server. {remedy}"
    return ""


def public_url() -> str:
    """RULEBOOK_PUBLIC_URL without its last slash; empty where it is no address."""
    url = os.environ.get("RULEBOOK_PUBLIC_URL", "").strip()
    return url.rstrip("/") if is_public_url(url) else ""


def is_public_url(url: str) -> bool:
    """Whether people can open it: http or https, a host, and nothing behind.

    >>> is_public_url("https://rulebook.example.org/"), is_public_url("rulebook.example.org")
    (True, False)
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and not (parts.query or parts.fragment)


def beside(entry: dict[str, Any], data_dir: Path) -> Path:
    """The folder where a first local run puts its keys."""
    if entry["ENGINE"].endswith("sqlite3"):
        return Path(entry["NAME"]).resolve().parent
    return data_dir


def make_folder(folder: Path) -> str:
    """Make a folder that only its owner may read; why that failed, as a sentence, and empty when it is there."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        return f"The folder {folder} cannot be made: {(error.strerror or str(error)).lower()}."
    return ""


def make_private(entry: dict[str, Any]) -> None:
    """Make an SQLite file that only its owner may read, before SQLite makes one that others may read too.

    Where that cannot be done, SQLite tries itself and a system check tells who can read the file.
    """
    if entry["ENGINE"].endswith("sqlite3") and entry["NAME"] != ":memory:":
        with contextlib.suppress(OSError):  # there already, or in a folder that cannot be written
            os.close(os.open(entry["NAME"], os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))


def secret_key(folder: Path, *, production: bool) -> str:
    """The given key; on a local run one made once and kept; in production empty when none is given.

    Where the folder cannot be written the key lasts as long as the process, and a system check says so.
    """
    given = os.environ.get("RULEBOOK_SECRET_KEY", "")
    if given or production:
        return given
    fresh = secrets.token_urlsafe(50)
    try:
        return _made_once(folder / "secret_key", lambda: fresh) or fresh
    except OSError:
        return fresh


def make_key_ring(path: Path) -> str:
    """The text of the key ring at `path`; a new one with a single key when the file is not there."""
    return _made_once(path, lambda: json.dumps({"current": 1, "keys": {"1": _new_key()}}))


def read_key_ring(text: str) -> tuple[int, dict[int, bytes]]:
    """(number of the current key, keys by number) of a key ring's text; ValueError says what is wrong with it."""
    try:
        content = json.loads(text)
        current = int(content["current"])
        keys = {int(number): base64.b64decode(key, validate=True) for number, key in content["keys"].items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        shape = '{"current": 1, "keys": {"1": "<32 bytes in base64>"}}'
        raise ValueError(f"The key ring cannot be read. It is written {shape}.") from None
    if current not in keys:
        raise ValueError("The key ring's current key is not among its keys.")
    if any(len(key) < 32 for key in keys.values()):
        raise ValueError("A key of the key ring is shorter than 32 bytes.")
    return current, keys


def key_ring_problem(path: Path) -> str:
    """Why the key ring at `path` cannot be used, as a sentence; empty when it can."""
    try:
        read_key_ring(path.read_text())
    except OSError:
        return "The key ring cannot be opened: this process may not read the file."
    except ValueError as error:
        return str(error)
    return ""


def _new_key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


def _made_once(path: Path, make: Callable[[], str]) -> str:
    """The file's text. Two processes that start together agree: one of them links its file first."""
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(make())
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        except OSError:  # a file system without hard links
            os.replace(draft, path)
            return path.read_text().strip()
        finally:
            draft.unlink(missing_ok=True)
    return path.read_text().strip()
