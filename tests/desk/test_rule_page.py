"""One rule at a glance, its wordings side by side, the contacts it blocked, and a claimed law confirmed."""

from datetime import date, timedelta

import pytest
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from rulebook.cases.linking_by_hand import link_by_hand
from rulebook.catalogue.claims import mark
from rulebook.catalogue.models import Rule
from rulebook.catalogue.services import change_rule
from rulebook.desk.pages import contacts
from rulebook.desk.pages.glance import as_of, owner_words
from rulebook.journal.models import Event, JournalHead
from tests import make
from tests.desk.rule_pages import address, figures, measured, words

pytestmark = pytest.mark.django_db
TODAY = timezone.localdate


@pytest.fixture
def desk(client, manager):
    client.force_login(manager)
    return client


def test_a_rule_with_nothing_but_a_title_says_what_is_missing_and_where_to_write_it(desk):
    rule = make.rule("Never refund by phone")
    text = words(desk.get(address(rule)))
    for sentence in (
        "Never refund by phone", "Written", "Authority unknown", "Version 1", "Only its title is written down.",
        "Nobody has written down what the customer hears.", "Nobody owns it yet.", "Nobody has written down why.",
        "there are no contacts", "Written down", "It has had one wording so far.",
    ):  # fmt: skip
        assert sentence in text, sentence
    page = desk.get(address(rule)).content.decode()
    for field in ("customer_hears", "purpose", "department", "text"):
        assert f"{reverse('admin:catalogue_rule_change', args=[rule.pk])}#id_{field}" in page


def test_a_full_rule_says_all_that_is_known_of_it(desk):
    head = make.person("anna", first_name="Anna", last_name="Berg")
    rule = make.rule(
        "Refunds over 200 kr need a manager", text="An agent may refund up to 200 kr.\nAbove that, a manager approves.",
        customer_hears="My manager won't let me.", purpose="Stop mistaken refunds", topics=["returns/refund"],
        channels=["phone"], department=make.department("Finance", head=head), authority="policy", protective=True,
        decision_limit="200 kr", requirements=3, aliases=["REF"], review_by=date(2090, 1, 2), intent="simplify",
    )  # fmt: skip
    response = desk.get(address(rule))
    text = words(response)
    for sentence in (
        "House policy", "“ My manager won't let me. ”".replace("“ ", "“").replace(" ”", "”"), "Anna Berg",
        "head of Finance", "Stop mistaken refunds", "returns/refund · phone", "200 kr", "3 requirements", "REF",
        "2 Jan 2090", "Simplify", "To be looked at again",
    ):  # fmt: skip
        assert sentence in text, sentence
    assert "up to 200 kr.<br>Above" in response.content.decode()
    assert "Nobody has" not in text


def test_markup_in_texts_is_shown_and_not_run(desk):
    evil = "<script>alert('x')</script>"
    rule = make.rule(
        evil + "t", text=evil, customer_hears=evil, purpose=evil, clause=evil, authority="law", topics=["<b>"],
        channels=["<i>"], heard_where=evil, aliases=["<u>"], department=make.department("<s>"),
    )  # fmt: skip
    change_rule(rule=rule, fields={"title": evil, "text": evil * 2}, by=None)
    for name in ("page", "versions", "cases"):
        page = desk.get(address(rule, name)).content.decode()
        assert evil not in page and "&lt;script&gt;" in page, name
        for tag in ("<b>", "<i>returns", "<u>", "<s>"):
            assert tag not in page.partition('id="content"')[2], (name, tag)


def test_a_title_of_500_characters_and_a_word_without_end_are_shown_whole(desk):
    rule = make.rule("Wordswithoutend" * 33)
    assert rule.title in words(desk.get(address(rule)))
    assert rule.title in words(desk.get(address(rule, "versions")))


# What it said on a day


@pytest.fixture
def reworded(db):
    rule = make.rule("Refunds over 100 kr", code="A", applies_from=date(2019, 1, 1), text="Ask a manager.")
    change_rule(rule=rule, fields={"title": "Refunds over 200 kr", "applies_from": date(2025, 2, 4)}, by=None)
    change_rule(rule=rule, fields={"text": "Ask any manager.", "applies_from": TODAY() + timedelta(9)}, by=None)
    return rule


@pytest.mark.parametrize(
    ("at", "said", "version"),
    [
        ("", "Refunds over 200 kr", 2),
        ("2019-01-01", "Refunds over 100 kr", 1),
        ("2025-02-03", "Refunds over 100 kr", 1),
        ("2025-02-04", "Refunds over 200 kr", 2),
        ("2018-12-31", "Nothing: it did not apply that day.", 3),
    ],
)
def test_the_words_of_a_day_are_those_of_the_version_that_applied(desk, reworded, at, said, version):
    text = words(desk.get(address(reworded), {"at": at}))
    assert said in text and f"Version {version}" in text
    assert ("Back to today" in text) == bool(at)


