"""The demo behind a server of its own, a browser, and people signed in to it."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[2]
QUIET = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
PASSWORD = "a-made-up-password-for-tests"
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


@pytest.fixture(scope="module")  # not longer: while it runs, Django takes every other test for asynchronous code
def chromium():
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if not path:
        assert not os.environ.get("CI"), "the browser tests must run here, and there is no Chromium"
        pytest.skip("there is no Chromium on this machine")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, headless=True, args=list(QUIET))
        yield browser
        browser.close()


@contextmanager
def served(folder, *prepared, clock=None):
    """A server over a database in a folder, made by the `prepared` commands; gives its address.

    `clock` is a file that says how many days ahead of today all of it is (`tests.browser.clock`).
    """
    env = {name: value for name, value in os.environ.items() if not name.startswith("RULEBOOK_")}
    env["RULEBOOK_DATA_DIR"] = str(folder)

    def manage(*args):
        program = ["-m", "tests.browser.clock", str(clock)] if clock else ["manage.py"]
        return [sys.executable, *program, *args]

    for command in prepared:
        subprocess.run(manage(*command), cwd=ROOT, env=env, check=True, timeout=300, stdout=subprocess.DEVNULL)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        manage("runserver", "--noreload", f"127.0.0.1:{port}"),
        cwd=ROOT, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        wait_for(f"http://127.0.0.1:{port}/admin/login/", server)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(10)


@pytest.fixture(scope="session")
def address(tmp_path_factory):
    """The demo's database behind a server of its own; gives its address. Everybody's password is PASSWORD."""
    imports = "from django.contrib.auth.hashers import make_password; from rulebook.access.models import Person"
    change = f"Person.objects.exclude(username='agent').update(password=make_password('{PASSWORD}'))"
    folder = tmp_path_factory.mktemp("demo")
    with served(folder, ["demo", "--no-serve"], ["shell", "-c", f"{imports}; {change}"]) as found:
        yield found


@pytest.fixture(scope="session")
def empty_house(tmp_path_factory):
    """A database with a manager in it and nothing else, behind a server of its own; gives its address."""
    imports = "from rulebook.access.services import give_sign_in, team_named"
    people = f"give_sign_in(username='manager', password='{PASSWORD}', role='manager', team=None, by=None)"
    with served(tmp_path_factory.mktemp("empty"), ["migrate"], ["shell", "-c", f"{imports}; {people}"]) as found:
        yield found


def wait_for(url, server):
    for _ in range(150):
        assert server.poll() is None, "the server ended before it answered"
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    pytest.fail("the server did not answer in 30 seconds")


def went_wrong(message):
    """A request that a newer one called off is no mistake, though htmx tells of it like one."""
    called_off = message.text.startswith(("htmx:afterRequest", "htmx:sendAbort", "htmx:xhr:abort"))
    return message.type == "error" and not called_off


@pytest.fixture
def watched(chromium):
    """Opens a window that notes what goes wrong in it: `page.problems`, and which `page.hosts` it asked."""
    opened = []

    def window(width=1280, height=900, scheme="light", **options):
        context = chromium.new_context(viewport={"width": width, "height": height}, color_scheme=scheme, **options)
        opened.append(context)
        page = context.new_page()
        page.problems, page.hosts = [], set()
        page.on("console", lambda message: page.problems.append(message.text) if went_wrong(message) else None)
        page.on("pageerror", lambda error: page.problems.append(str(error)))
        page.on(
            "response",
            lambda reply: page.problems.append(f"{reply.status} {reply.url}") if reply.status >= 400 else None,
        )
        page.on("request", lambda request: page.hosts.update(filter(None, [urlsplit(request.url).hostname])))
        return page

    yield window
    for context in opened:
        context.close()


@pytest.fixture
def signed_in(watched, address):
    """Opens a window in which somebody of the demo is signed in, on the start page."""

    return lambda role="manager", **options: sign_in(watched(**options), address, role)


def sign_in(page, address, role):
    page.goto(address)
    page.fill("input[name=username]", role)
    page.fill("input[name=password]", PASSWORD)
    page.press("input[name=password]", "Enter")
    page.wait_for_url(f"{address}/admin/")
    return page


@pytest.fixture
def first_day(watched, empty_house):
    """A window in which the manager of an empty house is signed in, on the start page."""
    return sign_in(watched(), empty_house, "manager")


@pytest.fixture(scope="session")
def axe():
    """Gives what axe finds on a page that is serious or critical, one line a place."""
    checker = Axe()

    def found(page):
        options = {"resultTypes": ["violations"], "runOnly": {"type": "tag", "values": WCAG}}
        violations = checker.run(page, options=options).response["violations"]
        return [
            f"{violation['id']}: {' '.join(map(str, node['target']))} {node['html'][:200]}"
            for violation in violations
            if violation["impact"] in {"serious", "critical"}
            for node in violation["nodes"]
        ]

    return found
