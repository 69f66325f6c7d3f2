"""All that lanes and guards look at: one review on one day, and who asks. They themselves ask the database nothing."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date

from django.conf import settings
from django.utils import timezone

from rulebook.access.calendar import Calendar, house_calendar
from rulebook.access.models import Person
from rulebook.catalogue.models import Rule, RuleVersion, WordingLock
from rulebook.notices.models import Notice
from rulebook.review.models import OPEN, Fence, Review
from rulebook.votes.queries import Asked, Heard, Verdict, front_lines_heard, verdicts

WITH_RULE = ("rule__owner", "rule__department__head", "rule__department__deputy", "version", "marked_by", "decided_by")


@dataclass(frozen=True)
class Situation:
    """One review, its rule and their surroundings, as of `today`. `person` is None for the clocks."""

    review: Review
    today: date
    calendar: Calendar
    heard: Heard
    verdict: Verdict | None
    newest: RuleVersion
    voted_on: bool  # a ballot on the rule is open
    fence: Fence | None
    notice: Notice | None
    four_eyes_always: bool
    other_open: bool  # another review of the rule is open
    person: Person | None = None

    @property
    def rule(self) -> Rule:
        return self.review.rule

    @property
    def answerable(self) -> frozenset[int]:
        """Numbers of who answers for the rule: its owner, else the head and the deputy of its department."""
        return answerable(self.rule)

    def asked_by(self, person: Person | None) -> "Situation":
        return replace(self, person=person)


def answerable(rule: Rule) -> frozenset[int]:
    """Numbers of who answers for a rule: its owner, else head and deputy of its department; empty for nobody."""
    if rule.owner_id is not None:
        return frozenset({rule.owner_id})
    department = rule.department
    if department is None:
        return frozenset()
    return frozenset(number for number in (department.head_id, department.deputy_id) if number is not None)


def notice_of(review: Review) -> str:
    """How a notice names the review that it was written for."""
    return f"review {review.pk}"


def situations(reviews: Iterable[Review], *, today: date | None = None) -> list[Situation]:
    """The same dozen queries for one review and for a thousand. The reviews come with `WITH_RULE`."""
    today = today or timezone.localdate()
    found = list(reviews)
    rules = [review.rule_id for review in found]
    versions = RuleVersion.objects.filter(rule__in=rules).order_by("rule", "number")
    newest = {version.rule_id: version for version in versions}
    heard = front_lines_heard(
        [Asked(review.rule, newest[review.rule_id], review.marked_on) for review in found], today=today
    )
    said = verdicts()
    locked = set(WordingLock.objects.filter(rule__in=rules).values_list("rule", flat=True))
    fences = {fence.review_id: fence for fence in Fence.objects.filter(review__in=found)}
    about = {notice_of(review) for review in found}
    notices = {notice.about: notice for notice in Notice.objects.filter(about__in=about)}
    open_ones = set(Review.objects.filter(rule__in=rules, state__in=OPEN).values_list("rule", "pk"))
    calendar = house_calendar()
    return [
        Situation(
            review=review,
            today=today,
            calendar=calendar,
            heard=heard[review.rule_id],
            verdict=said.get(review.rule_id),
            newest=newest[review.rule_id],
            voted_on=review.rule_id in locked,
            fence=fences.get(review.pk),
            notice=notices.get(notice_of(review)),
            four_eyes_always=settings.FOUR_EYES == "always",
            other_open=any(rule == review.rule_id and pk != review.pk for rule, pk in open_ones),
        )
        for review in found
    ]
