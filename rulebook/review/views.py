"""Where the one link of a letter leads: a rule, what comes in its place, and two buttons. Made for a phone."""

from typing import cast

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from rulebook.access.kept import ask_to_sign_in
from rulebook.access.models import Person
from rulebook.catalogue.services import FieldRefused
from rulebook.errors import NotAllowed, RulebookError
from rulebook.journal.services import Acting
from rulebook.review import guards, queries, states
from rulebook.review.models import State
from rulebook.review.owners import said_by_owner
from rulebook.review.services import agree, object_to
from rulebook.review.situation import Situation
from rulebook.review.telling import how_it_stands

VIEW = "review.view_review"


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def review(request: HttpRequest, number: int) -> HttpResponse:
    """The owner's yes or no, with a reason. Others who may look at reviews read it; 403 for everybody else."""
    if not request.user.is_authenticated:
        return ask_to_sign_in(request)
    at = _situation(request, number)
    if request.method != "POST":
        return _page(request, at)
    objection = request.POST.get("objection", "")
    try:
        _answer(request, at, objection)
    except RulebookError as refusal:
        status = 422 if isinstance(refusal, FieldRefused) else 403 if isinstance(refusal, NotAllowed) else 409
        return _page(request, _situation(request, number), str(refusal), objection, status)
    return HttpResponseRedirect(queries.address_of(at.review))


def _situation(request: HttpRequest, number: int) -> Situation:
    """Raises Http404 without such a review, PermissionDenied for somebody whom it is none of."""
    found = queries.review_numbered(number)
    if found is None:
        raise Http404
    person = cast(Person, request.user)
    at = queries.situation_of(found, person)
    if person.pk not in at.answerable and not person.has_perm(VIEW):
        raise PermissionDenied
    return at


def _answer(request: HttpRequest, at: Situation, objection: str) -> None:
    verb, by = request.POST.get("do", ""), cast(Acting, request.user)
    if verb == "agree":
        agree(review=at.review, by=by)
    elif verb == "object":
        object_to(review=at.review, objection=objection, by=by)
    else:
        raise FieldRefused("", _("Choose: yes, or object and say why."))


def _page(
    request: HttpRequest, at: Situation, refusal: str = "", objection: str = "", status: int = 200
) -> HttpResponse:
    answers = not guards.only_who_answers_for_it(at)
    open_still = at.review.is_open and at.review.state != State.LAPSING
    context = {
        "review": at.review,
        "rule": at.rule,
        "said": said_by_owner(at),
        "stands": how_it_stands(at.review),
        "until": at.review.owner_until,
        "may_agree": answers and open_still and at.review.owner_agreed_on is None and not at.review.objection,
        "why_not_object": states.first_refusal(states.row("object"), at),
        "refusal": refusal,
        "objection": objection,
        "at_desk": request.user.has_perm(VIEW),
    }
    return render(request, "review/review.html", context, status=status)
