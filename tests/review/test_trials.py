"""A trial: registered before it begins, looked at every week, and over by itself."""

from datetime import date, timedelta

import pytest

from rulebook.access.models import Letter
from rulebook.cases.models import Case, Outcome
from rulebook.catalogue.models import Rule
from rulebook.catalogue.services import FieldRefused, change_rule
from rulebook.errors import NotAllowed, WrongState
from rulebook.journal.models import Event
from rulebook.notices.models import Notice
from rulebook.notices.services import change_notice
from rulebook.review.models import Review, State, Trial
from rulebook.review.services import object_to, transition
from rulebook.review.trial_showing import trials_of
from rulebook.review.trials import (
    end_trial,
    extend_trial,
    look,
    look_at_trials,
    revert_trial,
    start_trial,
    trials_due,
)
from tests import make
from tests.review.contacts import WEEK, contacts

MONDAY = date(2026, 3, 2)
TUESDAY = MONDAY + timedelta(1)
WEEKS = 8
PLAY = {"play": "Refund at once.", "nobody_knows": True, "in_one_sentence": "No.", "protects": "The till."}

pytestmark = pytest.mark.django_db


@pytest.fixture
def topic():
    return make.topic("returns/refund")


@pytest.fixture
def source():
    return make.source("desk", method="declared")


@pytest.fixture
def review(agent, manager, topic, travel):
    """A rule about refunds that the only agent has voted on, marked for removal."""
    travel(MONDAY)
    rule = make.rule("Refunds need two signatures", topics=["returns"])
    make.vote(rule, -2, by=agent)
    return make.review(rule, by=manager)


@pytest.fixture
def measured(source, topic):
    """Forty contacts a week for eight weeks, three in ten of them not resolved."""
    contacts(source, TUESDAY - WEEKS * WEEK, WEEKS, a_week=40, missed=12, topic=topic)
    return source


def begun(review, by, travel, **fields) -> Trial:
    """A trial of eight weeks that began on Tuesday."""
    trial = start_trial(review=review, weeks=WEEKS, minimum_effect=0.10, answers=PLAY, by=by, **fields)
    travel(TUESDAY)
    look_at_trials()
    return Trial.objects.get(pk=trial.pk)


# Before the start


def test_it_is_registered_told_and_begins_a_working_day_later(review, measured, manager, travel):
    trial = start_trial(review=review, weeks=WEEKS, minimum_effect=0.10, answers=PLAY, by=manager)
    notice = Notice.objects.get()
    assert (trial.review.state, trial.starts_on, trial.ends_on) == (State.ON_TRIAL, TUESDAY, TUESDAY + WEEKS * WEEK)
    assert (notice.kind, notice.state, notice.effective_on) == ("suspended", "published", TUESDAY)
    assert notice.play == "Refund at once."
    assert Rule.objects.get().status == Rule.Status.IN_FORCE and not trials_due()

    travel(TUESDAY)
    assert trials_due() and len(look_at_trials()) == 1
    assert Rule.objects.get().status == Rule.Status.SUSPENDED
    assert not trials_due() and look_at_trials() == []
    verbs = list(Event.objects.filter(object_type="review").values_list("verb", flat=True))
    assert verbs == ["marked", "start_trial", "trial_begun"]


def test_the_plan_holds_all_that_is_judged_by(review, measured, manager):
    plan = start_trial(review=review, weeks=WEEKS, minimum_effect=0.10, answers=PLAY, by=manager).plan
    assert (plan["resolved_before"], plan["minimum_effect"], plan["contacts_expected"]) == (0.7, 0.1, 320)
    assert (plan["contacts_needed"], plan["looks"], plan["topics"]) == (294, WEEKS, ["returns"])
    assert plan["guardrails"] == [{"name": "repeats", "limit": 0.05}]


def test_where_the_volume_cannot_show_it_nothing_begins_and_ninety_days_are_proposed(review, measured, manager):
    with pytest.raises(WrongState, match=r"1,251 are needed\. Remove the rule, and look again after 90 days\."):
        start_trial(review=review, weeks=WEEKS, minimum_effect=0.05, answers=PLAY, by=manager)
    review.refresh_from_db()
    assert review.state == State.MARKED and not Trial.objects.exists() and not Notice.objects.exists()


def test_where_nothing_is_measured_there_is_no_trial(review, manager, source):
    with pytest.raises(WrongState, match="Nothing is measured"):
        start_trial(review=review, weeks=WEEKS, minimum_effect=0.10, answers=PLAY, by=manager)
    contacts(source, TUESDAY - WEEKS * WEEK, WEEKS, a_week=40, missed=12, topic=make.topic("delivery"))
    with pytest.raises(WrongState, match="Nothing is measured"):
        start_trial(review=review, weeks=WEEKS, minimum_effect=0.10, answers=PLAY, by=manager)


def test_old_contacts_are_no_ground_to_begin_on(review, manager, source, topic):
    contacts(source, TUESDAY - 20 * WEEK, WEEKS, a_week=40, missed=12, topic=topic)
    with pytest.raises(WrongState, match="Import newer ones"):
        start_trial(review=review, weeks=WEEKS, minimum_effect=0.10, answers=PLAY, by=manager)


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("weeks", {"weeks": 1}),
        ("minimum_effect", {"minimum_effect": 0.0}),
        ("starts_on", {"starts_on": MONDAY}),
        ("may_extend_weeks", {"may_extend_weeks": -1}),
        ("repeat_limit", {"repeat_limit": 2.0}),
        ("minutes_limit", {"minutes_limit": 1.0}),  # nobody measures them
    ],
)
def test_a_value_that_makes_no_sense_is_refused_at_its_field(review, measured, manager, field, given):
    with pytest.raises(FieldRefused) as refused:
        start_trial(**{"review": review, "weeks": WEEKS, "minimum_effect": 0.1, "by": manager} | given)
    assert refused.value.field == field


def test_guards_and_rights_of_the_table_hold(review, measured, manager, agent, outsider):
    with pytest.raises(WrongState, match="what agents do instead"):
        start_trial(review=review, weeks=WEEKS, minimum_effect=0.10, by=manager)
    assert not Trial.objects.exists()
    for person in (agent, outsider):
        with pytest.raises(NotAllowed):
            start_trial(review=review, weeks=WEEKS, minimum_effect=0.10, answers=PLAY, by=person)


def test_the_verb_alone_starts_nothing_that_nobody_registered(review, manager):
    with pytest.raises(WrongState, match="Register first"):
        transition(review=review, verb="start_trial", by=manager, answers=PLAY)
    review.refresh_from_db()
    assert review.state == State.MARKED


def test_nobody_tries_without_a_rule_that_a_tool_forces(review, measured, manager):
    Rule.objects.update(authority=Rule.Authority.SYSTEM)
    with pytest.raises(WrongState, match="A tool forces this rule"):
        start_trial(review=review, weeks=WEEKS, minimum_effect=0.10, answers=PLAY, by=manager)


# Some teams


def test_some_teams_are_compared_with_the_others(review, source, topic, manager, travel):
    mine, others = make.team("Mine", headcount=8), make.team("Others", headcount=9)
    for team in (mine, others):
        contacts(source, TUESDAY - WEEKS * WEEK, WEEKS, a_week=80, missed=24, topic=topic, team=team)
    trial = begun(review, manager, travel, teams=[mine])
    assert (trial.plan["control"], trial.plan["contacts_needed"]) == (1.0, 588)
    assert Rule.objects.get().status == Rule.Status.IN_FORCE
    assert list(Notice.objects.get().teams.all()) == [mine]

    for team in (mine, others):  # a bad month for everybody
        contacts(source, TUESDAY, 2, a_week=80, missed=56, topic=topic, team=team)
    travel(TUESDAY + 2 * WEEK)
    assert look(trial=trial).breached_on is None
    contacts(source, TUESDAY + 2 * WEEK, 2, a_week=80, missed=24, topic=topic, team=others)
    contacts(source, TUESDAY + 2 * WEEK, 2, a_week=80, missed=72, topic=topic, team=mine)
    travel(TUESDAY + 4 * WEEK)
    assert look(trial=Trial.objects.get()).breached_on is not None


def test_teams_need_cases_that_carry_a_team_others_and_five_people(review, measured, manager):
    large, small = make.team("Large", headcount=8), make.team("Small", headcount=2)
    with pytest.raises(FieldRefused, match="Small: fewer than five people"):
        start_trial(review=review, weeks=WEEKS, minimum_effect=0.1, teams=[small], answers=PLAY, by=manager)
    with pytest.raises(FieldRefused, match="The other teams have fewer than five"):
        start_trial(review=review, weeks=WEEKS, minimum_effect=0.1, teams=[large], answers=PLAY, by=manager)
    make.team("Larger", headcount=9)
    with pytest.raises(WrongState, match="No contact says which team took it"):
        start_trial(review=review, weeks=WEEKS, minimum_effect=0.1, teams=[large], answers=PLAY, by=manager)
    Case.objects.update(team=large)
    with pytest.raises(WrongState, match="nothing to compare with"):
        start_trial(review=review, weeks=WEEKS, minimum_effect=0.1, teams=[large], answers=PLAY, by=manager)


# While it runs


def test_a_look_a_week_and_after_an_outage_one_for_all_that_were_missed(review, measured, manager, topic, travel):
    begun(review, manager, travel)
    contacts(measured, TUESDAY, 3, a_week=40, missed=12, topic=topic)
    travel(TUESDAY + WEEK - timedelta(1))
    assert not trials_due()
    travel(TUESDAY + 3 * WEEK + timedelta(2))
    assert len(look_at_trials()) == 1 and look_at_trials() == []
    found = Trial.objects.get().looks
    assert [(one["due"], one["cases"]) for one in found] == [((TUESDAY + 3 * WEEK).isoformat(), 120)]
    travel(TUESDAY + 4 * WEEK)
    assert trials_due()


def test_contacts_that_are_not_judged_yet_are_left_out(agent, manager, topic, travel):
    """Under no_repeat the last week is pending."""
    travel(MONDAY)
    rule = make.rule("Refunds need two signatures", topics=["returns"])
    make.vote(rule, -2, by=agent)
    source = make.source("phones", method="no_repeat")
    contacts(source, TUESDAY - 9 * WEEK, 9, a_week=40, missed=12, topic=topic)
    trial = begun(make.review(rule, by=manager), manager, travel)
    contacts(source, TUESDAY, 2, a_week=40, missed=12, topic=topic)
    Case.objects.filter(opened_day__gte=TUESDAY + WEEK).update(outcome=Outcome.PENDING)
    travel(TUESDAY + 2 * WEEK)
    found = look(trial=trial).looks[0]
    assert (found["cases"], found["until"]) == (40, (TUESDAY + WEEK - timedelta(1)).isoformat())


def breached(review, source, manager, topic, travel) -> Trial:
    trial = begun(review, manager, travel)
    contacts(source, TUESDAY, 2, a_week=40, missed=30, topic=topic)
    travel(TUESDAY + 2 * WEEK)
    look_at_trials()
    trial.refresh_from_db()
    assert trial.breached_on == TUESDAY + 2 * WEEK
    return trial


def test_after_a_breach_the_manager_has_a_working_day_and_then_it_reverts(review, measured, manager, topic, travel):
    trial = breached(review, measured, manager, topic, travel)
    assert trial.look_until == TUESDAY + 2 * WEEK + timedelta(1) and trial.end == ""
    assert Letter.objects.filter(to=manager, subject="A trial has breached a guardrail").count() == 1
    assert extend_refused(trial, manager) == "No extension was registered before the start, so it ends on 28 Apr 2026."

    travel(trial.look_until)
    assert not trials_due() and Rule.objects.get().status == Rule.Status.SUSPENDED
    travel(trial.look_until + timedelta(1))
    look_at_trials()
    trial.refresh_from_db()
    review.refresh_from_db()
    assert (trial.end, review.state) == (Trial.End.REVERTED, State.ASSESSING)
    assert Rule.objects.get().status == Rule.Status.IN_FORCE
    assert [notice.kind for notice in Notice.objects.filter(state="published")] == ["put_back"]
    assert Letter.objects.filter(to=manager).count() == 2 and not trials_due()


def extend_refused(trial: Trial, by) -> str:
    with pytest.raises(WrongState) as refused:
        extend_trial(trial=trial, by=by)
    return str(refused.value)


def test_a_breach_that_mended_data_take_back_lets_the_trial_go_on(review, measured, manager, topic, travel):
    trial = breached(review, measured, manager, topic, travel)
    Case.objects.filter(opened_day__gte=TUESDAY).update(outcome=Outcome.RESOLVED)
    travel(trial.look_until + timedelta(1))
    look_at_trials()
    trial.refresh_from_db()
    assert (trial.breached_on, trial.look_until, trial.end) == (None, None, "")


def test_what_protects_reverts_at_once_and_tells(review, measured, manager, topic, travel):
    trial = begun(review, manager, travel)
    Rule.objects.update(protective=True)
    contacts(measured, TUESDAY, 2, a_week=40, missed=30, topic=topic)
    travel(TUESDAY + 2 * WEEK)
    look_at_trials()
    trial.refresh_from_db()
    assert trial.end == Trial.End.REVERTED and Rule.objects.get().status == Rule.Status.IN_FORCE
    assert Letter.objects.filter(to=manager).count() == 1


def test_minutes_per_solved_problem_are_a_guardrail_where_they_are_measured(
    review, source, topic, manager, travel
):  # fmt: skip
    contacts(source, TUESDAY - 8 * WEEK, 8, a_week=40, missed=12, topic=topic, handle_seconds=420)
    trial = begun(review, manager, travel)
    assert trial.plan["guardrails"][1] == {"name": "minutes", "limit": 1.0}  # a tenth of 7 minutes / 0.7
    contacts(source, TUESDAY, 2, a_week=40, missed=12, topic=topic, handle_seconds=840)
    travel(TUESDAY + 2 * WEEK)
    repeats, minutes = look(trial=trial).looks[0]["guardrails"]
    assert (repeats["breached"], minutes["breached"], minutes["rise"]) == (False, True, 10.0)


def test_a_plan_that_was_changed_is_judged_by_nobody(review, measured, manager, travel):
    trial = begun(review, manager, travel)
    Trial.objects.update(plan={**trial.plan, "guardrails": []})
    with pytest.raises(WrongState, match="no longer what was registered"):
        look(trial=Trial.objects.get())
    look_at_trials()
    assert Trial.objects.get().end == Trial.End.REVERTED and Rule.objects.get().status == Rule.Status.IN_FORCE


# The end


def test_it_ends_by_itself_and_the_front_line_hears_a_working_day_before(review, measured, manager, topic, travel):
    trial = begun(review, manager, travel)
    contacts(measured, TUESDAY, WEEKS - 1, a_week=40, missed=4, topic=topic)
    travel(trial.ends_on - timedelta(1))
    look_at_trials()
    back = Notice.objects.get(kind="put_back")
    assert (back.state, back.effective_on) == ("published", trial.ends_on)
    assert Rule.objects.get().status == Rule.Status.SUSPENDED

    travel(trial.ends_on)
    look_at_trials()
    trial.refresh_from_db()
    assert trial.end == Trial.End.RAN_OUT and Rule.objects.get().status == Rule.Status.IN_FORCE
    assert Notice.objects.filter(kind="put_back").count() == 1 and not trials_due()

    contacts(measured, trial.ends_on - WEEK, 1, a_week=40, missed=4, topic=topic)  # the last week comes in
    travel(trial.ends_on + timedelta(3))
    look_at_trials()
    [page] = trials_of(review)
    assert (page.looks[0].cases, page.looks[0].is_last) == (320, True)
    assert "moved by 20.0 points" in page.result and not trials_due()


def test_it_runs_longer_once_where_that_was_registered(review, measured, manager, agent, travel):
    trial = begun(review, manager, travel, may_extend_weeks=4)
    assert trial.plan["looks"] == WEEKS + 4
    with pytest.raises(NotAllowed):
        extend_trial(trial=trial, by=agent)
    travel(trial.ends_on - timedelta(1))
    look_at_trials()
    trial = extend_trial(trial=trial, by=manager)
    assert trial.ends_on == TUESDAY + 12 * WEEK
    assert Notice.objects.get(kind="put_back").state == "withdrawn"
    assert extend_refused(trial, manager) == "It was extended once already. It ends on 26 May 2026."
    travel(TUESDAY + 8 * WEEK)
    look_at_trials()
    assert Trial.objects.get().end == ""
    travel(TUESDAY + 12 * WEEK)
    look_at_trials()
    assert Trial.objects.get().end == Trial.End.RAN_OUT


@pytest.mark.parametrize(("verb", "end"), [(end_trial, Trial.End.STOPPED), (revert_trial, Trial.End.REVERTED)])
def test_a_manager_ends_it_at_any_time(review, measured, manager, agent, travel, verb, end):
    trial = begun(review, manager, travel)
    with pytest.raises(NotAllowed):
        verb(trial=trial, by=agent)
    assert verb(trial=trial, by=manager).state == State.ASSESSING
    assert Trial.objects.get().end == end and Rule.objects.get().status == Rule.Status.IN_FORCE
    with pytest.raises(WrongState, match="being assessed"):
        verb(trial=trial, by=manager)


def test_one_that_is_ended_before_it_began_tells_nothing_but_that(review, measured, manager, travel):
    trial = start_trial(review=review, weeks=WEEKS, minimum_effect=0.10, answers=PLAY, by=manager)
    end_trial(trial=trial, by=manager)
    assert [(notice.kind, notice.state) for notice in Notice.objects.all()] == [("suspended", "withdrawn")]
    travel(TUESDAY)
    assert not trials_due() and Rule.objects.get().status == Rule.Status.IN_FORCE


def test_a_rule_removed_meanwhile_ends_its_trial(review, measured, manager, travel):
    begun(review, manager, travel)
    Rule.objects.update(status=Rule.Status.REMOVED)
    look_at_trials()
    assert Trial.objects.get().end == Trial.End.STOPPED and Rule.objects.get().status == Rule.Status.REMOVED


def test_an_outage_over_the_whole_trial_ends_it_without_a_beginning(review, measured, manager, travel):
    trial = start_trial(review=review, weeks=WEEKS, minimum_effect=0.10, answers=PLAY, by=manager)
    travel(trial.ends_on + timedelta(30))
    look_at_trials()
    assert Trial.objects.get().end == Trial.End.RAN_OUT and not trials_due()
    assert Rule.objects.get().status == Rule.Status.IN_FORCE


# Its page


def test_the_page_tells_plan_looks_and_what_a_breach_would_take(review, measured, manager, topic, travel):
    begun(review, manager, travel, may_extend_weeks=2)
    contacts(measured, TUESDAY, 2, a_week=40, missed=12, topic=topic)
    travel(TUESDAY + 2 * WEEK)
    look_at_trials()
    [page] = trials_of(review)
    assert page.stands == "It runs until Tuesday 28 April 2026. No guardrail is breached."
    assert page.plan[0] == "Suspended everywhere from 3 Mar 2026 to 28 Apr 2026."
    assert "Repeat contacts may rise by 5.0 points." in page.plan and "It may run 2 weeks longer, once." in page.plan
    assert (page.days_left, page.as_registered, page.why_not_extended) == (42, True, "")
    [rail] = page.looks[0].guardrails
    assert (rail.found, rail.limit, rail.breached) == ("0.0 points", "5.0 points", False)
    assert rail.sentence == "Repeat contacts: not breached." and rail.for_sure == "no rise"
    assert page.takes[0].startswith("A breach would take a rise")


# What may come in between


def test_weeks_without_the_rule_are_no_weeks_to_compare_with(review, source, topic, manager, travel):
    contacts(source, TUESDAY - WEEKS * WEEK, 2 * WEEKS, a_week=40, missed=12, topic=topic)
    begun(review, manager, travel)
    travel(TUESDAY + WEEKS * WEEK)
    look_at_trials()
    assert Trial.objects.get().end == Trial.End.RAN_OUT
    with pytest.raises(WrongState, match="a trial is held against the weeks before it"):
        start_trial(review=Review.objects.get(), weeks=WEEKS, minimum_effect=0.10, by=manager)


def test_what_became_a_law_since_is_not_suspended(review, measured, manager, travel):
    start_trial(review=review, weeks=WEEKS, minimum_effect=0.10, answers=PLAY, by=manager)
    change_rule(rule=review.rule, fields={"authority": "law", "clause": "Act 5, 2"}, by=manager)
    travel(TUESDAY)
    look_at_trials()
    assert Rule.objects.get().status == Rule.Status.IN_FORCE and Trial.objects.get().end == Trial.End.STOPPED


def test_an_objection_ends_a_trial_and_the_rule_applies_again(review, measured, manager, owner, travel):
    Rule.objects.update(owner=owner)
    begun(review, manager, travel)
    assert Rule.objects.get().status == Rule.Status.SUSPENDED
    object_to(review=Review.objects.get(), objection="Somebody has to look.", by=owner)
    assert Rule.objects.get().status == Rule.Status.IN_FORCE and Review.objects.get().state == State.ASSESSING
    assert Trial.objects.get().end == Trial.End.STOPPED


def test_the_day_of_a_trial_is_not_moved_by_its_notice(review, measured, manager):
    start_trial(review=review, weeks=WEEKS, minimum_effect=0.10, answers=PLAY, by=manager)
    with pytest.raises(FieldRefused, match="Its day is that of a trial"):
        change_notice(
            notice=Notice.objects.get(), headline="", play="", effective_on=TUESDAY + WEEK, typo=False, by=manager
        )
