"""The sheet of paper in a real browser: Enter and next, nothing typed is lost, one key a rule, sound for everybody."""

import pytest
from playwright.sync_api import expect

from tests.browser.checks import too_wide

pytestmark = pytest.mark.browser


@pytest.fixture
def paper(signed_in, address):
    """The sheet of the demo's manager; what a test writes or sorts is undone at its end."""
    page = signed_in("manager")
    page.goto(f"{address}/capture/")
    yield page
    page.context.set_offline(False)
    page.goto(f"{address}/capture/sort/")
    while undo(page).count():
        undo(page).click()
        page.wait_for_load_state()
    page.goto(f"{address}/capture/")
    while undo(page).count():
        page.fill("#lines", "")
        left = lines(page).count()
        undo(page).click()
        expect(lines(page)).not_to_have_count(left)


def undo(page):
    return page.locator("main button", has_text="Undo")


def lines(page):
    return page.locator(".sheet-lines > li")


def write(page, text):
    page.locator("#lines").press_sequentially(text)
    page.keyboard.press("Enter")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_both_pages_are_sound_and_nothing_scrolls_sideways(signed_in, axe, address, scheme):
    page = signed_in("manager", scheme=scheme)
    for path in ("/capture/", "/capture/sort/"):
        page.goto(address + path)
        assert too_wide(page) == {}, path
        assert axe(page) == [], path
    assert page.problems == [] and page.hosts == {"127.0.0.1"}


def test_enter_writes_a_line_down_and_the_field_is_free_for_the_next_one(paper, axe):
    write(paper, "No refund starts on a Friday")
    write(paper, "Lorries are unloaded before noon")  # without waiting for the first
    paper.keyboard.press("F2")
    write(paper, "Keys are handed out by the porter")
    expect(lines(paper)).to_have_count(3)
    said = lines(paper).all_inner_texts()
    assert [text.splitlines()[0] for text in said] == [
        "Keys are handed out by the porter", "Lorries are unloaded before noon", "No refund starts on a Friday",
    ]  # fmt: skip
    assert "written" in said[0].split() and "unwritten" in said[1]
    assert "Much like R-0042" in said[2]
    assert paper.input_value("#lines") == "" and paper.evaluate("document.activeElement.id") == "lines"
    assert axe(paper) == []
    paper.get_by_role("button", name="The same: take “No refund starts on a Friday” back").click()
    expect(lines(paper)).to_have_count(2)
    undo(paper).click()
    expect(lines(paper)).to_have_count(1)
    assert paper.input_value("#lines") == "Keys are handed out by the porter"
    assert paper.problems == []


def test_without_a_connection_the_lines_come_back_into_the_field(paper):
    paper.context.set_offline(True)
    write(paper, "Lorries are unloaded before noon")
    paper.wait_for_selector("#sheet-told .errors")
    assert paper.input_value("#lines") == "Lorries are unloaded before noon"
    assert "No connection." in paper.inner_text("#sheet-told")
    paper.context.set_offline(False)
    paper.locator("#lines").press("Enter")
    expect(lines(paper)).to_have_count(1)
    assert paper.input_value("#lines") == ""


def test_one_key_sorts_a_rule_while_the_focus_is_on_its_card(paper, address):
    paper.goto(f"{address}/capture/sort/")
    first, before = paper.inner_text("#sort-title"), paper.inner_text("#sort-progress")
    for key, _meaning in (("k", "keep"), ("s", "simplify"), ("d", "drop"), ("a", "ask")):
        shown = paper.inner_text("#sort-title")
        paper.keyboard.press(key)
        expect(paper.locator("#sort-title")).not_to_have_text(shown)
    assert int(paper.inner_text("#sort-progress").split()[0]) == int(before.split()[0]) + 4
    paper.locator(".foot a").first.focus()
    shown = paper.inner_text("#sort-title")
    paper.keyboard.press("d")
    paper.wait_for_timeout(300)
    assert paper.inner_text("#sort-title") == shown
    for _ in range(4):
        undo(paper).click()
        paper.wait_for_load_state()
    assert (paper.inner_text("#sort-title"), paper.inner_text("#sort-progress")) == (first, before)


def test_without_javascript_the_sheet_and_the_sorting_work_all_the_same(paper, chromium, address):
    """With the session of the manager, in a browser that runs no script."""
    context = chromium.new_context(java_script_enabled=False, storage_state=paper.context.storage_state())
    page = context.new_page()
    page.goto(f"{address}/capture/")
    page.fill("#lines", "Lorries are unloaded before noon\nKeys are handed out by the porter")
    page.click("text=Write it down")
    assert "2 rules added." in page.inner_text("main")
    undo(page).click()
    assert "They stand in the field again." in page.inner_text("main") and lines(page).count() == 0
    page.goto(f"{address}/capture/sort/")
    shown = page.inner_text("#sort-title")
    page.click("button[value=drop]")
    assert page.inner_text("#sort-title") != shown
    undo(page).click()
    assert page.inner_text("#sort-title") == shown
    context.close()
