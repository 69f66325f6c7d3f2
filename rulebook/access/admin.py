"""People, departments and teams, their links, and days on which the house is closed.

Roles are no page: they follow the table in `roles.py`.
"""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Group
from django.contrib.auth.views import PasswordChangeView
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Case, Value, When
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import path, reverse
from django.utils.text import capfirst
from django.utils.timezone import localtime
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.forms import AdminOwnPasswordChangeForm, AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminSelectWidget

from rulebook.access.letters import how_it_went
from rulebook.access.models import ClosedPeriod, Department, Letter, Person, Team, TeamLink
from rulebook.access.services import (
    keep_closed_period,
    keep_department,
    keep_person,
    keep_team,
    make_team_link,
    password_changed,
    revoke_team_link,
)
from rulebook.errors import RulebookError
from rulebook.journal.pages import ReadOnlyAdmin, RefusingForm, ServiceAdmin, acting
from rulebook.numbers import day

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


class LinkForm(forms.Form):
    team = forms.ModelChoiceField(
        Team.objects.order_by("name", "pk"),
        label=_("Which team is the link for?"),
        empty_label=_("Choose a team"),
        widget=UnfoldAdminSelectWidget,
        error_messages={"required": _("Choose a team."), "invalid_choice": _("This team is gone. Choose another.")},
    )


@admin.register(TeamLink)
class TeamLinkAdmin(ServiceAdmin):
    """Made here, told once, revoked here. What is stored of a link opens nothing."""

    object_type = "team"
    list_display = ["team", "made", "by", "standing"]
    list_select_related = ["team", "made_by"]
    sortable_by = ()

    def get_urls(self) -> Any:
        revoke = self.admin_site.admin_view(self.revoke_view)
        return [path("<int:number>/revoke/", revoke, name="access_teamlink_revoke"), *super().get_urls()]

    def get_queryset(self, request: HttpRequest) -> Any:
        """Those that work stand first: no day of revoking sorts first on one database and last on the other."""
        works = Case(When(revoked_at=None, then=Value(0)), default=Value(1))
        return super().get_queryset(request).order_by(works, "team__name", "-made_at", "pk")

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Answers with the secret itself and not with a way to it: it stands in no message, session or address."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = LinkForm(request.POST if request.method == "POST" else None)
        context = {**self.admin_site.each_context(request), "opts": self.opts, "title": gettext("Team links")}
        if form.is_bound and form.is_valid():
            team = form.cleaned_data["team"]
            try:
                token = make_team_link(team=team, by=acting(request))
            except RulebookError as refusal:
                form.add_error("team", str(refusal))
            else:
                path = reverse("team_door", kwargs={"token": token})
                address = settings.PUBLIC_URL + path if settings.PUBLIC_URL else request.build_absolute_uri(path)
                return render(request, "access/link_made.html", {**context, "team": team, "address": address})
        status = 422 if form.errors else 200
        return render(request, "access/team_link_add.html", {**context, "form": form}, status=status)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        link = self.get_object(request, object_id)
        if link is None:
            gone: HttpResponse = self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
            return gone
        context = {
            **self.admin_site.each_context(request),
            "title": str(link.team),
            "opts": self.opts,
            "link": link,
            "made": localtime(link.made_at),
            "revoked": link.revoked_at and localtime(link.revoked_at),
            "may_revoke": link.revoked_at is None and self.has_change_permission(request),
        }
        return render(request, "access/team_link.html", context)

    def revoke_view(self, request: HttpRequest, number: int) -> HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not self.has_change_permission(request):
            raise PermissionDenied
        link = get_object_or_404(TeamLink, pk=number)
        if revoke_team_link(link=link, by=acting(request)):
            self.message_user(request, gettext("Revoked. Every device that came by this link is a stranger now."))
        return HttpResponseRedirect(reverse("admin:access_teamlink_changelist"))

    def journal_code(self, obj: TeamLink) -> str:
        return str(obj.team_id)

    @admin.display(description=_("made"))
    def made(self, link: TeamLink) -> str:
        return day(localtime(link.made_at))

    @admin.display(description=_("by"))
    def by(self, link: TeamLink) -> str:
        return str(link.made_by or "")

    @admin.display(description=_("state"))
    def standing(self, link: TeamLink) -> str:
        if link.revoked_at is None:
            return gettext("works")
        return gettext("revoked %(day)s") % {"day": day(localtime(link.revoked_at))}


class ClosedPeriodForm(RefusingForm):
    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean() or {}
        first, last = cleaned.get("first"), cleaned.get("last")
        if first and last and last < first:
            self.add_error("last", gettext("The last day lies before the first. Both count as closed."))
        return cleaned


@admin.register(ClosedPeriod)
class ClosedPeriodAdmin(ServiceAdmin):
    object_type = "closed_period"
    form = ClosedPeriodForm
    list_display = ["name", "begins", "ends"]
    sortable_by = ()
    ordering = ["-first", "pk"]

    def save_model(self, request: HttpRequest, obj: ClosedPeriod, form: forms.ModelForm, change: bool) -> None:
        keep_closed_period(period=obj, by=acting(request))

    @admin.display(description=_("first day"))
    def begins(self, period: ClosedPeriod) -> str:
        return day(period.first)

    @admin.display(description=_("last day"))
    def ends(self, period: ClosedPeriod) -> str:
        return day(period.last)


@admin.register(Letter)
class LetterAdmin(ReadOnlyAdmin):
    """Letters with what became of each: people without a mail address, and houses without a server, read them here."""

    list_display = ["subject", "to", "written", "went"]
    list_select_related = ["to"]
    list_filter = ["state"]
    search_fields = ["subject"]
    sortable_by = ()
    fields = ["to", "subject", "body", "written", "went"]

    @admin.display(description=_("written"))
    def written(self, letter: Letter) -> str:
        return day(localtime(letter.written_at))

    @admin.display(description=_("what became of it"))
    def went(self, letter: Letter) -> str:
        return how_it_went(letter)
