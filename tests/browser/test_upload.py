"""A manager brings a file of cases: looked at without ids, imported in the background, reported; and links a rule."""

import csv
import re

import pytest
from playwright.sync_api import expect

from tests.browser.checks import sideways

pytestmark = pytest.mark.browser

ROWS = 1_500
REJECTED = "Z-9999", "never", "5550001", "email", "solved", "Support"


@pytest.fixture
def tickets(tmp_path):
    """A ticket list as Zendesk exports it; the last row has no date."""
    path = tmp_path / "tickets.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "created_at", "requester_id", "via_channel", "status", "group"])
        for number in range(ROWS):
            opened = f"2026-0{1 + number % 9}-0{1 + number % 7}T10:{number % 60:02}:00Z"
            writer.writerow([f"Z-{number}", opened, f"555{number % 400:04}", "email", "solved", "Support"])
        writer.writerow(REJECTED)
    return path


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_file_goes_from_the_first_page_to_its_report(signed_in, axe, address, tickets, scheme):
    page = signed_in(scheme=scheme)
    page.goto(f"{address}/admin/cases/upload/add/")
    assert axe(page) == []
    page.set_input_files("input[name=file]", tickets)
    page.get_by_role("button", name="Look at the file").click()

    expect(page.get_by_role("heading", name="This is a file of Zendesk.")).to_be_visible()
    expect(page.locator(".rb-preview tbody tr")).to_have_count(20)
    assert "Z-1" not in page.content() and "5550001" not in page.content()
    assert axe(page) == []
    page.fill("input[name=source]", f"phone {scheme}")
    page.get_by_role("button", name="Import 1,501 rows").click()

    expect(page.get_by_role("heading", name=f"tickets.csv is in phone {scheme}")).to_be_visible(timeout=90_000)
    expect(page.get_by_text("1,501 rows: 1,500 new, 1 rejected.")).to_be_visible()
    assert axe(page) == []
    with page.expect_download() as download:
        page.get_by_role("link", name="Download 1 rejected row").click()
    assert "Z-9999" in download.value.path().read_text()

    assert page.problems == []
    assert page.hosts == {"127.0.0.1"}


def test_a_known_source_says_what_is_fixed_and_does_not_ask_for_it(signed_in, address, tickets):
    page = signed_in()
    page.goto(f"{address}/admin/cases/upload/add/")
    page.set_input_files("input[name=file]", tickets)
    page.get_by_role("button", name="Look at the file").click()
    page.fill("input[name=source]", "")
    page.locator("summary", has_text=re.compile("^More$")).click()
    expect(page.locator("input[name=time_zone]")).to_be_visible()
    known = page.locator("#sources option").first.get_attribute("value")
    page.fill("input[name=source]", known)
    expect(page.locator("[data-fixed]")).to_contain_text("the first import fixed it")
    expect(page.locator("input[name=time_zone]")).to_be_hidden()
    page.get_by_role("button", name="Another file").click()
    expect(page.get_by_role("heading", name="Which file holds the cases?")).to_be_visible()
    assert page.problems == []


@pytest.mark.parametrize("width", [320, 1280])
def test_a_rule_is_found_by_typing_and_linked_to_a_case(signed_in, axe, address, width):
    page = signed_in(width=width)
    page.goto(f"{address}/admin/cases/case/?q=FH-000100")
    page.locator("#result_list a", has_text="FH-000100").first.click()
    page.locator(".select2-selection").click()
    page.keyboard.type("voucher")
    expect(page.locator(".select2-results__option--highlighted")).to_contain_text("voucher")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Link it").click()
    expect(page.get_by_text("Linked by hand.")).to_be_visible()
    assert axe(page) == [] and sideways(page) == 0
    page.get_by_role("button", name="Take away").click()
    expect(page.get_by_text("Linked by hand.")).to_have_count(0)
    assert page.problems == []
