"""Pages that stand between somebody and what they sent, and hand back every word of it."""

from dataclasses import dataclass
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

NEVER_SENT_BACK = frozenset({"csrfmiddlewaretoken", "password"})
# Fields in which people write. What stands in others is for the program, unless a blank shows that it is text.
WRITTEN = frozenset(
    {"stopped", "own_words", "rule_words", "instead", "decision", "reason", "title", "text", "pasted", "lines"}
)
AGAIN_AFTER = 60  # seconds


@dataclass(frozen=True)
class Kept:
    """One field of a form that could not be taken."""

    name: str
    text: str

    @property
    def was_written(self) -> bool:
        """Whether a person reads their own words in it."""
        return bool(self.text.strip()) and (self.name in WRITTEN or len(self.text.split()) > 1)


def ask_to_sign_in(request: HttpRequest) -> HttpResponse:
    """To the door, and from there back to this page. What was sent without a sign-in is shown, to be kept."""
    asked = request.method in {"GET", "HEAD"}
    door = f"{reverse('sign_in')}?{urlencode({'next': request.get_full_path() if asked else request.path})}"
    if request.headers.get("HX-Request"):
        return HttpResponse(status=204, headers={"HX-Redirect": door})
    if asked:
        return HttpResponseRedirect(door)
    return render(request, "agent/not_signed_in.html", {"door": door, "kept": kept(request)}, status=403)


def too_many(request: HttpRequest) -> HttpResponse:
    """429: what was sent stands on the page, with a button that sends it once more."""
    context = {"kept": kept(request), "again": request.get_full_path(), "posted": request.method == "POST"}
    response = render(request, "agent/too_many.html", context, status=429)
    response["Retry-After"] = str(AGAIN_AFTER)
    return response


def kept(request: HttpRequest) -> list[Kept]:
    """What the form held, field by field, without what nobody should see again."""
    fields = request.POST.lists()
    return [Kept(name, text) for name, texts in fields if name not in NEVER_SENT_BACK for text in texts]


def back_to(request: HttpRequest, otherwise: str) -> str:
    """The address in `next` where it is one of ours, else the page of that name: no link leads from here elsewhere."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    ours = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if ours else reverse(otherwise)
