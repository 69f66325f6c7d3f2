"""The front door in the admin: one screen to propose, one page to read and decide on, and what the lists say of it."""

import re
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.urls import reverse
from django.utils import timezone

from rulebook.cases.linking_by_hand import link_by_hand
from rulebook.cases.linking_flags import link_flagged
from rulebook.cases.models import CaseRule
from rulebook.cases.services import settle_pending_links
from rulebook.catalogue.front_door import let_in, propose_rule, refuse_proposal
from rulebook.catalogue.models import Proposal, Rule
from rulebook.desk.pages.front_door import WAITING_KEY
from rulebook.desk.pages.proposing import hurts_counted
from rulebook.desk.pages.start import flagged_rules
from rulebook.desk.pages.timeline import timeline
from rulebook.desk.pages.top import abolished
from rulebook.desk.todo import todos
from rulebook.errors import RulebookError
from rulebook.flags.models import Flag, HeldFlag
from rulebook.insight.models import RuleFigures
from rulebook.insight.queries import listed_rules
from rulebook.insight.refreshing import refresh_figures
from rulebook.insight.voices import refresh_voices
from tests import make

pytestmark = pytest.mark.django_db
ADD = "admin:catalogue_proposal_add"
LIST = "admin:catalogue_proposal_changelist"
TYPED = {
    "title": "Refunds need two signatures", "text": "Above 500 kr.", "customer_hears": "I have to ask somebody first.",
    "protects": "The customer.", "without_it": "Wrong refunds.", "replaces": "", "none": "on", "department": "",
    "review_by": "",
}  # fmt: skip


@pytest.fixture
def desk(client, manager):
    client.force_login(manager)
    return client


def propose(by, *, heard=False, **fields):
    made = propose_rule(
        **{"title": "Two signatures", "customer_hears": "I have to ask.", "protects": "You.", "without_it": "Fraud.",
           "by": by, **fields}
    )  # fmt: skip
    if heard:
        Proposal.objects.filter(pk=made.pk).update(heard_until=timezone.localdate() - timedelta(days=1))
    return Proposal.objects.get(pk=made.pk)


def flag(rule, text="Customers will walk away.", **fields):
    return Flag.objects.create(stopped=text, rule=rule, flagged_on=timezone.localdate(), once=text, **fields)


def page(client, proposal):
    return client.get(reverse("admin:catalogue_proposal_change", args=[proposal.pk]))


def decide(client, what, proposal, **given):
    return client.post(reverse(f"admin:catalogue_proposal_{what}", args=[proposal.pk]), given)


def shown(response):
    """The words of a page, without its markup."""
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


# Propose


def test_one_screen_makes_a_proposal_and_says_until_when_the_front_line_is_heard(desk):
    answer = desk.post(reverse(ADD), TYPED)
    proposal = Proposal.objects.get()
    assert answer.url == reverse("admin:catalogue_proposal_change", args=[proposal.pk])
    assert "The front line is heard until" in shown(desk.get(answer.url))
    assert (proposal.rule.status, proposal.rule.text) == ("proposed", "Above 500 kr.")


@pytest.mark.parametrize("name", ["title", "customer_hears", "protects", "without_it"])
def test_what_is_missing_is_said_at_the_field_and_nothing_typed_is_lost(desk, name):
    answer = desk.post(reverse(ADD), {**TYPED, name: "", "review_by": "2099-01-01"})
    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == [name]
    text = answer.content.decode()
    assert all(value in text for field, value in TYPED.items() if value and field not in {name, "none"})
    assert "2099-01-01" in text
    assert not Rule.objects.exists()


def test_what_it_replaces_is_answered_one_way_or_the_other(desk):
    old = make.rule()
    for wrong in ({"none": ""}, {"replaces": str(old.pk)}):
        answer = desk.post(reverse(ADD), {**TYPED, **wrong})
        assert list(answer.context["form"].errors) == ["replaces"], wrong
    assert desk.post(reverse(ADD), {**TYPED, "replaces": str(old.pk), "none": ""}).status_code == 302
    assert Proposal.objects.get().replaces == old


