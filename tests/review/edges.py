"""Both sides of every guard: what just closes a step, and what just leaves it open.

Everything else of the review holds (`ready`), so that the sentence of the step is that guard's.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.utils import timezone

from rulebook.access.models import ClosedPeriod
from rulebook.catalogue.lifecycle import end_rule, restore_rule, suspend_rule
from rulebook.catalogue.models import Rule
from rulebook.catalogue.services import change_rule
from rulebook.journal.services import business_verb
from rulebook.notices.models import Notice
from rulebook.notices.services import draft_notice, publish_notice
from rulebook.review import guards as g
from rulebook.review.models import GONE, Fence, Review, State, Trial
from rulebook.review.situation import notice_of
from rulebook.review.states import TAKES_EFFECT
from rulebook.votes.ballots import close_ballot
from rulebook.votes.models import Tally
from tests import make

TODAY = date(2026, 3, 30)  # a Monday
DAY = timedelta(1)
ASSESSING, LAPSING, DECIDED = State.ASSESSING, State.LAPSING, State.DECIDED
REMOVED, SIMPLIFIED = State.REMOVED, State.SIMPLIFIED
NOON = datetime(2026, 3, 20, 12, tzinfo=UTC)
TITLE = "Refunds need two signatures"
Change = Callable[[Review, dict[str, Any]], Any]
FULL = {"full_asked": True, "in_one_sentence": "Two sign.", "protects": "The till."}
READY = {
    "play": "Refund at once.", "purpose": "Against fraud.", "answer": "Nine in ten cases were fine.",
    "review_by": TODAY + timedelta(200), "limit": "500 kr", "new_title": "Refunds up to 500 kr",
    "addressee": "The bank", "answer_due": TODAY + timedelta(30), "owner_until": TODAY,
    "lapses_on": TODAY - DAY, "marked_on": TODAY - timedelta(20),
}  # fmt: skip


@business_verb
def put(review: Review, do: Callable[[Rule, Any], Any]) -> None:
    """A verb of the rule's lifecycle."""
    do(Rule.objects.select_for_update().get(pk=review.rule_id), None)


def ready(state: str, verb: str, people: dict[str, Any]) -> Review:
    """A review in that state of which nothing can refuse the verb: the manager marked it, the owner answers for it."""
    rule = make.rule(TITLE, owner=people["owner"])
    review = make.review(rule, by=people["manager"])
    taken = {**READY, "state": state}
    if state == DECIDED:
        taken |= {"outcome": REMOVED, "decided_on": TODAY - timedelta(10), "effective_on": TODAY}
        taken |= {"owner_agreed_on": TODAY - timedelta(9)} if verb == "take_effect" else {}
    if state in TAKES_EFFECT:
        taken |= {"outcome": state, "in_force_on": TODAY - timedelta(3), "rule_before": {}}
    if state == State.DELEGATED:
        Rule.objects.filter(pk=rule.pk).update(decision_limit=READY["limit"])
    Review.objects.filter(pk=review.pk).update(**taken)
    if state == DECIDED or state in TAKES_EFFECT:
        notice = draft_notice(
            version=review.version, about=notice_of(review), kind="removed", effective_on=TODAY, by=None
        )
        publish_notice(notice=notice, by=None)
        Notice.objects.filter(pk=notice.pk).update(published_on=TODAY - timedelta(5))
    if verb == "reopen":
        change_rule(rule=rule, fields={"title": "Refunds need three signatures"}, by=None)
    if verb == "start_trial":
        starts = {"starts_on": TODAY + DAY, "ends_on": TODAY + timedelta(30)}
        Trial.objects.create(review=review, plan={"teams": []}, plan_hash="0" * 64, **starts)
    if state == State.ON_TRIAL:
        put(review, suspend_rule)
    if state in GONE or verb == "close":
        put(review, end_rule)
    return Review.objects.get(pk=review.pk)


# What is done to a review that is ready: to its row, to its rule, to others around it


def row(**fields: Any) -> Change:
    return lambda review, people: Review.objects.filter(pk=review.pk).update(**fields)


def rule(**fields: Any) -> Change:
    return lambda review, people: Rule.objects.filter(pk=review.rule_id).update(**fields)


def changed(**fields: Any) -> Change:
    return lambda review, people: change_rule(rule=review.rule, fields=fields, by=None)


def notice(**fields: Any) -> Change:
    return lambda review, people: Notice.objects.filter(about=notice_of(review)).update(**fields)


