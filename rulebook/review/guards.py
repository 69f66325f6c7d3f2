"""What has to hold before a review moves on. Each guard gives "" or the sentence that a manager reads.

That sentence is the hint at the closed button, the body of the API's 409 and what the tests expect. Guards look at a
`Situation` alone and ask the database nothing, so that a board of a thousand reviews costs what one costs.
"""

from collections.abc import Callable
from datetime import date, timedelta

from django.utils.translation import gettext as _

from rulebook.catalogue.models import Rule, RuleVersion
from rulebook.notices.models import Notice
from rulebook.numbers import day, long_day
from rulebook.review.lanes import is_full
from rulebook.review.models import GONE, REWORDED, State
from rulebook.review.situation import Situation

Guard = Callable[[Situation], str]

FENCE_DAYS = 14  # open days to name a purpose
LAPSING_DAYS = 14  # open days between the announcement and the end
UNDO_DAYS = 30  # days, of the calendar
LONGEST_KEPT = 366  # days until the next review


# For whatever is decided


def it_still_applies(at: Situation) -> str:
    """The front door may let in a rule that replaces this one, while its review is open."""
    if at.rule.status != Rule.Status.REMOVED:
        return ""
    return _("%(code)s was removed meanwhile, so nothing is left to decide.") % {"code": at.rule.code}


# For what takes a rule away, or changes it


def the_front_line_was_heard(at: Situation) -> str:
    return "" if at.heard.heard else at.heard.sentence


def it_is_ours(at: Situation) -> str:
    if at.rule.authority == Rule.Authority.LAW:
        return _("A law cannot be removed here. Simplify how we apply it, keep it, or escalate it.")
    if at.rule.authority == Rule.Authority.CONTRACT:
        return _("A contract cannot be removed here. Simplify how we apply it, keep it, or escalate it.")
    return ""


def the_words_stood_still(at: Situation) -> str:
    if at.newest.pk == at.review.version_id:
        return ""
    when = {"day": day(at.newest.recorded_at.date())}
    return (
        _("The words changed on %(day)s, after it was marked. Read the new ones, and take them into the review.") % when
    )


def nobody_votes_on_it(at: Situation) -> str:
    return _("People are voting on this wording. Decide when the ballot is closed.") if at.voted_on else ""


def it_has_a_play(at: Situation) -> str:
    return "" if at.review.play else _("Write in one line what agents do instead.")


def it_has_a_purpose_or_nobody_knows(at: Situation) -> str:
    if at.review.purpose or at.review.nobody_knows:
        return ""
    return _("Write what the rule is for, or tick that nobody knows.")


def the_three_questions_are_answered(at: Situation) -> str:
    """Of the full lane alone; the third one is the play."""
    if not is_full(at) or (at.review.in_one_sentence and at.review.protects):
        return ""
    return _("Full lane: write how an agent says the rule in one sentence, and whom it protects.")


def the_fence_was_looked_at(at: Situation) -> str:
    """Of the full lane: somebody else has said why it may stand there, or nobody could in fourteen open days."""
    if not is_full(at) or at.fence is not None:
        return ""
    until = fence_until(at)
    if at.today >= until:
        return ""
    text = _("Somebody else writes where the rule comes from and what speaks for it, until %(day)s at the latest.")
    return text % {"day": long_day(until)}


def the_objection_is_answered(at: Situation) -> str:
    if not at.review.objection or at.review.objection_answer:
        return ""
    return _("Answer the objection first.")


def somebody_else_decides(at: Situation) -> str:
    """Four eyes: in the full lane, or always where the house says so, who proposed it does not decide it."""
    if at.person is None or not (at.four_eyes_always or is_full(at)):
        return ""
    if at.review.proposer_id is not None and at.review.proposer_id == at.person.pk:
        return _("You proposed it, so somebody else decides. Ask another manager.")
    return ""


def it_has_new_words(at: Situation) -> str:
    review, rule = at.review, at.rule
    if not review.new_title and not review.new_text:
        return _("Write the new wording.")
    same = (review.new_title or rule.title) == rule.title and review.new_text == rule.text
    return _("These are the words it has now. Write the new ones.") if same else ""


