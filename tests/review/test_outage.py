"""`work` was away for a week: all that was due then is done once, in order, and the day on which it was due is kept."""

import json
from datetime import date, timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from rulebook.access.models import Letter, Person
from rulebook.catalogue.models import Rule
from rulebook.desk import work
from rulebook.journal.models import Event
from rulebook.notices.models import Notice
from rulebook.review import guards
from rulebook.review.clocks import run_clocks
from rulebook.review.letters import write_letters
from rulebook.review.models import Review, State, Trial
from rulebook.review.services import transition as do
from rulebook.review.situation import WITH_RULE, situations
from rulebook.review.sunset import begin_sunsets
from rulebook.review.trials import look_at_trials, start_trial
from tests import make
from tests.journeys.installation import Installation
from tests.review.contacts import contacts
from tests.review.test_races import together

MONDAY = date(2035, 3, 5)  # jobs are due from the real day on, whatever day a test travels to
DAY = timedelta(1)
WEEK = 7 * DAY
BACK = MONDAY + 9 * DAY  # a Wednesday
ANSWERS = {"play": "Refund at once.", "nobody_knows": True}


def due(verb):
    """{rule code: (day on which something was done by the clocks, the day on which it was due)}."""
    codes = {str(review.pk): review.rule.code for review in Review.objects.select_related("rule")}
    events = list(Event.objects.filter(object_type="review").order_by("number"))
    found = {}
    for event, later in zip(events, [*events[1:], None], strict=True):
        if event.verb == verb and later is not None and later.verb == "was_due":
            assert later.object_code == event.object_code
            found[codes[event.object_code]] = (event.at.date(), date.fromisoformat(later.after))
    return found


@pytest.fixture
def house(agent, manager, owner, travel):
    """One of everything that falls due in the week after Monday; `work` has done all up to then."""
    Person.objects.filter(pk=agent.pk).update(email="agent@example.org")
    topic, source = make.topic("returns/refund"), make.source("desk", method="declared")
    contacts(source, MONDAY - 17 * WEEK, 17, a_week=40, missed=12, topic=topic)
    began = {"LAPSES": make.rule("Old", code="LAPSES", review_by=MONDAY - 10 * DAY)}
    began["OVER"] = make.rule("Two sign", code="OVER", topics=["returns"])
    make.vote(began["OVER"], -2, by=agent)
    travel(MONDAY - 53 * DAY)  # a Thursday
    answers = {**ANSWERS, "in_one_sentence": "Two.", "protects": "All."}
    over = make.review(began["OVER"], by=manager)
    start_trial(review=over, weeks=8, minimum_effect=0.10, answers=answers, by=manager)
    travel(MONDAY - 52 * DAY)
    look_at_trials()
    travel(MONDAY - 10 * DAY)
    begin_sunsets(MONDAY - 10 * DAY)
    fence = make.review(make.rule("Fence", code="FENCE"), by=manager)
    Review.objects.filter(pk=fence.pk).update(full_asked=True)
    travel(MONDAY)
    for code, fields in {"EFFECT": {}, "SILENT": {"owner": owner}, "LETTER": {"owner": owner}, "TRIAL": {}}.items():
        rule = make.rule(f"Rule {code}", code=code, topics=["returns"], **fields)
        make.vote(rule, -2, by=agent)
        if code == "TRIAL":
            start_trial(review=make.review(rule, by=manager), weeks=8, minimum_effect=0.10, answers=answers, by=manager)
        elif code != "LETTER":
            do(review=make.review(rule, by=manager), verb="remove", by=manager, answers=ANSWERS)
    Rule.objects.filter(code="LETTER").update(review_by=MONDAY + 12 * DAY)
    make.rule("Begins", code="BEGINS", review_by=MONDAY + 3 * DAY, owner=owner)
    asked = make.review(make.rule("Asked", code="ASKED"), by=manager)
    escalated = {"addressee": "The bank", "answer_due": MONDAY + 2 * DAY}
    do(review=asked, verb="escalate", by=manager, answers=escalated)
    for _ in range(2):
        assert not [line for line in work.work() if line.failed]
    assert not work.is_due()
    travel(BACK)


