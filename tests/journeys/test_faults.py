"""An import may be killed at any moment, stand still, or meet another one: the data ends as if nothing had happened."""

import base64
import json
import random
import re
import signal
import threading
from datetime import UTC, datetime, timedelta

import pytest

from tests.cases.importer import Done, table
from tests.journeys.installation import Installation

pytestmark = pytest.mark.process

HEADER = "external_id opened_at customer topic excluded rules"
START = datetime.fromisoformat("2026-01-01T08:00")
WAITS = "Another import of this source is running"


def some_rows(prefix, count, seed):
    """Cases of few customers, so that many come back; some excluded, some rejected, some said twice."""
    pick = random.Random(seed)
    for number in range(count):
        opened = START + timedelta(minutes=pick.randrange(60 * 24 * 60))
        yield (
            f"{prefix}{number if pick.random() > 0.02 else pick.randrange(count)}",
            opened.isoformat(" ") if pick.random() > 0.01 else "never",
            f"customer {pick.randrange(count // 4)}" if pick.random() > 0.1 else "",
            pick.choice(["returns", "bills", "delivery/late", ""]),
            pick.choice([""] * 19 + ["spam"]),
            pick.choice(["", "", "R0", "R1;R2", "R9;unknown"]),
        )


class World:
    """Files of one world, and its state after an import that nobody disturbed."""

    def __init__(self, folder):
        self.folder = folder
        self.ring = folder / "key_ring.json"
        key = base64.b64encode(b"k" * 32).decode()
        self.ring.write_text(json.dumps({"current": 1, "keys": {"1": key}}))
        self.rules = table(folder / "rules.csv", "code title", *((f"R{n}", f"Rule {n}") for n in range(9)))
        self.early = table(folder / "early.csv", HEADER, *some_rows("C", 1_500, 1))
        self.late = table(folder / "late.csv", HEADER, *some_rows("C", 900, 2), *some_rows("N", 4_000, 3))
        pick = random.Random(4)
        self.links = table(
            folder / "links.csv",
            "case rule effect",
            *(
                (f"{pick.choice('CNX')}{pick.randrange(4_000)}", f"R{pick.randrange(11)}", "blocked")
                for _ in range(2_500)
            ),
        )
        self.order = ("import_cases", self.late, "--source", "shop", "--links", self.links)
        self.first = Installation(folder / "first", RULEBOOK_KEY_RING=self.ring)
        first, second = self.first.run_all(
            [("import_rules", self.rules), ("import_cases", self.early, "--source", "shop", "--links", self.links)]
        )
        assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
        place = self.prepared("undisturbed")
        self.counts = Done(place.run(*self.order).stdout).counts
        self.state = place.state()

    def prepared(self, name):
        """An installation with the rules and the early cases."""
        return Installation(self.folder / name, like=self.first)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return World(tmp_path_factory.mktemp("faults"))


def new_cases(count):
    return f"SELECT COUNT(*) >= {count} FROM cases_case WHERE external_id LIKE 'N%'"


LINKED = (
    "SELECT COUNT(*) >= 50 FROM cases_caserule l JOIN cases_case c ON c.id = l.case_id "
    "WHERE c.external_id LIKE 'N%' AND l.effect = 'blocked'"
)
JUDGED = "SELECT COUNT(*) >= 1 FROM cases_case WHERE external_id LIKE 'N%' AND outcome IN ('resolved', 'not_resolved')"
RUNS = "SELECT COUNT(*) FROM cases_importrun"
MOVED = "SELECT COUNT(*) >= 1 FROM cases_importrun WHERE state = 'running' AND horizon IS NOT NULL"


def kill_when(place, order, query):
    """Start the import, kill it once its run stands and the query says yes; whether it came to that.

    An import killed before may have left it at yes, and this one must not die before it has begun.
    """
    before = place.ask(RUNS)[0][0]
    process = place.start(*order)
    reached = place.wait_until(f"SELECT ({RUNS}) > {before} AND ({query})", process)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    return reached and process.returncode == -signal.SIGKILL


TRIES = 5


