"""Every page of the admin gives each role the answer that is right, at the same cost in a house of any size."""

import pytest
from django.contrib import admin as django_admin
from django.contrib.contenttypes.models import ContentType
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import get_resolver

from rulebook.catalogue.similar import alike
from tests.desk.every_page import PAGES, PEOPLE, Addresses
from tests.desk.house import extend

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_key_ring")]


@pytest.fixture
def house(settings, tmp_path, manager):
    """Three rules and all that belongs to them. What Django reads once a process is read already."""
    settings.UPLOAD_DIR = tmp_path / "uploads"
    settings.UPLOAD_DIR.mkdir()
    extend(0, 3, manager)
    ContentType.objects.get_for_models(*django_admin.site._registry)
    return Addresses(django_admin.site)


def named(patterns):
    for pattern in patterns:
        if hasattr(pattern, "url_patterns"):
            yield from named(pattern.url_patterns)
        elif pattern.name:
            yield pattern.name


def test_every_page_of_the_admin_stands_in_the_table():
    (admin,) = (part for part in get_resolver().url_patterns if getattr(part, "namespace", "") == "admin")
    assert {page.name for page in PAGES} == set(named(admin.url_patterns))


# A filter or a search asks for no other right than its list.
ONE_OF_EACH = list({(page.name, page.post is None): page for page in reversed(PAGES)}.values())[::-1]


@pytest.mark.parametrize("letter", PEOPLE)
def test_each_role_gets_the_answer_that_is_right_for_it(client, house, request, letter):
    client.force_login(request.getfixturevalue(PEOPLE[letter]))
    wrong = {}
    for page in ONE_OF_EACH:
        with transaction.atomic():  # what one page writes the next does not see
            status = house.send(client, page).status_code
            transaction.set_rollback(True)
        if status != page.status_for(letter):
            wrong[str(page)] = status, page.status_for(letter)
    assert wrong == {}


def test_an_agent_is_sent_to_sign_in_by_every_page(client, house, agent):
    client.force_login(agent)
    wrong = {}
    for page in ONE_OF_EACH:
        response = house.send(client, page)
        to = response.url.partition("?")[0] if response.status_code == 302 else response.status_code
        if to != {"login": 200, "logout": "/admin/"}.get(page.name, "/admin/login/"):
            wrong[str(page)] = to
    assert wrong == {}


def test_every_page_costs_the_queries_of_the_table_for_3_rules_and_for_60(client, house, request, manager):
    def other_costs():
        """{page: (what it costs, what the table says)} where the two differ."""
        found = {}
        alike("Refund")  # each process reads the words of all rules when they are first asked for
        for letter in PEOPLE:
            client.force_login(request.getfixturevalue(PEOPLE[letter]))
            for page in (page for page in PAGES if page.cost is not None and page.may[0] == letter):
                with CaptureQueriesContext(connection) as queries:
                    response = house.send(client, page)
                assert response.status_code == page.status, page
                if len(queries) != page.cost:
                    found[str(page)] = len(queries), page.cost
        return found

    assert other_costs() == {}
    extend(3, 60, manager)
    assert other_costs() == {}