def review(code):
    return Review.objects.select_related(*WITH_RULE).get(rule__code=code)


@pytest.mark.django_db
def test_everything_of_the_week_is_done_once_with_the_day_on_which_it_was_due(house, manager):
    before = Letter.objects.count()
    done = work.work()
    assert [line.what for line in done if line.failed] == []
    assert not work.is_due() and work.work() == [] and work.work() == []

    # What began, took effect, was told and ended, and the day beside it on which it should have been
    assert due("begin_lapsing") == {} and due("marked") == {"BEGINS": (BACK, MONDAY + 3 * DAY)}
    assert due("take_effect") == {"EFFECT": (BACK, MONDAY + DAY)}
    assert due("lapse") == {"LAPSES": (BACK, MONDAY + 4 * DAY)}
    told = Event.objects.get(verb="was_due", object_code=str(review("SILENT").pk))
    assert (told.at.date(), told.after) == (BACK, str(MONDAY + 8 * DAY))
    assert review("EFFECT").effective_on == MONDAY + DAY and review("EFFECT").in_force_on == BACK
    assert review("BEGINS").lapses_on == BACK + 14 * DAY  # it has its whole time
    assert review("SILENT").effective_on == BACK + DAY  # the front line has its working day
    assert review("LAPSES").state == State.DECIDED and review("LAPSES").effective_on == BACK + DAY
    done_once = {verb: Event.objects.filter(verb=verb).count() for verb in ("take_effect", "lapse", "trial_begun")}
    assert done_once == {"take_effect": 1, "lapse": 1, "trial_begun": 2}
    over, trial = (Trial.objects.get(review=review(code)) for code in ("OVER", "TRIAL"))
    assert (over.end, over.ends_on, over.ended_on) == ("ran_out", MONDAY + 4 * DAY, BACK)
    assert (trial.starts_on, trial.begun_on) == (MONDAY + DAY, BACK)
    assert trial.looks[-1]["due"] == str(MONDAY + 8 * DAY) and trial.looks[-1]["on"] == str(BACK)

    # Letters, after what they tell of, each once: the reminder and the date ahead name the day on which they were due
    letters = Letter.objects.order_by("pk")[before:]
    about = [letter.about for letter in letters]
    number = {code: review(code).pk for code in ("ASKED", "BEGINS")}
    rule = Rule.objects.get(code="LETTER")
    assert f"review {number['ASKED']} unanswered {MONDAY + 9 * DAY} {manager.pk}" in about  # of two the newest
    assert f"rule {rule.pk} review by {rule.review_by} in 7" in about
    assert f"review {number['BEGINS']} lapsing {BACK} {review('BEGINS').rule.owner_id}" in about
    (digest,) = [letter for letter in letters if letter.about.startswith("notices of")]
    assert "Rule SILENT" in digest.body, "the clocks were before the letters"
    assert len(set(about)) == len(about)

    # Clocks that need nobody to wind them
    (at,) = situations([review("FENCE")])
    assert guards.fence_until(at) == MONDAY + 4 * DAY and not guards.the_fence_was_looked_at(at) and at.heard.heard


@pytest.mark.django_db
def test_run_day_by_day_it_comes_to_the_same_outcomes(house, travel):
    """Late, each thing is done later and no other thing is done; what is told keeps its working day."""
    outcomes = {}
    for days in ([*range(1, 31)], [9, 10, 11, 12, *range(13, 31)]):
        begun = transaction.savepoint()
        for number in days:
            travel(MONDAY + number * DAY)
            work.work()
        states = tuple(Review.objects.order_by("pk").values_list("rule__code", "state", "outcome"))
        outcomes[len(days)] = states
        transaction.savepoint_rollback(begun)
    assert len(outcomes) == 2 and len(set(outcomes.values())) == 1


