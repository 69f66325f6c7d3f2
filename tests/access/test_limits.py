"""How often somebody may do something: counted in memory, for each voice, and for a link as a whole."""

import pytest
from django.contrib.auth.models import AnonymousUser

from rulebook.access import limits
from rulebook.access.limits import DEVICES, address_of, forgive, may_try, too_many, within_limit
from rulebook.access.models import Team
from rulebook.access.services import revoke_team_link
from rulebook.access.voices import Voice
from tests import make

pytestmark = pytest.mark.django_db


@pytest.fixture
def clock(monkeypatch):
    """The seconds that the counters see; a test moves them on."""
    now = [1000.0]
    monkeypatch.setattr(limits.time, "monotonic", lambda: now[0])
    return now


def sent_by(rf, voice, address="10.0.0.1"):
    request = rf.post("/flag/", REMOTE_ADDR=address)
    request.user = AnonymousUser()
    request._voice = voice
    return request


def device(name, link=1):
    return Voice(person=None, team=Team(name="Calls"), device=name, link=link)


def tries(request, times, most=3, what="flag"):
    return [within_limit(request, what, most, 60) for _ in range(times)]


def test_the_most_are_let_through_until_the_time_is_over(rf, clock, agent):
    request = sent_by(rf, make.voice(agent))
    assert tries(request, 5) == [True] * 3 + [False] * 2
    clock[0] += 59
    assert tries(request, 1) == [False]
    clock[0] += 1
    assert tries(request, 4) == [True] * 3 + [False]


def test_everybody_and_everything_is_counted_apart(rf, clock, agent, manager):
    assert tries(sent_by(rf, make.voice(agent)), 4)[-1] is False
    assert all(tries(sent_by(rf, make.voice(manager)), 3))
    assert all(tries(sent_by(rf, make.voice(agent)), 3, what="search"))
    assert all(tries(sent_by(rf, device("a")), 3)) and all(tries(sent_by(rf, device("b")), 3))
    assert all(tries(sent_by(rf, None), 3)) and all(tries(sent_by(rf, None, "10.0.0.2"), 3))
    assert tries(sent_by(rf, None), 1) == [False]


def test_a_device_that_makes_itself_new_meets_the_limit_of_its_link(rf, clock):
    passed = sum(tries(sent_by(rf, device(f"new {number}")), 1)[0] for number in range(100))
    assert passed == 3 * DEVICES
    assert tries(sent_by(rf, device("of another link", link=2)), 1) == [True]


def test_counters_whose_time_is_over_make_room_and_where_none_is_the_first_to_end(rf, clock, monkeypatch):
    monkeypatch.setattr(limits, "MOST_KEPT", 10)
    for number in range(10):
        tries(sent_by(rf, device(f"{number}", link=0)), 3)
        clock[0] += 1
    assert tries(sent_by(rf, device("one more", link=0)), 1) == [True]
    assert len(limits._counters) <= 6
    assert tries(sent_by(rf, device("9", link=0)), 1) == [False], "the newest counters stay"
    clock[0] += 1000
    for number in range(20):
        tries(sent_by(rf, device(f"later {number}", link=0)), 1)
    assert len(limits._counters) <= 10


def test_too_many_is_a_page_with_every_word_and_a_button_that_sends_it_again(rf, agent):
    request = rf.post("/flag/?rule=R-1", {"stopped": "A <i>long</i> story", "once": "0123abc", "minutes": "5"})
    request.user, request._voice = agent, make.voice(agent)
    response = too_many(request)
    text = response.content.decode()
    assert (response.status_code, response["Retry-After"]) == (429, "60")
    assert "Many at once. What you sent is safe here. Try again in a minute." in text
    assert '<form method="post" action="/flag/?rule=R-1">' in text
    assert 'name="stopped" value="A &lt;i&gt;long&lt;/i&gt; story"' in text
    assert 'name="once" value="0123abc"' in text and 'name="minutes" value="5"' in text
    assert text.count("<textarea") == 1 and text.count("csrfmiddlewaretoken") == 3  # language, again, sign-out


def test_the_door_of_a_team_is_no_place_to_guess(client, monkeypatch):
    monkeypatch.setattr("rulebook.access.views.GUESSES", 5)
    _link, token = make.team_link()
    assert [client.get(f"/t/guess{number}/").status_code for number in range(7)] == [404] * 5 + [429] * 2
    assert client.get(f"/t/{token}/").status_code == 302, "whoever has the link comes in"
    make.came_by(token)
    assert make.came_by(token).get("/t/guess/").status_code == 429, "a device is a stranger where it guesses"


def test_a_revoked_link_is_no_guess_and_is_opened_no_more_often_than_a_living_one(client, monkeypatch):
    monkeypatch.setattr("rulebook.access.views.GUESSES", 1)
    monkeypatch.setattr("rulebook.access.views.OPENINGS", 3)
    link, token = make.team_link()
    revoke_team_link(link=link, by=None)
    assert [client.get(f"/t/{token}/").status_code for _ in range(4)] == [404] * 3 + [429]


@pytest.mark.parametrize(
    ("behind", "forwarded", "seen"),
    [
        (False, "198.51.100.7", "from 10.0.0.1"),
        (True, "198.51.100.7", "from 198.51.100.7"),
        (True, "6.6.6.6, 198.51.100.7", "from 198.51.100.7"),
        (True, "198.51.100.7:5123", "from 198.51.100.7"),
        (True, "[2001:db8:1:2::9]:443", "from 2001:db8:1:2::/64"),
        (True, "198.51.100.7,", "from 10.0.0.1"),
        (True, "2001:db8:1:2:3:4:5:6", "from 2001:db8:1:2::/64"),
        (True, "unknown", "from 10.0.0.1"),
        (True, "", "from 10.0.0.1"),
    ],
)
def test_behind_a_proxy_the_address_is_the_one_that_the_proxy_wrote(rf, settings, behind, forwarded, seen):
    settings.BEHIND_PROXY = behind
    assert address_of(rf.get("/", REMOTE_ADDR="10.0.0.1", headers={"X-Forwarded-For": forwarded})) == seen


def test_a_stranger_behind_the_proxy_has_a_limit_alone_and_no_header_makes_it_new(client, settings, monkeypatch):
    settings.BEHIND_PROXY = True
    monkeypatch.setattr("rulebook.access.views.GUESSES", 2)

    def guess(forwarded):
        return client.get("/t/guess/", headers={"X-Forwarded-For": forwarded, "X-Real-IP": forwarded}).status_code

    assert [guess(f"6.6.6.{number}, 198.51.100.7") for number in range(3)] == [404, 404, 429]
    assert guess("198.51.100.8") == 404


def test_a_right_try_is_forgiven_and_a_wrong_one_is_not(rf, clock, agent):
    request = sent_by(rf, make.voice(agent))
    for _ in range(5):
        assert may_try(request, "code", 2, 60)
        forgive(request, "code")
    assert [may_try(request, "code", 2, 60) for _ in range(3)] == [True, True, False]
    forgive(request, "never tried")
    assert not may_try(sent_by(rf, None), "code", 2, 60), "by address, whoever it is"
