"""Asked of me: reviews that wait for this person's yes or objection, fences to write, escalations without an answer."""

from typing import Any, cast

from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from unfold.admin import ModelAdmin

from rulebook.access.models import Person
from rulebook.numbers import long_day
from rulebook.review import guards, queries
from rulebook.review.owners import said_by_owner

WAITING_KEY = "rulebook.desk.asked_of.{}"  # how many reviews wait for the yes of a person
WAITING_SECONDS = 10  # for so long the sidebar may not know what has happened in another process


class InboxPage(ModelAdmin):
    """`ReviewPages` takes it in."""

    def asked(self, request: HttpRequest) -> HttpResponse:
        if not request.user.has_perm("review.view_review"):
            raise PermissionDenied
        found = queries.asked_of(cast(Person, request.user))
        context = {
            "title": _("Asked of me"),
            "content_title": _("Asked of me"),
            "count": found.count,
            "yes": [(at, queries.address_of(at.review), said_by_owner(at)) for at in found.yes],
            "fences": [(at.review, _until(at)) for at in found.fences],
            "escalated": found.escalated,
        }
        pages = cast(Any, self)
        return cast(HttpResponse, pages._page(request, "asked", context))


def _until(at: Any) -> str:
    until = guards.fence_until(at)
    return long_day(until) if at.today < until else ""


def asked_waiting(request: HttpRequest) -> str:
    """How many reviews wait for this person's yes, for the sidebar; blank for none. Asked now and then."""
    if not request.user.has_perm("review.view_review"):
        return ""
    key = WAITING_KEY.format(request.user.pk)
    count = cache.get(key)
    if count is None:
        count = queries.waiting_for_yes(cast(Person, request.user)).count()
        cache.set(key, count, WAITING_SECONDS)
    return str(count) if count else ""
