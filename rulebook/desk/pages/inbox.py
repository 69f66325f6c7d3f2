"""Asked of me: reviews that wait for this person's yes or objection, fences to write, escalations without an answer,
and later review-by dates that wait for a second person.
"""

from typing import Any, cast

from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from unfold.admin import ModelAdmin

from rulebook.access.models import Person
from rulebook.desk.pages.date_words import agree_words, asked
from rulebook.desk.pages.review_words import too_long
from rulebook.numbers import long_day
from rulebook.review import guards, queries
from rulebook.review.owners import said_by_owner
from rulebook.review.sunset import dates_to_agree_to

WAITING_KEY = "rulebook.desk.asked_of.{}"  # how much waits for the yes of a person
WAITING_SECONDS = 10  # for so long the sidebar may not know what has happened in another process


class InboxPage(ModelAdmin):
    """`ReviewPages` takes it in."""

    def asked(self, request: HttpRequest) -> HttpResponse:
        if not request.user.has_perm("review.view_review"):
            raise PermissionDenied
        found = queries.asked_of(cast(Person, request.user))
        dates = list(dates_to_agree_to(cast(Person, request.user))[: queries.MOST_ASKED])
        context = {
            "title": _("Asked of me"),
            "list_title": _("Asked of me"),
            "content_title": _("Asked of me"),
            "count": found.count + len(dates),
            "yes": [(at, queries.address_of(at.review), said_by_owner(at)) for at in found.yes],
            "fences": [(at.review, _until(at)) for at in found.fences],
            "escalated": [(review, too_long(review, timezone.localdate())) for review in found.escalated],
            "dates": [(wish, asked(wish), agree_words(wish)) for wish in dates],
        }
        pages = cast(Any, self)
        return cast(HttpResponse, pages._page(request, "asked", context))


def _until(at: Any) -> str:
    until = guards.fence_until(at)
    return long_day(until) if at.today < until else ""


def asked_waiting(request: HttpRequest) -> str:
    """How many reviews wait for this person's yes, and later dates for a second person; blank for none. Asked now and
    then, for the sidebar.
    """
    if not request.user.has_perm("review.view_review"):
        return ""
    key = WAITING_KEY.format(request.user.pk)
    count = cache.get(key)
    if count is None:
        person = cast(Person, request.user)
        count = queries.waiting_for_yes(person).count() + dates_to_agree_to(person).count()
        cache.set(key, count, WAITING_SECONDS)
    return str(count) if count else ""
