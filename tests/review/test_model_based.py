"""Random people try random verbs on random days: whatever they do, what holds of every review holds still."""

from contextlib import ExitStack, suppress
from datetime import date, datetime, time, timedelta
from unittest.mock import patch

import pytest
from django.db import transaction as database
from django.utils import timezone
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as some
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from rulebook.access.models import Department, Person
from rulebook.catalogue.lifecycle import end_rule
from rulebook.catalogue.models import Rule
from rulebook.catalogue.services import FieldRefused, change_rule
from rulebook.errors import NotAllowed, RulebookError, WrongState
from rulebook.journal.models import Event
from rulebook.journal.services import business_verb, record
from rulebook.notices.models import Notice
from rulebook.review import guards, services
from rulebook.review.effects import tell_when_ready
from rulebook.review.models import GONE, OPEN, Review, State, Trial
from rulebook.review.situation import notice_of
from rulebook.review.states import CLOCK, TABLE, TAKES_EFFECT, row
from rulebook.votes.ballots import close_ballot
from rulebook.votes.models import Ballot
from rulebook.votes.queries import front_line_heard
from tests import make

MANY = 12  # houses; each lives through thirty events
START = date(2026, 3, 2)
VERBS = [each.verb for each in TABLE]
CLOCKS = [each.verb for each in TABLE if each.permission == CLOCK]
WHO = ["agent", "manager", "colleague", "owner", "head", "admin"]
ANSWERS = {
    "play": "Refund at once.", "nobody_knows": True, "in_one_sentence": "Two sign.", "protects": "The house.",
    "limit": "500 kr", "new_title": "Refunds", "addressee": "The bank", "objection_answer": "It was paid.",
}  # fmt: skip
PLACES = some.integers(0, 3)


