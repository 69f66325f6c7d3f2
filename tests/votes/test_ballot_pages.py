"""The facilitator's pages: one filled button each, the sentence where it is too late, and the finding at the end."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from rulebook.catalogue.models import Rule
from rulebook.catalogue.services import change_rule
from rulebook.votes.ballots import close_ballot, next_round, reveal, show_hands
from rulebook.votes.models import Ballot, Cast, Hands
from tests import make

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def signed_in(client, manager):
    client.force_login(manager)


def page(ballot, name="change"):
    return reverse(f"admin:votes_ballot_{name}", args=[ballot.pk])


def text(response):
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode().partition("<main")[2]).split())


def filled(response):
    """What the filled buttons of a page say."""
    return re.findall(r"<(?:button|a)[^>]*rb-button-primary[^>]*>([^<]*)<", response.content.decode())


def do(client, ballot, verb):
    return client.post(page(ballot, verb))


def test_a_ballot_goes_from_draft_to_its_result_by_one_filled_button_a_page(client):
    rules = [make.rule("Refunds only by mail"), make.rule("No calls back")]
    answer = client.post(
        reverse("admin:votes_ballot_add"),
        {"title": "What hurts?", "rules": f"{rules[0].code}\nno calls", "questions": "impact_ease", "rounds": "2"},
    )
    ballot = Ballot.objects.get()
    assert (answer.status_code, answer.url) == (302, page(ballot))
    assert list(ballot.items.values_list("version__rule", flat=True)) == [rule.pk for rule in rules]
    steps = []
    while buttons := filled(client.get(page(ballot))):
        steps += buttons
        verb = {"Open the ballot": "open", "Reveal the first round": "reveal", "Open the second round": "next"}
        assert do(client, ballot, verb.get(buttons[0], "close")).status_code == 302
    assert steps == ["Open the ballot", "Reveal the first round", "Open the second round", "Close the ballot"]
    assert "Nobody voted" in text(client.get(page(ballot)))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"title": ""}, "Give it a title."),
        ({"rules": ""}, "Name one rule at least."),
        ({"rules": "R-9999"}, "No rule in force is found by “R-9999”."),
        ({"rules": "refund"}, "Several rules are found by “refund”, such as R-0001, R-0002. Write the code of one."),
        ({"rules": "R-0003"}, "No rule in force is found by “R-0003”."),
        ({"rules": "\n".join(["R-0001"] * 51)}, "A ballot is on 50 rules at most."),
        ({"rounds": "3"}, "Select a valid choice"),
    ],
)
def test_a_form_that_cannot_be_a_ballot_says_why_and_keeps_what_was_typed(client, given, said):
    make.rule("Refund by mail"), make.rule("Refund by phone"), make.rule("Gone")
    Rule.objects.filter(code="R-0003").update(status=Rule.Status.REMOVED)
    fields = {"title": "My title", "rules": "R-0001", "questions": "impact", "rounds": "1", **given}
    answer = client.post(reverse("admin:votes_ballot_add"), fields)
    assert answer.status_code == 422 and not Ballot.objects.exists()
    assert said in text(answer)
    assert fields["rules"].split("\n")[0] in answer.content.decode()


def test_a_line_may_be_pasted_with_its_title_and_a_rule_named_twice_stands_once(client):
    rule = make.rule("Refund by mail", aliases=["REF-1"])
    fields = {"title": "T", "rules": f"{rule.code} Refund by mail\nREF-1\n", "questions": "impact", "rounds": "1"}
    client.post(reverse("admin:votes_ballot_add"), fields)
    assert list(Ballot.objects.get().items.values_list("version__rule", flat=True)) == [rule.pk]


def test_the_form_begins_with_the_rules_of_its_address(client):
    answer = client.get(reverse("admin:votes_ballot_add"), {"rule": ["R-0001", "R-0002"]})
    assert "R-0001\nR-0002</textarea>" in answer.content.decode()


def test_rules_that_are_chosen_in_their_list_are_put_to_a_ballot(client):
    rules = [make.rule(), make.rule()]
    chosen = {"action": "put_to_ballot", "_selected_action": [rule.pk for rule in rules]}
    answer = client.post(reverse("admin:catalogue_rule_changelist"), chosen)
    assert answer.url == f"{reverse('admin:votes_ballot_add')}?rule=R-0001&rule=R-0002"
    client.force_login(make.person(role="owner"))
    assert "put_to_ballot" not in client.get(reverse("admin:catalogue_rule_changelist")).content.decode()


@pytest.mark.parametrize("verb", ["open", "reveal", "next", "close", "discard"])
def test_what_is_too_late_is_409_with_the_sentence_and_changes_nothing(client, verb):
    ballot = make.ballot(rounds=2)
    close_ballot(ballot=ballot, by=None)
    answer = do(client, ballot, verb)
    assert answer.status_code == 409
    assert "This ballot is closed. Its result is shown, and it is not opened again." in text(answer)


def test_a_draft_is_thrown_away(client):
    ballot = make.ballot(is_open=False)
    assert do(client, ballot, "discard").url == reverse("admin:votes_ballot_changelist")
    assert not Ballot.objects.exists()
    assert do(client, ballot, "open").status_code == 302, "to the start page, with a sentence"


def test_only_a_get_shows_and_only_a_post_does(client):
    ballot = make.ballot()
    for verb in ("open", "reveal", "next", "close", "discard"):
        assert client.get(page(ballot, verb)).status_code == 405
    assert Ballot.objects.get().state == "open"


def test_an_open_ballot_tells_whether_enough_people_voted_and_no_count(client):
    ballot = make.ballot(make.rule(), make.rule())
    said = []
    for _ in range(6):
        make.cast(ballot, by=make.cast(ballot), place=2)
        said.append(text(client.get(page(ballot))))
    assert ["fewer than three" in one for one in said] == [True, True, False, False, False, False]
    assert ["five people or more" in one for one in said] == [False] * 4 + [True] * 2
    assert len(set(said)) == 3


def test_managers_do_not_count_towards_enough(client):
    ballot = make.ballot()
    for _ in range(5):
        make.cast(ballot, by=make.person(role="manager"))
    assert "fewer than three" in text(client.get(page(ballot)))


def test_hands_are_entered_for_the_open_round_and_their_number_alone_is_shown_again(client):
    ballot = make.ballot(questions="impact_ease", rounds=2)
    item = ballot.items.get()
    fields = {f"{item.pk}-impact-at0": "7", f"{item.pk}-impact-at4": "1", f"{item.pk}-ease-at0": ""}
    assert client.post(page(ballot, "hands"), fields).status_code == 302
    assert set(Hands.objects.values_list("ease", "value", "people", "round")) == {(False, -2, 7, 1), (False, 2, 1, 1)}
    again = client.get(page(ballot, "hands"))
    assert "8 hands are entered." in text(again)
    assert 'value="7"' not in again.content.decode()
    client.post(page(ballot, "hands"), {f"{item.pk}-impact-at1": "3"})
    assert list(Hands.objects.values_list("value", "people")) == [(-1, 3)]


def test_hands_that_cannot_be_counted_are_refused_where_they_stand(client):
    ballot = make.ballot()
    item = ballot.items.get()
    answer = client.post(page(ballot, "hands"), {f"{item.pk}-impact-at0": "-3", f"{item.pk}-impact-at1": "many"})
    assert answer.status_code == 422 and not Hands.objects.exists()
    assert text(answer).count("Count the hands: a whole number, 0 or more.") == 2


def test_hands_after_the_reveal_are_409(client):
    ballot = make.ballot(rounds=2)
    reveal(ballot=ballot, by=None)
    item = ballot.items.get()
    assert client.get(page(ballot, "hands")).status_code == 409
    answer = client.post(page(ballot, "hands"), {f"{item.pk}-impact-at0": "3"})
    assert answer.status_code == 409 and not Hands.objects.exists()


def result(client, *impacts, **fields):
    ballot = make.ballot(make.rule("Refunds only by mail"), **fields)
    for impact in impacts:
        make.cast(ballot, impact, ease=1)
    close_ballot(ballot=ballot, by=None)
    return text(client.get(page(ballot)))


def test_the_finding_is_the_title(client):
    assert "It hurts customers" in result(client, -2, -2, -2, -1, 1)
    assert "It does not hurt customers" in result(client, 2, 2, 2, 1, -1)
    assert "1 rule hurts customers and is easy to do without" in result(
        client, -2, -2, -2, -1, 1, questions="impact_ease"
    )


def test_how_much_is_shown_goes_by_the_number_of_voters(client):
    two, three, five = result(client, -2, -1), result(client, -2, -1, 1), result(client, -2, -2, -2, -1, 1)
    assert "2 people voted" in two and "how they voted stays with them" in two and "Too few voted for a mean" in two
    assert "The middle vote is −1.0." in three and "Mean" not in three.replace("Means", "")
    assert "4 of 5 say it hurts customers" in five and "Mean −1.2, agreement 0.5" in five
    for few in (two, three):
        assert "hurts badly" not in few


def test_managers_and_hands_stand_apart_and_a_changed_text_is_said(client):
    rule = make.rule()
    ballot = make.ballot(rule)
    for _ in range(5):
        make.cast(ballot, -1)
    make.cast(ballot, 2, by=make.person(role="manager"))
    show_hands(item=ballot.items.get(), counts={2: 30}, by=None)
    close_ballot(ballot=ballot, by=None)
    change_rule(rule=rule, fields={"text": "By mail only."}, by=None)
    said = text(client.get(page(ballot)))
    assert "5 of 5 say it hurts customers" in said
    assert "Managers: " in said and "1 person voted." in said
    assert "Hands shown in the room" in said and "Helps a lot (+2): 30" in said
    assert "All of them came by a team's link: one vote a device." in said.replace("&#x27;", "'")
    assert "these votes were on its version 1" in said


def test_a_second_round_shows_the_shift_and_the_first_round_behind_it(client):
    ballot = make.ballot(rounds=2)
    for _ in range(5):
        make.cast(ballot, -1)
    reveal(ballot=ballot, by=None)
    assert "5 of 5 say it hurts customers" in text(client.get(page(ballot)))
    next_round(ballot=ballot, by=None)
    for _ in range(5):
        make.cast(ballot, -2)
    during = text(client.get(page(ballot)))
    assert "Mean −1.0" in during and "Mean −2.0" not in during
    close_ballot(ballot=ballot, by=None)
    after = text(client.get(page(ballot)))
    assert "Mean −2.0" in after and "the mean moved by −1.0." in after and "The first round" in after


def test_the_list_shows_where_each_ballot_stands(client):
    make.ballot(title="First"), make.ballot(title="Second", is_open=False), make.ballot(title="Third", rounds=2)
    said = text(client.get(reverse("admin:votes_ballot_changelist")))
    assert re.search(r"Third 1 First round open .* Second 1 Draft First 1 Open", said)


def test_a_page_costs_the_same_for_one_rule_and_for_ten(client):
    costs = []
    for count in (1, 10):
        ballot = make.ballot(*(make.rule() for _ in range(count)))
        for place in range(1, count + 1):
            make.cast(ballot, place=place)
        close_ballot(ballot=ballot, by=None)
        with CaptureQueriesContext(connection) as queries:
            assert client.get(page(ballot)).status_code == 200
        costs.append(len(queries))
    # session, person, rights (two); the ballot, its rules, their newest words, votes, hands, who came by a link
    assert costs == [10, 10]


@pytest.mark.parametrize("role", ["owner", "operator", "agent", ""])
def test_only_managers_run_ballots(client, role):
    ballot = make.ballot()
    client.force_login(make.person(role=role, is_staff=True))
    for name in ("change", "hands", "history"):
        assert client.get(page(ballot, name)).status_code == 403
    for verb in ("open", "reveal", "next", "close", "discard"):
        assert do(client, ballot, verb).status_code == 403
    for name in ("changelist", "add"):
        assert client.get(reverse(f"admin:votes_ballot_{name}")).status_code == 403
    assert Ballot.objects.get().state == "open" and not Cast.objects.exists()
