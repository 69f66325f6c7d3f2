"""Who answers a flag, and who is written to when nobody does."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cache

from django.db.models import Exists, Q, QuerySet, Subquery
from django.utils import timezone
from django.utils.translation import gettext as _

from rulebook.access.calendar import Calendar, house_calendar
from rulebook.access.letters import write_letter
from rulebook.access.models import Department, Person, Team
from rulebook.access.rights import CHANGE, may_change_rule_of, whom_to_ask
from rulebook.errors import NotAllowed
from rulebook.flags.models import Flag
from rulebook.flags.times import DECIDE_WITHIN, REPLY_WITHIN, Days, Times, Wait, times

ANSWER = "flags.change_flag"
LETTER = "letters/flag_overdue.txt"
SINCE = 90  # days whose flags the headline figures are of


def reached_on(flagged_on: date, anonymous: bool) -> date:
    """The day from which a flag waits: an anonymous one is held until the day after it was sent."""
    return flagged_on + timedelta(days=1) if anonymous else flagged_on


def may_answer(person: Person, flag: Flag) -> bool:
    """A flag on a rule is answered by whoever may change the rule; one without a rule by any manager."""
    if not person.has_perm(ANSWER):
        return False
    rule = flag.rule
    return may_change_rule_of(person, rule.department_id if rule else None, rule.owner_id if rule else None)


def may_make_rules(person: Person | None) -> bool:
    """Whether a person may write rules down; None is the system, which may. Owners propose theirs at the front door."""
    return person is None or person.has_perm("catalogue.add_rule")


def refuse_others_flags(person: Person | None, flag: Flag) -> None:
    """The one check of a person's right to a flag, made by the services. None is the system, which may.

    Raises NotAllowed with a sentence that says whom to ask.
    """
    if person is None or may_answer(person, flag):
        return
    if flag.rule is None or not person.has_perm(CHANGE):
        raise NotAllowed(_("This flag is for a manager to answer. Nothing was stored."))
    raise NotAllowed(whom_to_ask(person, flag.rule.department))


def to_answer(person: Person) -> QuerySet[Flag]:
    """Open flags that a person may answer: `may_answer` for all of them, in one query."""
    waiting = Flag.objects.filter(outcome=Flag.Outcome.OPEN)
    if not (person.has_perm(ANSWER) and person.has_perm(CHANGE)):
        return waiting.none()
    if person.is_superuser:
        return waiting
    team = Team.objects.filter(members=person)
    belongs = Q(pk__in=team.values("department")) | _posts(person)
    as_manager = (
        Q(rule__department=None)
        | Q(rule__department=Subquery(team.values("department")))
        | ~Exists(Department.objects.filter(belongs))
    )
    return waiting.filter(_own(person) | (as_manager & ~_owner_alone(person)))


def to_see(person: Person) -> QuerySet[Flag]:
    """Flags that a person may read: an owner those on the own rules, whoever manages all of them."""
    if not person.has_perm("flags.view_flag"):
        return Flag.objects.none()
    return Flag.objects.all() if person.is_superuser else Flag.objects.filter(_own(person) | ~_owner_alone(person))


def _posts(person: Person) -> Q:
    return Q(head=person) | Q(deputy=person)


def _own(person: Person) -> Q:
    """Flags on rules that somebody owns, or answers for as head or deputy."""
    return Q(rule__owner=person) | Q(rule__department__in=Department.objects.filter(_posts(person)))


def _owner_alone(person: Person) -> Q:
    """Whether a person is an owner and no manager."""
    return Q(Exists(person.groups.filter(name="owner"))) & ~Q(Exists(person.groups.filter(name="manager")))


@dataclass(frozen=True)
class Reminder:
    """A letter that is due: nobody has replied to the flag for so many working days."""

    flag: Flag
    to: Person
    second: bool  # after the first letter brought no reply either
    waited: int

    @property
    def about(self) -> str:
        """The same for both of them never: each is written once."""
        return f"flag {self.flag.pk} waits{' still' if self.second else ''}"


def reminders(today: date, calendar: Calendar) -> Iterator[Reminder]:
    """Of each flag without a reply after 5 working days one to the rule's owner, else to the head of its department;
    after 5 more one to the deputy. Where nobody is either, the deputy is written to at once.

    A flag without a rule belongs to the department whose team it came from. An anonymous one tells of none: nobody is
    written to, and it stands in the queue.
    """
    departments = ("rule__department", "team__department", "author__team__department")
    people = ("rule__owner", *(f"{path}__{post}" for path in departments for post in ("head", "deputy")))
    soonest = today - timedelta(days=REPLY_WITHIN)
    for flag in unanswered().filter(flagged_on__lt=soonest).select_related(*people):
        waited = calendar.working_days_between(reached_on(flag.flagged_on, flag.anonymous), today)
        if waited <= REPLY_WITHIN:
            continue
        team = flag.team or (flag.author.team if flag.author else None)
        department = flag.rule.department if flag.rule else team.department if team else None
        deputy = department.deputy if department else None
        first = flag.rule.owner if flag.rule and flag.rule.owner else department.head if department else None
        if first or deputy:
            yield Reminder(flag, first or deputy, False, waited)  # type: ignore[arg-type]  # one of them is there
        if first and deputy and first != deputy and waited > 2 * REPLY_WITHIN:
            yield Reminder(flag, deputy, True, waited)


def unanswered() -> QuerySet[Flag]:
    """Open flags to which nobody has replied, the oldest first."""
    return Flag.objects.filter(outcome=Flag.Outcome.OPEN, replied_at=None).order_by("flagged_on", "pk")


def headline_times(today: date) -> tuple[Times, Times]:
    """How long flags wait for a first reply, in working days, and for a decision, in open days. Two queries.

    Median and 90th percentile are of the flags that came in the last 90 days; what waits, of all.
    """
    calendar, since = house_calendar(), today - timedelta(days=SINCE)
    rows = Flag.objects.filter(Q(flagged_on__gt=since) | Q(outcome=Flag.Outcome.OPEN) | Q(decided_at=None)).order_by()
    zone = timezone.get_current_timezone()
    replies: dict[bool, list[Wait]] = {True: [], False: []}
    decisions: dict[bool, list[Wait]] = {True: [], False: []}
    for flagged_on, anonymous, replied_at, decided_at in rows.values_list(
        "flagged_on", "anonymous", "replied_at", "decided_at"
    ):
        began, lately = reached_on(flagged_on, anonymous), flagged_on > since
        replies[lately].append(Wait(began, replied_at and replied_at.astimezone(zone).date()))
        decisions[lately].append(Wait(began, decided_at and decided_at.astimezone(zone).date()))
    return (
        _headline(replies, REPLY_WITHIN, today, cache(calendar.working_days_between)),
        _headline(decisions, DECIDE_WITHIN, today, cache(calendar.open_days_between)),
    )


def _headline(waits: dict[bool, list[Wait]], target: int, today: date, days: Days) -> Times:
    """Of those that came lately (True), with what waits still of the older ones."""
    lately = times(waits[True], target=target, today=today, days=days)
    older = times((w for w in waits[False] if w.ended is None), target=target, today=today, days=days)
    oldest = max((found.oldest for found in (lately, older) if found.oldest is not None), default=None)
    return replace(lately, waiting=lately.waiting + older.waiting, oldest=oldest, late=lately.late + older.late)


def remind(*, today: date) -> int:
    """Write the letters that are due, each once; how many were new. They hold none of the agent's words."""
    written = 0
    for reminder in reminders(today, house_calendar()):
        rule = reminder.flag.rule
        context = {
            "flag": reminder.flag.pk,
            "rule": rule.title if rule else "",
            "waited": reminder.waited,
            "needed": REPLY_WITHIN,
            "second": reminder.second,
        }
        written += bool(write_letter(to=reminder.to, about=reminder.about, template=LETTER, context=context))
    return written
