"""The page of one review: decide it on one screen, or see how it stands. Each verb is a service's.

The buttons are those of the table of transitions; a closed one says why. Whatever was typed stays on the page when a
step is refused.
"""

from collections.abc import Callable
from typing import Any, cast

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from rulebook.access.models import Person
from rulebook.access.scrubbing import scrub, told
from rulebook.catalogue.services import FieldRefused
from rulebook.desk.pages import review_steps, review_words
from rulebook.desk.pages.afterwards import afterwards_of
from rulebook.desk.pages.marking import MarkingPages, address
from rulebook.desk.pages.trials import ready_to_try, trial_address
from rulebook.desk.pages.words import authority
from rulebook.errors import NotAllowed, RulebookError
from rulebook.journal.pages import ReadOnlyAdmin, acting
from rulebook.notices.queries import receipts_by_team
from rulebook.numbers import long_day
from rulebook.review import guards, lanes, queries, services, states
from rulebook.review.afterwards import look_again
from rulebook.review.forms import AnswersForm
from rulebook.review.models import Review, State
from rulebook.review.owners import owners_say
from rulebook.review.recommending import recommendation
from rulebook.review.services import Answers
from rulebook.review.situation import Situation
from rulebook.review.trial_showing import running_one, trials_of
from rulebook.review.trials import extend_trial

COMMON = (
    "play", "purpose", "nobody_knows", "in_one_sentence", "protects", "objection_answer", "effective_on",
)  # fmt: skip
NEW_WORDS = ("new_title", "new_text")
FORM = "rb-review"  # by which fields anywhere on the page belong to the one form


