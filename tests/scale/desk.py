"""Figures and pages of houses with many rules. Each house is made once and kept for both."""

import json
import subprocess
import sys
import tempfile
from statistics import median
from typing import Any

from tests.scale.bench import ROOT, Bench
from tests.scale.pages import PAGES

RULES = "rules"  # the database with the rules alone
SLOWEST = 300  # ms
WITHIN = 0.25


class Desk:
    def __init__(self, bench: Bench, rules: int) -> None:
        self.bench, self.rules = bench, rules
        self.made: list[str] = []

    def __enter__(self) -> "Desk":
        return self

    def __exit__(self, *error: object) -> None:
        for database in self.made:
            self.bench.databases.drop(database)

    def house(self, cases: int) -> str:
        """The name of a database of so many cases, without figures; made where it is not there yet."""
        name = f"house{cases}"
        if name not in self.made:
            if RULES not in self.made:
                path = self.bench.folder / "many-rules.csv"
                self.write("write_rules", path, self.rules)
                self.made.append(RULES)
                self.bench.prepare(RULES, path)
            self.made.append(name)
            self.bench.databases.copy(RULES, name)
            self.bench.python(name, "-m", "tests.scale.large", str(cases))
        return name

    def write(self, what: str, *given: Any) -> None:
        """A file by `large.py`, in a process that has Django; this one stays small."""
        code = f"from pathlib import Path; from tests.scale.large import {what}; {what}(Path({str(given[0])!r}), "
        database = RULES if RULES in self.made else "unused"
        self.bench.python(database, "-c", code + ", ".join(map(repr, given[1:])) + ")")

    def figures(self, cases: int, times: int) -> None:
        bench, house = self.bench, self.house(cases)
        title = f"figures of {cases:,} cases, {self.rules:,} rules"
        full = [self._rollups(house, "nothing") for _ in range(times)]
        ours, plain = (median(one[name] for one in full) for name in ("ours", "plain"))
        bench.number(f"{title}, from nothing", ours, "s")
        bench.number(f"{title}, from nothing: plain SELECTs", plain, "s")
        bench.number(f"{title}, from nothing: ours / plain", ours / plain, "x")

        path = bench.folder / "corrections.csv"
        self.write("write_batch", path, cases)
        changed = []
        self.made.append("changed")
        for _ in range(times):
            bench.databases.copy(house, "changed")
            bench.python("changed", "manage.py", "import_cases", str(path), "--source", "scale")
            changed.append(self._rollups("changed", "marked"))
        bench.databases.drop("changed")
        one = median(one["ours"] for one in changed)
        bench.number(f"{title}, 1,000 changed", one, "s")
        bench.number(f"{title}, 1,000 changed: marks", changed[0]["marks"], "")
        bench.number(f"{title}, 1,000 changed: part of all", 100 * one / ours, "%")
        plain = median(one["plain"] for one in changed)
        bench.number(f"{title}, 1,000 changed: / plain SELECTs of all", one / plain, "x")

        scored = self._rollups(house, "rescore", str(max(5, times)))
        ours, plain, worst = (median(scored[name]) for name in ("ours", "plain", "worst"))
        bench.number(f"scoring {self.rules:,} rules", ours, "s", "<= 1", ours <= 1)
        bench.number(f"scoring {self.rules:,} rules: plain SELECTs", plain, "s")
        bench.number(f"scoring {self.rules:,} rules: ours / plain", ours / plain, "x")
        bench.number(f"scoring {self.rules:,} rules, every row written", worst, "s")
        bench.number(f"scoring {self.rules:,} rules: measured", scored["measured"], "rules")
        bench.number(f"scoring {self.rules:,} rules: sums by month", scored["RuleMonth"], "rows")

    def _rollups(self, database: str, *words: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.bench.python(database, "-m", "tests.scale.rollups", *words).output)
        return found

    def pages(self, sizes: list[int], requests: int) -> None:
        """The median of each page at each size, the sizes in turns."""
        bench, doors = self.bench, []
        for cases in sizes:
            house = self.house(cases)
            bench.python(house, "manage.py", "refresh_figures")
            doors.append(Door(bench, house, cases))
        try:
            for page in PAGES:
                self._page(page, doors, requests)
        finally:
            for door in doors:
                door.close()

    def _page(self, page: str, doors: list["Door"], requests: int) -> None:
        bench = self.bench
        for door in doors:
            door.ask("time", page)  # its templates are compiled, and what is looked up once a minute is known
        queries = {door.ask("count", page)["queries"] for door in doors}
        taken: dict[int, list[float]] = {door.cases: [] for door in doors}
        for turn in range(requests):
            for door in doors if turn % 2 else reversed(doors):
                taken[door.cases].append(1000 * door.ask("time", page)["seconds"])
        title = f"{page}, {self.rules:,} rules"
        bench.number(f"{title}: queries", max(queries), "", "the same", len(queries) == 1)
        small = median(taken[doors[0].cases])
        for cases, all_of_them in taken.items():
            slowest = median(all_of_them)
            bench.number(f"{title}, {cases:,} cases", slowest, "ms", f"< {SLOWEST}", slowest < SLOWEST)
        for door in doors[1:]:
            ratio = median(taken[door.cases]) / small
            name = f"{title}: {door.cases:,} / {doors[0].cases:,} cases"
            bench.number(name, ratio, "x", "within 25 %", abs(ratio - 1) <= WITHIN)


class Door:
    """A process that opens pages of one house."""

    def __init__(self, bench: Bench, house: str, cases: int) -> None:
        self.cases = cases
        self.errors = tempfile.TemporaryFile()  # noqa: SIM115  (closed with the door)
        words = [sys.executable, "-m", "tests.scale.serving", str(cases)]
        self.process = subprocess.Popen(
            words, cwd=ROOT, env=bench.environment(house), text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=self.errors,
        )  # fmt: skip

    def ask(self, word: str, page: str) -> dict[str, Any]:
        assert self.process.stdin and self.process.stdout
        try:
            self.process.stdin.write(f"{word} {page}\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            self.errors.seek(0)
            raise SystemExit(f"{page} at {self.cases:,} cases: {self.errors.read().decode()[-4000:]}")
        found: dict[str, Any] = json.loads(line)
        return found

    def close(self) -> None:
        if self.process.stdin:
            self.process.stdin.close()
        self.process.wait(timeout=60)
        self.errors.close()
