"""The admin in a real browser: it opens, it is quiet, and it asks no other host for anything."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
QUIET = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
PASSWORD = "a-made-up-password-for-tests"

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def chromium():
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if not path:
        assert not os.environ.get("CI"), "the browser tests must run here, and there is no Chromium"
        pytest.skip("there is no Chromium on this machine")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, headless=True, args=list(QUIET))
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """The demo's database behind a server of its own; gives its address."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("RULEBOOK_")}
    env["RULEBOOK_DATA_DIR"] = str(tmp_path_factory.mktemp("demo"))

    def manage(*args):
        return [sys.executable, "manage.py", *args]

    def done(*args):
        subprocess.run(manage(*args), cwd=ROOT, env=env, check=True, timeout=300, stdout=subprocess.DEVNULL)

    done("demo", "--no-serve")
    imports = "from django.contrib.auth.hashers import make_password; from rulebook.access.models import Person"
    change = f"Person.objects.filter(username='admin').update(password=make_password('{PASSWORD}'))"
    done("shell", "-c", f"{imports}; {change}")
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


def wait_for(url, server):
    for _ in range(150):
        assert server.poll() is None, "the server ended before it answered"
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    pytest.fail("the server did not answer in 30 seconds")


def test_the_rules_open_after_signing_in_without_an_error_or_a_request_to_another_host(chromium, address):
    page = chromium.new_page(viewport={"width": 1280, "height": 900})
    problems, hosts = [], set()
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("response", lambda reply: problems.append(f"{reply.status} {reply.url}") if reply.status >= 400 else None)
    page.on("request", lambda request: hosts.add(urlsplit(request.url).hostname))

    page.goto(address)
    page.fill("input[name=username]", "admin")
    page.fill("input[name=password]", PASSWORD)
    page.press("input[name=password]", "Enter")
    page.wait_for_url(f"{address}/admin/")
    page.goto(f"{address}/admin/catalogue/rule/")
    expect(page).to_have_title(re.compile("rule", re.IGNORECASE))
    expect(page.locator("#result_list tbody tr").first).to_be_visible()
    page.locator("#result_list tbody tr a").first.click()
    expect(page.locator("input[name=title], textarea[name=title], .field-title").first).to_be_visible()

    assert problems == []
    assert hosts - {None, ""} == {"127.0.0.1"}
    page.close()
