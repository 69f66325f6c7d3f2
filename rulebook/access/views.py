"""The doors of the front line, and what the product promises to those who come in."""

from django.contrib.auth import login, logout
from django.core.exceptions import NON_FIELD_ERRORS
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.csrf import csrf_failure
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from rulebook.access.forms import MANY, REFUSED, DoorForm
from rulebook.access.kept import back_to, kept
from rulebook.access.limits import may_try, too_many, within_limit
from rulebook.access.queries import SMALLEST_SHOWN, link_of
from rulebook.access.tokens import is_signed
from rulebook.access.voices import forget, remember, voice_of

# Of a team's door in ten minutes, from one address: a room of 300 phones may sit behind it, and try again.
OPENINGS = 900
GUESSES = 20  # at the secret of a link in ten minutes, from one address; those of links that we made are no guesses


def home(request: HttpRequest) -> HttpResponse:
    """The front line to its form, everybody else to the desk."""
    voice = voice_of(request)
    at_desk = voice is None or (voice.person is not None and voice.person.is_staff)
    return HttpResponseRedirect(reverse("admin:index" if at_desk else "flag"))


@never_cache
@require_safe
@sensitive_variables("token")
def team_door(request: HttpRequest, token: str) -> HttpResponse:
    """A team's link: the device is known from now on, and the secret is gone from the address."""
    guessed = not is_signed(token)
    if guessed and not may_try(request, "guess at a link", GUESSES, 600):
        return too_many(request)
    if not guessed and not within_limit(request, "team door", OPENINGS, 600):
        return too_many(request)
    link = link_of(token)
    if link is None:
        return render(request, "agent/closed_link.html", {"here": reverse("sign_in")}, status=404)
    response = HttpResponseRedirect(reverse("flag"))
    remember(request, response, link)
    return response


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_post_parameters("password")
def sign_in(request: HttpRequest) -> HttpResponse:
    """Opens the page that was asked for, else the one where this person works."""
    status, refusal = 200, ""
    if request.method == "POST":
        form = DoorForm(request, data=request.POST)
        if form.is_valid():
            login(request, form.get_user())
            return HttpResponseRedirect(back_to(request, "home"))
        many = form.has_error(NON_FIELD_ERRORS, "many")
        status, refusal = (429, str(MANY)) if many else (422, str(REFUSED))
    wanted = request.POST.get("next") or request.GET.get("next", "")
    context = {"name": request.POST.get("username", ""), "refusal": refusal, "next": wanted}
    return render(request, "agent/sign_in.html", context, status=status)


@never_cache
@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """Ends the session, and forgets the team's link on this device: the next one here may be somebody else."""
    logout(request)
    response = render(request, "agent/signed_out.html")
    forget(response)
    return response


@require_safe
def promise(request: HttpRequest) -> HttpResponse:
    """What this tool cannot do to you: for everybody, without a sign-in."""
    return render(request, "agent/promise.html", {"smallest": SMALLEST_SHOWN})


def page_was_old(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form whose token no longer fits, as after a sign-in in another tab: what was written is handed back."""
    if request.path.startswith(reverse("admin:index")):
        return csrf_failure(request, reason)
    context = {"kept": kept(request), "again": request.path}
    return render(request, "agent/page_was_old.html", context, status=403)
