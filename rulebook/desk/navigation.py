"""The admin's sidebar in the order of a manager's day, and the tag that says when the data is made up.

Unfold calls these by the names in the settings, once a page. A line is shown to those who may open its page.
"""

from typing import Any

from django.core.cache import cache
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from rulebook.cases.models import Source
from rulebook.desk import demo
from rulebook.desk.flag_queue import flags_waiting
from rulebook.desk.pages.front_door import decisions_waiting
from rulebook.desk.pages.inbox import asked_waiting

SAMPLE_KEY = "rulebook.desk.sample"  # whether the demo's source is there
SAMPLE_SECONDS = 60  # a demo that has just been loaded or thrown away is noticed within a minute


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    """Groups of {title, items}; an item without a permission is for everybody who may sign in here."""
    flags = _line(request, _("Flags"), "flag", "admin:flags_flag_changelist", "flags.view_flag")
    reviews = _line(request, _("Reviews"), "view_kanban", "admin:review_review_changelist", "review.view_review")
    asked = _line(request, _("Asked of me"), "inbox", "admin:review_review_asked", "review.view_review")
    day = [
        _line(request, _("Start"), "home", "admin:index"),
        _line(request, _("Rules"), "checklist", "admin:catalogue_rule_changelist", "catalogue.view_rule"),
        {**flags, "badge_callback": flags_waiting(request)} if flags else {},
        {**reviews, "active": reviews["active"] and not asked["active"]} if reviews else {},
        _line(request, _("Notices"), "campaign", "admin:notices_notice_changelist", "notices.view_notice"),
    ]
    door = _line(
        request, _("Front door"), "door_front", "admin:catalogue_proposal_changelist", "catalogue.view_proposal"
    )
    more = [
        {**asked, "badge_callback": asked_waiting(request)} if asked else {},
        _line(request, _("Write rules down"), "edit_note", "capture", "catalogue.add_rule"),
        _line(request, _("Sort rules"), "low_priority", "capture_sort", "catalogue.change_rule"),
        {**door, "badge_callback": decisions_waiting(request)} if door else {},
        _line(request, _("Ballots"), "how_to_vote", "admin:votes_ballot_changelist", "votes.view_ballot"),
        _line(request, _("Cases"), "deployed_code", "admin:cases_case_changelist", "cases.view_case"),
        _line(request, _("Sources"), "database", "admin:cases_source_changelist", "cases.view_source"),
        _line(request, _("Import cases"), "upload_file", "admin:cases_upload_add", "cases.add_upload"),
        _line(request, _("Page for the top"), "draft", "admin:desk_top", "catalogue.view_rule"),
    ]
    house = [
        _line(request, _("People"), "person", "admin:access_person_changelist", "access.view_person"),
        _line(request, _("Departments"), "domain", "admin:access_department_changelist", "access.view_department"),
        _line(request, _("Teams"), "groups", "admin:access_team_changelist", "access.view_team"),
        _line(request, _("Team links"), "link", "admin:access_teamlink_changelist", "access.view_teamlink"),
        _line(
            request,
            _("Closed periods"),
            "event_busy",
            "admin:access_closedperiod_changelist",
            "access.view_closedperiod",
        ),
        _line(request, _("Letters"), "mail", "admin:access_letter_changelist", "access.view_letter"),
        _line(request, _("Topics"), "sell", "admin:catalogue_topic_changelist", "catalogue.view_topic"),
        _line(request, _("Journal"), "history", "admin:journal_event_changelist", "journal.view_event"),
    ]
    groups = [("", day), (_("More"), more), (_("House"), house)]
    return [{"title": title, "items": [line for line in lines if line]} for title, lines in groups if any(lines)]


def _line(request: HttpRequest, title: str, icon: str, page: str, permission: str = "") -> dict[str, Any]:
    """One line of the sidebar; empty where this person may not open its page."""
    if permission and not request.user.has_perm(permission):
        return {}
    link = reverse(page)
    here = request.path == link if page == "admin:index" else request.path.startswith(link.removesuffix("add/"))
    return {"title": title, "icon": icon, "link": link, "active": here}


def sample_tag(request: HttpRequest) -> list[str] | None:
    """What the header says of the whole database; nothing where it holds somebody's own data."""
    there = cache.get(SAMPLE_KEY)
    if there is None:
        there = Source.objects.filter(name=demo.SOURCE).exists()
        cache.set(SAMPLE_KEY, there, SAMPLE_SECONDS)
    return [_("Sample data"), ""] if there else None