def lifecycle(do: Callable[..., Any]) -> Change:
    return lambda review, people: put(review, do)


def both(*changes: Change) -> Change:
    def change(review: Review, people: dict[str, Any]) -> None:
        for each in changes:
            each(review, people)

    return change


def nothing(review: Review, people: dict[str, Any]) -> None:
    pass


def votes_of(count: int, agents: int) -> Change:
    """So many of so many agents have voted, on the day it was marked; one agent is there already."""

    def change(review: Review, people: dict[str, Any]) -> None:
        row(marked_on=TODAY)(review, people)
        voters = [people["agent"], *[make.person(role="agent") for _ in range(agents - 1)]]
        for voter in voters[:count]:
            make.vote(review.rule, -2, by=voter)

    return change


def ballot(voters: int = 0, *, is_closed: bool = False) -> Change:
    """On the rule, with so many agents' votes."""

    def change(review: Review, people: dict[str, Any]) -> None:
        made = make.ballot(review.rule)
        for _ in range(voters):
            make.cast(made, -2, by=make.person(role="agent"))
        if is_closed:
            close_ballot(ballot=made, by=None)

    return change


def agreement(value: float) -> Change:
    """As the votes of five people were published."""

    def change(review: Review, people: dict[str, Any]) -> None:
        Tally.objects.create(
            version=review.version, voters=5, mean=0.0, agreement=value, published_on=timezone.localdate()
        )

    return change


def reviewed_since(state: str) -> Change:
    def change(review: Review, people: dict[str, Any]) -> None:
        Review.objects.create(
            rule=review.rule, version=review.version, state=state, marked_on=TODAY,
            **({"outcome": state} if state != ASSESSING else {}),
        )  # fmt: skip

    return change


@dataclass(frozen=True)
class Edge:
    """`closes` is refused by the guard, `opens` is not; `who` tries the verb on a review in `state`."""

    guard: g.Guard
    verb: str
    state: str
    closes: Change
    opens: Change
    says: str = ""  # how its sentence begins
    who: str = "manager"
    settings: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.verb}-{self.guard.__name__}"


def shut(review: Review, people: dict[str, Any]) -> None:
    """The house was closed on one day of the last fortnight."""
    ClosedPeriod.objects.create(name="Winter", first=TODAY - timedelta(3), last=TODAY - timedelta(3))


def split_votes(count: int) -> Change:
    """So many agents in a closed ballot, half of whom say that it hurts and half that it helps."""

    def change(review: Review, people: dict[str, Any]) -> None:
        made = make.ballot(review.rule)
        for number in range(count):
            make.cast(made, (-2, 2)[number % 2], by=make.person(role="agent"))
        close_ballot(ballot=made, by=None)

    return change


def fenced(review: Review, people: dict[str, Any]) -> None:
    Fence.objects.create(review=review, counter="Fraud.", written_by=people["colleague"], written_on=TODAY)


def owned_by(who: str) -> Change:
    return lambda review, people: rule(owner=people.get(who))(review, people)


def marked_by(who: str) -> Change:
    return lambda review, people: row(marked_by=people[who])(review, people)


