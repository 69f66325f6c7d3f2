"""Step by step from a file of cases to stored outcomes: against raw inserts, and against statements by hand."""

import json
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from tests.scale import world
from tests.scale.bench import Bench, Spent, middle

COLD = "empty"  # migrated, with the rules
MADE = (COLD, "raw", "loaded", "pending", "storing", "batch")


def run(bench: Bench, rows: int, times: int) -> None:
    world.write_rules(bench.folder / "rules.csv")
    try:
        bench.prepare(COLD, bench.folder / "rules.csv")
        small = loading(bench, rows // 10, times)
        full = loading(bench, rows, times)
        growth = 100 * (full.megabytes / small.megabytes - 1)
        bench.number("peak memory, ten times the cases", growth, "%", "< 10", growth < 10)
        reading(bench, rows, 5)
        storing(bench, rows, times)
        batch(bench, rows, max(5, times), full)
    finally:
        for database in MADE:
            bench.databases.drop(database)


FULL = 1_000_000  # the size whose ratio is asked for; a small import spends more of its time on starting


def import_ours(bench: Bench, database: str, path: Path) -> Spent:
    return bench.python(
        database, "manage.py", "import_cases", str(path), "--source", world.SOURCE, "--effect", "blocked"
    )


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
        ours.append(import_ours(bench, "loaded", path))
    for name, spent in (("raw", raw), ("ours", ours)):
        bench.number(f"{rows:,} cases, {name}: wall", middle(spent, "wall"), "s")
        bench.number(f"{rows:,} cases, {name}: CPU", middle(spent, "cpu"), "s")
        bench.number(f"{rows:,} cases, {name}: rows a second", rows / middle(spent, "wall"), "1/s")
    ratio = middle(ours, "wall") / middle(raw, "wall")
    bench.number(f"{rows:,} cases: ours / raw, wall", ratio, "x", *(("<= 3", ratio <= 3) if rows >= FULL else ()))
    bench.number(f"{rows:,} cases: ours / raw, CPU", middle(ours, "cpu") / middle(raw, "cpu"), "x")
    peak = max(spent.megabytes for spent in ours)
    bench.number(f"{rows:,} cases, ours: peak memory", peak, "MB", "< 300", peak < 300)
    return Spent(middle(ours, "wall"), middle(ours, "cpu"), peak, "")


def batch(bench: Bench, rows: int, times: int, full: Spent) -> None:
    path = bench.folder / "batch.csv"
    world.write_batch(path, rows)
    spent = []
    for _ in range(times):
        bench.databases.copy("loaded", "batch")
        spent.append(import_ours(bench, "batch", path))
    bench.databases.drop("batch")
    counts = dict(line.split()[:2] for line in spent[0].output.splitlines() if len(line.split()) == 2)
    if (counts["created"], counts["updated"]) == ("0", "0") or counts["read"] != "1000":
        raise SystemExit(f"The batch is not what it should be: {counts}")
    wall = middle(spent, "wall")
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
