"""`python -m tests.scale [--rows N] [--database sqlite|postgresql://...] [--json FILE]`: the numbers to reach.

Every number is a median; what is compared takes turns, so that a busy machine slows both. *raw* is `raw.py`; ours is
`manage.py import_cases`, from the start of the command to its end, which is when the outcomes are stored.
"""

import argparse
import json
import os
import platform
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from tests.scale import world
from tests.scale.databases import Databases, PostgreSql, Sqlite

ROOT = Path(__file__).resolve().parent.parent.parent
COLD = "empty"  # migrated, with the rules


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

    def python(self, database: str, *words: str) -> Spent:
        """Run a process to its end. This one stays small: on Linux a child's peak begins with its parent's size."""
        environment = {
            **os.environ,
            "RULEBOOK_DATABASE_URL": self.databases.url(database),
            "RULEBOOK_DATA_DIR": str(self.folder),
            "RULEBOOK_KEY_RING": str(self.folder / "key_ring.json"),
            "RULEBOOK_TIME_ZONE": "Europe/Copenhagen",
            # Compiled once for all, as an installation is; the first process of a run does it and is not measured.
            "PYTHONPYCACHEPREFIX": str(self.folder / "compiled"),
        }
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
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

    def prepare(self) -> None:
        world.write_rules(self.folder / "rules.csv")
        self.databases.create(COLD)
        self.python(COLD, "manage.py", "migrate", "--verbosity", "0")
        self.python(COLD, "manage.py", "import_rules", str(self.folder / "rules.csv"))

    def import_ours(self, database: str, path: Path) -> Spent:
        return self.python(
            database, "manage.py", "import_cases", str(path), "--source", world.SOURCE, "--effect", "blocked"
        )

    def number(self, name: str, value: float, unit: str, target: str = "", reached: bool | None = None) -> None:
        known = {"name": name, "value": round(value, 3), "unit": unit, "target": target, "reached": reached}
        self.numbers.append(known)
        verdict = {True: "ok", False: "MISSED", None: ""}[reached]
        print(f"{name:<58}{value:>12.3f} {unit:<6} {target:<14} {verdict}", flush=True)  # noqa: T201


def loading(bench: Bench, rows: int, times: int) -> Spent:
    """Both ways into an empty database, in turns; the last of ours stays as `loaded`. The median of ours."""
    path = bench.folder / "cases.csv"
    world.write_cases(path, rows)
    ours: list[Spent] = []
    raw: list[Spent] = []
    for _ in range(times):
        bench.databases.copy(COLD, "raw")
        raw.append(bench.python("raw", "-m", "tests.scale.raw", str(path)))
        bench.databases.drop("raw")
        bench.databases.copy(COLD, "loaded")
        ours.append(bench.import_ours("loaded", path))
    for name, spent in (("raw", raw), ("ours", ours)):
        bench.number(f"{rows:,} cases, {name}: wall", _middle(spent, "wall"), "s")
        bench.number(f"{rows:,} cases, {name}: CPU", _middle(spent, "cpu"), "s")
        bench.number(f"{rows:,} cases, {name}: rows a second", rows / _middle(spent, "wall"), "1/s")
    ratio = _middle(ours, "wall") / _middle(raw, "wall")
    bench.number(f"{rows:,} cases: ours / raw, wall", ratio, "x", "<= 3", ratio <= 3)
    bench.number(f"{rows:,} cases: ours / raw, CPU", _middle(ours, "cpu") / _middle(raw, "cpu"), "x")
    peak = max(spent.megabytes for spent in ours)
    bench.number(f"{rows:,} cases, ours: peak memory", peak, "MB", "< 300", peak < 300)
    return Spent(_middle(ours, "wall"), _middle(ours, "cpu"), peak, "")


