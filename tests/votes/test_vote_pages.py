"""The stack of cards and the cards of a sealed ballot, as a phone meets them: one card, one answer, the next."""

import re
from datetime import timedelta
from html import unescape
from urllib.parse import urlencode

import pytest
from django.test import Client
from django.utils import timezone

from rulebook.access import limits
from rulebook.access.models import TeamLink
from rulebook.access.services import make_team_link, revoke_team_link
from rulebook.catalogue.models import Rule
from rulebook.catalogue.services import change_rule
from rulebook.flags.models import Flag
from rulebook.votes.ballots import close_ballot, discard_ballot, next_round, reveal
from rulebook.votes.models import Cast, StandingVote
from rulebook.votes.stack import SITTING
from tests import make

pytestmark = pytest.mark.django_db
CARD = {"headers": {"X-Card": "1"}}


@pytest.fixture(autouse=True)
def nobody_has_voted_yet_this_minute():
    limits.forget_all()


@pytest.fixture
def phone(agent):
    """An agent's phone, signed in."""
    client = Client()
    client.force_login(agent)
    return client


@pytest.fixture
def house_team():
    return make.team("Calls", headcount=8, department=make.department("Calls"))


def device(team):
    """A phone that came by a link of the team."""
    client = Client()
    client.get(f"/t/{make_team_link(team=team, by=None)}/")
    return client


def titles(response):
    """The title of the card on the table."""
    return unescape(re.search(r'id="card-title">(.*?)</h2>', response.content.decode(), re.S)[1].strip())


def form_of(response):
    """What the card's form sends when nothing is chosen."""
    page = response.content.decode()
    form = page[page.index('id="card"') :]
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', form))


def answer(client, response, impact=-2, **fields):
    sent = {**form_of(response), "impact": impact, **fields}
    sent.pop("csrfmiddlewaretoken", None)
    action = unescape(re.search(r'id="card" method="post" action="([^"]*)"', response.content.decode())[1])
    return client.post(action, sent, follow=True)


def skip(response):
    return unescape(re.search(r'href="([^"]*)">Skip</a>', response.content.decode())[1])


def undo(response):
    return unescape(re.search(r'vote-undo" href="([^"]*)"', response.content.decode())[1])


def remove(rule):
    Rule.objects.filter(pk=rule.pk).update(status=Rule.Status.REMOVED)


def impacts(rule):
    return list(StandingVote.objects.filter(version__rule=rule).values_list("impact", flat=True))


def test_a_stack_is_answered_card_by_card_and_ends_with_a_count(phone):
    rules = [make.rule(f"Rule {code}", code=code) for code in "ABC"]
    page = phone.get("/vote/")
    for place, rule in enumerate(rules, 1):
        assert titles(page) == rule.title
        assert f"Rule {place} of 3" in page.content.decode()
        page = answer(phone, page, impact=place - 2, on_time="on", reason="It takes days.")
    assert titles(page) == "That is all for now."
    assert "You voted on 3 rules." in page.content.decode()
    assert [impacts(rule) for rule in rules] == [[-1], [0], [1]]
    assert StandingVote.objects.filter(on_time=True, put_right=False, reason="It takes days.").count() == 3
    assert titles(phone.get("/vote/")) == "No rule waits for your vote."


def test_the_card_shows_what_the_customer_hears_and_no_answer_is_chosen(phone):
    make.rule("Refunds need a manager", customer_hears="My manager won't let me.", text="Over 200 kr.")
    page = phone.get("/vote/").content.decode()
    assert "My manager won&#x27;t let me." in page and "Over 200 kr." in page
    assert page.count('type="radio"') == 5 and " checked" not in page


