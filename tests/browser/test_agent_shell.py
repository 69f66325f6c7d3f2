"""The pages of the front line in a real browser: drafts, a lost line, light and dark, the policy, the keyboard."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.checks import HEAVIEST, too_wide, weight
from tests.browser.conftest import PASSWORD

pytestmark = pytest.mark.browser
PUBLIC = ("/sign-in/", "/promise/", "/t/made-up/")
DRAFT = "textarea[name=stopped]"
SEND = "main form[data-keep] button.button"


@pytest.fixture
def at_the_form(watched, address):
    """A phone on which somebody of the demo came by the front line's own door."""

    def opened(path="/flag/", **options):
        page = watched(**{"width": 390, "height": 844, "locale": "en-GB", **options})
        page.goto(address + path)
        page.fill("#id_username", "manager")
        page.fill("#id_password", PASSWORD)
        page.click("main button[type=submit]")
        expect(page.locator(DRAFT)).to_be_visible()
        return page

    return opened


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_doors_and_the_promise_are_sound_at_every_width_and_ask_no_other_host(watched, axe, address, scheme):
    page = watched(width=390, height=844, scheme=scheme)
    for path in PUBLIC:
        page.goto(address + path)
        assert too_wide(page) == {}, path
        assert axe(page) == [], path
    assert page.hosts == {"127.0.0.1"}
    assert [problem for problem in page.problems if "404" not in problem] == []


def test_what_is_written_outlives_a_reload_another_language_and_a_lost_line(at_the_form):
    page = at_the_form("/flag/?rule=R-0001#case=ZD-7")
    assert page.url.endswith("#case=ZD-7"), "the door kept what stands behind the #"
    page.fill(DRAFT, "Refund of 240 kr")
    page.reload()
    expect(page.locator(DRAFT)).to_have_value("Refund of 240 kr")
    page.click("details.menu summary")
    page.click("details.menu button[value=sv]")
    expect(page.locator("html")).to_have_attribute("lang", "sv")
    assert page.url.endswith("?rule=R-0001#case=ZD-7")
    expect(page.locator(DRAFT)).to_have_value("Refund of 240 kr")
    page.context.set_offline(True)
    page.click(SEND)
    expect(page.locator("[data-no-line]")).to_be_visible()
    assert "/flag/" in page.url
    expect(page.locator(DRAFT)).to_have_value("Refund of 240 kr")
    page.context.set_offline(False)
    expect(page.locator("[data-no-line]")).to_be_hidden()
    page.click(SEND)
    expect(page.locator("[data-sent]").first).to_be_attached()
    assert page.evaluate("Object.keys(sessionStorage).filter(key => key.startsWith('rulebook.')).length") == 0


def test_a_draft_stays_in_its_tab_and_signing_out_forgets_it(at_the_form, address):
    page = at_the_form()
    page.fill(DRAFT, "Only here")
    other = page.context.new_page()
    other.goto(f"{address}/flag/")
    expect(other.locator(DRAFT)).to_have_value("")
    page.click(".foot form[action='/sign-out/'] button")
    expect(page.locator("main [data-sent]")).to_be_visible()
    assert page.evaluate("sessionStorage.getItem('rulebook.draft.flag')") is None


def test_dark_follows_the_system_until_somebody_chooses_and_the_desk_agrees(watched, address):
    page = watched(scheme="dark")
    paper = "getComputedStyle(document.body).backgroundColor"
    page.goto(f"{address}/promise/")
    assert page.evaluate(paper) == "rgb(16, 23, 25)"
    page.click("[data-theme-choice=light]")
    assert page.evaluate(paper) == "rgb(246, 247, 245)"
    page.reload()
    assert page.evaluate(paper) == "rgb(246, 247, 245)"
    expect(page.locator("[data-theme-choice=light]")).to_have_attribute("aria-pressed", "true")
    page.goto(f"{address}/admin/login/")
    assert "dark" not in (page.locator("html").get_attribute("class") or "")


def test_a_script_that_stands_in_the_page_does_not_run(watched, address):
    page = watched()
    page.goto(f"{address}/promise/")
    page.evaluate("""() => {
        const script = document.createElement("script");
        script.textContent = "window.ran = true";
        document.body.append(script);
        document.body.setAttribute("style", "color: red");
    }""")
    assert page.evaluate("window.ran") is None
    assert page.evaluate("getComputedStyle(document.body).color") != "rgb(255, 0, 0)"
    assert any("Content Security Policy" in problem for problem in page.problems)


def test_the_keyboard_alone_skips_to_the_content_and_opens_the_languages(watched, address):
    page = watched(width=390, height=844)
    page.goto(f"{address}/promise/")
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#content")).to_be_focused()
    page.focus("details.menu summary")
    page.keyboard.press("Enter")
    expect(page.locator("details.menu button").first).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("details.menu button").first).to_be_hidden()
    expect(page.locator("details.menu summary")).to_be_focused()


def test_without_javascript_the_door_the_language_and_the_form_work(watched, address):
    page = watched(width=390, height=844, java_script_enabled=False, locale="en-GB")
    page.goto(f"{address}/vote/")
    assert re.search(r"/sign-in/\?next=", page.url)
    page.fill("#id_username", "manager")
    page.fill("#id_password", PASSWORD)
    page.click("main button[type=submit]")
    assert page.url == f"{address}/vote/"
    page.click("details.menu summary")
    page.click("details.menu button[value=nb]")
    assert page.locator("html").get_attribute("lang") == "nb"
    expect(page.locator("[data-theme-switch]")).to_be_hidden()


@pytest.mark.parametrize("path", PUBLIC)
def test_a_page_is_light_on_the_wire(watched, address, path):
    assert weight(watched(width=390, height=844), address + path) < HEAVIEST
