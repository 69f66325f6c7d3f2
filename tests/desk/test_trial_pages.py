"""The page that starts a trial, and the trial on the page of its review."""

import re
from datetime import date, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from rulebook.catalogue.models import Rule
from rulebook.notices.models import Notice
from rulebook.review.models import Review, State, Trial
from rulebook.review.trials import look_at_trials, start_trial
from tests import make
from tests.review.contacts import WEEK, contacts

pytestmark = pytest.mark.django_db
MONDAY = date(2026, 3, 2)
TUESDAY = MONDAY + timedelta(1)
PLAY = {"play": "Refund at once.", "purpose": "", "nobody_knows": "on"}
SENT = {
    "weeks": "8", "minimum_effect": "10", "may_extend_weeks": "", "starts_on": "", "repeat_limit": "5",
    "minutes_limit": "",
}  # fmt: skip


@pytest.fixture
def topic():
    return make.topic("returns/refund")


@pytest.fixture
def source():
    return make.source("desk", method="declared")


@pytest.fixture
def review(agent, manager, topic, travel):
    """A rule about refunds that the only agent has voted on, with what agents do instead."""
    travel(MONDAY)
    rule = make.rule("Refunds need two signatures", topics=["returns"])
    make.vote(rule, -2, by=agent)
    return make.review(rule, by=manager, answers={"play": "Refund at once.", "nobody_knows": True})


@pytest.fixture
def few(source, topic):
    """Forty contacts a week for twelve weeks: too few to show five points, enough for ten in eight weeks."""
    contacts(source, TUESDAY - 12 * WEEK, 12, a_week=40, missed=12, topic=topic)
    return source


@pytest.fixture
def many(source, topic):
    """Two hundred and ten contacts a week for twelve weeks."""
    contacts(source, TUESDAY - 12 * WEEK, 12, a_week=210, missed=63, topic=topic)
    return source


@pytest.fixture
def desk(client, manager):
    client.force_login(manager)
    return client


def page(review):
    return f"/admin/review/review/{review.pk}/change/"


def form(review):
    return f"/admin/review/review/{review.pk}/trial/"


def do(client, review, verb, **fields):
    seen = Review.objects.get(pk=review.pk).state
    return client.post(f"/admin/review/review/{review.pk}/do/", {"do": verb, "seen": seen, **fields})


def text(response):
    return " ".join(response.content.decode().replace("\N{NO-BREAK SPACE}", " ").split())


def plain(response):
    """The words of a page without its tags."""
    return " ".join(re.sub(r"<[^>]+>", " ", text(response)).split())


def begun(review, by, travel, **fields) -> Trial:
    trial = start_trial(review=review, weeks=8, minimum_effect=0.1, by=by, **fields)
    travel(TUESDAY)
    look_at_trials()
    return Trial.objects.get(pk=trial.pk)


# Before the start


def test_the_page_of_the_review_leads_to_it_with_what_was_typed_and_reads_no_contact(desk, review, few):
    Review.objects.update(play="", nobody_knows=False)
    with CaptureQueriesContext(connection) as queries:
        screen = text(desk.get(page(review)))
    assert "See whether a trial makes sense" in screen
    assert not [one for one in queries if "cases_case" in one["sql"]]
    answer = do(desk, review, "try", **PLAY)
    assert answer.url == form(review)
    review.refresh_from_db()
    assert (review.play, review.nobody_knows) == ("Refund at once.", True)


def test_what_is_still_to_be_written_is_said_before_the_contacts_are_looked_at(desk, review, few):
    Review.objects.update(play="")
    refused = do(desk, review, "try", play="", purpose="Fraud.")
    assert refused.status_code == 409 and "Write in one line what agents do instead." in text(refused)
    assert 'value="Fraud."' in text(refused)
    shut = text(desk.get(form(review)))
    assert "Write in one line what agents do instead." in shut and 'name="weeks"' not in shut


def test_the_shortest_weeks_that_can_show_five_points_stand_ready(desk, review, many):
    screen = text(desk.get(form(review)))
    assert "1,260 contacts come in 6 weeks" in screen and "a rise from 70 % to 75 %" in screen
    assert 'name="weeks" value="6"' in screen and 'name="minimum_effect" value="5"' in screen
    assert screen.count('class="rb-button-primary"') == 1


def test_where_the_volume_cannot_show_it_none_is_proposed_and_the_sentence_says_what_to_do(desk, review, few):
    screen = text(desk.get(form(review)))
    assert "We propose no trial" in screen
    assert "480 contacts in 12 weeks cannot show a rise from 70 % to 75 %: 1,251 are needed." in screen
    assert "Remove the rule, and look again after 90 days." in screen
    assert '<button type="submit" class="rb-button-primary">' not in screen


