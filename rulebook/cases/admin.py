"""Contacts, their links, sources and imports. No page shows the keys of a customer or an agent, or counts contacts.

A list of millions is never counted or sorted as a whole: it comes in the order of an index, and its search and
filters ask what an index answers.
"""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.core.paginator import EmptyPage
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.paginator import InfinitePaginator

from rulebook.cases import pages, sentences, upload_pages
from rulebook.cases.forms import SourceForm
from rulebook.cases.models import Case, CaseRule, DirtyMonth, Effect, ImportRun, PendingLink, Source, Upload
from rulebook.cases.services import set_policy, set_retired
from rulebook.catalogue.queries import rule_ids_by_name
from rulebook.journal.pages import ReadOnlyAdmin, ServiceAdmin, acting
from rulebook.tables.values import clean_key

BEFORE_LISTS = "cases/neighbours.html"
MOST_PAGES = 400
OF_A_RULE = ("-effect", "-case_id", "-pk")  # its index from behind: blocked before applied, the newest first
OVERDUE = '<span class="rb-overdue">{}</span>'
TOLD_NO = '<span class="rb-diamond" aria-hidden="true"></span>{}'


class FirstPages(InfinitePaginator):
    """A page far down walks over every row before it; whoever looks for one row searches."""

    def validate_number(self, number: Any) -> int:
        page = int(super().validate_number(number))
        if page > MOST_PAGES:
            raise EmptyPage
        return page


class LargeAdmin(ReadOnlyAdmin):
    """A table of millions: never counted as a whole, in the order of an index, searched by whole ids."""

    paginator = FirstPages
    ordering = ["-pk"]
    sortable_by = ()
    list_per_page = 25
    list_before_template = BEFORE_LISTS
    empty_value_display = ""

    def get_search_results(self, request: HttpRequest, queryset: QuerySet, term: str) -> tuple[QuerySet, bool]:
        term = clean_key(term)
        return (self.found(queryset, term) if term else queryset), False

    @abstractmethod
    def found(self, queryset: QuerySet, term: str) -> QuerySet:
        """The rows that the whole of `term` names."""


def in_every_source() -> list[int]:
    """The numbers of all sources: an index that begins with the source then answers for all of them."""
    return list(Source.objects.order_by("pk").values_list("pk", flat=True))


@admin.register(Source)
class SourceAdmin(ServiceAdmin):
    """How a source measures, and whether it still delivers. Imports make sources; nothing here reads their cases."""

    object_type = "source"
    form = SourceForm
    list_display = ["name", "policy", "complete", "health"]
    sortable_by = ()
    search_fields = ["name"]
    ordering = ["name"]
    list_before_template = BEFORE_LISTS
    readonly_fields = ["complete", "health", "zone", "customers"]
    fieldsets = [
        (None, {"fields": ["health", "complete"]}),
        (gettext_lazy("What counts as resolved"), {"fields": ["method", "window_days", "key"]}),
        (gettext_lazy("Fixed by its first import"), {"fields": ["zone", "customers"]}),
        (gettext_lazy("When it sends no more cases"), {"fields": ["retired"]}),
    ]

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> Any:
        runs = ImportRun.objects.filter(source=OuterRef("pk"))
        promised = runs.filter(
            state=ImportRun.State.FINISHED, complete_until=OuterRef("horizon"), horizon=F("complete_until")
        )
        return (
            super()
            .get_queryset(request)
            .annotate(
                running=Exists(runs.filter(state=ImportRun.State.RUNNING)),
                newest_run=Subquery(runs.order_by("-started_at", "-pk").values("state")[:1]),
                promised=Exists(promised),
            )
        )

    def journal_code(self, obj: Source) -> str:
        return obj.name

    @admin.display(description=gettext_lazy("measured by"))
    def policy(self, source: Source) -> str:
        return sentences.policy(source)

    @admin.display(description=gettext_lazy("data complete to"))
    def complete(self, source: Source) -> str:
        return sentences.horizon(source) or _("No import has finished yet.")

    @admin.display(description=gettext_lazy("health"))
    def health(self, source: Source) -> str:
        broken = (ImportRun.State.FAILED, ImportRun.State.DEAD)
        pulse = sentences.Pulse(
            running=getattr(source, "running", False),
            failed=getattr(source, "newest_run", None) in broken,
            promised=getattr(source, "promised", False),
        )
        health = sentences.health(source, pulse, timezone.now())
        return format_html(OVERDUE, health.text) if health.overdue else health.text

    @admin.display(description=gettext_lazy("time zone"))
    def zone(self, source: Source) -> str:
        return _("%(zone)s, for times without an offset") % {"zone": source.time_zone}

    @admin.display(description=gettext_lazy("customers"))
    def customers(self, source: Source) -> str:
        return _("those of %(space)s: sources of one customer space know a customer by one number") % {
            "space": source.space
        }

    def save_model(self, request: HttpRequest, obj: Source, form: Any, change: bool) -> None:
        given = form.cleaned_data
        measured = set_policy(
            source=obj,
            method=given["method"],
            window_days=given["window_days"],
            key=given["key"],
            by=acting(request),
        )
        retired = set_retired(source=obj, retired=given["retired"], by=acting(request))
        request.recomputed = measured or retired  # type: ignore[attr-defined]

    def response_change(self, request: HttpRequest, obj: Source) -> HttpResponse:
        if request.recomputed:  # type: ignore[attr-defined]
            said = _("Stored. The figures of %(source)s are being computed anew.") % {"source": obj.name}
            self.message_user(request, " ".join(filter(None, [said, upload_pages.worker_off()])))
        else:
            self.message_user(request, _("Nothing was changed."))
        return HttpResponseRedirect(reverse("admin:cases_source_changelist"))


