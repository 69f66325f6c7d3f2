"""From the page of a rule to a decision that holds: three screens, eight clicks; and the owner's yes on a phone."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import PASSWORD, served, sign_in

pytestmark = pytest.mark.browser
PEOPLE = f"""
from rulebook.access.models import Department
from rulebook.access.services import give_sign_in
from rulebook.access.voices import Voice
from rulebook.catalogue.services import write_down
from rulebook.review.services import mark_rule
from rulebook.votes.services import cast_standing
who = {{role: give_sign_in(username=role, password="{PASSWORD}", role=role, team=None, by=None)
       for role in ("manager", "agent", "owner")}}
voice = Voice(person=who["agent"], team=None, device="")
rules = [write_down(fields=dict(title=title), by=None) for title in (
    "Refunds need two signatures", "The customer must call the carrier")]
rules.append(write_down(fields=dict(title="Ask for the birth date", authority="law", owner=who["owner"]), by=None))
for rule in rules:
    cast_standing(version=rule.versions.latest("number"), voice=voice, impact=-2)
mark_rule(rule=rules[1], origin="rule", by=who["manager"])
mark_rule(rule=rules[2], origin="flag", by=who["manager"])
"""
REVIEW = "/admin/review/review/{}/change/"
PAGES = ("/admin/review/review/", "/admin/review/review/asked/", REVIEW.format(1), REVIEW.format(2), "/review/2/")


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    with served(tmp_path_factory.mktemp("review"), ["migrate"], ["shell", "-c", PEOPLE]) as found:
        yield found


def sideways(page):
    return page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_of_reviews_are_sound_wide_and_narrow(watched, house, axe, scheme):
    page = sign_in(watched(scheme=scheme), house, "manager")
    found = []
    for path in PAGES:
        page.set_viewport_size({"width": 1280, "height": 900})
        page.goto(house + path)
        page.wait_for_load_state("networkidle")
        found += [f"{path} {finding}" for finding in axe(page)]
        page.set_viewport_size({"width": 320, "height": 800})
        found += [f"{path} is {over} px too wide"] if (over := sideways(page)) else []
    assert found == []
    assert page.problems == []


def test_the_fast_lane_takes_three_screens_and_eight_clicks(watched, house):
    page = sign_in(watched(), house, "manager")
    clicks, screens = 0, 1

    def click(place):
        nonlocal clicks
        clicks += 1
        place.click()

    page.goto(f"{house}/admin/catalogue/rule/1/")
    click(page.get_by_label("Why, in one line"))
    page.keyboard.type("It takes a week.")
    click(page.get_by_role("button", name="Mark for removal"))
    page.wait_for_url("**/change/")
    screens += 1
    click(page.get_by_label("What agents do instead, in one line"))
    page.keyboard.type("Refund at once.")
    click(page.get_by_label("Nobody knows"))
    click(page.get_by_role("button", name="Remove", exact=True))
    expect(page.locator("#rb-said")).to_contain_text("The front line hears it first. You can undo it for 30 days.")
    screens += 1
    expect(page.get_by_role("button", name="Undo")).to_be_visible()
    assert screens <= 3 and clicks <= 8


def test_enter_in_a_field_saves_and_decides_nothing(watched, house):
    page = sign_in(watched(), house, "manager")
    page.goto(house + REVIEW.format(1))
    page.get_by_label("What agents do instead, in one line").fill("We call for them.")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Saved. Nothing is decided yet.")).to_be_visible()
    expect(page.get_by_label("What agents do instead, in one line")).to_have_value("We call for them.")


def test_the_owner_says_yes_on_a_phone(watched, house, axe):
    page = watched(width=390, height=844)
    page.goto(f"{house}/sign-in/?next=/review/2/")
    page.fill("input[name=username]", "owner")
    page.fill("input[name=password]", PASSWORD)
    page.press("input[name=password]", "Enter")
    page.wait_for_url(f"{house}/review/2/")
    assert axe(page) == [] and sideways(page) == 0
    page.get_by_role("button", name="Object").click()
    expect(page.get_by_role("alert")).to_contain_text("Write why it should stay.")
    page.get_by_role("button", name="Yes").click()
    expect(page.get_by_role("status").filter(has_text="said yes")).to_be_visible()