def test_a_wording_that_is_still_to_come_is_announced_and_not_taken_for_todays(desk, reworded):
    text = words(desk.get(address(reworded)))
    assert "Ask a manager." in text and "Ask any manager." not in text
    assert "Other words apply from" in text and "version 3" in text and "Version 3 will apply" in text


@pytest.mark.parametrize("at", ["tomorrow", "2026-02-30", "<b>", "9" * 500, "2026-03-01T10"])
def test_what_is_no_date_is_said_and_today_is_shown(desk, reworded, at):
    text = words(desk.get(address(reworded), {"at": at}))
    assert "is no date. Write it as 2026-03-01." in text and "Refunds over 200 kr" in text


def test_a_day_is_read_as_people_write_it():
    assert as_of(" 2026-03-01 ", TODAY()).day == as_of("01-03-2026", TODAY()).day == date(2026, 3, 1)


def test_a_proposed_rule_never_applied(desk):
    rule = make.rule()
    Rule.objects.filter(pk=rule.pk).update(status="proposed")
    assert "it did not apply that day" in words(desk.get(address(rule), {"at": "2026-03-01"}))
    assert "Proposed: it does not apply yet." in words(desk.get(address(rule)))


# The timeline


def test_the_timeline_names_what_changed_by_whom_and_when_it_applied(desk, manager, reworded):
    change_rule(rule=reworded, fields={"purpose": "Fear", "customer_hears": "No."}, by=manager)
    text = words(desk.get(address(reworded))).partition("Timeline")[2]
    assert text.index("1 Jan 2019 First applied") < text.index("4 Feb 2025 Version 2 applied")
    assert "Changed: what the customer hears and purpose manager" in text


def test_what_one_person_saved_bit_by_bit_on_a_day_is_one_change(desk, manager):
    rule = make.rule()
    for fields in ({"purpose": "Fear"}, {"text": "No."}, {"purpose": "Habit"}):
        change_rule(rule=rule, fields=fields, by=manager)
    change_rule(rule=rule, fields={"purpose": ""}, by=None)
    shown = [entry.what for entry in desk.get(address(rule)).context["timeline"]]
    assert shown == ["Written down", "Reworded: text and purpose", "Changed: purpose"]


def test_contacts_linked_by_hand_are_no_part_of_what_happened_to_the_rule(desk, manager):
    rule = make.rule()
    for _ in range(3):
        link_by_hand(case=make.case(make.source()), rule=rule, effect="blocked", by=manager)
    assert [entry.what for entry in desk.get(address(rule)).context["timeline"]] == ["Written down"]


def test_who_may_not_see_actors_sees_no_names(client, owner, manager):
    rule = make.rule(by=manager)
    client.force_login(owner)
    assert "Written down manager" not in words(client.get(address(rule)))
    client.force_login(manager)
    assert "Written down manager" in words(client.get(address(rule)))


def test_of_many_changes_the_first_and_the_newest_are_shown(desk):
    rule = make.rule()
    for number in range(9):
        change_rule(rule=rule, fields={"purpose": str(number)}, by=make.person(role="manager"))
    response = desk.get(address(rule))
    shown = [entry.what for entry in response.context["timeline"]]
    assert shown == ["Written down", *["Changed: purpose"] * 5] and "What lies between is left out." in words(response)


# Versions side by side


def test_the_last_two_versions_stand_side_by_side_with_what_went_and_what_came(desk, reworded):
    page = desk.get(address(reworded, "versions")).content.decode()
    assert "Ask <ins>any </ins>manager." in page
    page = desk.get(address(reworded, "versions"), {"from": 1, "to": 2}).content.decode()
    assert "Refunds over <del>100 </del>kr" in page and "Refunds over <ins>200 </ins>kr" in page


@pytest.mark.parametrize("given", ["9", "0", "-1", "x", "²", "9" * 40, "1.5"])
def test_a_version_that_is_not_there_is_said(desk, reworded, given):
    response = desk.get(address(reworded, "versions"), {"from": given})
    assert f"There is no version {given[:40]}. The newest is version 3." in words(response)
    assert (response.context["before"].number, response.context["after"].number) == (2, 3)


def test_one_version_has_nothing_beside_it(desk):
    assert "one wording so far" in words(desk.get(address(make.rule(), "versions")))


# The contacts it blocked


