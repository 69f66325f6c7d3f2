"""One case: found by its number, told in words, linked to a rule by hand; and lists that an index answers."""

import pytest
from django.db import connection
from django.urls import reverse

from rulebook.cases.models import CaseRule, PendingLink
from tests import make

pytestmark = pytest.mark.django_db

LIST = "admin:cases_case_changelist"
CUSTOMER, AGENT = b"customer-key-of-thirty-two-bytes", b"agent-key-of-a-full-32-bytes-len"


@pytest.fixture
def case(db):
    source = make.source("desk")
    return make.case(
        source, "C-1", topic=make.topic("returns"), outcome="resolved", customer_key=CUSTOMER, agent_key=AGENT,
        handle_seconds=240, handoffs=0,
    )  # fmt: skip


def page(case):
    return reverse("admin:cases_case_change", args=[case.pk])


def shown(client, case):
    return client.get(page(case)).content.decode()


def link_to(client, case, rule, effect="blocked"):
    return client.post(reverse("admin:cases_case_link", args=[case.pk]), {"rule": rule.pk, "effect": effect})


def test_a_case_is_found_by_its_whole_number_in_every_source(client, manager, case):
    make.case(make.source("mail"), "C-1", channel="letter")
    make.case(case.source, "C-10")
    client.force_login(manager)
    result = client.get(reverse(LIST), {"q": " C-1 "}).context["cl"].result_list
    assert [(row.source.name, row.external_id) for row in result] == [("mail", "C-1"), ("desk", "C-1")]
    assert len(client.get(reverse(LIST), {"q": "c-1"}).context["cl"].result_list) == 0


def test_the_page_says_what_became_of_the_case(client, manager, case):
    client.force_login(manager)
    text = shown(client, case)
    assert "Resolved: the customer did not come back within 7 days." in text
    assert "4 minutes" in text and "Handovers" in text and "Reopened" not in text
    case.outcome, case.repeated = "pending", True
    case.save()
    assert "the customer came back already" in shown(client, case)
    case.outcome, case.excluded = "", "outbound"
    case.save()
    assert "Not counted: we called the customer" in shown(client, case)


def test_who_was_told_no_and_did_not_return_is_never_called_resolved(client, manager, case):
    make.link(case, make.rule(code="A"), effect="blocked")
    client.force_login(manager)
    text = shown(client, case)
    assert "Told no, did not return." in text and "counts it as resolved." in text and "Resolved:" not in text
    assert "told no, did not return" in client.get(reverse(LIST)).content.decode()


@pytest.mark.parametrize("address", ["page", "list"])
def test_no_key_of_a_customer_or_an_agent_is_shown(client, admin, case, address):
    client.force_login(admin)
    text = client.get(page(case) if address == "page" else reverse(LIST)).content.decode()
    assert "C-1" in text
    for secret in (CUSTOMER, AGENT):
        assert secret.decode() not in text and secret.hex() not in text


def test_a_rule_is_linked_by_hand_and_taken_away(client, manager, case):
    rule = make.rule("Refunds by mail only", code="A")
    client.force_login(manager)
    answer = link_to(client, case, rule)
    assert (answer.status_code, answer.url) == (302, page(case))
    link = CaseRule.objects.get()
    assert (link.case, link.rule, link.effect, link.origin) == (case, rule, "blocked", "person")
    text = shown(client, case)
    assert "A Refunds by mail only" in text and "Linked by hand." in text and "Take away" in text
    assert client.post(reverse("admin:cases_case_unlink", args=[case.pk, link.pk])).status_code == 302
    assert not CaseRule.objects.exists()


def test_a_link_of_the_source_is_explained_and_has_no_button(client, manager, case):
    link = make.link(case, make.rule(code="A"), origin="source")
    client.force_login(manager)
    text = shown(client, case)
    assert "Mend it there; the next import brings it here." in text and "Take away" not in text
    answer = client.post(reverse("admin:cases_case_unlink", args=[case.pk, link.pk]), follow=True)
    assert "Mend it there" in answer.content.decode() and CaseRule.objects.exists()


@pytest.mark.parametrize("bad", [*({"rule": rule, "effect": "blocked"} for rule in ("", "0", "x", "9" * 30)), {}])
def test_what_names_no_rule_or_effect_is_said_at_the_field(client, manager, case, bad):
    client.force_login(manager)
    answer = client.post(reverse("admin:cases_case_link", args=[case.pk]), bad)
    assert answer.status_code == 422 and answer.context["form"].errors and not CaseRule.objects.exists()


def test_a_link_of_another_case_is_not_found_here(client, manager, case):
    link = make.link(make.case(case.source, "C-2"), make.rule(), origin="person")
    client.force_login(manager)
    assert client.post(reverse("admin:cases_case_unlink", args=[case.pk, link.pk])).status_code == 404
    assert client.post(reverse("admin:cases_case_link", args=[0]), {}).status_code == 404
    assert client.get(reverse("admin:cases_case_change", args=["0"])).status_code == 302


@pytest.mark.parametrize("who", ["owner", "operator", "outsider"])
def test_who_may_not_see_cases_links_none(client, request, case, who):
    rule, link = make.rule(), make.link(case, make.rule(), origin="person")
    client.force_login(request.getfixturevalue(who))
    assert client.get(page(case)).status_code == 403
    assert link_to(client, case, rule).status_code == 403
    assert client.post(reverse("admin:cases_case_unlink", args=[case.pk, link.pk])).status_code == 403
    assert list(CaseRule.objects.all()) == [link]


