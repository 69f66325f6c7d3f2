"""What a manager sees after a rule was removed: whether it holds, whom to call back, and what changed since."""

import csv
import io
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from rulebook.review.afterwards import count_changes
from rulebook.review.clocks import run_clocks
from rulebook.review.models import Review
from rulebook.review.services import transition
from rulebook.review.zombies import count_zombies
from tests import make

MONDAY = date(2026, 3, 2)
ENDED = MONDAY + timedelta(1)
BOARD = "/admin/review/review/"
GREEN = "rb-held-done"

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk(client, manager):
    client.force_login(manager)
    return client


@pytest.fixture
def remove(agent, manager, travel):
    """`remove("title")`: a review that ended its rule on Tuesday."""

    def of(title="Two signatures", **fields):
        travel(MONDAY)
        rule = make.rule(title, **fields)
        make.vote(rule, -2, by=agent)
        answers = {"play": "Refund at once.", "nobody_knows": True}
        review = transition(review=make.review(rule, by=manager), verb="remove", by=manager, answers=answers)
        travel(ENDED)
        run_clocks(ENDED)
        return Review.objects.get(pk=review.pk)

    return of


@pytest.fixture
def removed(remove):
    return remove(code="R-1")


def page(review):
    return f"{BOARD}{review.pk}/change/"


def call_back(review):
    return f"{BOARD}{review.pk}/call-back/"


def text(response):
    return " ".join(response.content.decode().split())


def meet(review, day, times=1, **fields):
    for _time in range(times):
        make.flag(rule=review.rule, flagged_on=day, **fields)
    count_zombies(today=day)


def everywhere(desk, review):
    """The three places that say whether it holds."""
    rule = f"/admin/catalogue/rule/{review.rule_id}/"
    return [text(desk.get(address)) for address in (page(review), rule, f"{BOARD}?state=removed")]


def test_until_30_days_are_over_nobody_is_sure_and_then_removed_turns_green(desk, removed, travel):
    for shown in everywhere(desk, removed):
        assert "Not met since; sure on Friday 3 April 2026." in shown and GREEN not in shown
    travel(date(2026, 4, 3))
    for shown in everywhere(desk, removed):
        assert "Nobody has met it for 30 days." in shown and GREEN in shown
    for shown in everywhere(desk, removed)[:2]:
        assert 'rb-tag-done"><span class="material-symbols-outlined" aria-hidden="true" translate="no">check' in shown


def test_a_rule_that_is_met_says_how_often_where_and_that_the_front_line_was_told_again(desk, removed, travel):
    team, _night = make.team("Day", headcount=11), make.team("Night", headcount=8)
    on = travel(ENDED + timedelta(10))
    meet(removed, on, 3, team=team)
    meet(removed, on, team=make.team("Chess", headcount=2))
    for shown in everywhere(desk, removed):
        assert "Met 4 times since it was removed, last on 13 Mar 2026." in shown and GREEN not in shown
    shown = text(desk.get(page(removed)))
    assert "Day 3 · another team, or not known 1" in shown and "Chess" not in shown
    assert "The front line was told on 2 Mar 2026. Told again on 13 Mar 2026." in shown


def test_zombies_stand_first_on_the_board_with_the_team_until_they_are_quiet(desk, removed, travel, manager):
    make.review(make.rule("Another"), by=manager)
    assert "Removed, and still met" not in text(desk.get(BOARD))
    on = travel(ENDED + timedelta(2))
    meet(removed, on, team=make.team("Day", headcount=11))
    shown = text(desk.get(BOARD))
    assert shown.index("Met once since it was removed, on 5 Mar 2026.") < shown.index("Marked for removal")
    assert "Day 1" in shown
    travel(on + timedelta(31))
    assert "Removed, and still met" not in text(desk.get(BOARD))


def test_the_board_costs_the_same_for_one_zombie_and_for_six_and_says_when_there_are_more(desk, remove, travel):
    reviews = [remove(f"Rule {number}") for number in range(7)]
    on = travel(ENDED + timedelta(2))
    costs = []
    for met in (reviews[:1], reviews[1:6], reviews[6:]):
        for review in met:
            meet(review, on, team=make.team(headcount=11))
        with CaptureQueriesContext(connection) as queries:
            shown = text(desk.get(BOARD))
        costs.append(len(queries))
        assert ("There are more of them." in shown) == (met == reviews[6:])
    assert len(set(costs)) == 1


def test_a_review_that_was_undone_says_nothing_of_holding(desk, removed, manager, travel):
    transition(review=removed, verb="undo", by=manager)
    travel(ENDED + timedelta(60))
    shown = everywhere(desk, removed)
    assert not any(GREEN in one or "Not met since" in one for one in shown)


# Say sorry


def blocked(review, reference, day=MONDAY, **fields):
    at = datetime(day.year, day.month, day.day, 9, tzinfo=UTC)
    case = make.case(fields.pop("source", None) or make.source(), reference, opened_at=at, **fields)
    make.link(case, review.rule)


def test_the_contacts_to_call_back_are_counted_and_come_as_a_file_that_no_spreadsheet_runs(desk, removed):
    source = make.source("phones")
    blocked(removed, "=HYPERLINK(1)", source=source, channel="phone")
    blocked(removed, "T-2", ENDED - timedelta(30), source=source)
    blocked(removed, "T-3", ENDED - timedelta(91), source=source)
    shown = text(desk.get(page(removed)))
    assert "Contacts to call back: 2" in shown and "in its last 90 days" in shown and call_back(removed) in shown
    answer = desk.get(call_back(removed))
    assert answer.streaming and answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"] == 'attachment; filename="call-back-r-1-2026-03-03.csv"'
    assert "no-store" in answer["Cache-Control"]
    rows = list(csv.reader(io.StringIO(b"".join(answer).decode("utf-8-sig"))))
    assert rows[0] == ["source", "external_id", "opened_on", "topic", "channel"]
    assert [row[1] for row in rows[1:]] == ["'=HYPERLINK(1)", "T-2"]


