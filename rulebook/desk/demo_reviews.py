"""Reviews of the demo: a rule in every place to which a review leads, from "marked yesterday" to one that still haunts.

All of it goes through the services and clocks that pages and `work` call. In between days pass: whatever bears a day
moves back by so many. What the journal says of it keeps the moment at which it was written down, as for flags.
"""

import hashlib
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from itertools import islice
from typing import Any, cast

from django.db.models import DateField, Model

from rulebook.access.calendar import Calendar, house_calendar
from rulebook.access.models import Person, Team
from rulebook.access.voices import Voice
from rulebook.catalogue.models import Rule, RuleVersion
from rulebook.desk.sample import decided, said
from rulebook.desk.sample.decided import SaidReview
from rulebook.errors import WrongState
from rulebook.journal.services import business_verb
from rulebook.notices.models import Notice, Receipt
from rulebook.notices.services import change_notice, mark_read
from rulebook.review.clocks import run_clocks
from rulebook.review.effects import OWNER_DAYS
from rulebook.review.models import Fence, Review, Trial
from rulebook.review.plans import plan_hash
from rulebook.review.services import Answers, agree, mark_rule, object_to, transition, why_not_marked
from rulebook.review.situation import answerable, notice_of
from rulebook.review.sunset import begin_sunsets, move_date
from rulebook.review.trials import look_at_trials, start_trial
from rulebook.review.zombies import count_zombies
from rulebook.votes.queries import OPEN_DAYS

DAY = timedelta(days=1)
MANAGER, OWNER, AGENT = "manager", "owner", "agent"
LONGEST_AGO = 366  # days that something is moved back at once, whatever is closed


def has_decided() -> bool:
    """Whether reviews are there: the demo's come at once or not at all, and it adds none to somebody's own."""
    return Review.objects.exists()


@business_verb
def decide(*, today: date) -> None:
    """Mark, decide and let take effect what `sample/decided.py` tells, in one transaction. Never done twice.

    A rule that somebody has changed so that it cannot be marked is left as it is.
    """
    people = {person.username: person for person in Person.objects.filter(username__in=(MANAGER, OWNER, AGENT))}
    calendar = house_calendar()
    for tell in STORIES:
        tell(_House(people, calendar, today))
    run_clocks(today)
    count_zombies(today=today)


class _House:
    """Who acts in a story, on which day, by which calendar."""

    def __init__(self, people: Mapping[str, Person], calendar: Calendar, today: date) -> None:
        self.manager, self.owner, self.agent = (people[name] for name in (MANAGER, OWNER, AGENT))
        self.calendar, self.today = calendar, today

    def mark(self, told: SaidReview, answers: Mapping[str, Any] | None = None) -> Review | None:
        rule = Rule.objects.filter(code=told.rule).first()
        if rule is None or why_not_marked(rule):
            return None
        given = cast(Answers, answers or {})
        return mark_rule(rule=rule, origin=told.origin, reason=told.reason, by=self.manager, answers=given)

    def mark_and_hear(self, told: SaidReview) -> Review | None:
        """Marked so long ago that the front line could vote on it for as many open days as it has."""
        review = self.mark(told)
        if review is None:
            return None
        return self.wait(review, lambda ago: self.calendar.open_days_between(ago, self.today) >= OPEN_DAYS)

    def do(self, review: Review, verb: str, told: SaidReview, **more: Any) -> Review:
        """Decide, and put the notice into words of one's own where there is one."""
        answers = cast(Answers, {**told.answers, **more})
        review = transition(review=review, verb=verb, by=self.manager, answers=answers)
        notice = _notice(review)
        if notice is not None and told.headline:
            change_notice(
                notice=notice, headline=told.headline, play=notice.play, effective_on=notice.effective_on, typo=True,
                by=self.manager,
            )  # fmt: skip
        return review

    def wait(self, review: Review, is_over: Callable[[date], bool]) -> Review:
        """Until `is_over` holds of the day that is today's now; a year at most."""
        days = next((n for n in range(LONGEST_AGO) if is_over(self.today - n * DAY)), LONGEST_AGO)
        return days_pass(review, days)

    def take_effect(self, review: Review) -> Review:
        """Until the clocks bring it into force: its day has come, and the front line had a working day to read."""
        on, calendar = review.effective_on or self.today, self.calendar

        def is_over(ago: date) -> bool:
            return on - (self.today - ago) <= self.today and calendar.working_days_between(ago, self.today) >= 1

        review = self.wait(review, is_over)
        run_clocks(self.today)
        if _fresh(review).in_force_on:  # on the very day that was told: no outage lies between the two
            _store(review, {"effective_on": self.today})
            Notice.objects.filter(about=notice_of(review)).update(effective_on=self.today)
        return _fresh(review)


