"""What can be done with a trial, and the clock that looks at it every week.

Contacts are read before a transaction begins: a look may go through all of them, and nobody waits for it.
"""

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Any

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from rulebook.access.calendar import Calendar, house_calendar
from rulebook.access.letters import write_letter
from rulebook.access.models import Person, Team
from rulebook.access.rights import refuse_without
from rulebook.catalogue.models import Rule
from rulebook.errors import NotAllowed, WrongState
from rulebook.journal.services import Acting, business_verb, record
from rulebook.numbers import day
from rulebook.review import plans, states, suspending
from rulebook.review.looks import RESOLVED, change, read_guardrail, z_for
from rulebook.review.models import Review, State, Trial
from rulebook.review.services import Answers, hold, transition
from rulebook.review.situation import answerable
from rulebook.review.telling import how_it_stands
from rulebook.review.trial_data import compared, judged_until, summed

LETTER = "letters/trial.txt"
LAST_LOOK_DAYS = 60  # after the end, at the latest, for contacts that were not judged then
Beat = Callable[[], None]


def start_trial(
    *,
    review: Review,
    weeks: int,
    minimum_effect: float,
    by: Acting,
    teams: Sequence[Team] = (),
    repeat_limit: float = plans.REPEAT_LIMIT,
    minutes_limit: float | None = None,
    may_extend_weeks: int = 0,
    starts_on: date | None = None,
    answers: Answers | None = None,
) -> Trial:
    """Register a trial and tell the front line; the rule is suspended on its first day, by the clock.

    `minimum_effect` and `repeat_limit` are parts of 1, `minutes_limit` minutes per solved problem (`plans.plan_of`).
    No teams: everywhere. It starts on the next working day at the earliest. Raises NotAllowed without the right,
    FieldRefused for a value that makes no sense, and WrongState where a guard does not hold, nothing is measured, or
    the volume cannot show the effect: the sentence says what to do instead.
    """
    refuse_without(by, states.DECIDE)
    rule, today = Rule.objects.get(pk=review.rule_id), timezone.localdate()
    if refusal := plans.why_never(rule):
        raise WrongState(refusal)
    soonest = house_calendar().add_working_days(today, 1)
    plans.refuse_day(starts_on or soonest, soonest)
    measured = plans.measure(rule=rule, weeks=weeks, teams=teams, minimum_effect=minimum_effect, today=today)
    if not measured.volume.is_enough:
        raise WrongState(measured.volume.sentence)
    plan = plans.plan_of(
        rule=rule, measured=measured, starts_on=starts_on or soonest, may_extend_weeks=may_extend_weeks,
        repeat_limit=repeat_limit, minutes_limit=minutes_limit,
    )  # fmt: skip
    _refuse_trial_after_trial(rule, date.fromisoformat(plan["before"]["since"]))
    return _register(review=review, plan=plan, teams=teams, answers=answers, by=by)


def _refuse_trial_after_trial(rule: Rule, since: date) -> None:
    """Weeks without the rule are no weeks to compare with, and the length of a trial was registered."""
    earlier = Trial.objects.filter(review__rule=rule, begun_on__isnull=False, ended_on__gt=since)
    last = earlier.order_by("-ended_on").first()
    if last is not None and last.ended_on is not None:
        text = _("The rule was on trial until %(day)s, and a trial is held against the weeks before it. Decide now.")
        raise WrongState(text % {"day": day(last.ended_on)})


@business_verb
def _register(
    *, review: Review, plan: dict[str, Any], teams: Sequence[Team], answers: Answers | None, by: Acting
) -> Trial:
    at = hold(review, by)
    if at.review.state not in states.row(suspending.START).sources:
        raise WrongState(how_it_stands(at.review))
    trial = Trial.objects.create(
        review=at.review, starts_on=date.fromisoformat(plan["starts_on"]), ends_on=date.fromisoformat(plan["ends_on"]),
        plan=plan, plan_hash=plans.plan_hash(plan), started_by_id=by.pk,
    )  # fmt: skip
    trial.teams.set(teams)
    trial.review = transition(review=at.review, verb=suspending.START, by=by, answers=answers)
    return trial


