"""The journal, to be read."""

from collections.abc import Iterator
from typing import Any, cast

from django.contrib import admin
from django.db.models import OuterRef, Subquery
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from rulebook.journal import words
from rulebook.journal.models import Actor, Event, Note
from rulebook.journal.pages import ReadOnlyAdmin


class SpokenFilter(admin.AllValuesFieldListFilter):
    """The codes that occur, in words."""

    def choices(self, changelist: Any) -> Iterator[Any]:
        say = words.thing if self.field_path == "object_type" else words.verb
        for choice, code in zip(super().choices(changelist), (None, *self.lookup_choices), strict=False):
            yield choice if code is None else {**cast(dict[str, Any], choice), "display": say(str(code))}


@admin.register(Event)
class EventAdmin(ReadOnlyAdmin):
    """In words; a filter, a search and the page of one event know the codes that are stored."""

    list_title = _("Journal")
    list_display = ["number", "at", "what", "object_code", "done", "was", "became"]
    list_filter = [("object_type", SpokenFilter), ("verb", SpokenFilter)]
    linked_by = ("object_code", "object_type", "verb")
    search_fields = ["=object_code", "=verb"]
    ordering = ["-number"]

    def get_queryset(self, request: HttpRequest) -> Any:
        names = Actor.objects.filter(number=OuterRef("actor")).values("name")[:1]
        return super().get_queryset(request).annotate(actor_name=Subquery(names))

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        """Who did it is for those who may see the actors."""
        shown: list[Any] = list(super().get_list_display(request))
        return [*shown, "who"] if request.user.has_perm("journal.view_actor") else shown

    @admin.display(description=_("what"))
    def what(self, event: Event) -> str:
        return words.thing(event.object_type)

    @admin.display(description=_("what happened"))
    def done(self, event: Event) -> str:
        return words.verb(event.verb)

    @admin.display(description=_("before"))
    def was(self, event: Event) -> str:
        return words.value(event.object_type, event.before)

    @admin.display(description=_("after"))
    def became(self, event: Event) -> str:
        return words.value(event.object_type, event.after)

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
