"""Notices on a phone: what is to be read, a card each; what holds today; the earlier ones, to be found again.

Who has read what is stored for the reader alone, so every page asks not to be kept.
"""

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from rulebook.access.calendar import add_working_days
from rulebook.access.limits import too_many, within_limit
from rulebook.access.voices import Voice, needs_voice, voice_of
from rulebook.errors import WrongState
from rulebook.notices.digest import last_working_day
from rulebook.notices.models import Notice
from rulebook.notices.queries import earlier, new_or_near, told_to, unread
from rulebook.notices.services import mark_read
from rulebook.notices.words import cards

MINUTE = 60  # seconds
RECEIPTS_A_MINUTE = 60
SEARCHES_A_MINUTE = 60
PAGE = 20
LONGEST_QUERY = 200  # characters that are looked at


@never_cache
@needs_voice
@require_http_methods(["GET", "HEAD", "POST"])
def unread_notices(request: HttpRequest) -> HttpResponse:
    """The first notice that this reader has to read. ?of= how many there were when the reader began."""
    voice = _voice(request)
    if request.method != "POST":
        return _card(request, voice, _number(request.GET.get("of", "")))
    if not within_limit(request, "receipt of notice", RECEIPTS_A_MINUTE, MINUTE):
        return too_many(request)
    of = _number(request.POST.get("of", ""))
    try:
        notice = Notice(pk=_number(request.POST.get("notice", "")))
        mark_read(notice=notice, voice=voice, seen=request.POST.get("text", ""))
    except WrongState as reason:
        return _card(request, voice, of, said=str(reason), status=409)
    return HttpResponseRedirect(f"{reverse('notices')}?of={of}" if of else reverse("notices"))


@never_cache
@needs_voice
@require_safe
def today_page(request: HttpRequest) -> HttpResponse:
    """Ten minutes in the morning: what changes today and tomorrow, and what is new since the last working day."""
    voice, today = _voice(request), timezone.localdate()
    since = last_working_day(today)
    changes, new = new_or_near(voice, since, add_working_days(today, 1))
    context = {
        "today": today,
        "since": since,
        "changes": cards(changes),
        "new": cards(new),
        "waiting": len(unread(voice)),
    }
    return render(request, "notices/today.html", context)


@never_cache
@needs_voice
@require_http_methods(["GET", "HEAD", "POST"])
def earlier_notices(request: HttpRequest) -> HttpResponse:
    """All that holds, the newest first. What is looked for comes by POST: no address and no log holds what is typed."""
    asked = request.POST.get("q", "").strip()[:LONGEST_QUERY]
    if request.method == "POST" and not within_limit(request, "notice search", SEARCHES_A_MINUTE, MINUTE):
        return too_many(request)
    page = max(1, _number(request.POST.get("page", "") or request.GET.get("page", "")))
    context = {**_earlier(_voice(request), asked, page), "asked": asked}
    return render(request, "notices/earlier.html", context)


@never_cache
@needs_voice
@require_safe
def one_notice(request: HttpRequest, number: int) -> HttpResponse:
    """One notice to look at again; what was never told to this reader is not there."""
    voice = _voice(request)
    notice = get_object_or_404(told_to(voice), pk=number)
    waiting = [one.pk for one in unread(voice)]
    return render(request, "notices/one.html", {"card": cards([notice])[0], "waits": notice.pk in waiting})


def _card(request: HttpRequest, voice: Voice, of: int, said: str = "", status: int = 200) -> HttpResponse:
    waiting = unread(voice)
    of = of if len(waiting) <= of <= len(waiting) + RECEIPTS_A_MINUTE else len(waiting)
    context: dict[str, Any] = {"of": of, "place": of - len(waiting) + 1, "said": said}
    if waiting:
        return render(request, "notices/unread.html", {**context, "card": cards(waiting[:1])[0]}, status=status)
    return render(request, "notices/none.html", {**context, **_earlier(voice, "", 1), "asked": ""}, status=status)


def _earlier(voice: Voice, asked: str, page: int) -> dict[str, Any]:
    page = min(page, 1_000)  # a page far down walks over all before it
    found = list(earlier(voice, asked)[(page - 1) * PAGE : page * PAGE + 1])
    later = page + 1 if len(found) > PAGE else 0
    return {"found": cards(found[:PAGE]), "page": page, "newer": page - 1, "older": later}


def _number(sent: str) -> int:
    """A number as forms and addresses send it; 0 for anything else."""
    return int(sent) if sent.isascii() and sent.isdecimal() and len(sent) <= 9 else 0


def _voice(request: HttpRequest) -> Voice:
    voice = voice_of(request)
    assert voice is not None, "needs_voice lets nobody else in"
    return voice
