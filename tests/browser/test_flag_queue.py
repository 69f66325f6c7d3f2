"""The queue of flags in a real browser: five keys, none while somebody writes, and sound in light and dark."""

import pytest

from tests.browser.checks import WIDTHS, too_wide

pytestmark = pytest.mark.browser
QUEUE = "/admin/flags/flag/"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", [QUEUE, f"{QUEUE}?show=answered", "/admin/flags/audit/"])
def test_the_pages_of_flags_are_sound_and_nothing_scrolls_sideways(signed_in, axe, address, scheme, path):
    page = signed_in("manager", scheme=scheme)
    page.goto(f"{address}{path}")
    assert too_wide(page, (*WIDTHS, 1920)) == {}
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
    told = page.get_by_text("Write what you did, or why not. The agent reads it.")
    told.wait_for()
    page.keyboard.type("You decide now.")
    assert told.count() == 0  # it is mended
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


def test_a_rule_that_is_typed_opens_the_button_that_links_and_a_mended_mistake_is_told_no_more(signed_in, address):
    page = signed_in("manager")
    page.goto(f"{address}{QUEUE}")
    for chosen in page.locator("[name=rule]:checked").all():
        chosen.evaluate("radio => { radio.checked = false; radio.dispatchEvent(new Event('change', {bubbles: true})) }")
    link = page.locator("button[value=link]")
    assert link.get_attribute("aria-disabled") == "true"
    page.keyboard.press("l")
    page.get_by_text("Choose a rule above, or type its code.").wait_for()
    page.locator("[name=rule_code]").fill("NO-SUCH-RULE")
    assert link.get_attribute("aria-disabled") is None
    with page.expect_navigation():
        link.click()
    wrong = page.get_by_text("No rule has the code NO-SUCH-RULE.")
    assert wrong.count() == 2  # on top, and at the field
    page.locator("[name=rule_code]").press("End")
    page.keyboard.type("1")
    assert wrong.count() == 0 and page.locator(".rb-refused").count() == 0
