"""The letters of reviews, each with one link: the owner is asked, the proposer told, whoever forgets is reminded.

What has to be written follows from how things stand today; `Letter.about` keeps the same one from being written twice,
and names the day on which it was due. After an outage only the newest of several reminders is written.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from django.db.models import Q, QuerySet
from django.urls import reverse

from rulebook.access.calendar import Calendar, house_calendar
from rulebook.access.letters import write_letter
from rulebook.access.models import Letter, Person
from rulebook.catalogue.models import Rule
from rulebook.review.effects import NO_OWNERS_WAIT
from rulebook.review.models import OPEN, Review, State
from rulebook.review.queries import QUESTION_STATES, address_of
from rulebook.review.situation import WITH_RULE, who_answers
from rulebook.review.states import UNDER_WAY
from rulebook.review.sunset import escalates, is_open_day

ASKED, OVER, ESCALATED, SUNSET, IDLE = (
    f"letters/review_{name}.txt" for name in ("asked", "over", "escalated", "sunset", "idle")
)
SILENT_DAYS = 3  # open days after which the deputy is asked too; the owner has seven in all
AHEAD = (30, 7, 0)  # days before a review-by date
IDLE_DAYS = 30  # open days between two reminders of a review that nobody decides
REMIND_EVERY = 7  # open days between two reminders of an escalation
LATELY = 60  # days for which an outcome is news
STILL_NEW = 14  # days after a review-by date for which it is news that it waits for the end of a review


@dataclass(frozen=True)
class Wanted:
    """A letter that how things stand asks for."""

    to: Person
    about: str
    template: str
    link: str
    context: dict[str, Any] = field(default_factory=dict)


def letters_wanted(today: date) -> list[Wanted]:
    """Those that nobody has written yet; none on a day of a closed period. Two queries in a house without reviews."""
    reviews, rules = list(_telling(today)), list(_near(today))
    if not reviews and not rules:
        return []
    calendar = house_calendar()
    if not is_open_day(calendar, today):
        return []
    found: list[Wanted] = []
    for review in reviews:
        found += [*_asked(review, today, calendar), *_over(review, today), *_escalated(review, today, calendar)]
        found += [*_lapsing(review), *_idle(review, today, calendar)]
    found += _sunset(rules, today)
    written = set(Letter.objects.filter(about__in=[one.about for one in found]).values_list("about", flat=True))
    return [one for one in found if one.about not in written]


def write_letters(today: date) -> int:
    """Write them, each in a transaction of its own; how many."""
    return sum(
        write_letter(to=one.to, about=one.about, template=one.template, context={**one.context, "link": one.link})
        is not None
        for one in letters_wanted(today)
    )


def answering(rule: Rule) -> list[Person]:
    """Who is written to about a rule, in this order: its owner, else head and deputy. Nobody who cannot sign in."""
    return [person for person in who_answers(rule) if person.is_active]


def _telling(today: date) -> QuerySet[Review]:
    """Reviews that may have something to tell somebody: the open ones, escalations without an answer, news."""
    escalated = Q(state=State.ESCALATED, answered_on=None)
    lately = Q(decided_on__gte=today - timedelta(days=LATELY))
    return Review.objects.filter(Q(state__in=OPEN) | escalated | lately).select_related(*WITH_RULE).order_by("pk")


def _asked(review: Review, today: date, calendar: Calendar) -> Iterator[Wanted]:
    """The owner's yes is wanted: at the marking, and once more at the decision, with the last day to object.

    Where she stays silent the deputy is asked too; where nobody answers for the rule, nobody is.
    """
    said = review.owner_agreed_on is not None or review.objection or review.outcome in NO_OWNERS_WAIT
    if review.state not in QUESTION_STATES or said:
        return
    since, word, by = review.marked_on, "asked", review.marked_by_id
    if review.state == State.DECIDED:
        if review.decided_on is None or review.owner_until is None or review.owner_until < today:
            return
        since, word, by = review.decided_on, "decided", review.decided_by_id
    silent = calendar.open_days_between(since, today) >= SILENT_DAYS
    for place, person in enumerate(answering(review.rule)[: 1 + silent]):
        if person.pk == by:
            continue
        about = f"review {review.pk} {word} {since} {person.pk}"
        context = {"review": review, "rule": review.rule, "decided": word == "decided", "deputy": bool(place)}
        yield Wanted(person, about, ASKED, address_of(review), context)


def _over(review: Review, today: date) -> Iterator[Wanted]:
    """Who proposed it is told what was decided, unless they decided it themselves."""
    proposer = review.marked_by if review.proposer_id else None
    if review.decided_on is None or review.decided_on < today - timedelta(days=LATELY):
        return
    if proposer is None or not proposer.is_active or review.outcome in ("", State.WITHDRAWN):
        return
    if proposer.pk != review.decided_by_id:
        about = f"review {review.pk} {review.outcome} {review.decided_on}"
        yield Wanted(proposer, about, OVER, _page(review), {"review": review, "rule": review.rule})


def _escalated(review: Review, today: date, calendar: Calendar) -> Iterator[Wanted]:
    """Until somebody writes the answer down, or the rule is gone: on its day and every week after, to who decided, else
    to the deputy.

    What the calendar escalated is told at once to whoever answers for the rule.
    """
    due = review.answer_due
    over = review.answered_on or review.rule.status == Rule.Status.REMOVED
    if review.state != State.ESCALATED or over or due is None:
        return
    context = {"review": review, "rule": review.rule}
    if today < due:
        for person in _told(review.rule) if review.origin == Review.Origin.SUNSET and not review.decided_by_id else []:
            about = f"review {review.pk} escalated {review.marked_on} {person.pk}"
            yield Wanted(person, about, ESCALATED, _page(review), {**context, "begun": True})
        return
    late = calendar.open_days_between(due, today)
    on = calendar.add_open_days(due, late - late % REMIND_EVERY)
    for person in _reminded(review):
        yield Wanted(person, f"review {review.pk} unanswered {on} {person.pk}", ESCALATED, _page(review), context)


def _lapsing(review: Review) -> Iterator[Wanted]:
    """Owner, deputy and the department's managers are told that a rule lapses."""
    if review.state != State.LAPSING:
        return
    for person in _told(review.rule):
        about = f"review {review.pk} lapsing {review.marked_on} {person.pk}"
        yield Wanted(person, about, SUNSET, _page(review), {"rule": review.rule, "review": review, "lapsing": True})


