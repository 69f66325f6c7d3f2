"""The table of `states.py` as a drawing: what `manage.py show_workflow` prints, and the README shows."""

from collections.abc import Iterable, Iterator

from django.utils import translation

from rulebook.review.guards import Guard
from rulebook.review.models import OPEN, State
from rulebook.review.states import CLOCK, MARK, OWN, TABLE, TAKES_EFFECT, Transition

SUNSET = "review-by date"
WHO = {MARK: "who may mark", OWN: "who answers for the rule", CLOCK: "the clock"}


def mermaid(table: Iterable[Transition] = TABLE) -> str:
    """A state diagram in the language of mermaid-js, in English: one arrow for all verbs between two states."""
    arrows: dict[tuple[str, str], list[str]] = {}
    for transition in table:
        for source, to in _moves(transition):
            arrows.setdefault((source, to), []).append(transition.verb)
    lines = ["stateDiagram-v2", f"    [*] --> {State.MARKED}: mark, {SUNSET}"]
    lines += [f"    {source} --> {to}: {', '.join(verbs)}" for (source, to), verbs in arrows.items()]
    lines += [f"    {state} --> [*]" for state in State if state not in OPEN]
    return "\n".join(lines)


def as_text(table: Iterable[Transition] = TABLE) -> str:
    """A paragraph for each verb, in English: from where to where, who may, and what has to hold."""
    with translation.override("en"):
        return "\n\n".join("\n".join(_paragraph(transition)) for transition in table)


def _moves(transition: Transition) -> Iterator[tuple[str, str]]:
    """(from, to) as the drawing names them; what a decision comes to is one arrow to each outcome that takes effect."""
    targets = [str(transition.to)] if transition.to else [str(outcome) for outcome in TAKES_EFFECT]
    for source in transition.sources:
        for to in targets:
            yield str(source), to


def _paragraph(transition: Transition) -> Iterator[str]:
    to = str(transition.to) if transition.to else "what was decided"
    if transition.to == State.DECIDED:
        to += f", as {transition.outcome}"
    yield f"{transition.verb}: {', '.join(transition.sources)} -> {to}"
    yield f"    by {WHO.get(transition.permission, 'who may decide about the rule')}"
    for guard in (*transition.only, *transition.guards):
        yield f"    if {_condition(guard)}"


def _condition(guard: Guard) -> str:
    """Guards are named as what has to hold."""
    return guard.__name__.replace("_", " ")
