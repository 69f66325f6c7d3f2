"""Who speaks: a person who signed in, a device that came by a team's link, or nobody."""

import re
import time

import pytest
from django.contrib.auth.models import AnonymousUser, Group
from django.core import signing
from django.http import HttpResponse
from django.test import Client

from rulebook.access import voices
from rulebook.access.models import TeamLink
from rulebook.access.services import make_team_link, revoke_team_link
from rulebook.access.tokens import new_token
from rulebook.access.voices import COOKIE, SALT, needs_voice, voice_of
from rulebook.errors import RulebookError
from rulebook.journal.models import Event
from tests import make

pytestmark = pytest.mark.django_db


def asked(rf, *, user=None, cookie="", method="get", **data):
    request = getattr(rf, method)("/flag/", data)
    request.user = user or AnonymousUser()
    request.COOKIES[COOKIE] = cookie
    return request


def cookie_of(client):
    return client.cookies[COOKIE].value


def test_a_link_is_told_once_and_only_its_hash_is_stored(manager):
    team = make.team(headcount=5)
    token = make_team_link(team=team, by=manager)
    (link,) = TeamLink.objects.all()
    assert len(link.digest) == 64 and token not in str(vars(link)) and link.made_by == manager
    (event,) = Event.objects.filter(verb="link_made")
    assert (event.object_type, event.object_code) == ("team", str(team.pk)) and token not in str(vars(event))


@pytest.mark.parametrize(
    ("headcount", "members", "allowed"), [(5, 0, True), (4, 4, False), (None, 5, True), (9, 1, True)]
)
def test_a_link_is_for_teams_of_five_or_more(headcount, members, allowed):
    team = make.team("Chat", headcount=headcount)
    for _ in range(members):
        make.person(team=team)
    if allowed:
        assert make_team_link(team=team, by=None)
    else:
        with pytest.raises(RulebookError, match="Chat has fewer than 5 people, so a link would tell who wrote"):
            make_team_link(team=team, by=None)
        assert not TeamLink.objects.exists() and not Event.objects.filter(verb="link_made").exists()


def test_a_device_that_opened_the_link_speaks_for_the_team_without_a_name(rf):
    link, token = make.team_link()
    phone = make.came_by(token)
    voice = voice_of(asked(rf, cookie=cookie_of(phone)))
    assert (voice.person, voice.team, voice.link) == (None, link.team, link.pk)
    assert re.fullmatch("[0-9a-f]{64}", voice.device) and voice.key == voice.device
    assert (voice.is_agent, voice.is_manager) == (True, False)
    assert token not in cookie_of(phone) and voice.device not in cookie_of(phone)


def test_the_cookie_is_closed_to_scripts_and_lasts_180_days(settings):
    _link, token = make.team_link()
    cookie = make.came_by(token).cookies[COOKIE]
    assert cookie["httponly"] and cookie["samesite"] == "Lax" and cookie["max-age"] == 180 * 86_400
    assert not cookie["secure"]
    settings.SESSION_COOKIE_SECURE = True
    assert make.came_by(token).cookies[COOKIE]["secure"]


def test_a_phone_stays_the_same_device_by_whichever_link_it_comes(rf):
    one, other = make.team_link()[1], make.team_link()[1]
    phone = make.came_by(one)
    first = voice_of(asked(rf, cookie=cookie_of(phone)))
    phone.get(f"/t/{other}/")
    second = voice_of(asked(rf, cookie=cookie_of(phone)))
    assert first.device == second.device and first.team != second.team
    assert voice_of(asked(rf, cookie=cookie_of(make.came_by(other)))).device != second.device


def test_a_revoked_link_opens_nothing_and_its_devices_are_nobody(rf, manager):
    link, token = make.team_link()
    phone = make.came_by(token)
    assert revoke_team_link(link=link, by=manager)
    assert voice_of(asked(rf, cookie=cookie_of(phone))) is None
    assert phone.get(f"/t/{token}/").status_code == 404
    assert not revoke_team_link(link=link, by=manager)
    assert Event.objects.filter(verb="link_revoked").count() == 1


def test_another_link_of_the_team_goes_on_when_one_is_revoked():
    team = make.team(headcount=7)
    (first, _token), (_second, token) = make.team_link(team), make.team_link(team)
    revoke_team_link(link=first, by=None)
    make.came_by(token)


@pytest.mark.parametrize(
    "token",
    ["x", "x.y", "%2e%2e", "0" * 3000, "å", new_token(), new_token()[:-1] + "é"],
    ids=["a letter", "two parts", "a way up", "long", "not ASCII", "signed, of no link", "signed and changed"],
)
def test_a_link_that_we_did_not_make_is_closed(client, token):
    response = client.get(f"/t/{token}/")
    assert response.status_code == 404 and COOKIE not in response.cookies
    assert f"/t/{token}" not in response.content.decode()


