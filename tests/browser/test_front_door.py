"""A rule is proposed on one screen, the front line reads it on a phone, and one tap says that it will hurt."""

import pytest
from playwright.sync_api import expect

from tests.browser.checks import sideways
from tests.browser.conftest import PASSWORD, served, sign_in

pytestmark = pytest.mark.browser
PEOPLE = f"""
from rulebook.access.services import give_sign_in
from rulebook.catalogue.front_door import propose_rule, refuse_proposal
from rulebook.catalogue.models import Proposal
from rulebook.catalogue.services import write_down
from rulebook.flags.services import Telling, send_flag
who = {{role: give_sign_in(username=role, password="{PASSWORD}", role=role, team=None, by=None)
       for role in ("manager", "agent")}}
old = write_down(fields=dict(title="Refunds need one signature"), by=None)
said = dict(customer_hears="I have to ask.", protects="The customer.", without_it="Fraud.", by=who["manager"])
heard = propose_rule(title="Refunds need two signatures", replaces=old, **said)
Proposal.objects.update(heard_until="2020-01-01")
telling = Telling("It will take a day.", rule=heard.rule)
send_flag(form="x", telling=telling, anonymous=False, by=who["agent"], team=None)
refuse_proposal(proposal=propose_rule(title="No mail", **said), reason="Why.", by=who["manager"])
propose_rule(title="A photo of an identity card", **said)
"""
DESK = ("/admin/catalogue/proposal/", "/admin/catalogue/proposal/add/?replaces=1", *(
    f"/admin/catalogue/proposal/{number}/change/" for number in (1, 2, 3)
))  # fmt: skip


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    with served(tmp_path_factory.mktemp("door"), ["migrate"], ["shell", "-c", PEOPLE]) as found:
        yield found


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_of_the_front_door_are_sound_wide_and_narrow(watched, house, axe, scheme):
    page = sign_in(watched(scheme=scheme), house, "manager")
    found = []
    for path in DESK:
        page.set_viewport_size({"width": 1280, "height": 900})
        page.goto(house + path)
        page.wait_for_load_state("networkidle")
        found += [f"{path} {finding}" for finding in axe(page)]
        page.set_viewport_size({"width": 320, "height": 800})
        found += [f"{path} is {over} px too wide"] if (over := sideways(page)) else []
    assert found == []
    assert page.problems == []
    assert page.hosts == {"127.0.0.1"}


def test_rules_like_it_show_while_one_writes_and_what_is_missing_loses_nothing(watched, house):
    page = sign_in(watched(), house, "manager")
    page.goto(f"{house}/admin/catalogue/proposal/add/")
    page.get_by_label("The rule, in one line").press_sequentially("Refunds need one signatures")
    expect(page.locator("#rb-alike")).to_contain_text("R-0001 Refunds need one signature")
    page.get_by_role("button", name="Propose it").click()
    expect(page.locator(".rb-refused")).to_contain_text("Write whom the rule protects")
    expect(page.get_by_label("The rule, in one line")).to_have_value("Refunds need one signatures")
    expect(page.locator("#rb-alike")).to_contain_text("R-0001")


@pytest.mark.parametrize(("scheme", "script"), [("light", True), ("dark", True), ("light", False)])
def test_an_agent_taps_once_and_the_flag_is_about_the_proposed_rule(watched, house, axe, scheme, script):
    page = watched(width=390, height=844, scheme=scheme, java_script_enabled=script)
    page.goto(f"{house}/sign-in/?next=/hearing/")
    page.fill("input[name=username]", "agent")
    page.fill("input[name=password]", PASSWORD)
    page.press("input[name=password]", "Enter")
    page.wait_for_url(f"{house}/hearing/")
    if script:
        assert axe(page) == [] and sideways(page) == 0
    page.get_by_role("link", name="This will hurt").click()
    expect(page.locator("input[name=rule]:checked")).to_have_value("R-0004")
    assert page.problems == []
    assert page.hosts == {"127.0.0.1"}