def batch(bench: Bench, rows: int, times: int, full: Spent) -> None:
    path = bench.folder / "batch.csv"
    world.write_batch(path, rows)
    spent = []
    for _ in range(times):
        bench.databases.copy("loaded", "batch")
        spent.append(bench.import_ours("batch", path))
    bench.databases.drop("batch")
    counts = dict(line.split()[:2] for line in spent[0].output.splitlines() if len(line.split()) == 2)
    if (counts["created"], counts["updated"]) == ("0", "0") or counts["read"] != "1000":
        raise SystemExit(f"The batch is not what it should be: {counts}")
    wall = _middle(spent, "wall")
    bench.number(f"1,000 cases into {rows:,}: wall", wall, "s", "< 1.5", wall < 1.5)
    part = 100 * wall / full.wall
    bench.number(f"1,000 cases into {rows:,}: part of the full import", part, "%", "< 5", part < 5)


def reading(bench: Bench, rows: int, times: int) -> None:
    found = json.loads(bench.python("loaded", "-m", "tests.scale.figures", "read", str(times)).output)
    _compare(bench, f"FCR of {rows:,}, reading", found["ours"], found["plain"], "single SELECT")


def storing(bench: Bench, rows: int, times: int) -> None:
    bench.databases.copy("loaded", "pending")
    bench.python("pending", "-m", "tests.scale.figures", "pending")
    seconds: dict[str, list[float]] = {"ours": [], "plain": []}
    outcomes = []
    for _ in range(times):
        for how, taken in seconds.items():
            bench.databases.copy("pending", "storing")
            done = json.loads(bench.python("storing", "-m", "tests.scale.figures", "store", how).output)
            taken.append(done["seconds"])
            outcomes.append(done["outcomes"])
    bench.databases.drop("storing")
    bench.databases.drop("pending")
    if any(one != outcomes[0] for one in outcomes):
        raise SystemExit(f"Ours and the statement by hand store different outcomes: {outcomes}")
    _compare(bench, f"FCR of {rows:,}, storing", seconds["ours"], seconds["plain"], "single UPDATE")


def _compare(bench: Bench, name: str, ours: Sequence[float], plain: Sequence[float], against: str) -> None:
    bench.number(f"{name}: ours", median(ours), "s")
    bench.number(f"{name}: {against}", median(plain), "s")
    ratio = median(ours) / median(plain)
    bench.number(f"{name}: ours / {against}", ratio, "x", "<= 1.3", ratio <= 1.3)


def _middle(spent: Sequence[Spent], name: str) -> float:
    return median(getattr(one, name) for one in spent)


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


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.scale", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="Default 1,000,000; a tenth is measured too.")
    parser.add_argument("--database", default="sqlite", help="sqlite, or the URL of a PostgreSQL that may be filled.")
    parser.add_argument("--times", type=int, default=3, help="How often each import is measured; default 3.")
    parser.add_argument("--json", type=Path, metavar="FILE", help="Write the numbers there, beside other engines'.")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="rulebook-scale-") as name:
        folder = Path(name)
        databases = Sqlite(folder) if options.database == "sqlite" else PostgreSql(options.database)
        bench = Bench(folder, databases)
        bench.prepare()
        try:
            small = loading(bench, options.rows // 10, options.times)
            full = loading(bench, options.rows, options.times)
            growth = 100 * (full.megabytes / small.megabytes - 1)
            bench.number("peak memory, ten times the cases", growth, "%", "< 10", growth < 10)
            steps: tuple[Callable[[], None], ...] = (
                lambda: reading(bench, options.rows, 5),
                lambda: storing(bench, options.rows, options.times),
                lambda: batch(bench, options.rows, max(5, options.times), full),
            )
            for step in steps:
                step()
        finally:
            for database in (COLD, "raw", "loaded", "pending", "storing", "batch"):
                databases.drop(database)
        if options.json:
            _write(options.json, {
                "date": datetime.now(UTC).date().isoformat(),
                "rows": options.rows,
                "links": options.rows * 6 // 10,
                "machine": machine(databases),
                "numbers": bench.numbers,
            })  # fmt: skip


def _write(path: Path, found: dict[str, Any]) -> None:
    """One file for both engines: a run replaces the numbers of its own engine only."""
    known = json.loads(path.read_text()) if path.exists() else {}
    known[found["machine"]["database"].split()[0].lower()] = found
    path.write_text(json.dumps(known, indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
