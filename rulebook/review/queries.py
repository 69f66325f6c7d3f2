"""Which reviews there are: the open ones by state, those that ask something of a person, and where one is read."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from django.db.models import Count, F, Q, QuerySet, Window
from django.db.models.functions import RowNumber
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from rulebook.access.models import Person
from rulebook.access.rights import own_rules
from rulebook.catalogue.models import Rule
from rulebook.numbers import long_day
from rulebook.review import guards, states
from rulebook.review.effects import NO_OWNERS_WAIT
from rulebook.review.lanes import LEAST_AGREEMENT, is_full
from rulebook.review.models import OPEN, Review, State, Trial
from rulebook.review.situation import WITH_RULE, Situation, asked_by, situations
from rulebook.votes.queries import verdicts

A_COLUMN = 50  # reviews that the board shows of each state
MOST_ASKED = 50  # of each kind that a person is asked
QUESTION_STATES = (State.MARKED, State.ASSESSING, State.ON_TRIAL, State.DECIDED)  # in which an owner's word counts


def address_of(review: Review) -> str:
    """Where whoever answers for the rule says yes or objects: the one link of a letter, made for a phone."""
    return reverse("review", args=[review.pk])


def review_numbered(number: int) -> Review | None:
    """One review with its rule and people; None where there is no such review."""
    return Review.objects.select_related(*WITH_RULE, "objected_by").filter(pk=number).first()


def situation_of(review: Review, person: Person | None) -> Situation:
    """How a review stands today for a person."""
    return situations([review])[0].asked_by(person)


def open_review_of(rule: Rule) -> Review | None:
    """The one open review of a rule, else None."""
    return Review.objects.select_related(*WITH_RULE).filter(rule=rule, state__in=OPEN).first()


def newest_review_of(rule: Rule) -> Review | None:
    """The review of a rule that is open, else the last one; None where it never had any."""
    return Review.objects.select_related(*WITH_RULE).filter(rule=rule).order_by("-pk").first()


def open_reviews_by_rule(rules: Iterable[int]) -> dict[int, int]:
    """{rule id: number of its open review}. One query."""
    return dict(Review.objects.filter(rule__in=list(rules), state__in=OPEN).values_list("rule", "pk"))


@dataclass(frozen=True)
class Column:
    """The open reviews of one state, the oldest first: how many there are, and how the first of them stand."""

    state: State
    count: int
    first: list[Situation]

    @property
    def more(self) -> int:
        return self.count - len(self.first)


def board(person: Person | None = None, *, a_column: int = A_COLUMN) -> list[Column]:
    """All open reviews by state. The same number of queries for ten and for a thousand."""
    counted = Review.objects.filter(state__in=OPEN).order_by().values_list("state").annotate(count=Count("pk"))
    counts: dict[str, int] = dict(counted)
    place = Window(RowNumber(), partition_by=F("state"), order_by=["marked_on", "pk"])
    shown = Review.objects.filter(state__in=OPEN).annotate(place=place).filter(place__lte=a_column)
    found = shown.select_related(*WITH_RULE).prefetch_related("trials").order_by("marked_on", "pk")
    standing = asked_by(situations(found), person)
    return [
        Column(state, counts.get(state, 0), [at for at in standing if at.review.state == state])
        for state in OPEN
    ]  # fmt: skip


def reviews_in(state: str) -> QuerySet[Review]:
    """Those of one state: the open ones oldest first, those that are over newest first."""
    order = ("marked_on", "pk") if state in OPEN else ("-decided_on", "-pk")
    found = Review.objects.filter(state=state).select_related(*WITH_RULE)
    return found.prefetch_related("trials").order_by(*order)


def over() -> QuerySet[Review]:
    """Reviews that have come to an end, the last first."""
    found = Review.objects.exclude(state__in=OPEN).select_related(*WITH_RULE)
    return found.order_by(F("decided_on").desc(nulls_last=True), "-pk")


def likeliest(at: Situation) -> states.Transition:
    """The step that a review is most likely to take next."""
    if at.review.state == State.DECIDED:
        return states.row("take_effect")
    if at.review.state == State.LAPSING:
        return states.row("lapse" if at.rule.ours else "escalate")
    if at.review.state == State.ON_TRIAL:
        return states.row("end_trial")
    return states.row("remove" if at.rule.ours else "simplify")


def what_blocks(at: Situation) -> str:
    """The sentence of the first guard that the likeliest step fails; "" where nothing stands in its way.

    Of a review on trial it asks for its trials: whoever has many of them fetches those along (`board` does).
    """
    if at.review.state == State.ON_TRIAL:
        running = [trial for trial in at.review.trials.all() if trial.end == Trial.End.RUNNING]
        return _("The trial runs until %(day)s.") % {"day": long_day(running[0].ends_on)} if running else ""
    return states.first_refusal(likeliest(at), at)


# What is asked of a person


@dataclass(frozen=True)
class Asked:
    """Reviews that wait for one person: their yes, a fence that somebody else has to write, an escalation's answer."""

    yes: list[Situation]
    fences: list[Situation]
    escalated: list[Review]

    @property
    def count(self) -> int:
        return len(self.yes) + len(self.fences) + len(self.escalated)


