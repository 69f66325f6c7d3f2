"""What can be done with a review. `transition` alone writes its state; the verbs around it bring what is decided.

Each holds the row of the rule first, then that of the review: two people who decide in the same second come one after
the other, and the second is told who was first and what they decided.
"""

import hashlib
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, TypedDict, cast

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from rulebook.access.models import Person
from rulebook.access.rights import refuse_others_rules, refuse_without
from rulebook.access.scrubbing import scrub
from rulebook.catalogue.cleaning import clean_line, clean_text
from rulebook.catalogue.models import Rule
from rulebook.catalogue.services import FieldRefused, change_rule, longest
from rulebook.errors import LostRace, NotAllowed, WrongState
from rulebook.flags.models import Flag
from rulebook.journal.services import Acting, business_verb, record
from rulebook.journal.words import teach
from rulebook.review import effects, guards, states
from rulebook.review.evidence import evidence_of
from rulebook.review.models import OPEN, Fence, Review, State
from rulebook.review.situation import WITH_RULE, Situation, situations
from rulebook.review.telling import how_it_stands
from rulebook.votes.models import Ballot, BallotItem

teach("review", dict(State.choices))

LINES = ("new_title", "limit", "addressee")
TEXTS = (
    "play", "purpose", "in_one_sentence", "protects", "objection_answer", "answer", "new_text", "their_answer",
)  # fmt: skip


ANSWER_WITHIN = 90  # days in which an escalation is answered: later is no question


class Answers(TypedDict, total=False):
    """What is answered with a step or between two. A key that is not there leaves the field as it is."""

    play: str
    purpose: str
    nobody_knows: bool
    in_one_sentence: str
    protects: str
    objection_answer: str
    answer: str
    new_title: str
    new_text: str
    limit: str
    review_by: date | None
    addressee: str
    answer_due: date | None
    effective_on: date | None
    full_asked: bool


@business_verb
def mark_rule(
    *, rule: Rule, origin: str, reason: str = "", by: Acting | None, answers: Answers | None = None
) -> Review:
    """Mark a rule for removal: its review begins, with the evidence of today. Anybody who may mark may mark any rule.

    Raises WrongState where a review of it is open already, or it is not in force; NotAllowed without the right.
    """
    refuse_without(by, states.MARK)
    rule = Rule.objects.select_for_update(of=("self",)).get(pk=rule.pk)
    if why := why_not_marked(rule):
        raise WrongState(why)
    review = Review(
        rule=rule,
        version=rule.versions.latest("number"),
        origin=_proved(origin, rule),
        reason=scrub(clean_text(reason)).text,
        evidence=evidence_of(rule),
        marked_on=timezone.localdate(),
        marked_by_id=by.pk if by else None,
        purpose=rule.purpose,
    )
    _take_in(review, rule, answers or {})
    _store_new(review)
    effects.ask_the_front_line(review)
    record("marked", "review", str(review.pk), after=review.state, by=by)
    return review


def _proved(origin: str, rule: Rule) -> str:
    """The front line is the proposer only where it has spoken: else who marks it proposes it."""
    flag, ballot = Review.Origin.FLAG, Review.Origin.BALLOT
    if origin == flag and not Flag.objects.filter(rule=rule).exists():
        return Review.Origin.RULE
    closed = BallotItem.objects.filter(version__rule=rule, ballot__state=Ballot.State.CLOSED)
    return Review.Origin.RULE if origin == ballot and not closed.exists() else origin


def why_not_marked(rule: Rule) -> str:
    """Why a rule cannot be marked for removal now; "" when it can."""
    code = {"code": rule.code}
    if rule.status == Rule.Status.REMOVED:
        return _("%(code)s is removed already.") % code
    if rule.status == Rule.Status.PROPOSED:
        return _("%(code)s is only proposed. Say at the front door that it will hurt.") % code
    standing = (
        Review.objects.filter(rule=rule, state__in=OPEN).select_related("marked_by", "rule", "decided_by").first()
    )
    return how_it_stands(standing) if standing is not None else ""


@business_verb
def transition(
    *, review: Review, verb: str, by: Acting | None, answers: Answers | None = None, seen: str = "", was: str = ""
) -> Review:
    """Do one verb of the table to a review, with what is answered along with it; the review as it stands then.

    `by` is None for the clocks. `seen` is the state that the person saw and `was` the `stamp` of the answers, where a
    page says them. Raises WrongState where
    the verb does not lead on from where the review stands, or a guard does not hold; NotAllowed without the right;
    FieldRefused for an answer that is impossible.
    """
    row = states.row(verb)
    at = hold(review, by)
    if at.review.state not in row.sources or (seen and seen != at.review.state):
        raise WrongState(how_it_stands(at.review))
    _refuse_strangers(row, at, by)
    _refuse_stale(at.review, answers or {}, was)
    return _move(row, at, by, answers or {})