@pytest.fixture
def blocked(db):
    rule, other = make.rule(code="A"), make.rule(code="B")
    source, declared = make.source("desk"), make.source("shop", method="declared")
    for number, (given, outcome, effect, whose) in enumerate([
        (source, "not_resolved", "blocked", rule), (source, "resolved", "blocked", rule),
        (source, "not_resolved", "applied", rule), (source, "pending", "blocked", rule),
        (declared, "resolved", "blocked", rule), (declared, "not_resolved", "blocked", rule),
        (source, "not_resolved", "blocked", other),
    ]):  # fmt: skip
        make.link(
            make.case(given, f"C-{number}", outcome=outcome, customer_key=b"k" * 32, key_id=1), whose, effect=effect
        )
    return rule


def numbers(response):
    return [row.number for row in response.context["rows"]]


def test_contacts_it_blocked_are_those_not_resolved_and_those_told_no(desk, blocked):
    assert numbers(desk.get(address(blocked, "cases"))) == ["C-5", "C-1", "C-0"]
    assert numbers(desk.get(address(blocked, "cases"), {"show": "told_no"})) == ["C-1"]
    assert numbers(desk.get(address(blocked, "cases"), {"show": "not_resolved"})) == ["C-5", "C-0"]
    text = words(desk.get(address(blocked, "cases")))
    assert "Told no, did not return" in text and "The help desk's own data" in text
    assert "k" * 32 not in desk.get(address(blocked, "cases")).content.decode()


def test_a_contact_that_two_origins_link_stands_once(desk, blocked):
    case = blocked.links.get(case__external_id="C-0").case
    make.link(case, blocked, origin="flag")
    response = desk.get(address(blocked, "cases"))
    assert numbers(response) == ["C-5", "C-1", "C-0"]
    assert "A flag and the help desk's own data" in words(response)


def test_further_contacts_follow_on_the_next_page(desk, blocked, monkeypatch):
    monkeypatch.setattr(contacts, "PAGE", 2)
    first = desk.get(address(blocked, "cases"))
    assert numbers(first) == ["C-5", "C-1"]
    second = desk.get(address(blocked, "cases"), {"below": first.context["further"]})
    assert numbers(second) == ["C-0"] and second.context["further"] is None
    assert numbers(desk.get(address(blocked, "cases"), {"below": "9" * 30, "show": "x"})) == ["C-5", "C-1"]


def test_contacts_are_found_by_the_index_of_a_rules_cases(blocked):
    plan = contacts.blocked_ids(blocked, "", 10**6, contacts.told_no_sources()).explain()
    if connection.vendor == "sqlite":
        assert "caserule_cases_of_a_rule" in plan and "SCAN cases_c" not in plan
    else:
        assert "caserule" in plan


def test_who_may_not_see_cases_does_not_see_a_rules_contacts(client, owner, blocked):
    client.force_login(owner)
    assert client.get(address(blocked, "cases")).status_code == 403
    assert address(blocked, "cases") not in client.get(address(blocked)).content.decode()


# Rights, and a law confirmed


def test_a_manager_edits_the_own_departments_rules_and_is_told_whom_to_ask_for_others(client, manager):
    manager.team = make.team(department=make.department("Sales"))
    manager.save()
    client.force_login(manager)
    own, other = (make.rule(department=one) for one in (manager.team.department, make.department("Finance")))
    for rule, may in ((own, True), (other, False)):
        change = reverse("admin:catalogue_rule_change", args=[rule.pk])
        text = words(client.get(address(rule)))
        assert (change in client.get(address(rule)).content.decode()) == may
        assert ("This rule belongs to Finance. Ask a manager there." in text) == (not may)
        assert ('name="_save"' in client.get(change).content.decode()) == may
        assert client.post(change, {"title": "Mine"}).status_code == (200 if may else 403)


def test_an_outsider_and_an_agent_see_no_page_of_a_rule(client, outsider, agent):
    rule = make.rule()
    for person, status in ((outsider, 403), (agent, 302)):
        client.force_login(person)
        for name in ("page", "versions", "cases"):
            assert client.get(address(rule, name)).status_code == status
        assert client.post(address(rule, "confirm")).status_code == status


def test_a_rule_that_is_not_there_leads_to_the_start_page(desk):
    for name in ("page", "versions", "cases"):
        response = desk.get(address(Rule(pk=999), name))
        assert (response.status_code, response.url) == (302, reverse("admin:index"))


