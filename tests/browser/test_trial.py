"""A rule that is tried without, from the mark to the day it is put back, told to a real server whose days pass."""

import subprocess
import sys
from datetime import date, timedelta

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import PASSWORD, ROOT, served, sign_in
from tests.browser.test_story import House

pytestmark = pytest.mark.browser
TITLE = "Refunds need two signatures"
A_WEEK = 210  # contacts, of which 63 are not resolved
HOUSE = f"""
from datetime import timedelta
from django.utils import timezone
from rulebook.access.services import give_sign_in
from rulebook.cases.models import Source
from rulebook.catalogue.services import topic_at, write_down
from tests.review.contacts import WEEK, contacts
for name, role in (("manager", "manager"), ("second", "manager"), ("agent", "agent")):
    give_sign_in(username=name, password="{PASSWORD}", role=role, team=None, by=None)
topic = topic_at(path="refund", by=None)
write_down(fields=dict(title="{TITLE}", topics=["refund"]), by=None)
desk = Source.objects.create(name="desk", time_zone="UTC", space="desk", method="declared")
contacts(desk, timezone.localdate() - 12 * WEEK, 12, a_week={A_WEEK}, missed=63, topic=topic)
"""
WORSE = """
from datetime import date
from rulebook.cases.models import Source
from rulebook.catalogue.models import Topic
from tests.review.contacts import contacts
contacts(Source.objects.get(), date.fromisoformat("{}"), 2, a_week={}, missed=150, topic=Topic.objects.get())
"""
PAGE = "/admin/review/review/1/change/"


@pytest.fixture
def house(tmp_path):
    made = House(tmp_path)
    with served(tmp_path, ["migrate"], ["shell", "-c", HOUSE], clock=made.clock) as made.address:
        yield made


def import_contacts(house, since):
    command = [sys.executable, "-m", "tests.browser.clock", str(house.clock), "shell", "-c"]
    env = {"PATH": "/usr/bin:/bin", "RULEBOOK_DATA_DIR": str(house.folder)}
    text = WORSE.format(since.isoformat(), A_WEEK)
    subprocess.run([*command, text], cwd=ROOT, env=env, check=True, timeout=60, stdout=subprocess.DEVNULL)


def as_agent(page, house, path):
    page.goto(f"{house.address}/sign-in/?next={path}")
    page.fill("input[name=username]", "agent")
    page.fill("input[name=password]", PASSWORD)
    page.press("input[name=password]", "Enter")
    page.wait_for_url(f"{house.address}{path}")


def too_wide(page):
    """Pixels that stick out, on a phone."""
    page.set_viewport_size({"width": 320, "height": 800})
    over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    page.set_viewport_size({"width": 1280, "height": 900})
    return over


def test_from_the_mark_over_the_full_lane_to_a_trial_that_does_harm_and_back(house, watched, axe):
    proposer = sign_in(watched(), house.address, "manager")
    proposer.goto(f"{house.address}/admin/catalogue/rule/1/")
    proposer.get_by_label("Why, in one line").fill("It takes a week.")
    proposer.get_by_role("button", name="Mark for removal").click()
    proposer.get_by_text("The day, and more care").click()
    proposer.get_by_role("button", name="Take the full lane").click()
    proposer.get_by_label("Can an agent say it in one sentence?").fill("No.")
    proposer.get_by_label("Whom does it protect").fill("The till, from fraud.")
    proposer.get_by_label("What agents do instead").fill("Refund at once.")
    proposer.get_by_label("Nobody knows").check()
    proposer.get_by_role("button", name="Save without deciding").click()
    expect(proposer.get_by_text("Saved. Nothing is decided yet.")).to_be_visible()

    voter = watched(width=390, height=844, has_touch=True)
    as_agent(voter, house, "/vote/")
    voter.get_by_role("radio", name="Hurts badly").tap()
    expect(voter.get_by_text("You voted on 1 rule.")).to_be_visible()

    desk = sign_in(watched(), house.address, "second")
    desk.goto(house.address + PAGE)
    desk.get_by_text("Write it", exact=True).click()
    desk.get_by_label("The strongest argument for keeping it").fill("Money was lost in 2011.")
    desk.get_by_role("button", name="That is why").click()
    desk.get_by_role("button", name="See whether a trial makes sense").click()
    expect(desk.get_by_text("are enough to see a rise from 70")).to_be_visible()
    assert axe(desk) == [] and too_wide(desk) == 0
    desk.get_by_role("button", name="Try without it").click()
    expect(desk.get_by_text("The front line knows.")).to_be_visible()

    began = date.fromisoformat(house.stored("starts_on", "review_trial"))
    assert house.stored("status", "catalogue_rule") == "in_force"
    house.wait_until(began)
    assert house.stored("status", "catalogue_rule") == "suspended"
    import_contacts(house, began)
    house.wait_until(began + timedelta(days=14))
    sign_in(desk, house.address, "second").goto(house.address + PAGE)  # nobody stays signed in for so long
    expect(desk.get_by_role("heading", name="A guardrail is breached.")).to_be_visible()
    expect(desk.get_by_text("Repeat contacts: breached.")).to_be_visible()
    assert axe(desk) == [] and too_wide(desk) == 0

    desk.get_by_role("button", name="Put the rule back").click()
    expect(desk.get_by_text("A guardrail was breached, so the rule was put back")).to_be_visible()
    assert house.stored("status", "catalogue_rule") == "in_force"
    as_agent(voter, house, "/notices/")
    expect(voter.get_by_text(TITLE)).to_be_visible()
    assert [page.problems for page in (proposer, voter, desk)] == [[], [], []]
