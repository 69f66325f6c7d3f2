"""Read 30 contacts: one at a time, three keys. The reader opens each in the help desk, where its text is.

Neither flags nor links of a contact are shown: what others said of it must not lead the reading.
"""

from typing import Any, cast
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from rulebook.cases import sentences
from rulebook.cases.forms import RuleSelect
from rulebook.cases.models import Source
from rulebook.catalogue.models import Rule
from rulebook.desk.pages.flag_audits import found_sentence, missed_sentence
from rulebook.errors import NotAllowed, RulebookError
from rulebook.flags.audits import (
    DRAWN,
    contact,
    draw_audit,
    estimates,
    next_to_read,
    say_what_stopped,
    what_to_draw,
)
from rulebook.flags.models import Audit, AuditedCase
from rulebook.insight.queries import overview
from rulebook.journal.pages import ReadOnlyAdmin, acting

MAY_READ = "flags.change_audit"
MAY_DRAW = "flags.add_audit"
VERDICTS = (
    (AuditedCase.Verdict.RULE.value, "R", gettext_lazy("A rule stopped it")),
    (AuditedCase.Verdict.NO_RULE.value, "N", gettext_lazy("No rule stopped it")),
    (AuditedCase.Verdict.UNKNOWN.value, "C", gettext_lazy("Cannot be told")),
)


class WhichRule(forms.Form):
    """Which rule it was, where the rulebook has it."""

    rule = forms.ModelChoiceField(
        label=gettext_lazy("Which rule, where it is written down"),
        queryset=Rule.objects.all(),
        required=False,
        widget=RuleSelect(AuditedCase._meta.get_field("rule")),
        error_messages={"invalid_choice": gettext_lazy("This rule is no longer here. Choose another, or none.")},
    )


class AuditPages(ReadOnlyAdmin):
    """An audit is drawn by a button and read contact by contact; nothing is edited as a row."""

    list_title = gettext_lazy("Read 30 contacts")

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        return [
            path("draw/", wrap(require_POST(self.draw)), name="flags_audit_draw"),
            path("<int:number>/read/", wrap(require_POST(self.read)), name="flags_audit_read"),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The newest audit, open at the contact that comes next."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        request.list_title = self.list_title  # type: ignore[attr-defined]  # for the frame
        return self._page(request, Audit.objects.order_by("-month").first())

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """One audit; ?place= one of its contacts, to read it again."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        request.list_title = self.list_title  # type: ignore[attr-defined]
        number = object_id if object_id.isdecimal() and len(object_id) < 19 else "0"
        audit = Audit.objects.filter(pk=number).first()
        if audit is None:
            return cast(HttpResponse, self._get_obj_does_not_exist_redirect(request, self.opts, object_id))
        place = request.GET.get("place", "")
        asked = int(place) if place.isdecimal() and len(place) < 4 else None
        return self._page(request, audit, asked)

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """In the journal, where an audit is called by its month."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        audit = self.get_object(request, object_id)
        query = urlencode({"object_type": "audit", "object_code": str(audit or object_id)})
        return HttpResponseRedirect(f"{reverse('admin:journal_event_changelist')}?{query}")

    def _page(
        self, request: HttpRequest, audit: Audit | None, place: int | None = None, wrong: str = "", status: int = 200
    ) -> HttpResponse:
        found = {estimate.month: estimate for estimate in estimates()}
        estimate = found.get(audit.month) if audit else None
        reading = _at(audit, place) if audit else None
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Read 30 contacts"),
            "content_title": _("Read 30 contacts"),
            "audit": audit,
            "reading": reading,
            "facts": facts(reading) if reading else [],
            "estimate": estimate,
            "sentences": [found_sentence(estimate), missed_sentence(estimate)] if estimate and estimate.read else [],
            "earlier": [
                f"{found_sentence(other)} {missed_sentence(other)}"
                for month, other in found.items()
                if audit and month < audit.month and other.read
            ],
            "before": _before(audit, reading) if audit else None,
            "verdicts": VERDICTS,
            "form": WhichRule(initial={"rule": reading.rule_id if reading else None}),
            "may_read": request.user.has_perm(MAY_READ),
            "drawn": DRAWN,
            "drawable": what_to_draw(_measured_sources()) if not reading and request.user.has_perm(MAY_DRAW) else None,
            "wrong": wrong,
        }
        return TemplateResponse(request, "desk/flags/audit.html", context, status=status)

    def draw(self, request: HttpRequest) -> HttpResponse:
        """Thirty contacts of the sources that coverage is of: what is printed beside it is of the same contacts."""
        if not request.user.has_perm(MAY_DRAW):
            raise PermissionDenied
        try:
            draw_audit(sources=_measured_sources(), by=acting(request))
        except RulebookError as refusal:
            messages.error(request, str(refusal))
        return HttpResponseRedirect(reverse("admin:flags_audit_changelist"))

    def read(self, request: HttpRequest, number: int) -> HttpResponse:
        """Store what the reader saw in one contact, and go on with the next."""
        if not request.user.has_perm(MAY_READ):
            raise PermissionDenied
        audited = AuditedCase.objects.select_related("audit").filter(pk=number).first()
        if audited is None:
            messages.error(request, _("This contact is no longer in an audit."))
            return HttpResponseRedirect(reverse("admin:flags_audit_changelist"))
        form = WhichRule(request.POST)
        if not form.is_valid():
            return self._page(
                request, audited.audit, audited.place, " ".join(map(str, form.errors["rule"])), status=422
            )
        try:
            rule = form.cleaned_data["rule"]
            say_what_stopped(audited=audited, verdict=request.POST.get("verdict", ""), rule=rule, by=acting(request))
        except RulebookError as refusal:
            status = 403 if isinstance(refusal, NotAllowed) else 409
            return self._page(request, audited.audit, audited.place, str(refusal), status=status)
        return HttpResponseRedirect(reverse("admin:flags_audit_change", args=[audited.audit_id]))


def _measured_sources() -> list[Source]:
    found = overview()
    return list(Source.objects.filter(name__in=found.sources).order_by("name")) if found else []


def _at(audit: Audit, place: int | None) -> AuditedCase | None:
    """The contact at a place, else the next that nobody has read."""
    if place is None:
        return next_to_read(audit)
    return _readable(audit).prefetch_related(contact()).filter(place=place).first()


def _before(audit: Audit, reading: AuditedCase | None) -> int | None:
    """The place of the contact that was read before this one, to read it again."""
    earlier = _readable(audit).filter(place__lt=reading.place) if reading else _readable(audit)
    return earlier.order_by("-place").values_list("place", flat=True).first()


def _readable(audit: Audit) -> QuerySet[AuditedCase]:
    """Contacts that are read at all: those the ledger explains are not."""
    return audit.cases.filter(explained=False, case__isnull=False)


def facts(audited: AuditedCase) -> list[tuple[str, str]]:
    """(what, value) by which a reader finds the contact in the help desk; nothing that others said of it."""
    case = audited.case
    if case is None:
        return []
    rows = [
        (_("Source"), case.source.name),
        (_("Opened"), sentences.opened(case, case.source.time_zone)),
        (_("Channel"), case.channel),
        (_("Topic"), str(case.topic or "")),
    ]
    return [(name, value) for name, value in rows if value]
