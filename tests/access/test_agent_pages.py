"""Every page outside the admin gives each voice the answer that is right."""

import pytest
from django.db import transaction
from django.urls import get_resolver

from tests.access.agent_pages import PAGES, VOICES, House

pytestmark = pytest.mark.django_db


def named(patterns):
    """Names of all pages outside the admin; one without a name gives its pattern, which the table cannot hold."""
    for pattern in patterns:
        if str(pattern.pattern).startswith("admin/"):
            continue
        if hasattr(pattern, "url_patterns"):
            yield from named(pattern.url_patterns)
        else:
            yield pattern.name or str(pattern.pattern)


def test_every_page_outside_the_admin_stands_in_the_table():
    assert {page.name for page in PAGES} == set(named(get_resolver().url_patterns))


@pytest.mark.parametrize("voice", VOICES)
def test_each_voice_gets_the_answer_that_is_right_for_it(voice, agent, manager):
    house = House(agent, manager)
    wrong = {}
    for page in PAGES:
        with transaction.atomic():  # what one page writes the next does not see
            status = house.send(house.browser(voice), page).status_code
            transaction.set_rollback(True)
        if status != page.statuses[VOICES.index(voice)]:
            wrong[str(page)] = status, page.statuses[VOICES.index(voice)]
    assert wrong == {}
