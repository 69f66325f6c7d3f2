"""The background by real processes: killed, doubled, stopped, under web servers, it ends as if never disturbed."""

import signal
import socket
import subprocess
import sys
import time

import pytest

from tests.cases.importer import plain
from tests.journeys.installation import ROOT, Installation
from tests.journeys.test_faults import MOVED, World, kill_when, new_cases

pytestmark = pytest.mark.process

FIGURES = (
    "SELECT r.code, f.listed, f.why, f.n, f.missed, f.cases, f.expected, f.excess, f.volume, f.harm, f.low, f.high, "
    "f.price, f.blocked, f.silent, f.monthly FROM insight_rulefigures f JOIN catalogue_rule r ON r.id = f.rule_id"
)
COUNTED = "SELECT COUNT(*) FROM insight_rulemonth"
DONE = "SELECT COUNT(*) FROM cases_upload WHERE state = 'done'"
AT_WORK = "SELECT COUNT(*) FROM desk_lease WHERE process <> ''"
FRESH = (
    "SELECT COUNT(*) FROM cases_source s JOIN insight_sourcefigures f ON f.source_id = s.id "
    "WHERE s.judged = s.changes AND f.method = 'declared' AND NOT EXISTS (SELECT 1 FROM cases_dirtymonth)"
)
UPLOAD = """
from django.core.files.base import File
from rulebook.cases.uploads import Options, keep_upload, start_import
with open("{file}", "rb") as file, open("{links}", "rb") as links:
    upload = keep_upload(file=File(file), name="late.csv", by=None, links=File(links))
start_import(upload=upload, options=Options(source="shop"), by=None)
"""


class WorkingWorld(World):
    """An installation where a file waits to be imported, and its state after an undisturbed `work`."""

    def __init__(self, folder):
        super().__init__(folder)
        self.waiting = self.prepared("waiting")
        self.upload_into(self.waiting)
        place = self.with_upload("at rest")
        done = place.run("work")
        assert done.returncode == 0 and "Imported late.csv" in done.stdout and "figures: " in done.stdout
        assert place.state() == self.state
        self.figures = figures(place)
        assert len(self.figures) == 9

    def upload_into(self, place):
        done = place.run("shell", "-v0", "-c", UPLOAD.format(file=self.late, links=self.links))
        assert done.returncode == 0, done.stderr

    def with_upload(self, name, **variables):
        """A copy with files of its own: the folder of uploads stands beside the database, or in the data folder."""
        place = Installation(self.folder / name, like=self.waiting, **variables)
        subprocess.run(["cp", "-r", self.waiting.folder / "uploads", place.folder], check=True)
        return place


def figures(place):
    return sorted((tuple(map(plain, row)) for row in place.ask(FIGURES)), key=repr)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return WorkingWorld(tmp_path_factory.mktemp("work"))


def test_work_that_was_killed_in_an_import_and_in_the_figures_is_taken_up_by_the_next(world):
    place = world.with_upload("killed")
    for moment in (new_cases(1), MOVED, f"SELECT ({COUNTED}) > 0"):
        assert kill_when(place, ("work",), moment), f"it ended before {moment}"
        assert place.ask(AT_WORK) == [(1,)]
    done = place.run("work")
    assert done.returncode == 0 and "being done by" not in done.stderr
    assert place.state() == world.state and figures(place) == world.figures
    assert place.ask("SELECT state, attempts FROM cases_upload") == [("done", 3)]
    assert place.ask(AT_WORK) == [(0,)] and place.run("work").stdout == ""


def test_of_two_at_once_one_says_who_is_at_work_until_that_one_has_stood_still_for_a_minute(world):
    place = world.with_upload("two")
    first = place.start("work")
    assert place.wait_until(new_cases(1), first)
    place.pause(first)
    second = place.run("work")
    assert (second.returncode, second.stdout) == (0, "")
    assert f"The work is being done by process {first.pid} on {socket.gethostname()}" in second.stderr
    for table in ("desk_lease", "desk_duty", "cases_upload", "cases_importrun"):
        place.tell(f"UPDATE {table} SET heartbeat = '2026-01-01 00:00:00' WHERE heartbeat IS NOT NULL")
    third = place.run("work")
    assert third.returncode == 0 and "Imported late.csv" in third.stdout
    first.send_signal(signal.SIGCONT)
    out, err = first.communicate(timeout=120)
    assert first.returncode == 0 and "Traceback" not in err and "took" in out
    assert place.state() == world.state and figures(place) == world.figures
    assert place.ask("SELECT state FROM cases_upload") == [("done",)]


