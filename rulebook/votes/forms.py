"""What a voter sends with a card, and what stands on it. Clean types only: the services decide."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.forms.utils import ErrorList
from django.utils.translation import gettext_lazy as _

from rulebook.catalogue.models import RuleVersion
from rulebook.votes.models import Opinion
from rulebook.votes.services import LONGEST_REASON, WANTS

# Value, words: the order of the card, which the keys 1 to 5 follow.
IMPACT = (
    (-2, _("Hurts badly")),
    (-1, _("Hurts a little")),
    (0, _("No difference")),
    (1, _("Helps a little")),
    (2, _("Helps a lot")),
)
EASE = (
    (-2, _("Very hard")),
    (-1, _("Hard")),
    (0, _("In between")),
    (1, _("Easy")),
    (2, _("Very easy")),
)
TOUCHES = dict(zip(WANTS, (_("Product that works"), _("Caring, friendly"), _("On time"), _("Put right")), strict=True))
LEGENDS = {"impact": _("What does it do to our customers?"), "ease": _("How easy is it to do without?")}


class VoteForm(forms.Form):
    """One answered card. With `ease` the second question of a ballot is asked too."""

    impact = forms.TypedChoiceField(
        choices=IMPACT, coerce=int, error_messages={"required": _("Choose what it does to customers.")}
    )
    ease = forms.TypedChoiceField(
        choices=EASE, coerce=int, error_messages={"required": _("Choose how easy it is to do without.")}
    )
    product = forms.BooleanField(required=False)
    caring = forms.BooleanField(required=False)
    on_time = forms.BooleanField(required=False)
    put_right = forms.BooleanField(required=False)
    reason = forms.CharField(
        required=False,
        max_length=LONGEST_REASON,
        error_messages={"max_length": _("Write at most %(limit_value)d characters. These are %(show_value)d.")},
    )
    quotable = forms.BooleanField(required=False)

    def __init__(self, *args: Any, ease: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not ease:
            del self.fields["ease"]


@dataclass(frozen=True)
class Choice:
    """One answer of a question, or one of the four things."""

    value: int | str
    words: str
    chosen: bool


@dataclass(frozen=True)
class Question:
    name: str
    legend: str
    choices: list[Choice]
    errors: ErrorList


@dataclass(frozen=True)
class OwnVote:
    """A voter's own vote in a list: which rule, what was said, where to change it."""

    title: str
    words: str
    change: str


def form_of(given: Opinion | None, *, ease: bool) -> VoteForm:
    """The form of a card, filled with the voter's own vote where there is one. There is no other default."""
    names = ("impact", "reason", "quotable", *WANTS, *(("ease",) if ease else ()))
    return VoteForm(initial={name: getattr(given, name) for name in names} if given else {}, ease=ease)


def questions(form: VoteForm) -> list[Question]:
    return [
        Question(
            name,
            str(LEGENDS[name]),
            [Choice(value, str(words), str(value) == str(form[name].value())) for value, words in choices],
            form[name].errors,
        )
        for name, choices in (("impact", IMPACT), ("ease", EASE))
        if name in form.fields
    ]


def chips(form: VoteForm) -> list[Choice]:
    return [Choice(name, str(words), bool(form[name].value())) for name, words in TOUCHES.items()]


def answer(form: VoteForm) -> dict[str, Any]:
    """What the services take from a form that is valid."""
    said = form.cleaned_data
    wants = [name for name in WANTS if said[name]]
    return {"impact": said["impact"], "wants": wants, "reason": said["reason"], "quotable": said["quotable"]}


def own_votes(votes: Iterable[tuple[Opinion, RuleVersion, str]]) -> list[OwnVote]:
    impact, ease = dict(IMPACT), dict(EASE)

    def said(vote: Opinion) -> str:
        easy = getattr(vote, "ease", None)  # asked by some ballots alone
        return f"{impact[vote.impact]} · {ease[easy]}" if easy is not None else str(impact[vote.impact])

    return [OwnVote(version.title, said(vote), change) for vote, version, change in votes]
