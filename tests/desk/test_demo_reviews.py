"""The demo's reviews: one of every kind on whatever day it is loaded, by the clocks and services that pages use."""

from datetime import date, timedelta

import pytest

from rulebook.access.models import ClosedPeriod, Letter, Person
from rulebook.access.queries import team_sizes
from rulebook.access.voices import Voice
from rulebook.catalogue.importing import import_rules
from rulebook.catalogue.models import Rule
from rulebook.desk import demo, demo_reviews
from rulebook.desk.demo_voices import speak
from rulebook.desk.sample import decided, plan
from rulebook.desk.work import work
from rulebook.insight.voices import refresh_voices
from rulebook.journal.models import Event
from rulebook.notices.models import Notice, Receipt
from rulebook.notices.queries import receipts_by_team, unread
from rulebook.review.lanes import full_because
from rulebook.review.models import Review, State
from rulebook.review.queries import asked_of, situation_of, waiting_for_yes, what_blocks
from rulebook.review.states import first_refusal, row
from rulebook.review.zombies import is_quiet, met_by_team

pytestmark = pytest.mark.django_db

SUNDAY, SATURDAY, LEAP_DAY = date(2026, 11, 22), date(2026, 11, 21), date(2028, 2, 29)
CHRISTMAS, JULY, NEW_YEAR = date(2026, 12, 24), date(2026, 7, 15), date(2027, 1, 1)
WEDNESDAY = date(2026, 11, 25)


def loaded(today):
    """The demo without its contacts: what is tried out has to be measured, and stays marked here."""
    demo._begin()
    import_rules(plan.HERE / "rules.csv", None)
    speak(today=today)
    refresh_voices(today)
    demo_reviews.decide(today=today)
    return {review.rule.code: review for review in Review.objects.select_related("rule")}


def of(found, told):
    return found[getattr(told, "rule", told)]


def replayed(review):
    """The state that the journal alone tells of."""
    events = Event.objects.filter(object_type="review", object_code=str(review.pk)).order_by("number")
    states = [event.after for event in events if event.after in State.values]
    assert [event.before for event in events if event.before in State.values] == states[:-1]
    return states[-1]


@pytest.mark.parametrize("today", [WEDNESDAY, SATURDAY, SUNDAY, LEAP_DAY, CHRISTMAS, JULY, NEW_YEAR])
def test_every_kind_of_review_is_there_on_any_day(travel, today):
    found = loaded(travel(today))
    manager, owner = Person.objects.get(username="manager"), Person.objects.get(username="owner")

    ready = situation_of(of(found, decided.READY), manager)
    assert ready.review.state == State.MARKED and ready.review.marked_on == today - timedelta(days=1)
    assert ready.heard.heard and not full_because(ready) and "what agents do instead" in what_blocks(ready)
    ready.review.play = "Start it."
    assert first_refusal(row("remove"), ready) == "", "everything but the play is ready"

    objected = situation_of(of(found, decided.OBJECTED), manager)
    assert len(full_because(objected)) == 2 and objected.fence is None and not objected.review.objection_answer

    leaving = of(found, decided.NEXT_WEEK)
    notice = Notice.objects.get(about=f"review {leaving.pk}")
    assert (leaving.state, leaving.outcome) == (State.DECIDED, State.REMOVED) and leaving.owner_agreed_on is None
    assert notice.published_on == today and 5 <= (leaving.effective_on - today).days <= 9

    haunting, quiet = of(found, decided.STILL_MET), of(found, decided.QUIET)
    assert (today - haunting.in_force_on).days == 21 and haunting.zombies == 2 and not is_quiet(haunting, today)
    assert met_by_team(haunting)[0].times == 2
    assert (today - quiet.in_force_on).days == 40 and is_quiet(quiet, today)
    assert {haunting.rule.status, quiet.rule.status} == {Rule.Status.REMOVED}

    delegated = of(found, decided.DELEGATED)
    assert delegated.outcome == State.DELEGATED and delegated.limit == "100 kr" and delegated.effective_on > today

    asked = of(found, decided.ASKED)
    assert asked in waiting_for_yes(owner, today) and asked.owner_until > today
    assert Notice.objects.get(about=f"review {asked.pk}").state == Notice.State.DRAFT

    kept, escalated = of(found, decided.KEPT), of(found, decided.ESCALATED)
    assert kept.state == State.KEPT and kept.purpose and kept.review_by == kept.rule.review_by > today
    assert escalated.state == State.ESCALATED and escalated.answer_due == today - timedelta(days=5)
    assert escalated in asked_of(manager).escalated

    lapsing = of(found, decided.LAPSING)
    assert lapsing.state == State.LAPSING and lapsing.lapses_on == today + timedelta(days=5)
    told = {told.rule for told in vars(decided).values() if isinstance(told, decided.SaidReview)}
    assert set(found) >= told | {decided.LAPSING}  # more once the dates of `rules.csv` have come


