"""The front door in the admin: propose a rule on one screen, see what the front line says of it, decide."""

from collections.abc import Iterator
from typing import Any, cast

from django.contrib import admin, messages
from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.db.models import Case, DateField, F, QuerySet, When
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST
from unfold.admin import ModelAdmin

from rulebook.access.calendar import add_working_days
from rulebook.access.models import Person
from rulebook.access.scrubbing import scrub, told
from rulebook.cases.sentences import days
from rulebook.cases.services import settle_pending_links
from rulebook.catalogue.front_door import (
    DECIDE,
    ENTERED,
    HEARD,
    OPEN,
    let_in,
    propose_rule,
    refuse_proposal,
    withdraw_proposal,
)
from rulebook.catalogue.locks import why_locked
from rulebook.catalogue.models import Proposal, Rule
from rulebook.catalogue.services import FieldRefused
from rulebook.catalogue.similar import alike
from rulebook.desk.pages import proposing
from rulebook.desk.todo import LONGEST, Asker, Todo, asks
from rulebook.errors import NotAllowed, RulebookError
from rulebook.flags.answering import to_see
from rulebook.flags.holding import releasable_before, release_held
from rulebook.journal.pages import ServiceAdmin, acting
from rulebook.numbers import day, long_day, whole

WAITING_KEY = "rulebook.desk.proposals_waiting"  # whether any proposal was heard to the end
WAITING_SECONDS = 10  # for so long the sidebar may not know what has happened in another process


