"""The queue of flags in a real browser: five keys, none while somebody writes, and sound in light and dark."""

import pytest

pytestmark = pytest.mark.browser
QUEUE = "/admin/flags/flag/"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", [QUEUE, f"{QUEUE}?show=answered", "/admin/flags/audit/"])
def test_the_pages_of_flags_are_sound_and_nothing_scrolls_sideways(signed_in, axe, address, scheme, path):
    page = signed_in("manager", scheme=scheme)
    for width in (320, 390, 1280, 1920):
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(f"{address}{path}")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert axe(page) == []


def test_a_key_presses_its_button_and_none_does_while_somebody_writes_or_the_keys_are_off(signed_in, address):
    page = signed_in("manager")
    page.goto(f"{address}{QUEUE}")
    first = page.locator(".rb-flag-words").inner_text()
    page.locator("#rb-headline").fill("")
    page.locator("#rb-headline").press_sequentially("lmgan")
    assert page.locator("#rb-headline").input_value() == "lmgan"
    page.locator("h2#rb-flag").click()
    page.keyboard.press("a")  # an answer in one's own words is written first
    assert page.evaluate("document.activeElement.id") == "rb-answer"
    page.keyboard.type("You decide now.")
    page.locator("[data-keys-switch]").uncheck()
    page.keyboard.press("n")
    assert page.locator(".rb-flag-words").inner_text() == first
    page.locator("[data-keys-switch]").check()
    with page.expect_navigation():
        page.keyboard.press("n")
    page.get_by_text("Stored: that is not a rule. The agent reads: “You decide now.”").wait_for()
    with page.expect_navigation():
        page.get_by_role("button", name="Undo: put it back in the queue").click()
    assert page.locator(".rb-flag-words").inner_text() == first
