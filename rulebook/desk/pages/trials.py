"""The page that starts a trial, with what is registered before it.

Whether contacts suffice is looked up here, on a click: that walk takes longer than the page of a review may.
"""

from typing import Any, cast

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.admin import ModelAdmin

from rulebook.access.calendar import house_calendar
from rulebook.access.models import Person, Team
from rulebook.catalogue.services import FieldRefused
from rulebook.desk.pages.marking import address
from rulebook.desk.pages.top import AmountField
from rulebook.errors import NotAllowed, RulebookError, WrongState
from rulebook.journal.pages import acting
from rulebook.journal.services import Acting
from rulebook.numbers import decimal, long_day
from rulebook.review import plans, queries, services, states, suspending
from rulebook.review.models import Review
from rulebook.review.services import Answers
from rulebook.review.situation import Situation
from rulebook.review.telling import how_it_stands
from rulebook.review.trial_showing import Proposal, proposed
from rulebook.review.trials import start_trial

A_NUMBER = {"required": gettext_lazy("Write a number, as in 5."), "invalid": gettext_lazy("Write a number, as in 5.")}
WHOLE = {"required": gettext_lazy("Write a whole number."), "invalid": gettext_lazy("Write a whole number.")}
A_DAY = {"invalid": gettext_lazy("Write the day as 2027-03-01.")}
FOLDED = ("teams", "starts_on")
LIMITS = ("repeat_limit", "minutes_limit")


def _weeks(label: Any, help_text: Any = "", *, required: bool = True) -> forms.IntegerField:
    typed = forms.TextInput(attrs={"inputmode": "numeric"})
    return forms.IntegerField(
        required=required, label=label, help_text=help_text, widget=typed, error_messages=WHOLE
    )  # fmt: skip


