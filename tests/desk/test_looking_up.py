"""What the address of a list may ask for: what its filters offer, and nothing that a page does not show."""

import pytest
from django.contrib import admin as django_admin
from django.urls import reverse

from tests import make

pytestmark = pytest.mark.django_db
CASES = "admin:cases_case_changelist"


@pytest.mark.parametrize(
    "lookup",
    [
        "agent_key__contains=x", "agent_key=x", "customer_key=x", "customer_key__isnull=0", "row_hash=1", "key_id=1",
        "external_id__startswith=C", "source__name__contains=d", "outcome__gt=a",
    ],
)  # fmt: skip
def test_a_list_of_cases_is_not_filtered_by_what_no_filter_offers(client, manager, lookup):
    make.case(make.source("desk"), "C-1", agent_key=b"x" * 32)
    client.force_login(manager)
    assert client.get(f"{reverse(CASES)}?{lookup}").status_code == 400


def test_no_page_of_ours_takes_a_lookup_that_its_filters_do_not_offer(rf, admin):
    ours = [page for page in django_admin.site._registry.values() if page.__module__.startswith("rulebook.")]
    for page in ours:
        columns = {field.name for field in page.model._meta.concrete_fields} - {*page.list_filter, *page.linked_by}
        for column in columns:
            assert not page.lookup_allowed(column, "1", rf.get("/")), f"{page.model.__name__}.{column}"
            assert not page.lookup_allowed(f"{column}__contains", "1", rf.get("/"))


def test_the_filters_of_every_list_go_on_working(client, admin):
    source = make.source("desk")
    make.case(source, "C-1")
    client.force_login(admin)
    for asked in (f"source__id__exact={source.pk}", "source__id__exact=0"):
        assert client.get(f"{reverse(CASES)}?{asked}").status_code == 200, asked
    for page in (page for page in django_admin.site._registry.values() if page.__module__.startswith("rulebook.")):
        url = reverse(f"admin:{page.model._meta.label_lower.replace('.', '_')}_changelist")
        first = client.get(url)
        for choice in first.context["cl"].get_filters(first.wsgi_request)[0] if "cl" in first.context else ():
            for asked in choice.expected_parameters():
                assert client.get(url, {asked: "1"}).status_code in {200, 302}, asked


def test_a_case_is_searched_by_its_exact_number(client, manager):
    source = make.source("desk")
    for number in ("c-1", "C-1", "C-10"):
        make.case(source, number)
    client.force_login(manager)
    found = client.get(reverse(CASES), {"q": "C-1"}).context["cl"].queryset
    assert [case.external_id for case in found] == ["C-1"]