def _move(row: states.Transition, at: Situation, by: Acting | None, answers: Answers) -> Review:
    """The one place that writes a state."""
    before, due = State(at.review.state), effects.was_due(at) if by is None and row.verb != "close" else None
    _take_in(at.review, at.rule, answers)
    if refusal := states.first_refusal(row, at):
        raise WrongState(refusal)
    effects.prepare(row, at, by)
    to = row.to or State(at.review.outcome)
    at.review.state = to
    if not Review.objects.filter(pk=at.review.pk, state=before).update(**_stored(at.review)):
        raise LostRace(_("Somebody else moved this review at the same moment. Look at it again."))
    effects.carry_out(row, at, before, by)
    record(row.verb, "review", str(at.review.pk), before=before, after=to, by=by)
    late(at.review, due, at.today)
    return at.review


def late(review: Review, due: date | None, today: date) -> None:
    """Within a verb of the clocks: the journal keeps the day on which it was due, where that has passed."""
    if due is not None and due < today:
        record("was_due", "review", str(review.pk), after=due.isoformat(), by=None)


@business_verb
def answer_questions(*, review: Review, answers: Answers, by: Acting, was: str = "") -> Review:
    """Store answers without deciding; the first ones take a marked review to "being assessed". `was` as above."""
    at = hold(review, by)
    refuse_without(by, states.DECIDE)
    refuse_others_rules(by, at.rule.department, at.rule.owner_id)
    if at.review.state not in (State.MARKED, State.ASSESSING, State.LAPSING, State.ON_TRIAL):
        raise WrongState(how_it_stands(at.review))
    _refuse_stale(at.review, answers, was)
    _take_in(at.review, at.rule, answers)
    at.review.save()
    _begin(at, by)
    return at.review


@business_verb
def write_fence(*, review: Review, comes_from: str, counter: str, purpose: str, by: Acting) -> Fence:
    """Say why the rule may stand there, as somebody other than the proposer. Once a review; raises WrongState after.

    Who answers for the rule may, and whoever decides about rules, in any department.
    """
    at = hold(review, by)
    if by.pk not in at.answerable:
        refuse_without(by, states.DECIDE)
    if at.review.state not in states.UNDER_WAY:
        raise WrongState(how_it_stands(at.review))
    if refusal := guards.the_fence_is_somebody_elses(at):
        raise NotAllowed(refusal)
    if at.fence is not None:
        raise WrongState(_("Somebody has written the fence already. Answer it, or decide."))
    counter = _needed("counter", counter, _("Write the strongest argument for keeping the rule."))
    fence = Fence.objects.create(
        review=at.review, comes_from=scrub(clean_text(comes_from)).text, counter=counter,
        written_by_id=by.pk, written_on=at.today,
    )  # fmt: skip
    if purpose := scrub(clean_text(purpose)).text:
        at.review.purpose, at.review.nobody_knows = purpose, False
        at.review.save(update_fields=["purpose", "nobody_knows"])
    _begin(at, by)
    return fence


@business_verb
def agree(*, review: Review, by: Acting) -> Review:
    """The owner's yes: nothing waits for her any more. Raises NotAllowed for who does not answer for the rule."""
    at = hold(review, by)
    if not at.review.is_open or at.review.state == State.LAPSING:
        raise WrongState(how_it_stands(at.review))
    if refusal := guards.only_who_answers_for_it(at):
        raise NotAllowed(refusal)
    if at.review.owner_agreed_on is None:
        at.review.owner_agreed_on = at.today
        at.review.save(update_fields=["owner_agreed_on"])
        record("agreed", "review", str(review.pk), by=by)
    if at.review.state == State.DECIDED:
        effects.tell_when_ready(at, by)
    return at.review


@business_verb
def object_to(*, review: Review, objection: str, by: Acting) -> Review:
    """The owner's no, once a review, with a reason to be answered. A decision not yet in force is open again."""
    objection = _needed("objection", objection, _("Write why it should stay. Somebody has to answer it."))
    moved = transition(review=review, verb="object", by=by)
    moved.objection, moved.objected_on, moved.objected_by_id = objection, timezone.localdate(), by.pk
    moved.save(update_fields=["objection", "objected_on", "objected_by"])
    return moved


@business_verb
def tool_is_changed(*, review: Review, by: Acting) -> Review:
    """Tick that the tool no longer forces the rule: what was decided can take effect."""
    at = hold(review, by)
    refuse_without(by, states.DECIDE)
    if at.review.state != State.DECIDED or at.rule.authority != Rule.Authority.SYSTEM:
        raise WrongState(how_it_stands(at.review))
    if at.review.tool_changed_on is None:
        at.review.tool_changed_on = at.today
        at.review.save(update_fields=["tool_changed_on"])
        record("tool_changed", "review", str(review.pk), by=by)
        effects.tell_when_ready(at, by)
    return at.review


@business_verb
def answer_escalation(*, review: Review, answer: str, by: Acting) -> Review:
    """Write down what they answered whom it was escalated to. A new review may follow."""
    at = hold(review, by)
    refuse_without(by, states.DECIDE)
    if at.review.state != State.ESCALATED or at.review.answered_on:
        raise WrongState(how_it_stands(at.review))
    at.review.their_answer = _needed("their_answer", answer, _("Write what they answered."))
    at.review.answered_on = at.today
    at.review.save(update_fields=["their_answer", "answered_on"])
    _look_at_it_again(at)
    record("escalation_answered", "review", str(review.pk), by=by)
    return at.review


