"""Ballots in the admin: make one, open it, enter hands, reveal, close, and read what it came to.

Each verb is a service's; a page shows one filled button, the next step. While a round is open no page here reads a
vote, but for whether enough people have voted on every rule.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, QuerySet, Sum
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from rulebook.desk.pages.ballot_words import ballot_finding, cards, plot_of
from rulebook.errors import NotAllowed, RulebookError, WrongState
from rulebook.journal.pages import ServiceAdmin, acting
from rulebook.numbers import day
from rulebook.votes import ballots
from rulebook.votes.ballot_forms import BallotForm, hands_forms
from rulebook.votes.models import Ballot, Hands
from rulebook.votes.results import ballot_result, reached, rounds_over

State = Ballot.State
VERBS: dict[str, Callable[..., None]] = {
    "open": ballots.open_ballot,
    "reveal": ballots.reveal,
    "next": ballots.next_round,
    "close": ballots.close_ballot,
    "discard": ballots.discard_ballot,
}


@dataclass(frozen=True)
class Step:
    """A button: the verb, its words, and the sentence under it."""

    verb: str
    words: str
    help: str = ""


@dataclass(frozen=True)
class Stand:
    """Where a ballot stands: a sentence, the next step (filled), and what else can be done."""

    sentence: str
    tag: str
    first: Step | None = None
    others: list[Step] = field(default_factory=list)
    hands: bool = False


class BallotPages(ServiceAdmin):
    """Nothing of a ballot is edited once it is made: a draft that is wrong is thrown away."""

    object_type = "ballot"
    list_title = gettext_lazy("Ballots")
    add_label = gettext_lazy("Make a ballot")
    list_display = ["title", "rules", "stands", "opened", "closed"]
    sortable_by = ()
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Ballot]:
        found: QuerySet[Ballot] = super().get_queryset(request).annotate(rule_count=Count("items"))
        return found

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        return [
            path("<int:object_id>/hands/", wrap(never_cache(self.hands_view)), name="votes_ballot_hands"),
            *(
                path(f"<int:object_id>/{verb}/", wrap(require_POST(self._doing(verb))), name=f"votes_ballot_{verb}")
                for verb in VERBS
            ),
            *super().get_urls(),
        ]

    @admin.display(description=gettext_lazy("rules"))
    def rules(self, ballot: Any) -> int:
        return int(ballot.rule_count)

    @admin.display(description=gettext_lazy("state"))
    def stands(self, ballot: Ballot) -> str:
        return stand_of(ballot).tag

    @admin.display(description=gettext_lazy("opened"))
    def opened(self, ballot: Ballot) -> str:
        return _local_day(ballot.opened_at)

    @admin.display(description=gettext_lazy("closed"))
    def closed(self, ballot: Ballot) -> str:
        return _local_day(ballot.closed_at)

    # Pages

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """?rule= names the rules that the form begins with."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        begun = {"rules": "\n".join(name[:100] for name in request.GET.getlist("rule")[: ballots.MOST_RULES])}
        form = BallotForm(request.POST) if request.method == "POST" else BallotForm(initial=begun)
        if form.is_bound and form.is_valid():
            given = dict(form.cleaned_data)
            try:
                made = ballots.make_ballot(versions=given.pop("rules"), by=acting(request), **given)
            except RulebookError as refusal:
                form.add_error(None, str(refusal))
            else:
                return HttpResponseRedirect(page(made.pk))
        context = {"form": form}
        return self._page(request, "make", _("Make a ballot"), context, 422 if form.is_bound else 200)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        return self._show(request, object_id)

    def hands_view(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """A show of hands, one table a rule. What was entered before is not shown again, but how many hands it was."""
        self._need_change(request)
        ballot = Ballot.objects.filter(pk=object_id).first()
        if ballot is None or ballot.state != State.OPEN:
            return self._show(request, str(object_id), _("Hands are counted while a round is open."), 409)
        forms = list(hands_forms(ballot, request.POST if request.method == "POST" else None))
        status, refusal = 200, ""
        if request.method == "POST":
            status = 422
            if not sum(len(form.errors) for form in forms):  # of all of them: each says what is wrong
                try:
                    shown = [(form.item, form.ease, counts) for form in forms if (counts := form.counts())]
                    ballots.show_all_hands(shown=shown, by=acting(request))
                except WrongState as meanwhile:
                    return self._show(request, str(object_id), str(meanwhile), 409)
                except RulebookError as reason:
                    refusal = str(reason)
                else:
                    messages.success(request, _("The hands are entered."))
                    return HttpResponseRedirect(page(object_id))
        earlier = Hands.objects.filter(item__ballot=ballot, round=ballot.round).values_list("item", "ease")
        entered = {(item, ease): count for item, ease, count in earlier.annotate(count=Sum("people"))}
        rows = [(form, entered.get((form.item.pk, form.ease), 0)) for form in forms]
        return self._page(
            request,
            "hands",
            _("Show of hands"),
            {"ballot": ballot, "original": ballot, "rows": rows, "refusal": refusal},
            status,
        )

    def _doing(self, verb: str) -> Callable[..., HttpResponse]:
        def view(request: HttpRequest, object_id: int) -> HttpResponse:
            self._need_change(request)
            ballot = Ballot.objects.filter(pk=object_id).first()
            if ballot is None:
                return self._show(request, str(object_id))
            try:
                VERBS[verb](ballot=ballot, by=acting(request))
            except RulebookError as refusal:
                return self._show(
                    request, str(object_id), str(refusal), 403 if isinstance(refusal, NotAllowed) else 409
                )
            if verb == "discard":
                return HttpResponseRedirect(reverse("admin:votes_ballot_changelist"))
            return HttpResponseRedirect(page(object_id))

        return view

    def _show(self, request: HttpRequest, object_id: str, refusal: str = "", status: int = 200) -> HttpResponse:
        """The page of a ballot, with why something could not be done where it could not."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        ballot = self.get_object(request, object_id)
        if ballot is None:
            lost: HttpResponse = self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
            return lost
        results = ballot_result(ballot)
        finding = ballot_finding(results) if results else ""
        stand = stand_of(ballot)
        context = {
            "ballot": ballot,
            "original": ballot,  # for the way back to the list
            "stand": stand,
            "refusal": refusal,
            "items": list(ballot.items.select_related("version__rule").order_by("place")) if not results else [],
            "enough": enough(ballot) if ballot.state == State.OPEN else "",
            "address": request.build_absolute_uri(reverse("vote_ballot", args=[ballot.pk])) if stand.hands else "",
            "finding": finding,
            "basis": basis(ballot) if results else "",
            "cards": cards(results),
            "plot": plot_of(results, finding),
            "may_change": self.has_change_permission(request),
        }
        return self._page(request, "page", ballot.title, context, status)

    def _need_change(self, request: HttpRequest) -> None:
        if not self.has_change_permission(request):
            raise PermissionDenied

    def _page(
        self, request: HttpRequest, name: str, title: str, context: dict[str, Any], status: int
    ) -> TemplateResponse:
        request.list_title = self.list_title  # type: ignore[attr-defined]  # for the frame's way back to the list
        frame = {**self.admin_site.each_context(request), "title": title, "model_admin": self, "opts": self.opts}
        return TemplateResponse(request, f"desk/ballot/{name}.html", {**frame, **context}, status=status)


def stand_of(ballot: Ballot) -> Stand:
    """Where a ballot stands and what comes next."""
    close = Step("close", _("Close the ballot"), _("The result is shown, and it is not opened again."))
    if ballot.state == State.DRAFT:
        step = Step(
            "open", _("Open the ballot"), _("From then on the words of these rules stand still until it closes.")
        )
        away = Step("discard", _("Throw it away"))
        return Stand(_("Nobody can vote yet."), _("Draft"), step, [away])
    if ballot.state == State.REVEALED:
        step = Step("next", _("Open the second round"), _("Everybody votes again, knowing the first result."))
        return Stand(_("The first round is over."), _("First round revealed"), step, [close])
    if ballot.state == State.CLOSED:
        return Stand("", _("Closed"))
    sealed = _("Sealed: nobody sees a vote or a result before the round is over.")
    if ballot.rounds == 2 and ballot.round == 1:
        step = Step("reveal", _("Reveal the first round"), _("Nobody can vote in it any more. A second round follows."))
        return Stand(sealed, _("First round open"), step, [close], hands=True)
    tag = _("Second round open") if ballot.round == 2 else _("Open")
    return Stand(sealed, tag, close, hands=True)


def enough(ballot: Ballot) -> str:
    """Whether it is too early to end the round: how much would be shown."""
    voters = reached(ballot)
    if voters >= 5:
        return _("On every rule five people or more have voted.")
    if voters >= 3:
        return _("On every rule three people or more have voted. Fewer than five show no mean.")
    return _("On some rule fewer than three people have voted. Its result would be a count alone.")


def basis(ballot: Ballot) -> str:
    """What the figures rest on, in one line."""
    shown = rounds_over(ballot)
    parts = [_("sealed ballot")]
    if ballot.rounds == 2:
        parts.append(_("first round") if shown == 1 else _("second round"))
    if ballot.closed_at:
        parts.append(_("closed %(day)s") % {"day": _local_day(ballot.closed_at)})
    parts.append(_("managers and hands apart"))
    said = " · ".join(parts)
    return said[:1].upper() + said[1:]


def page(number: int) -> str:
    """The address of the page of a ballot."""
    return reverse("admin:votes_ballot_change", args=[number])


def _local_day(when: Any) -> str:
    return day(timezone.localtime(when).date()) if when else ""
