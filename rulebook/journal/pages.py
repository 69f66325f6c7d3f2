"""What our admin pages share: services do the writing, and the journal is the one trail of it."""

from collections.abc import Callable, Iterator
from typing import Any, cast
from urllib.parse import urlencode

from django import forms
from django.contrib.admin import display
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, OperationalError
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.views import ChangeList

from rulebook.errors import LostRace, RulebookError
from rulebook.journal.services import Acting, is_lost_race

# How Django's filters of choices, switches and other rows ask.
OFFERED = frozenset({"", "exact", "isnull", "id__exact"})
MEANWHILE = _("Somebody else stored something of the same name at this moment. Nothing was stored here; save it again.")


class OfferedOrder(ChangeList):
    """An address sorts a list by what its headings offer: of millions, any other order would take the server away."""

    def get_ordering_field(self, field_name: Any) -> Any:
        offered = self.sortable_by is None or field_name in self.sortable_by
        return super().get_ordering_field(field_name) if offered else None


class ListedLookups(ModelAdmin):
    """An address filters a list by what its filters offer, and by nothing else.

    Django would take any column: a list of contacts could then be asked for those of one agent or one customer.
    """

    linked_by: tuple[str, ...] = ()  # columns that our own links filter by, besides `list_filter`
    list_title: Any = ""  # what the menu calls the list; "": as the admin does

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest | None = None) -> bool:
        column, _, how = lookup.partition("__")
        return column in {*self.list_filter, *self.linked_by} and how in OFFERED

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return OfferedOrder

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        named = {"title": self.list_title} if self.list_title else {}
        request.list_title = self.list_title  # type: ignore[attr-defined]  # for the frame's way back to the list
        return super().changelist_view(request, {**named, **(extra_context or {})})

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        request.list_title = self.list_title  # type: ignore[attr-defined]
        return super().changeform_view(request, *args, **kwargs)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Whoever may only look is led by a name to a page only where that person may open it."""
        found = super().get_fieldsets(request, obj)
        if self.has_change_permission(request, obj):
            return found
        closed = {name: named_alone(self.opts.get_field(name)) for name in self._leading_nowhere(request)}
        return [
            (title, {**options, "fields": [_swapped(field, closed) for field in options["fields"]]})
            for title, options in found
        ]

    def _leading_nowhere(self, request: HttpRequest) -> Iterator[str]:
        for field in self.opts.fields:
            pages = self.admin_site._registry.get(field.related_model) if field.many_to_one else None
            if pages and not pages.has_view_permission(request):
                yield field.name


def named_alone(field: Any) -> Callable[[Model], str]:
    """What the admin shows of a row's neighbour in place of a link to it."""

    @display(description=field.verbose_name)
    def shown(row: Model) -> str:
        return str(getattr(row, field.name) or "")

    shown.__name__ = field.name
    return shown


def _swapped(field: Any, closed: dict[str, Callable[[Model], str]]) -> Any:
    """`field`, or each of those that stand in one line."""
    return [closed.get(one, one) for one in field] if isinstance(field, (list, tuple)) else closed.get(field, field)


class ReadOnlyAdmin(ListedLookups):
    """Rows that imports and services write: to be looked at."""

    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


def acting(request: HttpRequest) -> Acting:
    """Who sent the request. The admin has seen to it that somebody signed in."""
    return cast(Acting, request.user)


class RefusingForm(forms.ModelForm):
    """A form that can also say why a service refused what it was given."""

    refusal: RulebookError | None = None

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        if self.refusal is not None:
            field = getattr(self.refusal, "field", None)
            self.add_error(field if field in self.fields else None, str(self.refusal))
        return cleaned


class ServiceAdmin(ListedLookups):
    """Rows that people write, through a service: `save_model` calls it, and nothing is ever deleted here.

    A RulebookError undoes the request and is shown on the form, and so is a race lost to somebody else. Django's own
    log of the admin is not kept: it would be a second trail, with names and titles in it that nobody could erase.
    "History" leads to the journal.
    """

    form = RefusingForm
    object_type = ""  # as the journal calls it

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except RulebookError as refusal:
            request.refusal = refusal  # type: ignore[attr-defined]
        except (IntegrityError, OperationalError) as error:
            if isinstance(error, OperationalError) and not is_lost_race(error):
                raise
            request.refusal = LostRace(str(MEANWHILE))  # type: ignore[attr-defined]
        return super().changeform_view(request, object_id, form_url, extra_context)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        form.refusal = getattr(request, "refusal", None)  # the class is made anew for each request
        return form

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Nothing is left to do: the service has stored what belongs to the row."""

    def construct_change_message(self, request: HttpRequest, form: Any, formsets: Any, add: bool = False) -> Any:
        return []  # for Django's log, which is not kept

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        return None

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        return None

    def journal_code(self, obj: Any) -> str:
        """How the journal's events name this row."""
        return str(obj.pk)

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied  # the address it leads to names the row
        obj = self.get_object(request, object_id)
        code = self.journal_code(obj) if obj is not None else object_id
        query = urlencode({"object_type": self.object_type, "object_code": code})
        return HttpResponseRedirect(f"{reverse('admin:journal_event_changelist')}?{query}")