def _look_at_it_again(at: Situation) -> None:
    """The answer to what the calendar asked is for 12 months, as a `kept` is."""
    due = at.rule.review_by
    if at.review.origin == Review.Origin.SUNSET and due is not None and due <= at.today:
        change_rule(rule=at.rule, fields={"review_by": at.today + timedelta(days=guards.LONGEST_KEPT)}, by=None)


@business_verb
def take_in_new_words(*, review: Review, by: Acting) -> Review:
    """Go on with the words that the rule has now. Votes on the earlier ones, and the owner's yes, no longer count."""
    at = hold(review, by)
    refuse_without(by, states.DECIDE)
    if not at.review.is_open or at.review.state == State.DECIDED:
        raise WrongState(how_it_stands(at.review))
    if at.newest.pk != at.review.version_id:
        if at.review.new_text == at.review.version.text:  # nobody wrote another one
            at.review.new_text = at.newest.text if at.review.new_title else ""
        at.review.version = at.newest
        # Nobody has agreed to these words, or had days to vote on them.
        at.review.words_on, at.review.owner_agreed_on = at.today, None
        at.review.save(update_fields=["version", "new_text", "words_on", "owner_agreed_on"])
        record("words_taken_in", "review", str(review.pk), after=str(at.newest.number), by=by)
    return at.review


def hold(review: Review, by: Acting | None) -> Situation:
    """The review as it is now, with the rows of its rule and itself held until the commit."""
    Rule.objects.select_for_update(of=("self",)).get(pk=review.rule_id)
    Review.objects.select_for_update(of=("self",)).get(pk=review.pk)
    fresh = Review.objects.select_related(*WITH_RULE).get(pk=review.pk)
    return situations([fresh])[0].asked_by(cast("Person | None", by))


def _refuse_strangers(row: states.Transition, at: Situation, by: Acting | None) -> None:
    if by is None:
        return
    if row.permission == states.CLOCK:
        raise NotAllowed(_("This happens by itself when its day has come."))
    if row.permission != states.OWN:
        refuse_without(by, row.permission)
    if refusal := states.not_for(row, at):
        raise NotAllowed(refusal)


def stamp(review: Review) -> str:
    """A short name of all that is answered so far; another answer has another one."""
    said = "\n".join(str(getattr(review, name)) for name in Answers.__annotations__)
    return hashlib.sha256(said.encode()).hexdigest()[:16]


def _refuse_stale(review: Review, answers: Answers, was: str) -> None:
    """Whoever did not see the newest answers would take them away. The same ones once more are no harm."""
    if not was or was == stamp(review):
        return
    if any(getattr(review, name) != value for name, value in _cleaned(answers).items()):
        raise WrongState(_("Somebody changed the answers a moment ago. Yours stand here: compare, and press again."))


def _begin(at: Situation, by: Acting) -> None:
    """The first answer begins the assessment."""
    if at.review.state == State.MARKED:
        _move(states.row("assess"), at, by, {})


def _stored(review: Review) -> dict[str, Any]:
    """All columns: state and decision are written in one statement, or not at all."""
    return {field.attname: getattr(review, field.attname) for field in Review._meta.concrete_fields[1:]}


def _store_new(review: Review) -> None:
    try:
        with transaction.atomic():
            review.save(force_insert=True)
    except IntegrityError as error:
        raise LostRace(_("Somebody else marked this rule at the same moment. Look at its review.")) from error


def _needed(field: str, text: str, missing: str) -> str:
    text = scrub(clean_text(text)).text
    if not text:
        raise FieldRefused(field, missing)
    return text


def _take_in(review: Review, rule: Rule, answers: Mapping[str, Any]) -> None:
    """What is answered. A new title alone leaves the text as it is: only a blank that was sent takes it away."""
    given = _cleaned(answers)
    if given.get("new_title") and "new_text" not in given and not review.new_title and not review.new_text:
        given["new_text"] = rule.text
    for name, value in given.items():
        setattr(review, name, value)


def _refuse_far(values: Mapping[str, Any], name: str, most: int, sentence: str) -> None:
    """What lies so far ahead is no decision: the rule stays, and its own clock waits for it."""
    if values.get(name) and values[name] > timezone.localdate() + timedelta(days=most):
        raise FieldRefused(name, sentence)


def _cleaned(answers: Mapping[str, Any]) -> dict[str, Any]:
    values = dict(answers)
    for name in LINES:
        if name in values:
            values[name] = scrub(clean_line(values[name])).text
            most = longest(Review, name)
            if len(values[name]) > most:
                raise FieldRefused(name, _("That is more than %(most)s characters. Shorten it.") % {"most": most})
    _refuse_far(values, "effective_on", guards.LONGEST_KEPT, _("Set a day within 12 months."))
    _refuse_far(values, "answer_due", ANSWER_WITHIN, _("Expect the answer within 90 days."))
    for name in TEXTS:
        if name in values:
            values[name] = scrub(clean_text(values[name])).text
    return values
