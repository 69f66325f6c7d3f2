"""The board of reviews by state, those of one state in a list, and what is asked of whoever looks."""

from dataclasses import dataclass
from typing import Any, cast

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path, reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from rulebook.access.models import Person
from rulebook.cases.sentences import days
from rulebook.desk.pages.afterwards import CallBackPage, still_met_again
from rulebook.desk.pages.inbox import InboxPage
from rulebook.desk.pages.marking import address
from rulebook.desk.pages.review import ReviewPage
from rulebook.desk.pages.trials import TrialPage
from rulebook.review import lanes, queries
from rulebook.review.models import OPEN, Review, State
from rulebook.review.situation import Situation, asked_by, situations, who_answers
from rulebook.review.telling import how_it_stands
from rulebook.review.zombies import Held, how_it_holds

ASK_OR_START = require_http_methods(["GET", "HEAD", "POST"])
PAGE = 50  # reviews of one page of a list
MOST_PAGES = 1_000
OVER = "over"  # those that have come to an end
EMPTY = {
    State.MARKED.value: gettext_lazy("None waits to be looked at."),
    State.ASSESSING.value: gettext_lazy("None is being assessed."),
    State.ON_TRIAL.value: gettext_lazy("None is on trial."),
    State.LAPSING.value: gettext_lazy("None lapses."),
    State.DECIDED.value: gettext_lazy("None waits for its day."),
}


@dataclass(frozen=True)
class Card:
    """One review on the board: how old it is, its lane, whose rule it is, and what stands in its way.

    `held` says of one that ended its rule whether that holds.
    """

    review: Review
    url: str
    age: str
    full: bool
    owner: str
    blocks: str
    held: Held | None


def card(at: Situation) -> Card:
    review, old = at.review, (at.today - at.review.marked_on).days
    return Card(
        review=review,
        url=address(review),
        age=days(old) if old else _("today"),
        full=lanes.is_full(at),
        owner=str(next(iter(who_answers(at.rule)), "")),
        blocks=queries.what_blocks(at) if review.is_open else how_it_stands(review),
        held=how_it_holds(review, at.today),
    )


class ReviewPages(InboxPage, CallBackPage, TrialPage, ReviewPage):
    """Rules marked for removal, and what became of them."""

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        return [
            path("mark/", wrap(require_POST(self.mark)), name="review_review_mark"),
            path("mark-several/", wrap(require_POST(self.mark_several)), name="review_review_mark_several"),
            path("asked/", wrap(self.asked), name="review_review_asked"),
            path("<int:object_id>/do/", wrap(require_POST(self.do)), name="review_review_do"),
            path("<int:object_id>/trial/", wrap(ASK_OR_START(self.trial)), name="review_review_trial"),
            path("<int:object_id>/call-back/", wrap(require_safe(self.call_back)), name="review_review_call_back"),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The board; ?state= a list of those in one state, or of those that are over."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        state = request.GET.get("state", "")
        if state in State.values or state == OVER:
            return self._list(request, state)
        columns = [
            (column, [card(at) for at in column.first], EMPTY[column.state])
            for column in queries.board(cast(Person, request.user))
        ]
        met, more_met = still_met_again(timezone.localdate())
        context = {
            "title": _("Reviews"),
            "content_title": _("Reviews"),
            "met": met,
            "more_met": more_met,
            "columns": columns,
            "count": sum(column.count for column, _cards, _empty in columns),
            "over": OVER,
        }
        return self._page(request, "board", context)

    def _list(self, request: HttpRequest, state: str) -> HttpResponse:
        given = request.GET.get("page", "")
        page = min(max(1, int(given)), MOST_PAGES) if given.isascii() and given.isdecimal() and len(given) < 9 else 1
        start = (page - 1) * PAGE
        found = queries.over() if state == OVER else queries.reviews_in(state)
        reviews = list(found[start : start + PAGE + 1])
        person = cast(Person, request.user)
        cards = [card(at) for at in asked_by(situations(reviews[:PAGE], today=timezone.localdate()), person)]
        context = {
            "title": _("Reviews"),
            "content_title": _("Reviews"),
            "cards": cards,
            "state": _("over") if state == OVER else State(state).label,
            "is_open": state in OPEN,
            "page": page,
            "earlier": urlencode({"state": state, "page": str(page - 1)}) if page > 1 else "",
            "later": urlencode({"state": state, "page": str(page + 1)}) if len(reviews) > PAGE else "",
        }
        return self._page(request, "list", context)

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """In the journal, which holds none of the words."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        query = urlencode({"object_type": "review", "object_code": object_id})
        return HttpResponseRedirect(f"{reverse('admin:journal_event_changelist')}?{query}")
