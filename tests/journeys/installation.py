"""A Rulebook of its own for one test: a database, keys and a folder, worked by real processes of `manage.py`."""

import atexit
import functools
import json
import os
import secrets
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from tests.cases.importer import STATE, plain

ROOT = Path(__file__).resolve().parents[2]
# The server of the tests where they run on PostgreSQL, else empty: databases of our own are made beside it.
SERVER = (
    os.environ.get("RULEBOOK_DATABASE_URL", "") if "postgres" in os.environ.get("RULEBOOK_DATABASE_URL", "") else ""
)
TIMEOUT = 120


class Installation:
    """A copy of a migrated database, or of another installation, so that a test does not wait for what all need."""

    def __init__(self, folder, like=None, **variables):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.variables = {**(like.variables if like else {}), **variables}
        self.path = self.folder / "rulebook.sqlite3"
        self.name = f"rulebook_journey_{secrets.token_hex(6)}"
        if SERVER:
            on_server(f"CREATE DATABASE {self.name} TEMPLATE {like.name if like else template()}")
            atexit.register(on_server, f"DROP DATABASE IF EXISTS {self.name} WITH (FORCE)")
        else:
            shutil.copyfile(like.path if like else template(), self.path)

    @property
    def url(self):
        return beside(self.name) if SERVER else f"sqlite:///{self.path}"

    @property
    def environment(self):
        return clean_environment(RULEBOOK_DATABASE_URL=self.url, RULEBOOK_DATA_DIR=self.folder, **self.variables)

    def run(self, *words):
        """A command of ours to its end; output as text."""
        done = subprocess.run(
            manage(*words), cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=TIMEOUT
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done

    def run_all(self, commands):
        """Commands of ours, each in a process of its own, one after the other; they share the start of one Python."""
        jobs = self.folder / "jobs.json"
        jobs.write_text(json.dumps([list(map(str, words)) for words in commands]))
        done = subprocess.run(
            [sys.executable, "-m", "tests.journeys.forked", str(jobs)], cwd=ROOT, env=self.environment,
            capture_output=True, text=True, timeout=TIMEOUT, check=True,
        )  # fmt: skip
        return [subprocess.CompletedProcess(**result) for result in json.loads(done.stdout)]

    def start(self, *words, **streams):
        return subprocess.Popen(
            manage(*words), cwd=ROOT, env=self.environment, text=True,
            **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **streams},
        )  # fmt: skip

    def ask(self, query):
        """Rows as the database gives them to anybody who may read it."""
        if SERVER:
            import psycopg

            with closing(psycopg.connect(self.url)) as connection:
                return connection.execute(query).fetchall()
        with closing(sqlite3.connect(self.path, timeout=30)) as connection:
            return connection.execute(query).fetchall()

    def tell(self, statement, patience=30):
        if SERVER:
            import psycopg

            with psycopg.connect(self.url) as connection:
                connection.execute(f"SET lock_timeout = '{patience}s'")
                connection.execute(statement)
            connection.close()
            return
        with closing(sqlite3.connect(self.path, timeout=patience)) as connection, connection:
            connection.execute(statement)

    def pause(self, process):
        """Stop a process between two of its transactions, so that it holds no lock."""
        for _ in range(200):
            process.send_signal(signal.SIGSTOP)
            try:
                self.tell("UPDATE cases_importrun SET rows_read = rows_read", patience=0.2)
                return
            except Exception:  # two databases name a lock differently
                process.send_signal(signal.SIGCONT)
                time.sleep(0.007)
        raise AssertionError("the process holds a lock all the time")

    def wait_until(self, query, process=None, seconds=60):
        """Wait until a query's one number is above 0; False when the process ended before."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if self.ask(query)[0][0]:
                return True
            if process is not None and process.poll() is not None:
                return False
            time.sleep(0.002)
        raise AssertionError(f"nothing came of {query}")

    def state(self):
        return {
            name: sorted((tuple(map(plain, row)) for row in self.ask(query)), key=repr) for name, query in STATE.items()
        }

    def count(self, name):
        return self.ask(f"SELECT COUNT(*) FROM {name}")[0][0]


def manage(*words):
    return [sys.executable, "manage.py", *map(str, words)]


def clean_environment(**variables):
    env = {name: value for name, value in os.environ.items() if not name.startswith(("RULEBOOK_", "DJANGO_"))}
    return env | {name: str(value) for name, value in variables.items()}


@functools.cache
def template():
    """The file, or the name on the server, of a database that is migrated and empty. Made once in a test run."""
    folder = Path(tempfile.mkdtemp(prefix="rulebook-journey-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    name, path = f"rulebook_journey_{secrets.token_hex(6)}", folder / "rulebook.sqlite3"
    if SERVER:
        on_server(f"CREATE DATABASE {name}")
        atexit.register(on_server, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    env = clean_environment(
        RULEBOOK_DATABASE_URL=beside(name) if SERVER else f"sqlite:///{path}", RULEBOOK_DATA_DIR=folder
    )
    subprocess.run(manage("migrate", "-v0"), cwd=ROOT, env=env, check=True, timeout=TIMEOUT)
    return name if SERVER else path


def beside(name):
    return urlunsplit(urlsplit(SERVER)._replace(path=f"/{name}"))


def on_server(statement):
    import psycopg

    with closing(psycopg.connect(SERVER, autocommit=True)) as connection:
        connection.execute(statement)