def test_rules_of_the_own_department_come_first_then_the_flagged(house_team):
    other = make.department("Money")
    make.rule("Plain", code="A", department=other)
    flagged = make.rule("Flagged", code="B", department=other)
    long_ago = make.rule("Flagged long ago", code="C", department=other)
    make.rule("Own", code="D", department=house_team.department)
    Rule.objects.filter(pk=make.rule("Proposed", code="E").pk).update(status=Rule.Status.PROPOSED)
    today = timezone.localdate()
    for place, (rule, days) in enumerate([(flagged, 3), (long_ago, 90)]):
        Flag.objects.create(stopped="Wait.", rule=rule, flagged_on=today - timedelta(days=days), once=str(place))
    client, seen = device(house_team), []
    page = client.get("/vote/")
    while 'method="post" action="/vote/"' in page.content.decode():
        seen.append(titles(page))
        page = client.get(skip(page))
    assert seen == ["Own", "Flagged", "Plain", "Flagged long ago"]


def test_a_skipped_rule_is_not_voted_on_and_comes_again_another_time(phone):
    rule = make.rule("First", code="A")
    make.rule("Second", code="B")
    page = phone.get(skip(phone.get("/vote/")))
    assert titles(page) == "Second"
    page = answer(phone, page)
    assert "You voted on 1 rule." in page.content.decode() and impacts(rule) == []
    assert titles(phone.get("/vote/")) == "First"


def test_undo_brings_the_last_card_back_with_its_answer_and_changes_the_same_vote(phone):
    rule = make.rule("First", code="A")
    make.rule("Second", code="B")
    page = answer(phone, phone.get("/vote/"), impact=-2, reason="Slow.")
    page = phone.get(undo(page))
    assert titles(page) == "First" and "Rule 1 of 2" in page.content.decode()
    assert 'value="-2" checked' in page.content.decode() and "Slow.</textarea>" in page.content.decode()
    page = answer(phone, page, impact=2)
    assert titles(page) == "Second" and impacts(rule) == [2]


def test_a_sitting_is_a_minute_and_more_is_offered(phone):
    for number in range(SITTING + 2):
        make.rule(f"Rule {number:02}")
    page = phone.get("/vote/")
    assert f"Rule 1 of {SITTING}" in page.content.decode()
    for _ in range(SITTING):
        page = answer(phone, page)
    assert titles(page) == "That is all for now."
    page = phone.get(unescape(re.search(r'class="button" href="([^"]*)">More rules', page.content.decode())[1]))
    assert "Rule 1 of 2" in page.content.decode()


def test_the_script_gets_the_next_card_and_nothing_around_it(phone):
    make.rule(code="A")
    second = make.rule(code="B")
    page = phone.get("/vote/")
    sent = {**form_of(page), "impact": -1}
    response = phone.post("/vote/", sent, **CARD)
    assert response.status_code == 200 and titles(response) == second.title
    assert "<html" not in response.content.decode()


def test_the_same_vote_twice_is_one_vote(phone):
    rule = make.rule()
    page = phone.get("/vote/")
    for _ in range(2):
        answer(phone, page, impact=-1)
    assert impacts(rule) == [-1]


def test_nothing_chosen_says_so_and_keeps_what_was_written(phone):
    make.rule("Refunds")
    sent = {**form_of(phone.get("/vote/")), "reason": "Days.", "on_time": "on"}
    response = phone.post("/vote/", sent)
    page = response.content.decode()
    assert response.status_code == 422 and titles(response) == "Refunds"
    assert page.count("Choose what it does to customers.") == 2  # on top, and at the question
    assert "Days.</textarea>" in page and 'name="on_time" checked' in page
    assert not StandingVote.objects.exists()


@pytest.mark.parametrize("reason", ["x" * 1_000_000, "\0"])
def test_a_reason_that_cannot_be_stored_stays_on_the_page(phone, reason):
    make.rule()
    response = answer(phone, phone.get("/vote/"), reason=reason)
    assert response.status_code == 422 and not StandingVote.objects.exists()
    assert reason.strip("\0")[:100] in response.content.decode()


def test_markup_and_other_scripts_are_words(phone):
    make.rule()
    answer(phone, phone.get("/vote/"), reason="<b>لماذا؟</b> 🙂")
    stored = StandingVote.objects.get()
    page = phone.get(f"/vote/?stack={stored.version_id}&of=1").content.decode()
    assert "&lt;b&gt;لماذا؟&lt;/b&gt; 🙂" in page


