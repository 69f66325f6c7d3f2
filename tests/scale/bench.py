"""What one run of the numbers needs: processes on databases of its own, and where their numbers go."""

import json
import os
import platform
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from tests.scale.databases import Databases, PostgreSql

ROOT = Path(__file__).resolve().parent.parent.parent


@dataclass
class Spent:
    """What a process took. Of PostgreSQL only this side: the server's share is not in `cpu` and `megabytes`."""

    wall: float
    cpu: float
    megabytes: float
    output: str


@dataclass
class Bench:
    """Files, databases and processes of one run."""

    folder: Path
    databases: Databases
    numbers: list[dict[str, Any]] = field(default_factory=list)

    def environment(self, database: str) -> dict[str, str]:
        given = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("RULEBOOK_", "DJANGO_"))},
            "RULEBOOK_DATABASE_URL": self.databases.url(database),
            "RULEBOOK_DATA_DIR": str(self.folder),
            "RULEBOOK_KEY_RING": str(self.folder / "key_ring.json"),
            "RULEBOOK_TIME_ZONE": "Europe/Copenhagen",
            # Compiled once for all, as an installation is; the first process of a run does it and is not measured.
            "PYTHONPYCACHEPREFIX": str(self.folder / "compiled"),
        }
        given.pop("PYTHONDONTWRITEBYTECODE", None)
        return given

    def python(self, database: str, *words: str) -> Spent:
        """Run a process to its end. This one stays small: on Linux a child's peak begins with its parent's size."""
        environment = self.environment(database)
        with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
            began = time.perf_counter()
            child = subprocess.Popen([sys.executable, *words], cwd=ROOT, env=environment, stdout=output, stderr=errors)
            _, status, usage = os.wait4(child.pid, 0)
            wall = time.perf_counter() - began
            child.returncode = os.waitstatus_to_exitcode(status)
            output.seek(0)
            errors.seek(0)
            if child.returncode:
                raise SystemExit(f"{' '.join(words)} ended with {child.returncode}:\n{errors.read().decode()[-4000:]}")
            return Spent(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, output.read().decode())

    def prepare(self, database: str, rules: Path) -> None:
        """A migrated database with rules in it."""
        self.databases.create(database)
        self.python(database, "manage.py", "migrate", "--verbosity", "0")
        self.python(database, "manage.py", "import_rules", str(rules))

    def number(self, name: str, value: float, unit: str, target: str = "", reached: bool | None = None) -> None:
        known = {"name": name, "value": round(value, 3), "unit": unit, "target": target, "reached": reached}
        self.numbers.append({**known, "date": datetime.now(UTC).date().isoformat()})
        verdict = {True: "ok", False: "MISSED", None: ""}[reached]
        print(f"{name:<58}{value:>12.3f} {unit:<6} {target:<14} {verdict}", flush=True)  # noqa: T201


def machine(databases: Databases) -> dict[str, Any]:
    """What the numbers were taken on; neither its name nor a path."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    found = {
        "cpu": models[0] if models else platform.machine(),
        "cores": os.cpu_count(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
        "system": platform.system(),
        "python": platform.python_version(),
    }
    if isinstance(databases, PostgreSql):
        return {**found, "database": f"PostgreSQL {databases.version()}"}
    return {**found, "database": f"SQLite {sqlite3.sqlite_version}"}


def middle(spent: Sequence[Spent], name: str) -> float:
    return median(getattr(one, name) for one in spent)


def write(path: Path, found: dict[str, Any]) -> None:
    """One file for both engines: a run replaces the numbers of its own engine that it took, by their names."""
    known = json.loads(path.read_text()) if path.exists() else {}
    engine = found["machine"]["database"].split()[0].lower()
    before = known.get(engine, {})
    # A number without a date of its own is as old as the run that wrote it.
    numbers = {one["name"]: {"date": before.get("date"), **one} for one in before.get("numbers", ())}
    numbers.update({one["name"]: one for one in found["numbers"]})
    known[engine] = {**before, **found, "numbers": list(numbers.values())}
    path.write_text(json.dumps(known, indent=2, ensure_ascii=False) + "\n")