def it_names_the_limit(at: Situation) -> str:
    if not at.review.limit:
        return _("Name the limit up to which an agent decides, as in “500 kr”.")
    same = at.review.limit == at.rule.decision_limit
    return _("That is the limit it has now. Name another one.") if same else ""


# For what leaves it in force


def kept_is_not_free(at: Situation) -> str:
    review = at.review
    if not (review.purpose and review.answer and review.review_by):
        return _("Kept is not free: give a purpose, answer the figures, set a review-by date.")
    if not at.today < review.review_by <= at.today + timedelta(days=LONGEST_KEPT):
        return _("Set a review-by date within 12 months.")
    return ""


def not_by_the_owner_alone(at: Situation) -> str:
    if at.person is not None and at.person.pk in at.answerable:
        return _("Who answers for a rule does not keep it alone. Ask a manager of another department to decide.")
    return ""


def while_it_lapses_not_by_the_owner_alone(at: Situation) -> str:
    """Else an escalation would be a way round it."""
    return not_by_the_owner_alone(at) if at.review.state == State.LAPSING else ""


def the_law_is_shown(at: Situation) -> str:
    rule = at.rule
    if rule.ours or (rule.clause and rule.confirmed_at):
        return ""
    return _("“Law” must be shown: quote the clause, and have a second person confirm it.")


def it_has_an_addressee(at: Situation) -> str:
    review = at.review
    if not review.addressee or review.answer_due is None:
        return _("Name whom you ask, and by when you expect the answer.")
    if review.answer_due <= at.today:
        return _("Give a day from tomorrow on by which you expect the answer.")
    return ""


# For the way there and back


def only_the_proposer(at: Situation) -> str:
    if at.review.proposer_id is None:
        return _("No person proposed it, so nobody withdraws it. Decide it: to keep it is one way.")
    if at.person is None or at.person.pk != at.review.proposer_id:
        return _("Only who marked it withdraws it.")
    return ""


def only_who_answers_for_it(at: Situation) -> str:
    if at.person is not None and (at.person.pk in at.answerable or at.person.is_superuser):
        return ""
    return _("This is asked of who answers for the rule: its owner, or the head or deputy of its department.")


def no_objection_yet(at: Situation) -> str:
    return _("There was an objection already: one a review.") if at.review.objection else ""


def still_time_to_object(at: Situation) -> str:
    until = at.review.owner_until
    if at.review.state != State.DECIDED or (until is not None and at.today <= until):
        return ""
    return _("The time to object is over. It can be undone for 30 days.")


def the_fence_is_somebody_elses(at: Situation) -> str:
    if at.person is not None and at.person.pk == at.review.proposer_id:
        return _("You proposed it, so somebody else writes what speaks for it.")
    return ""


def within_thirty_days(at: Situation) -> str:
    since = at.review.in_force_on
    if since is None or at.today <= since + timedelta(days=UNDO_DAYS):
        return ""
    last = {"day": day(since + timedelta(days=UNDO_DAYS))}
    return _("It could be undone until %(day)s. Propose the rule anew at the front door.") % last


def nothing_came_after(at: Situation) -> str:
    """What took effect stands as it was decided: an undo puts back what was before, and loses nothing newer."""
    review, now = at.review, at.rule
    if review.in_force_on is None:
        return ""
    if at.decided_since:
        return _("A later review has decided about this rule. Undo that one.")
    if (review.outcome in GONE) != (now.status == Rule.Status.REMOVED):
        status = {"status": now.get_status_display()}
        return _("The rule is %(status)s by now. Propose it anew at the front door.") % status
    if review.outcome in REWORDED and at.voted_on:
        return nobody_votes_on_it(at)
    brought_in = at.notice.version if at.notice is not None else at.newest
    if review.outcome in REWORDED and _words(at.newest) != _words(brought_in):
        when = {"day": day(at.newest.recorded_at.date())}
        return _("The words changed on %(day)s, after this took effect. Change them on the page of the rule.") % when
    if review.outcome == State.DELEGATED and now.decision_limit != review.limit:
        return _("The limit was changed after this took effect. Change it on the page of the rule.")
    return ""


