"""Two rules that say the same, side by side, and the button that makes one of them. `RuleAdmin` takes the page in."""

from dataclasses import dataclass
from typing import Any, cast

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.translation import gettext as _
from unfold.admin import ModelAdmin

from rulebook.access.rights import refuse_others_rules
from rulebook.catalogue.cleaning import clean_name
from rulebook.catalogue.models import Rule
from rulebook.catalogue.queries import rule_ids_by_name
from rulebook.catalogue.similar import Likely, alike
from rulebook.desk.merging import merge_rules, why_not_merged
from rulebook.desk.pages.comparing import compare
from rulebook.desk.pages.glance import Row, compared
from rulebook.desk.pages.rule import page
from rulebook.errors import NotAllowed, RulebookError
from rulebook.journal.pages import acting
from rulebook.journal.services import Acting
from rulebook.review.states import DECIDE


@dataclass(frozen=True)
class Choice:
    """One of the two buttons: which rule stays, and why it is closed."""

    stays: Rule
    why_not: str


class SameRulePages(ModelAdmin):
    """?with= is the code or another name of the other rule; where none is given, the one that is most alike."""

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.same)
        return [path("<int:object_id>/same/", view, name="catalogue_rule_same"), *super().get_urls()]

    def same(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """A POST names the other rule (`with`) and the code of the one that stays (`keep`)."""
        if not (self.has_view_permission(request) and request.user.has_perm(DECIDE)):
            raise PermissionDenied
        rule = Rule.objects.select_related("department__head", "owner").filter(pk=object_id).first()
        if rule is None:
            return cast(HttpResponse, self._get_obj_does_not_exist_redirect(request, self.opts, str(object_id)))
        if request.method != "POST":
            return self._compared(request, rule, request.GET.get("with", ""))
        typed = request.POST.get("with", "")
        other = _named(typed)
        stays = next((one for one in (rule, other) if one and one.code == request.POST.get("keep")), None)
        if other is None or stays is None:
            return self._compared(request, rule, typed, _("Name the other rule, and choose which one stays."), 422)
        gone = other if stays.pk == rule.pk else rule
        try:
            merge_rules(rule=gone, into=stays, by=acting(request))
        except RulebookError as refusal:
            status = 403 if isinstance(refusal, NotAllowed) else 409
            return self._compared(request, rule, typed, str(refusal), status)
        said = _("%(gone)s is merged into %(stays)s. Its flags are here; its contacts follow in a moment.")
        messages.success(request, said % {"gone": gone.code, "stays": stays.code})
        return HttpResponseRedirect(page(stays))

    def _compared(
        self, request: HttpRequest, rule: Rule, typed: str, refusal: str = "", status: int = 200
    ) -> HttpResponse:
        found = [one for one in alike(rule, include_removed=False) if one.status == Rule.Status.IN_FORCE]
        other = _named(typed or (found[0].code if found else ""))
        if typed and other is None and not refusal:
            refusal = _("No rule is called “%(name)s”.") % {"name": typed[:100]}
        if other is not None and other.pk == rule.pk:
            refusal, other = refusal or why_not_merged(rule, rule), None
        context = {
            **self.admin_site.each_context(request),
            "title": _("%(code)s: written down twice?") % {"code": rule.code},
            "crumb": _("%(code)s: written down twice?") % {"code": rule.code},
            "model_admin": self,
            "rule": rule,
            "other": other,
            "found": _others(found, other),
            "typed": typed,
            "refusal": refusal,
            "rows": _rows(rule, other) if other else [],
            "choices": _choices(rule, other, acting(request)) if other else [],
        }
        return TemplateResponse(request, "desk/rule/same.html", context, status=status)


def _named(typed: str) -> Rule | None:
    name = clean_name(typed)
    number = rule_ids_by_name([name]).get(name) if name else None
    return Rule.objects.select_related("department__head", "owner").filter(pk=number).first() if number else None


def _others(found: list[Likely], other: Rule | None) -> list[Likely]:
    return [one for one in found if other is None or one.pk != other.pk]


def _rows(rule: Rule, other: Rule) -> list[Row]:
    """What makes up the meaning of a rule, and the sentence that customers hear."""
    rows = compared(rule.versions.latest("number"), other.versions.latest("number"))
    return [*rows, Row(_("The customer hears"), compare(rule.customer_hears, other.customer_hears))]


def _choices(rule: Rule, other: Rule, by: Acting) -> list[Choice]:
    theirs = next((why for one in (rule, other) if (why := _not_theirs(one, by))), "")
    return [
        Choice(stays, theirs or why_not_merged(gone, stays)) for gone, stays in ((other, rule), (rule, other))
    ]  # fmt: skip


def _not_theirs(rule: Rule, by: Acting) -> str:
    try:
        refuse_others_rules(by, rule.department, rule.owner_id)
    except NotAllowed as refusal:
        return str(refusal)
    return ""
