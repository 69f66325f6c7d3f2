"""A rule's last weeks, from an agent's flag to the day it is met once more, told to a real server whose days pass."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import date, timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from tests.browser.conftest import PASSWORD, ROOT, served, sign_in

pytestmark = pytest.mark.browser
PHONE = {"width": 390, "height": 844, "has_touch": True}
TITLE = "Refunds over 200 kr need two signatures"
HOUSE = f"""
from rulebook.access.models import Person, Team
from rulebook.access.services import give_sign_in, team_named
from rulebook.access.voices import Voice
from rulebook.catalogue.services import write_down
from rulebook.votes.services import cast_standing
who = {{role: give_sign_in(username=role, password="{PASSWORD}", role=role, team=None, by=None)
       for role in ("manager", "owner")}}
phones = team_named(name="Phones", by=None)
agents = [give_sign_in(username=f"agent{{number}}", password="{PASSWORD}", role="agent", team=phones, by=None)
          for number in range(5)]
rule = write_down(fields=dict(title="{TITLE}", owner=who["owner"]), by=None, code="R-1")
for agent in agents[:2]:
    voice = Voice(person=agent, team=None, device="")
    cast_standing(version=rule.versions.latest("number"), voice=voice, impact=-2)
"""


class House:
    """The server, and the days that pass for it."""

    def __init__(self, folder):
        self.folder, self.clock = folder, folder / "days-ahead"
        self.clock.write_text("0")
        self.address = ""

    def wait_until(self, day):
        self.clock.write_text(str((day - timezone.localdate()).days))
        self.work()

    def work(self):
        command = [sys.executable, "-m", "tests.browser.clock", str(self.clock), "work"]
        env = {"PATH": "/usr/bin:/bin", "RULEBOOK_DATA_DIR": str(self.folder)}
        subprocess.run(command, cwd=ROOT, env=env, check=True, timeout=120, stdout=subprocess.DEVNULL)

    def stored(self, column, table="review_review"):
        with closing(sqlite3.connect(self.folder / "rulebook.sqlite3")) as database:
            return database.execute(f"SELECT {column} FROM {table}").fetchone()[0]


@pytest.fixture
def house(tmp_path):
    made = House(tmp_path)
    with served(tmp_path, ["migrate"], ["shell", "-c", HOUSE], clock=made.clock) as made.address:
        yield made


@pytest.fixture
def phone(watched, house):
    def of(name, path):
        page = watched(**PHONE)
        page.goto(f"{house.address}/sign-in/?next={path}")
        page.fill("input[name=username]", name)
        page.fill("input[name=password]", PASSWORD)
        page.press("input[name=password]", "Enter")
        page.wait_for_url(f"{house.address}{path}")
        return page

    return of


def flag(page, words):
    page.fill("#stopped", words)
    page.fill("#rule_words", "refunds two signatures")
    page.get_by_role("radio", name=TITLE).first.tap()
    page.get_by_role("button", name="Send").tap()
    expect(page.get_by_role("heading", name="Sent.")).to_be_visible()


def test_from_a_flag_to_a_rule_that_is_gone_and_met_once_more(house, phone, watched):
    an_agent = phone("agent0", "/flag/")
    flag(an_agent, "The customer had to wait a week for 250 kr.")
    house.work()

    desk = sign_in(watched(), house.address, "manager")
    desk.goto(f"{house.address}/admin/flags/flag/")
    desk.get_by_role("link", name="The customer had to wait a week").first.click()
    desk.get_by_label("Mark R-1 for removal: why, in one line").fill("It takes a week.")
    desk.get_by_role("button", name="Mark for removal").click()
    expect(desk.get_by_role("heading", name="Does it go?")).to_be_visible()

    voter = phone("agent2", "/vote/")
    voter.get_by_role("radio", name="Hurts badly").tap()
    expect(voter.get_by_role("link", name="Undo")).to_be_visible()
    expect(voter.get_by_text(TITLE)).to_be_hidden()

    review = desk.url
    desk.reload()
    desk.get_by_label("What agents do instead, in one line").fill("Refund at once, up to 500 kr.")
    desk.get_by_label("Nobody knows").check()
    desk.get_by_role("button", name="Remove", exact=True).click()
    expect(desk.locator("#rb-said")).to_contain_text("The owner may object until")

    owner = phone("owner", "/review/1/")
    owner.get_by_role("button", name="Yes").tap()
    expect(owner.get_by_role("status").filter(has_text="said yes")).to_be_visible()

    desk.reload()
    expect(desk.locator("#rb-said")).to_contain_text("The front line hears it first")
    an_agent.goto(f"{house.address}/notices/")
    expect(an_agent.get_by_text("Refund at once, up to 500 kr.")).to_be_visible()
    an_agent.get_by_role("button", name="I have read it").tap()
    expect(an_agent.get_by_role("heading", name="You have read everything.")).to_be_visible()
    desk.reload()
    expect(desk.get_by_text("Phones 1 of 5")).to_be_visible()

    gone = date.fromisoformat(house.stored("effective_on"))
    assert gone > timezone.localdate() and house.stored("status", "catalogue_rule") == "in_force"
    house.wait_until(gone)
    assert house.stored("status", "catalogue_rule") == "removed"
    desk.goto(review)
    expect(desk.locator(".rb-rule-head")).to_contain_text("Removed")
    an_agent.goto(f"{house.address}/notices/earlier/")
    expect(an_agent.get_by_text("This rule no longer applies")).to_be_visible()

    house.wait_until(gone + timedelta(days=3))
    an_agent.goto(f"{house.address}/flag/")
    flag(an_agent, "My team leader still asks for two signatures.")
    house.wait_until(gone + timedelta(days=4))
    desk.goto(house.address + "/admin/")
    expect(desk.get_by_role("listitem").filter(has_text="was removed, and agents still meet it")).to_contain_text(
        "Most in: Phones"
    )
    desk.get_by_role("link", name="Look at it").first.click()
    expect(desk.locator(".rb-review")).to_contain_text("Met once since it was removed")
    assert house.stored("zombies") == 1
    assert [page.problems for page in (an_agent, voter, owner, desk)] == [[], [], [], []]
