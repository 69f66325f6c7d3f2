"""Signing in and out, the languages of public pages, what they may load, and what the log keeps to itself."""

import logging

import pytest
from django.test import Client
from django.urls import reverse

from rulebook.access.tokens import NoSecrets
from rulebook.desk.middleware import CONTENT_SECURITY
from tests import make

pytestmark = pytest.mark.django_db
PASSWORD = "a-made-up-password-for-tests"


def with_password(person, **fields):
    person.set_password(PASSWORD)
    for name, value in fields.items():
        setattr(person, name, value)
    person.save()
    return person


def sign_in(client, username, password=PASSWORD, **more):
    return client.post("/sign-in/", {"username": username, "password": password, **more})


def test_an_agent_signs_in_and_stands_at_the_form(client, agent):
    with_password(agent)
    response = sign_in(client, "agent")
    assert response["Location"] == "/" and client.get("/")["Location"] == "/flag/"


def test_a_manager_signs_in_and_stands_at_the_desk(client, manager):
    with_password(manager)
    sign_in(client, "manager")
    assert client.get("/")["Location"] == "/admin/"


def test_nobody_is_led_from_the_first_page_to_the_desks_door_and_a_team_to_the_form(client):
    assert client.get("/")["Location"] == "/admin/"
    assert make.came_by(make.team_link()[1]).get("/")["Location"] == "/flag/"