class ReviewPage(MarkingPages, ReadOnlyAdmin):
    """Nothing of a review is edited as a row."""

    list_title = gettext_lazy("Reviews")

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        review = self._review(request, object_id)
        return self._show(request, review) if review else self._nothing(request, object_id)

    def do(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Back to the review with what became of it; or the page with what was typed, and why not."""
        review = self._review(request, object_id)
        if review is None:
            return self._nothing(request, object_id)
        verb, form = request.POST.get("do", ""), _form(review, request.POST)
        if not form.is_valid():
            return self._show(request, review, form, "", 422)
        try:
            said = _do(request, review, verb, _answers_for(verb, review, form.answers()))
        except RulebookError as refusal:
            if _done_a_moment_ago(request, review, verb):
                return HttpResponseRedirect(address(review))
            field = refusal.field if isinstance(refusal, FieldRefused) else ""
            if field in form.fields:
                form.add_error(field, str(refusal))
            status = 403 if isinstance(refusal, NotAllowed) else 422 if isinstance(refusal, FieldRefused) else 409
            return self._show(request, self._review(request, object_id) or review, form, str(refusal), status)
        if said:
            messages.success(request, said)
        if hidden := told({kind for text in request.POST.values() for kind in scrub(str(text)).hidden}):
            messages.info(request, hidden)
        return HttpResponseRedirect(trial_address(review) if verb == "try" else address(review))

    def _show(
        self,
        request: HttpRequest,
        review: Review,
        form: AnswersForm | None = None,
        refusal: str = "",
        status: int = 200,
    ) -> HttpResponse:
        person = cast(Person, request.user)
        at = queries.situation_of(review, person)
        form = form or _form(review)
        for field in form.fields.values():
            field.widget.attrs["form"] = FORM
        offered = review_steps.offers(at)
        deciding = [offer for offer in offered if offer.verb != "withdraw"]
        main = "keep" if review.state == State.LAPSING else "remove"  # what lapses goes by itself
        open_still = review.is_open and review.state != State.DECIDED
        trials = trials_of(review)
        context = {
            **self._decided(at),
            **self._asked(request, at),
            **afterwards_of(request, at, may_decide=may_decide(at)),
            "review": review,
            "rule": review.rule,
            "original": review,
            "title": review.rule.title,
            "form": form,
            "refusal": refusal,
            "tried": request.POST.get("do", "") if refusal or form.errors else "",
            "tags": [review.get_state_display(), authority(review.rule)],
            "full": lanes.full_because(at) if open_still else [],
            "staying": review.state == State.LAPSING,
            "first": next((offer for offer in deciding if offer.verb == main), None),
            "others": [(offer, [form[name] for name in offer.fields]) for offer in deciding if offer.verb != main],
            "withdraw": next((offer for offer in offered if offer.verb == "withdraw"), None),
            "trying": review_steps.trying(at),
            "may_decide": bool(deciding),
            "whom_to_ask": at.not_theirs if open_still and not deciding else "",
            "open_still": open_still,
            "heard": at.heard,
            "owners_say": owners_say(at),
            "owner_waited_for": bool(at.answerable),
            "new_words": guards.the_words_stood_still(at) if open_still else "",
            "recommended": recommendation(at) if open_still else None,
            "known": review_words.evidence_rows(review),
            "timeline": review_words.review_timeline(review, trials, names=request.user.has_perm("journal.view_actor")),
            "form_id": FORM,
            "was": services.stamp(review),
            "trials": trials,
            "may_end_trial": review.state == State.ON_TRIAL and may_decide(at),
        }
        return self._page(request, "page", context, status)

    def _decided(self, at: Situation) -> dict[str, Any]:
        """How it stands, what was decided, and the way back."""
        review = at.review
        answerable = review.state == State.ESCALATED and not review.answered_on
        return {
            "stands": review_words.confirmation(at),
            "undo": review_steps.undo_of(at) if not at.not_theirs else None,
            "tool": guards.the_tool_is_changed(at) if review.state == State.DECIDED else "",
            "notice": at.notice,
            "told": receipts_by_team(at.notice) if at.notice is not None and at.notice.published_on else [],
            "notice_words": review_words.notice_words(at),
            "rewording": review_words.rewording(at),
            "waits_for_answer": answerable,
            "too_long": review_words.too_long(review, at.today),
            "may_answer": answerable and not at.not_theirs,
        }

    def _asked(self, request: HttpRequest, at: Situation) -> dict[str, Any]:
        """The owner's yes and objection, and the fence."""
        review, fence = at.review, at.fence
        wanted = lanes.is_full(at) and fence is None and review.state in states.UNDER_WAY
        may_write = request.user.pk in at.answerable or request.user.has_perm(states.DECIDE)
        until = guards.fence_until(at) if wanted else None
        return {
            "may_agree": review_steps.may_agree(at),
            "objecting": review_steps.may_object(at) if review_steps.may_agree(at) else None,
            "objection": request.POST.get("objection", ""),
            "fence": fence,
            "fence_wanted": wanted,
            "fence_until": long_day(until) if until and at.today < until else "",
            "fence_refusal": guards.the_fence_is_somebody_elses(at) if wanted else "",
            "may_write_fence": may_write,
            "typed": {name: request.POST.get(name, "") for name in ("comes_from", "counter", "their_answer")},
        }

    def _review(self, request: HttpRequest, object_id: Any) -> Review | None:
        """Raises PermissionDenied for somebody who may not look at reviews."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        number = str(object_id)
        if not (number.isascii() and number.isdecimal()) or len(number) > 18:
            return None
        return queries.review_numbered(int(number))

    def _nothing(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        return cast(HttpResponse, self._get_obj_does_not_exist_redirect(request, self.opts, str(object_id)))

    def _page(self, request: HttpRequest, name: str, context: dict[str, Any], status: int = 200) -> HttpResponse:
        frame = {**self.admin_site.each_context(request), "opts": self.opts, "model_admin": self}
        request.list_title = context.get("list_title", self.list_title)  # type: ignore[attr-defined]  # for the frame's way back to the list
        return TemplateResponse(request, f"desk/review/{name}.html", {**frame, **context}, status=status)


def _form(review: Review, sent: Any = None) -> AnswersForm:
    """Prefilled with what was answered before; a new wording begins with the words that the rule has."""
    begun = {name: getattr(review, name) for name in AnswersForm.base_fields}
    if not review.new_title and not review.new_text:
        begun |= {"new_title": review.rule.title, "new_text": review.rule.text}
    begun["limit"] = review.limit or review.rule.decision_limit
    begun["effective_on"] = review.not_before
    form = AnswersForm(sent, initial=begun)
    form.give_room()
    return form


def _answers_for(verb: str, review: Review, given: Answers) -> Answers:
    """What belongs to the button that was pressed: a title that stood ready for "Simplify" is no answer to "Remove"."""
    names = {*COMMON, *review_steps.FIELDS.get(verb, ())}
    if verb == "save":
        names = {*COMMON, *(name for fields in review_steps.FIELDS.values() for name in fields)}
        same = (given.get("new_title"), given.get("new_text")) == (review.rule.title, review.rule.text)
        names -= {*NEW_WORDS} if same else set()
    return cast(Answers, {name: value for name, value in given.items() if name in names})


def _do(request: HttpRequest, review: Review, verb: str, answers: Answers) -> str:
    """Call the service of the button that was pressed; what the page says then. Raises RulebookError."""
    by, post = acting(request), request.POST
    fence = {name: post.get(name, "") for name in ("comes_from", "counter")}
    doing: dict[str, Callable[[], Any]] = {
        "save": lambda: services.answer_questions(review=review, answers=answers, was=post.get("was", ""), by=by),
        "full": lambda: services.answer_questions(review=review, answers={"full_asked": True}, by=by),
        "agree": lambda: services.agree(review=review, by=by),
        "object": lambda: services.object_to(review=review, objection=post.get("objection", ""), by=by),
        "fence": lambda: services.write_fence(review=review, purpose=post.get("fence_purpose", ""), by=by, **fence),
        "tool": lambda: services.tool_is_changed(review=review, by=by),
        "words": lambda: services.take_in_new_words(review=review, by=by),
        "try": lambda: ready_to_try(review=review, answers=answers, by=by),
        "extend": lambda: extend_trial(trial=running_one(review), by=by),
        "looked": lambda: look_again(review=review, by=by),
        "answer": lambda: services.answer_escalation(review=review, answer=post.get("their_answer", ""), by=by),
    }
    if verb in doing:
        doing[verb]()
        return _("Saved. Nothing is decided yet.") if verb == "save" else ""
    offered = (*review_steps.FIELDS, "declare_myth", "withdraw", "undo", "end_trial", "revert_trial")
    if verb not in offered:
        raise FieldRefused("", _("Choose what becomes of the rule."))
    seen = {name: post.get(name, "") for name in ("seen", "was")}
    services.transition(review=review, verb=verb, answers=answers, by=by, **seen)
    return ""


def may_decide(at: Situation) -> bool:
    """Whether this person decides about this rule at all."""
    return at.person is not None and at.person.has_perm(states.DECIDE) and not at.not_theirs


def _done_a_moment_ago(request: HttpRequest, review: Review, verb: str) -> bool:
    """A second click: this person has just done the same."""
    outcome = states.row(verb).outcome if verb in {row.verb for row in states.TABLE} else None
    fresh = Review.objects.get(pk=review.pk)
    mine = fresh.decided_by_id == request.user.pk and fresh.decided_on == timezone.localdate()
    changed = fresh.state != request.POST.get("seen", "")
    if verb == "undo":
        return changed and fresh.undone_on == timezone.localdate() and fresh.state == State.ASSESSING
    return outcome is not None and mine and changed and fresh.outcome == outcome