def test_a_number_that_was_hidden_is_told_on_the_next_card(phone):
    make.rule(code="A")
    make.rule("Second", code="B")
    page = answer(phone, phone.get("/vote/"), reason="Call anna@example.org.")
    assert titles(page) == "Second" and "before we stored your text" in page.content.decode()


def test_a_rule_removed_meanwhile_is_told_and_the_stack_goes_on(phone):
    gone = make.rule(code="A")
    make.rule("Second", code="B")
    page = phone.get("/vote/")
    remove(gone)
    response = answer(phone, page)
    assert response.status_code == 409 and titles(response) == "Second"
    assert "This rule was removed a moment ago." in response.content.decode()
    assert answer(phone, response).status_code == 200
    assert StandingVote.objects.count() == 1


def test_other_words_ask_anew_and_the_old_vote_stays_with_the_old_words(phone, manager):
    rule = make.rule("Old words", code="A")
    page = phone.get("/vote/")
    answer(phone, page, impact=-2)
    change_rule(rule=rule, fields={"title": "New words"}, by=manager)
    response = answer(phone, page, impact=2)
    assert response.status_code == 409 and titles(response) == "New words"
    assert "other words a moment ago" in response.content.decode()
    answer(phone, response, impact=1)
    assert sorted(impacts(rule)) == [-2, 1]


def test_earlier_votes_are_listed_changed_and_taken_back(phone):
    rule = make.rule("Refunds", code="A")
    removed = make.rule("Gone", code="B")
    assert "You have not voted on a rule yet." in phone.get("/vote/mine/").content.decode()
    page = answer(phone, phone.get("/vote/"), impact=-1)
    answer(phone, page)
    remove(removed)
    page = phone.get("/vote/mine/").content.decode()
    assert "Refunds" in page and "Hurts a little" in page and "Gone" not in page
    change = unescape(re.search(r'href="([^"]*back=mine[^"]*)"', page)[1])
    response = answer(phone, phone.get(change), impact=2)
    assert response.redirect_chain[-1][0] == "/vote/mine/" and impacts(rule) == [2]
    answer(phone, phone.get(change), impact=2, do="withdraw")
    assert impacts(rule) == []


def test_two_devices_of_a_team_have_a_vote_each_and_a_revoked_link_has_none(house_team):
    rule = make.rule()
    one, other = device(house_team), device(house_team)
    for client in (one, other, one):
        answer(client, client.get(f"/vote/?stack={rule.versions.get().pk}&of=1"), impact=-1)
    assert impacts(rule) == [-1, -1]
    assert set(StandingVote.objects.values_list("team", "person")) == {(house_team.pk, None)}
    page = one.get(f"/vote/?stack={rule.versions.get().pk}&of=1")
    for link in TeamLink.objects.all():
        revoke_team_link(link=link, by=None)
    response = one.post("/vote/", {**form_of(page), "impact": 2, "reason": "All day."})
    assert response.status_code == 403 and "All day." in response.content.decode()
    assert impacts(rule) == [-1, -1]


def test_a_stranger_is_led_to_the_door(client):
    for address in ("/vote/", "/vote/mine/", "/vote/7/", "/vote/7/result/"):
        response = client.get(address)
        assert response.status_code == 302
        assert response.url == f"/sign-in/?{urlencode({'next': address})}"


def test_a_flood_is_stopped_with_what_was_written_on_the_page(phone, monkeypatch):
    monkeypatch.setattr("rulebook.votes.views.VOTES_A_MINUTE", 1)
    make.rule()
    page = phone.get("/vote/")
    answer(phone, page)
    response = answer(phone, page, impact=2, reason="Days.")
    assert response.status_code == 429 and "Days." in response.content.decode()
    assert StandingVote.objects.get().impact == -2


@pytest.mark.parametrize(
    "query", ["stack=9999999&of=4", "stack=x,-1,%00&of=-3", "of=999999999999999999", "skipped=" + "9," * 900]
)
def test_an_address_that_somebody_made_up_still_gives_a_page(phone, query):
    make.rule()
    assert phone.get(f"/vote/?{query}").status_code in {200, 400}