def test_a_link_is_made_by_posting_only(client, manager, case):
    client.force_login(manager)
    assert client.get(reverse("admin:cases_case_link", args=[case.pk])).status_code == 405


def test_the_page_costs_the_same_queries_for_any_number_of_links(client, manager, case, django_assert_num_queries):
    client.force_login(manager)
    client.get(page(case))
    for number in range(4):
        make.link(case, make.rule(code=f"A-{number}"))
        # session, user, rights of the role, the case with source and topic, its links with their rules
        with django_assert_num_queries(6):
            client.get(page(case))


PLANS = {
    "no search": ({}, "SCAN cases_case"),  # by its own key, newest first, and no further than the page
    "a number": ({"q": "C-1"}, "(source_id=? AND external_id=?)"),
    "one source": ({"source__id__exact": "1"}, "USING INDEX case_source_opened (source_id=?)"),
}


@pytest.mark.parametrize("sources", [1, 2])
@pytest.mark.parametrize("asked", PLANS)
def test_a_list_of_cases_is_answered_by_an_index(client, manager, case, asked, sources, django_assert_max_num_queries):
    if connection.vendor != "sqlite":
        pytest.skip("the plan of an empty table says nothing on PostgreSQL")
    client.force_login(manager)
    query, step = PLANS[asked]
    if "source__id__exact" in query:
        query = {"source__id__exact": str(case.source_id)}
    if sources == 2:
        make.case(make.source("mail"))
    with django_assert_max_num_queries(9) as queries:
        assert client.get(reverse(LIST), query).status_code == 200
    (rows,) = (one["sql"] for one in queries if 'FROM "cases_case"' in one["sql"] and "LIMIT" in one["sql"])
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {rows}")
        plan = "\n".join(row[-1] for row in cursor.fetchall())
    assert step in plan, plan
    assert "TEMP B-TREE" not in plan or "q" in query, plan  # of a number there are as many rows as sources
    assert not [one for one in queries if "COUNT(" in one["sql"] and "cases_case" in one["sql"]]


def test_the_links_of_a_rule_come_in_the_order_of_its_index(client, manager, case, django_assert_max_num_queries):
    if connection.vendor != "sqlite":
        pytest.skip("the plan of an empty table says nothing on PostgreSQL")
    rule = make.rule(code="A")
    make.link(case, rule)
    client.force_login(manager)
    for query in (
        {"q": "A"},
        {"rule__id__exact": str(rule.pk)},
        {"rule__id__exact": str(rule.pk), "effect": "blocked"},
    ):
        with django_assert_max_num_queries(9) as queries:
            answer = client.get(reverse("admin:cases_caserule_changelist"), query)
        assert len(answer.context["cl"].result_list) == 1
        (rows,) = (one["sql"] for one in queries if 'FROM "cases_caserule"' in one["sql"] and "LIMIT" in one["sql"])
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN QUERY PLAN {rows}")
            plan = "\n".join(row[-1] for row in cursor.fetchall())
        assert "INDEX caserule_cases_of_a_rule" in plan and "TEMP B-TREE" not in plan, plan


def test_links_are_not_asked_for_by_effect_alone(client, manager):
    client.force_login(manager)
    assert client.get(reverse("admin:cases_caserule_changelist"), {"effect": "blocked"}).status_code in {302, 400}


def test_links_and_waiting_links_are_found_by_case_or_rule(client, manager, case):
    rule = make.rule(code="A")
    make.link(case, rule)
    make.link(make.case(case.source, "C-2"), make.rule(code="B"))
    for name in ("C-8", "C-9"):
        PendingLink.objects.create(
            source=case.source, external_id=name, rule_name="Z", effect="blocked", origin="source"
        )
    PendingLink.objects.create(source=None, external_id="C-7", rule_name="Y", effect="blocked", origin="flag")
    client.force_login(manager)

    def found(label, term):
        return len(client.get(reverse(f"admin:cases_{label}_changelist"), {"q": term}).context["cl"].result_list)

    assert (found("caserule", "C-1"), found("caserule", "A"), found("caserule", "C-")) == (1, 1, 0)
    assert (found("pendinglink", "C-9"), found("pendinglink", "Z"), found("pendinglink", "X")) == (1, 2, 0)
    assert found("pendinglink", "C-7") == 1, "an agent's flag waits for its case in any source"


def test_an_address_asks_for_no_order_that_no_index_gives(client, manager, case):
    newest = make.case(case.source, "A-0")
    client.force_login(manager)
    for order in ("1", "3", "1.3"):
        listed = client.get(reverse(LIST), {"o": order}).context["cl"].result_list
        assert [row.pk for row in listed] == [newest.pk, case.pk], "the last that was stored, as without an order"


def test_a_number_longer_than_any_is_no_case(client, manager):
    client.force_login(manager)
    assert client.get(reverse("admin:cases_case_change", args=["9" * 5000])).status_code == 302


def test_a_page_far_down_is_refused_before_every_row_above_it_is_walked_over(client, manager):
    make.case(make.source("desk"), "C-1")
    client.force_login(manager)
    assert client.get(reverse("admin:cases_case_changelist"), {"p": "300000000"}).status_code == 302
    assert client.get(reverse("admin:cases_case_changelist"), {"p": "1"}).status_code == 200