def answers_for(person: Person) -> Q:
    """What makes a person the one who answers for a review's rule: `situation.answerable`, for many at once."""
    heads = Q(rule__department__head=person) | Q(rule__department__deputy=person)
    return Q(rule__owner=person) | ((Q(rule__owner=None) | Q(rule__owner__is_active=False)) & heads)


def waiting_for_yes(person: Person, today: date | None = None) -> QuerySet[Review]:
    """Open reviews whose owner a person is, who has neither agreed nor objected and still can; the oldest first."""
    today = today or timezone.localdate()
    open_ones = Review.objects.filter(answers_for(person), state__in=QUESTION_STATES)
    unsaid = open_ones.filter(owner_agreed_on=None, objection="").exclude(outcome__in=NO_OWNERS_WAIT)
    in_time = unsaid.filter(~Q(state=State.DECIDED) | Q(owner_until__gte=today))
    return in_time.select_related(*WITH_RULE).order_by("marked_on", "pk")


def asked_of(person: Person) -> Asked:
    """All that waits for a person, with the first `MOST_ASKED` of each kind."""
    yes = situations(waiting_for_yes(person)[:MOST_ASKED])
    if not person.has_perm(states.DECIDE):
        return Asked(yes, _fences(person, answers_for(person)), [])
    theirs = own_rules(person)
    rules = Rule.objects.all() if theirs is None else Rule.objects.filter(theirs)
    escalated = Review.objects.filter(state=State.ESCALATED, answered_on=None, rule__in=rules)
    escalated = escalated.exclude(rule__status=Rule.Status.REMOVED)
    escalated = escalated.select_related(*WITH_RULE).order_by("answer_due", "pk")
    return Asked(yes, _fences(person, Q(rule__in=rules)), list(escalated[:MOST_ASKED]))


def _fences(person: Person, theirs: Q) -> list[Situation]:
    """Reviews of the full lane without a fence, which somebody other than the proposer writes."""
    said = verdicts().items()
    split = [rule for rule, of in said if of.agreement is not None and of.agreement < LEAST_AGREEMENT]
    full = Q(rule__authority__in=[Rule.Authority.LAW, Rule.Authority.CONTRACT]) | Q(rule__protective=True)
    full |= ~Q(objection="") | Q(full_asked=True) | Q(rule__in=split)
    found = Review.objects.filter(full, theirs, state__in=states.UNDER_WAY, fence=None).select_related(*WITH_RULE)
    standing = asked_by(situations(found.order_by("marked_on", "pk")[:MOST_ASKED]), person)
    return [at for at in standing if is_full(at) and not guards.the_fence_is_somebody_elses(at)]