FULLY = row(**FULL)
LAW = {"authority": "law", "clause": "§ 4"}
SYSTEM = rule(authority="system")
MARKED_BY_LIST = row(origin="list")
EDGES = (
    # What is decided
    Edge(g.it_still_applies, "remove", ASSESSING, lifecycle(end_rule), lifecycle(suspend_rule), "R"),
    Edge(g.it_still_applies, "keep", LAPSING, lifecycle(end_rule), nothing, "R"),
    Edge(g.the_front_line_was_heard, "remove", ASSESSING, row(marked_on=TODAY - 13 * DAY),
         row(marked_on=TODAY - 14 * DAY), "No agent has voted"),
    Edge(g.the_front_line_was_heard, "remove", ASSESSING, both(row(marked_on=TODAY - 14 * DAY), shut),
         both(row(marked_on=TODAY - 15 * DAY), shut), "No agent has voted"),
    Edge(g.the_front_line_was_heard, "simplify", ASSESSING, votes_of(2, 5), votes_of(3, 5)),
    Edge(g.the_front_line_was_heard, "simplify", ASSESSING, votes_of(1, 4), votes_of(2, 4)),
    Edge(g.the_front_line_was_heard, "declare_myth", ASSESSING, votes_of(4, 11), votes_of(5, 11)),
    Edge(g.the_front_line_was_heard, "delegate", ASSESSING, both(row(marked_on=TODAY), ballot(2, is_closed=True)),
         both(row(marked_on=TODAY), ballot(3, is_closed=True))),
    Edge(g.it_is_ours, "remove", ASSESSING, rule(**LAW), rule(authority="habit"), "A law cannot be removed here."),
    Edge(g.it_is_ours, "declare_myth", ASSESSING, rule(authority="contract"), SYSTEM, "A contract cannot be removed"),
    Edge(g.it_is_ours, "lapse", LAPSING, rule(**LAW), rule(authority="practice"), "A law cannot", "clock"),
    Edge(g.the_words_stood_still, "remove", ASSESSING, changed(text="By mail."), changed(purpose="Fraud."),
         "The words changed on"),
    Edge(g.nobody_votes_on_it, "remove", ASSESSING, ballot(), ballot(is_closed=True), "People are voting"),
    Edge(g.nobody_votes_on_it, "take_effect", DECIDED, ballot(), ballot(is_closed=True), "People are voting", "clock"),
    Edge(g.it_has_a_play, "remove", ASSESSING, row(play=""), nothing, "Write in one line"),
    Edge(g.it_has_a_purpose_or_nobody_knows, "remove", ASSESSING, row(purpose=""), row(purpose="", nobody_knows=True),
         "Write what the rule is for"),
    Edge(g.the_three_questions_are_answered, "remove", ASSESSING, both(FULLY, row(protects="")), FULLY, "Full lane:",
         "colleague"),
    # The lane: agreement, and whether five have voted
    Edge(g.the_three_questions_are_answered, "simplify", ASSESSING, agreement(-0.01), agreement(0.0), "Full lane:"),
    Edge(g.the_three_questions_are_answered, "simplify", ASSESSING, split_votes(5), split_votes(4), "Full lane:"),
    Edge(g.the_fence_was_looked_at, "remove", ASSESSING, both(FULLY, row(marked_on=TODAY - 13 * DAY)),
         both(FULLY, row(marked_on=TODAY - 14 * DAY)), "Somebody else writes", "colleague"),
    Edge(g.the_fence_was_looked_at, "delegate", ASSESSING, both(FULLY, votes_of(1, 1)),
         both(FULLY, votes_of(1, 1), fenced), "Somebody else writes", "colleague"),
    Edge(g.the_objection_is_answered, "remove", ASSESSING, both(FULLY, row(objection="The bank.")),
         both(FULLY, row(objection="The bank.", objection_answer="Paid.")), "Answer the objection", "colleague"),
    Edge(g.somebody_else_decides, "remove", ASSESSING, FULLY, both(FULLY, MARKED_BY_LIST), "You proposed it"),
    Edge(g.somebody_else_decides, "remove", ASSESSING, nothing, MARKED_BY_LIST, "You proposed it",
         settings={"FOUR_EYES": "always"}),
    Edge(g.it_has_new_words, "simplify", ASSESSING, row(new_title=""), row(new_title="", new_text="Pay."), "Write the"),
    Edge(g.it_has_new_words, "write_down", ASSESSING, row(new_title=TITLE), row(new_title=TITLE, new_text="Pay."),
         "These are the words"),
    Edge(g.it_names_the_limit, "delegate", ASSESSING, row(limit=""), nothing, "Name the limit"),
    # What leaves it in force
    Edge(g.kept_is_not_free, "keep", ASSESSING, row(review_by=TODAY + 367 * DAY), row(review_by=TODAY + 366 * DAY),
         "Set a review-by date within"),
    Edge(g.kept_is_not_free, "keep", LAPSING, row(review_by=TODAY), row(review_by=TODAY + DAY), "Set a review-by date"),
    Edge(g.kept_is_not_free, "keep", ASSESSING, row(answer=""), nothing, "Kept is not free"),
    Edge(g.kept_is_not_free, "keep", ASSESSING, row(purpose="", nobody_knows=True), nothing, "Kept is not free"),
    Edge(g.not_by_the_owner_alone, "keep", ASSESSING, owned_by("manager"), owned_by("nobody"), "Who answers for a"),
    Edge(g.while_it_lapses_not_by_the_owner_alone, "escalate", LAPSING, owned_by("manager"), owned_by("nobody"),
         "Who answers for a"),
    Edge(g.the_law_is_shown, "keep", ASSESSING, rule(**LAW), rule(**LAW, confirmed_at=NOON), "“Law” must be shown",
         "colleague"),
    Edge(g.it_has_an_addressee, "escalate", ASSESSING, row(answer_due=TODAY), row(answer_due=TODAY + DAY), "Give a"),
    Edge(g.it_has_an_addressee, "escalate", ASSESSING, row(addressee=""), nothing, "Name whom you ask"),
    # The way there and back
    Edge(g.only_the_proposer, "withdraw", ASSESSING, marked_by("colleague"), nothing, "Only who marked it"),
    Edge(g.only_the_proposer, "withdraw", ASSESSING, MARKED_BY_LIST, nothing, "No person proposed it"),
    Edge(g.only_who_answers_for_it, "object", ASSESSING, owned_by("nobody"), nothing, "This is asked of who", "owner"),
    Edge(g.no_objection_yet, "object", ASSESSING, row(objection="The bank."), nothing, "There was an", "owner"),
    Edge(g.still_time_to_object, "object", DECIDED, row(owner_until=TODAY - DAY), row(owner_until=TODAY),
         "The time to object is over", "owner"),
    Edge(g.within_thirty_days, "undo", REMOVED, row(in_force_on=TODAY - 31 * DAY), row(in_force_on=TODAY - 30 * DAY),
         "It could be undone until 29 Mar 2026"),
    Edge(g.nothing_came_after, "undo", REMOVED, lifecycle(restore_rule), nothing, "The rule is in force by now"),
    Edge(g.nothing_came_after, "undo", REMOVED, reviewed_since(State.KEPT), reviewed_since(State.WITHDRAWN),
         "A later review has decided"),
    Edge(g.nothing_came_after, "undo", SIMPLIFIED, changed(text="By mail."), changed(purpose="Fraud."), "The words"),
    Edge(g.nothing_came_after, "undo", SIMPLIFIED, ballot(), ballot(is_closed=True), "People are voting"),
    Edge(g.nothing_came_after, "undo", State.DELEGATED, rule(decision_limit="900 kr"), nothing, "The limit was"),
    Edge(g.no_other_review, "undo", SIMPLIFIED, reviewed_since(ASSESSING), reviewed_since(State.WITHDRAWN),
         "Another review of this rule is open"),
    # The clocks
    Edge(g.the_day_has_come, "take_effect", DECIDED, row(effective_on=TODAY + DAY), nothing, "It takes effect on",
         "clock"),
    Edge(g.the_day_has_come, "take_effect", DECIDED, notice(effective_on=TODAY + DAY), nothing, "It takes effect on",
         "clock"),
    Edge(g.the_notice_went_out, "take_effect", DECIDED, notice(published_on=TODAY),
         notice(published_on=TODAY - 3 * DAY), "The front line was told on", "clock"),
    Edge(g.the_notice_went_out, "take_effect", DECIDED, notice(state="draft"), nothing, "The front line has not",
         "clock"),
    Edge(g.the_owner_had_her_time, "take_effect", DECIDED, row(owner_agreed_on=None, owner_until=TODAY),
         row(owner_agreed_on=None, owner_until=TODAY - DAY), "The owner may object until", "clock"),
    Edge(g.the_tool_is_changed, "take_effect", DECIDED, SYSTEM, both(SYSTEM, row(tool_changed_on=TODAY)),
         "A tool forces this rule", "clock"),
    Edge(g.the_words_are_those_decided_on, "take_effect", DECIDED, changed(text="By mail."), changed(topics=["money"]),
         "The words changed on", "clock"),
    Edge(g.it_is_what_was_decided_on, "take_effect", DECIDED, rule(**LAW), rule(authority="policy"), "A law cannot be",
         "clock"),
    Edge(g.it_is_what_was_decided_on, "take_effect", DECIDED, rule(protective=True),
         both(rule(protective=True), row(in_one_sentence="Two sign.", protects="The till."), fenced), "Full lane:",
         "clock"),
    Edge(g.it_is_another_matter_now, "reopen", DECIDED, changed(title=TITLE), nothing, "It is the rule that was",
         "clock"),
    Edge(g.it_may_lapse, "lapse", LAPSING, rule(protective=True), nothing, "It protects, or a tool", "clock"),
    Edge(g.it_may_lapse, "lapse", LAPSING, SYSTEM, rule(authority="unknown"), "It protects, or a tool", "clock"),
    Edge(g.its_time_is_over, "lapse", LAPSING, row(lapses_on=TODAY + DAY), row(lapses_on=TODAY), "It lapses on",
         "clock"),
    Edge(g.the_rule_is_gone, "close", State.MARKED, lifecycle(restore_rule), nothing, "The rule applies", "clock"),
)  # fmt: skip
