"""The frame of the admin: who sees which pages, what the search finds, which language is spoken, the plain pages."""

import pytest
from django.core.cache import cache
from django.db import connection
from django.urls import reverse

from rulebook.desk import demo
from rulebook.desk.navigation import SAMPLE_KEY, sidebar
from rulebook.desk.search import MOST_RULES, find
from tests import make

pytestmark = pytest.mark.django_db
START = reverse("admin:index")
DOOR = reverse("admin:login")


def lines(client):
    groups = client.get(START).context["sidebar_navigation"]
    return {line["title"]: line["link"] for group in groups for line in group["items"]}


HOUSE = {"Departments", "Teams", "Team links", "Closed periods", "Letters", "Topics", "Journal"}
FRONT = {"Flags", "Front door", "Sort rules", "Reviews", "Notices", "Asked of me"}
SEEN = {
    "manager": {"Start", "Rules", "Write rules down", "Ballots", "Cases", "Sources", "Import cases", "Page for the top"}
    | FRONT
    | HOUSE,
    "owner": {"Start", "Rules", "Page for the top", "Topics", "Journal"} | FRONT,
    "operator": {
        "Start",
        "Sources",
        "Import cases",
        "People",
        "Departments",
        "Teams",
        "Closed periods",
        "Letters",
        "Journal",
    },
    "outsider": {"Start"},
    "admin": {
        "Start",
        "Rules",
        "Write rules down",
        "Ballots",
        "Cases",
        "Sources",
        "Import cases",
        "Page for the top",
        "People",
    }
    | FRONT
    | HOUSE,
}


@pytest.mark.parametrize("role", SEEN)
def test_the_sidebar_shows_a_role_the_pages_that_it_may_open_and_no_other(client, request, role):
    client.force_login(request.getfixturevalue(role))
    seen = lines(client)
    assert set(seen) == SEEN[role]
    for title, link in seen.items():
        page = client.get(link)
        assert page.status_code == 200, title
        if link.startswith("/admin/"):  # the others stand in the frame of the front line, which leads back to the desk
            assert page.content.decode().count('class="active" aria-current="page"') == 1, title
        else:
            assert f'href="{START}"' in page.content.decode(), title


def test_the_sidebar_costs_no_query_of_its_own(rf, admin, django_assert_num_queries):
    request = rf.get(START)
    request.user = admin
    with django_assert_num_queries(0):
        assert sidebar(request)


def test_made_up_data_is_called_so_and_ones_own_is_not(client, manager):
    client.force_login(manager)
    cache.delete(SAMPLE_KEY)
    assert "Sample data" not in client.get(START).content.decode()
    make.source(demo.SOURCE)
    assert "Sample data" not in client.get(START).content.decode(), "looked up once a minute"
    cache.delete(SAMPLE_KEY)
    assert "Sample data" in client.get(START).content.decode()


def finds(client, text):
    response = client.get(reverse("admin:desk_search"), {"q": text})
    assert response.status_code == 200
    return response


def test_rules_and_cases_are_found_by_the_one_box(client, manager, django_assert_num_queries):
    make.rule("Refunds over 500 kr need a manager", code="R-7", customer_hears="I am not <allowed> to")
    case = make.case(make.source("desk"), "R-7", topic=make.topic())
    make.case(make.source("mail"), "r-7")
    client.force_login(manager)
    # Session, user, permissions of the user and the roles, sources, cases, rules with their names, flags.
    with django_assert_num_queries(8):
        response = finds(client, " R-7 ")
    found = response.context["found"]
    assert [rule.code for rule in found.rules] == ["R-7"] and found.cases == [case]
    text = response.content.decode()
    assert "&lt;allowed&gt;" in text and reverse("admin:cases_case_change", args=[case.pk]) in text


@pytest.mark.parametrize(("role", "rules", "cases"), [("manager", 1, 1), ("owner", 1, 0), ("operator", 0, 0)])
def test_nobody_finds_what_the_role_may_not_see(request, role, rules, cases):
    make.rule(code="X-1")
    make.case(make.source("desk"), "X-1")
    found = find("X-1", request.getfixturevalue(role))
    assert (len(found.rules), len(found.cases)) == (rules, cases)


def test_many_finds_are_cut_and_no_find_is_a_sentence(client, manager):
    for number in range(MOST_RULES + 1):
        make.rule(f"Refund {number}")
    client.force_login(manager)
    found = finds(client, "refund").context["found"]
    assert len(found.rules) == MOST_RULES and found.more
    assert "Nothing says “zebra &lt;b&gt;”" in finds(client, "zebra <b>").content.decode()
    assert not finds(client, "").context["found"] and not finds(client, " \x00 ").context["found"]


def test_an_agent_does_not_reach_the_search(client, agent):
    client.force_login(agent)
    assert client.get(reverse("admin:desk_search"), {"q": "x"}).status_code == 302