def _idle(review: Review, today: date, calendar: Calendar) -> Iterator[Wanted]:
    """Who marked it, and who answers for the rule, are reminded every thirty open days of what nobody decides."""
    waited = calendar.open_days_between(review.marked_on, today)
    if review.state not in UNDER_WAY or waited < IDLE_DAYS:
        return
    on = calendar.add_open_days(review.marked_on, waited - waited % IDLE_DAYS)
    marked = [review.marked_by] if review.marked_by is not None and review.marked_by.is_active else []
    for person in dict.fromkeys([*marked, *answering(review.rule)[:1]]):
        about = f"review {review.pk} idle {on} {person.pk}"
        yield Wanted(person, about, IDLE, _page(review), {"review": review, "rule": review.rule})


def _near(today: date) -> QuerySet[Rule]:
    """Rules whose review-by date is at most thirty days away, or was here lately."""
    last, first = today + timedelta(days=AHEAD[0]), today - timedelta(days=STILL_NEW)
    near = Rule.objects.filter(status=Rule.Status.IN_FORCE, review_by__lte=last, review_by__gt=first)
    return near.select_related("owner", "department__head", "department__deputy").order_by("review_by", "code")


def _sunset(rules: list[Rule], today: date) -> Iterator[Wanted]:
    """Of the letters 30, 7 and 0 days ahead the one whose day came last. On the day itself only where a review of the
    rule is open, for whose end the clock waits: else the review that begins tells of itself.
    """
    if not rules:
        return
    others = Review.objects.filter(rule__in=rules, state__in=OPEN).exclude(origin=Review.Origin.SUNSET)
    reviewed = set(others.values_list("rule", flat=True))
    for rule in rules:
        left = (rule.review_by - today).days if rule.review_by else 0
        stage = min(days for days in AHEAD if days >= left) if left > 0 else 0
        if stage == 0 and rule.pk not in reviewed:
            continue
        for person in answering(rule)[:1]:
            about = f"rule {rule.pk} review by {rule.review_by} in {stage}"
            context = {"rule": rule, "stage": stage, "waits": rule.pk in reviewed, "escalates": escalates(rule)}
            yield Wanted(person, about, SUNSET, reverse("admin:catalogue_rule_page", args=[rule.pk]), context)


def _told(rule: Rule) -> list[Person]:
    """Whoever answers for the rule, its department's deputy, and the managers who belong to that department."""
    people = answering(rule)
    department = rule.department
    if department is not None:
        deputy = department.deputy
        people += [deputy] if deputy is not None and deputy.is_active else []
        managers = Person.objects.filter(is_active=True, groups__name="manager", team__department=department)
        people += list(managers.order_by("pk"))
    return list(dict.fromkeys(people))


def _reminded(review: Review) -> list[Person]:
    if review.decided_by is not None and review.decided_by.is_active:
        return [review.decided_by]
    department = review.rule.department
    if department is not None and department.deputy is not None and department.deputy.is_active:
        return [department.deputy]
    return _told(review.rule)


def _page(review: Review) -> str:
    return reverse("admin:review_review_change", args=[review.pk])