@pytest.mark.parametrize("today", [WEDNESDAY, SUNDAY, CHRISTMAS])
def test_notices_wait_for_the_agent_and_those_who_read_them_are_counted_by_team(travel, today):
    found = loaded(travel(today))
    agent = Person.objects.get(username="agent")
    waiting = [notice.version.rule.code for notice in unread(Voice(agent, agent.team, ""))]
    assert waiting == [told.rule for told in (decided.STILL_MET, decided.DELEGATED, decided.NEXT_WEEK)]
    haunting = Notice.objects.get(about=f"review {of(found, decided.STILL_MET).pk}")
    assert haunting.told_again_on == today - timedelta(days=5) and haunting.headline.startswith("You may now")
    read = {one.team.name: one.read for one in receipts_by_team(haunting)}
    assert read == dict(decided.READ_AGAIN)
    sizes = team_sizes()
    assert all(sizes[receipt.team_id] >= 5 for receipt in Receipt.objects.filter(person=None))
    assert not Receipt.objects.filter(read_on__gt=today).exists()


def test_the_journal_tells_of_the_same_states(travel):
    found = loaded(travel(WEDNESDAY))
    assert {code: replayed(review) for code, review in found.items()} == {
        code: review.state for code, review in found.items()
    }


def test_a_second_time_and_where_somebody_has_a_review_of_their_own_nothing_is_added(travel, monkeypatch):
    loaded(today := travel(WEDNESDAY))
    monkeypatch.setattr(demo, "_load_figures", lambda say, today: None)
    before = (Review.objects.count(), Notice.objects.count(), Event.objects.count())
    demo.load(lambda text: None, today)
    assert (Review.objects.count(), Notice.objects.count(), Event.objects.count()) == before


@pytest.mark.parametrize(
    ("today", "closed"),
    [
        (JULY, (date(2026, 7, 1), date(2026, 7, 31))),
        (CHRISTMAS, (date(2026, 12, 24), date(2027, 1, 1))),
        (LEAP_DAY, (date(2028, 2, 28), date(2028, 3, 3))),
    ],
)
def test_in_a_closed_period_it_loads_all_the_same_and_nothing_begins_to_lapse(travel, today, closed):
    ClosedPeriod.objects.create(first=closed[0], last=closed[1], name="Closed")
    found = loaded(travel(today))
    assert decided.LAPSING not in found
    assert of(found, decided.STILL_MET).zombies == 2 and is_quiet(of(found, decided.QUIET), today)
    assert of(found, decided.READY).state == State.MARKED
    assert {code: replayed(review) for code, review in found.items()} == {
        code: review.state for code, review in found.items()
    }


@pytest.mark.parametrize("today", [WEDNESDAY, SUNDAY])
def test_work_takes_it_from_there_day_by_day_with_a_letter_or_two_a_day(travel, today):
    loaded(travel(today))
    for days in range(12):
        travel(today + timedelta(days=days))
        done = work()
        assert not [one for one in done if one.failed], done
    assert Letter.objects.count() <= 12
    states = {review.rule.code: review.state for review in Review.objects.select_related("rule")}
    assert states[decided.NEXT_WEEK.rule] == State.REMOVED and states[decided.DELEGATED.rule] == State.DELEGATED
    assert states[decided.ASKED.rule] == State.SIMPLIFIED and states[decided.LAPSING] == State.LAPSED
    assert Rule.objects.get(code=decided.DELEGATED.rule).decision_limit == "100 kr"


def test_a_rule_that_somebody_has_changed_meanwhile_is_left_as_it_is(travel):
    today = travel(WEDNESDAY)
    demo._begin()
    import_rules(plan.HERE / "rules.csv", None)
    speak(today=today)
    Rule.objects.filter(code=decided.READY.rule).update(status=Rule.Status.REMOVED)
    demo_reviews.decide(today=today)
    assert not Review.objects.filter(rule__code=decided.READY.rule).exists()
    assert Review.objects.filter(rule__code=decided.KEPT.rule, state=State.KEPT).exists()


def test_days_that_pass_move_every_day_of_a_plan_and_nothing_else():
    plan_ = {"starts_on": "2026-11-25", "metric": "first_contact_resolution", "before": {"since": "2026-09-30"}}
    assert demo_reviews._earlier(plan_, 7) == {
        "starts_on": "2026-11-18", "metric": "first_contact_resolution", "before": {"since": "2026-09-23"},
    }  # fmt: skip
    assert demo_reviews._earlier(["2028-02-29", None, 0.05, "ten letter"], 1) == [
        "2028-02-28",
        None,
        0.05,
        "ten letter",
    ]
