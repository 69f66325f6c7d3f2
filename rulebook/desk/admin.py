"""Pages where packages meet."""

from django.contrib import admin
from django.http import HttpRequest

from rulebook.cases.services import settle_pending_links
from rulebook.catalogue.admin import RulePages
from rulebook.catalogue.forms import RuleForm
from rulebook.catalogue.models import Rule
from rulebook.journal.pages import acting


@admin.register(Rule)
class RuleAdmin(RulePages):
    """Links of cases may have waited for the rule or the alias that is stored here."""

    def save_model(self, request: HttpRequest, obj: Rule, form: RuleForm, change: bool) -> None:
        super().save_model(request, obj, form, change)
        settle_pending_links(by=acting(request))
