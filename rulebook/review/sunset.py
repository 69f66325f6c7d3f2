"""A rule's review-by date: what begins on the day, and how the date is moved.

A rule of the house's own begins to lapse: fourteen open days in which somebody shows why it stays. What protects, a
law, a contract and what a tool forces does not lapse by itself; it is escalated to whoever answers for it. Days of
closed periods do not count, and on them nothing begins.
"""

from datetime import date, timedelta
from enum import StrEnum

from django.db.models import Exists, F, OuterRef, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from rulebook.access.calendar import Calendar, house_calendar
from rulebook.access.rights import CHANGE, refuse_others_rules, refuse_without
from rulebook.catalogue.models import Rule
from rulebook.catalogue.services import FieldRefused, change_rule
from rulebook.errors import WrongState
from rulebook.journal.services import Acting, business_verb, record
from rulebook.notices.services import draft_notice
from rulebook.review.guards import LAPSING_DAYS, LONGEST_KEPT
from rulebook.review.models import OPEN, LaterDate, Review, State
from rulebook.review.services import mark_rule, transition
from rulebook.review.situation import notice_of

ANSWER_DAYS = 14  # open days for the answer to an escalation that the calendar began


class Moved(StrEnum):
    """What became of a wish for another review-by date."""

    MOVED = "moved"
    SAME = "same"  # it stood there already
    ASKED = "asked"  # a second person has to give the same date


def is_open_day(calendar: Calendar, today: date) -> bool:
    """Whether clocks run today."""
    return calendar.open_days_between(today - timedelta(days=1), today) == 1


def sunsets_due(today: date) -> bool:
    """Whether `begin_sunsets` would begin one. One query, or two."""
    return _due(today).exists() and is_open_day(house_calendar(), today)


def begin_sunsets(today: date) -> list[Review]:
    """Begin what is due by the rules' review-by dates, the oldest first, each in a transaction of its own.

    After an outage each is begun once, and has its whole time from today: `Rule.review_by` says when it was due.
    """
    calendar = house_calendar()
    if not is_open_day(calendar, today):
        return []
    begun = []
    for rule in _due(today):
        try:
            begun.append(_begin(rule=rule, calendar=calendar))
        except WrongState:  # somebody marked it, or it was removed, since we looked
            continue
    return begun


def escalates(rule: Rule) -> bool:
    """Whether it is escalated on its day: silence ends nothing that protects, is not ours, or stands in a tool."""
    return rule.protective or not rule.ours or rule.authority == Rule.Authority.SYSTEM


@business_verb
def escalate_by_clock(*, review: Review, calendar: Calendar) -> Review:
    """Ask whoever answers for the rule, with a day for the answer. No person decided it."""
    due = calendar.add_open_days(timezone.localdate(), ANSWER_DAYS)
    answers = {"addressee": _addressee(review.rule), "answer_due": due}
    return transition(review=review, verb="escalate", by=None, answers=answers)  # type: ignore[arg-type]


@business_verb
def move_date(*, rule: Rule, to: date | None, by: Acting | None) -> Moved:
    """Set the day by which a rule is looked at again. A first date, or an earlier one, stands at once.

    A later one, or none at all, is asked for: it stands when a second person who may change rules gives the same date.
    That person may come from any department. `by` None is the system, which asks nobody. Raises NotAllowed without the
    right, FieldRefused for a date too far away, and while the rule lapses.
    """
    refuse_without(by, CHANGE)
    held = Rule.objects.select_for_update(of=("self",)).select_related("department", "owner").get(pk=rule.pk)
    if held.review_by == to:
        return Moved.SAME
    if by is None or not _is_later(held.review_by, to):
        change_rule(rule=held, fields={"review_by": to}, by=by)
        LaterDate.objects.filter(rule=held, confirmed_on=None).delete()
        return Moved.MOVED
    _refuse(held, to)
    asked = LaterDate.objects.select_for_update().filter(rule=held, confirmed_on=None).first()
    if asked is not None and asked.to == to and asked.asked_by_id not in (None, by.pk):
        asked.confirmed_by_id, asked.confirmed_on = by.pk, timezone.localdate()
        asked.save(update_fields=["confirmed_by", "confirmed_on"])
        change_rule(rule=held, fields={"review_by": to}, by=None)
        record("later_date_confirmed", "rule", held.code, before=str(held.review_by), after=str(to or ""), by=by)
        return Moved.MOVED
    refuse_others_rules(by, held.department, held.owner_id)
    if asked is not None and asked.to == to and asked.asked_by_id == by.pk:
        return Moved.ASKED
    wish = {"to": to, "asked_by_id": by.pk, "asked_on": timezone.localdate()}
    LaterDate.objects.update_or_create(rule=held, confirmed_on=None, defaults=wish)
    record("later_date_asked", "rule", held.code, before=str(held.review_by), after=str(to or ""), by=by)
    return Moved.ASKED


