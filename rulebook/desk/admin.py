"""Pages where packages meet."""

from functools import partial

from django.contrib import admin
from django.db import transaction
from django.http import HttpRequest

from rulebook.cases.services import settle_pending_links
from rulebook.catalogue.admin import RulePages
from rulebook.catalogue.forms import RuleForm
from rulebook.catalogue.models import Rule
from rulebook.journal.pages import acting


@admin.register(Rule)
class RuleAdmin(RulePages):
    """Links of cases may have waited for the rule or the alias that is stored here.

    They are settled after the commit: within it the journal head is held, and nothing may be locked after the head.
    What fails then is logged and left to the next import; the rule itself is stored.
    """

    def save_model(self, request: HttpRequest, obj: Rule, form: RuleForm, change: bool) -> None:
        super().save_model(request, obj, form, change)
        transaction.on_commit(partial(settle_pending_links, by=acting(request)), robust=True)