def no_other_review(at: Situation) -> str:
    return _("Another review of this rule is open. Decide that one.") if at.other_open else ""


# For the clocks


def the_day_has_come(at: Situation) -> str:
    """The day that was decided; the one that the front line was told, where the notice was put off since."""
    on = at.review.effective_on
    if on is not None and at.notice is not None and at.notice.is_published:
        on = max(on, at.notice.effective_on)
    if on is not None and at.today >= on:
        return ""
    return _("It takes effect on %(day)s.") % {"day": long_day(on)} if on else _("It has no day yet.")


def the_notice_went_out(at: Situation) -> str:
    """At least one working day before, to whoever applies the rule."""
    notice = at.notice
    if notice is None or notice.state != Notice.State.PUBLISHED or (told := notice.published_on) is None:
        return _("The front line has not been told yet.")
    if at.calendar.working_days_between(told, at.today) < 1:
        return _("The front line was told on %(day)s, and has a working day to read it.") % {"day": day(told)}
    return ""


def the_owner_had_her_time(at: Situation) -> str:
    until = at.review.owner_until
    if until is None or at.review.owner_agreed_on or at.today > until:
        return ""
    return _("The owner may object until %(day)s.") % {"day": long_day(until)}


def the_tool_is_changed(at: Situation) -> str:
    if at.rule.authority != Rule.Authority.SYSTEM or at.review.tool_changed_on:
        return ""
    return _("A tool forces this rule. Tick “the tool is changed” when it is, and the rule ends then.")


def the_words_are_those_decided_on(at: Situation) -> str:
    """Else it would take the place of words that nobody of those who decided has read."""
    if _words(at.newest) == _words(at.review.version):
        return ""
    when = {"day": day(at.newest.recorded_at.date())}
    text = _("The words changed on %(day)s, after it was decided. Undo it, read the new words, and decide again.")
    return text % when


def it_is_what_was_decided_on(at: Situation) -> str:
    """A law, or something protective, by now: what the fast lane did not ask is asked before it takes effect."""
    if at.rule.ours and not at.rule.protective:
        return ""
    law = it_is_ours(at) if at.review.outcome in (*GONE, State.DELEGATED) else ""
    if at.review.outcome in (State.DECLARED_MYTH, State.WRITTEN_DOWN):
        return law  # neither lane asks more of these
    care = (the_three_questions_are_answered, the_fence_was_looked_at, the_objection_is_answered)
    return law or next((refusal for guard in care if (refusal := guard(at))), "")


def it_is_another_matter_now(at: Situation) -> str:
    """Once the front line was told, or its day has come, a decision stands or falls: it does not wait for ever."""
    told = at.notice is not None and at.notice.is_published
    come = at.review.effective_on is not None and at.today >= at.review.effective_on
    other = it_is_what_was_decided_on(at) or the_words_are_those_decided_on(at)
    if (told or come) and (other or (told and the_tool_is_changed(at))):
        return ""
    return _("It is the rule that was decided on.")


def it_may_lapse(at: Situation) -> str:
    if at.rule.protective or at.rule.authority == Rule.Authority.SYSTEM:
        return _("It protects, or a tool forces it, so it does not lapse by itself. Keep it, or escalate it.")
    return ""


def the_rule_is_gone(at: Situation) -> str:
    return "" if at.rule.status == Rule.Status.REMOVED else _("The rule applies, so its review goes on.")


def its_time_is_over(at: Situation) -> str:
    on = at.review.lapses_on
    if on is not None and at.today >= on:
        return ""
    return _("It lapses on %(day)s unless somebody shows why it stays.") % {"day": long_day(on)} if on else ""


def fence_until(at: Situation) -> date:
    """The day from which an empty fence counts for removal."""
    return at.calendar.add_open_days(at.review.marked_on, FENCE_DAYS)


def _words(version: RuleVersion) -> tuple[str, str]:
    """Other topics or channels are a wording of their own, and no other words."""
    return version.title, version.text