def _is_later(now: date | None, to: date | None) -> bool:
    return now is not None and (to is None or to > now)


def _refuse(rule: Rule, to: date | None) -> None:
    if Review.objects.filter(rule=rule, state=State.LAPSING).exists():
        raise FieldRefused("review_by", _("It lapses already. Keep it in its review, with a purpose and a new date."))
    if to is not None and to > timezone.localdate() + timedelta(days=LONGEST_KEPT):
        raise FieldRefused("review_by", _("Set a review-by date within 12 months."))


def _due(today: date) -> QuerySet[Rule]:
    """Rules in force whose day has come, and of which no review is open or waits for an answer.

    A date is seen to once: what the calendar began on it came to an outcome, and another one needs another date.
    """
    mine = Review.objects.filter(rule=OuterRef("pk"))
    waits = mine.filter(state__in=OPEN) | mine.filter(state=State.ESCALATED, answered_on=None)
    seen_to = mine.filter(origin=Review.Origin.SUNSET, marked_on__gte=OuterRef("review_by")).exclude(
        state=State.WITHDRAWN
    )
    found = Rule.objects.filter(~Exists(waits), ~Exists(seen_to), status=Rule.Status.IN_FORCE, review_by__lte=today)
    return found.select_related("owner", "department__head", "department__deputy").order_by("review_by", "code")


@business_verb
def _begin(*, rule: Rule, calendar: Calendar) -> Review:
    review = mark_rule(rule=rule, origin=Review.Origin.SUNSET, by=None)
    if escalates(review.rule):
        return escalate_by_clock(review=review, calendar=calendar)
    last = calendar.add_open_days(review.marked_on, LAPSING_DAYS)
    Review.objects.filter(pk=review.pk, state=State.MARKED).update(state=State.LAPSING, lapses_on=last)
    review.refresh_from_db()
    draft_notice(
        version=review.version, about=notice_of(review), kind=State.LAPSED,
        effective_on=calendar.add_working_days(last, 1), by=None,
    )  # fmt: skip
    record("lapsing_begun", "review", str(review.pk), before=State.MARKED, after=State.LAPSING, by=None)
    return review


@business_verb
def put_off(*, review: Review, calendar: Calendar) -> date:
    """Move the end along where a closed period was written down after the beginning; the new last day."""
    last = last_day(review, calendar)
    Review.objects.filter(pk=review.pk, state=State.LAPSING).update(lapses_on=last)
    return last


def last_day(review: Review, calendar: Calendar) -> date:
    """The day from which a lapsing rule is over; never sooner than was announced."""
    counted = calendar.add_open_days(review.marked_on, LAPSING_DAYS)
    return max(counted, review.lapses_on or counted)


def _addressee(rule: Rule) -> str:
    """Whom the escalation names: the owner, else head or deputy, else the department; never nobody."""
    department = rule.department
    people = (rule.owner, department.head if department else None, department.deputy if department else None)
    named = next((str(person) for person in people if person is not None), "")
    return (named or (department.name if department else "") or _("the managers"))[:200]


def waiting_dates() -> QuerySet[LaterDate]:
    """Later dates that wait for a second person, the oldest first."""
    waiting = LaterDate.objects.filter(confirmed_on=None, rule__review_by__isnull=False)
    unmoved = waiting.exclude(rule__review_by=F("to"))
    return unmoved.select_related("rule", "asked_by").order_by("asked_on", "pk")