def test_nobody_to_call_is_said_and_is_no_link(desk, removed):
    shown = text(desk.get(page(removed)))
    assert "Nobody to call back" in shown and call_back(removed) not in shown


def test_who_may_not_see_contacts_sees_no_link_and_gets_no_file(client, removed, owner):
    blocked(removed, "T-1")
    client.force_login(owner)
    assert "call back" not in text(client.get(page(removed)))
    assert client.get(call_back(removed)).status_code == 403


def test_a_rule_that_goes_on_has_nobody_to_call_and_a_review_that_is_not_there_no_file(desk, manager):
    review = make.review(by=manager)
    refused = desk.get(call_back(review))
    assert refused.status_code == 409 and "The rule has not ended" in text(refused)
    assert desk.get(f"{BOARD}99/call-back/").status_code == 404
    assert desk.post(call_back(review)).status_code == 405


# What changed since


def side(first, last, cases, missed):
    return {"first": first.isoformat(), "last": last.isoformat(), "cases": cases, "missed": missed}


@pytest.fixture
def changes(removed):
    """`changes((cases, missed) before, (cases, missed) since)` as `work` has stored them."""

    def store(before, since, **fields):
        found = {
            "method": "no_repeat", "window_days": 7, "topics": ["returns"], "channels": [], "rise": [0.05, -0.02, 0.12],
            "before": side(MONDAY - timedelta(90), MONDAY - timedelta(1), *before),
            "since": side(ENDED, ENDED + timedelta(59), *since), **fields,
        }  # fmt: skip
        Review.objects.filter(pk=removed.pk).update(changes=found)

    return store


def test_before_and_since_stand_beside_each_other_with_window_number_and_doubt(desk, removed, changes):
    changes((1000, 300), (400, 100))
    shown = text(desk.get(page(removed))).replace("\xa0", " ")
    assert "75.0 % resolved at the first contact since, 70.0 % before" in shown
    assert "A change of 5.0 points (95 % sure: −2.0 to 12.0). Other things changed too: this is no proof." in shown
    assert "2 Dec 2025 to 1 Mar 2026" in shown and "3 Mar 2026 to 1 May 2026" in shown
    assert "1,000</td>" in shown and "400</td>" in shown
    assert "Came back, in 30 days" in shown and ">100</td>" in shown and ">50</td>" in shown
    assert "All contacts about returns. Resolved: nobody came back within 7 days." in shown


@pytest.mark.parametrize(
    ("before", "since", "sentence"),
    [
        ((1000, 300), (19, 2), "Not measurable yet: 19 contacts since, 20 needed."),
        ((19, 2), (1000, 300), "Not measurable: 19 contacts in the 90 days before, 20 needed."),
        ((0, 0), (1, 1), "Not measurable yet: 1 contact since, 20 needed."),
    ],
)
def test_of_fewer_than_20_contacts_no_share_is_shown(desk, removed, changes, before, since, sentence):
    changes(before, since)
    card = text(desk.get(page(removed))).partition('id="rb-changes"')[2].partition("</section>")[0]
    assert sentence in card and "%" not in card and "points" not in card


def test_what_was_counted_of_an_effect_that_was_taken_back_is_not_shown_of_the_next(desk, removed, changes):
    changes((1000, 300), (400, 100))
    Review.objects.filter(pk=removed.pk).update(in_force_on=ENDED + timedelta(1))
    assert "No contact since can be judged yet." in text(desk.get(page(removed)))


def test_looked_at_is_pressed_once_and_not_before_90_days(desk, removed, travel):
    def press():
        return desk.post(f"{BOARD}{removed.pk}/do/", {"do": "looked", "seen": "removed"})

    shown = text(desk.get(page(removed)))
    assert "Look at it again from Monday 1 June 2026 on." in shown and 'value="looked"' not in shown
    assert press().status_code == 409
    travel(date(2026, 6, 1))
    shown = text(desk.get(page(removed)))
    assert 'value="looked"' in shown and shown.count('class="rb-button-primary"') == 1
    assert press().status_code == 302
    shown = text(desk.get(page(removed)))
    assert "Looked at again on 1 Jun 2026." in shown and 'value="looked"' not in shown
    again = press()
    assert again.status_code == 409 and "Looked at again on 1 Jun 2026." in text(again)


def test_an_owner_reads_it_and_has_no_button(client, removed, owner, travel):
    travel(date(2026, 6, 1))
    client.force_login(owner)
    shown = text(client.get(page(removed)))
    assert 'id="rb-changes"' in shown and 'value="looked"' not in shown


def test_the_page_reads_no_contact_to_say_it_and_costs_the_same_for_one_and_for_many(desk, removed, travel):
    source = make.source("phones", horizon=datetime(2027, 1, 1, tzinfo=UTC), changes=1)
    on = travel(date(2026, 6, 1))
    costs = []
    for round in range(2):
        for number in range(1 + 29 * round):
            blocked(removed, f"T-{round}-{number}", source=source, customer_key=f"{round} {number}".encode())
            meet(removed, on, team=make.team(headcount=11))
        count_changes(today=on)
        with CaptureQueriesContext(connection) as queries:
            desk.get(page(removed))
        costs.append(len(queries))
        of_cases = [query["sql"] for query in queries if 'FROM "cases_case"' in query["sql"]]
        assert len(of_cases) == 1  # how many there are to call
    assert costs[0] == costs[1]
