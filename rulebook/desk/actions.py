"""What is done with many rules at once: the same change to each, and an export of them."""

import tempfile
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST
from unfold.admin import ModelAdmin

from rulebook.catalogue.exporting import write_rules
from rulebook.catalogue.models import Rule
from rulebook.desk.forms import CHANGES
from rulebook.desk.rule_list import voices
from rulebook.desk.services import MOST_AT_ONCE, change_many, own_parameters
from rulebook.errors import RulebookError
from rulebook.journal.pages import acting
from rulebook.votes.ballots import MOST_RULES

KINDS = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


class ManyRules(ModelAdmin):
    """Deleting is not among it: a rule is removed by a decision, and stays."""

    actions = [
        "set_department", "set_owner", "set_review_by", "set_intent", "add_topic", "put_to_ballot", "mark_for_removal",
        "export_csv", "export_excel",
    ]  # fmt: skip

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("change-many/<slug:what>/", wrap(self.change_many_view), name="catalogue_rule_change_many"),
            path("export/<slug:kind>/", wrap(self.export_view), name="catalogue_rule_export"),
            *super().get_urls(),
        ]

    @admin.action(description=gettext_lazy("Set the department"), permissions=["change"])
    def set_department(self, request: HttpRequest, queryset: QuerySet[Rule]) -> HttpResponseBase | None:
        return self._ask(request, "department", queryset)

    @admin.action(description=gettext_lazy("Set the owner"), permissions=["change"])
    def set_owner(self, request: HttpRequest, queryset: QuerySet[Rule]) -> HttpResponseBase | None:
        return self._ask(request, "owner", queryset)

    @admin.action(description=gettext_lazy("Set the review-by date"), permissions=["change"])
    def set_review_by(self, request: HttpRequest, queryset: QuerySet[Rule]) -> HttpResponseBase | None:
        return self._ask(request, "review_by", queryset)

    @admin.action(description=gettext_lazy("Set the intent"), permissions=["change"])
    def set_intent(self, request: HttpRequest, queryset: QuerySet[Rule]) -> HttpResponseBase | None:
        return self._ask(request, "intent", queryset)

    @admin.action(description=gettext_lazy("Add a topic"), permissions=["change"])
    def add_topic(self, request: HttpRequest, queryset: QuerySet[Rule]) -> HttpResponseBase | None:
        return self._ask(request, "topic", queryset)

    def has_ballot_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("votes.add_ballot")

    @admin.action(description=gettext_lazy("Put them to a ballot"), permissions=["ballot"])
    def put_to_ballot(self, request: HttpRequest, queryset: QuerySet[Rule]) -> HttpResponseBase | None:
        codes = list(queryset.order_by("code").values_list("code", flat=True)[: MOST_RULES + 1])
        if len(codes) > MOST_RULES:
            messages.error(request, _("A ballot is on %(most)s rules at most.") % {"most": MOST_RULES})
            return None
        return HttpResponseRedirect(f"{reverse('admin:votes_ballot_add')}?{urlencode({'rule': codes}, doseq=True)}")

    @admin.action(description=gettext_lazy("Export as CSV"), permissions=["view"])
    def export_csv(self, request: HttpRequest, queryset: QuerySet[Rule]) -> HttpResponseBase | None:
        return self._export(request, "csv", queryset)

    @admin.action(description=gettext_lazy("Export as Excel"), permissions=["view"])
    def export_excel(self, request: HttpRequest, queryset: QuerySet[Rule]) -> HttpResponseBase | None:
        return self._export(request, "xlsx", queryset)

    def _ask(self, request: HttpRequest, what: str, queryset: QuerySet[Rule]) -> HttpResponseBase | None:
        chosen = sorted(queryset.order_by().values_list("pk", flat=True)[: MOST_AT_ONCE + 1])
        if len(chosen) > MOST_AT_ONCE:
            text = _("At most %(most)s rules are changed at once. Narrow the list with a filter, and do it in parts.")
            messages.error(request, text % {"most": MOST_AT_ONCE})
            return None
        back = own_parameters(request.META.get("QUERY_STRING", ""))
        form = CHANGES[what](initial={"rules": ",".join(map(str, chosen)), "back": back})
        return self._change_page(request, what, form, chosen)

    @method_decorator(require_POST)
    def change_many_view(self, request: HttpRequest, what: str) -> HttpResponse:
        """The value comes back with the rules it is for; the list says what became of it."""
        if what not in CHANGES:
            raise Http404
        if not self.has_change_permission(request):
            raise PermissionDenied
        form = CHANGES[what](request.POST)
        if not form.is_valid():
            chosen = form.cleaned_data.get("rules", [])
            if not chosen:
                messages.error(request, _("It is no longer known which rules you chose. Choose them again."))
                return HttpResponseRedirect(reverse("admin:catalogue_rule_changelist"))
            return self._change_page(request, what, form, chosen)
        chosen = form.cleaned_data["rules"][:MOST_AT_ONCE]
        outcome = change_many(rule_ids=chosen, fields=form.fields_given(), topic=form.topic(), by=acting(request))
        level = messages.WARNING if outcome.refused else messages.SUCCESS
        messages.add_message(request, level, str(outcome))
        back = own_parameters(form.cleaned_data["back"])
        return HttpResponseRedirect(reverse("admin:catalogue_rule_changelist") + (f"?{back}" if back else ""))

    def _change_page(self, request: HttpRequest, what: str, form: Any, chosen: list[int]) -> HttpResponse:
        rules = Rule.objects.filter(pk__in=chosen).select_related("department").order_by("code")
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": form.question,
            "what": what,
            "form": form,
            "fields": list(form.visible_fields()),
            "rules": rules.only("code", "title", "department__name"),
            "back": own_parameters(str(form["back"].value() or "")),
        }
        return TemplateResponse(request, "desk/rules/change_many.html", context)

    def export_view(self, request: HttpRequest, kind: str) -> HttpResponseBase:
        """The rules that the list shows with the same address, on all its pages."""
        if kind not in KINDS:
            raise Http404
        if not self.has_view_permission(request):
            raise PermissionDenied
        answer = self._export(request, kind, self.get_changelist_instance(request).get_queryset(request))
        back = urlencode({name: value for name, value in request.GET.items() if value})
        return answer or HttpResponseRedirect(f"{reverse('admin:catalogue_rule_changelist')}?{back}")

    def _export(self, request: HttpRequest, kind: str, queryset: QuerySet[Rule]) -> HttpResponseBase | None:
        """Written whole, to a file without a name, before its first byte is sent: no export breaks off half-way."""
        rules = Rule.objects.filter(pk__in=queryset.order_by().values("pk")).select_related("figures")
        disk = tempfile.TemporaryFile()  # noqa: SIM115  (closed by the response that sends it)
        try:
            write_rules(disk, f".{kind}", rules, voices)
        except RulebookError as refusal:
            disk.close()
            messages.error(request, str(refusal))
            return None
        disk.seek(0)
        name = f"rules-{timezone.localdate().isoformat()}.{kind}"
        return FileResponse(disk, as_attachment=True, filename=name, content_type=KINDS[kind])