def test_for_ever_it_ends_cleanly_when_told_to_and_gives_the_import_back(world):
    place = world.with_upload("for ever")
    process = place.start("work", "--forever")
    assert place.wait_until(new_cases(1), process)
    process.send_signal(signal.SIGTERM)
    _out, err = process.communicate(timeout=60)
    assert process.returncode == 0 and "Stopped." in err and "Traceback" not in err
    assert place.ask("SELECT state, attempts FROM cases_upload") == [("waiting", 0)] and place.ask(AT_WORK) == [(0,)]
    process = place.start("work", "--forever")
    assert place.wait_until(DONE, process)
    assert place.wait_until(f"SELECT ({COUNTED}) > 0 AND ({AT_WORK}) = 0", process)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0 and "uploads: Imported late.csv" in out, err
    assert place.state() == world.state and figures(place) == world.figures


def test_figures_refreshed_during_an_import_are_right_after_it(world):
    place = world.prepared("during")
    process = place.start(*world.order)
    assert place.wait_until(new_cases(1), process)
    while process.poll() is None:
        assert place.run("work").returncode == 0
    assert process.communicate() and process.returncode == 0
    assert place.run("work").returncode == 0
    assert place.state() == world.state and figures(place) == world.figures


# Under web servers

GUNICORN = ("-m", "gunicorn", "rulebook.wsgi", "--workers", "2", "--bind")
SERVERS = {
    "runserver": ("manage.py", "runserver"),
    "gunicorn": GUNICORN,
    "gunicorn that loads once": (*GUNICORN[:-1], "--preload", "--bind"),
    "gunicorn without a worker": GUNICORN,
}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def served(world):
    """Every kind of server at once, each with a file that waits: starting them is all that takes time here."""
    places, processes = {}, {}
    for name, words in SERVERS.items():
        off = {"RULEBOOK_WORKER": "off"} if "without" in name else {}
        places[name] = world.with_upload(name, **off)
        processes[name] = subprocess.Popen(
            [sys.executable, *words, f"127.0.0.1:{free_port()}"], cwd=ROOT, env=places[name].environment, text=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
    yield places, processes
    for process in processes.values():
        if process.poll() is None:
            process.kill()
        process.wait()


@pytest.mark.parametrize("name", [name for name in SERVERS if "without" not in name])
def test_a_web_server_does_what_waits_and_what_changes_later_within_seconds(name, served, world):
    places, processes = served
    place, process = places[name], processes[name]
    assert place.wait_until(f"SELECT ({DONE}) = 1 AND ({COUNTED}) > 0 AND ({AT_WORK}) = 0", process, seconds=90)
    assert place.state() == world.state and figures(place) == world.figures
    assert place.ask("SELECT COUNT(*) FROM journal_event WHERE verb = 'imported'") == [(2,)]
    began = time.monotonic()
    place.tell("UPDATE cases_source SET method = 'declared', changes = changes + 1")
    assert place.wait_until(FRESH, process)
    assert time.monotonic() - began < 30  # a few seconds where nothing else keeps the machine busy


def test_a_web_server_ends_at_once_when_told_to_and_said_nothing_odd_meanwhile(served):
    _places, processes = served
    for name, process in processes.items():
        process.send_signal(signal.SIGINT if "runserver" in name else signal.SIGTERM)
    for name, process in processes.items():
        _out, err = process.communicate(timeout=20)
        assert "Traceback" not in err and "stands still" not in err, f"{name}: {err}"


def test_without_a_worker_a_web_server_leaves_the_work_to_the_operator(served, world):
    place = served[0]["gunicorn without a worker"]
    assert place.ask("SELECT state FROM cases_upload") == [("waiting",)] and place.ask(AT_WORK) == [(0,)]
    assert place.count("desk_lease") == place.count("desk_duty") == 0
