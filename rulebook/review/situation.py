"""All that lanes and guards look at: one review on one day, and who asks. They themselves ask the database nothing."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date

from django.conf import settings
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from rulebook.access.calendar import Calendar, house_calendar
from rulebook.access.models import Person
from rulebook.access.rights import CHANGE, own_rules, whom_to_ask
from rulebook.catalogue.models import Rule, RuleVersion, WordingLock
from rulebook.notices.models import Notice
from rulebook.review.models import OPEN, Fence, Review, State
from rulebook.votes.queries import Asked, Heard, Verdict, front_lines_heard, verdicts

WITH_RULE = ("rule__owner", "rule__department__head", "rule__department__deputy", "version", "marked_by", "decided_by")
OUTCOMES = frozenset(State) - {*OPEN, State.WITHDRAWN}


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
    decided_since: bool  # a later review of the rule came to an outcome
    person: Person | None = None
    not_theirs: str = ""  # why the rule is not this person's to decide about: whom to ask

    @property
    def rule(self) -> Rule:
        return self.review.rule

    @property
    def answerable(self) -> frozenset[int]:
        """Numbers of who answers for the rule."""
        return answerable(self.rule)

    def asked_by(self, person: Person | None) -> "Situation":
        """As the function of that name, for one."""
        return asked_by([self], person)[0]


def asked_by(found: Iterable[Situation], person: Person | None) -> list[Situation]:
    """The same situations for somebody who asks; None for the clocks. Four queries, however many they are."""
    seen = list(found)
    if person is None:
        return [replace(at, person=None, not_theirs="") for at in seen]
    mine = own_rules(person) if person.has_perm(CHANGE) else Q(pk=None)
    rules = Rule.objects.filter(pk__in=[at.rule.pk for at in seen])
    theirs = set(rules.filter(mine or Q()).values_list("pk", flat=True))
    return [
        replace(
            at,
            person=person,
            not_theirs=""
            if at.rule.pk in theirs or person.pk in at.answerable
            else whom_to_ask(person, at.rule.department),
        )
        for at in seen
    ]


def who_answers(rule: Rule) -> list[Person]:
    """Who answers for a rule: its owner, else the head and the deputy of its department.

    An owner who cannot sign in any more is stood in for by head and deputy; where these cannot either, she stays the
    one who is named, and her days run out. Empty where nobody is named.
    """
    department = rule.department
    owner = [rule.owner] if rule.owner else []
    heads = [person for person in (department.head, department.deputy) if person] if department else []
    if not any(person.is_active for person in owner) and any(person.is_active for person in heads):
        return list(dict.fromkeys(heads))
    return owner or list(dict.fromkeys(heads))


def answerable(rule: Rule) -> frozenset[int]:
    """Numbers of those who answer for a rule; empty for nobody."""
    return frozenset(person.pk for person in who_answers(rule))


def notice_of(review: Review) -> str:
    """How a notice names the review that it was written for."""
    return f"review {review.pk}"


def situations(reviews: Iterable[Review], *, today: date | None = None) -> list[Situation]:
    """The same dozen queries for one review and for a thousand. The reviews come with `WITH_RULE`."""
    today = today or timezone.localdate()
    found = list(reviews)
    rules = [review.rule_id for review in found]
    newer = RuleVersion.objects.filter(rule=OuterRef("rule"), number__gt=OuterRef("number"))
    newest = {version.rule_id: version for version in RuleVersion.objects.filter(~Exists(newer), rule__in=rules)}
    heard = front_lines_heard(
        [
            Asked(review.rule, newest[review.rule_id], review.words_on or review.marked_on)
            for review in sorted(found, key=lambda review: review.is_open)  # of two of one rule the open one counts
        ],
        today=today,
    )
    said = verdicts()
    locked = set(WordingLock.objects.filter(rule__in=rules).values_list("rule", flat=True))
    fences = {fence.review_id: fence for fence in Fence.objects.filter(review__in=found)}
    about = {notice_of(review) for review in found}
    notices = {notice.about: notice for notice in Notice.objects.filter(about__in=about).select_related("version")}
    others = _others(rules)
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
            other_open=any(pk != review.pk and state in OPEN for pk, state in others[review.rule_id]),
            decided_since=any(pk > review.pk and state in OUTCOMES for pk, state in others[review.rule_id]),
        )
        for review in found
    ]


def _others(rules: Iterable[int]) -> dict[int, list[tuple[int, str]]]:
    """{rule id: (number, state) of each of its reviews}."""
    found: defaultdict[int, list[tuple[int, str]]] = defaultdict(list)
    for rule, pk, state in Review.objects.filter(rule__in=rules).order_by().values_list("rule", "pk", "state"):
        found[rule].append((pk, state))
    return found