class House(RuleBasedStateMachine):
    """Four rules: an owner's, nobody's, a law, and one that a tool forces."""

    @initialize()
    def people_come(self):
        self.stack = ExitStack()
        self.stack.enter_context(database.atomic())
        self.stack.enter_context(patch.object(timezone, "now", lambda: self.now))
        self.today = START
        finance = make.department("Finance")
        self.people = {
            "agent": make.person("agent", role="agent"), "manager": make.person("manager", role="manager"),
            "colleague": make.person("colleague", role="manager"), "owner": make.person("owner", role="owner"),
            "head": make.person("head", role="owner"), "admin": make.person("admin", is_superuser=True),
        }  # fmt: skip
        Department.objects.filter(pk=finance.pk).update(head=self.people["head"])
        rules = [
            make.rule("Two sign", owner=self.people["owner"]), make.rule("By mail", department=finance),
            make.rule("Ask for a passport", authority="law"), make.rule("One a day", authority="system"),
        ]  # fmt: skip
        self.rules = [rule.pk for rule in rules]

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

    @rule(days=some.sampled_from([1, 1, 2, 8, 15, 31]))
    def days_pass(self, days):
        self.today += timedelta(days)

    @rule(place=PLACES, who=some.sampled_from(WHO), origin=some.sampled_from(["rule", "flag", "ballot"]))
    def mark(self, place, who, origin):
        if by := self.by(who):
            self.tried(services.mark_rule, rule=self.rule_at(place), origin=origin, by=by)

    @rule(place=PLACES, verb=some.sampled_from(VERBS), who=some.sampled_from(WHO), answered=some.booleans())
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
            if review.outcome in (State.REMOVED, State.DECLARED_MYTH):
                assert now.authority not in ("law", "contract")
            if review.outcome in (State.REMOVED, State.SIMPLIFIED, State.DELEGATED):
                assert review.play and (review.purpose or review.nobody_knows)
        if verb == "keep":
            assert review.purpose and review.answer and review.review_by <= self.today + timedelta(366)
            assert now.owner_id != by.pk and not (now.authority == "law" and not now.confirmed_at)
        if verb == "escalate":
            assert review.addressee and review.answer_due > self.today

    @rule(place=PLACES, who=some.sampled_from(WHO))
    def answer_questions(self, place, who):
        review, by = self.review_at(place), self.by(who)
        if review and by:
            answers = {"play": "Ask.", "effective_on": self.today + timedelta(5)}
            self.tried(services.answer_questions, review=review, answers=answers, by=by)

    @rule(
        place=PLACES, who=some.sampled_from(WHO), what=some.sampled_from(["agree", "object", "fence", "tool", "words"])
    )
    def say(self, place, who, what):
        review, by = self.review_at(place), self.by(who)
        if review is None or by is None:
            return
        if what == "agree":
            self.tried(services.agree, review=review, by=by)
        elif what == "object":
            self.tried(services.object_to, review=review, objection="The bank asks for it.", by=by)
        elif what == "fence":
            self.tried(services.write_fence, review=review, comes_from="", counter="Fraud.", purpose="", by=by)
        elif what == "tool":
            self.tried(services.tool_is_changed, review=review, by=by)
        else:
            self.tried(services.take_in_new_words, review=review, by=by)

    @rule()
    def the_clocks_run(self):
        for review in Review.objects.filter(state__in=OPEN):
            self.run_clocks(review)

    def run_clocks(self, review):
        """Once a night; what is refused waits for another one. The sentence of the last clock that refused."""
        with suppress(WrongState):
            ready(review)
        said = ""
        for verb in CLOCKS:
            before = Review.objects.get(pk=review.pk)
            if before.state not in row(verb).sources:
                continue
            try:
                moved = services.transition(review=review, verb=verb, by=None)
            except WrongState as told:
                said = str(told) if verb != "close" else said
                continue
            if verb == "take_effect":
                notice = Notice.objects.get(about=notice_of(review))
                assert notice.state == "published" and notice.published_on < self.today >= before.effective_on
                assert before.owner_until is None or before.owner_agreed_on or before.owner_until < self.today
                assert before.rule.authority != "system" or before.tool_changed_on
                assert moved.state == before.outcome and moved.in_force_on == self.today
            said = ""
        return said

    @rule(place=PLACES)
    def its_time_is_over(self, place):
        with suppress(WrongState):
            sunset(self.rule_at(place), self.today)

    @rule(place=PLACES, text=some.sampled_from(["One.", "Two."]))
    def somebody_changes_the_words(self, place, text):
        with suppress(RulebookError):
            change_rule(rule=self.rule_at(place), fields={"text": text}, by=None)

    @rule(place=PLACES)
    def the_agent_votes(self, place):
        with suppress(WrongState):
            make.vote(self.rule_at(place), -2, by=self.by("agent"))

    @rule(place=PLACES)
    def a_ballot_opens(self, place):
        with suppress(WrongState):
            make.ballot(self.rule_at(place))

    @rule()
    def the_ballots_close(self):
        for ballot in Ballot.objects.filter(state="open"):
            close_ballot(ballot=ballot, by=None)

    @rule(who=some.sampled_from(["colleague", "manager", "owner", "head"]))
    def somebody_leaves(self, who):
        if person := self.people.pop(who, None):
            Person.objects.get(pk=person.pk).delete()

    @rule(place=PLACES)
    def the_front_door_replaces_it(self, place):
        found = self.rule_at(place)
        if found.status == Rule.Status.IN_FORCE:
            ended(found)

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

    def teardown(self):
        if not hasattr(self, "stack"):
            return
        try:
            self.every_clock_ends()
        finally:
            database.set_rollback(True)
            self.stack.close()

    def every_clock_ends(self):
        """Left alone, what is decided or lapses comes to its end, or says which one thing is missing."""
        self.the_ballots_close()
        said = {}
        for _night in range(5):
            self.today += timedelta(20)
            for review in Review.objects.filter(state__in=OPEN):
                said[review.pk] = self.run_clocks(review)
        missing = ("A tool forces this rule", "The words changed", "A law cannot be removed", "It protects, or a tool")
        for review in Review.objects.filter(state__in=[State.DECIDED, State.LAPSING]):
            assert said[review.pk].startswith(missing), said[review.pk]


@business_verb
def ready(review):
    at = services.hold(review, None)
    if at.review.state == State.DECIDED and not guards.it_still_applies(at):
        tell_when_ready(at, None)


@business_verb
def ended(found):
    end_rule(Rule.objects.select_for_update().get(pk=found.pk), None)


@business_verb
def sunset(found, today):
    review = services.mark_rule(rule=found, origin=Review.Origin.SUNSET, by=None)
    Review.objects.filter(pk=review.pk).update(state=State.LAPSING, lapses_on=today + timedelta(14))
    record("lapsing_begun", "review", str(review.pk), before=State.MARKED, after=State.LAPSING, by=None)


@pytest.mark.django_db
def test_whatever_anybody_tries_the_reviews_hold():
    many = settings(
        max_examples=MANY, stateful_step_count=30, deadline=None, derandomize=True, database=None,
        phases=[Phase.generate], suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    run_state_machine_as_test(House, settings=many)
