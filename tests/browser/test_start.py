"""The start page and the page for the top in a real browser: sound, drawn without any other host, and one A4."""

import re

import pytest

from rulebook.desk.pages.top import LONGEST_REASON, LONGEST_TITLE
from tests.browser.checks import sideways

pytestmark = pytest.mark.browser

PAGE = re.compile(rb"/Type\s*/Page\b")
# What a sheet must bear: everything as long as the page lets it be.
FILL = """([title, reason]) => {
  const long = "Refunds over two hundred kroner need a manager who is in the house ".repeat(8);
  for (const cell of document.querySelectorAll(".rb-sheet-title")) cell.textContent = long.slice(0, title);
  for (const cell of document.querySelectorAll(".rb-sheet-why")) cell.textContent = long.slice(0, reason);
  document.querySelector(".rb-sheet-gone").textContent = long.slice(0, 240);
  document.querySelector(".rb-sheet h1").textContent = "Our own rules block at least 1,091,324 contacts a month. "
    + "Five of them can go first.";
}"""


def figures(page, url):
    """Opens a page whose figures may still be on their way: the server computes them in the background."""
    for _ in range(60):
        page.goto(url)
        if page.locator(".rb-sheet, .rb-bars").count():
            return
        page.wait_for_timeout(500)
    pytest.fail("the figures were not there in 30 seconds")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", ["/admin/", "/admin/top/"])
def test_the_charts_are_sound_with_their_tables_open_and_nothing_scrolls_sideways(
    signed_in, axe, address, scheme, path
):
    page = signed_in("manager", scheme=scheme)
    for width in (320, 390, 1280, 1920):
        page.set_viewport_size({"width": width, "height": 900})
        figures(page, f"{address}{path}")
        page.eval_on_selector_all("main details", "all => all.forEach((one) => one.open = true)")
        assert sideways(page) == 0, width
    assert axe(page) == []


@pytest.mark.parametrize("filled", [False, True])
def test_the_page_for_the_top_is_one_sheet_of_paper_however_long_its_texts_are(signed_in, address, filled):
    page = signed_in("manager")
    figures(page, f"{address}/admin/top/")
    if filled:
        page.evaluate(FILL, [LONGEST_TITLE, LONGEST_REASON])
    assert len(PAGE.findall(page.pdf(prefer_css_page_size=True))) == 1
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 680, "height": 1050})  # A4 less its margins
    left_over = "(sheet => sheet.clientHeight - sheet.scrollHeight)(document.querySelector('.rb-sheet'))"
    assert page.evaluate(left_over) >= 0
    assert not page.locator("#nav-sidebar").is_visible() and not page.locator(".rb-top-tools").is_visible()
