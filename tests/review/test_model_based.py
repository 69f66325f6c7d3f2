"""Random people try random verbs on random days: whatever they do, what holds of every review holds still."""

from contextlib import ExitStack, suppress
from datetime import date, datetime, time, timedelta
from unittest.mock import patch

import pytest
from django.db import transaction as database
from django.utils import timezone
from hypothesis import HealthCheck, Phase, note, settings
from hypothesis import strategies as some
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from rulebook.access.calendar import house_calendar
from rulebook.access.models import ClosedPeriod, Department, Person
from rulebook.catalogue.lifecycle import end_rule
from rulebook.catalogue.models import Rule
from rulebook.catalogue.services import FieldRefused, change_rule
from rulebook.desk.work import ROUNDS
from rulebook.errors import NotAllowed, RulebookError, WrongState
from rulebook.journal.models import Event
from rulebook.journal.services import business_verb
from rulebook.notices.models import Notice
from rulebook.review import services, suspending
from rulebook.review.clocks import clocks_due, run_clocks
from rulebook.review.models import GONE, OPEN, Fence, Review, State, Trial
from rulebook.review.situation import WITH_RULE, notice_of, situations
from rulebook.review.states import CLOCK, TABLE, TAKES_EFFECT, first_refusal, row
from rulebook.review.sunset import begin_sunsets
from rulebook.votes.ballots import close_ballot
from rulebook.votes.models import Ballot
from rulebook.votes.queries import front_line_heard
from tests import make

MANY, STEPS = 6, 40  # houses, and events that each lives through
START = date(2026, 3, 2)
VERBS = [each.verb for each in TABLE]
CLOCKS = [each.verb for each in TABLE if each.permission == CLOCK]
# What people mean to do, the likelier the more often
MEANT = [*["remove"] * 4, "simplify", "delegate", "declare_myth", "write_down", "start_trial", "end_trial"]
MEANT += ["undo", "undo"]
SAID = ["mark", "answer", "agree", "object", "fence", "tool", "words", "tool", "agree"]
MEANWHILE = [
    "its_time_is_over", "its_time_is_over", "somebody_changes_the_words", "the_agent_votes", "a_ballot_opens",
    "the_ballots_close", "the_ballots_close", "somebody_leaves", "the_house_will_be_closed",
    "it_will_be_open_after_all", "it_turns_out_to_protect", "the_front_door_replaces_it", "the_front_door_replaces_it",
]  # fmt: skip
LEAVE = ["colleague", "manager", "owner", "head"]
DECIDERS = ["manager", "colleague", "admin"]
WHO = ["agent", "manager", "colleague", "owner", "head", "admin"]
ANSWERS = {
    "play": "Refund at once.", "nobody_knows": True, "in_one_sentence": "Two sign.", "protects": "The house.",
    "limit": "500 kr", "new_title": "Refunds", "addressee": "The bank", "objection_answer": "It was paid.",
}  # fmt: skip


