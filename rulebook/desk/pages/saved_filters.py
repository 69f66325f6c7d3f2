"""Filters of the list of rules that people keep for themselves."""

from dataclasses import dataclass
from typing import cast

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_POST
from unfold.admin import ModelAdmin

from rulebook.access.models import Person
from rulebook.desk.models import SavedFilter
from rulebook.desk.services import MOST_FILTERS, forget_filter, own_parameters, save_filter
from rulebook.errors import RulebookError


@dataclass(frozen=True)
class Kept:
    """What the list shows of the person's own filters."""

    filters: list[SavedFilter]
    now: str  # the search and filters of the page
    this: SavedFilter | None  # the one that the page shows


class SavedFilters(ModelAdmin):
    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("filters/save/", wrap(self.save_filter_view), name="catalogue_rule_save_filter"),
            path("filters/<int:number>/forget/", wrap(self.forget_filter_view), name="catalogue_rule_forget_filter"),
            *super().get_urls(),
        ]

    def kept(self, request: HttpRequest) -> Kept:
        own = list(SavedFilter.objects.filter(person=request.user.pk)[:MOST_FILTERS])
        now = own_parameters(request.META.get("QUERY_STRING", ""))
        return Kept(own, now, next((saved for saved in own if saved.query == now), None))

    @method_decorator(require_POST)
    def save_filter_view(self, request: HttpRequest) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        query = own_parameters(request.POST.get("query", ""))
        try:
            save_filter(name=request.POST.get("name", ""), query=query, by=cast(Person, request.user))
        except RulebookError as refusal:
            messages.error(request, str(refusal))
        return _list_with(query)

    @method_decorator(require_POST)
    def forget_filter_view(self, request: HttpRequest, number: int) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        forget_filter(number=number, by=cast(Person, request.user))
        return _list_with(own_parameters(request.POST.get("query", "")))


def _list_with(query: str) -> HttpResponse:
    return HttpResponseRedirect(reverse("admin:catalogue_rule_changelist") + (f"?{query}" if query else ""))
