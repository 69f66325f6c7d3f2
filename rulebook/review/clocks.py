"""The clocks of reviews: what `work` does with them when its day has come. Days count, never hours.

Each thing is done once: what was done is stored with it, so that a second round finds nothing. After an outage all that
is due is done in one go. The review keeps the day on which it was due (`effective_on`, `lapses_on`) beside the day on
which it was done (`in_force_on`, `decided_on`), and the journal keeps it for good (`was_due`).
"""

from collections.abc import Callable, Iterator
from datetime import date

from django.db.models import CharField, Exists, OuterRef, Q, Value
from django.db.models.functions import Cast, Concat
from django.urls import reverse

from rulebook.access.calendar import SATURDAY, house_calendar
from rulebook.access.letters import write_letter
from rulebook.catalogue.models import Rule, RuleVersion
from rulebook.errors import LostRace, WrongState
from rulebook.journal.services import business_verb
from rulebook.notices.models import Notice
from rulebook.review import effects, guards, states, sunset
from rulebook.review.models import Review, State
from rulebook.review.services import hold, late, transition
from rulebook.review.situation import WITH_RULE, Situation, situations

Beat = Callable[[], None]
WAIT, TELL, PUT_OFF, ESCALATE = "wait", "tell", "put_off", "escalate"
LAPSE, TAKE_EFFECT, REOPEN, CLOSE = "lapse", "take_effect", "reopen", "close"
REOPENED = "letters/review_reopened.txt"
SAID = {
    WAIT: "the owner has longer, as a closed period came in between",
    TELL: "the front line was told",
    PUT_OFF: "lapses later, as a closed period came in between",
    ESCALATE: "escalated, as it may not lapse by itself any more",
    LAPSE: "lapsed",
    TAKE_EFFECT: "took effect",
    REOPEN: "open again, as the rule was changed after the decision",
    CLOSE: "closed, as the rule is removed",
}


def clocks_due(today: date) -> bool:
    """Whether `run_clocks` would do something. One query where no day has come."""
    return next(_due(today), None) is not None


def run_clocks(today: date, tick: Beat = lambda: None) -> list[str]:
    """Do what is due, a transaction each; a line for each thing done. `tick` may raise to stop in between."""
    lines = []
    for at, step in list(_due(today)):
        tick()
        try:
            _do(at.review, step)
        except (WrongState, LostRace):  # somebody was faster: the next round looks again
            continue
        lines.append(f"{at.rule.code}: {SAID[step]}.")
    return lines


def _due(today: date) -> Iterator[tuple[Situation, str]]:
    """Each review whose clock has run down, and the one thing to do with it now."""
    # As `situation.notice_of` names it, for all reviews at once.
    about = Concat(Value("review "), Cast(OuterRef("pk"), CharField()))
    untold = Exists(Notice.objects.filter(about=about, state=Notice.State.DRAFT))
    newer = Exists(RuleVersion.objects.filter(rule=OuterRef("rule"), number__gt=OuterRef("version__number")))
    guarded = Q(rule__protective=True) | Q(rule__authority__in=Rule.NOT_OURS) | Q(rule__authority=Rule.Authority.SYSTEM)
    decided = Q(state=State.DECIDED) & (Q(effective_on__lte=today) | untold | newer | guarded)
    lapsing = Q(state=State.LAPSING, lapses_on__lte=today)
    gone = Q(state__in=states.row(CLOSE).sources, rule__status=Rule.Status.REMOVED)
    rows = Review.objects.filter(decided | lapsing | gone).select_related(*WITH_RULE).order_by("marked_on", "pk")
    found = list(rows)
    for at in situations(found, today=today) if found else []:
        if step := next_step(at):
            yield at, step


def next_step(at: Situation) -> str:
    """What a clock does with a review now; "" for nothing."""
    if _may(CLOSE, at):
        return CLOSE
    if at.review.state == State.DECIDED:
        if _may(REOPEN, at):
            return REOPEN
        if waits_longer(at):
            return WAIT
        if is_to_be_told(at):
            return TELL
        # What lapses ends on a working day; any other day was chosen by a person and told to the front line.
        waits = at.review.outcome == State.LAPSED and not _is_working_day(at)
        return TAKE_EFFECT if _may(TAKE_EFFECT, at) and not waits else ""
    if at.review.state != State.LAPSING or guards.its_time_is_over(at) or not sunset.is_open_day(at.calendar, at.today):
        return ""
    if at.today < sunset.last_day(at.review, at.calendar):
        return PUT_OFF
    if guards.it_is_ours(at) or guards.it_may_lapse(at):
        return ESCALATE
    return LAPSE if _may(LAPSE, at) else ""


def waits_longer(at: Situation) -> bool:
    """Whether a closed period was written down within the owner's days, of which nobody has told yet."""
    review = at.review
    silent = review.state == State.DECIDED and review.owner_agreed_on is None
    draft = at.notice is not None and at.notice.state == Notice.State.DRAFT
    return silent and draft and effects.owner_until(at) != review.owner_until


def is_to_be_told(at: Situation) -> bool:
    """Whether the front line can be told of a decision by now: nobody's time to object runs, and the tool is changed.

    Not of what cannot take effect any more: the words were changed since.
    """
    if at.review.state != State.DECIDED or at.notice is None or at.notice.state != Notice.State.DRAFT:
        return False
    waits_for = (
        guards.it_still_applies, guards.the_words_are_those_decided_on, guards.the_owner_had_her_time,
        guards.the_tool_is_changed,
    )  # fmt: skip
    return not any(guard(at) for guard in waits_for)


def _may(verb: str, at: Situation) -> bool:
    row = states.row(verb)
    return at.review.state in row.sources and not states.first_refusal(row, at)


def _is_working_day(at: Situation) -> bool:
    return at.today.weekday() < SATURDAY and sunset.is_open_day(at.calendar, at.today)


def _do(review: Review, step: str) -> None:
    if step == WAIT:
        _wait_longer(review=review)
    elif step == TELL:
        _tell(review=review)
    elif step == PUT_OFF:
        sunset.put_off(review=review, calendar=house_calendar())
    elif step == REOPEN:
        _reopen(review=review)
    elif step == ESCALATE:
        sunset.escalate_by_clock(review=review, calendar=house_calendar())
    else:
        transition(review=review, verb=step, by=None)


@business_verb
def _tell(*, review: Review) -> None:
    at = hold(review, None)
    if is_to_be_told(at):
        until = at.review.owner_until
        effects.tell_when_ready(at, None)
        late(at.review, at.calendar.add_open_days(until, 1) if until else None, at.today)


@business_verb
def _reopen(*, review: Review) -> None:
    """Whoever decided is told, since nobody else would notice."""
    decider, when = review.decided_by, review.decided_on
    transition(review=review, verb=REOPEN, by=None)
    if decider is not None and decider.is_active:
        context = {"rule": review.rule, "link": reverse("admin:review_review_change", args=[review.pk])}
        write_letter(to=decider, about=f"review {review.pk} reopened {when}", template=REOPENED, context=context)


@business_verb
def _wait_longer(*, review: Review) -> None:
    at = hold(review, None)
    if waits_longer(at):
        effects.give_the_owner_her_days(at)
