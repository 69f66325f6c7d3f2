"""Whoever has the whole database, all that the server logs and the log of the documented proxy cannot tell who sent an
anonymous flag, nor at which hour. A double tap on a real web server is one flag, and both taps show one code.
"""

import copy
import re
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from threading import Barrier

import pytest
from django.utils import timezone

from tests.journeys.installation import ROOT, SERVER, Installation
from tests.journeys.phone import Phone
from tests.journeys.room import served

pytestmark = pytest.mark.process

PASSWORD = "a-made-up-password-for-tests"
PEOPLE = f"""
from rulebook.access.services import give_sign_in, team_named
from rulebook.catalogue.services import write_down
team = team_named(name="Calls", by=None)
write_down(fields={{"title": "Refunds over 200 kr need a manager"}}, by=None, code="R-0014")
for name in ("kirsten.b", "ole.h", "eva.s"):
    give_sign_in(username=name, password="{PASSWORD}", role="agent", team=team, by=None)
"""
WORDS = "Refund of 240 kr for a late parcel"
TAPS = 8
TABLES = ("flags_flag", "flags_heldflag")
HOUR = re.compile(r"\b[0-2]?\d[:.][0-5]\d\b")


def new_house(folder):
    made = Installation(folder, RULEBOOK_WORKER="off", RULEBOOK_LOG_LEVEL="DEBUG")
    assert made.run("shell", "-v0", "-c", PEOPLE).returncode == 0
    return made


@pytest.fixture
def place(tmp_path):
    return new_house(tmp_path / "house")


