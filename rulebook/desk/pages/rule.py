"""One rule at a glance, its wordings side by side, and the contacts it blocked. `RuleAdmin` takes the pages in."""

import re
from typing import Any, cast

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from rulebook.access.models import Person
from rulebook.access.rights import may_change_rule_of, whom_to_ask
from rulebook.catalogue import claims
from rulebook.catalogue.forms import RuleForm
from rulebook.catalogue.models import Rule
from rulebook.catalogue.queries import merged_into
from rulebook.desk.pages import contacts
from rulebook.desk.pages.glance import as_of, claim_of, compared, facts, owner_words, said_on
from rulebook.desk.pages.harm import harm_card
from rulebook.desk.pages.later_dates import LaterDatePages, later_date_of
from rulebook.desk.pages.marking import marking_of
from rulebook.desk.pages.rule_flags import rule_flags
from rulebook.desk.pages.rule_votes import votes_card
from rulebook.desk.pages.timeline import changed_since, newest_event, timeline
from rulebook.desk.pages.words import field_names, tags
from rulebook.errors import RulebookError
from rulebook.journal.pages import acting
from rulebook.review.models import State

NUMBER = re.compile(r"[0-9]{1,18}")
STAYING = ("_continue", "_addanother", "_saveasnew", "_popup")  # how a form says that its page is to open again


