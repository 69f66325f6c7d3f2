"""Notices at the desk: what the front line is told, how many have read it, and how to mend or change what it says."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import F, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST
from unfold.widgets import UnfoldAdminDateWidget, UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from rulebook.catalogue.services import FieldRefused
from rulebook.errors import NotAllowed, RulebookError
from rulebook.journal.pages import ServiceAdmin, acting
from rulebook.notices.models import Notice
from rulebook.notices.queries import receipts_by_team
from rulebook.notices.services import change_notice, tell_again
from rulebook.notices.words import cards, headline
from rulebook.numbers import day


class NoticeForm(forms.Form):
    """What a manager may change of a notice. The service decides what counts as a typo."""

    headline = forms.CharField(
        label=gettext_lazy("Headline"),
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text=gettext_lazy("Blank: a sentence in the language of whoever reads."),
    )
    play = forms.CharField(
        label=gettext_lazy("Do this instead"),
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 5}),
        help_text=gettext_lazy("A line a step. A line in quotation marks is shown as what one can say."),
    )
    effective_on = forms.DateField(label=gettext_lazy("From which day"), widget=UnfoldAdminDateWidget)


@admin.register(Notice)
class NoticeAdmin(ServiceAdmin):
    """Nobody writes one here: they come with what a review decides."""

    object_type = "notice"
    list_title = gettext_lazy("Notices")
    list_display = ["said", "begins", "standing"]
    sortable_by = ()
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Notice]:
        found: QuerySet[Notice] = super().get_queryset(request).select_related("version__rule__department__head")
        return found.order_by(F("effective_on").desc(), "-pk")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        return [
            path("<int:object_id>/mend/", wrap(require_POST(self.mend_view)), name="notices_notice_mend"),
            path("<int:object_id>/again/", wrap(require_POST(self.again_view)), name="notices_notice_again"),
            *super().get_urls(),
        ]

    @admin.display(description=gettext_lazy("what it says"))
    def said(self, notice: Notice) -> str:
        return headline(notice)

    @admin.display(description=gettext_lazy("from"))
    def begins(self, notice: Notice) -> str:
        return day(notice.effective_on)

    @admin.display(description=gettext_lazy("state"))
    def standing(self, notice: Notice) -> str:
        return str(notice.get_state_display())

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        return never_cache(self._show)(request, object_id)

    def mend_view(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """`do`: typo, else a change that asks for new receipts."""
        notice = self._to_change(request, object_id)
        form = NoticeForm(request.POST)
        if notice is None or not form.is_valid():
            return self._show(request, str(object_id), form=form, status=422)
        typo = request.POST.get("do") == "typo"
        try:
            change_notice(notice=notice, typo=typo, by=acting(request), **form.cleaned_data)
        except FieldRefused as refusal:
            form.add_error(refusal.field, str(refusal))
            return self._show(request, str(object_id), form=form, status=422)
        except RulebookError as refusal:
            return self._refused(request, object_id, refusal, form)
        messages.success(
            request, _("Mended. Who has read it, has.") if typo else _("Changed. Everybody is asked anew.")
        )
        return HttpResponseRedirect(page(object_id))

    def again_view(self, request: HttpRequest, object_id: int) -> HttpResponse:
        notice = self._to_change(request, object_id)
        if notice is None:
            return self._show(request, str(object_id))
        try:
            told = tell_again(notice=notice, by=acting(request))
        except RulebookError as refusal:
            return self._refused(request, object_id, refusal)
        messages.success(request, _("The teams are told again.") if told else _("The teams were told today already."))
        return HttpResponseRedirect(page(object_id))

    def _to_change(self, request: HttpRequest, number: int) -> Notice | None:
        if not self.has_change_permission(request):
            raise PermissionDenied
        return Notice.objects.filter(pk=number).first()

    def _refused(
        self, request: HttpRequest, number: int, refusal: RulebookError, form: NoticeForm | None = None
    ) -> HttpResponse:
        status = 403 if isinstance(refusal, NotAllowed) else 409
        return self._show(request, str(number), form=form, refusal=str(refusal), status=status)

    def _show(
        self, request: HttpRequest, object_id: str, *, form: NoticeForm | None = None, refusal: str = "",
        status: int = 200,
    ) -> HttpResponse:  # fmt: skip
        if not self.has_view_permission(request):
            raise PermissionDenied
        notice = self.get_object(request, object_id)
        if notice is None:
            lost: HttpResponse = self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
            return lost
        request.list_title = self.list_title  # type: ignore[attr-defined]  # for the frame's way back to the list
        may_change = self.has_change_permission(request) and notice.state != Notice.State.WITHDRAWN
        given = {"headline": notice.headline, "play": notice.play, "effective_on": notice.effective_on}
        context = {
            **self.admin_site.each_context(request),
            "title": _("A notice"),
            "model_admin": self,
            "opts": self.opts,
            "original": notice,  # for the way back to the list
            "notice": notice,
            "card": cards([notice])[0],
            "read": receipts_by_team(notice) if notice.is_published else [],
            "teams": list(notice.teams.all()),
            "form": (form or NoticeForm(initial=given)) if may_change else None,
            "may_tell": may_change and notice.is_published,
            "refusal": refusal,
        }
        return TemplateResponse(request, "desk/notice/page.html", context, status=status)


def page(number: int) -> str:
    """The address of the page of a notice."""
    return reverse("admin:notices_notice_change", args=[number])
