"""Contacts, their links and imports: to be looked at. No page shows the keys of a customer or an agent."""

from django.contrib import admin
from unfold.paginator import InfinitePaginator

from rulebook.cases.models import Case, CaseRule, DirtyMonth, ImportRun, PendingLink, Source
from rulebook.journal.pages import ReadOnlyAdmin


class LargeAdmin(ReadOnlyAdmin):
    """A table of millions: never counted as a whole, in the order of its primary key."""

    paginator = InfinitePaginator
    ordering = ["-pk"]
    list_per_page = 50


@admin.register(Source)
class SourceAdmin(ReadOnlyAdmin):
    list_display = ["name", "time_zone", "space", "method", "window_days", "key", "retired", "horizon"]
    search_fields = ["name"]
    ordering = ["name"]


@admin.register(Case)
class CaseAdmin(LargeAdmin):
    list_display = ["external_id", "source", "opened_at", "channel", "topic", "outcome", "excluded"]
    list_filter = ["source", "outcome", "excluded"]
    list_select_related = ["source", "topic"]
    search_fields = ["external_id__exact"]
    fields = [
        "source", "external_id", "opened_at", "opened_day", "day_only", "closed_at", "channel", "topic", "team",
        "handoffs", "reopens", "replies", "handle_seconds", "declared", "survey", "excluded", "outcome",
    ]  # fmt: skip


@admin.register(CaseRule)
class CaseRuleAdmin(LargeAdmin):
    list_display = ["case", "rule", "effect", "origin"]
    list_filter = ["effect", "origin"]
    list_select_related = ["case", "rule"]
    search_fields = ["case__external_id__exact", "rule__code__exact"]


@admin.register(PendingLink)
class PendingLinkAdmin(LargeAdmin):
    list_display = ["external_id", "rule_name", "source", "effect", "origin"]
    list_filter = ["source", "effect"]
    list_select_related = ["source"]
    search_fields = ["external_id__exact", "rule_name__exact"]


@admin.register(ImportRun)
class ImportRunAdmin(ReadOnlyAdmin):
    list_display = [
        "source", "state", "started_at", "finished_at", "rows_read", "created", "updated", "excluded", "rejected",
    ]  # fmt: skip
    list_filter = ["state", "source"]
    list_select_related = ["source"]
    ordering = ["-started_at", "-pk"]


@admin.register(DirtyMonth)
class DirtyMonthAdmin(LargeAdmin):
    list_display = ["source", "subject", "subject_id", "month"]
    list_filter = ["source", "subject"]
    list_select_related = ["source"]