@pytest.mark.parametrize("sent", [{}, {"card": "x"}, {"card": "²"}, {"card": "9" * 30}, {"card": "0"}])
def test_a_card_that_is_none_is_no_vote(phone, sent):
    make.rule()
    assert phone.post("/vote/", {"impact": "1", **sent}).status_code == 409
    assert not StandingVote.objects.exists()


def test_a_vote_asks_few_questions_of_the_database(phone, django_assert_num_queries):
    for _ in range(3):
        make.rule()
    page = phone.get("/vote/")
    # session, person, the voter's roles; in one transaction (2) the vote, if its wording holds; then the next wording
    with django_assert_num_queries(7):
        phone.post("/vote/", {**form_of(page), "impact": -1}, **CARD)


# Sealed ballots.


def test_a_ballot_is_voted_card_by_card_and_tells_no_result(phone):
    ballot = make.ballot(make.rule("First"), make.rule("Second"), title="Which hurt?")
    for impact in (-2, -2, -1, 1, 2):
        make.cast(ballot, impact)
    assert "A sealed vote is open: Which hurt?" in phone.get("/vote/").content.decode()
    page = phone.get(f"/vote/{ballot.pk}/")
    assert titles(page) == "First"
    page = answer(phone, page, impact=-1, put_right="on")
    assert titles(page) == "Second"
    page = answer(phone, page, impact=0)
    assert titles(page) == "That is all for now."
    assert "Hurts a little" in page.content.decode() and "No difference" in page.content.decode()  # the own two
    assert "A sealed vote is open" not in phone.get("/vote/").content.decode()
    assert list(
        Cast.objects.filter(voter__startswith="person").values_list("impact", flat=True).order_by("impact")
    ) == [-1, 0]
    sealed = phone.get(f"/vote/{ballot.pk}/result/")
    assert sealed.status_code == 409 and "Nobody sees a result before the vote" in sealed.content.decode()
    assert "On average" not in sealed.content.decode()


def test_a_ballot_with_two_questions_needs_both_answers(phone):
    ballot = make.ballot(make.rule(), questions="impact_ease")
    page = phone.get(f"/vote/{ballot.pk}/")
    assert page.content.decode().count('type="radio"') == 10
    refused = answer(phone, page, impact=-1)
    assert refused.status_code == 422 and "Choose how easy it is to do without." in refused.content.decode()
    answer(phone, page, impact=-1, ease=2)
    assert list(Cast.objects.values_list("impact", "ease")) == [(-1, 2)]


def test_a_cast_vote_can_be_changed_until_the_ballot_closes(phone):
    ballot = make.ballot(make.rule("First"))
    page = answer(phone, phone.get(f"/vote/{ballot.pk}/"), impact=-1)
    change = unescape(re.search(r'href="(/vote/\d+/\?[^"]*)">\s*First', page.content.decode())[1])
    page = phone.get(change)
    assert 'value="-1" checked' in page.content.decode()
    answer(phone, page, impact=1)
    assert list(Cast.objects.values_list("impact", flat=True)) == [1]


def test_a_closed_ballot_answers_409_keeps_what_was_written_and_leads_to_the_result(phone):
    ballot = make.ballot(make.rule())
    page = phone.get(f"/vote/{ballot.pk}/")
    for impact in (-2, -2, -1, 1, 2):
        make.cast(ballot, impact)
    close_ballot(ballot=ballot, by=None)
    response = answer(phone, page, reason="Three days.")
    assert response.status_code == 409 and "Three days." in response.content.decode()
    assert f"/vote/{ballot.pk}/result/" in response.content.decode()
    assert phone.get(f"/vote/{ballot.pk}/").status_code == 409
    assert Cast.objects.count() == 5
    result = phone.get(f"/vote/{ballot.pk}/result/")
    assert result.status_code == 200
    assert "On average −0.4." in result.content.decode() and "5 people voted." in result.content.decode()