def test_a_rule_that_cannot_be_replaced_is_refused_at_the_field(desk):
    law = make.rule(authority="law", clause="§ 1")
    answer = desk.post(reverse(ADD), {**TYPED, "replaces": str(law.pk), "none": ""})
    assert answer.status_code == 422
    assert "law or contract, which stays" in answer.context["form"].errors["replaces"][0]
    for nonsense in ("0", "x", "9" * 30):
        assert desk.post(reverse(ADD), {**TYPED, "replaces": nonsense, "none": ""}).status_code == 422


def test_a_rules_page_leads_to_the_form_with_that_rule_as_the_one_replaced(desk):
    rule = make.rule("One signature")
    for name in ("page", "change"):
        assert (
            f"{reverse(ADD)}?replaces={rule.pk}"
            in desk.get(reverse(f"admin:catalogue_rule_{name}", args=[rule.pk])).content.decode()
        )
    form = desk.get(f"{reverse(ADD)}?replaces={rule.pk}")
    assert f'<option value="{rule.pk}" selected>' in form.content.decode()
    assert desk.get(f"{reverse(ADD)}?replaces=x").status_code == 200


def test_who_writes_a_rule_down_is_told_where_a_new_one_goes(desk):
    answer = desk.get(reverse("admin:catalogue_rule_add"))
    assert "Written down as found" in shown(answer)
    assert reverse(ADD) in answer.content.decode()


def test_rules_that_say_much_the_same_stand_beside(desk):
    rule = make.rule("Refunds need two signatures")
    piece = desk.post(reverse("admin:catalogue_proposal_alike"), {"title": "Refunds need two signature"})
    assert rule.code in shown(piece) and "<html" not in piece.content.decode()
    assert "No rule says much the same" in shown(desk.post(reverse("admin:catalogue_proposal_alike"), {"title": "x"}))
    desk.post(reverse(ADD), TYPED)
    assert f"{rule.code} {rule.title}" in shown(page(desk, Proposal.objects.get()))


def test_numbers_of_a_person_are_hidden_and_who_wrote_them_is_told(desk):
    answer = desk.post(reverse(ADD), {**TYPED, "protects": "Anna, 010190-1234"}, follow=True)
    assert "We hid a personal number" in shown(answer)
    assert "010190" not in answer.content.decode()


# Decide


def test_before_the_hearing_is_over_the_button_is_closed_and_says_why(desk, manager):
    proposal = propose(manager)
    answer = page(desk, proposal)
    button = re.search(r"<button[^>]*aria-disabled[^>]*>", answer.content.decode())[0]
    assert 'aria-describedby="rb-door-why"' in button
    assert "The front line is heard until" in shown(answer)
    refused = decide(desk, "let_in", proposal)
    assert refused.status_code == 409
    assert Rule.objects.get().status == "proposed"


def test_after_the_hearing_a_manager_lets_it_in(desk, manager):
    old = make.rule("One signature")
    proposal = propose(manager, heard=True, replaces=old)
    assert "aria-disabled" not in page(desk, proposal).content.decode()
    answer = decide(desk, "let_in", proposal)
    assert answer.status_code == 302
    assert Rule.objects.get(pk=proposal.rule_id).status == "in_force"
    assert Rule.objects.get(pk=old.pk).status == "removed"
    assert "Let in on" in shown(page(desk, proposal))


def test_what_hurts_is_shown_and_needs_an_answer(desk, manager):
    proposal = propose(manager, heard=True)
    flag(proposal.rule, customer_heard="I have to ask.")
    assert "1 flag says that this will hurt." in shown(page(desk, proposal))
    assert "Customers will walk away." in shown(page(desk, proposal))
    answer = decide(desk, "let_in", proposal, reason="")
    assert answer.status_code == 422
    assert "Answer it: why does it enter?" in shown(answer)
    decide(desk, "let_in", proposal, reason="Above 5,000 kr. only.")
    proposal.refresh_from_db()
    assert (proposal.outcome, proposal.reason) == ("entered", "Above 5,000 kr. only.")