def test_a_claimed_law_is_confirmed_on_its_page(desk, manager):
    rule = make.rule(authority="law", clause="§ 1: no cash.")
    text = words(desk.get(address(rule)))
    assert "Law (claimed)" in text and "§ 1: no cash." in text and "Confirm the law" in text
    assert desk.get(address(rule, "confirm")).status_code == 405
    response = desk.post(address(rule, "confirm"), {"seen": mark(rule)}, follow=True)
    assert response.redirect_chain == [(address(rule), 302)]
    assert "Law (claimed)" not in words(response) and "by manager on" in words(response)
    assert Rule.objects.get().confirmed_by == manager


@pytest.mark.parametrize(
    ("fields", "by_me", "why"),
    [
        ({"clause": ""}, False, "Quote the clause first."),
        ({"clause": "§ 1"}, True, "A second person reads the clause and confirms it."),
    ],
)
def test_a_law_that_this_person_cannot_confirm_says_why(desk, manager, fields, by_me, why):
    rule = make.rule(authority="law", by=manager if by_me else None, **fields)
    response = desk.get(address(rule))
    assert why in words(response) and 'aria-disabled="true"' in response.content.decode()
    before = JournalHead.objects.get().last
    assert why in words(desk.post(address(rule, "confirm"), {"seen": mark(rule)}, follow=True))
    assert JournalHead.objects.get().last == before and Rule.objects.get().claimed


@pytest.mark.parametrize("seen", [{}, {"seen": ""}, {"seen": "other"}])
def test_words_that_were_not_read_are_not_confirmed(desk, seen):
    rule = make.rule(authority="law", clause="§ 1")
    desk.post(address(rule, "confirm"), seen)
    assert Rule.objects.get().claimed


# After the form


FORM = {
    "title": "Refunds by mail only", "text": "", "topics": "", "channels": "", "applies_from": "", "kind": "written",
    "authority": "unknown", "clause": "", "department": "", "owner": "", "purpose": "", "heard_where": "",
    "source_reference": "", "review_by": "", "intent": "", "customer_hears": "", "decision_limit": "",
    "requirements": "", "aliases": "", "versions-TOTAL_FORMS": "0", "versions-INITIAL_FORMS": "0",
}  # fmt: skip


def test_after_an_edit_one_is_back_at_the_rule_and_reads_what_changed(desk):
    rule = make.rule("Refunds by mail only")
    change = reverse("admin:catalogue_rule_change", args=[rule.pk])
    response = desk.post(change, FORM | {"purpose": "Fear", "text": "By mail."}, follow=True)
    assert response.redirect_chain == [(address(rule), 302)]
    assert "Changed: text and purpose." in " ".join(map(str, response.context["messages"]))
    response = desk.post(change, FORM | {"purpose": "Fear", "text": "By mail."}, follow=True)
    assert "Nothing was changed." in " ".join(map(str, response.context["messages"]))
    stay = desk.post(change, FORM | {"purpose": "Habit", "text": "By mail.", "_continue": "1"})
    assert stay.url == change


def test_a_rule_written_down_is_shown(desk):
    form = {name: value for name, value in FORM.items() if not name.startswith("versions")} | {"code": ""}
    response = desk.post(reverse("admin:catalogue_rule_add"), form, follow=True)
    assert response.redirect_chain == [(address(Rule.objects.get()), 302)]
    assert Event.objects.latest("number").verb == "written_down"


def test_the_owner_is_who_was_named_else_the_head_of_the_department():
    head, named = make.person("head"), make.person("named")
    department = make.department("Finance", head=head)
    assert owner_words(make.rule(department=department)).name == "head"
    assert owner_words(make.rule(department=department, owner=named)).name == "named"
    nobody = owner_words(make.rule(department=make.department("Sales")))
    assert (nobody.name, nobody.missing) == ("Sales", "Nobody heads this department yet.")


# What it costs


# Each asks for the session, the user, the user's own rights and those of the roles, and the rule with its people and
# figures; then:
QUERIES = {
    # Versions; roles and own departments; events and actors; other names; figures of sources, sources of the rule, and
    # whether a month of it is being computed anew; how often it was flagged; the newest ballot and tally
    "page": 19,  # and its review: the last one, an open one
    "versions": 6,  # versions
    "cases": 9,  # sources that watch for returns; numbers of a page of cases, the cases, who links them
}


def test_pages_cost_the_same_queries_for_any_number_of_rows(desk, manager, blocked, django_assert_num_queries):
    figures(blocked)
    measured("a first source")
    desk.get(address(blocked))  # from now on it is known whether the data is the demo's
    for more in (False, True):
        if more:
            source = measured("mails")
            for number in range(5):
                change_rule(rule=blocked, fields={"text": str(number), "aliases": [f"A{number}"]}, by=manager)
                make.link(make.case(source, outcome="not_resolved"), blocked)
        for name, count in QUERIES.items():
            with django_assert_num_queries(count):
                desk.get(address(blocked, name))
