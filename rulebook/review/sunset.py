"""A rule's review-by date: what begins on the day, and how the date is moved.

A rule of the house's own begins to lapse: fourteen open days in which somebody shows why it stays. What protects, a
law, a contract and what a tool forces does not lapse by itself; it is escalated to whoever answers for it. Days of
closed periods do not count, and on them nothing begins.
"""

from datetime import date, timedelta
from enum import StrEnum

from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from rulebook.access.calendar import Calendar, house_calendar
from rulebook.access.models import Person
from rulebook.access.rights import CHANGE, refuse_others_rules, refuse_without
from rulebook.catalogue.models import Rule
from rulebook.catalogue.services import FieldRefused, change_rule
from rulebook.errors import NotAllowed, WrongState
from rulebook.journal.services import Acting, business_verb, record
from rulebook.notices.services import draft_notice
from rulebook.numbers import day
from rulebook.review.guards import LAPSING_DAYS, LONGEST_KEPT
from rulebook.review.models import OPEN, LaterDate, Review, State
from rulebook.review.services import late, mark_rule, transition
from rulebook.review.situation import notice_of, who_answers

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

    After an outage each is begun once, and has its whole time from today; the journal says when it was due.
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
    if by is None or not held.is_put_off(to):
        change_rule(rule=held, fields={"review_by": to}, by=by)
        LaterDate.objects.filter(rule=held, confirmed_on=None).delete()
        return Moved.MOVED
    _refuse(held, to)
    asked = LaterDate.objects.select_for_update().filter(rule=held, confirmed_on=None).first()
    if asked is not None and asked.to == to and asked.asked_by_id not in (None, by.pk):
        _confirm(asked, held, by)
        return Moved.MOVED
    refuse_others_rules(by, held.department, held.owner_id)
    if asked is not None and asked.to == to and asked.asked_by_id == by.pk:
        return Moved.ASKED
    wish = {"to": to, "asked_by_id": by.pk, "asked_on": timezone.localdate()}
    LaterDate.objects.update_or_create(rule=held, confirmed_on=None, defaults=wish)
    record("later_date_asked", "rule", held.code, before=str(held.review_by), after=str(to or ""), by=by)
    return Moved.ASKED


@business_verb
def agree_to_date(*, rule: Rule, to: date | None, by: Acting) -> date | None:
    """The second person's yes to the later date that waits, which stands from now on; that date.

    `to` is the date that the person saw. Raises NotAllowed without the right and for who asked for it, WrongState
    where that date no longer waits, FieldRefused where it cannot stand any more.
    """
    refuse_without(by, CHANGE)
    held, asked = _hold_waiting(rule)
    if asked is None or asked.to != to or not held.is_put_off(to):
        raise WrongState(_no_longer_asked(held, asked))
    if asked.asked_by_id in (None, by.pk):
        raise NotAllowed(_("You asked for this date yourself. A second person agrees to it."))
    _refuse(held, to)
    _confirm(asked, held, by)
    return to


@business_verb
def take_back_date(*, rule: Rule, by: Acting) -> None:
    """Ask no longer for a later date. Raises WrongState where none waits, NotAllowed for who did not ask for it."""
    held, asked = _hold_waiting(rule)
    if asked is None:
        raise WrongState(_no_longer_asked(held, asked))
    if asked.asked_by_id != by.pk:
        raise NotAllowed(_("Only who asked for the later date takes it back."))
    asked.delete()
    record("later_date_taken_back", "rule", held.code, before=str(asked.to or ""), after=str(held.review_by), by=by)


def _hold_waiting(rule: Rule) -> tuple[Rule, LaterDate | None]:
    held = Rule.objects.select_for_update(of=("self",)).get(pk=rule.pk)
    return held, LaterDate.objects.select_for_update().filter(rule=held, confirmed_on=None).first()


def _no_longer_asked(rule: Rule, asked: LaterDate | None) -> str:
    if asked is not None and asked.to is not None and rule.is_put_off(asked.to):
        return _("Another date is asked for by now: %(day)s. Look at it again.") % {"day": day(asked.to)}
    if rule.review_by is None:
        return _("Nobody asks for a later date any more. The rule has no review-by date.")
    return _("Nobody asks for this date any more. Review by %(day)s stays.") % {"day": day(rule.review_by)}


def _confirm(asked: LaterDate, rule: Rule, by: Acting) -> None:
    """Stored as the system's change: the second person may belong to another department than the rule."""
    asked.confirmed_by_id, asked.confirmed_on = by.pk, timezone.localdate()
    asked.save(update_fields=["confirmed_by", "confirmed_on"])
    change_rule(rule=rule, fields={"review_by": asked.to}, by=None)
    record("later_date_confirmed", "rule", rule.code, before=str(rule.review_by), after=str(asked.to or ""), by=by)


def _refuse(rule: Rule, to: date | None) -> None:
    if rule.status == Rule.Status.REMOVED:
        raise FieldRefused("review_by", _("The rule is removed, so nobody looks at it again. Leave the date."))
    if Review.objects.filter(rule=rule, state=State.LAPSING).exists():
        raise FieldRefused("review_by", _("It lapses already. Keep it in its review, with a purpose and a new date."))
    if to is not None and not timezone.localdate() < to <= timezone.localdate() + timedelta(days=LONGEST_KEPT):
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
    late(review, rule.review_by, review.marked_on)
    if escalates(review.rule):
        return escalate_by_clock(review=review, calendar=calendar)
    review = transition(review=review, verb="begin_lapsing", by=None)
    review.lapses_on = last = last_day(review, calendar)
    review.save(update_fields=["lapses_on"])
    draft_notice(
        version=review.version, about=notice_of(review), kind=State.LAPSED,
        effective_on=calendar.add_working_days(last, 1), by=None,
    )  # fmt: skip
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
    named = next((str(person) for person in who_answers(rule)), "")
    return (named or (rule.department.name if rule.department else "") or _("the managers"))[:200]


def waiting_dates() -> QuerySet[LaterDate]:
    """Later dates that wait for a second person, the oldest first.

    Not those that can stand no more: the day is past or no later than the rule's own, the rule lapses or is removed,
    or who asked is no longer known.
    """
    later = Q(to=None) | (Q(to__gt=F("rule__review_by")) & Q(to__gt=timezone.localdate()))
    lapsing = Review.objects.filter(rule=OuterRef("rule"), state=State.LAPSING)
    waiting = LaterDate.objects.filter(later, ~Exists(lapsing), confirmed_on=None, asked_by__isnull=False)
    waiting = waiting.filter(rule__review_by__isnull=False).exclude(rule__status=Rule.Status.REMOVED)
    return waiting.select_related("rule", "asked_by").order_by("asked_on", "pk")


def dates_to_agree_to(person: Person) -> QuerySet[LaterDate]:
    """Those that a person may be the second one for: any that somebody else asks for, whatever the department."""
    if not person.has_perm(CHANGE):
        return LaterDate.objects.none()
    return waiting_dates().exclude(asked_by=person)


def waiting_date_of(rule: Rule) -> LaterDate | None:
    """The later date of a rule that waits for a second person. One query, none for a rule without a date."""
    return waiting_dates().filter(rule=rule).first() if rule.review_by else None
