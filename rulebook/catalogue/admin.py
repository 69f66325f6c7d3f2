"""Topics and what finds rules. The page of the rules themselves is `RulePages`, registered in desk."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db import connection
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline

from rulebook.access.models import Person
from rulebook.catalogue.cleaning import hidden_of
from rulebook.catalogue.finding import rules_matching
from rulebook.catalogue.forms import RuleForm
from rulebook.catalogue.models import Alias, Rule, RuleVersion, Topic
from rulebook.catalogue.services import change_rule, topic_at, write_down
from rulebook.journal.pages import ReadOnlyAdmin, ServiceAdmin, acting


@admin.register(Topic)
class TopicAdmin(ServiceAdmin):
    """Topics are added and never renamed: help desks go on sending the old name, and versions of rules hold it."""

    object_type = "topic"
    list_display = ["path"]
    search_fields = ["path"]
    ordering = ["path"]
    fields = ["path"]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Topic, form: forms.ModelForm, change: bool) -> None:
        topic = topic_at(path=obj.path, by=acting(request))
        obj.pk, obj.path, obj.parent = topic.pk, topic.path, topic.parent


@admin.register(Alias)
class AliasAdmin(ReadOnlyAdmin):
    list_display = ["name", "rule", "is_code"]
    list_filter = ["is_code"]
    list_select_related = ["rule"]
    search_fields = ["name", "rule__title"]
    ordering = ["name"]


@admin.register(RuleVersion)
class RuleVersionAdmin(ReadOnlyAdmin):
    list_display = ["rule", "number", "title", "applies_from", "applies_to"]
    list_select_related = ["rule"]
    search_fields = ["rule__code", "title"]
    ordering = ["rule__code", "number"]


class VersionInline(TabularInline):
    model = RuleVersion
    fields = ["number", "title", "applies_from", "applies_to"]
    readonly_fields = fields
    ordering = ["-number"]
    extra = 0
    max_num = 0
    can_delete = False
    hide_title = True


class RulePages(ServiceAdmin):
    """Rules are written down and changed by the services; nobody deletes one, and `status` is no field."""

    form = RuleForm
    object_type = "rule"
    inlines = [VersionInline]
    search_fields = ["code"]  # there is a search box; `rules_matching` says where it looks
    autocomplete_fields = ["department"]
    ordering = ["code"]
    fieldsets = [
        (None, {"fields": ["code", "status", "title", "text", "topics", "channels", "applies_from"]}),
        (_("For the customer"), {"fields": ["customer_hears", "decision_limit", "requirements"]}),
        (_("Reason"), {"fields": ["purpose", "heard_where", "source_reference", "review_by", "intent"]}),
        (_("Force"), {"fields": ["kind", "authority", "clause", "protective", "department", "owner"]}),
        (_("Names"), {"fields": ["aliases"]}),
    ]

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        """In codes, aliases, titles, texts and what customers hear; no rule comes twice."""
        return rules_matching(queryset, search_term), False

    def get_readonly_fields(self, request: HttpRequest, obj: Rule | None = None) -> list[str]:
        return ["status", "code"] if obj else ["status"]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        if "code" in form.base_fields:
            form.base_fields["code"].required = False
            form.base_fields["code"].help_text = _("Blank: the next free one.")
        return form

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Owners are chosen from a plain list: looking people up takes a right that managers have not."""
        if db_field.name == "owner":
            kwargs["queryset"] = Person.objects.order_by("first_name", "last_name", "username")
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """The form compares a stored rule with the one it showed; until the commit nobody may change it."""
        rule = super().get_object(request, object_id, from_field)
        if rule is not None and request.method == "POST" and connection.in_atomic_block:
            rule = Rule.objects.select_for_update().get(pk=rule.pk)
        return rule

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        return self.inlines if obj else []

    def journal_code(self, obj: Rule) -> str:
        return obj.code

    def save_model(self, request: HttpRequest, obj: Rule, form: RuleForm, change: bool) -> None:
        given = form.fields_given()
        if change:
            self.change_stored(request, obj, form)
        else:
            made = write_down(fields=given, by=acting(request), code=form.cleaned_data["code"])
            obj.pk, obj.code = made.pk, made.code
        if hidden := hidden_of(given):
            self.message_user(request, hidden, messages.WARNING)

    def change_stored(self, request: HttpRequest, rule: Rule, form: RuleForm) -> None:
        change_rule(rule=rule, fields=form.fields_given(), by=acting(request))

    # Shown to those who may only look; for the others the form has fields of these names.

    @admin.display(description=_("aliases"))
    def aliases(self, rule: Rule) -> str:
        return "; ".join(rule.names.filter(is_code=False).values_list("name", flat=True))

    @admin.display(description=_("applies from"))
    def applies_from(self, rule: Rule) -> Any:
        return rule.versions.order_by("-number").values_list("applies_from", flat=True).first()