@business_verb
def extend_trial(*, trial: Trial, by: Acting) -> Trial:
    """Let it run on, once, for the weeks that were registered. Raises WrongState where none were, or too late."""
    at = hold(trial.review, by)
    refuse_without(by, states.DECIDE)
    if refusal := states.not_for(states.row(suspending.STOP), at):
        raise NotAllowed(refusal)
    trial = _held(trial)
    if refusal := why_not_extended(trial, at.today):
        raise WrongState(refusal)
    trial.extended, trial.ends_on = True, plans.extended_end(trial.plan)
    trial.save(update_fields=["extended", "ends_on"])
    suspending.take_back_announcement(trial, by)
    record("trial_extended", "review", str(trial.review_id), after=trial.ends_on.isoformat(), by=by)
    return trial


def why_not_extended(trial: Trial, today: date) -> str:
    """Why the trial cannot run longer; "" when it can."""
    if trial.end or today >= trial.ends_on:
        return _("This trial is over.")
    if not trial.plan["may_extend_weeks"]:
        return _("No extension was registered before the start, so it ends on %(day)s.") % {"day": day(trial.ends_on)}
    if trial.extended:
        return _("It was extended once already. It ends on %(day)s.") % {"day": day(trial.ends_on)}
    if trial.breached_on:
        return _("A guardrail is breached, so it does not run longer.")
    return "" if plans.still_as_registered(trial) else _changed()


def end_trial(*, trial: Trial, by: Acting | None) -> Review:
    """End it: the rule applies again from today, and the review is decided with what was seen."""
    return transition(review=trial.review, verb=suspending.STOP, by=by)


def revert_trial(*, trial: Trial, by: Acting | None) -> Review:
    """Put the rule back at once, because the trial does harm."""
    return transition(review=trial.review, verb=suspending.REVERT, by=by)


def look(*, trial: Trial, today: date | None = None) -> Trial:
    """Look at what the contacts say so far, and store it. A breach of something protective reverts it at once.

    Raises WrongState where the plan is no longer what was registered.
    """
    today = today or timezone.localdate()
    if not plans.still_as_registered(trial):
        raise WrongState(_changed())
    return _store_look(trial=trial, seen=len(trial.looks), found=_read(trial, today), today=today)


def trials_due(today: date | None = None) -> bool:
    """Whether `look_at_trials` would do something. Looks at no contact."""
    today, calendar = today or timezone.localdate(), house_calendar()
    return any(_next_step(trial, today, calendar) for trial in _alive(today))


def look_at_trials(*, today: date | None = None, tick: Beat = lambda: None) -> list[str]:
    """Do what the clocks of all trials ask for: begin, look, revert, end. A line for each thing done.

    After an outage each thing is done once, in its order. `tick` is called before each and may raise to stop.
    """
    today, calendar, lines = today or timezone.localdate(), house_calendar(), []
    for trial in _alive(today):
        for _step in range(len(STEPS)):
            step = _next_step(trial, today, calendar)
            if step is None:
                break
            tick()
            lines.append(f"{trial.review.rule.code}: {STEPS[step](trial, today)}")
            trial = _fresh(trial)
    return lines


def _next_step(trial: Trial, today: date, calendar: Calendar) -> str | None:
    """The one thing to do with a trial now: the name of a step, or None."""
    if trial.end:
        return "last_look" if _can_be_judged(trial) else None
    if not plans.still_as_registered(trial):
        return "revert_changed"
    if trial.review.rule.status == Rule.Status.REMOVED or (trial.begun_on is None and today >= trial.ends_on):
        return "end"
    if trial.begun_on is None:
        return "begin" if today >= trial.starts_on else None
    if trial.look_until is not None and today > _manager_until(trial, calendar):
        return "look_again" if _last_look(trial) < today else "revert"
    if _look_due(trial, today) > _looked_for(trial):
        return "look"
    if today >= trial.ends_on:
        return "end"
    if calendar.add_working_days(today, 1) >= trial.ends_on and not suspending.is_announced(trial):
        return "announce"
    return None