def test_a_guess_costs_no_query(client, django_assert_num_queries):
    with django_assert_num_queries(0):
        client.get("/t/made-up.made-up/")


def test_a_cookie_that_was_made_up_changed_or_is_too_old_is_nobody(rf, monkeypatch):
    link, token = make.team_link()
    good = cookie_of(make.came_by(token))
    wrong = [
        "",
        "x",
        good[:-2] + "xx",
        signing.dumps([link.pk, "d"], salt="other"),
        signing.dumps("no list", salt=SALT),
    ]
    wrong += [signing.dumps([1, 2, 3], salt=SALT), signing.dumps(["x", "d"], salt=SALT)]
    assert [voice_of(asked(rf, cookie=cookie)) for cookie in wrong] == [None] * len(wrong)
    assert voice_of(asked(rf, cookie=good))
    later = time.time() + voices.COOKIE_AGE + 60
    monkeypatch.setattr(signing.time, "time", lambda: later)
    assert voice_of(asked(rf, cookie=good)) is None


def test_somebody_who_signed_in_is_that_person_whatever_cookie_lies_beside(rf, agent):
    agent.team = make.team("Mails")
    agent.save()
    _link, token = make.team_link()
    voice = voice_of(asked(rf, user=agent, cookie=cookie_of(make.came_by(token))))
    assert (voice.person, voice.team, voice.device, voice.link) == (agent, agent.team, "", 0)
    assert voice.key == f"person {agent.pk}"


@pytest.mark.parametrize(
    ("roles", "superuser", "is_agent", "is_manager"),
    [
        (["agent"], False, True, False),
        (["manager"], False, False, True),
        (["agent", "manager"], False, False, True),
        (["owner"], False, False, False),
        (["operator", "agent"], False, True, False),
        (["agent"], True, False, True),
        ([], False, False, False),
    ],
)
def test_the_front_line_is_told_from_those_who_manage(rf, roles, superuser, is_agent, is_manager):
    person = make.person(is_superuser=superuser)
    person.groups.set(Group.objects.filter(name__in=roles))
    voice = voice_of(asked(rf, user=person))
    assert (voice.is_agent, voice.is_manager) == (is_agent, is_manager)


def test_asking_twice_costs_the_queries_of_asking_once(rf, django_assert_num_queries):
    _link, token = make.team_link()
    request = asked(rf, cookie=cookie_of(make.came_by(token)))
    with django_assert_num_queries(1):  # the link with its team
        assert voice_of(request) is voice_of(request)


@needs_voice
def page(request):
    return HttpResponse("open")


def test_nobody_is_led_to_the_door_and_back(rf):
    response = page(asked(rf, rule="R-1"))
    assert (response.status_code, response["Location"]) == (302, "/sign-in/?next=%2Fflag%2F%3Frule%3DR-1")


def test_what_nobody_sent_stands_on_the_page_that_refuses_it(rf):
    words = "The <b>customer</b> hung up"
    sent = {"stopped": words, "reason": "slow", "once": "0123456789abcdef", "csrfmiddlewaretoken": "SECRET"}
    response = page(asked(rf, method="post", password="hunter2", **sent))
    text = response.content.decode()
    assert response.status_code == 403 and "Nothing was stored" in text
    assert "The &lt;b&gt;customer&lt;/b&gt; hung up" in text and ">slow<" in text
    assert "hunter2" not in text and "SECRET" not in text and "0123456789abcdef" not in text
    assert "/sign-in/?next=%2Fflag%2F" in text


def test_a_script_is_told_to_go_to_the_door(rf):
    request = asked(rf, method="post")
    request.META["HTTP_HX_REQUEST"] = "true"
    response = page(request)
    assert (response.status_code, response["HX-Redirect"]) == (204, "/sign-in/?next=%2Fflag%2F")


def test_whoever_speaks_comes_in(rf, agent):
    assert page(asked(rf, user=agent)).content == b"open"


def test_signing_out_forgets_the_link_too(agent):
    _link, token = make.team_link()
    phone = make.came_by(token)
    phone.force_login(agent)
    response = phone.post("/sign-out/")
    assert 'data-sent="*"' in response.content.decode()
    assert phone.cookies[COOKIE].value == "" and phone.get("/flag/").status_code == 302


def test_opening_a_link_needs_no_sign_in_and_tells_no_address_onwards():
    _link, token = make.team_link()
    response = Client().get(f"/t/{token}/")
    assert (response.status_code, response["Location"]) == (302, "/flag/")
    assert response["Referrer-Policy"] == "same-origin" and "no-store" in response["Cache-Control"]
