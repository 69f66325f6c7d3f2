"""A room full of people who vote: a real web server of two processes, and 200 phones that tap at the same moment."""

import asyncio
import json
import math
import os
import random
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import unescape
from urllib.parse import urlencode

from tests.journeys.installation import ROOT

WORKERS = 2
PATIENCE = 30  # seconds that a phone waits for one answer
PEOPLE = """
import json
from django.contrib.sessions.backends.db import SessionStore
from rulebook.access.models import Person
from rulebook.access.services import give_sign_in, make_team_link, team_named, set_headcount
from rulebook.catalogue.services import write_down
for number in range({rules}):
    fields = {{"title": f"Rule {{number}}", "customer_hears": "I'm not allowed to."}}
    write_down(fields=fields, by=None, code=f"V{{number}}")
team = team_named(name="A large team", by=None)
set_headcount(team=team, headcount={people}, by=None)
sessions = []
for number in range({signed_in}):
    person = give_sign_in(username=f"agent{{number}}", password="unused-and-made-up", role="agent", team=team, by=None)
    session = SessionStore()
    session.update({{"_auth_user_id": str(person.pk), "_auth_user_backend": "django.contrib.auth.backends.ModelBackend",
                     "_auth_user_hash": person.get_session_auth_hash()}})
    session.create()
    sessions.append(session.session_key)
print(json.dumps({{"sessions": sessions, "link": make_team_link(team=team, by=None)}}))
"""


@dataclass
class Reply:
    status: int
    headers: str
    body: str

    def cookies(self):
        return dict(re.findall(r"(?mi)^set-cookie: (\w+)=([^;]*)", self.headers))


@dataclass
class Phone:
    """One voter: its cookies, and the card before it."""

    port: int
    cookies: dict = field(default_factory=dict)
    form: dict = field(default_factory=dict)
    following: str = ""  # the address of the next card, which is fetched while this one is read
    ahead: Reply | None = None
    seconds: list = field(default_factory=list)  # of answers that came
    acknowledged: dict = field(default_factory=dict)  # {card: impact}
    broken: int = 0  # connections that ended without an answer
    failures: list = field(default_factory=list)

    async def ask(self, method, address, sent=None, wants="1"):
        """One request on a connection of its own; None where the connection broke."""
        body = urlencode(sent or {}).encode()
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        head = [
            f"{method} {address} HTTP/1.1",
            "Host: localhost",
            "Connection: close",
            f"X-Card: {wants}",
            f"Cookie: {cookies}",
        ]
        if method == "POST":
            head += ["Content-Type: application/x-www-form-urlencoded", f"Content-Length: {len(body)}"]
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            writer.write("\r\n".join([*head, "", ""]).encode() + body)
            answer = await asyncio.wait_for(reader.read(), PATIENCE)
            writer.close()
        except (ConnectionError, TimeoutError):
            answer = b""
        start, _, rest = answer.partition(b"\r\n\r\n")
        if not start.startswith(b"HTTP/1.1 ") or length(start) > len(rest):
            return None  # broken off in the middle is no answer either
        reply = Reply(int(start.split()[1]), start.decode(), rest.decode())
        self.cookies.update(reply.cookies())
        return reply

    def take(self, reply):
        """The card that a reply laid on the table."""
        self.form = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', reply.body))
        following = re.search(r' data-next="([^"]*)"', reply.body)
        self.following = unescape(following[1]) if following else ""

    async def open(self, address="/vote/"):
        reply = await self.ask("GET", address)
        assert reply is not None and reply.status == 200, reply
        self.take(reply)

    async def look_ahead(self):
        """Fetch the next card, as `vote.js` does while this one is read."""
        self.ahead = await self.ask("GET", self.following) if self.following else None

    async def tap(self, impact, after=0.0):
        """Vote on the card on the table. A broken connection is no acknowledgement: the same vote is sent again."""
        await asyncio.sleep(after)
        card = self.form["card"]
        while True:
            began = time.perf_counter()
            wants = "stored" if self.ahead else "1"
            reply = await self.ask("POST", "/vote/", {**self.form, "impact": impact}, wants)
            if reply is not None:
                break
            self.broken += 1
            await asyncio.sleep(0.05)
        self.seconds.append(time.perf_counter() - began)
        if reply.status in {200, 204}:
            self.acknowledged[int(card)] = impact
            self.take(self.ahead if reply.status == 204 else reply)
        else:
            self.failures.append((reply.status, reply.body[:200]))


def length(head):
    found = re.search(rb"(?mi)^content-length: (\d+)", head)
    return int(found[1]) if found else 0


@contextmanager
def served(place, workers=WORKERS):
    """gunicorn as the README starts it, over an installation; gives (port, its process)."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        sys.executable,
        "-m",
        "gunicorn",
        "rulebook.wsgi",
        "--bind",
        f"127.0.0.1:{port}",
        "--workers",
        str(workers),
    ]
    with (place.folder / "gunicorn.log").open("w") as log:
        server = subprocess.Popen(command, cwd=ROOT, env=place.environment, stdout=log, stderr=log)
    try:
        until = time.monotonic() + 60
        while len(workers_of(server)) < workers or not answers(port):
            assert server.poll() is None and time.monotonic() < until, (place.folder / "gunicorn.log").read_text()
            time.sleep(0.1)
        yield port, server
    finally:
        server.terminate()
        server.wait(30)


def answers(port):
    return asyncio.run(Phone(port).ask("GET", "/sign-in/")) is not None


def workers_of(server):
    """The numbers of the server's processes that answer requests."""
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(server.pid)], capture_output=True, text=True).stdout
    return [int(number) for number in found.split()]


def kill_one(server):
    os.kill(workers_of(server)[0], signal.SIGKILL)


def invited(place, people, rules):
    """Half of them signed in, half with a team's link; {sessions, link}, made before the server starts."""
    script = PEOPLE.format(rules=rules, people=people, signed_in=people - people // 2)
    done = place.run("shell", "-v0", "-c", script)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def seated(port, invitation, people):
    """The phones, each with its first card. One after the other: that is not what is measured."""

    async def sit():
        phones = [Phone(port, {"sessionid": key}) for key in invitation["sessions"]]
        for _ in range(people - len(phones)):
            phone = Phone(port)
            reply = await phone.ask("GET", f"/t/{invitation['link']}/")
            assert reply.status == 302, reply
            phones.append(phone)
        for phone in phones:
            await phone.open()
        return phones

    return asyncio.run(sit())


def burst(phones, *, spread=0.0, meanwhile=None, seed=1):
    """All vote on their card, within so many seconds; `meanwhile` is called when a third of them have an answer."""
    dice = random.Random(seed)

    async def vote():
        for phone in phones:
            await phone.look_ahead()
        began = [len(phone.seconds) for phone in phones]
        taps = [asyncio.create_task(phone.tap(dice.randint(-2, 2), dice.random() * spread)) for phone in phones]
        if meanwhile is not None:
            while (
                sum(len(phone.seconds) > count for phone, count in zip(phones, began, strict=True)) < len(phones) // 3
            ):
                await asyncio.sleep(0.001)
            meanwhile()
        await asyncio.gather(*taps)

    asyncio.run(vote())


def percentile(seconds, part):
    """The value that this part of them does not exceed.

    >>> percentile([1, 2, 3, 4], 0.5)
    2
    """
    return sorted(seconds)[max(0, math.ceil(len(seconds) * part) - 1)]