def dump(place):
    """{table: its rows as lines, in the order of the file}: what a dump of the database holds."""
    if SERVER:
        names = [name for (name,) in place.ask("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
        return {name: [repr(row) for row in place.ask(f'SELECT * FROM "{name}" ORDER BY ctid')] for name in names}
    with closing(sqlite3.connect(place.path)) as connection:
        found = {}
        for line in connection.iterdump():
            if table := re.match(r'INSERT INTO "(\w+)"', line):
                found.setdefault(table[1], []).append(line)
        return found


def changed(before, after):
    return {name for name in before | after if before.get(name, []) != after.get(name, [])}


def test_an_anonymous_flag_leaves_a_trace_in_one_table_and_in_no_line_of_the_log(place):
    log = place.folder / "gunicorn.log"
    with served(place) as (port, _server):
        # One agent is at work that day, and only one flag comes: nobody to hide among.
        phone = Phone(port).sign_in("kirsten.b", PASSWORD)
        before, told = dump(place), log.stat().st_size
        phone.get("/flag/?rule=R-0014&channel=phone")
        first = phone.hidden()
        phone.post("/flag/rules/", rule_words="refnd", **first)
        phone.page = "".join(f'<input type="hidden" name="{name}" value="{text}">' for name, text in first.items())
        assert phone.post("/flag/", stopped="", anonymous="on") == 422
        said = {"stopped": WORDS, "rule": "R-0014", "heard": "My manager won’t let me", "anonymous": "on"}
        assert phone.post("/flag/", **said) == 200
        code = phone.receipt()
        assert phone.post("/flag/more/", minutes="10", instead="Refunded at once", case_reference="ZD-48213") == 200
        phone.get("/flag/receipt/")
        assert phone.post("/flag/receipt/", code=code) == 200 and "Not read yet" in phone.page
        after, lines = dump(place), log.read_text()[told:]
    assert changed(before, after) == {"flags_heldflag"}
    (row,) = after["flags_heldflag"]
    assert WORDS in row and "Refunded at once" in row
    for trace in ("kirsten", "Calls", "48213", code, str(timezone.now().year) + "T"):
        assert trace not in row, trace
    assert not HOUR.search(row), row
    assert "/flag" not in lines and WORDS not in lines and "kirsten" not in lines, lines

    place.tell(f"UPDATE flags_heldflag SET held_on = '{timezone.localdate() - timedelta(days=2)}'")
    done = place.run("work")
    assert "Anonymous flags released: 1." in done.stdout
    ((author, team, source, case, at),) = place.ask(
        "SELECT author_id, team_id, source_id, case_reference, flagged_at FROM flags_flag"
    )
    assert (author, team, source, case, at) == (None, None, None, "", None)
    events = place.ask("SELECT verb, object_code, after, actor, note FROM journal_event WHERE object_type = 'flag'")
    ((actor,),) = place.ask("SELECT number FROM journal_actor WHERE kind = 'system'")
    assert [tuple(event) for event in events] == [("flags_released", "", "1", actor, None)]


@pytest.fixture(scope="module")
def busy(tmp_path_factory):
    """(the installation, its port): one web server for the tests below, each of which has words of its own."""
    made = new_house(tmp_path_factory.mktemp("busy") / "house")
    with served(made) as (port, _server):
        yield made, port


def stored(place, table):
    return {text for (text,) in place.ask(f"SELECT stopped FROM {table}")}


def test_a_signed_flag_is_told_of_with_its_author(busy):
    """The trace that is missing above is one that this test would see."""
    place, port = busy
    phone = Phone(port).sign_in("ole.h", PASSWORD)
    before = dump(place)
    assert phone.post("/flag/", stopped=WORDS) == 200 and not phone.receipt()
    after = dump(place)
    assert {"flags_flag", "journal_event", "journal_journalhead"} <= changed(before, after)
    assert "flags_heldflag" not in changed(before, after)


@pytest.mark.parametrize("switch", [{}, {"anonymous": "on"}])
def test_taps_at_the_same_moment_are_one_flag_and_all_show_the_same(busy, switch):
    place, port = busy
    phone = Phone(port).sign_in("ole.h" if switch else "kirsten.b", PASSWORD)
    taps, start = [copy.copy(phone) for _ in range(TAPS)], Barrier(TAPS)
    words = f"tapped with {len(switch)} switches"

    def tap(one):
        start.wait()
        return one.post("/flag/", stopped=words, **switch), one.receipt()

    with ThreadPoolExecutor(TAPS) as pool:
        answers = set(pool.map(tap, taps))
    ((status, code),) = answers
    assert status == 200 and bool(code) == bool(switch)
    found = [place.ask(f"SELECT COUNT(*) FROM {table} WHERE stopped = '{words}'") for table in TABLES]
    assert found == ([[(0,)], [(1,)]] if switch else [[(1,)], [(0,)]])


def test_agents_who_flag_at_the_same_moment_are_all_heard(busy):
    """Each that joins writes all of the day anew: none may be lost on the way."""
    place, port = busy
    phones, start = [Phone(port).sign_in("eva.s", PASSWORD)], Barrier(TAPS)
    phones += [copy.copy(phones[0]) for _ in range(TAPS - 1)]
    for one in phones:
        one.get("/flag/")

    def send(number):
        start.wait()
        return [phones[number].post("/flag/", stopped=f"{number}-{step}", anonymous="on") for step in range(2)]

    with ThreadPoolExecutor(TAPS) as pool:
        statuses = {status for some in pool.map(send, range(TAPS)) for status in some}
    assert statuses == {200}
    assert stored(place, "flags_heldflag") >= {f"{number}-{step}" for number in range(TAPS) for step in range(2)}


LOGGED = re.compile(r"location\s+(\S+)\s*{(.*?)}", re.DOTALL)


def test_the_documented_proxy_writes_no_line_for_anything_that_a_page_of_the_front_line_loads():
    """Longest prefix wins in nginx, as here."""
    readme = (ROOT / "README.md").read_text()
    (block,) = re.findall(r"```nginx\n(.*?)```", readme, re.DOTALL)
    places = dict(LOGGED.findall(block))
    assert "access_log off" not in block.split("location")[0] and "error_log" in block
    for told in places.values():  # what the client says of its address is overwritten, and not added to
        assert re.findall(r"proxy_set_header X-Forwarded-For (\S+);", told) == ["$remote_addr"]
    for path, logged in {
        "/flag/": False, "/flag/rules/": False, "/flag/more/": False, "/flag/receipt/": False, "/vote/": False,
        "/t/x/": False, "/answers/": False, "/sign-in/": False, "/static/flag.css": False,
        "/static/favicon.svg": False, "/": False, "/admin/catalogue/rule/": True,
    }.items():  # fmt: skip
        prefix = max((prefix for prefix in places if path.startswith(prefix)), key=len)
        assert ("access_log off" not in places[prefix]) == logged, path
