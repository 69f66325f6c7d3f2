"""The front line hears of new rules before they enter, and says with one tap which of them will hurt."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from rulebook.access.services import make_team_link
from rulebook.catalogue.front_door import let_in, propose_rule, refuse_proposal, withdraw_proposal
from rulebook.catalogue.models import Proposal
from rulebook.flags.hearing import heard_now
from rulebook.flags.models import Flag
from tests import make

pytestmark = pytest.mark.django_db
PAGE = "/hearing/"


@pytest.fixture
def propose(manager):
    def make_one(title, **fields):
        asked = {"customer_hears": "I have to ask.", "protects": "You.", "without_it": "Fraud.", **fields}
        return propose_rule(title=title, by=manager, **asked)

    return make_one


def heard(proposal):
    """Its last day of hearing was yesterday."""
    Proposal.objects.filter(pk=proposal.pk).update(heard_until=timezone.localdate() - timedelta(days=1))


def shown(response):
    main = re.search(r"<main.*</main>", response.content.decode(), re.DOTALL)[0]
    return " ".join(re.sub(r"<[^>]+>", " ", main).split())


def test_an_agent_reads_what_is_proposed_and_until_when_and_says_with_one_tap_that_it_hurts(client, agent, propose):
    old = make.rule("One signature")
    proposal = propose("Two <b>signatures</b>", text="Above 500 kr.", replaces=old)
    client.force_login(agent)
    answer = client.get(PAGE)
    text = shown(answer)
    for words in ("A new rule is proposed. Will it hurt?", "Above 500 kr.", "“I have to ask.”", "It replaces “One"):
        assert words in text
    assert "You can say so until" in text
    assert "<b>" not in answer.content.decode()
    assert f'href="{reverse("flag")}?rule={proposal.rule.code}"' in answer.content.decode()


def test_the_one_button_is_filled_and_of_several_none_is(client, agent, propose):
    propose("First")
    client.force_login(agent)
    assert 'class="button"' in client.get(PAGE).content.decode()
    propose("Second")
    assert 'class="button"' not in client.get(PAGE).content.decode()
    assert "2 new rules are proposed" in shown(client.get(PAGE))


def test_how_many_say_that_it_hurts_is_for_managers_alone(client, agent, manager, propose):
    rule = propose("Two signatures").rule
    Flag.objects.create(stopped="x", rule=rule, flagged_on=timezone.localdate(), once="x")
    client.force_login(agent)
    assert "say" not in shown(client.get(PAGE)).replace("You can say so", "")
    client.force_login(manager)
    assert "1 flag says that it will hurt." in shown(client.get(PAGE))


def test_a_device_of_a_team_may_look_and_a_stranger_is_asked_to_sign_in(client, propose):
    propose("Two signatures")
    assert client.get(PAGE).url == "/sign-in/?next=%2Fhearing%2F"
    client.get(f"/t/{make_team_link(team=make.team(headcount=5), by=None)}/")
    assert "Two signatures" in shown(client.get(PAGE))


def test_after_the_last_day_it_waits_for_a_decision_and_takes_no_more_taps(client, agent, propose):
    heard(propose("Two signatures"))
    client.force_login(agent)
    answer = client.get(PAGE)
    assert "Heard. A manager decides. Two signatures" in shown(answer)
    assert "?rule=" not in answer.content.decode()
    assert heard_now() == 0


def test_what_was_decided_lately_is_told_with_its_reason(client, agent, manager, admin, propose):
    entered, refused, withdrawn, long_ago = (propose(title) for title in ("Entered", "Refused", "Withdrawn", "Old"))
    heard(entered)
    let_in(proposal=entered, hurts=lambda proposal: 1, reason="Above 5,000 kr. only.", by=manager)
    for proposal in (refused, long_ago):
        refuse_proposal(proposal=proposal, reason="You were right.", by=manager)
    withdraw_proposal(proposal=withdrawn, by=manager)
    Proposal.objects.filter(pk=long_ago.pk).update(decided_at=timezone.now() - timedelta(days=31))
    client.force_login(agent)
    text = shown(client.get(PAGE))
    assert "No new rule is proposed." in text
    assert "Entered into force" in text and "Above 5,000 kr. only." in text and "You were right." in text
    assert "Withdrawn" not in text and "Old" not in text


def test_the_page_costs_the_same_for_one_proposal_and_for_twenty(client, agent, propose):
    client.force_login(agent)
    costs = []
    for number in range(20):
        propose(f"Rule {number}")
        with CaptureQueriesContext(connection) as queries:
            client.get(PAGE)
        costs.append(len(queries))
    # session, person; open and decided proposals, roles; rights of the person and of the roles, for the foot
    assert set(costs) == {7}


def test_heard_now_counts_what_can_still_be_answered(propose, manager):
    first = propose("First")
    propose("Second")
    assert heard_now() == 2
    withdraw_proposal(proposal=first, by=manager)
    assert heard_now() == 1


def test_the_form_of_a_flag_says_that_something_is_proposed_and_what_was_tapped_is_chosen(client, agent, propose):
    client.force_login(agent)
    assert "/hearing/" not in re.search(r"<main.*</main>", client.get("/flag/").content.decode(), re.DOTALL)[0]
    rule = propose("Two signatures").rule
    assert "1 new rule is proposed. Look at it" in client.get("/flag/").content.decode()
    tapped = client.get(f"/flag/?rule={rule.code}")
    assert re.search(rf'name="rule" value="{rule.code}"\s+checked', tapped.content.decode())
    assert "Proposed: it is not in force yet." in shown(tapped)
