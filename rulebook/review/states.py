"""The whole policy of a review in one table: from where to where, who may, and what has to hold first.

A verb that is not in the table does not exist. Every button of the desk, every answer of the API and every clock reads
it; `services.transition` alone writes what it allows.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from rulebook.access.models import Person
from rulebook.review import guards as g
from rulebook.review.guards import Guard
from rulebook.review.models import State
from rulebook.review.situation import Situation

MARKED, ASSESSING, ON_TRIAL, LAPSING, DECIDED = (
    State.MARKED, State.ASSESSING, State.ON_TRIAL, State.LAPSING, State.DECIDED,
)  # fmt: skip
UNDER_WAY = (MARKED, ASSESSING)
# What ends with the rule changed or gone: decided first, in force on a day of its own.
TAKES_EFFECT = (
    State.REMOVED, State.SIMPLIFIED, State.DELEGATED, State.DECLARED_MYTH, State.WRITTEN_DOWN, State.LAPSED,
)  # fmt: skip

MARK = "review.add_review"
DECIDE = "review.change_review"
OWN = "of who answers for the rule"  # no role: `only` says who, and whoever that is may sign in on a phone alone
CLOCK = ""  # nobody asks for it: a day that has come does it, or the first answer


@dataclass(frozen=True)
class Transition:
    """One row. `to` is None where the review goes to the outcome that was decided; `outcome` is what is decided.

    `only` are guards on the person beside the `permission`: who fails them may not (403), who fails `guards` comes at
    the wrong time (409).
    """

    verb: str
    label: Any  # a button's words, in the reader's language
    sources: tuple[State, ...]
    to: State | None
    permission: str
    guards: tuple[Guard, ...] = ()
    outcome: State | None = None
    only: tuple[Guard, ...] = ()


STANDS = (g.it_still_applies,)
TELLS = (g.the_words_stood_still, g.the_front_line_was_heard, g.nobody_votes_on_it)
CARE = (g.the_three_questions_are_answered, g.the_fence_was_looked_at, g.the_objection_is_answered)
WHY = (g.it_has_a_play, g.it_has_a_purpose_or_nobody_knows)
EYES = (g.somebody_else_decides,)

TABLE: tuple[Transition, ...] = (
    Transition("remove", _("Remove"), UNDER_WAY, DECIDED, DECIDE,
               (*STANDS, g.it_is_ours, *WHY, *CARE, *TELLS, *EYES), State.REMOVED),
    Transition("simplify", _("Simplify"), UNDER_WAY, DECIDED, DECIDE,
               (*STANDS, g.it_has_new_words, *WHY, *CARE, *TELLS, *EYES), State.SIMPLIFIED),
    Transition("delegate", _("Let agents decide"), UNDER_WAY, DECIDED, DECIDE,
               (*STANDS, g.it_is_ours, g.it_names_the_limit, *WHY, *CARE, *TELLS, *EYES), State.DELEGATED),
    Transition("declare_myth", _("Declare it a myth"), UNDER_WAY, DECIDED, DECIDE,
               (*STANDS, g.it_is_ours, g.the_objection_is_answered, *TELLS, *EYES), State.DECLARED_MYTH),
    Transition("write_down", _("Write it down"), UNDER_WAY, DECIDED, DECIDE,
               (*STANDS, g.it_has_new_words, g.the_objection_is_answered, *TELLS, *EYES), State.WRITTEN_DOWN),
    Transition("keep", _("Keep"), (*UNDER_WAY, LAPSING), State.KEPT, DECIDE,
               (*STANDS, g.kept_is_not_free, g.the_law_is_shown, g.not_by_the_owner_alone, *EYES), State.KEPT),
    Transition("escalate", _("Escalate"), (*UNDER_WAY, LAPSING), State.ESCALATED, DECIDE,
               (*STANDS, g.it_has_an_addressee, g.while_it_lapses_not_by_the_owner_alone), State.ESCALATED),
    Transition("object", _("Object"), (*UNDER_WAY, ON_TRIAL, DECIDED), ASSESSING, OWN,
               (g.no_objection_yet, g.still_time_to_object), only=(g.only_who_answers_for_it,)),
    Transition("withdraw", _("Withdraw"), UNDER_WAY, State.WITHDRAWN, MARK, (), State.WITHDRAWN,
               only=(g.only_the_proposer,)),
    Transition("start_trial", _("Try without it"), UNDER_WAY, ON_TRIAL, DECIDE,
               (*STANDS, g.it_is_ours, g.it_has_a_play, *CARE, *TELLS, *EYES)),
    Transition("end_trial", _("End the trial"), (ON_TRIAL,), ASSESSING, DECIDE),
    Transition("revert_trial", _("Put the rule back"), (ON_TRIAL,), ASSESSING, DECIDE),
    Transition("undo", _("Undo"), (DECIDED, *TAKES_EFFECT), ASSESSING, DECIDE,
               (g.within_thirty_days, g.no_other_review, g.nothing_came_after)),
    Transition("assess", _("Begin to assess"), (MARKED,), ASSESSING, CLOCK),
    Transition("begin_lapsing", _("Begin to lapse"), (MARKED,), LAPSING, CLOCK,
               (*STANDS, g.it_is_ours, g.it_may_lapse)),
    Transition("lapse", _("Lapse"), (LAPSING,), DECIDED, CLOCK,
               (*STANDS, g.it_is_ours, g.it_may_lapse, g.its_time_is_over), State.LAPSED),
    Transition("take_effect", _("Take effect"), (DECIDED,), None, CLOCK,
               (*STANDS, g.it_is_what_was_decided_on, g.the_words_are_those_decided_on, g.the_owner_had_her_time,
                g.the_tool_is_changed, g.the_day_has_come, g.the_notice_went_out, g.nobody_votes_on_it)),
    Transition("reopen", _("Open again"), (DECIDED,), ASSESSING, CLOCK, (g.it_is_another_matter_now,)),
    Transition("close", _("Close"), (*UNDER_WAY, LAPSING, DECIDED), State.WITHDRAWN, CLOCK, (g.the_rule_is_gone,),
               State.WITHDRAWN),
)  # fmt: skip


@dataclass(frozen=True)
class Step:
    """One verb for one person now; `why_not` is the sentence at the closed button, "" where it is open."""

    transition: Transition
    why_not: str

    @property
    def is_open(self) -> bool:
        return not self.why_not


def row(verb: str) -> Transition:
    """The row of a verb. Raises KeyError for a verb that does not exist."""
    return {transition.verb: transition for transition in TABLE}[verb]


def may_try(transition: Transition, at: Situation, person: Person) -> bool:
    """Whether the role of a person, or what they answer for, leads to this verb at all."""
    if transition.permission == OWN:
        return not not_for(transition, at)
    return bool(transition.permission) and person.has_perm(transition.permission)


def not_for(transition: Transition, at: Situation) -> str:
    """Why this person is not the one to do it; "" for the right one, and for the clocks."""
    # Who answers for a rule does not keep it alone, so a manager of another department may before it lapses.
    anybody = transition.verb == "keep" and at.review.state == LAPSING
    if transition.permission == DECIDE and at.not_theirs and not anybody:
        return at.not_theirs
    return next((refusal for guard in transition.only if (refusal := guard(at))), "")


def first_refusal(transition: Transition, at: Situation) -> str:
    """The sentence of the first guard that does not hold; "" when all do."""
    return next((refusal for guard in transition.guards if (refusal := guard(at))), "")


def steps(at: Situation) -> Iterator[Step]:
    """What a person's role may do from here, open or closed, in the order of the table."""
    person = at.person
    for transition in TABLE:
        if at.review.state not in transition.sources:
            continue
        if person is not None and may_try(transition, at, person):
            yield Step(transition, not_for(transition, at) or first_refusal(transition, at))