@business_verb
def _begin(trial: Trial, today: date) -> str:
    hold(trial.review, None)
    trial = _held(trial)
    rule = trial.review.rule
    if rule.status != Rule.Status.IN_FORCE or not rule.ours or plans.why_never(rule):
        end_trial(trial=trial, by=None)
        return "nothing may be tried with the rule any more, so the trial ended"
    suspending.begin(trial, today)
    return "the trial began"


def _look(trial: Trial, today: date) -> str:
    trial = look(trial=trial, today=today)
    return "a guardrail of the trial is breached" if trial.breached_on else "looked at the trial"


@business_verb
def _revert(trial: Trial, today: date) -> str:
    revert_trial(trial=trial, by=None)
    _write(trial, "reverted", today)
    return "the trial was reverted"


@business_verb
def _revert_changed(trial: Trial, today: date) -> str:
    revert_trial(trial=trial, by=None)
    _write(trial, "changed", today)
    return "the plan of the trial was changed, so it was reverted"


@business_verb
def _end(trial: Trial, today: date) -> str:
    end_trial(trial=trial, by=None)
    _write(trial, "over", today)
    return "the trial ended"


@business_verb
def _announce(trial: Trial, today: date) -> str:
    suspending.announce_end(_held(trial), trial.ends_on, None)
    return "told that the trial ends"


STEPS: dict[str, Callable[[Trial, date], str]] = {
    "begin": _begin, "look": _look, "look_again": _look, "revert": _revert, "revert_changed": _revert_changed,
    "end": _end, "announce": _announce, "last_look": _look,
}  # fmt: skip


def _read(trial: Trial, today: date) -> dict[str, Any]:
    """What a look finds, as it is stored. Parts of 1, minutes, ISO dates; None where nothing can be compared yet."""
    plan = trial.plan
    scope, control = plans.scope_of(plan), bool(plan["teams"])
    since = trial.begun_on or trial.starts_on
    until = judged_until(scope)
    until = min(until, (trial.ended_on or trial.ends_on) - timedelta(days=1)) if until is not None else None
    days = plan["before"]
    before = summed(scope, date.fromisoformat(days["since"]), date.fromisoformat(days["until"]))
    now = summed(scope, since, until) if until is not None and until >= since else {}
    now = now or summed(scope, since, since - timedelta(days=1))
    z = z_for(plan["looks"], len(plan["guardrails"]))
    readings = [
        read_guardrail(
            one["name"], compared(one["name"], now, before, control=control), limit=one["limit"], z=z
        )
        for one in plan["guardrails"]
    ]  # fmt: skip
    metric = compared(RESOLVED, now, before, control=control)
    rise = change(metric, share=True)
    return {
        "on": today.isoformat(),
        "due": _look_due(trial, today).isoformat(),
        "until": until.isoformat() if until is not None else None,
        "final": bool(trial.end),
        "cases": metric.now.cases,
        "resolved": _rounded(metric.now.ratio),
        "rise": [_rounded(rise.rise), _rounded(rise.low), _rounded(rise.high)] if rise else None,
        "guardrails": [
            {
                "name": reading.name, "limit": reading.limit, "cases": reading.cases, "rise": _rounded(reading.rise),
                "bound": _rounded(reading.bound), "breached": reading.breached,
                "breaches_at": _rounded(reading.breaches_at),
            }
            for reading in readings
        ],
    }  # fmt: skip


