"""`python -m tests.scale [import] [figures] [pages]`: the numbers to reach, all three where none is named.

On SQLite, or with `--database postgresql://...` (default: RULEBOOK_DATABASE_URL) on a server where databases may be
made. Every number is a median; what is compared takes turns, so that a busy machine slows both. `--json FILE` writes
them beside those of other engines and parts.

- import: *raw* is `raw.py`; ours is `manage.py import_cases`, from the start of the command to its end, which is when
  the outcomes are stored.
- figures: from the cases to the sums by month and from these to the figures, against plain SELECTs of the same sums.
- pages: what a manager waits for at 10,000 rules, with few cases and with many.
"""

import argparse
import os
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from tests.scale import desk, imports
from tests.scale.bench import Bench, machine, write
from tests.scale.databases import PostgreSql, Sqlite

PARTS = ("import", "figures", "pages")


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.scale", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], default=[], metavar="part", help=", ".join(PARTS))
    parser.add_argument("--rows", type=int, default=1_000_000, help="Cases to import and refresh; default 1,000,000.")
    parser.add_argument("--rules", type=int, default=10_000, help="Of figures and pages; default 10,000.")
    parser.add_argument("--pages", type=int, nargs="+", default=[10_000, 1_000_000], metavar="CASES",
                        help="Sizes to compare; default 10,000 and 1,000,000.")  # fmt: skip
    parser.add_argument("--requests", type=int, default=200, help="Of each page and size; default 200.")
    parser.add_argument("--database", default=os.environ.get("RULEBOOK_DATABASE_URL") or "sqlite",
                        help="sqlite, or the URL of a PostgreSQL that may be filled.")  # fmt: skip
    parser.add_argument("--times", type=int, default=3, help="How often the rest is measured; default 3.")
    parser.add_argument("--json", type=Path, metavar="FILE", help="Write the numbers there, beside those it holds.")
    options = parser.parse_args()
    wanted = options.parts or PARTS
    with tempfile.TemporaryDirectory(prefix="rulebook-scale-") as name:
        folder = Path(name)
        databases = PostgreSql(options.database) if "postgres" in options.database else Sqlite(folder)
        bench = Bench(folder, databases)
        try:
            if "import" in wanted:
                imports.run(bench, options.rows, options.times)
            with desk.Desk(bench, options.rules) as house:
                if "figures" in wanted:
                    house.figures(options.rows, options.times)
                if "pages" in wanted:
                    house.pages(options.pages, options.requests)
        finally:
            if options.json and bench.numbers:  # what was measured before a later part failed, too
                write(options.json, {
                    "date": datetime.now(UTC).date().isoformat(),
                    **({"rows": options.rows, "links": options.rows * 6 // 10} if "import" in wanted else {}),
                    "machine": machine(databases),
                    "numbers": bench.numbers,
                })  # fmt: skip


if __name__ == "__main__":
    main()