def test_an_anonymous_flag_of_the_last_day_counts_though_nothing_let_it_out_yet(desk, manager):
    proposal = propose(manager, heard=True)
    HeldFlag.objects.create(
        stopped="It hurts.", rule=proposal.rule, once="x", held_on=timezone.localdate() - timedelta(days=2)
    )
    assert decide(desk, "let_in", proposal).status_code == 422
    assert Flag.objects.get().anonymous


def test_not_letting_it_in_needs_a_reason_and_keeps_what_was_typed(desk, manager, admin, client):
    proposal = propose(admin)
    assert decide(desk, "refuse", proposal).status_code == 422
    assert "Withdraw it" not in shown(page(desk, proposal))
    assert decide(desk, "withdraw", proposal).status_code == 403
    assert decide(desk, "refuse", proposal, reason="No.").status_code == 302
    again = decide(desk, "let_in", proposal, reason="A long answer.")
    assert (again.status_code, "Not let in, on" in shown(again)) == (409, True)


def test_the_proposer_withdraws_it(desk, manager):
    proposal = propose(manager)
    assert decide(desk, "withdraw", proposal).status_code == 302
    assert "Withdrawn on" in shown(page(desk, proposal))


def test_a_manager_of_another_department_reads_whom_to_ask(desk, manager, admin):
    make.department("Stock", head=manager)
    proposal = propose(admin, heard=True, department=make.department("Finance"))
    assert "This rule belongs to Finance" in shown(page(desk, proposal))
    assert "Let it in" not in shown(page(desk, proposal))
    assert decide(desk, "let_in", proposal).status_code == 403


def test_an_address_that_leads_nowhere_goes_back_with_a_sentence(desk):
    for number in ("7", "x"):
        assert desk.get(f"/admin/catalogue/proposal/{number}/change/").status_code == 302


# Lists


def test_the_list_has_what_waits_first_and_says_how_many_say_that_it_hurts(desk, manager, admin):
    done, waits, open_ = (
        propose(manager, title="Done"), propose(manager, title="Waits", heard=True), propose(manager, title="Open"),
    )  # fmt: skip
    refuse_proposal(proposal=done, reason="No.", by=admin)
    flag(waits.rule)
    answer = desk.get(reverse(LIST))
    assert [row.pk for row in answer.context["cl"].result_list] == [waits.pk, open_.pk, done.pk]
    assert [row.hurts for row in answer.context["cl"].result_list] == [1, 0, 0]
    assert "waits for a decision" in shown(answer)
    assert [row.pk for row in desk.get(reverse(LIST) + "?q=Waits").context["cl"].result_list] == [waits.pk]


def test_a_heard_proposal_waits_on_the_start_page_of_who_may_decide_it(manager, owner, admin):
    finance = make.department("Finance")
    propose(admin, title="Open")
    heard = propose(admin, title="Heard", heard=True, department=finance)

    def waiting(person):
        return [todo.url for todo in todos(type(person).objects.get(pk=person.pk)) if "proposal" in todo.url]

    address = reverse("admin:catalogue_proposal_change", args=[heard.pk])
    assert waiting(manager) == waiting(admin) == [address]
    make.department("Stock", head=manager)
    assert waiting(manager) == waiting(owner) == []
    propose(admin, title="Heard too", heard=True)
    assert waiting(admin) == [reverse(LIST)]


def test_a_proposed_rule_is_tagged_in_the_lists_and_its_page_leads_to_the_proposal(desk, manager):
    proposal = propose(manager)
    assert (
        '<span class="rb-tag">Proposed</span>' in desk.get(reverse("admin:catalogue_rule_changelist")).content.decode()
    )
    answer = desk.get(reverse("admin:catalogue_rule_page", args=[proposal.rule_id]))
    assert reverse("admin:catalogue_proposal_change", args=[proposal.pk]) in answer.content.decode()
    assert "Proposed: it does not apply yet." in shown(answer)


