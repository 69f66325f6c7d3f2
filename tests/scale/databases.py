"""Databases of one run: made, copied and dropped by name, on SQLite or on a PostgreSQL server."""

import os
import shutil
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit


class Databases(ABC):
    """Names are those of one run; `copy` overwrites."""

    @abstractmethod
    def url(self, name: str) -> str: ...
    @abstractmethod
    def create(self, name: str) -> None: ...
    @abstractmethod
    def copy(self, name: str, to: str) -> None: ...
    @abstractmethod
    def drop(self, name: str) -> None: ...


class Sqlite(Databases):
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def url(self, name: str) -> str:
        return f"sqlite:///{self._path(name)}"

    def create(self, name: str) -> None:
        self.drop(name)

    def copy(self, name: str, to: str) -> None:
        self.drop(to)
        if Path(f"{self._path(name)}-wal").exists():
            raise AssertionError(f"{name} was not closed: its copy would lack the last changes.")
        shutil.copyfile(self._path(name), self._path(to))
        os.sync()  # else the write-back of the copy slows what is measured next

    def drop(self, name: str) -> None:
        for end in ("", "-wal", "-shm"):
            Path(f"{self._path(name)}{end}").unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.sqlite3"


class PostgreSql(Databases):
    """`server` is the URL of a database to connect to; those of the run are made beside it: rulebook_scale_NAME."""

    def __init__(self, server: str) -> None:
        self.server = server

    def url(self, name: str) -> str:
        return urlunsplit(urlsplit(self.server)._replace(path=f"/rulebook_scale_{name}"))

    def create(self, name: str) -> None:
        self.drop(name)
        self._run(f"CREATE DATABASE rulebook_scale_{name}")

    def copy(self, name: str, to: str) -> None:
        self.drop(to)
        self._run(f"CREATE DATABASE rulebook_scale_{to} TEMPLATE rulebook_scale_{name}")
        self._run("CHECKPOINT")

    def drop(self, name: str) -> None:
        self._run(f"DROP DATABASE IF EXISTS rulebook_scale_{name} WITH (FORCE)")

    def version(self) -> str:
        return str(self._run("SHOW server_version")[0][0]).split()[0]

    def _run(self, statement: str) -> list[tuple[Any, ...]]:
        import psycopg  # only there where PostgreSQL is

        with psycopg.connect(self.server, autocommit=True) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []
