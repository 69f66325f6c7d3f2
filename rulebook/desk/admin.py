"""Pages where packages meet."""

from functools import partial
from typing import Any

from django.contrib import admin
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from rulebook.cases.services import settle_pending_links
from rulebook.catalogue.admin import RulePages
from rulebook.catalogue.forms import RuleForm
from rulebook.catalogue.models import Proposal, Rule
from rulebook.desk import todo_reviews  # noqa: F401  # imported here, it joins what can wait for somebody
from rulebook.desk.actions import ManyRules
from rulebook.desk.filters import FILTERS, PARAMETERS
from rulebook.desk.pages.audits import AuditPages
from rulebook.desk.pages.ballots import BallotPages
from rulebook.desk.pages.flags import FlagPages
from rulebook.desk.pages.front_door import FrontDoorNotes, ProposalPages
from rulebook.desk.pages.marking import MarkManyRules
from rulebook.desk.pages.reviews import ReviewPages
from rulebook.desk.pages.rule import RulePageMixin
from rulebook.desk.pages.rule_import import RuleImport
from rulebook.desk.pages.same import SameRulePages
from rulebook.desk.pages.saved_filters import SavedFilters
from rulebook.desk.rule_list import COLUMNS, RuleList
from rulebook.flags.models import Audit, Flag
from rulebook.journal.pages import acting
from rulebook.review.models import Review
from rulebook.votes.models import Ballot


@admin.register(Rule)
class RuleAdmin(
    FrontDoorNotes, RulePageMixin, SameRulePages, MarkManyRules, ManyRules, RuleImport, SavedFilters, RulePages
):
    """Links of cases may have waited for the rule or the alias that is stored here.

    They are settled after the commit: within it the journal head is held, and nothing may be locked after the head.
    What fails then is logged and left to the next import; the rule itself is stored.
    """

    list_display = COLUMNS
    list_display_links = None
    list_filter = FILTERS
    linked_by = PARAMETERS
    list_filter_submit = True
    list_select_related = ["figures"]
    list_per_page = 50
    search_help_text = gettext_lazy("Code, alias, title, text or what the customer hears")
    show_facets = admin.ShowFacets.NEVER  # counting each choice of each filter would cost a query a choice
    show_full_result_count = False

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[RuleList]:
        return RuleList

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if request.method == "GET" and any(not value for value in request.GET.values()):
            asked = request.GET.copy()  # a form sends its empty fields too; an address is for what is asked
            for name in [name for name in asked if not asked[name]]:
                del asked[name]
            return HttpResponseRedirect(f"?{asked.urlencode()}" if asked else request.path)
        context = {"title": _("Rules"), "kept": self.kept(request), **(extra_context or {})}
        page: HttpResponse = super().changelist_view(request, context)
        return page

    def save_model(self, request: HttpRequest, obj: Rule, form: RuleForm, change: bool) -> None:
        super().save_model(request, obj, form, change)
        transaction.on_commit(partial(settle_pending_links, by=acting(request)), robust=True)


@admin.register(Proposal)
class ProposalAdmin(ProposalPages):
    """New rules on their way in."""


admin.site.register(Flag, FlagPages)
admin.site.register(Audit, AuditPages)
admin.site.register(Review, ReviewPages)


@admin.register(Ballot)
class BallotAdmin(BallotPages):
    """Sealed votes of the front line."""
