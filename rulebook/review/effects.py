"""What a step brings with it: days and names in the review, the notice, and on the day it takes effect the rule itself.

Called by `services.transition` and by the verbs that end a wait, within their transaction.
"""

from datetime import date
from typing import Any, cast

from rulebook.catalogue.claims import confirm_again, confirmation_of
from rulebook.catalogue.lifecycle import end_rule, restore_rule
from rulebook.catalogue.models import Rule
from rulebook.catalogue.services import RuleFields, change_rule
from rulebook.journal.services import Acting
from rulebook.notices.models import Notice
from rulebook.notices.services import draft_notice, publish_notice, withdraw_notice
from rulebook.review.models import GONE, REWORDED, Review, State
from rulebook.review.situation import Situation, notice_of
from rulebook.review.states import DECIDED, LAPSING, ON_TRIAL, TAKES_EFFECT, UNDER_WAY, Transition
from rulebook.review.suspending import move_trial
from rulebook.votes.services import lay_on_top, take_from_top

CONFIRMED = "confirmed"  # in `rule_before`, beside the names of fields: who had confirmed the law, and when
OWNER_DAYS = 7  # open days in which an absent owner may object
NO_OWNERS_WAIT = (State.DECLARED_MYTH, State.WRITTEN_DOWN, State.LAPSED)
UNDECIDED: dict[str, Any] = {
    "outcome": "",
    "decided_on": None,
    "decided_by_id": None,
    "owner_until": None,
    "not_before": None,
    "effective_on": None,
    "in_force_on": None,
    "zombies": 0,
    "zombie_on": None,
}
# What was said of that decision alone: another one asks again.
UNSAID: dict[str, Any] = {"owner_agreed_on": None, "tool_changed_on": None}  # fmt: skip


def owner_until(at: Situation) -> date | None:
    """The last day on which the owner may object, by the closed periods known today; None where nobody waits for her.

    Never sooner than she was told.
    """
    review = at.review
    if review.owner_until is None or review.decided_on is None:
        return review.owner_until
    return max(review.owner_until, at.calendar.add_open_days(review.decided_on, OWNER_DAYS))


def give_the_owner_her_days(at: Situation) -> None:
    """Move her last day along, and the day on which it takes effect at the soonest."""
    review = at.review
    review.owner_until = owner_until(at)
    review.effective_on = _soonest(at, review)
    review.save(update_fields=["owner_until", "effective_on"])


def prepare(row: Transition, at: Situation, by: Acting | None) -> None:
    """Fill in the review's own columns before it is stored. Guards have held."""
    review = at.review
    if row.to is None:
        review.in_force_on = at.today
        return
    if row.outcome is None:
        taken_back = row.verb in ("object", "undo", "reopen")
        for name, value in (UNDECIDED | UNSAID if taken_back else UNDECIDED).items():
            setattr(review, name, value)
        review.undone_on = at.today if row.verb == "undo" else review.undone_on
        return
    review.outcome, review.decided_on, review.decided_by_id = row.outcome, at.today, by.pk if by else None
    if row.to == State.WITHDRAWN:
        review.owner_until = review.effective_on = None
        return
    if row.to != DECIDED:
        review.effective_on = review.in_force_on = at.today
        return
    if row.outcome != State.REMOVED:
        review.owner_agreed_on = None  # she was asked whether it goes: her yes is to nothing else
    review.not_before = review.effective_on
    if row.outcome == State.LAPSED and at.notice is not None:
        review.not_before = at.notice.effective_on  # as announced, or put off since
    review.owner_until = at.calendar.add_open_days(at.today, OWNER_DAYS) if _waits_for_owner(row, at, by) else None
    review.effective_on = _soonest(at, review)


def was_due(at: Situation) -> date | None:
    """The day on which a clock should have done what it does now; None where nothing says so."""
    review = at.review
    if review.state == LAPSING:
        return review.lapses_on
    if review.state != DECIDED or review.effective_on is None:
        return None
    told = at.notice.effective_on if at.notice is not None and at.notice.is_published else review.effective_on
    return max(review.effective_on, told)


def carry_out(row: Transition, at: Situation, before: State, by: Acting | None) -> None:
    """What happens outside the review once it has moved."""
    review = at.review
    ask_the_front_line(review)
    move_trial(review, row.verb, at.today, by)
    if row.to is None:
        _change_the_rule(at)
    elif row.to == DECIDED:
        draft_notice(
            version=at.newest, about=notice_of(review), kind=str(row.outcome), limit=review.limit,
            effective_on=review.effective_on or at.today, by=by, **_said_already(row, at),
        )  # fmt: skip
        tell_when_ready(at, by)
    elif before in TAKES_EFFECT:
        _put_back(at, before, by)
    elif before in (DECIDED, LAPSING) and at.notice is not None:
        withdraw_notice(notice=at.notice, by=by)
    if row.to == State.KEPT:
        change_rule(rule=at.rule, fields={"purpose": review.purpose, "review_by": review.review_by}, by=None)


