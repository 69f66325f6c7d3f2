"""The page of the search box in the sidebar: a plain form that works without JavaScript."""

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from rulebook.desk.search import MOST_RULES, find


def search(request: HttpRequest) -> HttpResponse:
    """Finds for ?q=; who may see neither rules nor cases gets an empty page that says so."""
    text = request.GET.get("q", "").strip()
    may = [permission for permission in ("catalogue.view_rule", "cases.view_case") if request.user.has_perm(permission)]
    context = {
        **admin.site.each_context(request),
        "title": _("Search"),
        "content_title": _("Search"),
        "q": text,
        "found": find(text, request.user),
        "most": MOST_RULES,
        "may_search": bool(may),
    }
    return TemplateResponse(request, "desk/search.html", context)
