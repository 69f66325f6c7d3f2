"""The admin's frame in a real browser: light and dark, wide and narrow, by keyboard alone and without JavaScript."""

import pytest
from playwright.sync_api import expect

from tests.browser.checks import sideways

pytestmark = pytest.mark.browser
PEOPLE = ("manager", "admin")
BEHIND = (
    "/admin/catalogue/rule/1/change/", "/admin/catalogue/rule/add/", "/admin/access/person/1/change/",
    "/admin/access/department/1/change/", "/admin/access/team/add/", "/admin/catalogue/topic/add/",
    "/admin/cases/case/1/change/", "/admin/cases/source/1/change/", "/admin/password_change/",
    "/admin/access/team/?q=nothing-says-this", "/admin/catalogue/",
)  # fmt: skip


def pages_of(page):
    return page.eval_on_selector_all("#nav-sidebar-apps a", "links => links.map(link => link.getAttribute('href'))")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("role", PEOPLE)
def test_every_page_of_the_sidebar_is_sound_and_asks_no_other_host(signed_in, axe, address, role, scheme):
    page = signed_in(role, scheme=scheme)
    found = {}
    for path in pages_of(page):
        page.goto(address + path)
        page.wait_for_load_state("networkidle")
        found |= {f"{path} {finding}": 1 for finding in axe(page)}
    assert list(found) == []
    assert page.problems == []
    assert page.hosts == {"127.0.0.1"}


@pytest.mark.parametrize("width", [320, 390])
def test_no_page_of_the_sidebar_scrolls_sideways_on_a_narrow_screen(signed_in, address, width):
    page = signed_in("admin", width=width, height=844)
    wide = {}
    for path in [*pages_of(page), "/admin/find/?q=refund", "/admin/password_change/"]:
        page.goto(address + path)
        if over := sideways(page):
            wide[path] = over
    assert wide == {}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_forms_and_pages_behind_the_lists_are_sound_on_a_phone_too(signed_in, axe, address, scheme):
    page = signed_in("admin", scheme=scheme)
    found = []
    for path in BEHIND:
        page.set_viewport_size({"width": 1280, "height": 900})
        page.goto(address + path)
        page.wait_for_load_state("networkidle")
        found += [f"{path} {finding}" for finding in axe(page)]
        page.set_viewport_size({"width": 320, "height": 800})
        found += [f"{path} is {over} px too wide for 320 px"] if (over := sideways(page)) else []
    assert found == []
    assert page.problems == []


def test_the_door_and_the_pages_outside_the_frame_are_sound(watched, axe, address):
    for scheme in ("light", "dark"):
        page = watched(width=320, scheme=scheme)
        for path in ("/admin/login/", "/nothing-here/"):
            page.goto(address + path)
            assert axe(page) == [] and sideways(page) == 0, path
        assert page.hosts == {"127.0.0.1"}


def test_a_slash_goes_to_the_search_box_and_enter_opens_the_finds(signed_in, axe, address):
    page = signed_in()
    page.keyboard.press("/")
    expect(page.locator("#rb-search")).to_be_focused()
    page.keyboard.type("a/refund")
    expect(page.locator("#rb-search")).to_have_value("a/refund")
    page.fill("#rb-search", "refund")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{address}/admin/find/?q=refund")
    expect(page.locator(".rb-finds a").first).to_be_visible()
    assert axe(page) == []
    assert page.problems == []


def test_the_search_and_the_menu_of_the_person_work_without_javascript(signed_in, address):
    page = signed_in(java_script_enabled=False)
    page.fill("#rb-search", "refund")
    page.press("#rb-search", "Enter")
    page.wait_for_url(f"{address}/admin/find/?q=refund")
    page.locator(".rb-user summary").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="You are signed out")).to_be_visible()


def test_by_keyboard_the_page_is_one_step_away_and_the_menu_of_the_person_opens_and_closes(signed_in):
    page = signed_in()
    page.keyboard.press("Tab")
    skip = page.locator(".rb-skip")
    expect(skip).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#content")).to_be_focused()
    page.locator(".rb-user summary").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Sign out")).to_be_hidden()
    expect(page.locator(".rb-user summary")).to_be_focused()


def test_on_a_phone_the_menu_opens_by_its_button_and_gives_the_cursor_back(signed_in):
    page = signed_in(width=390, height=844)
    expect(page.locator("#nav-sidebar")).to_be_hidden()
    page.get_by_role("button", name="Menu", exact=True).click()
    expect(page.locator("#rb-search")).to_be_focused()
    page.get_by_role("button", name="Close the menu").click()
    expect(page.locator("#nav-sidebar")).to_be_hidden()
    expect(page.locator("#rb-menu")).to_be_focused()


def test_dark_follows_the_system_until_somebody_switches(signed_in, address):
    page = signed_in(scheme="dark")
    page.wait_for_selector("html.dark")
    page.locator(".rb-user summary").click()
    page.get_by_role("button", name="Light", exact=True).click()
    page.wait_for_selector("html:not(.dark)")
    page.goto(f"{address}/admin/find/")
    page.wait_for_selector("html:not(.dark)")


def test_the_language_is_chosen_in_the_menu_of_the_person(signed_in, address):
    page = signed_in()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    page.goto(f"{address}/admin/find/?q=refund")
    page.locator(".rb-user summary").click()
    page.get_by_role("button", name="Dansk").click()
    page.wait_for_url(f"{address}/admin/find/?q=refund")
    expect(page.locator("html")).to_have_attribute("lang", "da")
    assert page.problems == []