def ask_the_front_line(review: Review) -> None:
    """While it is to be decided, agents find the rule on top of their stack of cards."""
    if review.state in UNDER_WAY:
        lay_on_top(rule=review.rule)
    else:
        take_from_top(rule=review.rule)


def _soonest(at: Situation, review: Review) -> date:
    """The first day on which it can take effect: a working day after the front line is told, and not before asked for.

    Other words wait for those that they take the place of, where these are still to come.
    """
    told = at.calendar.add_open_days(review.owner_until, 1) if review.owner_until else at.today
    coming = at.newest.applies_from if review.outcome in REWORDED else None
    days = (at.calendar.add_working_days(told, 1), review.not_before, coming)
    return max(day for day in days if day is not None)


def _said_already(row: Transition, at: Situation) -> dict[str, Any]:
    """What the notice says. Of what lapses it was written before, and stays."""
    if row.outcome == State.LAPSED and at.notice is not None:
        return {"headline": at.notice.headline, "play": at.notice.play}
    return {"play": _to_do(at.review)}


def _to_do(review: Review) -> str:
    """What the notice says to do: the play, after the new words where the rule gets others."""
    words = [review.new_title, review.new_text] if review.outcome in REWORDED else []
    return "\n".join(line for line in (*words, review.play) if line)


def tell_when_ready(at: Situation, by: Acting | None) -> bool:
    """Publish the notice once nobody's time to object runs and the tool is changed; whether it is published.

    The day moves along: the front line has at least a working day to read it.
    """
    review = at.review
    waits = review.owner_until is not None and review.owner_agreed_on is None and at.today <= review.owner_until
    forced = at.rule.authority == Rule.Authority.SYSTEM and review.tool_changed_on is None
    if waits or forced:
        return False
    notice = Notice.objects.get(about=notice_of(review))
    if notice.state == Notice.State.PUBLISHED:
        return True
    soonest = at.calendar.add_working_days(at.today, 1)
    if review.effective_on is not None and notice.effective_on > review.effective_on:
        review.not_before = review.effective_on = notice.effective_on  # somebody put it off
    if review.owner_agreed_on and review.owner_until is not None:  # nothing to wait for any more
        review.owner_until = None
        review.effective_on = _soonest(at, review)
    review.effective_on = max(soonest, review.effective_on or soonest)
    review.save(update_fields=["effective_on", "owner_until", "not_before"])
    publish_notice(notice=notice, by=by, effective_on=review.effective_on)
    return True


def _waits_for_owner(row: Transition, at: Situation, by: Acting | None) -> bool:
    """Not where nobody answers for the rule, who does has agreed, or decides it."""
    asked = at.answerable
    if not asked or row.outcome in NO_OWNERS_WAIT or at.review.owner_agreed_on:
        return False
    return by is None or by.pk not in asked


def _change_the_rule(at: Situation) -> None:
    """The day has come. By the system: who decided it may have left since."""
    review, rule = at.review, Rule.objects.get(pk=at.rule.pk)
    fields = _new_fields(review, rule)
    if review.outcome in GONE:
        end_rule(rule, None)
    elif fields:
        review.rule_before = {name: getattr(rule, name) for name in fields} | {CONFIRMED: confirmation_of(rule)}
        review.save(update_fields=["rule_before"])
        change_rule(rule=rule, fields=fields, by=None)
    newest = rule.versions.latest("number")
    Notice.objects.filter(about=notice_of(review)).update(version=newest)


def _new_fields(review: Review, rule: Rule) -> RuleFields:
    if review.outcome == State.DELEGATED:
        return {"decision_limit": review.limit}
    words: RuleFields = {"title": review.new_title or rule.title, "text": review.new_text}
    if review.outcome == State.WRITTEN_DOWN:
        return {**words, "kind": Rule.Kind.WRITTEN}
    return words if review.outcome == State.SIMPLIFIED else {}


def _put_back(at: Situation, before: State, by: Acting | None) -> None:
    """Undo what has taken effect, and tell the front line so from today."""
    review, rule = at.review, Rule.objects.get(pk=at.rule.pk)
    if before in GONE:
        restore_rule(rule, by)
    else:
        fields = dict(review.rule_before)
        confirmed = fields.pop(CONFIRMED, [])
        change_rule(rule=rule, fields=cast(RuleFields, fields), by=None)
        confirm_again(rule=rule, was=confirmed)
    newest = rule.versions.latest("number")
    if before in GONE or before in REWORDED:  # the words that were marked, under a new number
        review.version = newest
    review.rule_before = {}
    review.save(update_fields=["version", "rule_before"])
    if at.notice is not None:
        withdraw_notice(notice=at.notice, by=by)
    back = draft_notice(
        version=newest, about=f"{notice_of(review)} undone {at.today}", kind=Notice.Kind.PUT_BACK,
        effective_on=at.today, by=by,
    )  # fmt: skip
    publish_notice(notice=back, by=by)


__all__ = ["ON_TRIAL", "carry_out", "prepare", "tell_when_ready"]