class TrialForm(forms.Form):
    """What is registered before the start. It cleans types; the service decides."""

    weeks = _weeks(gettext_lazy("Weeks without it"))
    minimum_effect = AmountField(
        label=gettext_lazy("A rise that would matter"),
        help_text=gettext_lazy("In points of first-contact resolution."),
        error_messages=A_NUMBER,
    )
    may_extend_weeks = _weeks(
        gettext_lazy("Weeks it may run on"), gettext_lazy("Once. Blank: it may not."), required=False
    )
    teams = forms.ModelMultipleChoiceField(
        Team.objects.order_by("name"),
        required=False,
        label=gettext_lazy("Only these teams"),
        help_text=gettext_lazy("None: everywhere."),
        widget=forms.CheckboxSelectMultiple,
    )
    starts_on = forms.DateField(
        required=False,
        label=gettext_lazy("First day"),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages=A_DAY,
    )
    repeat_limit = AmountField(label=gettext_lazy("Repeat contacts may rise by, in points"), error_messages=A_NUMBER)
    minutes_limit = AmountField(
        required=False,
        label=gettext_lazy("A solved problem may take longer by, in minutes"),
        help_text=gettext_lazy("Blank: a tenth of what it took before. Of no use where nobody measures minutes."),
        error_messages=A_NUMBER,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not Team.objects.exists():
            del self.fields["teams"]

    def registered(self) -> dict[str, Any]:
        """As `start_trial` takes it: points as parts of 1."""
        given = self.cleaned_data
        minutes = given["minutes_limit"]
        return {
            "weeks": given["weeks"],
            "minimum_effect": float(given["minimum_effect"]) / 100,
            "may_extend_weeks": given["may_extend_weeks"] or 0,
            "teams": list(given.get("teams", ())),
            "starts_on": given["starts_on"],
            "repeat_limit": float(given["repeat_limit"]) / 100,
            "minutes_limit": None if minutes is None else float(minutes),
        }


class TrialPage(ModelAdmin):
    """`ReviewPages` takes it in."""

    def trial(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """The form, or one sentence where no trial could show anything; a POST starts it.

        Raises PermissionDenied for somebody who decides nothing.
        """
        pages = cast(Any, self)
        review: Review | None = pages._review(request, object_id)
        if review is None:
            return cast(HttpResponse, pages._nothing(request, object_id))
        if not request.user.has_perm(states.DECIDE):
            raise PermissionDenied
        sent = request.method == "POST"
        if sent and _started_a_moment_ago(request, review):
            return HttpResponseRedirect(address(review))
        at = queries.situation_of(review, cast(Person, request.user))
        refusal = at.not_theirs or why_not_tried(at)
        if refusal:
            status = 403 if at.not_theirs else 409 if sent else 200
            return self._form(request, review, TrialForm(request.POST) if sent else None, refusal, status)
        return self._start(request, review) if sent else self._propose(request, review)

    def _propose(self, request: HttpRequest, review: Review) -> HttpResponse:
        proposal = proposed(review.rule)
        form = TrialForm(initial={
            "weeks": proposal.weeks,
            "minimum_effect": decimal(plans.PROPOSED_EFFECT * 100, 0),
            "repeat_limit": decimal(plans.REPEAT_LIMIT * 100, 0),
        })  # fmt: skip
        return self._form(request, review, form, proposal=proposal)

    def _start(self, request: HttpRequest, review: Review) -> HttpResponse:
        form = TrialForm(request.POST)
        if not form.is_valid():
            return self._form(request, review, form, status=422)
        try:
            start_trial(review=review, by=acting(request), **form.registered())
        except RulebookError as refusal:
            if _started_a_moment_ago(request, review):
                return HttpResponseRedirect(address(review))
            field = refusal.field if isinstance(refusal, FieldRefused) else ""
            if field in form.fields:
                form.add_error(field, str(refusal))
            status = 403 if isinstance(refusal, NotAllowed) else 422 if isinstance(refusal, FieldRefused) else 409
            return self._form(request, review, form, str(refusal), status)
        return HttpResponseRedirect(address(review))

    def _form(
        self,
        request: HttpRequest,
        review: Review,
        form: TrialForm | None,
        refusal: str = "",
        status: int = 200,
        proposal: Proposal | None = None,
    ) -> HttpResponse:
        context = {
            "review": review,
            "rule": review.rule,
            "original": review,
            "title": _("Try without it"),
            "form": form,
            "refusal": refusal,
            "proposal": proposal,
            "back": address(review),
            "first_day": long_day(house_calendar().add_working_days(timezone.localdate(), 1)) if form else "",
            "elsewhere": [form[name] for name in FOLDED if name in form.fields] if form else [],
            "limits": [form[name] for name in LIMITS] if form else [],
            "open_elsewhere": _is_used(form, FOLDED),
            "open_limits": form is not None and any(form[name].errors for name in LIMITS),
        }
        return cast(HttpResponse, cast(Any, self)._page(request, "trial_start", context, status))


def why_not_tried(at: Situation) -> str:
    """The sentence why a trial cannot start from here; "" where only its contacts are left to look at."""
    row = states.row(suspending.START)
    if at.review.state not in row.sources:
        return how_it_stands(at.review)
    return plans.why_never(at.rule) or states.first_refusal(row, at)


def ready_to_try(*, review: Review, answers: Answers, by: Acting) -> None:
    """Store what was typed, for the trial has a page of its own. Raises WrongState where it could not start."""
    stored = services.answer_questions(review=review, answers=answers, by=by)
    if refusal := why_not_tried(queries.situation_of(stored, cast(Person, by))):
        raise WrongState(refusal)


def trial_address(review: Review) -> str:
    return reverse("admin:review_review_trial", args=[review.pk])


def _started_a_moment_ago(request: HttpRequest, review: Review) -> bool:
    """A second click: this person has just started it."""
    trial = suspending.running_trial(review)
    return trial is not None and trial.begun_on is None and trial.started_by_id == request.user.pk


def _is_used(form: TrialForm | None, names: tuple[str, ...]) -> bool:
    """Whether somebody wrote into one of the fields that are folded away."""
    return form is not None and any(form[name].errors or form[name].value() for name in names if name in form.fields)
