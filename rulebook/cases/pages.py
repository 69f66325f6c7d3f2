"""The page of one case: what became of it, which rules it met, and a link by hand."""

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from rulebook.cases import sentences
from rulebook.cases.forms import LinkForm
from rulebook.cases.linking_by_hand import link_by_hand, unlink_by_hand, why_it_stays
from rulebook.cases.models import Case, CaseRule, Effect
from rulebook.errors import RulebookError
from rulebook.journal.pages import acting
from rulebook.numbers import whole

# Two rights, for to say something of a case and to take it back are one thing; no role may delete.
MAY_LINK = ("cases.add_caserule", "cases.change_caserule")


def show_case(request: HttpRequest, case: Case, form: LinkForm | None = None, status: int = 200) -> HttpResponse:
    """Neither the customer's key nor the agent's is on it, nor any figure of a person."""
    source = case.source
    links = list(CaseRule.objects.filter(case=case).select_related("rule").order_by("effect", "rule__code", "origin"))
    blocked = any(link.effect == Effect.BLOCKED for link in links)
    may_link = request.user.has_perms(MAY_LINK)
    context = {
        **admin.site.each_context(request),
        "opts": Case._meta,
        "original": case,
        "title": _("Case %(number)s") % {"number": case.external_id},
        "source": source,
        "outcome": sentences.outcome(case, source, blocked),
        "told_no": sentences.why_told_no(source) if sentences.told_no(case, source, blocked) else "",
        "policy": sentences.policy(source),
        "horizon": sentences.horizon(source),
        "facts": facts(case),
        "links": [{"link": link, "stays": why_it_stays(link.origin)} for link in links],
        "may_link": may_link,
        "form": (form or LinkForm()) if may_link else None,
    }
    return TemplateResponse(request, "cases/case.html", context, status=status)


def facts(case: Case) -> list[tuple[str, str]]:
    """(what, value) of what the help desk said of the case; what it did not say is left out."""
    zone = case.source.time_zone
    counts = [
        (_("Handovers"), case.handoffs),
        (_("Reopened"), case.reopens),
        (_("Replies"), case.replies),
    ]
    said = [(_("Solved, says the agent or help desk"), case.declared), (_("Solved, says the customer"), case.survey)]
    rows = [
        (_("Source"), case.source.name),
        (_("Opened"), sentences.opened(case, zone)),
        (_("Closed"), sentences.closed(case, zone)),
        (_("Channel"), case.channel),
        (_("Topic"), str(case.topic or "")),
        *((name, whole(count)) for name, count in counts if count is not None),
        (_("Handled in"), sentences.duration(case.handle_seconds) if case.handle_seconds is not None else ""),
        *((name, _("yes") if answer else _("no")) for name, answer in said if answer is not None),
    ]
    return [(name, value) for name, value in rows if value]


@require_POST
def link_case(request: HttpRequest, number: int) -> HttpResponse:
    case = _case_to_link(request, number)
    form = LinkForm(request.POST)
    if not form.is_valid():
        return show_case(request, case, form, status=422)
    rule, effect = form.cleaned_data["rule"], form.cleaned_data["effect"]
    try:
        said = link_by_hand(case=case, rule=rule, effect=effect, by=acting(request))
    except RulebookError as refusal:
        form.add_error(None, str(refusal))
        return show_case(request, case, form, status=409)
    linked = _("Linked to %(rule)s. The figures follow.") if said else _("It was linked to %(rule)s already.")
    messages.info(request, linked % {"rule": rule.code})
    return _back_to(case)


@require_POST
def unlink_case(request: HttpRequest, number: int, link: int) -> HttpResponse:
    case = _case_to_link(request, number)
    found = get_object_or_404(CaseRule.objects.select_related("rule"), pk=link, case=case)
    try:
        unlink_by_hand(link=found, by=acting(request))
    except RulebookError as refusal:
        messages.error(request, str(refusal))
    else:
        taken = _("The link to %(rule)s is taken away. Link it again below if that was wrong.")
        messages.info(request, taken % {"rule": found.rule.code})
    return _back_to(case)


def shown_cases() -> QuerySet[Case]:
    """Cases with what a page shows of them; the keys of customers and agents stay in the database."""
    return Case.objects.select_related("source", "topic").defer("customer_key", "agent_key", "row_hash")


def _case_to_link(request: HttpRequest, number: int) -> Case:
    if not request.user.has_perms((*MAY_LINK, "cases.view_case")):
        raise PermissionDenied
    return get_object_or_404(shown_cases(), pk=number)


def _back_to(case: Case) -> HttpResponseRedirect:
    return HttpResponseRedirect(reverse("admin:cases_case_change", args=[case.pk]))
