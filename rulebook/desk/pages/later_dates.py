"""A later review-by date on the page of a rule: who asks for it, and the buttons of the two people it takes."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, cast

from django.contrib import messages
from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path, reverse
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST
from unfold.admin import ModelAdmin

from rulebook.access.rights import CHANGE
from rulebook.catalogue.forms import RuleForm
from rulebook.catalogue.models import Rule
from rulebook.desk.pages.date_words import agree_words, asked, day_or_blank, waits
from rulebook.desk.pages.inbox import WAITING_KEY
from rulebook.desk.services import save_rule
from rulebook.errors import NotAllowed, RulebookError
from rulebook.journal.pages import acting
from rulebook.review.letters import AHEAD
from rulebook.review.sunset import Moved, agree_to_date, take_back_date, waiting_date_of

NO_DATE = "none"  # how a button says that no day at all is asked for


@dataclass(frozen=True)
class Waiting:
    """What the page of a rule says of its review-by date: what waits, or that the day is near.

    `agree` and `take_back` are the words of the one button that this person has; "" where it is not theirs.
    `refusal` is why what they just pressed was not done.
    """

    told: str
    to: str = ""
    agree: str = ""
    take_back: str = ""
    ask: str = ""
    refusal: str = ""


def later_date_of(request: HttpRequest, rule: Rule, *, may_ask: bool, refusal: str = "") -> Waiting | None:
    """None where nothing waits and the day is far. One query, none for a rule without a date."""
    wish = waiting_date_of(rule)
    if wish is None or not request.user.has_perm("review.view_review"):
        return _near(rule, may_ask, refusal)
    own = wish.asked_by_id == request.user.pk
    may_agree = request.user.has_perm(CHANGE) and not own
    waits_on = "" if may_agree else _("It waits for a second person.")
    return Waiting(
        told=f"{asked(wish)} {waits_on}".strip(),
        to=wish.to.isoformat() if wish.to else NO_DATE,
        agree=agree_words(wish) if may_agree else "",
        take_back=_("Take it back") if own else "",
        refusal=refusal,
    )


def _near(rule: Rule, may_ask: bool, refusal: str) -> Waiting | None:
    """Thirty days ahead a letter leads here: the date can be put off by two, and the purpose stands beside it."""
    until = rule.review_by
    near = until is not None and until <= timezone.localdate() + timedelta(days=AHEAD[0])
    if near and rule.status == Rule.Status.IN_FORCE:
        told = _("To be looked at again by %(day)s.") % {"day": day_or_blank(until)}
        return Waiting(told, ask=_("Ask for a later date") if may_ask else "", refusal=refusal)
    return Waiting("", refusal=refusal) if refusal else None


class LaterDatePages(ModelAdmin):
    """`RuleAdmin` takes it in: the form that asks for a later date, and the address of both buttons."""

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(require_POST(self.later_date))
        return [path("<int:object_id>/later-date/", view, name="catalogue_rule_later_date"), *super().get_urls()]

    def change_stored(self, request: HttpRequest, rule: Rule, form: RuleForm) -> None:
        fields = form.fields_given()
        if save_rule(rule=rule, fields=fields, by=acting(request)) == Moved.ASKED:
            stored = Rule.objects.get(pk=rule.pk)
            request.date_waits = waits(stored, fields["review_by"])  # type: ignore[attr-defined]

    def later_date(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """`do` is agree or take_back; `to` the day that the page showed."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        pages, rule = cast(Any, self), Rule.objects.filter(pk=object_id).first()
        if rule is None:
            return cast(HttpResponse, pages._nothing(request, object_id))
        try:
            if request.POST.get("do") == "take_back":
                take_back_date(rule=rule, by=acting(request))
                said = _("Taken back. Review by %(day)s stays.") % {"day": day_or_blank(rule.review_by)}
            else:
                to = agree_to_date(rule=rule, to=_seen(request), by=acting(request))
                said = _("Agreed: to be looked at again by %(day)s.") % {"day": day_or_blank(to)}
                said = said if to else _("Agreed: it has no review-by date any more.")
        except RulebookError as refusal:
            status = 403 if isinstance(refusal, NotAllowed) else 409
            return cast(HttpResponse, pages.glance(request, rule.pk, date_refusal=str(refusal), status=status))
        cache.delete(WAITING_KEY.format(request.user.pk))
        messages.success(request, said)
        asked_from = request.POST.get("back") == "asked"
        return HttpResponseRedirect(
            reverse("admin:review_review_asked") if asked_from else reverse("admin:catalogue_rule_page", args=[rule.pk])
        )


def _seen(request: HttpRequest) -> date | None:
    """The day of the button; one that nobody asks for where it says none."""
    given = request.POST.get("to", "")
    if given == NO_DATE:
        return None
    try:
        return parse_date(given) or date.min
    except ValueError:
        return date.min
