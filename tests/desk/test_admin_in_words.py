"""What lists and forms of the admin say: one name for one thing, words for codes, and no way to a closed page."""

import re
from datetime import UTC, datetime

import pytest
from django.urls import reverse

from rulebook.access.services import keep_department
from rulebook.cases.models import ImportRun, PendingLink
from rulebook.cases.services import set_policy
from rulebook.catalogue.services import change_rule, write_down
from tests import make

pytestmark = pytest.mark.django_db


@pytest.fixture
def looks(client, manager):
    client.force_login(manager)
    return client


def shown(client, page, *args, query=""):
    return client.get(reverse(f"admin:{page}", args=args) + query).content.decode()


def cells(text, column):
    """What the rows of a list say in one column."""
    found = re.findall(rf'class="[^"]*field-{column}\b[^"]*"[^>]*>(.*?)</t[dh]>', text, re.DOTALL)
    return [" ".join(re.sub("<[^>]*>", " ", cell).split()) for cell in found]


@pytest.mark.parametrize(
    ("page", "name", "other"),
    [
        ("journal_event_changelist", "Journal", "Events"),
        ("cases_importrun_changelist", "Past imports", "Import runs"),
        ("cases_upload_changelist", "Uploaded files", "Uploads"),
        ("cases_pendinglink_changelist", "Waiting links", "Pending links"),
    ],
)
def test_a_list_has_one_name_in_the_menu_its_title_and_its_heading(looks, page, name, other):
    text = shown(looks, page)
    title = re.search("<title>(.*?)</title>", text, re.DOTALL).group(1)
    crumbs = " ".join(re.findall('class="rb-crumb">(.*?)<', text))
    assert name in title and name in crumbs and other not in title + crumbs


def test_the_page_of_a_row_leads_back_to_the_list_by_its_name(looks):
    run = ImportRun.objects.create(
        source=make.source("desk"), state="finished", host="h",
        started_at=datetime(2026, 11, 23, 14, 41, tzinfo=UTC), heartbeat=datetime(2026, 11, 23, 14, 41, tzinfo=UTC),
    )  # fmt: skip
    text = shown(looks, "cases_importrun_change", run.pk)
    assert "Past imports" in text and "desk, finished, 23 Nov 2026" in text


def test_an_import_says_when_it_began_by_the_clock_on_the_wall(settings):
    settings.TIME_ZONE = "Europe/Copenhagen"
    begun = datetime(2026, 11, 23, 14, 41, tzinfo=UTC)
    assert str(ImportRun(source=make.source("desk"), state="finished", started_at=begun)).endswith("15:41")


def test_the_journal_says_in_words_what_happened_and_finds_it_by_its_code(looks, manager):
    rule = write_down(fields={"title": "Refunds by mail"}, by=manager, code="R1")
    change_rule(rule=rule, fields={"purpose": "Fraud", "heard_where": "Training"}, by=manager)
    set_policy(source=make.source("desk"), method="closed_fast", window_days=3, key="customer", by=manager)
    text = shown(looks, "journal_event_changelist")
    assert cells(text, "done")[:3] == ["Method changed", "Changed", "Written down"]
    assert cells(text, "what")[:2] == ["Source", "Rule"]
    assert cells(text, "became")[:3] == [
        "closed inside the window, 3, customer", "where it was heard, purpose", "in force",
    ]  # fmt: skip
    found = shown(looks, "journal_event_changelist", query="?q=written_down")
    assert cells(found, "done") == ["Written down"]
    assert cells(shown(looks, "journal_event_changelist", query="?verb=changed"), "done") == ["Changed"]


def test_a_name_is_a_link_only_for_whoever_may_open_its_page(client, manager, admin):
    head = make.person("berit")
    department = make.department("Finance")
    department.head = head
    keep_department(department=department, by=admin)
    page = reverse("admin:access_person_change", args=[head.pk])
    client.force_login(manager)
    text = shown(client, "access_department_change", department.pk)
    assert "berit" in text and page not in text
    assert "department" in text.lower() and client.get(page).status_code == 403


def test_links_that_wait_are_told_in_the_words_of_other_pages(looks):
    PendingLink.objects.create(
        source=make.source("desk"), external_id="C-9", rule_name="B", effect="blocked", origin="source"
    )
    text = shown(looks, "cases_pendinglink_changelist")
    for words in ("Case number", "Says who", "the rule kept the agent from solving"):
        assert words.lower() in text.lower(), words
    assert "External id" not in text


@pytest.mark.parametrize(("days", "said"), [("0", "One field needs another look"), ("7", "2 fields need another look")])
def test_a_form_counts_its_fields_at_fault(looks, days, said):
    source = make.source("desk")
    method = "no_repeat" if days == "0" else "magic"
    given = {"method": method, "window_days": days, "key": "customer" if days == "0" else "shoe"}
    answer = looks.post(reverse("admin:cases_source_change", args=[source.pk]), given)
    text = answer.content.decode()
    assert said in text and "0 fields" not in text
    if days == "0":
        assert 'id="id_window_days_error"' in text and "id_window_days_error" in re.search(
            '<input[^>]*name="window_days"[^>]*>', text
        ).group(0)


def test_a_choice_is_described_by_its_help_and_its_error(looks):
    case = make.case(make.source("desk"), "C-1")
    answer = looks.post(reverse("admin:cases_case_link", args=[case.pk]), {"effect": "magic"})
    text = answer.content.decode()
    assert 'aria-describedby="id_effect_error"' in text and 'id="id_effect_error"' in text