@business_verb
def _store_look(*, trial: Trial, seen: int, found: dict[str, Any], today: date) -> Trial:
    """Somebody who looked meanwhile was faster: theirs stands."""
    at = hold(trial.review, None)
    trial = _held(trial)
    if len(trial.looks) != seen:
        return trial
    trial.looks = [*trial.looks, found]
    breached, was = any(one["breached"] for one in found["guardrails"]), trial.breached_on is not None
    if not trial.end and breached and not was:
        trial.breached_on = today
        trial.look_until = today if at.rule.protective else at.calendar.add_working_days(today, 1)
    elif not trial.end and was and not breached:  # the data were mended, or more of them say otherwise
        trial.breached_on = trial.look_until = None
    trial.save(update_fields=["looks", "breached_on", "look_until"])
    record("trial_looked_at", "review", str(trial.review_id), by=None)
    if trial.end or not breached or was:
        return trial
    record("trial_breached", "review", str(trial.review_id), by=None)
    if at.rule.protective:
        _revert(trial, today)
        return _held(trial)
    _write(trial, "breached", today)
    return trial


def _write(trial: Trial, what: str, today: date) -> None:
    """A letter to whoever began the trial and to whoever answers for the rule."""
    people = Q(pk=trial.started_by_id) | Q(pk__in=answerable(trial.review.rule))
    context = {
        "what": what, "rule": str(trial.review.rule), "review": trial.review_id, "look_until": trial.look_until,
        "protective": trial.review.rule.protective,
    }  # fmt: skip
    for person in Person.objects.filter(people, is_active=True).order_by("pk"):
        write_letter(to=person, about=f"trial {trial.pk} {what} {today} {person.pk}", template=LETTER, context=context)


def _alive(today: date) -> list[Trial]:
    """Running trials, and those that ran their time and whose last contacts are not judged yet."""
    running = Q(end=Trial.End.RUNNING, review__state=State.ON_TRIAL)
    waiting = Q(end=Trial.End.RAN_OUT, ended_on__gte=today - timedelta(days=LAST_LOOK_DAYS))
    return list(Trial.objects.filter(running | waiting).select_related("review__rule__department").order_by("pk"))


def _fresh(trial: Trial) -> Trial:
    return Trial.objects.select_related("review__rule__department").get(pk=trial.pk)


def _held(trial: Trial) -> Trial:
    """The trial as it is now, its row held until the commit; after its rule's and its review's."""
    Trial.objects.select_for_update(of=("self",)).get(pk=trial.pk)
    return _fresh(trial)


def _manager_until(trial: Trial, calendar: Calendar) -> date:
    """The manager's working day after a breach, by the closed periods known today; never sooner than was told."""
    told = trial.look_until or date.max
    if trial.review.rule.protective or trial.breached_on is None:
        return told
    return max(told, calendar.add_working_days(trial.breached_on, 1))


def _look_due(trial: Trial, today: date) -> date:
    """The day of the weekly look that is due, or was due last; the first day itself while none is."""
    weeks = max(0, (min(today, trial.ends_on) - trial.starts_on).days // 7)
    return trial.starts_on + weeks * plans.WEEK


def _looked_for(trial: Trial) -> date:
    return max((date.fromisoformat(one["due"]) for one in trial.looks), default=trial.starts_on)


def _last_look(trial: Trial) -> date:
    return max((date.fromisoformat(one["on"]) for one in trial.looks), default=trial.starts_on)


def _can_be_judged(trial: Trial) -> bool:
    """After the end: the contacts of its last day are judged by now, and nobody has looked at them."""
    if trial.begun_on is None or any(one["final"] for one in trial.looks) or not plans.still_as_registered(trial):
        return False
    until = judged_until(plans.scope_of(trial.plan))
    return until is not None and until >= (trial.ended_on or trial.ends_on) - timedelta(days=1)


def _changed() -> str:
    return _("The plan is no longer what was registered, so nobody can judge by it. Put the rule back.")


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