@pytest.mark.parametrize(
    "moments",
    [
        ("while cases and links are stored", [new_cases(1), new_cases(2_000), LINKED]),
        ("while outcomes are stored", [MOVED, JUDGED]),
    ],
    ids=lambda moments: moments[0],
)
def test_an_import_that_was_killed_is_simply_run_again(world, tmp_path, moments):
    for attempt in range(TRIES):  # on a busy machine an import may end before the kill arrives
        place = world.prepared(tmp_path / f"killed{attempt}")
        killed = [kill_when(place, world.order, query) for query in moments[1]]
        if all(killed) and place.ask("SELECT judged <> changes FROM cases_source")[0][0]:
            break
    else:
        pytest.fail("the import had done its work each time before it could be killed")
    again = place.run(*world.order)
    assert again.returncode == 0 and WAITS not in again.stderr
    counts = Done(again.stdout)
    assert (counts.read, counts.replaced, counts.rejected, counts.excluded) == tuple(
        world.counts[name] for name in ("read", "replaced", "rejected", "excluded")
    )
    assert place.state() == world.state
    states = [state for (state,) in place.ask("SELECT state FROM cases_importrun ORDER BY id")]
    assert states == ["finished", *["dead"] * len(killed), "finished"]
    assert place.ask("SELECT COUNT(*) FROM journal_event WHERE verb = 'imported'") == [(2,)]


def test_an_import_killed_again_and_again_at_random_ends_as_if_never_disturbed(world, tmp_path):
    place = world.prepared(tmp_path / "random")
    seed = random.randrange(10_000)
    pick = random.Random(seed)
    for _ in range(2):
        process = place.start(*world.order)
        place.wait_until("SELECT COUNT(*) FROM cases_importrun WHERE state = 'running'", process)
        threading.Event().wait(pick.uniform(0, 1.2))
        process.kill()
        process.communicate()
    assert place.run(*world.order).returncode == 0
    assert place.state() == world.state, f"seed {seed}"


def test_of_two_imports_at_once_one_waits_for_the_other(world, tmp_path):
    place = world.prepared(tmp_path / "two")
    first = place.start(*world.order)
    assert place.wait_until(new_cases(1), first)
    place.pause(first)
    second = place.start(*world.order)
    told = []
    for line in second.stderr:
        told.append(line)
        if WAITS in line:
            break
    assert WAITS in told[-1], "".join(told)
    assert place.ask("SELECT COUNT(*) FROM cases_importrun WHERE state = 'running'") == [(1,)]
    first.send_signal(signal.SIGCONT)
    out, err = first.communicate(timeout=120)
    assert first.returncode == 0, err
    assert Done(out).counts == world.counts
    out, err = second.communicate(timeout=120)
    assert second.returncode == 0, err
    assert Done(out).created == Done(out).updated == 0
    assert place.state() == world.state


def test_an_import_that_stood_still_and_was_taken_over_stops_with_a_sentence(world, tmp_path):
    place = world.prepared(tmp_path / "still")
    first = place.start(*world.order)
    assert place.wait_until(new_cases(1), first)
    place.pause(first)
    place.tell(f"UPDATE cases_importrun SET heartbeat = '{ago(61)}' WHERE state = 'running'")
    second = place.run(*world.order)
    assert second.returncode == 0, second.stderr
    first.send_signal(signal.SIGCONT)
    _, err = first.communicate(timeout=120)
    assert first.returncode == 1 and "Traceback" not in err
    assert "Another import of this source took over" in err.splitlines()[-1]
    assert place.state() == world.state
    states = [state for (state,) in place.ask("SELECT state FROM cases_importrun ORDER BY id")]
    assert states == ["finished", "dead", "finished"]


def test_a_dead_import_of_another_machine_is_taken_over_after_a_minute_of_silence(world, tmp_path):
    place = world.prepared(tmp_path / "elsewhere")
    place.tell(f"UPDATE cases_importrun SET state = 'running', host = 'elsewhere', heartbeat = '{ago(0)}'")
    process = place.start(*world.order)
    for line in process.stderr:
        if WAITS in line:
            break
    assert process.poll() is None
    place.tell(f"UPDATE cases_importrun SET heartbeat = '{ago(50)}' WHERE host = 'elsewhere'")
    threading.Event().wait(2.5)
    assert process.poll() is None and place.ask(new_cases(1))[0][0] in (0, False)
    place.tell(f"UPDATE cases_importrun SET heartbeat = '{ago(61)}' WHERE host = 'elsewhere'")
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert Done(out).counts == world.counts and place.state() == world.state


def test_an_import_that_fails_is_over_at_once_and_can_be_run_again(world, tmp_path):
    place = world.prepared(tmp_path / "interrupted")
    process = place.start(*world.order)
    assert place.wait_until(new_cases(1), process)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130 and "Traceback" not in err and re.search(r"Stopped\. Run it again", err)
    assert place.ask("SELECT COUNT(*) FROM cases_importrun WHERE state = 'failed'") == [(1,)]
    assert place.run(*world.order).returncode == 0
    assert place.state() == world.state


def ago(seconds):
    """A moment as both databases read it."""
    return (datetime.now(UTC) - timedelta(seconds=seconds)).strftime("%Y-%m-%d %H:%M:%S")
