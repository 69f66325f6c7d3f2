"""`python -m tests.scale.voting`: how long 200 people who vote at once wait for their answer, while an import runs.

On SQLite, under gunicorn with two processes as the README starts it. Wants a machine that does nothing else: phones,
server and import share its cores. Prints milliseconds: the median, 99 of 100, and the slowest. `--within`: they tap
within so many seconds; 0 is all at the same instant.
"""

import argparse
import os
import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "rulebook.settings")
django.setup()

from tests.cases.importer import table  # noqa: E402
from tests.journeys.installation import Installation  # noqa: E402
from tests.journeys.room import burst, invited, percentile, seated, served  # noqa: E402


def cases(path: Path, count: int) -> Path:
    start, dice = datetime.fromisoformat("2026-01-01T08:00"), Random("voting")
    rows = (
        (f"C{number}", (start + timedelta(minutes=number)).isoformat(" "), f"customer {dice.randrange(count // 3)}",
         dice.choice(["returns", "bills"]), dice.choice(["", "", "V0", "V1;V2"]))
        for number in range(count)
    )  # fmt: skip
    return table(path, "external_id opened_at customer topic rules", *rows)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.scale.voting", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--people", type=int, default=200)
    parser.add_argument("--bursts", type=int, default=8, help="The first two are without an import.")
    parser.add_argument("--within", type=float, default=0.0, metavar="SECONDS")
    parser.add_argument("--cases", type=int, default=200_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="rulebook-voting-") as name:
        place = Installation(Path(name) / "room")
        file = cases(Path(name) / "cases.csv", options.cases)
        invitation = invited(place, options.people, options.bursts)
        with served(place) as (port, _server):
            phones = seated(port, invitation, options.people)
            importing = None
            for number in range(options.bursts):
                if number == 2:
                    importing = place.start("import_cases", file, "--source", "shop")
                    place.wait_until("SELECT COUNT(*) FROM cases_case", importing)
                burst(phones, spread=options.within)
                running = importing is not None and importing.poll() is None
                waited = [phone.seconds[-1] for phone in phones]
                shown = " ".join(f"{1000 * percentile(waited, part):7.0f}" for part in (0.5, 0.99, 1))
                print(f"{'with an import' if running else 'alone':<16}{shown}")  # noqa: T201
            if importing is not None:
                importing.communicate()
        stored = place.count("votes_standingvote")
        failed = sum(len(phone.failures) + phone.broken for phone in phones)
        print(f"{stored} votes stored of {options.people * options.bursts} given, {failed} failures")  # noqa: T201


if __name__ == "__main__":
    main()
