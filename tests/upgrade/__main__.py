"""The databases from which the upgrade is tried, made by the last commit of the issue before. By hand, once an issue:

    python -m tests.upgrade files                   the world's files (`world.py`), where they are to change
    python -m tests.upgrade databases COMMIT        both dumps, each made by COMMIT's own commands from these files

Whoever opens an issue runs the second with the last commit of the one that was closed, and commits what it writes:
`sqlite.sql.gz` and `postgresql.sql.gz`, whose first line names the commit. It needs a PostgreSQL 15 to connect to in
RULEBOOK_DATABASE_URL, whose user may make databases, and its pg_dump on the PATH or in PG_DUMP. Nothing secret is in
the dumps: the world is made up, and `key_ring.json` is a key of these tests alone.
"""

import gzip
import os
import secrets
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

from tests.scale.databases import PostgreSql
from tests.upgrade import world

ROOT = Path(__file__).resolve().parents[2]


def databases(commit: str) -> None:
    commit = _output("git", "rev-parse", "--short=7", commit)
    folder = Path(tempfile.mkdtemp(prefix="rulebook-upgrade-"))
    tree, name = folder / "tree", f"upgrade_{secrets.token_hex(6)}"
    server = PostgreSql(os.environ["RULEBOOK_DATABASE_URL"])
    subprocess.run(["git", "worktree", "add", "--detach", tree, commit], cwd=ROOT, check=True)
    try:
        _build(tree, folder, f"sqlite:///{folder / 'rulebook.sqlite3'}")
        with closing(sqlite3.connect(folder / "rulebook.sqlite3")) as connection:
            _write("sqlite", commit, "\n".join(connection.iterdump()))
        server.create(name)
        try:
            _build(tree, folder, server.url(name))
            # INSERT and not COPY, and no words to psql, so that any driver can bring it back.
            options = ("--no-owner", "--no-privileges", "--inserts", "--rows-per-insert=200", "--no-comments")
            dump = _output(os.environ.get("PG_DUMP", "pg_dump"), *options, server.url(name)).splitlines()
            _write("postgresql", commit, "\n".join(line for line in dump if not line.startswith("\\")))
        finally:
            server.drop(name)
    finally:
        subprocess.run(["git", "worktree", "remove", "--force", tree], cwd=ROOT, check=True)
        shutil.rmtree(folder)


def _build(tree: Path, folder: Path, url: str) -> None:
    ring = shutil.copyfile(world.KEY_RING, folder / "key_ring.json")
    ring.chmod(0o600)
    given = {"DATABASE_URL": url, "DATA_DIR": str(folder), "KEY_RING": str(ring), "AGENT_KEYS": "1"}
    env = {name: value for name, value in os.environ.items() if not name.startswith(("RULEBOOK_", "DJANGO_"))}
    env |= {f"RULEBOOK_{name}": value for name, value in given.items()}
    for words in (["migrate", "-v0"], *world.commands()):
        subprocess.run([sys.executable, "manage.py", *words], cwd=tree, env=env, check=True)


def _write(engine: str, commit: str, dump: str) -> None:
    text = f"-- Made by commit {commit}: python -m tests.upgrade databases {commit}\n{dump}\n"
    (world.FOLDER / f"{engine}.sql.gz").write_bytes(gzip.compress(text.encode(), mtime=0))


def _output(*words: str) -> str:
    return subprocess.run(words, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["files"]:
            world.write()
        case ["databases", commit]:
            databases(commit)
        case _:
            raise SystemExit(__doc__)