def test_the_day_it_was_due_stands_in_the_timeline(db, manager, agent, client, travel):
    travel(MONDAY)
    rule = make.rule()
    make.vote(rule, -2, by=agent)
    made = do(review=make.review(rule, by=manager), verb="remove", by=manager, answers=ANSWERS)
    travel(BACK)
    run_clocks(BACK)
    client.force_login(manager)
    page = client.get(f"/admin/review/review/{made.pk}/change/").content.decode()
    assert "it was due on 6 Mar 2035" in page.replace("It was", "it was")


# Two at the same time

PREPARE = """
from datetime import timedelta
from django.utils import timezone
from rulebook.catalogue.models import Rule
from rulebook.notices.models import Notice
from rulebook.review.models import Review
from rulebook.review.services import transition as do
from rulebook.review.sunset import begin_sunsets
from tests import make
today, day = timezone.localdate(), timedelta(1)
owner, manager = make.person("owner", role="owner"), make.person("manager", role="manager")
for number in range(8):
    made = make.review(make.rule(code=f"D-{number}"), by=manager)
    Review.objects.filter(pk=made.pk).update(marked_on=today - 40 * day)
    do(review=made, verb="remove", by=manager, answers={"play": "Ask.", "nobody_knows": True})
Review.objects.update(decided_on=today - 9 * day, effective_on=today - 7 * day)
Notice.objects.update(published_on=today - 9 * day, effective_on=today - 7 * day)
for number in range(8):
    make.rule(code=f"L-{number}", review_by=today - 3 * day, owner=owner)
begin_sunsets(today)
Review.objects.filter(state="lapsing").update(marked_on=today - 20 * day, lapses_on=today - 2 * day)
for number in range(8):
    make.rule(code=f"S-{number}", review_by=today - day, owner=owner)
"""
ROUND = """
import json
from django.utils import timezone
from rulebook.review.clocks import run_clocks
from rulebook.review.letters import write_letters
from rulebook.review.sunset import begin_sunsets
today = timezone.localdate()
begun = len(begin_sunsets(today))
print(json.dumps([begun, len(run_clocks(today)), write_letters(today)]))
"""
EACH = {"take_effect": 8, "lapse": 8, "begin_lapsing": 16}


@pytest.mark.process
def test_two_processes_that_work_at_once_do_everything_once(tmp_path):
    """First past the lease that keeps `work` to one process, then with it."""
    bare = Installation(tmp_path / "bare")
    assert bare.run("shell", "-v0", "-c", PREPARE).returncode == 0
    leased = Installation(tmp_path / "leased", like=bare)
    running = [bare.start("shell", "-v0", "-c", ROUND) for _ in range(2)]
    said = [process.communicate(timeout=120) for process in running]
    assert [process.returncode for process in running] == [0, 0], said
    begun, moved, written = (sum(json.loads(out)[place] for out, _err in said) for place in range(3))
    assert (begun, moved) == (8, 16) and written == bare.count("access_letter")
    running = [leased.start("work") for _ in range(3)]
    for process in running:
        process.communicate(timeout=120)
        assert process.returncode == 0
    for place in (bare, leased):
        for verb, times in EACH.items():
            told = place.ask(f"SELECT COUNT(*), COUNT(DISTINCT object_code) FROM journal_event WHERE verb = '{verb}'")
            assert told[0] == (times, times), verb
        assert place.ask("SELECT COUNT(*) FROM notices_notice")[0][0] == 24
        assert place.ask("SELECT COUNT(*) FROM review_review WHERE state = 'lapsing'")[0][0] == 8


@pytest.mark.skipif(connection.vendor != "postgresql", reason="threads share one SQLite database in memory")
@pytest.mark.django_db(transaction=True)
def test_two_threads_that_work_at_once_do_everything_once():
    exec(compile(PREPARE, "prepare", "exec"), {})
    today = timezone.localdate()
    found = together(*[lambda: (len(begin_sunsets(today)), len(run_clocks(today)), write_letters(today))] * 2)
    assert [sum(each) for each in zip(*found, strict=True)] == [8, 16, Letter.objects.count()]
    for verb, times in EACH.items():
        assert Event.objects.filter(verb=verb).count() == times
    assert Notice.objects.count() == 24