def test_where_nothing_is_measured_that_is_said(desk, review):
    screen = text(desk.get(form(review)))
    assert "We propose no trial" in screen and "Nothing is measured about this rule" in screen


def test_it_starts_and_the_review_tells_from_when(desk, review, few):
    answer = desk.post(form(review), SENT)
    assert answer.url == page(review)
    trial = Trial.objects.get()
    assert (trial.starts_on, trial.plan["weeks"], trial.plan["minimum_effect"]) == (TUESDAY, 8, 0.1)
    assert (trial.plan["may_extend_weeks"], trial.plan["guardrails"]) == (0, [{"name": "repeats", "limit": 0.05}])
    screen = text(desk.get(page(review)))
    assert "It begins on Tuesday 3 March 2026. The front line knows." in screen
    assert Notice.objects.get().state == "published"
    assert desk.post(form(review), SENT).url == page(review)  # a second click
    assert Trial.objects.count() == 1


def test_what_has_happened_names_the_day_on_which_the_trial_began(desk, review, few, manager, travel):
    trial = begun(review, manager, travel)
    assert "3 Mar 2026 Trial begun" in plain(desk.get(page(review)))
    Trial.objects.filter(pk=trial.pk).update(begun_on=MONDAY)
    assert "2 Mar 2026 Trial begun" in plain(desk.get(page(review)))


def test_a_comma_is_as_good_as_a_dot_and_teams_limits_and_day_are_registered(desk, review, source, topic):
    mine, others = make.team("Mine", headcount=8), make.team("Others", headcount=9)
    for team in (mine, others):
        contacts(source, TUESDAY - 8 * WEEK, 8, a_week=80, missed=24, topic=topic, team=team, handle_seconds=420)
    given = {"may_extend_weeks": "4", "starts_on": "2026-03-09", "repeat_limit": "2,5", "minutes_limit": "1.5"}
    assert desk.post(form(review), SENT | given | {"teams": [mine.pk]}).status_code == 302
    plan = Trial.objects.get().plan
    assert (plan["starts_on"], plan["may_extend_weeks"], plan["teams"]) == ("2026-03-09", 4, [mine.pk])
    assert [one["limit"] for one in plan["guardrails"]] == [0.025, 1.5]


@pytest.mark.parametrize(
    ("field", "typed", "sentence"),
    [
        ("weeks", "1", "A trial lasts 2 to 26 weeks."),
        ("weeks", "many", "Write a whole number."),
        ("weeks", "9" * 5000, "Write a whole number."),
        ("minimum_effect", "", "Write a number, as in 5."),
        ("minimum_effect", "NaN", "Write a number, as in 5."),
        ("minimum_effect", "1e400", "1 to 50 percentage points"),
        ("may_extend_weeks", "14", "extended by 0 to 13 weeks"),
        ("starts_on", "2026-03-02", "Start on Tuesday 3 March 2026 or later."),
        ("starts_on", "9999-12-31", "Start on Monday 1 June 2026 at the latest."),
        ("repeat_limit", "-1", "0 to 100"),
        ("minutes_limit", "1e400", "0 to 1,440"),
    ],
)
def test_a_value_that_makes_no_sense_is_told_at_its_field_and_all_that_was_typed_stays(
    desk, review, few, field, typed, sentence
):
    refused = desk.post(form(review), SENT | {"may_extend_weeks": "3", field: typed})
    screen = text(refused)
    assert refused.status_code == 422 and not Trial.objects.exists()
    assert sentence in screen.partition(f'id="id_{field}_error"')[2].partition("</p>")[0]
    assert field == "may_extend_weeks" or 'name="may_extend_weeks" value="3"' in screen


def test_a_trial_too_small_to_see_anything_is_refused_with_what_was_typed(desk, review, few):
    refused = desk.post(form(review), SENT | {"weeks": "7", "minimum_effect": "6,5"})
    assert refused.status_code == 409 and "Remove the rule, and look again after 90 days." in text(refused)
    assert 'name="minimum_effect" value="6,5"' in text(refused)


def test_a_closed_step_says_why_and_the_page_of_the_trial_the_same(desk, review, few):
    sentence = "A tool forces this rule, so nobody can try without it. Have the tool changed."
    Rule.objects.update(authority=Rule.Authority.SYSTEM)
    screen = text(desk.get(page(review)))
    assert f'id="rb-why-try">{sentence}' in screen and "See whether" not in screen
    assert sentence in text(desk.get(form(review)))
    refused = desk.post(form(review), SENT)
    assert refused.status_code == 409 and sentence in text(refused) and 'name="weeks" value="8"' in text(refused)


