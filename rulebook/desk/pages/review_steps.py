"""The buttons of a review for one person: what may be done next, and what the page itself asks for along with it. Pure.

The steps are those of `review.states`. A guard that a field of the page can mend does not close its button: it says
what the step needs, and the service checks it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rulebook.review import guards as g
from rulebook.review import plans, states
from rulebook.review.guards import Guard
from rulebook.review.models import State
from rulebook.review.queries import likeliest
from rulebook.review.situation import Situation
from rulebook.review.suspending import START

# What a field on the page mends.
TYPED: tuple[Guard, ...] = (
    g.it_has_a_play, g.it_has_a_purpose_or_nobody_knows, g.the_three_questions_are_answered,
    g.the_objection_is_answered, g.it_has_new_words, g.it_names_the_limit, g.kept_is_not_free, g.it_has_an_addressee,
)  # fmt: skip
ON_THEIR_OWN = ("object", "undo", "start_trial", "end_trial", "revert_trial")  # elsewhere on the page
FIELDS: dict[str, tuple[str, ...]] = {
    "remove": (),
    "simplify": ("new_title", "new_text"),
    "delegate": ("limit",),
    "write_down": ("new_title", "new_text"),
    "keep": ("answer", "review_by"),
    "escalate": ("addressee", "answer_due"),
}
QUIET = ("write_down", "declare_myth", "withdraw")  # asked for less often


@dataclass(frozen=True)
class Offer:
    """One button. `closed` is the sentence why it cannot be pressed; `needs` what has to be written along with it.

    `fields` are asked for under the button, and `first` marks the one that is filled.
    """

    verb: str
    label: Any
    closed: str
    needs: str
    fields: tuple[str, ...] = ()
    first: bool = False
    quiet: bool = False


def offers(at: Situation) -> list[Offer]:
    """What a person decides from here, in the order of the table; nothing that is for others to do."""
    found = list(_offered(at))
    likely = likeliest(at).verb
    first = next((offer for offer in found if offer.verb == likely and not offer.closed), None)
    return [Offer(**{**offer.__dict__, "first": offer is first}) for offer in found]


def _offered(at: Situation) -> Iterator[Offer]:
    for step in states.steps(at):
        row = step.transition
        if row.verb in ON_THEIR_OWN or states.not_for(row, at):
            continue
        yield Offer(
            verb=row.verb,
            label=row.label,
            closed=_refusal(row, at, typed=False),
            needs=_refusal(row, at, typed=True),
            fields=FIELDS.get(row.verb, ()),
            quiet=row.verb in QUIET,
        )


def trying(at: Situation) -> Offer | None:
    """The trial, which has a page of its own; None where none starts from here, or it is for others."""
    row = states.row(START)
    if not any(step.transition is row for step in states.steps(at)) or states.not_for(row, at):
        return None
    closed = plans.why_never(at.rule) or _refusal(row, at, typed=False)
    return Offer(verb="try", label=row.label, closed=closed, needs=_refusal(row, at, typed=True))


def _refusal(row: states.Transition, at: Situation, *, typed: bool) -> str:
    """The first sentence among the guards that the page can mend, or among the others."""
    return next((no for guard in row.guards if (guard in TYPED) is typed and (no := guard(at))), "")


def undo_of(at: Situation) -> states.Step | None:
    """Undo, open or closed with its sentence; None where there is nothing to undo, or it is for others."""
    return next((step for step in states.steps(at) if step.transition.verb == "undo"), None)


def may_object(at: Situation) -> states.Step | None:
    """The objection of whoever answers for the rule; None for everybody else."""
    found = (step for step in states.steps(at) if step.transition.verb == "object")
    return next((step for step in found if not states.not_for(step.transition, at)), None)


def may_agree(at: Situation) -> bool:
    """Whether the owner's yes of this person is still waited for."""
    review = at.review
    waits = review.is_open and review.state != State.LAPSING
    return waits and review.owner_agreed_on is None and not review.objection and not g.only_who_answers_for_it(at)
