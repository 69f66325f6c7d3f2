"""A thumb votes on a stack of rules: one tap a rule, the same with keys, and with a button where there is no script."""

import re
import sqlite3
from contextlib import closing

import pytest
from playwright.sync_api import expect

from tests.browser.checks import HEAVIEST, too_wide, weight
from tests.browser.conftest import PASSWORD, served

pytestmark = pytest.mark.browser
PHONE = {"width": 390, "height": 844, "has_touch": True}
RULES = 5
PEOPLE = f"""
from rulebook.access.models import Person
from rulebook.access.services import give_sign_in
from rulebook.catalogue.models import Rule
from rulebook.catalogue.services import write_down
from rulebook.votes.ballots import make_ballot, open_ballot
for number in range({RULES}):
    title = f"Refunds over {{number}}00 kr need a manager"
    write_down(fields=dict(title=title, customer_hears="My manager won't let me."), by=None, code=f"V{{number}}")
for number in range(8):
    give_sign_in(username=f"agent{{number}}", password="{PASSWORD}", role="agent", team=None, by=None)
ballot = make_ballot(title="What hurts most?", questions="impact_ease", rounds=1, by=None,
                     versions=[rule.versions.get() for rule in Rule.objects.order_by("code")[:2]])
open_ballot(ballot=ballot, by=None)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("votes")


@pytest.fixture(scope="module")
def house(folder):
    """Five rules and a sealed ballot on two of them; eight agents who have not voted."""
    with served(folder, ["migrate"], ["shell", "-c", PEOPLE]) as found:
        yield found


@pytest.fixture
def agents_phone(watched, house):
    """Opens a window in which an agent is signed in, on the first card."""

    def window(name, **options):
        page = watched(**{**PHONE, **options})
        page.goto(f"{house}/sign-in/?next=/vote/")
        page.fill("input[name=username]", name)
        page.fill("input[name=password]", PASSWORD)
        page.press("input[name=password]", "Enter")
        page.wait_for_url(f"{house}/vote/")
        return page

    return window


def votes(folder, name):
    query = (
        "SELECT r.code, v.impact FROM votes_standingvote v JOIN access_person p ON p.id = v.person_id "
        "JOIN catalogue_ruleversion w ON w.id = v.version_id JOIN catalogue_rule r ON r.id = w.rule_id "
        "WHERE p.username = ? ORDER BY r.code"
    )
    with closing(sqlite3.connect(folder / "rulebook.sqlite3", timeout=30)) as database:
        return database.execute(query, [name]).fetchall()


def title(page):
    return page.locator("#card-title")


def test_five_rules_take_five_taps(agents_phone, folder):
    page = agents_phone("agent0")
    for number, words in enumerate(["Hurts badly", "Hurts a little", "No difference", "Helps a little", "Helps a lot"]):
        expect(title(page)).to_have_text(f"Refunds over {number}00 kr need a manager")
        page.wait_for_timeout(400)  # a thumb takes as long
        page.get_by_role("radio", name=words).tap()
    expect(title(page)).to_have_text("That is all for now.")
    expect(page.get_by_text("You voted on 5 rules.")).to_be_visible()
    assert votes(folder, "agent0") == [("V0", -2), ("V1", -1), ("V2", 0), ("V3", 1), ("V4", 2)]
    assert page.problems == [] and page.hosts == {"127.0.0.1"}


def test_a_double_tap_is_one_vote_and_leaves_the_next_card_alone(agents_phone, folder):
    page = agents_phone("agent1")
    box = page.get_by_role("radio", name="Hurts badly").bounding_box()
    for _ in range(2):
        page.touchscreen.tap(box["x"] + 40, box["y"] + 20)
    expect(title(page)).to_have_text("Refunds over 100 kr need a manager")
    page.touchscreen.tap(box["x"] + 40, box["y"] + 20)  # at once after the new card
    page.wait_for_timeout(600)
    expect(title(page)).to_have_text("Refunds over 100 kr need a manager")
    assert votes(folder, "agent1") == [("V0", -2)]


def test_keys_vote_skip_and_go_back(agents_phone, folder):
    page = agents_phone("agent2", width=1280, height=900, has_touch=False)
    for key, number in [("2", 1), ("s", 2), ("5", 3), ("u", 2)]:
        page.wait_for_timeout(400)
        page.keyboard.press(key)
        expect(title(page)).to_have_text(f"Refunds over {number}00 kr need a manager")
    expect(page.get_by_role("radio", name="Helps a lot")).to_be_checked()
    assert votes(folder, "agent2") == [("V0", -1), ("V2", 2)]
    page.wait_for_timeout(400)
    page.get_by_role("radio", name="Helps a lot").focus()
    page.keyboard.press("ArrowUp")  # looks around and sends nothing
    page.wait_for_timeout(200)
    assert votes(folder, "agent2") == [("V0", -1), ("V2", 2)]
    page.keyboard.press("Enter")
    expect(title(page)).to_have_text("Refunds over 300 kr need a manager")
    assert votes(folder, "agent2") == [("V0", -1), ("V2", 1)]
    assert page.problems == []


def test_what_it_touches_and_why_go_with_the_tap(agents_phone, folder):
    page = agents_phone("agent3")
    page.get_by_role("checkbox", name="Put right").tap()
    page.locator("summary", has_text="Say why").tap()
    page.get_by_label("Why").fill("Three days, 55555")
    page.keyboard.press("s")  # a letter in a text is a letter
    page.get_by_role("radio", name="Hurts a little").tap()
    expect(title(page)).to_have_text("Refunds over 100 kr need a manager")
    page.get_by_role("link", name="Undo").tap()
    expect(page.get_by_role("checkbox", name="Put right")).to_be_checked()
    expect(page.get_by_label("Why")).to_have_value("Three days, 55555s")
    expect(page.get_by_role("button", name="Next rule")).to_be_visible()


def test_a_lost_connection_keeps_the_choice_and_the_button_sends_it(agents_phone, folder):
    page = agents_phone("agent4")
    page.context.set_offline(True)
    page.get_by_role("radio", name="Hurts badly").tap()
    expect(page.locator("#card-said")).to_have_text("No connection. Your choice stays on this page.")
    expect(page.get_by_role("radio", name="Hurts badly")).to_be_checked()
    page.context.set_offline(False)
    page.get_by_role("button", name="Next rule").tap()
    expect(title(page)).to_have_text("Refunds over 100 kr need a manager")
    assert votes(folder, "agent4") == [("V0", -2)]


def test_without_a_script_the_button_sends_and_the_links_are_links(agents_phone, folder):
    page = agents_phone("agent5", java_script_enabled=False)
    page.get_by_role("button", name="Next rule").tap()
    expect(page.get_by_role("alert")).to_contain_text("Choose what it does to customers.")
    page.get_by_role("radio", name="Helps a little").tap()
    page.get_by_role("button", name="Next rule").tap()
    expect(title(page)).to_have_text("Refunds over 100 kr need a manager")
    page.get_by_role("link", name="Skip", exact=True).tap()
    expect(title(page)).to_have_text("Refunds over 200 kr need a manager")
    page.get_by_role("link", name="Undo").tap()
    expect(title(page)).to_have_text("Refunds over 100 kr need a manager")
    assert votes(folder, "agent5") == [("V0", 1)]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_pages_of_a_vote_pass_axe_and_none_scrolls_sideways(agents_phone, axe, house, scheme):
    page = agents_phone("agent6", scheme=scheme)
    for address in ("/vote/", "/vote/mine/", "/vote/1/", "/vote/1/result/", "/vote/?stack=99999&of=2"):
        page.goto(house + address)
        assert axe(page) == [], address
        assert too_wide(page) == {}, address
    page.goto(f"{house}/vote/")
    page.get_by_role("radio", name="Hurts badly").check()
    page.wait_for_timeout(300)  # its colour fades in
    assert axe(page) == []
    page.goto(f"{house}/vote/1/")
    page.get_by_role("radio", name="Hurts a little").check()
    page.wait_for_timeout(300)
    assert axe(page) == []


def test_two_questions_fit_on_one_screen_and_say_what_is_chosen(agents_phone, house):
    page = agents_phone("agent6")
    page.goto(f"{house}/vote/1/")
    asked = page.locator("#card")
    for target in asked.get_by_role("radio").all():
        box = target.bounding_box()
        assert min(box["width"], box["height"]) >= 44
    assert asked.get_by_text("Say why").bounding_box()["y"] < 844
    word = asked.get_by_text("Hurts a little")
    assert word.bounding_box()["width"] <= 1, "the ends alone say their words"
    expect(asked.get_by_text("Hurts badly")).to_be_in_viewport()
    page.get_by_role("radio", name="Hurts a little").check()
    expect(word).to_be_in_viewport()
    assert word.bounding_box()["width"] > 40


def test_keys_are_explained_where_a_card_lies(agents_phone):
    page = agents_phone("agent2", width=1280, height=900, has_touch=False)
    keys = page.get_by_text("Keys: 1 to 5 vote")
    expect(keys).to_be_visible()
    while page.locator("form#card").count():
        page.wait_for_timeout(400)
        page.keyboard.press("3")
        page.wait_for_timeout(200)
    expect(keys).to_be_hidden()
    page.reload()
    expect(title(page)).to_have_text("No rule waits for your vote.")
    expect(keys).to_be_hidden()


def test_both_questions_of_a_ballot_are_two_taps(agents_phone, house):
    page = agents_phone("agent7")
    page.get_by_role("link", name=re.compile("A sealed vote is open")).tap()
    for number in range(2):
        expect(title(page)).to_have_text(f"Refunds over {number}00 kr need a manager")
        page.wait_for_timeout(400)
        page.get_by_role("radio", name="Hurts badly").tap()
        page.get_by_role("radio", name="Very easy").tap()
    expect(title(page)).to_have_text("That is all for now.")
    assert page.problems == []


def test_the_page_is_light_and_asks_nobody_else(agents_phone, house):
    page = agents_phone("agent7")
    assert weight(page, f"{house}/vote/") < HEAVIEST
    assert page.hosts == {"127.0.0.1"}
