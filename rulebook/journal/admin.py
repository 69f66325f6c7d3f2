"""The journal, to be read."""

from typing import Any

from django.contrib import admin
from django.db.models import OuterRef, Subquery
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from rulebook.journal.models import Actor, Event, Note
from rulebook.journal.pages import ReadOnlyAdmin


@admin.register(Event)
class EventAdmin(ReadOnlyAdmin):
    list_display = ["number", "at", "object_type", "object_code", "verb", "before", "after"]
    list_filter = ["object_type", "verb"]
    linked_by = ("object_code",)
    search_fields = ["=object_code"]
    ordering = ["-number"]

    def get_queryset(self, request: HttpRequest) -> Any:
        names = Actor.objects.filter(number=OuterRef("actor")).values("name")[:1]
        return super().get_queryset(request).annotate(actor_name=Subquery(names))

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        """Who did it is for those who may see the actors."""
        shown: list[Any] = list(super().get_list_display(request))
        return [*shown, "who"] if request.user.has_perm("journal.view_actor") else shown

    @admin.display(description=_("who"))
    def who(self, event: Event) -> str:
        return str(getattr(event, "actor_name", "") or gettext("actor %(number)s") % {"number": event.actor})


@admin.register(Actor)
class ActorAdmin(ReadOnlyAdmin):
    list_display = ["number", "kind", "name"]
    list_filter = ["kind"]
    search_fields = ["name"]
    ordering = ["number"]


@admin.register(Note)
class NoteAdmin(ReadOnlyAdmin):
    list_display = ["number", "text"]
    search_fields = ["text"]
    ordering = ["-number"]