class RulePageMixin(LaterDatePages):
    """The pages of one rule beside its form. They read; the one thing they do, confirming, is a service's."""

    change_form_outer_before_template = "desk/rule/form_head.html"

    def get_urls(self) -> list[Any]:
        """`int`, so that Django's own addresses below a rule stay what they are."""
        wrap = self.admin_site.admin_view
        return [
            path("<int:object_id>/", wrap(self.glance), name="catalogue_rule_page"),
            path("<int:object_id>/versions/", wrap(self.versions), name="catalogue_rule_versions"),
            path("<int:object_id>/cases/", wrap(self.cases), name="catalogue_rule_cases"),
            path("<int:object_id>/confirm/", wrap(require_POST(self.confirm)), name="catalogue_rule_confirm"),
            *super().get_urls(),
        ]

    # Rights: what the role may do, and to which rules

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        allowed = bool(super().has_change_permission(request, obj))
        return allowed and (obj is None or self._may_change(request, obj))

    def _may_change(self, request: HttpRequest, rule: Rule) -> bool:
        """Asked many times a page: by the form, its buttons and its inlines."""
        known = request.__dict__.setdefault("_rule_rights", {})
        asked = rule.department_id, rule.owner_id
        if asked not in known:
            known[asked] = may_change_rule_of(cast(Person, request.user), *asked)
        return bool(known[asked])

    # After the form

    def save_model(self, request: HttpRequest, obj: Rule, form: RuleForm, change: bool) -> None:
        """Notes what the journal says of it: what was typed may be what was stored already."""
        before = newest_event(obj)
        super().save_model(request, obj, form, change)
        request.rule_changed = changed_since(obj, before)  # type: ignore[attr-defined]

    def response_change(self, request: HttpRequest, obj: Rule) -> HttpResponse:
        """Back to the rule, with what changed."""
        changed, waits = getattr(request, "rule_changed", []), getattr(request, "date_waits", "")
        if waits:
            messages.info(request, waits)
        said = _("Changed: %(fields)s.") % {"fields": field_names(changed)} if changed else _("Nothing was changed.")
        said = "" if waits and not changed else said
        return self._back(request, obj, said) or super().response_change(request, obj)

    def response_add(self, request: HttpRequest, obj: Rule, post_url_continue: str | None = None) -> HttpResponse:
        said = _("Written down as %(code)s.") % {"code": obj.code}
        return self._back(request, obj, said) or super().response_add(request, obj, post_url_continue)

    def _back(self, request: HttpRequest, rule: Rule, said: str) -> HttpResponse | None:
        """None where the form is to open again."""
        if any(name in request.POST for name in STAYING):
            return None
        if said:
            messages.success(request, said)
        return HttpResponseRedirect(page(rule))

    # Pages

    def glance(
        self, request: HttpRequest, object_id: int, *, refusal: str = "", date_refusal: str = "", status: int = 200
    ) -> HttpResponse:
        """?at= shows what the rule said that day. `refusal` is why it could not be marked for removal, `date_refusal`
        why its review-by date did not move.
        """
        rule = self._rule(request, object_id)
        if rule is None:
            return self._nothing(request, object_id)
        today = timezone.localdate()
        versions = list(rule.versions.order_by("number"))
        asked = as_of(request.GET.get("at", ""), today)
        saying = said_on(rule, versions, asked)
        may_change = self.has_change_permission(request, rule)
        foreign = not may_change and self.has_change_permission(request)
        flags = rule_flags(rule, today) if request.user.has_perm("flags.view_flag") else None
        entries, more = timeline(rule, versions, today, names=request.user.has_perm("journal.view_actor"))
        marking = marking_of(request, rule, refusal)
        lapses = bool(marking and marking.review and marking.review.state == State.LAPSING)
        may_ask = may_change and not lapses  # what lapses is kept in its review
        context = {
            "asked": asked,
            "saying": saying,
            "merged_into": merged_into(rule) if rule.status == Rule.Status.REMOVED else None,
            "tags": tags(rule, (saying.version or versions[-1]).number, flags.confirmed.badge if flags else ""),
            "owner": owner_words(rule),
            "facts": facts(rule),
            "harm": harm_card(rule),
            "marking": marking,
            "later_date": later_date_of(request, rule, may_ask=may_ask, refusal=date_refusal),
            "flags": flags,
            "votes": votes_card(versions[-1]),
            "timeline": entries,
            "timeline_more": more,
            "version_count": len(versions),
            "claim": claim_of(rule, acting(request)),
            "may_change": may_change,
            "whom_to_ask": whom_to_ask(cast(Person, request.user), rule.department) if foreign else "",
            "may_see_cases": request.user.has_perm("cases.view_case"),
            "may_see_journal": request.user.has_perm("journal.view_event"),
        }
        return self._page(request, "glance", rule, rule.code, context, status)

    def versions(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """?from= and ?to= are numbers of versions; the last two where they are not given."""
        rule = self._rule(request, object_id)
        if rule is None:
            return self._nothing(request, object_id)
        versions = list(rule.versions.order_by("number"))
        numbered = {version.number: version for version in versions}
        newest = versions[-1].number
        wrong = []
        chosen = {"from": versions[max(0, len(versions) - 2)], "to": versions[-1]}
        for name in chosen:
            given = request.GET.get(name, "").strip()
            if given and (not NUMBER.fullmatch(given) or int(given) not in numbered):
                words = {"given": given[:40], "newest": newest}
                wrong.append(_("There is no version %(given)s. The newest is version %(newest)s.") % words)
            elif given:
                chosen[name] = numbered[int(given)]
        context = {
            "versions": versions[::-1],
            "before": chosen["from"],
            "after": chosen["to"],
            "rows": compared(chosen["from"], chosen["to"]),
            "wrong": wrong,
        }
        return self._page(request, "versions", rule, _("Versions"), context)

    def cases(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """?show= one kind alone, ?below= the next page."""
        rule = self._rule(request, object_id)
        if rule is None:
            return self._nothing(request, object_id)
        if not request.user.has_perm("cases.view_case"):
            raise PermissionDenied
        show, below = request.GET.get("show", ""), request.GET.get("below", "")
        show = show if show in contacts.SHOWN else ""
        rows, further = contacts.blocked_contacts(rule, show, int(below) if NUMBER.fullmatch(below) else None)
        context = {
            "rows": rows,
            "several": len({row.source for row in rows}) > 1,
            "further": further,
            "show": show,
            "kinds": contacts.SHOWN.items(),
            "below": below,
        }
        return self._page(request, "cases", rule, _("Contacts it blocked"), context)

    def confirm(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """A second person's yes to a claimed law."""
        rule = self._rule(request, object_id)
        if rule is None:
            return self._nothing(request, object_id)
        try:
            claims.confirm_authority(rule=rule, by=acting(request), seen=request.POST.get("seen") or "nothing")
        except RulebookError as refusal:
            messages.error(request, str(refusal))
        else:
            messages.success(request, _("Confirmed. It is not ours to change; how we apply it is."))
        return HttpResponseRedirect(page(rule))

    def _rule(self, request: HttpRequest, object_id: int) -> Rule | None:
        """Raises PermissionDenied for somebody who may not read rules."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        people = ("owner", "department__head", "department__deputy", "claimed_by", "confirmed_by")
        return Rule.objects.select_related(*people, "figures", "proposal").filter(pk=object_id).first()

    def _nothing(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """To the start page, with a sentence that there is no such rule."""
        return cast(HttpResponse, self._get_obj_does_not_exist_redirect(request, self.opts, str(object_id)))

    def _page(
        self, request: HttpRequest, name: str, rule: Rule, title: str, more: dict[str, Any], status: int = 200
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": f"{rule.code} {rule.title}" if name == "glance" else f"{rule.code}: {title}",
            "crumb": title if name == "glance" else f"{rule.code}: {title}",
            "model_admin": self,  # the header says from it which list the rule stands in
            "rule": rule,
            **more,
        }
        return TemplateResponse(request, f"desk/rule/{name}.html", context, status=status)


def page(rule: Rule) -> str:
    """The address of the page of a rule."""
    return reverse("admin:catalogue_rule_page", args=[rule.pk])
