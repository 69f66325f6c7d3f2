"""From an empty database to the first rule that somebody would drop: no case file, no manual, a handful of steps."""

import socket
import subprocess
import time
import urllib.error

import pytest

from tests.journeys.installation import Installation
from tests.journeys.visitor import Visitor

PASSWORD = "a-made-up-password-for-tests"
# What fourteen people in one room say when they are asked which rules they go by. Made up.
SHEET = """
- No refunds are started on a Friday
- The customer must call the carrier
- A refund is paid only when the warehouse has scanned the return
- An agent may refund at most 500 kr
- We never promise a delivery date
- Express orders are never changed
- A complaint must be in writing
- We do not recommend a size
- The mail address is never said aloud
- Sale goods are not exchanged
- Ask for the order number before anything else
- A call may take at most 180 seconds
- Mails are signed with the team's name
- An angry customer is handed to the shift lead
"""
# A person who meets a page for the first time: a minute to read it and to do what it asks, and ten seconds a line.
MINUTES_A_STEP, MINUTES_A_LINE = 1, 1 / 6


@pytest.fixture
def house(tmp_path):
    """A new folder, and what the README has a first person type."""
    place = Installation(
        tmp_path / "house", RULEBOOK_WORKER="off",
        DJANGO_SUPERUSER_PASSWORD=PASSWORD, DJANGO_SUPERUSER_USERNAME="lene", DJANGO_SUPERUSER_EMAIL="",
    )  # fmt: skip
    place.commands = []
    for words in (["migrate"], ["createsuperuser", "--noinput"]):
        done = place.run(*words)
        assert done.returncode == 0, done.stderr
        place.commands.append(words[0])
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    server = place.start("runserver", "--noreload", f"127.0.0.1:{port}", **quiet)
    place.commands.append("runserver")
    place.address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(300):
            assert server.poll() is None, "the server ended before it answered"
            try:
                Visitor(place.address).open("/")
                break
            except urllib.error.URLError:
                time.sleep(0.2)
        yield place
    finally:
        server.terminate()
        server.wait(10)


def test_from_an_empty_house_to_the_first_drop_is_a_handful_of_steps(house, capsys):
    began = time.monotonic()
    lene = Visitor(house.address)
    lene.open("/")
    start = lene.press("Sign in", username="lene", password=PASSWORD)
    assert "Write the first rule down" in start.text
    lene.follow("Write rules down")
    sheet = lene.press("Write it down", lines=SHEET)
    assert "14 written down; most houses pass 20." in sheet.text
    sort = lene.follow("Sort them")
    assert "0 of 14 sorted" in sort.text
    lene.press("Drop")
    assert house.ask("SELECT COUNT(*) FROM catalogue_rule WHERE intent = 'drop'") == [(1,)]
    to_the_first = [*house.commands, *lene.steps]

    while "All are sorted." not in lene.page.text:
        lene.press("Drop" if "refund" in lene.page.text.partition('id="sort-title"')[2][:200] else "Keep")
    assert "3 rules you can do without" in lene.page.text
    assert house.count("cases_case") == house.count("cases_source") == house.count("cases_upload") == 0

    minutes = len(to_the_first) * MINUTES_A_STEP + len(SHEET.strip().splitlines()) * MINUTES_A_LINE
    with capsys.disabled():  # the run's own log says how far it is from install to drop
        print(f"\nfirst drop: {len(to_the_first)} steps ({', '.join(to_the_first)}), some {minutes:.0f} minutes for a "  # noqa: T201
              f"person, {time.monotonic() - began:.1f} s for the pages of all 14")  # fmt: skip
    assert len(to_the_first) <= 9 and minutes <= 30