@admin.register(Case)
class CaseAdmin(LargeAdmin):
    """Found by the help desk's own number; its page says what became of it, and which rules it met."""

    list_display = ["number", "source", "opened", "channel", "topic", "said"]
    list_filter = ["source"]
    search_fields = ["external_id"]
    search_help_text = gettext_lazy("A whole case number")

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        """Of one source where that is asked for: Django's filter is not even made where there is but one to choose."""
        shown = pages.shown_cases()
        return shown.filter(source_id=asked) if (asked := self.source_asked(request)) else shown

    def source_asked(self, request: HttpRequest) -> str:
        asked = request.GET.get("source__id__exact", "")
        return asked if asked.isdecimal() else ""

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Which cases of the page a rule blocked is asked for these alone: PostgreSQL would else read every link."""
        found = super().get_changelist_instance(request)
        found.result_list = list(found.result_list)
        listed = [case.pk for case in found.result_list]
        links = CaseRule.objects.filter(case_id__in=listed, effect=Effect.BLOCKED)
        blocked = set(links.values_list("case_id", flat=True))
        for case in found.result_list:
            case.blocked = case.pk in blocked
        return found

    def get_ordering(self, request: HttpRequest) -> Sequence[str]:
        """The newest of one source by its index of months; of all, the last that was stored."""
        return ["-opened_at", "-pk"] if self.source_asked(request) else self.ordering

    def found(self, queryset: QuerySet, term: str) -> QuerySet:
        return queryset.filter(source_id__in=in_every_source(), external_id=term)

    @admin.display(description=gettext_lazy("case number"))
    def number(self, case: Case) -> str:
        return case.external_id

    @admin.display(description=gettext_lazy("opened"))
    def opened(self, case: Case) -> str:
        return sentences.opened(case, case.source.time_zone)

    @admin.display(description=gettext_lazy("outcome"))
    def said(self, case: Case) -> str:
        blocked = getattr(case, "blocked", False)
        word = sentences.word(case, case.source, blocked)
        return format_html(TOLD_NO, word) if sentences.told_no(case, case.source, blocked) else word

    def get_urls(self) -> Any:
        view = self.admin_site.admin_view
        own = [
            path("<int:number>/link/", view(pages.link_case), name="cases_case_link"),
            path("<int:number>/unlink/<int:link>/", view(pages.unlink_case), name="cases_case_unlink"),
        ]
        return own + super().get_urls()

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> Any:
        if not self.has_view_permission(request):
            raise PermissionDenied
        is_number = object_id.isdecimal() and len(object_id) < 19
        case = pages.shown_cases().filter(pk=object_id).first() if is_number else None
        if case is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        return pages.show_case(request, case)


@admin.register(CaseRule)
class CaseRuleAdmin(LargeAdmin):
    list_display = ["case", "rule", "effect", "origin"]
    list_select_related = ["case", "rule"]
    linked_by = ("rule", "effect")
    search_fields = ["case__external_id"]
    search_help_text = gettext_lazy("A whole case number or code")

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest | None = None) -> bool:
        """An effect is asked for together with a rule only: by itself no index finds it."""
        alone = request is None or "rule__id__exact" not in request.GET
        return super().lookup_allowed(lookup, value, request) and not (alone and lookup.startswith("effect"))

    def get_ordering(self, request: HttpRequest) -> Sequence[str]:
        return OF_A_RULE if request.GET.get("rule__id__exact") else self.ordering

    def found(self, queryset: QuerySet, term: str) -> QuerySet:
        if rules := rule_ids_by_name([term]):
            return queryset.filter(rule_id=rules[term]).order_by(*OF_A_RULE)
        cases = Case.objects.filter(source_id__in=in_every_source(), external_id=term)
        return queryset.filter(case_id__in=list(cases.values_list("pk", flat=True)))


@admin.register(PendingLink)
class PendingLinkAdmin(LargeAdmin):
    list_title = gettext_lazy("Waiting links")
    list_display = ["number", "rule", "source", "said_effect", "says_who"]
    list_select_related = ["source"]
    linked_by = ("rule_name",)
    search_fields = ["external_id"]
    search_help_text = gettext_lazy("A whole case number or rule")

    @admin.display(description=gettext_lazy("case number"))
    def number(self, link: PendingLink) -> str:
        return link.external_id

    @admin.display(description=gettext_lazy("rule"))
    def rule(self, link: PendingLink) -> str:
        return link.rule_name

    @admin.display(description=gettext_lazy("effect"))
    def said_effect(self, link: PendingLink) -> str:
        return link.get_effect_display()

    @admin.display(description=gettext_lazy("says who"))
    def says_who(self, link: PendingLink) -> str:
        return link.get_origin_display()

    def found(self, queryset: QuerySet, term: str) -> QuerySet:
        by_rule = queryset.filter(rule_name=term)
        if by_rule.exists():
            return by_rule
        # A flag may wait for its case in any source.
        return queryset.filter(Q(source_id__in=in_every_source()) | Q(source=None), external_id=term)


@admin.register(ImportRun)
class ImportRunAdmin(ReadOnlyAdmin):
    list_title = gettext_lazy("Past imports")
    list_display = ["source", "state", "started_at", "counts"]
    list_filter = ["state", "source"]
    list_select_related = ["source"]
    list_before_template = BEFORE_LISTS
    ordering = ["-started_at", "-pk"]
    sortable_by = ()
    fieldsets = [
        (None, {"fields": ["source", "state", "started_at", "finished_at", "started_by"]}),
        (gettext_lazy("What it did"), {"fields": ["counts", "warnings", "complete_until", "horizon"]}),
    ]

    @admin.display(description=gettext_lazy("rows"))
    def counts(self, run: ImportRun) -> str:
        return sentences.counts(run) if run.state == ImportRun.State.FINISHED else ""


@admin.register(DirtyMonth)
class DirtyMonthAdmin(ReadOnlyAdmin):
    paginator = FirstPages
    list_display = ["source", "subject", "subject_id", "month"]
    list_filter = ["source", "subject"]
    list_select_related = ["source"]
    ordering = ["-pk"]
    sortable_by = ()


@admin.register(Upload)
class UploadAdmin(ReadOnlyAdmin):
    """Files that somebody brought through the browser. `add` is the first of the pages that import one."""

    list_title = gettext_lazy("Uploaded files")
    list_display = ["file_name", "state", "created_at", "by"]
    list_select_related = ["created_by"]
    ordering = ["-created_at", "-pk"]
    sortable_by = ()
    list_before_template = BEFORE_LISTS

    @admin.display(description=gettext_lazy("by"))
    def by(self, upload: Upload) -> str:
        return str(upload.created_by or "")

    def get_urls(self) -> Any:
        views = {
            "check": upload_pages.check_file,
            "progress": upload_pages.show_progress,
            "rejected": upload_pages.rejected_rows,
            "again": upload_pages.try_again,
            "discard": upload_pages.throw_away,
        }
        own = [
            path(f"<str:token>/{word}/", self.admin_site.admin_view(view), name=f"cases_upload_{word}")
            for word, view in views.items()
        ]
        return own + super().get_urls()

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return upload_pages.choose_file(request)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> Any:
        if not self.has_view_permission(request):
            raise PermissionDenied
        upload = self.get_object(request, object_id)
        if upload is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        return upload_pages.show_progress(request, upload.token)
