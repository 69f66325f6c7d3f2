"""The page that brings in a list of rules, and says what became of each row."""

import tempfile
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from unfold.admin import ModelAdmin

from rulebook.cases.services import settle_pending_links
from rulebook.catalogue.importing import RuleReport, import_rules
from rulebook.desk.forms import ImportForm
from rulebook.errors import RulebookError
from rulebook.journal.pages import acting

MOST_ROWS = 5_000  # about 15 seconds, for which somebody and a web worker wait; `import_rules` takes any number
MOST_SHOWN = 200  # refused rows or warnings


class RuleImport(ModelAdmin):
    """A list that is imported twice changes nothing, so nothing is asked before it is read."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.import_view)
        return [path("import/", view, name="catalogue_rule_import"), *super().get_urls()]

    def import_view(self, request: HttpRequest) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = ImportForm(request.POST or None, request.FILES or None)
        report = None
        if request.method == "POST" and form.is_valid():
            try:
                report = _bring_in(form, request)
                form = form if report.rejections else ImportForm()
            except RulebookError as refusal:
                form.add_error("file" if form.cleaned_data["file"] else "pasted", str(refusal))
        context: dict[str, Any] = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Import rules"),
            "form": form,
            "report": report,
            "most": MOST_SHOWN,
        }
        if report is not None:
            context |= {"rejections": report.rejections[:MOST_SHOWN], "warnings": report.warnings[:MOST_SHOWN]}
        return TemplateResponse(request, "desk/rules/import.html", context)


def _bring_in(form: ImportForm, request: HttpRequest) -> RuleReport:
    """The file lies in a private folder for as long as it is read, and is gone before the answer is sent."""
    try:
        with tempfile.TemporaryDirectory(dir=settings.FILE_UPLOAD_TEMP_DIR) as folder:
            report = import_rules(form.write_to(Path(folder)), by=acting(request), most=MOST_ROWS)
    finally:
        # Also after a failure: the rows before it are stored, and links of cases may have waited for them.
        transaction.on_commit(partial(settle_pending_links, by=acting(request)), robust=True)
    return report