def _ready(house: _House) -> None:
    if review := house.mark(decided.READY, decided.READY.answers):
        days_pass(review, 1)


def _objected(house: _House) -> None:
    review = house.mark(decided.OBJECTED)
    if review and house.owner.pk in answerable(review.rule):
        days_pass(review, 3)
        review = object_to(review=review, objection=decided.OBJECTION, by=house.owner)
        days_pass(review, 2)


def _next_week(house: _House) -> None:
    """Decided while the owner was away: her days are over, and the front line is told today."""
    if review := house.mark(decided.NEXT_WEEK):
        review = days_pass(review, 1)
        waits = (house.calendar.add_open_days(house.today, OWNER_DAYS) - house.today).days + 1
        on = house.calendar.add_working_days(house.today, 5) + waits * DAY
        review = house.do(review, "remove", decided.NEXT_WEEK, effective_on=on)
        days_pass(review, waits)
        run_clocks(house.today)


def _still_met(house: _House) -> None:
    """Gone for three weeks. Five days ago it was met for the first time, so the front line was told again."""
    if review := _removed(house, decided.STILL_MET):
        review = days_pass(review, 16)
        count_zombies(today=house.today)
        _read(review, decided.READ_AGAIN)
        days_pass(review, 5)


def _quiet(house: _House) -> None:
    if review := _removed(house, decided.QUIET):
        days_pass(review, 40)


def _removed(house: _House, told: SaidReview) -> Review | None:
    """Removed with the owner's yes, in force since today, and read."""
    review = house.mark_and_hear(told)
    if review is None:
        return None
    _say_yes(review)
    review = house.take_effect(house.do(review, "remove", told))
    _read(review, decided.READ, house.agent)
    return review


def _say_yes(review: Review) -> None:
    """By whoever answers for the rule by now."""
    if person := Person.objects.filter(pk__in=answerable(review.rule)).first():
        agree(review=review, by=person)


def _delegated(house: _House) -> None:
    if review := house.mark_and_hear(decided.DELEGATED):
        on = house.calendar.add_working_days(house.today, 2) + DAY
        review = house.do(review, "delegate", decided.DELEGATED, effective_on=on)
        _say_yes(review)
        _read(review, decided.READ_AGAIN)
        days_pass(review, 1)


def _asked(house: _House) -> None:
    """The owner has some days left in which to object."""
    if review := house.mark_and_hear(decided.ASKED):
        days_pass(house.do(review, "simplify", decided.ASKED), 3)


def _kept(house: _House) -> None:
    if review := house.mark(decided.KEPT):
        review = days_pass(review, 6)
        days_pass(house.do(review, "keep", decided.KEPT, review_by=house.today + decided.KEPT_FOR * DAY), 12)


def _escalated(house: _House) -> None:
    """The answer was due five days ago."""
    if review := house.mark(decided.ESCALATED):
        review = days_pass(review, 2)
        days_pass(house.do(review, "escalate", decided.ESCALATED, answer_due=house.today + 14 * DAY), 19)


def _lapsing(house: _House) -> None:
    """In a closed period nothing begins to lapse: then it does on the first open day, as in any house."""
    rule = Rule.objects.filter(code=decided.LAPSING).first()
    if rule is None or why_not_marked(rule):
        return
    move_date(rule=rule, to=house.today - 9 * DAY, by=None)
    for review in begin_sunsets(house.today):
        if review.rule_id == rule.pk:
            days_pass(review, 9)


