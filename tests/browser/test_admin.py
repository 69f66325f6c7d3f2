"""The admin in a real browser: it opens, it is quiet, and it asks no other host for anything."""

import re

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


def test_the_rules_open_after_signing_in_without_an_error_or_a_request_to_another_host(signed_in, address):
    page = signed_in("admin")
    page.goto(f"{address}/admin/catalogue/rule/")
    expect(page).to_have_title(re.compile("rule", re.IGNORECASE))
    expect(page.locator("#result_list tbody tr").first).to_be_visible()
    page.locator("#result_list tbody tr a").first.click()
    page.get_by_role("link", name="Edit", exact=True).first.click()
    expect(page.locator("input[name=title], textarea[name=title], .field-title").first).to_be_visible()

    assert page.problems == []
    assert page.hosts == {"127.0.0.1"}