@pytest.mark.parametrize(
    ("wanted", "there"),
    [
        ("/vote/", "/vote/"),
        ("/flag/?rule=R-1&channel=phone", "/flag/?rule=R-1&channel=phone"),
        ("https://evil.example/flag/", "/"),
        ("//evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("", "/"),
    ],
)
def test_after_the_door_comes_the_page_that_was_asked_for_and_none_of_another_house(client, agent, wanted, there):
    with_password(agent)
    form = client.get("/sign-in/", {"next": wanted}).content.decode()
    assert 'name="next"' in form
    assert sign_in(client, "agent", next=wanted)["Location"] == there


@pytest.mark.parametrize("name", ["agent", "nobody"])
def test_a_wrong_password_and_an_unknown_name_read_the_same(client, agent, name):
    with_password(agent)
    response = sign_in(client, name, "wrong", next="/vote/")
    text = response.content.decode()
    assert response.status_code == 422
    assert "This user name and password do not open this page. Check both, and try again." in text
    assert f'value="{name}"' in text and 'value="/vote/"' in text and "wrong" not in text


def test_somebody_who_has_left_does_not_come_in(client, agent):
    with_password(agent, is_active=False)
    assert "do not open this page" in sign_in(client, "agent").content.decode()


def test_an_agent_at_the_desks_door_is_told_which_door_is_theirs(client, agent):
    with_password(agent)
    door = reverse("admin:login")
    text = client.post(door, {"username": "agent", "password": PASSWORD}).content.decode()
    assert "You have no page here. Sign in for the front line instead, below." in text and 'href="/sign-in/"' in text
    text = client.post(door, {"username": "agent", "password": "wrong"}).content.decode()
    assert "You have no page here" not in text and "do not open this page" in text
    client.force_login(agent)
    assert 'href="/flag/"' in client.get("/admin/", follow=True).content.decode()


def test_many_tries_at_one_name_are_slowed_down_and_other_people_are_not(client, agent, manager):
    with_password(agent)
    with_password(manager)
    assert [sign_in(client, "agent", "wrong").status_code for _ in range(12)] == [422] * 10 + [429] * 2
    response = sign_in(client, "agent")
    assert response.status_code == 429 and "Many tries at once" in response.content.decode()
    assert sign_in(client, "manager").status_code == 302


def test_both_doors_count_wrong_passwords_together_and_right_ones_not_at_all(client, agent, manager):
    with_password(manager)
    desk = reverse("admin:login")
    for _ in range(12):
        assert sign_in(Client(), "manager").status_code == 302
    for _ in range(5):
        sign_in(client, "manager", "wrong")
        client.post(desk, {"username": "manager", "password": "wrong"})
    answer = client.post(desk, {"username": "manager", "password": PASSWORD})
    assert answer.status_code == 200 and "Many tries at once. Try again in a minute." in answer.content.decode()
    assert sign_in(client, "manager").status_code == 429


def test_one_address_does_not_try_one_password_at_every_name(client, agent, monkeypatch):
    monkeypatch.setattr("rulebook.access.forms.TRIES_AT_ALL", 4)
    with_password(agent)
    assert [sign_in(client, f"person{n}", "spring2027").status_code for n in range(6)] == [422] * 4 + [429] * 2
    assert sign_in(client, "agent").status_code == 429
    assert (
        client.post("/sign-in/", {"username": "agent", "password": PASSWORD}, REMOTE_ADDR="10.9.9.9").status_code == 302
    )


def test_another_spelling_of_a_name_is_the_same_name(client, agent, monkeypatch):
    monkeypatch.setattr("rulebook.access.forms.TRIES", 2)
    names = ("agent", " agent", "\uff41gent")  # the last with a wide a
    assert [sign_in(client, name, "wrong").status_code for name in names] == [422, 422, 429]


def test_a_form_that_was_open_too_long_hands_back_what_was_written(agent):
    browser = Client(enforce_csrf_checks=True)
    response = browser.post("/flag/", {"stopped": "Refund of <240> kr", "once": "0123456789abcdef"})
    text = response.content.decode()
    assert response.status_code == 403 and "Nothing was stored" in text
    assert ">Refund of &lt;240&gt; kr</textarea>" in text and "0123456789abcdef" not in text
    desk = browser.post("/admin/login/", {"username": "agent"})
    assert desk.status_code == 403 and "copy what you wrote" in desk.content.decode()


BROWSERS = {
    "da": "da", "da-DK,da;q=0.9,en;q=0.8": "da", "nb-NO": "nb", "no": "nb", "nn-NO,nn;q=0.9": "nb", "sv-SE": "sv",
    "de-DE,sv;q=0.5": "sv", "de": "en", "": "en", "*": "en", "en-US,da;q=0.1": "en", ";;;q=": "en",
}  # fmt: skip


@pytest.mark.parametrize("header", BROWSERS)
def test_a_public_page_speaks_as_the_browser_says(header):
    page = Client(headers={"accept-language": header}).get("/promise/")
    assert f'<html lang="{BROWSERS[header]}">' in page.content.decode()
    assert page["Content-Language"] == BROWSERS[header] and "Accept-Language" in page["Vary"]


@pytest.mark.parametrize("language", ["en", "da", "nb", "sv"])
def test_the_switch_outweighs_person_and_browser_and_comes_back_to_the_page(client, agent, language):
    with_password(agent, language="sv")
    client.force_login(agent)
    response = client.post(reverse("set_language"), {"language": language, "next": "/promise/?x=1"})
    assert response["Location"] == "/promise/?x=1"
    assert f'<html lang="{language}">' in client.get("/promise/", headers={"accept-language": "da"}).content.decode()


def test_a_persons_own_language_outweighs_the_browser(client, agent):
    with_password(agent, language="nb")
    client.force_login(agent)
    assert '<html lang="nb">' in client.get("/promise/", headers={"accept-language": "da"}).content.decode()


def test_the_desk_speaks_english_to_somebody_who_reads_norwegian_elsewhere(client, manager):
    with_password(manager, language="nb")
    client.force_login(manager)
    assert client.get("/admin/")["Content-Language"] == "en"
    assert client.get("/promise/")["Content-Language"] == "nb"


@pytest.mark.parametrize("path", ["/promise/", "/sign-in/", "/t/x/", "/nothing-here/", "/flag/", "/language/", "/"])
def test_every_page_outside_the_desk_forbids_what_stands_in_the_page_and_other_hosts(client, path):
    response = client.get(path)
    assert response["Content-Security-Policy"] == CONTENT_SECURITY
    assert response["X-Frame-Options"] == "DENY"
    assert "unsafe" not in CONTENT_SECURITY and "http" not in CONTENT_SECURITY


def test_the_desk_has_no_such_policy_and_is_not_packed(client, manager):
    client.force_login(manager)
    response = client.get("/admin/", headers={"accept-encoding": "gzip"})
    assert "Content-Security-Policy" not in response and "Content-Encoding" not in response
    assert client.get("/promise/", headers={"accept-encoding": "gzip"})["Content-Encoding"] == "gzip"


def test_a_script_of_the_public_pages_is_packed_on_its_way(client):
    response = client.get("/static/django_htmx/htmx-2.min.js", headers={"accept-encoding": "gzip"})
    assert response["Content-Encoding"] == "gzip" and len(b"".join(response)) < 20_000


def test_every_public_page_leads_to_what_the_tool_cannot_do(client):
    for path in ("/sign-in/", "/promise/", "/t/x/"):
        assert 'href="/promise/"' in client.get(path).content.decode()


def test_the_promise_names_what_is_stored_and_what_nobody_can_promise(client):
    text = client.get("/promise/").content.decode()
    for words in (
        "no name, no team, no device, no case number, no hour", "figures of one agent", "Teams are shown from 5 people",
        "Whoever can read the database file", "no whistle-blowing channel", "It lasts 180 days",
        "We cannot promise that nobody can guess",
    ):  # fmt: skip
        assert words in text


def record(name, level, message, *args):
    return logging.LogRecord(name, level, "x.py", 1, message, args, None)


@pytest.mark.parametrize(
    ("name", "level", "line", "said"),
    [
        ("django.request", logging.WARNING, "Not Found: /t/SECRET.sig/", None),
        ("django.server", logging.INFO, '"GET /t/SECRET.sig/ HTTP/1.1" 302 0', None),
        ("django.server", logging.INFO, '"POST /flag/ HTTP/1.1" 302 0', None),
        ("django.server", logging.INFO, '"GET /vote/?rule=4 HTTP/1.1" 200 0', None),
        ("django.request", logging.WARNING, "Too Many Requests: /flag/", None),
        ("django.request", logging.ERROR, "Internal Server Error: /t/SECRET.sig/", "Internal Server Error: /t/.../"),
        ("django.request", logging.ERROR, "Internal Server Error: /flag/", "Internal Server Error: /flag/"),
        ("gunicorn.error", logging.INFO, "/t/SECRET.sig/ went wrong", "/t/.../ went wrong"),
        ("django.server", logging.INFO, '"GET /admin/ HTTP/1.1" 200 0', '"GET /admin/ HTTP/1.1" 200 0'),
        ("django.request", logging.WARNING, "Not Found: /nothing/", "Not Found: /nothing/"),
    ],
)
def test_the_log_tells_no_secret_and_no_traffic_of_the_front_line(name, level, line, said):
    for made in (record(name, level, line), record(name, level, "%s", line)):
        passed = NoSecrets().filter(made)
        assert (made.getMessage() if passed else None) == said


def test_the_filter_stands_before_every_handler_of_the_log(settings):
    assert all("no_secrets" in handler["filters"] for handler in settings.LOGGING["handlers"].values())
    assert settings.LOGGING["loggers"]["django.server"]["handlers"] == ["console"]


def test_the_links_page_tells_the_address_once(client, manager):
    team = make.team("Calls", headcount=6)
    client.force_login(manager)
    made = client.post(reverse("admin:access_teamlink_add"), {"team": team.pk})
    text = made.content.decode()
    start = text.index("http://testserver/t/")
    address = text[start : text.index("<", start)]
    assert made.status_code == 200 and "Shown only now" in text and "no-store" in made["Cache-Control"]
    assert Client().get(address.removeprefix("http://testserver")).status_code == 302
    pages = [reverse("admin:access_teamlink_changelist"), reverse("admin:journal_event_changelist")]
    link = team.links.get()
    pages.append(reverse("admin:access_teamlink_change", args=[link.pk]))
    assert not any("/t/" in client.get(page).content.decode() for page in pages)


def test_the_link_is_told_by_the_public_address_where_one_is_set(client, manager, settings):
    settings.PUBLIC_URL = "https://rules.example.org"
    client.force_login(manager)
    text = client.post(reverse("admin:access_teamlink_add"), {"team": make.team(headcount=6).pk}).content.decode()
    assert ">https://rules.example.org/t/" in text


def test_a_small_team_is_refused_with_the_reason_on_the_form(client, manager):
    team = make.team("Night", headcount=3)
    client.force_login(manager)
    response = client.post(reverse("admin:access_teamlink_add"), {"team": team.pk})
    text = response.content.decode()
    assert (
        response.status_code == 422
        and "Night has fewer than 5 people, so a link would tell who wrote" in text
        and not team.links.exists()
    )
    assert "Choose a team." in client.post(reverse("admin:access_teamlink_add")).content.decode()


def test_a_manager_revokes_a_link_by_one_button(client, manager):
    link, token = make.team_link()
    client.force_login(manager)
    page = client.get(reverse("admin:access_teamlink_change", args=[link.pk])).content.decode()
    assert "Revoke this link" in page
    revoke = reverse("admin:access_teamlink_revoke", args=[link.pk])
    text = client.post(revoke, follow=True).content.decode()
    assert "Every device that came by this link is a stranger now" in text and "revoked" in text
    assert Client().get(f"/t/{token}/").status_code == 404
    assert (
        "Revoke this link" not in client.get(reverse("admin:access_teamlink_change", args=[link.pk])).content.decode()
    )
    assert client.post(revoke).status_code == 302, "twice does no harm"


def test_a_closed_period_that_ends_before_it_begins_is_refused_at_its_field(client, manager):
    client.force_login(manager)
    add = reverse("admin:access_closedperiod_add")
    text = client.post(add, {"name": "July", "first": "2026-07-31", "last": "2026-07-01"}).content.decode()
    assert "The last day lies before the first" in text and "Constraint" not in text
    assert client.post(add, {"name": "July", "first": "2026-07-01", "last": "2026-07-31"}).status_code == 302
