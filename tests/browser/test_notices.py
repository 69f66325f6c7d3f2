"""A thumb reads what changed, card after card; without a script, in the dark and by keyboard too."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import PASSWORD, served

pytestmark = pytest.mark.browser
PHONE = {"width": 390, "height": 844, "has_touch": True}
HEAVIEST = 60_000  # bytes over the wire
HOUSE = f"""
from datetime import timedelta
from django.utils import timezone
from rulebook.access.services import give_sign_in
from rulebook.catalogue.services import write_down
from rulebook.notices.services import draft_notice, publish_notice
today = timezone.localdate()
told = [("Refunds over 200 kr need a manager.", "delegated", "500 kr", "Refund at once. No ticket to a manager.\\n"
         "Write one line in the case: why.\\nOver 500 kr: ask, and stay on the line.\\n“I can fix that for you now.”"),
        ("Two signatures on every refund.", "removed", "", "Refund at once.")]
for days, (title, kind, limit, play) in enumerate(told, start=1):
    rule = write_down(fields=dict(title=title), by=None, code=f"N-{{days}}")
    notice = draft_notice(version=rule.versions.get(), about=f"sample {{days}}", kind=kind, limit=limit, play=play,
                          effective_on=today + timedelta(days=days), by=None)
    publish_notice(notice=notice, by=None)
for number in range(4):
    give_sign_in(username=f"agent{{number}}", password="{PASSWORD}", role="agent", team=None, by=None)
give_sign_in(username="manager", password="{PASSWORD}", role="manager", team=None, by=None)
"""


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    with served(tmp_path_factory.mktemp("notices"), ["migrate"], ["shell", "-c", HOUSE]) as found:
        yield found


@pytest.fixture
def window(watched, house):
    def opened(name, path="/notices/", **options):
        page = watched(**{**PHONE, **options})
        page.goto(f"{house}/sign-in/?next={path}")
        page.fill("input[name=username]", name)
        page.fill("input[name=password]", PASSWORD)
        page.press("input[name=password]", "Enter")
        page.wait_for_url(f"{house}{path}")
        return page

    return opened


def test_two_taps_read_two_notices(window, axe):
    page = window("agent0")
    expect(page.get_by_role("heading", level=2)).to_have_text("You may now decide this yourself, up to 500 kr.")
    expect(page.get_by_text("1 of 2")).to_be_visible()
    assert axe(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_role("button", name="I have read it").tap()
    expect(page.get_by_text("2 of 2")).to_be_visible()
    page.get_by_role("button", name="I have read it").tap()
    expect(page.get_by_role("heading", name="You have read everything.")).to_be_visible()
    assert axe(page) == []
    page.get_by_label("Find a rule that changed").fill("signatures")
    page.get_by_role("button", name="Find").tap()
    page.get_by_role("link", name="This rule no longer applies").tap()
    expect(page.get_by_text("Until then:")).to_be_visible()
    assert axe(page) == [] and page.problems == [] and page.hosts - {None, ""} == {"127.0.0.1"}


def test_without_a_script_and_by_keyboard_it_is_the_same(window):
    page = window("agent1", java_script_enabled=False, width=320)
    for _notice in range(2):
        page.get_by_role("button", name="I have read it").focus()
        page.keyboard.press("Enter")
        page.wait_for_load_state()
    expect(page.get_by_role("heading", name="You have read everything.")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_passes_axe_on_a_narrow_phone(window, house, axe, scheme):
    page = window("agent2", width=320, scheme=scheme)
    for path in ("/notices/", "/notices/today/", "/notices/earlier/"):
        page.goto(house + path)
        assert axe(page) == [], path
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path


def test_it_is_light_over_the_wire(watched, window, house):
    page = window("agent3")
    sizes = []
    page.on("response", lambda reply: sizes.append(len(reply.body())))
    page.goto(f"{house}/notices/")
    page.wait_for_load_state("networkidle")
    assert 0 < sum(sizes) < HEAVIEST, sizes


def test_the_desks_page_passes_axe(window, axe):
    page = window("manager", "/admin/notices/notice/1/change/", width=1280, height=900, has_touch=False)
    expect(page.get_by_role("heading", name="Who has read it")).to_be_visible()
    assert axe(page) == [] and page.problems == []