def test_a_case_is_looked_up_in_the_index_and_never_by_reading_all(admin, django_assert_num_queries):
    for name in ("desk", "mail"):
        source = make.source(name)
        for number in range(50):
            make.case(source, f"{name}-{number}")
    with django_assert_num_queries(4) as queries:  # rules, sources, cases, flags
        assert find("desk-7", admin).cases
    (asked,) = [query["sql"] for query in queries if 'FROM "cases_case"' in query["sql"]]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("ANALYZE cases_case")  # else it goes by what other tests left behind
            cursor.execute("SET LOCAL enable_seqscan = off")  # a table this small would be read whole
            cursor.execute("SET LOCAL enable_bitmapscan = off")
            cursor.execute(f"EXPLAIN {asked}")
        else:
            cursor.execute(f"EXPLAIN QUERY PLAN {asked}")
        plan = " ".join(str(row[-1]) for row in cursor.fetchall())
    # SQLite gives the index of the constraint a name of its own.
    assert "one_case_per_source_and_id" in plan or "SEARCH cases_case USING INDEX sqlite_autoindex_cases_case_" in plan


@pytest.mark.parametrize(
    ("cookie", "own", "browser", "spoken"),
    [
        ("", "", "", "en"),
        ("", "", "da", "da"),
        ("", "", "nb", "en"),
        ("", "", "de", "en"),
        ("", "da", "en", "da"),
        ("", "sv", "da", "en"),
        ("en", "da", "da", "en"),
        ("da", "", "en", "da"),
        ("nb", "da", "da", "en"),
        ("xx", "", "da", "da"),
    ],
)
def test_the_admin_speaks_the_chosen_language_else_ones_own_else_the_browsers(
    client, manager, cookie, own, browser, spoken
):
    manager.language = own
    manager.save()
    client.force_login(manager)
    if cookie:
        client.cookies["django_language"] = cookie
    response = client.get(reverse("admin:desk_search"), headers={"accept-language": browser})
    assert f'<html lang="{spoken}"' in response.content.decode()
    assert response["Content-Language"] == spoken


def test_the_switch_offers_what_the_admin_speaks_and_keeps_the_page(client, manager):
    client.force_login(manager)
    page = finds(client, "a&b")
    offered = page.context["languages_list"]
    assert [language["code"] for language in offered] == ["en", "da"]
    here = page.wsgi_request.get_full_path()
    answer = client.post(reverse("set_language"), {"language": "da", "next": here})
    assert answer["Location"] == here and client.cookies["django_language"].value == "da"
    abroad = client.post(reverse("set_language"), {"language": "da", "next": "https://elsewhere.example/"})
    assert "elsewhere" not in abroad["Location"]


@pytest.mark.parametrize(("language", "written"), [("en", "2 Mar 2026"), ("da", "2.3.2026")])
def test_dates_are_written_as_people_of_the_language_do(client, manager, language, written):
    make.case(make.source("desk"), "C-1")
    client.force_login(manager)
    client.cookies["django_language"] = language
    assert written in finds(client, "C-1").content.decode()


def test_the_door_tells_nobody_which_names_exist(client, manager):
    manager.set_password("correct horse battery")
    manager.save()
    tries = [("manager", "wrong"), ("nobody", "wrong")]
    said = [client.post(DOOR, {"username": name, "password": word}).content.decode() for name, word in tries]
    for text in said:
        assert "This user name and password do not open this page. Check both, and try again." in text
    opened = client.post(DOOR, {"username": "manager", "password": "correct horse battery", "next": START})
    assert opened["Location"] == START


def test_an_agent_at_the_door_of_the_admin_is_told_who_is_signed_in(client, agent):
    client.force_login(agent)
    assert "You are signed in as agent" in client.get(START, follow=True).content.decode()


def test_signing_out_says_so(client, manager):
    client.force_login(manager)
    assert "You are signed out" in client.post(reverse("admin:logout")).content.decode()


def test_what_is_not_there_or_not_allowed_is_said_in_a_sentence(client, outsider, settings):
    settings.DEBUG = False
    client.force_login(outsider)
    gone, closed = client.get("/nothing/here/"), client.get(reverse("admin:access_person_changelist"))
    assert (gone.status_code, closed.status_code) == (404, 403)
    assert "There is no page at this address" in gone.content.decode()
    assert "You may not open this page" in closed.content.decode()


def test_a_fault_of_ours_shows_no_detail(client, manager, monkeypatch, settings):
    def broken(*args):
        raise RuntimeError("a detail that nobody outside should read")

    settings.DEBUG = False
    monkeypatch.setattr("rulebook.desk.pages.search.find", broken)
    client.force_login(manager)
    client.raise_request_exception = False
    response = client.get(reverse("admin:desk_search"), {"q": "x"})
    assert response.status_code == 500
    text = response.content.decode()
    assert "Something broke on our side" in text and "a detail" not in text and "Traceback" not in text


def test_a_form_without_its_token_is_told_what_happened(client, manager):
    client.handler.enforce_csrf_checks = True
    response = client.post(DOOR, {"username": "manager", "password": "x"})
    assert response.status_code == 403 and "The page was open for too long" in response.content.decode()


def test_no_page_of_ours_names_another_host(client, admin):
    client.force_login(admin)
    for link in [*lines(client).values(), reverse("admin:desk_search"), reverse("admin:password_change")]:
        text = client.get(link).content.decode().replace("http://www.w3.org/", "")
        assert "http://" not in text and "https://" not in text and 'src="//' not in text, link


@pytest.mark.parametrize(
    "address", ["catalogue/rule/?kind=%00", "catalogue/rule/?topic=a%00&topic=b", "cases/upload/%00/progress/"]
)
def test_an_address_with_a_nul_is_refused_before_a_database_sees_it(client, admin, address):
    client.force_login(admin)
    refused = client.get(START + address)
    assert refused.status_code == 400 and "This request could not be read" in refused.content.decode()