def _tried(house: _House) -> None:
    """On trial for three weeks, and looked at twice: before that there is nothing to judge."""
    review = house.mark_and_hear(decided.TRIED)
    if review is None:
        return
    try:
        trial = start_trial(
            review=review, weeks=decided.TRIAL_WEEKS, minimum_effect=decided.TRIAL_EFFECT, by=house.manager,
            answers=cast(Answers, decided.TRIED.answers),
        )  # fmt: skip
    except WrongState:  # contacts that somebody brought since could not show the effect: it stays marked
        return
    days_pass(trial.review, (trial.starts_on - house.today).days)
    for days in (14, 7):
        look_at_trials(today=house.today)
        days_pass(trial.review, days)
    look_at_trials(today=house.today)


STORIES: tuple[Callable[[_House], None], ...] = (
    _quiet, _still_met, _tried, _escalated, _kept, _lapsing, _asked, _delegated, _next_week, _objected, _ready,
)  # fmt: skip


def _read(review: Review, teams: Mapping[str, int], agent: Person | None = None) -> None:
    """So many devices of each team have read the notice, and an agent who signs in."""
    notice = _notice(review)
    if notice is None or not notice.is_published:
        return
    known = {team.name: team for team in Team.objects.filter(name__in=teams)}
    seen = dict.fromkeys(teams, 0)
    for name, team in islice(said.devices(), len(teams) * max(teams.values())):
        if team in known and seen[team] < teams[team]:
            seen[team] += 1
            voice = Voice(None, known[team], hashlib.sha256(name.encode()).hexdigest())
            mark_read(notice=notice, voice=voice, seen=notice.text_hash)
    if agent is not None:
        mark_read(notice=notice, voice=Voice(agent, agent.team, ""), seen=notice.text_hash)


def _notice(review: Review) -> Notice | None:
    return Notice.objects.filter(about=notice_of(review)).first()


def days_pass(review: Review, days: int) -> Review:
    """Move back what bears a day: the review with its fence and trials, what was told of it and read, its rule's end.

    Review-by dates stay: they are the rule's. Gives the review as it is then.
    """
    told = Notice.objects.filter(version__rule=review.rule_id)
    for rows in (
        Review.objects.filter(pk=review.pk), Fence.objects.filter(review=review), Trial.objects.filter(review=review),
        told, Receipt.objects.filter(notice__in=told),
    ):  # fmt: skip
        for row in rows:
            _move(row, days)
    for ended in RuleVersion.objects.filter(rule=review.rule_id, applies_to__isnull=False):
        _store(ended, {"applies_to": _earlier(ended.applies_to, days)})
    return _fresh(review)


def _move(row: Model, days: int) -> None:
    dated = [field.attname for field in row._meta.concrete_fields if type(field) is DateField]
    moved = {name: _earlier(getattr(row, name), days) for name in dated if name != "review_by"}
    if isinstance(row, Trial):
        plan = _earlier(row.plan, days)
        moved |= {"plan": plan, "plan_hash": plan_hash(plan), "looks": _earlier(row.looks, days)}
    _store(row, moved)


def _earlier(value: Any, days: int) -> Any:
    """The same so many days before; in JSON every text that is a day."""
    if isinstance(value, dict):
        return {key: _earlier(one, days) for key, one in value.items()}
    if isinstance(value, list):
        return [_earlier(one, days) for one in value]
    if isinstance(value, date):
        return value - days * DAY
    if isinstance(value, str) and len(value) == 10:
        try:
            return (date.fromisoformat(value) - days * DAY).isoformat()
        except ValueError:
            return value
    return value


def _store(row: Model, columns: Mapping[str, Any]) -> None:
    type(row)._default_manager.filter(pk=row.pk).update(**columns)


def _fresh(review: Review) -> Review:
    return Review.objects.get(pk=review.pk)
