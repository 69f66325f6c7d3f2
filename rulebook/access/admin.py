"""People, departments and teams. Roles are no page: they follow the table in `roles.py`."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Group
from django.contrib.auth.views import PasswordChangeView
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _
from unfold.forms import AdminOwnPasswordChangeForm, AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminSelectWidget

from rulebook.access.models import Department, Person, Team
from rulebook.access.services import keep_department, keep_person, keep_team, password_changed
from rulebook.journal.pages import RefusingForm, ServiceAdmin, acting

admin.site.unregister(Group)


class PersonForm(RefusingForm, UserChangeForm):
    language = forms.ChoiceField(
        label=capfirst(_("language")),
        required=False,
        choices=[("", _("as the browser says")), *settings.LANGUAGES],
        widget=UnfoldAdminSelectWidget,
    )


class NewPersonForm(RefusingForm, UserCreationForm):
    class Meta(UserCreationForm.Meta):
        model = Person
        fields = ("username",)


@admin.register(Person)
class PersonAdmin(ServiceAdmin, UserAdmin):
    """Only somebody who may do everything can give that right, or change those who have it."""

    form = PersonForm
    add_form = NewPersonForm
    change_password_form = AdminPasswordChangeForm
    object_type = "person"
    list_display = ["username", "first_name", "last_name", "email", "team", "is_active"]
    list_filter = ["groups", "is_active", "team"]
    list_select_related = ["team"]
    ordering = ["username"]
    filter_horizontal = []
    fieldsets = [
        (None, {"fields": ["username", "password"]}),
        (_("Name"), {"fields": ["first_name", "last_name", "email", "language", "team"]}),
        (_("Rights"), {"fields": ["is_active", "is_staff", "groups"]}),
        (_("Dates"), {"fields": ["last_login", "date_joined"]}),
    ]
    add_fieldsets = UserAdmin.add_fieldsets  # Unfold's base class has none and would hide them
    readonly_fields = ["last_login", "date_joined"]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        fieldsets = super().get_fieldsets(request, obj)
        if obj is None or not request.user.is_superuser:
            return fieldsets
        return [*fieldsets, (_("Everything"), {"fields": ["is_superuser"]})]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        allowed = super().has_change_permission(request, obj)
        return allowed and (obj is None or not obj.is_superuser or request.user.is_superuser)

    def save_model(self, request: HttpRequest, obj: Person, form: forms.ModelForm, change: bool) -> None:
        keep_person(person=obj, groups=form.cleaned_data.get("groups"), by=acting(request))

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:
        with transaction.atomic():
            return super().user_change_password(request, id, form_url)

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """Django calls this for a new password too, which it stores without `save_model`."""
        if request.resolver_match and request.resolver_match.url_name == "auth_user_password_change":
            password_changed(person=obj, by=acting(request))


class OwnPasswordForm(AdminOwnPasswordChangeForm):
    """A password and its event: both or neither."""

    @transaction.atomic
    def save(self, commit: bool = True) -> Any:
        person = super().save(commit)
        password_changed(person=person, by=person)
        return person


def own_password(request: HttpRequest) -> Any:
    """The site's page for one's own password, whose form tells the journal."""
    view = PasswordChangeView.as_view(
        form_class=OwnPasswordForm,
        success_url=reverse("admin:password_change_done"),
        extra_context=admin.site.each_context(request),
    )
    return view(request)


@admin.register(Department)
class DepartmentAdmin(ServiceAdmin):
    object_type = "department"
    list_display = ["name", "head", "deputy"]
    list_select_related = ["head", "deputy"]
    search_fields = ["name"]
    autocomplete_fields = ["head", "deputy"]
    ordering = ["name", "pk"]

    def save_model(self, request: HttpRequest, obj: Department, form: forms.ModelForm, change: bool) -> None:
        keep_department(department=obj, by=acting(request))


@admin.register(Team)
class TeamAdmin(ServiceAdmin):
    object_type = "team"
    list_display = ["name", "department", "headcount"]
    list_select_related = ["department"]
    search_fields = ["name"]
    autocomplete_fields = ["department"]
    ordering = ["name", "pk"]

    def save_model(self, request: HttpRequest, obj: Team, form: forms.ModelForm, change: bool) -> None:
        keep_team(team=obj, by=acting(request))
