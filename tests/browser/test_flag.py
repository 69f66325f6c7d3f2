"""An agent flags a rule with a thumb: two taps beside the typing, with and without script; nothing typed is lost."""

import re
import sqlite3
from contextlib import closing

import pytest
from playwright.sync_api import expect

from tests.browser.checks import HEAVIEST, too_wide, weight
from tests.browser.conftest import PASSWORD, served

pytestmark = pytest.mark.browser
PHONE = {"width": 390, "height": 844, "has_touch": True}
PEOPLE = f"""
from rulebook.access.services import give_sign_in
from rulebook.catalogue.models import Rule
from rulebook.catalogue.services import write_down
for code, title in (("R-0014", "Refunds over 200 kr need a manager"), ("R-0040", "No refund before the item is back"),
                    ("R-0051", "The customer must call the carrier")):
    write_down(fields=dict(title=title, customer_hears="My manager won't let me"), by=None, code=code)
Rule.objects.filter(code="R-0051").update(status="removed")
for number in range(12):
    give_sign_in(username=f"agent{{number}}", password="{PASSWORD}", role="agent", team=None, by=None)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("flags")


@pytest.fixture(scope="module")
def house(folder):
    with served(folder, ["migrate"], ["shell", "-c", PEOPLE]) as found:
        yield found


@pytest.fixture
def agents_phone(watched, house):
    """Opens a window in which an agent is signed in, on the form."""

    def window(name, address="/flag/", **options):
        page = watched(**{**PHONE, **options})
        page.goto(f"{house}/sign-in/?next=/flag/")
        page.fill("input[name=username]", name)
        page.fill("input[name=password]", PASSWORD)
        page.press("input[name=password]", "Enter")
        page.wait_for_url(f"{house}/flag/")
        if address != "/flag/":
            page.goto("about:blank")
            page.goto(house + address)
        return page

    return window


def test_back_from_another_page_leads_to_an_empty_form_and_sends_nothing(agents_phone, folder):
    page = agents_phone("agent11")
    page.fill("#stopped", "Sent once, and then the back button.")
    page.click("text=Send")
    expect(page.get_by_role("heading", name="Sent.")).to_be_visible()
    page.goto(page.url.split("/flag/")[0] + "/answers/")
    page.go_back()
    expect(page.locator("#stopped")).to_have_value("")
    assert sum("back button" in row[0] for row in stored(folder)) == 1


def test_back_to_what_was_refused_leads_to_the_form_with_its_words(agents_phone):
    page = agents_phone("agent10")
    page.fill("#rule_words", "two signatures")
    page.click("text=Send")
    expect(page.locator(".errors")).to_be_visible()
    page.goto(page.url.split("/flag/")[0] + "/answers/")
    page.go_back()
    expect(page.locator("#rule_words")).to_have_value("two signatures")


def stored(folder, table="flags_flag"):
    said = "f.stopped, r.code, f.customer_heard, f.channel"
    query = f"SELECT {said} FROM {table} f LEFT JOIN catalogue_rule r ON r.id = f.rule_id"
    with closing(sqlite3.connect(folder / "rulebook.sqlite3", timeout=30)) as database:
        return database.execute(query).fetchall()


def count_taps(page):
    """How often a finger touches the page from now on."""
    page.evaluate("window.taps = 0; document.addEventListener('pointerdown', () => window.taps++, true)")


def rule(page, code):
    return page.locator(f'input[name=rule][value="{code}"]')


def test_from_open_to_sent_takes_two_taps_beside_the_typing(agents_phone, folder):
    page = agents_phone("agent0")
    count_taps(page)
    page.get_by_label("What stopped you?").tap()
    page.keyboard.type("Two taps: I had to wait for a manager")
    before = page.evaluate("window.taps")
    page.get_by_role("button", name="Send").tap()
    expect(page.get_by_role("heading", name="Sent.")).to_be_visible()
    assert before + 1 <= 2
    assert ("Two taps: I had to wait for a manager", None, "", "") in stored(folder)
    assert page.problems == []


def test_with_a_sentence_and_a_rule_it_takes_two_more(agents_phone, folder):
    page = agents_phone("agent1")
    page.get_by_label("What stopped you?").fill("Late parcel")
    page.get_by_role("radio", name="My manager won’t let me").tap()
    page.get_by_label("Which rule?").tap()
    page.keyboard.type("refnd over", delay=20)
    expect(rule(page, "R-0014")).to_be_visible()
    expect(page.locator("#rules mark").first).to_have_text("Refund")
    rule(page, "R-0014").tap()
    page.get_by_label("Which rule?").press("Enter")  # it looks, and does not send what is half written
    page.wait_for_timeout(400)
    expect(rule(page, "R-0014")).to_be_checked()
    page.get_by_role("button", name="Send").tap()
    expect(page.get_by_role("heading", name="Sent.")).to_be_visible()
    assert ("Late parcel", "R-0014", "My manager won’t let me", "") in stored(folder)
    assert page.problems == []


def test_a_list_that_comes_late_does_not_take_the_chosen_rule_away(agents_phone):
    page = agents_phone("agent11")
    page.get_by_label("Which rule?").press_sequentially("refund", delay=5)
    expect(rule(page, "R-0014")).to_be_visible()
    late = []
    page.route("**/flag/rules/", lambda route: late.append(route))
    page.get_by_label("Which rule?").press_sequentially(" back", delay=5)
    page.wait_for_timeout(600)  # it was asked, and is not answered yet
    assert late
    rule(page, "R-0014").tap()
    for route in late:
        route.continue_()
    page.unroute("**/flag/rules/")
    page.wait_for_timeout(600)
    expect(rule(page, "R-0014")).to_be_checked()
    page.get_by_label("Which rule?").press_sequentially(" x", delay=5)
    page.wait_for_timeout(600)
    expect(rule(page, "R-0014")).to_be_checked()


def seen_above_the_bar(page, listed):
    """How many of the lines are wholly to be seen, none of them below the switch and Send."""
    bar = page.locator(".last").bounding_box()["y"]
    boxes = [line.bounding_box() for line in page.locator(f"{listed} li:not(.none)").all()]
    return sum(box["y"] >= 0 and box["y"] + box["height"] <= bar for box in boxes)


def test_likely_rules_appear_while_one_says_what_stopped_one_and_send_stays_where_it_is(agents_phone, folder):
    page = agents_phone("agent1")
    button = page.get_by_role("button", name="Send")
    before = button.bounding_box()["y"]
    count_taps(page)
    page.get_by_label("What stopped you?").press_sequentially("no refund over 200 before the item is back", delay=5)
    expect(page.locator("#likely").get_by_text("No refund before the item is back")).to_be_visible()
    assert seen_above_the_bar(page, "#likely") == page.locator("#likely li:not(.none)").count() >= 2
    assert button.bounding_box()["y"] == before and page.locator("input[name=rule]:checked").count() == 0
    rule(page, "R-0040").tap()
    page.get_by_label("What stopped you?").press_sequentially(" today", delay=5)
    page.wait_for_timeout(600)
    expect(rule(page, "R-0040")).to_be_checked()
    button.tap()
    expect(page.get_by_role("heading", name="Sent.")).to_be_visible()
    assert ("no refund over 200 before the item is back today", "R-0040", "", "") in stored(folder)
    assert page.problems == []


def test_three_rules_that_were_looked_for_are_seen_above_the_bar_and_send_stays_where_it_is(agents_phone):
    page = agents_phone("agent2")
    before = page.get_by_role("button", name="Send").bounding_box()["y"]
    page.get_by_label("Which rule?").press_sequentially("refund manager customer carrier", delay=5)
    expect(rule(page, "R-0051")).to_be_visible()
    assert seen_above_the_bar(page, "#rules") >= 3
    assert page.get_by_role("button", name="Send").bounding_box()["y"] == before
    assert page.locator("#likely li").count() == 0


def test_a_link_from_the_help_desk_brings_rule_channel_and_case_and_the_case_leaves_only_with_the_second_form(
    agents_phone, folder
):
    page = agents_phone("agent2", "/flag/?rule=R-0014&channel=phone#case=ZD-123")
    asked = []
    page.on("request", lambda request: asked.append(request.url + str(request.post_data or "")))
    expect(rule(page, "R-0014")).to_be_checked()
    page.get_by_label("What stopped you?").fill("From the help desk")
    page.get_by_role("button", name="Send").tap()
    expect(page.get_by_label("Case number")).to_have_value("ZD-123")
    assert not [one for one in asked if "ZD-123" in one.split("#")[0] or "ZD-123" in one.partition("\n")[2]]
    page.get_by_role("radio", name="10").tap()
    page.get_by_role("button", name="Add to my flag").tap()
    expect(page.get_by_text("We do not know case ZD-123 yet.")).to_be_visible()
    assert ("From the help desk", "R-0014", "", "phone") in stored(folder)
    assert page.problems == []


def test_an_anonymous_flag_shows_its_code_and_never_sends_the_case_of_the_link(agents_phone, folder):
    page = agents_phone("agent3", "/flag/?rule=R-0014#case=ZD-777")
    asked = []
    page.on("request", lambda request: asked.append(str(request.post_data or "")))
    page.get_by_label("What stopped you?").fill("Nobody shall know")
    expect(page.get_by_text("the rule and your name")).to_be_visible()
    page.get_by_role("switch", name="Anonymous").check()
    expect(page.get_by_text("not who you are")).to_be_visible()
    expect(page.get_by_text("the rule and your name")).to_be_hidden()
    page.get_by_role("button", name="Send").tap()
    code = page.locator("#code").inner_text()
    assert re.fullmatch("[2-9A-Z]{3}-[2-9A-Z]{3}-[2-9A-Z]{3}", code)
    assert page.get_by_label("Case number").count() == 0
    page.get_by_label("What would you have done?").fill("Refunded at once")
    page.get_by_role("button", name="Add to my flag").tap()
    expect(page.locator("#code")).to_have_text(code)
    assert not [one for one in asked if "ZD-777" in one]
    assert ("Nobody shall know", "R-0014", "", "") in stored(folder, "flags_heldflag")
    page.get_by_role("link", name="Receipt code").tap()
    page.get_by_label("Your receipt code").fill(code.lower())
    page.get_by_role("button", name="Show the answer").tap()
    expect(page.get_by_role("heading", name="Not read yet.")).to_be_visible()
    assert page.problems == []


def test_a_step_back_after_sending_shows_an_empty_form_and_sends_nothing_twice(agents_phone, folder):
    page = agents_phone("agent4")
    page.get_by_label("What stopped you?").fill("Once is enough")
    page.get_by_role("button", name="Send").tap()
    expect(page.get_by_role("heading", name="Sent.")).to_be_visible()
    page.go_back()
    expect(page.get_by_label("What stopped you?")).to_have_value("")
    assert [words for words, *_ in stored(folder)].count("Once is enough") == 1


def test_what_was_typed_survives_a_lost_connection_a_reload_and_a_mistake_and_goes_when_it_was_sent(
    agents_phone, folder
):
    page = agents_phone("agent5")
    page.get_by_label("What stopped you?").fill("In the lift")
    page.get_by_role("radio", name="Other", exact=True).check()
    page.get_by_label("In your own words").fill("Computer says no")
    page.get_by_label("Which rule?").press_sequentially("refund over", delay=10)
    rule(page, "R-0014").check()
    page.context.set_offline(True)
    page.get_by_role("button", name="Send").tap()
    expect(page.get_by_text("No connection. Your text stays on this page.")).to_be_visible()
    assert page.get_by_label("What stopped you?").input_value() == "In the lift"
    page.context.set_offline(False)
    page.reload()
    expect(page.get_by_label("What stopped you?")).to_have_value("In the lift")
    expect(page.get_by_label("In your own words")).to_have_value("Computer says no")
    expect(rule(page, "R-0014")).to_be_checked()
    page.get_by_label("What stopped you?").fill("")
    page.get_by_role("button", name="Send").tap()
    wrong = page.get_by_role("alert")
    expect(wrong).to_contain_text("Write what stopped you.")
    assert page.evaluate("document.activeElement.id") == "wrong"
    expect(page.get_by_label("In your own words")).to_have_value("Computer says no")
    page.get_by_label("What stopped you?").fill("In the lift")
    page.get_by_role("button", name="Send").tap()
    expect(page.get_by_role("heading", name="Sent.")).to_be_visible()
    assert ("In the lift", "R-0014", "Computer says no", "") in stored(folder)
    assert page.evaluate("Object.keys(sessionStorage).filter((key) => key.includes('flag'))") == []


def test_without_script_all_of_it_can_be_done(agents_phone, folder):
    page = agents_phone("agent6", java_script_enabled=False)
    page.get_by_label("What stopped you?").fill("No script here")
    page.get_by_text("I can’t decide that").locator("xpath=../input").check()
    page.get_by_label("Which rule?").fill("refnd ovr")
    page.get_by_label("Which rule?").press("Enter")  # the first button of the form, which looks and does not send
    expect(rule(page, "R-0014")).to_be_attached()
    assert page.get_by_label("What stopped you?").input_value() == "No script here"
    rule(page, "R-0014").check()
    page.locator("input[name=anonymous]").check()
    page.get_by_role("button", name="Send").click()
    assert re.fullmatch("[2-9A-Z-]{11}", page.locator("#code").inner_text())
    page.get_by_label("Which decision was not yours?").fill("Refunds to 500 kr")
    page.get_by_role("button", name="Add to my flag").click()
    expect(page.get_by_role("heading", name="Added.")).to_be_visible()
    assert ("No script here", "R-0014", "I can’t decide that", "") in stored(folder, "flags_heldflag")
    page.goto(page.url.partition("/flag/")[0] + "/flag/")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("alert")).to_contain_text("Write what stopped you.")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_pages_of_a_flag_pass_axe_and_none_scrolls_sideways(agents_phone, axe, scheme):
    page = agents_phone("agent7" if scheme == "light" else "agent8", scheme=scheme)
    address = page.url.partition("/flag/")[0]

    def sound():
        page.wait_for_timeout(300)  # colours fade in
        assert axe(page) == [], page.url
        assert too_wide(page) == {}, page.url

    sound()
    page.get_by_role("radio", name="Other", exact=True).check()
    page.get_by_label("Which rule?").press_sequentially("refund carrier", delay=10)
    rule(page, "R-0051").check()
    page.get_by_role("switch", name="Anonymous").check()
    expect(page.get_by_text("Abolished: nobody has to follow it.")).to_be_visible()
    sound()
    page.get_by_role("button", name="Send").click()  # without words
    expect(page.get_by_role("alert")).to_be_visible()
    sound()
    page.get_by_label("What stopped you?").fill("My customer 010190-1234")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_text("We hid a personal number before we stored your text.")).to_be_visible()
    page.get_by_role("radio", name="Other", exact=True).check()
    sound()
    page.get_by_label("How many minutes").fill("many")
    page.get_by_role("button", name="Add to my flag").click()
    expect(page.get_by_role("alert")).to_be_visible()
    sound()
    page.get_by_label("How many minutes").fill("12")
    page.get_by_role("button", name="Add to my flag").click()
    code = page.locator("#code").inner_text()
    sound()
    page.goto(f"{address}/flag/receipt/")
    sound()
    page.get_by_label("Your receipt code").fill("QQQ")
    page.get_by_role("button", name="Show the answer").click()
    sound()
    page.get_by_label("Your receipt code").fill(code)
    page.get_by_role("button", name="Show the answer").click()
    sound()


def test_it_can_be_filled_in_with_keys_alone(agents_phone, folder):
    page = agents_phone("agent9", width=1280, height=900, has_touch=False)
    page.keyboard.type("Keys alone")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Tab")
    page.keyboard.type("refund over")
    expect(rule(page, "R-0014")).to_be_attached()
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    chosen = page.locator("input[name=rule]:checked").get_attribute("value")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Send"
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Sent.")).to_be_visible()
    assert ("Keys alone", chosen, "I can’t decide that", "") in stored(folder)


def test_the_page_is_light_and_asks_nobody_else(agents_phone, house):
    page = agents_phone("agent10")
    assert weight(page, f"{house}/flag/") < HEAVIEST
    page.get_by_label("Which rule?").press_sequentially("refund", delay=50)
    expect(rule(page, "R-0014")).to_be_visible()
    assert page.hosts == {"127.0.0.1"} and page.problems == []
