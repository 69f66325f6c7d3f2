"""A trial as its page tells it: the plan in words, what each look found, what a breach would take, and what is left."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from rulebook.catalogue.models import Rule
from rulebook.errors import WrongState
from rulebook.numbers import day, decimal, long_day, percent, points, signed, whole
from rulebook.review import plans
from rulebook.review.looks import LEAST_CASES, MINUTES
from rulebook.review.models import Review, Trial
from rulebook.review.telling import how_it_stands
from rulebook.review.trials import why_not_extended


@dataclass(frozen=True)
class GuardrailShown:
    """One guardrail at one look: a sentence that says how it stands, and the figures behind it with their unit."""

    sentence: str
    found: str  # this and the next are blank while nothing can be compared
    for_sure: str  # the rise is at least that
    limit: str
    cases: str  # contacts of the trial that were judged
    breached: bool


@dataclass(frozen=True)
class LookShown:
    on: date
    until: date | None  # contacts up to this day were judged
    cases: int
    resolved: float | None
    is_last: bool
    sentence: str
    guardrails: list[GuardrailShown]


@dataclass(frozen=True)
class TrialShown:
    """`takes` and `result` are of the newest look. `why_not_extended` is the hint at the closed button, else blank.

    `could_run_until` is where an extension would take it.
    """

    trial: Trial
    stands: str
    plan: list[str]
    looks: list[LookShown]  # the newest first
    takes: list[str]
    result: str
    days_left: int
    why_not_extended: str
    could_run_until: date
    as_registered: bool


@dataclass(frozen=True)
class Proposal:
    """What a trial could show, before anybody asks for one. Where it is not `possible`, the sentence says why."""

    possible: bool
    sentence: str
    weeks: int


def trials_of(review: Review, today: date | None = None) -> list[TrialShown]:
    """All trials of a review, the newest first. One query, and one more for the teams."""
    today = today or timezone.localdate()
    found = Trial.objects.filter(review=review).select_related("review__rule").prefetch_related("teams")
    return [shown(trial, today) for trial in found.order_by("-starts_on", "-pk")]


def shown(trial: Trial, today: date) -> TrialShown:
    looks = [_look(one) for one in reversed(trial.looks)]
    newest = trial.looks[-1] if trial.looks else None
    return TrialShown(
        trial=trial,
        stands=how_it_runs(trial, today),
        plan=plan_in_words(trial),
        looks=looks,
        takes=_all_take(newest["guardrails"]) if newest and not trial.end else [],
        result=_result(newest) if newest else "",
        days_left=0 if trial.end else max(0, (trial.ends_on - max(today, trial.starts_on)).days),
        why_not_extended=why_not_extended(trial, today),
        could_run_until=plans.extended_end(trial.plan),
        as_registered=plans.still_as_registered(trial),
    )


def running_one(review: Review) -> Trial:
    """The trial of a review that runs. Raises WrongState, with how the review stands, where none does."""
    trial = Trial.objects.filter(review=review, end=Trial.End.RUNNING).select_related("review__rule").first()
    if trial is None:
        raise WrongState(how_it_stands(review))
    return trial


def proposed(rule: Rule, today: date | None = None) -> Proposal:
    """The trial that we propose: the shortest everywhere that can see 5 points. It reads contacts, so on a click."""
    try:
        volume = plans.shortest(
            rule=rule, minimum_effect=plans.PROPOSED_EFFECT, today=today or timezone.localdate()
        ).volume
    except WrongState as refused:
        return Proposal(False, str(refused), plans.PROPOSED[-1])
    return Proposal(volume.is_enough, volume.sentence, volume.weeks)


def how_it_runs(trial: Trial, today: date) -> str:
    """One sentence: where the trial stands today."""
    words = {
        "on": long_day(trial.starts_on),
        "end": long_day(trial.ends_on),
        "ended": day(trial.ended_on) if trial.ended_on else "",
        "look": long_day(trial.look_until) if trial.look_until else "",
    }
    match trial.end:
        case Trial.End.REVERTED if trial.breached_on is not None:
            return _("A guardrail was breached, so the rule was put back on %(ended)s.") % words
        case Trial.End.REVERTED:
            return _("It was ended and the rule put back on %(ended)s.") % words
        case Trial.End.RAN_OUT:
            return _("It ran its time, until %(ended)s. The rule applies again until you decide.") % words
        case Trial.End.STOPPED:
            return _("It was ended early, on %(ended)s. The rule applies again.") % words
    if trial.begun_on is None:
        return _("It begins on %(on)s. The front line knows.") % words
    if trial.breached_on is not None:
        return _("A guardrail is breached. Look at it until %(look)s; after that the rule is put back.") % words
    return _("It runs until %(end)s. No guardrail is breached.") % words


def plan_in_words(trial: Trial) -> list[str]:
    """What was registered, a sentence each."""
    plan = trial.plan
    where = ", ".join(team.name for team in trial.teams.all())
    days = {"first": day(trial.starts_on), "end": day(trial.ends_on), "teams": where}
    about = {"topics": ", ".join(plan["topics"]), "channels": ", ".join(plan["channels"])}
    lines = [
        _("Suspended from %(first)s to %(end)s for %(teams)s.") % days
        if where
        else _("Suspended everywhere from %(first)s to %(end)s.") % days,
        _("Measured on all contacts about %(topics)s.") % about if plan["topics"] else _("Measured on all contacts."),
    ]
    if plan["channels"]:
        lines.append(_("Only those by %(channels)s.") % about)
    effect = {
        "before": percent(plan["resolved_before"]),
        "effect": points(plan["minimum_effect"], 1),
        "contacts": whole(plan["contacts_expected"]),
        "needed": whole(plan["contacts_needed"]),
    }
    lines.append(
        _("%(before)s were resolved at the first contact before. A rise of %(effect)s points would matter.") % effect
    )
    lines.append(_("About %(contacts)s contacts are expected, and %(needed)s are needed.") % effect)
    if where:
        lines.append(_("Compared with the same weeks of the other teams."))
    lines += [_limit_in_words(one) for one in plan["guardrails"]]
    words = {"looks": plan["looks"], "least": LEAST_CASES}
    lines.append(_("A look a week, %(looks)s at most. From %(least)s contacts on a breach puts the rule back.") % words)
    weeks = plan["may_extend_weeks"]
    if weeks:
        once = ngettext("It may run %(weeks)s week longer, once.", "It may run %(weeks)s weeks longer, once.", weeks)
        lines.append(once % {"weeks": weeks})
    return lines


def _limit_in_words(one: dict[str, Any]) -> str:
    words = {"limit": _figure(one["name"], one["limit"])}
    if one["name"] == MINUTES:
        return _("A solved problem may take %(limit)s longer, all its contacts together.") % words
    return _("Repeat contacts may rise by %(limit)s.") % words


def _look(found: dict[str, Any]) -> LookShown:
    until = date.fromisoformat(found["until"]) if found["until"] else None
    cases = {"cases": whole(found["cases"]), "until": day(until) if until else ""}
    return LookShown(
        on=date.fromisoformat(found["on"]),
        until=until,
        cases=found["cases"],
        resolved=found["resolved"],
        is_last=found["final"],
        sentence=_("%(cases)s contacts judged, those up to %(until)s.") % cases
        if found["cases"]
        else _("No contact of the trial can be judged yet."),
        guardrails=[_guardrail(one) for one in found["guardrails"]],
    )


def _guardrail(one: dict[str, Any]) -> GuardrailShown:
    name, compared = one["name"], one["rise"] is not None
    return GuardrailShown(
        sentence=_how_it_holds(one),
        found=_rise(name, one["rise"]) if compared else "",
        for_sure=_for_sure(name, one["bound"]) if compared else "",
        limit=_figure(name, one["limit"]),
        cases=whole(one["cases"]),
        breached=one["breached"],
    )


def _how_it_holds(one: dict[str, Any]) -> str:
    words = {
        "what": _("Minutes per solved problem") if one["name"] == MINUTES else _("Repeat contacts"),
        "cases": whole(one["cases"]),
        "least": LEAST_CASES,
    }
    if one["breached"]:
        return _("%(what)s: breached.") % words
    if one["rise"] is None:
        return _("%(what)s: nothing to compare yet.") % words
    if one["cases"] < LEAST_CASES:
        return _("%(what)s: too early, %(cases)s contacts of %(least)s needed.") % words
    return _("%(what)s: not breached.") % words


def _rise(name: str, value: float) -> str:
    """With its sign."""
    if name == MINUTES:
        return _("%(minutes)s minutes") % {"minutes": signed(value, 1)}
    return _("%(points)s points") % {"points": signed(value * 100, 1)}


def _for_sure(name: str, bound: float) -> str:
    return _("no rise") if bound <= 0 else _rise(name, bound)


def _all_take(guardrails: list[dict[str, Any]]) -> list[str]:
    """Each sentence once."""
    return list(dict.fromkeys(_takes(one) for one in guardrails if not one["breached"]))


def _takes(one: dict[str, Any]) -> str:
    """What it would take to breach, with as many contacts as there are."""
    if one["breaches_at"] is None:
        return _("Nothing can be breached before contacts of the trial are judged.")
    words = {"rise": _figure(one["name"], one["breaches_at"])}
    if one["name"] == MINUTES:
        return _("A breach would take %(rise)s more per solved problem.") % words
    return _("A breach would take a rise of repeat contacts by %(rise)s.") % words


def _result(found: dict[str, Any]) -> str:
    """How first-contact resolution moved, and how sure that is."""
    if found["rise"] is None:
        return ""
    rise, low, high = found["rise"]
    words = {"rise": points(rise, 1), "low": points(low, 1), "high": points(high, 1), "sure": percent(0.95, 0)}
    return _("First-contact resolution moved by %(rise)s points (%(sure)s sure: %(low)s to %(high)s).") % words


def _figure(name: str, value: float) -> str:
    if name == MINUTES:
        return _("%(minutes)s minutes") % {"minutes": decimal(value, 1)}
    return _("%(points)s points") % {"points": points(value, 1)}
