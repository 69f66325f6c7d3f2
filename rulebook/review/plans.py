"""What is registered before a trial begins: what is measured, what would end it, and a hash to show it still stands."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.utils.translation import gettext as _

from rulebook.access.models import Team
from rulebook.access.queries import SMALLEST_SHOWN, team_sizes
from rulebook.cases.policies import Policy
from rulebook.catalogue.models import Rule
from rulebook.catalogue.services import FieldRefused
from rulebook.errors import WrongState
from rulebook.numbers import day, long_day, whole
from rulebook.review.looks import LEAST_CASES, LEVEL, MINUTES, REPEATS
from rulebook.review.models import Trial
from rulebook.review.power import Volume
from rulebook.review.trial_data import CONTROL, IN_TRIAL, Groups, Scope, judged_until, scopes_of, summed

WEEK = timedelta(days=7)
SHORTEST, LONGEST, LONGEST_EXTENSION = 2, 26, 13  # weeks
PROPOSED = range(4, 13)  # weeks of a trial that we propose ourselves
PROPOSED_EFFECT = 0.05  # parts of 1, where nobody has said what would matter
LATEST_START = timedelta(days=90)  # the volume of today says nothing about later weeks
LEAST_EFFECT, MOST_EFFECT = 0.01, 0.50  # parts of 1
NEWEST_CONTACTS = timedelta(days=35)  # beyond the window: data older than that is not kept up
REPEAT_LIMIT = 0.05  # parts of 1 that repeats may rise by, where nobody says otherwise
MINUTES_LIMIT = 0.10  # of the minutes before
MOST_MINUTES = 24 * 60


@dataclass(frozen=True)
class Measured:
    """What the weeks before say: the scope with most contacts, both groups in it, and whether they are enough."""

    scope: Scope
    groups: Groups
    volume: Volume


def measure(*, rule: Rule, weeks: int, teams: Sequence[Team], minimum_effect: float, today: date) -> Measured:
    """What a trial of so many weeks could see, by the same number of weeks up to the last contacts that are judged.

    Raises FieldRefused for a number that makes no sense or a team too small to be shown, WrongState where nothing is
    measured. Whether the volume is enough is left to the caller.
    """
    if not SHORTEST <= weeks <= LONGEST:
        words = {"least": SHORTEST, "most": LONGEST}
        raise FieldRefused("weeks", _("A trial lasts %(least)s to %(most)s weeks.") % words)
    if not LEAST_EFFECT <= minimum_effect <= MOST_EFFECT:
        raise FieldRefused("minimum_effect", _("Name the smallest rise that matters: 1 to 50 percentage points."))
    _refuse_small(teams)
    found: list[tuple[Scope, Groups]] = []
    newest: date | None = None
    for scope in scopes_of(rule, [team.pk for team in teams]):
        until = judged_until(scope)
        if until is None or scope.policy.window_days >= weeks * 7:
            continue
        newest = max(newest or until, until)
        if until >= today - timedelta(days=scope.policy.window_days) - NEWEST_CONTACTS:
            found.append((scope, summed(scope, until - weeks * WEEK + timedelta(days=1), until)))
    if not found and newest is not None:
        text = _("The newest contacts that can be judged are of %(day)s. Import newer ones before you try without it.")
        raise WrongState(text % {"day": day(newest)})
    if not any(groups[IN_TRIAL].misses.cases for _scope, groups in found):
        raise WrongState(_not_measured(teams, any(groups[CONTROL].misses.cases for _scope, groups in found)))
    scope, groups = max(found, key=lambda pair: pair[1][IN_TRIAL].misses.cases)
    here, others = groups[IN_TRIAL], groups[CONTROL].misses.cases
    if teams and not others:
        raise WrongState(_("Nobody else takes these contacts, so there is nothing to compare with. Try everywhere."))
    volume = Volume(
        contacts=here.misses.cases,
        weeks=weeks,
        before=round(here.resolved_share or 0.0, 4),
        effect=round(minimum_effect, 4),
        control=round(others / here.misses.cases, 4) or None if teams else None,
    )
    return Measured(scope, groups, volume)


def shortest(*, rule: Rule, minimum_effect: float, today: date) -> Measured:
    """The shortest trial everywhere, of 4 to 12 weeks, that can see the effect; one of 12 weeks where none can.

    It begins near where the volume of 12 weeks says, for each length is one more walk through the contacts. Raises as
    `measure` does.
    """
    most = PROPOSED[-1]
    longest = measure(rule=rule, weeks=most, teams=(), minimum_effect=minimum_effect, today=today)
    if not longest.volume.is_enough:
        return longest
    about = most * (longest.volume.needed or 0) // longest.volume.contacts
    for weeks in range(max(PROPOSED[0], about), most):
        try:
            measured = measure(rule=rule, weeks=weeks, teams=(), minimum_effect=minimum_effect, today=today)
        except WrongState:  # no contact of the last weeks, or their window is longer
            continue
        if measured.volume.is_enough:
            return measured
    return longest


def why_never(rule: Rule) -> str:
    """Why nobody can try without this rule, whatever its contacts say; "" where one can."""
    if rule.authority == Rule.Authority.SYSTEM:
        return _("A tool forces this rule, so nobody can try without it. Have the tool changed.")
    return ""


def refuse_day(starts_on: date, soonest: date) -> None:
    """Raises FieldRefused for a first day that the front line has no time to read of, or that is too far off."""
    if starts_on < soonest:
        text = _("The front line has a working day to read of it. Start on %(day)s or later.")
        raise FieldRefused("starts_on", text % {"day": long_day(soonest)})
    if starts_on > soonest + LATEST_START:
        text = _("Contacts may be others by then. Start on %(day)s at the latest.")
        raise FieldRefused("starts_on", text % {"day": long_day(soonest + LATEST_START)})


def _not_measured(teams: Sequence[Team], others: bool) -> str:
    if teams and others:
        return _("No contact of these teams was judged in those weeks. Choose other teams, or try everywhere.")
    if teams:
        return _("No contact says which team took it. Try everywhere, or bring cases with their team.")
    return _("Nothing is measured about this rule's topics, so a trial shows nothing. Decide without one.")


def _refuse_small(teams: Sequence[Team]) -> None:
    """Both groups are shown as one figure each, so each has to be five people or more."""
    if not teams:
        return
    sizes, named = team_sizes(), {team.pk for team in teams}
    if sum(sizes.get(pk, 0) for pk in named) < SMALLEST_SHOWN:
        text = _(
            "%(team)s: fewer than five people, as far as anybody wrote down. Figures would be those of a few. Choose "
            "larger teams, or try everywhere."
        )
        raise FieldRefused("teams", text % {"team": ", ".join(sorted(team.name for team in teams))})
    rest = set(sizes) - named
    if rest and sum(sizes[pk] for pk in rest) < SMALLEST_SHOWN:
        text = _(
            "The other teams have fewer than five people, as far as anybody wrote down. Figures would be those of a "
            "few. Leave a larger team out, or try everywhere."
        )
        raise FieldRefused("teams", text)


def plan_of(
    *,
    rule: Rule,
    measured: Measured,
    starts_on: date,
    may_extend_weeks: int,
    repeat_limit: float,
    minutes_limit: float | None,
) -> dict[str, Any]:
    """The plan as it is registered. Rates in parts of 1, minutes per solved problem, days as ISO dates.

    Minutes are a guardrail where 50 contacts of the weeks before carry their handle time, and so 50 problems of the
    control; a limit of None is a tenth of what a solved problem took then. Raises FieldRefused for a limit that makes
    no sense, for an extension that is too long, and for a limit of minutes that nobody measures.
    """
    if not 0 <= may_extend_weeks <= LONGEST_EXTENSION:
        words = {"most": LONGEST_EXTENSION}
        raise FieldRefused("may_extend_weeks", _("It can be extended by 0 to %(most)s weeks.") % words)
    if not 0 <= repeat_limit <= 1:
        raise FieldRefused("repeat_limit", _("Say how many percentage points repeat contacts may rise, 0 to 100."))
    if minutes_limit is not None and not 0 <= minutes_limit <= MOST_MINUTES:
        text = _("Say how many minutes a solved problem may take longer, 0 to %(most)s.")
        raise FieldRefused("minutes_limit", text % {"most": whole(MOST_MINUTES)})
    weeks, scope = measured.volume.weeks, measured.scope
    guardrails = [{"name": REPEATS, "limit": round(float(repeat_limit), 4)}]
    minutes, others = measured.groups[IN_TRIAL].minutes, measured.groups[CONTROL].minutes
    timed = [minutes.cases, *([others.keys] if measured.scope.teams else [])]
    if min(timed) >= LEAST_CASES and minutes.ratio is not None:
        limit = minutes.ratio * MINUTES_LIMIT if minutes_limit is None else minutes_limit
        guardrails.append({"name": MINUTES, "limit": round(float(limit), 4)})
    elif minutes_limit is not None:
        raise FieldRefused("minutes_limit", _("Too few of these contacts carry how long they took. Leave it blank."))
    return {
        "rule": rule.code,
        "metric": "first_contact_resolution",
        "method": scope.policy.method,
        "window_days": scope.policy.window_days,
        "key": list(scope.policy.key),
        "sources": list(scope.sources),
        "topics": list(scope.topics),
        "channels": list(scope.channels),
        "teams": list(scope.teams),
        "control": measured.volume.control,
        "weeks": weeks,
        "before": {
            "since": (starts_on - weeks * WEEK).isoformat(),
            "until": (starts_on - timedelta(days=1)).isoformat(),
        },
        "starts_on": starts_on.isoformat(),
        "ends_on": (starts_on + weeks * WEEK).isoformat(),
        "may_extend_weeks": may_extend_weeks,
        "looks": weeks + may_extend_weeks,
        "resolved_before": measured.volume.before,
        "minimum_effect": measured.volume.effect,
        "contacts_expected": measured.volume.contacts,
        "contacts_needed": measured.volume.needed,
        "guardrails": guardrails,
        "least_cases": LEAST_CASES,
        "level": LEVEL,
    }


def plan_hash(plan: Mapping[str, Any]) -> str:
    """SHA-256 of the plan's canonical form: JSON with its keys in order and no blanks.

    >>> plan_hash({"b": 1, "a": 0.05}) == plan_hash({"a": 0.05, "b": 1}) != plan_hash({"a": 0.06, "b": 1})
    True
    """
    return hashlib.sha256(json.dumps(plan, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def extended_end(plan: Mapping[str, Any]) -> date:
    return date.fromisoformat(plan["ends_on"]) + int(plan["may_extend_weeks"]) * WEEK


def still_as_registered(trial: Trial) -> bool:
    """Whether plan and days are those that were registered; an extension that was registered is one of them."""
    plan = trial.plan
    if plan_hash(plan) != trial.plan_hash:
        return False
    ends_on = extended_end(plan) if trial.extended else date.fromisoformat(plan["ends_on"])
    return trial.starts_on.isoformat() == plan["starts_on"] and trial.ends_on == ends_on


def scope_of(plan: Mapping[str, Any]) -> Scope:
    return Scope(
        sources=tuple(plan["sources"]),
        policy=Policy(plan["method"], plan["window_days"], tuple(plan["key"])),
        topics=tuple(plan["topics"]),
        channels=tuple(plan["channels"]),
        teams=tuple(plan["teams"]),
    )