def test_a_ballot_on_which_nobody_voted_says_so(phone):
    ballot = make.ballot(make.rule())
    close_ballot(ballot=ballot, by=None)
    page = phone.get(f"/vote/{ballot.pk}/result/").content.decode()
    assert "Nobody has voted." in page and "0 people" not in page


def test_the_result_says_how_many_voters_are_devices_of_a_link(phone):
    ballot, team = make.ballot(make.rule()), make.team(headcount=9)
    for _ in range(5):
        make.cast(ballot, by=make.voice(team=team))
        make.cast(ballot, by=make.person(role="agent"))
    close_ballot(ballot=ballot, by=None)
    page = unescape(phone.get(f"/vote/{ballot.pk}/result/").content.decode())
    assert "5 of them came by a team's link: one vote a device." in page


def test_a_rule_removed_meanwhile_leaves_the_ballot_and_the_rest_goes_on(phone):
    gone = make.rule("Gone")
    ballot = make.ballot(gone, make.rule("Stays"), rounds=2)
    page = phone.get(f"/vote/{ballot.pk}/")
    assert titles(page) == "Gone"
    remove(gone)
    response = answer(phone, page, reason="Days.")
    assert response.status_code == 409 and titles(response) == "Stays"
    assert f"Decided a moment ago: {gone.code} is removed." in response.content.decode()
    response = answer(phone, response)
    assert titles(response) == "That is all for now."
    assert list(Cast.objects.values_list("item__version__title", flat=True)) == ["Stays"]


@pytest.mark.parametrize(("voters", "shown"), [(2, "So few votes stay"), (4, "The middle vote is"), (5, "On average")])
def test_the_result_tells_only_as_much_as_the_number_of_voters_allows(phone, voters, shown):
    ballot = make.ballot(make.rule())
    for _ in range(voters):
        make.cast(ballot, -1)
    close_ballot(ballot=ballot, by=None)
    page = phone.get(f"/vote/{ballot.pk}/result/").content.decode()
    said = {"So few votes stay", "The middle vote is", "On average"}
    assert {text for text in said if text in page} == {shown}
    assert ("<table" in page) == (voters >= 5)


def test_a_vote_of_the_first_round_does_not_count_in_the_second(phone):
    ballot = make.ballot(make.rule(), rounds=2)
    first = phone.get(f"/vote/{ballot.pk}/")
    reveal(ballot=ballot, by=None)
    assert phone.get(f"/vote/{ballot.pk}/").status_code == 409
    next_round(ballot=ballot, by=None)
    response = answer(phone, first, impact=-2)
    assert response.status_code == 409 and "Round 1 is over." in response.content.decode()
    assert not Cast.objects.exists()
    answer(phone, response, impact=1)
    assert list(Cast.objects.values_list("round", "impact")) == [(2, 1)]


def test_managers_are_counted_apart(phone, manager):
    ballot = make.ballot(make.rule())
    for _ in range(5):
        make.cast(ballot, -1)
    make.cast(ballot, 2, by=manager)
    close_ballot(ballot=ballot, by=None)
    page = phone.get(f"/vote/{ballot.pk}/result/").content.decode()
    assert "Managers: What does it do to our customers?" in page and "5 people voted." in page


def test_drafts_other_ballots_cards_and_unknown_ballots_are_not_there(phone):
    draft = make.ballot(make.rule(), is_open=False)
    for address in (f"/vote/{draft.pk}/", f"/vote/{draft.pk}/result/", "/vote/999999/"):
        assert phone.get(address).status_code == 404
    discard_ballot(ballot=draft, by=None)
    one, other = make.ballot(make.rule()), make.ballot(make.rule())
    foreign = {"card": other.items.get().pk, "impact": "-1", "round": "1"}
    assert phone.post(f"/vote/{one.pk}/", foreign).status_code == 409
    assert not Cast.objects.exists()


@pytest.mark.parametrize("role", ["agent", "manager", "owner", "operator"])
def test_everybody_who_signs_in_may_vote(role):
    client = Client()
    client.force_login(make.person(role=role))
    rule = make.rule()
    answer(client, client.get("/vote/"))
    assert StandingVote.objects.get().by_manager == (role == "manager") and impacts(rule) == [-2]