class House(RuleBasedStateMachine):
    """Four rules: an owner's, nobody's, a law, and one that a tool forces."""

    @initialize(origins=some.lists(some.sampled_from(["rule", "flag", "ballot", ""]), min_size=4, max_size=4))
    def people_come(self, origins):
        self.stack = ExitStack()
        self.stack.enter_context(database.atomic())
        self.stack.enter_context(patch.object(timezone, "now", lambda: self.now))
        self.today = START
        finance = make.department("Finance")
        team = make.team(department=finance)
        self.people = {
            "agent": make.person("agent", role="agent", team=team), "manager": make.person("manager", role="manager"),
            "colleague": make.person("colleague", role="manager"), "owner": make.person("owner", role="owner"),
            "head": make.person("head", role="owner"), "admin": make.person("admin", is_superuser=True),
        }  # fmt: skip
        Department.objects.filter(pk=finance.pk).update(head=self.people["head"])
        rules = [
            make.rule("Two sign", owner=self.people["owner"]), make.rule("By mail", department=finance),
            make.rule("Ask for a passport", authority="law"), make.rule("One a day", authority="system"),
        ]  # fmt: skip
        self.rules = [rule.pk for rule in rules]
        for rule_, origin in zip(rules, origins, strict=True):
            make.vote(rule_, -2, by=self.people["agent"])
            if origin:
                services.mark_rule(rule=rule_, origin=origin, by=self.people["manager"])

    @property
    def now(self):
        return datetime.combine(self.today, time(12), tzinfo=timezone.get_current_timezone())

    def by(self, who):
        return self.people.get(who)

    def rule_at(self, place):
        return Rule.objects.get(pk=self.rules[place])

    def review_at(self, place):
        return Review.objects.filter(rule=self.rules[place]).order_by("pk").last()

    def tried(self, work, *args, **named):
        """What it gave; None where it was refused with a sentence."""
        try:
            return work(*args, **named)
        except (NotAllowed, WrongState, FieldRefused) as told:
            assert str(told).endswith((".", "?"))
            return None

    @rule(chance=some.randoms(use_true_random=True))
    def something_happens(self, chance):
        """Evenly by chance: what hypothesis prefers, small numbers and few kinds of events, decides hardly anything."""
        place, who, number = chance.randrange(4), chance.choice(WHO), chance.randrange(10)
        kind = chance.choice(["time", "time", "decide", "decide", "anything", "meanwhile"])
        if kind == "time":
            told = self.time_passes, chance.choice([0, 1, 1, 2, 7, 8, 15, 31]), chance.random() < 0.8
        elif kind == "decide":
            told = self.decide, place, chance.choice(MEANT), chance.choice(DECIDERS)
        elif kind == "anything":
            told = self.try_anything, place, chance.choice(VERBS + SAID), who, chance.random() < 0.5
        else:
            told = self.meanwhile, place, chance.choice(MEANWHILE), number
        note(f"{told[0].__name__} {told[1:]}")
        told[0](*told[1:])

    def time_passes(self, days, works):
        self.today += timedelta(days)
        if works:
            self.work_is_done()

    def decide(self, place, verb, who):
        """As somebody does who means it: with the words read, the agent's vote on them, and all answers."""
        self.tried(services.mark_rule, rule=self.rule_at(place), origin="list", by=self.people[who])
        if (review := self.review_at(place)) is not None:
            self.tried(services.take_in_new_words, review=review, by=self.people[who])
            self.the_agent_votes(place)
            self.do(place, verb, who, True)

    def try_anything(self, place, verb, who, answered):
        if verb == "mark" and (by := self.by(who)):
            self.tried(services.mark_rule, rule=self.rule_at(place), origin=("rule", "flag")[answered], by=by)
        elif verb in SAID:
            self.say(place, who, verb)
        else:
            self.do(place, verb, who, answered)

    def do(self, place, verb, who, answered):
        review, by = self.review_at(place), self.by(who)
        if review is None or by is None:
            return
        answers = dict(ANSWERS) if answered else {}
        if answered and verb == "keep":
            answers |= {"purpose": "Fraud", "answer": "Seldom", "review_by": self.today + timedelta(200)}
        if answered and verb == "escalate":
            answers |= {"answer_due": self.today + timedelta(14)}
        if verb == "start_trial":
            self.plan(review)
        moved = self.tried(services.transition, review=review, verb=verb, by=by, answers=answers)
        if moved is not None:
            assert verb not in CLOCKS
            self.held(moved, verb, by)

    def plan(self, review):
        if not review.trials.filter(end="").exists():
            days = {"starts_on": self.today + timedelta(1), "ends_on": self.today + timedelta(29)}
            Trial.objects.create(review=review, plan={"teams": []}, plan_hash="0" * 64, **days)

    def held(self, review, verb, by):
        """What each outcome needs, said once more in other words than those of the guards."""
        now = Rule.objects.get(pk=review.rule_id)
        if review.state == State.DECIDED and verb != "lapse":
            assert front_line_heard(now, marked_on=review.marked_on).heard
            assert not Ballot.objects.filter(state="open", items__version__rule=now).exists()
            assert now.versions.latest("number").pk == review.version_id and now.status != Rule.Status.REMOVED
            assert not review.objection or review.objection_answer
            self.full_lane_held(review, now, verb, by)
            if review.outcome in (State.REMOVED, State.DECLARED_MYTH):
                assert now.authority not in ("law", "contract")
            if review.outcome in (State.REMOVED, State.SIMPLIFIED, State.DELEGATED):
                assert review.play and (review.purpose or review.nobody_knows)
        answer_for_it = {now.owner_id} if now.owner_id else {self.head_of(now)}
        if verb == "withdraw":
            assert review.proposer_id == by.pk
        if verb == "object":
            assert by.is_superuser or by.pk in answer_for_it | {self.head_of(now)}
        if verb == "keep":
            assert by.pk not in answer_for_it or not now.owner_id
            assert review.purpose and review.answer and review.review_by <= self.today + timedelta(366)
            assert now.owner_id != by.pk and not (now.authority == "law" and not now.confirmed_at)
        if verb == "escalate":
            assert review.addressee and review.answer_due > self.today

    def head_of(self, found):
        return found.department.head_id if found.department else None

    def full_lane_held(self, review, now, verb, by):
        full = now.authority in ("law", "contract") or now.protective or review.objection or review.full_asked
        if not full:
            return
        assert by.pk != review.proposer_id
        if verb in ("remove", "simplify", "delegate"):
            assert review.in_one_sentence and review.protects
            waited = house_calendar().open_days_between(review.marked_on, self.today)
            assert waited >= 14 or Fence.objects.filter(review=review).exclude(written_by=review.proposer_id).exists()

    def say(self, place, who, what):
        review, by = self.review_at(place), self.by(who)
        if review is None or by is None:
            return
        if what == "answer":
            answers = {"play": "Ask.", "effective_on": self.today + timedelta(5)}
            self.tried(services.answer_questions, review=review, answers=answers, by=by)
        elif what == "agree":
            self.tried(services.agree, review=review, by=by)
        elif what == "object":
            self.tried(services.object_to, review=review, objection="The bank asks for it.", by=by)
        elif what == "fence":
            self.tried(services.write_fence, review=review, comes_from="", counter="Fraud.", purpose="", by=by)
        elif what == "tool":
            self.tried(services.tool_is_changed, review=review, by=by)
        else:
            self.tried(services.take_in_new_words, review=review, by=by)

    def work_is_done(self):
        """As `work` does it, in its order; a second round finds nothing."""
        before = {review.pk: review for review in Review.objects.select_related("rule")}
        for _round in range(ROUNDS):
            for begun in begin_sunsets(self.today):
                assert begun.rule.review_by <= self.today and begun.state in (State.LAPSING, State.ESCALATED)
            self.trials_move()
            run_clocks(self.today)
        assert not clocks_due(self.today) and run_clocks(self.today) == [] == begin_sunsets(self.today)
        for review in Review.objects.filter(pk__in=before).select_related("rule"):
            self.moved_by_a_clock(before[review.pk], review)

    def trials_move(self):
        """They begin, and end. What contacts say of them is left out."""
        for trial in Trial.objects.filter(end="", review__state=State.ON_TRIAL).select_related("review__rule"):
            if trial.review.rule.status == Rule.Status.REMOVED or self.today >= trial.ends_on:
                services.transition(review=trial.review, verb="end_trial", by=None)
            elif trial.begun_on is None and self.today >= trial.starts_on:
                begins(trial, self.today)

    def moved_by_a_clock(self, before, now):
        if now.state == before.state:
            return
        if before.state == State.DECIDED and now.state != State.WITHDRAWN:
            assert now.state == before.outcome and now.in_force_on == self.today >= before.effective_on
            notice = Notice.objects.get(about=notice_of(now))
            assert notice.state == "published" and notice.published_on < self.today >= notice.effective_on
            until, calendar = before.owner_until, house_calendar()
            assert until is None or before.owner_agreed_on or until < self.today
            if until and not before.owner_agreed_on:  # her seven days, by all closed periods
                assert calendar.open_days_between(before.decided_on, self.today) > 7
            assert before.rule.authority != "system" or before.tool_changed_on
        if before.state == State.LAPSING and now.state == State.DECIDED:
            assert now.rule.authority not in ("law", "contract", "system") and not now.rule.protective
            assert house_calendar().open_days_between(now.marked_on, self.today) >= 14
        if now.state == State.WITHDRAWN:
            assert now.rule.status == Rule.Status.REMOVED
        late = Event.objects.filter(verb="was_due", object_code=str(now.pk)).order_by("number").last()
        if now.state in TAKES_EFFECT and before.state == State.DECIDED and before.effective_on < self.today:
            assert late is not None and before.effective_on <= date.fromisoformat(late.after) <= self.today

    def meanwhile(self, place, what, number):
        with suppress(RulebookError):
            getattr(self, what)(place, number)

    def its_time_is_over(self, place, number):
        Rule.objects.filter(pk=self.rules[place]).update(review_by=self.today + timedelta(number - 5))

    def somebody_changes_the_words(self, place, number):
        change_rule(rule=self.rule_at(place), fields={"text": f"{number} days."}, by=None)

    def the_agent_votes(self, place, number=0):
        with suppress(WrongState):
            make.vote(self.rule_at(place), -2, by=self.by("agent"))

    def a_ballot_opens(self, place, number):
        make.ballot(self.rule_at(place))

    def the_ballots_close(self, place=0, number=0):
        for ballot in Ballot.objects.filter(state="open"):
            close_ballot(ballot=ballot, by=None)

    def somebody_leaves(self, place, number):
        """Deleted, or never to sign in again. Another manager comes; nobody takes an owner's place."""
        who = LEAVE[place]
        if person := self.people.pop(who, None):
            gone = Person.objects.filter(pk=person.pk)
            gone.delete() if number % 2 else gone.update(is_active=False)
            if who in DECIDERS:
                self.people[who] = make.person(role="manager")

    def the_house_will_be_closed(self, place, number):
        first = self.today + timedelta(number)
        ClosedPeriod.objects.create(name="Closed", first=first, last=first + timedelta(9 * place + 1))

    def it_will_be_open_after_all(self, place, number):
        ClosedPeriod.objects.filter(last__gte=self.today).delete()

    def it_turns_out_to_protect(self, place, number):
        change_rule(rule=self.rule_at(place), fields={"protective": number < 5}, by=None)

    def the_front_door_replaces_it(self, place, number):
        """The rule ends, and another one stands in its place."""
        found = self.rule_at(place)
        if found.status == Rule.Status.IN_FORCE:
            ended(found)
        if found.status in (Rule.Status.IN_FORCE, Rule.Status.REMOVED):
            owner = found.owner if found.owner in self.people.values() else None
            self.rules[place] = make.rule(authority=found.authority, owner=owner, department=found.department).pk

    @invariant()
    def the_journal_tells_how_each_review_stands(self):
        for review in Review.objects.all():
            told = ""
            events = Event.objects.filter(object_type="review", object_code=str(review.pk)).order_by("number")
            for event in events.filter(after__in=State.values):
                assert event.before in ("", told), f"{event.verb} began at {event.before}, and the review at {told}"
                told = event.after
            assert told == review.state

    @invariant()
    def no_rule_is_removed_and_in_force(self):
        for found in Rule.objects.prefetch_related("versions"):
            lasting = [version for version in found.versions.all() if version.applies_to is None]
            assert len(lasting) == (found.status != Rule.Status.REMOVED)
            assert found.status != Rule.Status.REMOVED or not any(v.applies(self.today) for v in found.versions.all())
            reviews = found.reviews.exclude(state=State.WITHDRAWN).order_by("pk")
            assert reviews.filter(state__in=OPEN).count() <= 1
            newest = reviews.last()
            if newest is not None and newest.state in GONE:
                assert found.status == Rule.Status.REMOVED

    @invariant()
    def nobody_reads_a_notice_of_what_does_not_come(self):
        told = {notice.about for notice in Notice.objects.filter(state="published")}
        for review in Review.objects.exclude(state__in=[State.DECIDED, *TAKES_EFFECT]):
            assert notice_of(review) not in told
        asked = Review.objects.filter(state=State.DECIDED, owner_agreed_on=None, owner_until__gte=self.today)
        forced = Review.objects.filter(state=State.DECIDED, rule__authority="system", tool_changed_on=None)
        assert not told & {notice_of(review) for review in asked | forced}

    def teardown(self):
        if not hasattr(self, "stack"):
            return
        try:
            self.every_clock_ends()
        finally:
            database.set_rollback(True)
            self.stack.close()

    def every_clock_ends(self):
        """Left alone, what is decided or lapses comes to its end, or says which one thing is missing.

        And nothing waits for somebody who is not there: a manager who is new here can go on with every review.
        """
        self.the_ballots_close()
        for _night in range(8):
            self.today += timedelta(22)
            self.work_is_done()
        new = make.person("new", role="manager")
        missing = ("A tool forces this rule", "The words changed")
        for review in Review.objects.filter(state__in=OPEN).select_related(*WITH_RULE):
            assert review.state != State.LAPSING and review.state != State.ON_TRIAL
            if review.state == State.DECIDED:
                (at,) = situations([review])
                assert first_refusal(row("take_effect"), at).startswith(missing)
                services.transition(review=review, verb="undo", by=new)
            answers = {"addressee": "The bank", "answer_due": self.today + timedelta(9)}
            services.transition(review=review, verb="escalate", by=new, answers=answers)
        for review in Review.objects.filter(state=State.ESCALATED, answered_on=None):
            services.answer_escalation(review=review, answer="It stays.", by=new)


@business_verb
def ended(found):
    end_rule(Rule.objects.select_for_update().get(pk=found.pk), None)


@business_verb
def begins(trial, today):
    if trial.review.rule.status == Rule.Status.IN_FORCE:
        suspending.begin(trial, today)


@pytest.mark.django_db
def test_whatever_anybody_tries_the_reviews_hold():
    many = settings(
        max_examples=MANY, stateful_step_count=STEPS, deadline=None, derandomize=True, database=None,
        phases=[Phase.generate], suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    run_state_machine_as_test(House, settings=many)