def test_a_rule_that_never_entered_says_so_and_is_not_counted_as_abolished(desk, manager, admin):
    proposal = propose(admin)
    refuse_proposal(proposal=proposal, reason="No.", by=manager)
    assert "It never applied." in shown(desk.get(reverse("admin:catalogue_rule_page", args=[proposal.rule_id])))
    assert abolished()["head"] == "Nothing has been abolished yet."


def test_the_timeline_of_a_rule_tells_what_happened_at_the_door_and_no_more(desk, manager, admin):
    entered, refused = propose(manager, heard=True), propose(manager, title="Never")
    let_in(proposal=entered, hurts=hurts_counted, by=manager)
    refuse_proposal(proposal=refused, reason="No.", by=admin)

    def told(proposal):
        rule = Rule.objects.get(pk=proposal.rule_id)
        entries, _more = timeline(rule, list(rule.versions.all()), timezone.localdate(), names=False)
        return [entry.what for entry in entries if not entry.ahead]

    assert told(entered) == ["Proposed", "Let in"]
    assert told(refused) == ["Proposed", "Not let in"]


def test_the_history_of_a_proposal_is_that_of_its_rule(desk, manager):
    proposal = propose(manager, heard=True)
    let_in(proposal=proposal, hurts=hurts_counted, by=manager)
    answer = desk.get(reverse("admin:catalogue_proposal_history", args=[proposal.pk]), follow=True)
    assert "Let in" in shown(answer) and "Proposed" in shown(answer)


def test_the_sidebar_counts_what_waits_for_a_decision_of_this_person(desk, manager, owner, admin):
    def count():
        cache.delete(WAITING_KEY)
        line = re.search(
            r'Front door</span>\s*(?:<span class="rb-count">(\d+)</span>)?', desk.get("/admin/").content.decode()
        )
        return line[1]

    propose(admin, title="Open")
    assert count() is None
    propose(admin, title="Heard", heard=True)
    assert count() == "1"
    desk.force_login(owner)
    assert count() is None


def test_cases_that_name_a_proposed_rule_wait_and_are_linked_once_it_enters(desk, manager):
    proposal = propose(manager, heard=True)
    case = make.case(make.source())
    with pytest.raises(RulebookError, match="only proposed"):
        link_by_hand(case=case, rule=proposal.rule, effect="blocked", by=manager)
    assert link_flagged(external_id=case.external_id, rule=proposal.rule) is False
    settle_pending_links(by=None)
    assert not CaseRule.objects.exists()
    assert decide(desk, "let_in", proposal).status_code == 302
    assert [(link.case, link.rule_id, link.origin) for link in CaseRule.objects.all()] == [
        (case, proposal.rule_id, "flag")
    ]


def test_a_proposed_rule_is_in_no_figure(desk, manager):
    rule = propose(manager).rule
    flag(rule)
    refresh_figures()
    refresh_voices(timezone.localdate())
    assert rule not in listed_rules()
    assert RuleFigures.objects.get(rule=rule).flags == 0
    assert flagged_rules() == {}
    assert "not in force yet" in shown(desk.get(reverse("admin:catalogue_rule_changelist")))


def test_numbers_of_people_are_hidden_in_a_proposal_and_in_its_answer_and_whoever_wrote_them_is_told(desk):
    told_of = "We hid what may be a telephone number before we stored your text."
    asked = {
        "title": "Ask 12 34 56 78",
        "customer_hears": "No.",
        "protects": "All.",
        "without_it": "Chaos.",
        "none": "on",
    }
    assert told_of in desk.post(reverse("admin:catalogue_proposal_add"), asked, follow=True).content.decode()
    proposal = Proposal.objects.get()
    assert proposal.rule.title == "Ask [hidden]"
    refuse = reverse("admin:catalogue_proposal_refuse", args=[proposal.pk])
    assert told_of in desk.post(refuse, {"reason": "Call 12 34 56 78."}, follow=True).content.decode()
    assert Proposal.objects.get().reason == "Call [hidden]."