def test_who_may_not_is_403_and_what_comes_too_late_409(desk, client, review, few, owner, manager):
    client.force_login(owner)
    assert client.get(form(review)).status_code == 403 and client.post(form(review), SENT).status_code == 403
    Rule.objects.update(department=make.department("Finance"))
    elsewhere = make.person("elsewhere", role="manager", team=make.team(department=make.department("Sales")))
    client.force_login(elsewhere)
    refused = client.post(form(review), SENT)
    assert refused.status_code == 403 and "Ask a manager there." in text(refused)
    assert "See whether a trial" not in text(client.get(page(review)))
    Review.objects.update(state=State.WITHDRAWN)
    Rule.objects.update(department=None)
    client.force_login(manager)
    assert client.post(form(review), SENT).status_code == 409
    assert not Trial.objects.exists()


def test_what_somebody_else_started_is_told(desk, client, review, few):
    start_trial(review=review, weeks=8, minimum_effect=0.1, by=make.person("other", role="manager"))
    late = desk.post(form(review), SENT)
    assert late.status_code == 409 and "on trial" in text(late).lower()


# While it runs


def test_it_runs_on_once_where_that_was_registered(desk, review, few, manager, travel):
    begun(review, manager, travel, may_extend_weeks=4)
    screen = text(desk.get(page(review)))
    assert "It runs until Tuesday 28 April 2026. No guardrail is breached." in screen
    assert "Let it run on until 26 May 2026" in screen and 'class="rb-button-primary"' not in screen
    assert do(desk, review, "extend").status_code == 302
    assert Trial.objects.get().ends_on == TUESDAY + 12 * WEEK
    assert 'id="rb-why-extend">It was extended once already. It ends on 26 May 2026.' in text(desk.get(page(review)))
    again = do(desk, review, "extend")
    assert again.status_code == 409 and "It was extended once already." in text(again)


def test_where_no_extension_was_registered_the_button_is_closed_and_says_so(desk, client, review, few, manager, travel):
    begun(review, manager, travel)
    screen = text(desk.get(page(review)))
    assert 'id="rb-why-extend">No extension was registered before the start' in screen
    assert 'aria-describedby="rb-why-extend"' in screen and 'value="extend"' not in screen
    assert do(desk, review, "extend").status_code == 409


def test_who_decides_nothing_extends_nothing(client, review, few, manager, owner, travel):
    begun(review, manager, travel, may_extend_weeks=4)
    Rule.objects.update(owner=owner)
    client.force_login(owner)
    assert "Let it run on" not in text(client.get(page(review)))
    assert do(client, review, "extend").status_code == 403
    assert not Trial.objects.get().extended


def test_without_a_trial_nothing_runs_on(desk, review):
    refused = do(desk, review, "extend")
    assert refused.status_code == 409 and "marked for removal" in text(refused)


def test_a_breach_shows_change_certainty_limit_and_contacts_and_putting_it_back_comes_first(
    desk, review, few, manager, topic, travel
):
    begun(review, manager, travel)
    contacts(few, TUESDAY, 2, a_week=40, missed=30, topic=topic)
    travel(TUESDAY + 2 * WEEK)
    look_at_trials()
    screen = text(desk.get(page(review)))
    assert "A guardrail is breached. Look at it until Wednesday 18 March 2026" in screen
    assert "Repeat contacts: breached." in screen
    facts = screen.partition("rb-trial-rail")[2].partition("</dl>")[0]
    for name, figure in (("Change so far", "+45.0 points"), ("Limit", "5.0 points"), ("Contacts", "80")):
        assert f"<dt>{name}</dt><dd>{figure}</dd>" in facts
    assert "<dd>+" in facts.partition("For sure, at least")[2].partition("Limit")[0]
    assert "A breach would take" not in screen
    assert screen.count('class="rb-button-primary"') == 1
    assert 'class="rb-button-primary">Put the rule back' in screen
    assert do(desk, review, "revert_trial").status_code == 302
    assert "A guardrail was breached, so the rule was put back on 17 Mar 2026." in text(desk.get(page(review)))
    assert Rule.objects.get().status == Rule.Status.IN_FORCE


def test_one_that_holds_says_that_no_rise_is_sure(desk, review, few, manager, topic, travel):
    begun(review, manager, travel)
    contacts(few, TUESDAY, 2, a_week=40, missed=12, topic=topic)
    travel(TUESDAY + 2 * WEEK)
    look_at_trials()
    screen = text(desk.get(page(review)))
    assert "Repeat contacts: not breached." in screen and "<dd>no rise</dd>" in screen
    assert "A breach would take a rise of repeat contacts by" in screen
