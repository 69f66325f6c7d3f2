"""Marking rules for removal: one from its page, a flag or a ballot; several from the lists or after sorting.

From everywhere it is one button and a line for the reason. The service decides, and freezes the evidence of that day.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, cast

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.admin import ModelAdmin

from rulebook.access.scrubbing import scrub, told
from rulebook.catalogue.models import Rule
from rulebook.desk.services import MOST_AT_ONCE
from rulebook.errors import NotAllowed, RulebookError
from rulebook.journal.pages import acting
from rulebook.journal.services import Acting
from rulebook.numbers import whole
from rulebook.review.models import Review
from rulebook.review.queries import newest_review_of, open_review_of
from rulebook.review.services import mark_rule, why_not_marked
from rulebook.review.states import MARK
from rulebook.review.telling import how_it_stands
from rulebook.review.zombies import Held, how_it_holds

Origin = Review.Origin
ONE_BY_ONE = (Origin.RULE, Origin.FLAG, Origin.BALLOT)
SEVERAL = (Origin.LIST, Origin.CAPTURE)
LONGEST_REASON = 10_000  # characters that are taken in


@dataclass(frozen=True)
class Marking:
    """What the page of a rule shows of its removal: its review where it has one, else the button, or why there is none.

    `refusal` and `reason` are what just happened: why it was not marked, and what had been typed.
    """

    review: Review | None
    stands: str
    held: Held | None  # whether its removal holds
    may_mark: bool
    why_not: str
    refusal: str = ""
    reason: str = ""

    @property
    def is_open(self) -> bool:
        return self.review is not None and self.review.is_open


def marking_of(request: HttpRequest, rule: Rule, refusal: str = "") -> Marking | None:
    """None for somebody who has nothing to do with reviews. One query for its review, one for an open one."""
    if not request.user.has_perm("review.view_review"):
        return None
    review = newest_review_of(rule)
    still = review is not None and review.is_open
    return Marking(
        review=review,
        stands=how_it_stands(review) if review else "",
        held=how_it_holds(review, timezone.localdate()) if review else None,
        may_mark=request.user.has_perm(MARK) and not still,
        why_not="" if still else why_not_marked(rule),
        refusal=refusal,
        reason=request.POST.get("reason", "") if refusal else "",
    )


@dataclass
class Marked:
    """What became of marking many rules."""

    marked: int = 0
    refused: Counter[str] = field(default_factory=Counter)  # {why: how many}

    def __str__(self) -> str:
        said = ngettext(
            "%(count)s rule is marked for removal.", "%(count)s rules are marked for removal.", self.marked
        ) % {"count": whole(self.marked)}
        refused = [
            _("%(count)s not: %(why)s") % {"count": whole(count), "why": why} for why, count in self.refused.items()
        ]
        return " ".join([said, *refused])


def mark_many(*, rules: Iterable[int], origin: str, reason: str, by: Acting) -> Marked:
    """Mark each of the rules; what one refuses does not undo the others."""
    outcome = Marked()
    for rule in Rule.objects.filter(pk__in=list(rules)).order_by("code"):
        try:
            mark_rule(rule=rule, origin=origin, reason=reason, by=by)
        except RulebookError as refusal:
            outcome.refused[str(refusal)] += 1
        else:
            outcome.marked += 1
    return outcome


class MarkingPages(ModelAdmin):
    """Two addresses to which every "Mark for removal" of the desk posts. `ReviewPages` takes them in."""

    def mark(self, request: HttpRequest) -> HttpResponse:
        """One rule: on to its review, or back to the page of the rule with why not, and what was typed."""
        if not request.user.has_perm(MARK):
            raise PermissionDenied
        rule = Rule.objects.filter(pk=_number(request.POST.get("rule", ""))).first()
        if rule is None:
            raise Http404
        origin = request.POST.get("origin", "")
        reason = request.POST.get("reason", "")[:LONGEST_REASON]
        try:
            review = mark_rule(
                rule=rule, origin=origin if origin in ONE_BY_ONE else Origin.RULE, reason=reason, by=acting(request)
            )
        except RulebookError as refusal:
            standing = open_review_of(rule)
            if standing is not None and _just_marked(standing, request):
                return HttpResponseRedirect(address(standing))
            status = 403 if isinstance(refusal, NotAllowed) else 409
            pages = cast(Any, self.admin_site._registry[Rule])
            return cast(HttpResponse, pages.glance(request, rule.pk, refusal=str(refusal), status=status))
        if hidden := told(scrub(reason).hidden):
            messages.info(request, hidden)
        return HttpResponseRedirect(address(review))

    def mark_several(self, request: HttpRequest) -> HttpResponse:
        """Asks why, with the rules on the page; sent once more with `mark`, it is done."""
        if not request.user.has_perm(MARK):
            raise PermissionDenied
        chosen = [_number(number) for number in request.POST.get("rules", "").split(",")][:MOST_AT_ONCE]
        origin = request.POST.get("origin", "")
        origin = origin if origin in SEVERAL else Origin.LIST
        rules = Rule.objects.filter(pk__in=chosen)
        if not rules.exists():
            messages.error(request, _("It is no longer known which rules you chose. Choose them again."))
            return HttpResponseRedirect(reverse("admin:catalogue_rule_changelist"))
        if "mark" not in request.POST:
            return marking_page(self, request, rules, origin)
        reason = request.POST.get("reason", "")[:LONGEST_REASON]
        outcome = mark_many(rules=chosen, origin=origin, reason=reason, by=acting(request))
        messages.add_message(request, messages.WARNING if outcome.refused else messages.SUCCESS, str(outcome))
        return HttpResponseRedirect(reverse("admin:review_review_changelist"))


class MarkManyRules(ModelAdmin):
    """The bulk action in the list of rules. `RuleAdmin` takes it in."""

    def has_mark_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(MARK)

    @admin.action(description=gettext_lazy("Mark for removal"), permissions=["mark"])
    def mark_for_removal(self, request: HttpRequest, queryset: QuerySet[Rule]) -> HttpResponseBase | None:
        return marking_page(self, request, queryset, Origin.LIST)


def marking_page(pages: ModelAdmin, request: HttpRequest, rules: QuerySet[Rule], origin: str) -> HttpResponse:
    """The chosen rules, a line for the reason, and one button. The rules come in `MOST_AT_ONCE` at most."""
    chosen = sorted(rules.order_by().values_list("pk", flat=True))[:MOST_AT_ONCE]
    context = {
        **pages.admin_site.each_context(request),
        "opts": Review._meta,
        "title": _("Mark for removal"),
        "content_title": _("Mark for removal"),
        "rules": Rule.objects.filter(pk__in=chosen).order_by("code").only("code", "title", "status"),
        "numbers": ",".join(map(str, chosen)),
        "origin": origin,
    }
    return TemplateResponse(request, "desk/review/mark_many.html", context)


def address(review: Review) -> str:
    """Of the page of a review in the desk."""
    return reverse("admin:review_review_change", args=[review.pk])


def _just_marked(review: Review, request: HttpRequest) -> bool:
    """A second click on the button that this person pressed a moment ago."""
    return review.marked_by_id == request.user.pk and review.marked_on == timezone.localdate()


def _number(text: str) -> int:
    """0 for what is no number of a row."""
    text = text.strip()
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else 0