class ProposalPages(ServiceAdmin):
    """A proposal is never edited: its words are what the front line is asked about. It is decided on its own page."""

    object_type = "rule"
    list_title = gettext_lazy("Front door")
    add_label = gettext_lazy("Propose a rule")
    list_display = ["rule_title", "age", "hurts", "replaces_code", "standing"]
    list_select_related = ["rule", "replaces"]
    sortable_by = ()
    search_fields = ["rule__code", "rule__title"]
    show_full_result_count = False
    list_per_page = 50

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        decisions = {"let_in": self.let_in, "refuse": self.refuse, "withdraw": self.withdraw}
        return [
            path("alike/", wrap(require_POST(self.alike)), name="catalogue_proposal_alike"),
            *(
                path(
                    f"<int:object_id>/{name.replace('_', '-')}/",
                    wrap(require_POST(view)),
                    name=f"catalogue_proposal_{name}",
                )
                for name, view in decisions.items()
            ),
            *super().get_urls(),
        ]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # what may be done is on the proposal's own page, each by a verb of its own

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("catalogue.view_proposal")

    def journal_code(self, obj: Proposal) -> str:
        return obj.rule.code

    # The list: open ones first, the one that was heard first on top; then what was decided, the newest first.

    def get_ordering(self, request: HttpRequest) -> list[Any]:
        open_until = Case(When(outcome=OPEN, then=F("heard_until")), output_field=DateField())
        return [open_until.asc(nulls_last=True), F("decided_at").desc(nulls_last=True), "-pk"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Proposal]:
        return proposing.with_hurts(super().get_queryset(request))

    @admin.display(description=gettext_lazy("Proposed rule"))
    def rule_title(self, proposal: Proposal) -> str:
        return str(proposal.rule)

    @admin.display(description=gettext_lazy("Proposed"))
    def age(self, proposal: Proposal) -> str:
        if proposal.outcome:
            return day(proposal.proposed_on)
        old = (timezone.localdate() - proposal.proposed_on).days
        return _("%(days)s ago") % {"days": days(old)} if old else _("today")

    @admin.display(description=gettext_lazy("Flags: it will hurt"))
    def hurts(self, proposal: Proposal) -> str:
        return whole(proposal.hurts)  # type: ignore[attr-defined]  # counted by the list's query

    @admin.display(description=gettext_lazy("Replaces"))
    def replaces_code(self, proposal: Proposal) -> str:
        if proposal.replaces:
            return proposal.replaces.code
        return _("none: +1") if proposal.outcome in (OPEN, ENTERED) else _("none")

    @admin.display(description=gettext_lazy("Standing"))
    def standing(self, proposal: Proposal) -> str:
        if proposal.outcome:
            return format_html('<span class="rb-tag">{}</span>', proposal.get_outcome_display())
        if proposal.heard_until >= timezone.localdate():
            return _("heard until %(day)s") % {"day": long_day(proposal.heard_until)}
        return format_html('<span class="rb-strong">{}</span>', _("waits for a decision"))

    # One screen

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """?replaces= is the number of the rule of which somebody wants a stricter version."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        person = cast(Person, request.user)
        sent = request.POST if request.method == "POST" else None
        form = proposing.ProposalForm(sent, person=person, replaces=request.GET.get("replaces", ""))
        if sent is not None and form.is_valid():
            try:
                proposal = propose_rule(**form.given(), by=acting(request))
            except RulebookError as refusal:
                field = refusal.field if isinstance(refusal, FieldRefused) else None
                form.add_error(field if field in form.fields else None, str(refusal))
            else:
                until = {"code": proposal.rule.code, "day": long_day(proposal.heard_until)}
                said = _("Proposed as %(code)s. The front line is heard until %(day)s.") % until
                messages.success(request, f"{said} {form.hidden()}".strip())
                return HttpResponseRedirect(address(proposal))
        today = timezone.localdate()
        context = {
            "title": _("Propose a rule"),
            "form": form,
            "quarter": proposing.quarter_words(today),
            "until": add_working_days(today, HEARD),
            "found": alike(form["title"].value() or ""),
        }
        return self._page(request, "form", context, 422 if form.is_bound else 200)

    def alike(self, request: HttpRequest) -> HttpResponse:
        """Rules that say much the same as what is being typed, as a piece of the page."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        found = alike(request.POST.get("title", ""))
        return TemplateResponse(request, "desk/proposal_alike.html", {"found": found})

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        proposal = self._proposal(request, object_id)
        return self._show(request, proposal) if proposal else self._nothing(request, object_id)

    def let_in(self, request: HttpRequest, object_id: int) -> HttpResponse:
        release_held(today=releasable_before(timezone.now()))  # what was said in time counts
        return self._decide(request, object_id, self._let_in)

    def _let_in(self, request: HttpRequest, proposal: Proposal) -> str:
        reason = request.POST.get("reason", "")
        let_in(proposal=proposal, hurts=proposing.hurts_counted, reason=reason, by=acting(request))
        settle_pending_links(by=acting(request))  # of cases that named it while it was only proposed
        return _("Let in. It is in force from today.")

    def refuse(self, request: HttpRequest, object_id: int) -> HttpResponse:
        return self._decide(request, object_id, self._refuse)

    def _refuse(self, request: HttpRequest, proposal: Proposal) -> str:
        refuse_proposal(proposal=proposal, reason=request.POST.get("reason", ""), by=acting(request))
        return _("Not let in.")

    def withdraw(self, request: HttpRequest, object_id: int) -> HttpResponse:
        return self._decide(request, object_id, self._withdraw)

    def _withdraw(self, request: HttpRequest, proposal: Proposal) -> str:
        withdraw_proposal(proposal=proposal, by=acting(request))
        return _("Withdrawn.")

    def _decide(self, request: HttpRequest, object_id: int, verb: Any) -> HttpResponse:
        """Back to the proposal with what became of it; or the page with what was typed, and why not."""
        proposal = self._proposal(request, object_id)
        if proposal is None:
            return self._nothing(request, object_id)
        try:
            said = verb(request, proposal)
        except RulebookError as refusal:
            fresh = self._proposal(request, object_id) or proposal
            return self._show(request, fresh, refusal)
        hidden = told(scrub(request.POST.get("reason", "")).hidden)
        messages.success(request, f"{said} {hidden}".strip())
        cache.delete(WAITING_KEY)
        return HttpResponseRedirect(address(proposal))

    def _show(self, request: HttpRequest, proposal: Proposal, refusal: RulebookError | None = None) -> HttpResponse:
        # How many is for whoever sees the proposal; their words are for those who may read the flags themselves.
        readable = to_see(cast(Person, request.user)).order_by().values("pk")
        hurts = list(proposing.hurts_of(proposal).filter(pk__in=readable)[: proposing.MOST_SHOWN])
        count = proposal.hurts  # type: ignore[attr-defined]
        at_field = isinstance(refusal, FieldRefused)
        context = {
            "title": f"{proposal.rule.code} {proposal.rule.title}",
            "original": proposal,  # the frame's way back to the list
            "proposal": proposal,
            "rule": proposal.rule,
            "standing": proposing.standing_of(proposal, cast(Person, request.user)),
            "quarter": proposing.quarter_words(timezone.localdate()),
            "found": proposing.codes_apart(alike(proposal.rule), proposal.replaces),
            "hurts": hurts,
            "hurts_more": max(0, count - len(hurts)),
            "hurt_words": proposing.hurt_words(count),
            "refusal": "" if at_field else str(refusal or ""),
            "reason_refused": str(refusal) if at_field else "",
            "reason": request.POST.get("reason", ""),
        }
        status = 422 if at_field else 403 if isinstance(refusal, NotAllowed) else 409 if refusal else 200
        return self._page(request, "page", context, status)

    def _proposal(self, request: HttpRequest, object_id: Any) -> Proposal | None:
        """Raises PermissionDenied for somebody who may not look at proposals."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        people = ("rule__department__head", "replaces", "proposed_by", "decided_by")
        number = str(object_id)
        if not number.isdecimal() or len(number) > 18:
            return None
        return proposing.with_hurts(Proposal.objects.select_related(*people)).filter(pk=number).first()

    def _nothing(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        return cast(HttpResponse, self._get_obj_does_not_exist_redirect(request, self.opts, str(object_id)))

    def _page(self, request: HttpRequest, name: str, context: dict[str, Any], status: int = 200) -> HttpResponse:
        frame = {**self.admin_site.each_context(request), "opts": self.opts, "model_admin": self}
        request.list_title = self.list_title  # type: ignore[attr-defined]  # for the frame's way back to the list
        return TemplateResponse(request, f"desk/proposal_{name}.html", {**frame, **context}, status=status)


class FrontDoorNotes(ModelAdmin):
    """What the form of a rule says of the front door, and of words that stand still. `RuleAdmin` takes it in."""

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, obj: Rule | None = None, **kwargs: Any
    ) -> HttpResponse:
        context["wording_stands"] = why_locked(obj) if obj is not None else ""
        answer: HttpResponse = super().render_change_form(request, context, *args, obj=obj, **kwargs)
        return answer


def decisions_waiting(request: HttpRequest) -> str:
    """How many proposals wait for this person, for the sidebar; blank for none.

    Whether any waits for anybody is asked of the database now and then.
    """
    if not request.user.has_perm(DECIDE):
        return ""
    waits = cache.get(WAITING_KEY)
    if waits is None:
        waits = _heard().exists()
        cache.set(WAITING_KEY, waits, WAITING_SECONDS)
    count = to_decide(Asker(cast(Person, request.user))).count() if waits else 0
    return str(count) if count else ""


def address(proposal: Proposal) -> str:
    """Of the page of a proposal."""
    return reverse("admin:catalogue_proposal_change", args=[proposal.pk])


def to_decide(asker: Asker) -> QuerySet[Proposal]:
    """Proposals that were heard to the end and wait for this person, the oldest first."""
    if not asker.may(DECIDE):
        return Proposal.objects.none()
    theirs = asker.own(Rule.objects.filter(status=Rule.Status.PROPOSED))
    return _heard().filter(rule__in=theirs).select_related("rule").order_by("heard_until", "pk")


def _heard() -> QuerySet[Proposal]:
    return Proposal.objects.filter(outcome=OPEN, heard_until__lt=timezone.localdate())


@asks
def proposals(asker: Asker) -> Iterator[Todo]:
    waiting = list(to_decide(asker)[:100])
    if not waiting:
        return
    oldest = waiting[0]
    yield Todo(
        title=ngettext("%(count)s new rule waits for your yes or no", "%(count)s new rules wait for your yes or no",
                       len(waiting)) % {"count": whole(len(waiting))},
        detail=_("The front line was heard on “%(title)s” until %(day)s.") % {
            "title": Truncator(oldest.rule.title).chars(LONGEST), "day": long_day(oldest.heard_until),
        },
        url=address(oldest) if len(waiting) == 1 else reverse("admin:catalogue_proposal_changelist"),
        action=_("Decide"),
        weight=85,
        icon="door_front",
    )  # fmt: skip
