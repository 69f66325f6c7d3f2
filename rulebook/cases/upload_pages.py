"""The pages that bring a file of cases in: choose it, see how it is read, watch it, read the report.

An address holds the upload's random token. Raw ids are on none of these pages; the file of rejected rows has them,
and only who may import gets it.
"""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from django.conf import settings
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from rulebook.cases import sentences
from rulebook.cases.forms import FIELD_NAMES, CheckForm, FilesForm, asked
from rulebook.cases.helpdesks import GENERIC
from rulebook.cases.models import Source, Upload
from rulebook.cases.previewing import preview_of
from rulebook.cases.upload_files import file_of
from rulebook.cases.uploads import (
    Options,
    Preview,
    discard,
    is_over,
    keep_upload,
    preview,
    rejected_file,
    start_import,
)
from rulebook.errors import RulebookError
from rulebook.jobs import is_alive
from rulebook.journal.pages import acting
from rulebook.numbers import clock, whole

State = Upload.State
MAY_IMPORT, MAY_SEE = "cases.add_upload", "cases.view_upload"
HELP_DESKS = {"servicenow": "ServiceNow", "django-helpdesk": "django-helpdesk"}  # as they write themselves
AT_WORK = (State.WAITING, State.RUNNING)


def worker_off() -> str:
    """What to do where nothing runs in the background by itself; '' where it does."""
    if settings.WORKER != "off":
        return ""
    return _("Work in the background is off on this server. Run: python manage.py work")


def choose_file(request: HttpRequest) -> HttpResponse:
    """The first page. A file that cannot be read at all is refused here, and not kept."""
    _need(request, MAY_IMPORT)
    sent = request.method == "POST"
    form = FilesForm(request.POST, request.FILES) if sent else FilesForm()
    if sent and form.is_valid():
        file, links = form.cleaned_data["file"], form.cleaned_data["links"]
        try:
            upload = keep_upload(file=file, name=file.name, by=acting(request), links=links)
            seen = preview(upload)
        except RulebookError as refusal:
            form.add_error(None, str(refusal))
        else:
            at_fault = _file_at_fault(upload, seen)
            if not at_fault:
                return HttpResponseRedirect(reverse("admin:cases_upload_check", args=[upload.token]))
            discard(upload=upload, by=acting(request))
            form.add_error(at_fault, seen.problem)
    status = 422 if form.is_bound else 200
    return _page(request, "cases/upload_file.html", _("Import cases"), {"form": form}, status)


@never_cache
def check_file(request: HttpRequest, token: str) -> HttpResponse:
    """The second page: how the file is read. One button starts the import; another looks again at other columns."""
    _need(request, MAY_IMPORT)
    upload = _found(token)
    if upload is None or (upload.state == State.DRAFT and (not upload.folder or is_over(upload))):
        return _gone(request)
    if upload.state != State.DRAFT:
        return _to_progress(upload)
    recognised = preview(upload)
    if recognised.problem and not recognised.columns:
        return _gone(request)  # swept in this moment
    sources = list(Source.objects.order_by("name"))
    form = CheckForm(request.POST if request.method == "POST" else None, seen=recognised, sources=sources)
    seen = recognised
    if form.is_bound and form.is_valid():
        options = form.options()
        seen = preview(upload, options.preset, options.overrides) if options.overrides else recognised
        if seen.problem:
            form.add_error(None, seen.problem)
        elif "look" not in request.POST:
            try:
                start_import(upload=upload, options=options, by=acting(request))
                return _to_progress(upload)
            except RulebookError as refusal:
                upload.refresh_from_db()
                if upload.state != State.DRAFT:
                    return _to_progress(upload)  # sent twice: one import was started
                form.add_error(None, str(refusal))
    context = {
        "form": form,
        "upload": upload,
        "seen": seen,
        "recognised": _recognised(recognised),
        "headers": _headers(seen),
        "sources": {source.name: _fixed(source) for source in sources},
        "spaces": sorted({source.space for source in sources}),
        "zones": sorted(zone for zone in available_timezones() if "/" in zone),
        "button": _button(seen),
    }
    status = 422 if form.is_bound and form.errors else 200
    return _page(request, "cases/upload_check.html", _("Import cases"), context, status)


@never_cache
@require_safe
def show_progress(request: HttpRequest, token: str) -> HttpResponse:
    """The third page, and the fourth once it has ended. `?format=json` is what its script asks for meanwhile."""
    _need(request, MAY_SEE)
    upload = _found(token)
    if upload is None:
        return _gone(request)
    if upload.state == State.DRAFT:
        return HttpResponseRedirect(reverse("admin:cases_upload_check", args=[upload.token]))
    progress = _progress(upload)
    if request.GET.get("format") == "json":
        return JsonResponse(progress)
    titles = {State.DONE.value: _("Imported"), State.FAILED.value: _("The import could not finish")}
    context = {
        "upload": upload,
        "progress": progress,
        "report": _report(upload) if upload.state == State.DONE else None,
        "rejected_here": rejected_file(upload) is not None,
        "gone_at": timezone.localtime(upload.gone_at),
        "may_import": request.user.has_perm(MAY_IMPORT),
    }
    return _page(request, "cases/upload_progress.html", titles.get(upload.state, _("Importing")), context)


@never_cache
@require_safe
def rejected_rows(request: HttpRequest, token: str) -> HttpResponse | FileResponse:
    """The rejected rows as CSV, while they are kept. They hold raw ids."""
    _need(request, MAY_IMPORT)
    upload = _found(token)
    path = rejected_file(upload) if upload else None
    if upload is None or path is None:
        return _gone(request)
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return _gone(request)
    name = f"rejected-{upload.file_name.partition('.')[0]}.csv"
    return FileResponse(file, as_attachment=True, filename=name, content_type="text/csv; charset=utf-8")


@require_POST
def try_again(request: HttpRequest, token: str) -> HttpResponse:
    """Start an import that failed once more, as it was asked for."""
    _need(request, MAY_IMPORT)
    upload = _found(token)
    if upload is None or not upload.folder or (upload.state == State.FAILED and is_over(upload)):
        return _gone(request)
    if upload.state == State.FAILED:
        start_import(upload=upload, options=Options(**upload.options), by=acting(request))
    return _to_progress(upload)


@require_POST
def throw_away(request: HttpRequest, token: str) -> HttpResponse:
    """Forget a file that turned out to be the wrong one."""
    _need(request, MAY_IMPORT)
    upload = _found(token)
    if upload is not None and upload.state == State.DRAFT:
        discard(upload=upload, by=acting(request))
    return HttpResponseRedirect(reverse("admin:cases_upload_add"))


def _need(request: HttpRequest, right: str) -> None:
    if not request.user.has_perm(right):
        raise PermissionDenied


def _found(token: str) -> Upload | None:
    return Upload.objects.filter(token=token).first()


def _page(
    request: HttpRequest, template: str, title: str, context: dict[str, Any], status: int = 200
) -> TemplateResponse:
    return TemplateResponse(
        request, template, {**admin.site.each_context(request), "title": title, **context}, status=status
    )


def _gone(request: HttpRequest) -> TemplateResponse:
    return _page(request, "cases/upload_gone.html", _("This upload is no longer here"), {}, status=404)


def _to_progress(upload: Upload) -> HttpResponseRedirect:
    return HttpResponseRedirect(reverse("admin:cases_upload_progress", args=[upload.token]))


def _file_at_fault(upload: Upload, seen: Preview) -> str:
    """Which of the two files no choice of columns on the next page could mend: 'file', 'links', or '' for neither."""
    if not seen.problem:
        return ""
    if upload.links_name and not preview_of(file_of(upload), None, "auto", {}).problem:
        return "links"
    return "" if seen.columns else "file"


def _recognised(seen: Preview) -> str:
    """What the file was taken for, in a sentence."""
    if seen.problem:
        # The reader names columns as the command does; here there is a field for each of them.
        if "--map" in seen.problem:
            return _("This is no file of a help desk we know. Which column is what?")
        return seen.problem
    if seen.preset == GENERIC.name:
        return _("This is a table with columns of its own. Is this right?")
    helpdesk = HELP_DESKS.get(seen.preset, seen.preset.title())
    return _("This is a file of %(helpdesk)s. Is this right?") % {"helpdesk": helpdesk}


def _headers(seen: Preview) -> list[tuple[str, str]]:
    """(the column as the file calls it, what it is read as) for the table of the first rows."""
    read_as = {column: str(FIELD_NAMES[name]) for name, column in seen.fields.items() if name in asked()}
    unread = {*seen.unused, ""}
    deciding = _("says what counts")  # a state or a tag by which rows are kept out of the figures
    # Known to the reader, and never stored: the text of a case, and who its agent is unless a setting says so.
    passed = {column: _("not stored") for name, column in seen.fields.items() if name not in asked()}
    words = {**passed, **read_as}
    return [(column, words.get(column, "" if column in unread else deciding)) for column in seen.headers]


def _fixed(source: Source) -> str:
    return _("Times without an offset are %(zone)s, and customers those of %(space)s: the first import fixed it.") % {
        "zone": source.time_zone,
        "space": source.space,
    }


def _button(seen: Preview) -> str:
    if seen.total is None:
        return _("Import all rows")
    return ngettext("Import %(count)s row", "Import %(count)s rows", seen.total) % {"count": whole(seen.total)}


def _progress(upload: Upload) -> dict[str, Any]:
    """How far an import is: what the bar shows (None: not known yet), and what stands under it."""
    share = None
    attended = upload.state == State.RUNNING and is_alive(upload.host, upload.process, upload.heartbeat)
    if upload.state == State.WAITING:
        text = _("Waits for its turn. You can leave this page; the import goes on without it.")
        if upload.last_error:
            told = {"error": upload.last_error, "at": clock(timezone.localtime(upload.next_attempt))}
            text = _("%(error)s It is tried again at %(at)s.") % told
    elif upload.state == State.FAILED:
        text = upload.last_error
    elif upload.state == State.DONE:
        text = _("Imported.")
    elif not attended:
        text = _("The work stopped in the middle. What was stored is kept, and it is taken up again by itself.")
    elif not upload.rows_total:
        text = upload.said or _("Reading the file a first time.")
    elif upload.rows_done < upload.rows_total:
        share = upload.rows_done / upload.rows_total
        text = _("%(done)s of %(total)s rows") % {"done": whole(upload.rows_done), "total": whole(upload.rows_total)}
    else:
        share = 1.0
        text = upload.said or _("Computing outcomes.")
    return {
        "state": str(upload.state),
        "busy": upload.state in AT_WORK,
        "percent": None if share is None else int(100 * share),
        "text": text,
        "hint": worker_off() if upload.state in AT_WORK and not attended else "",
    }


def _report(upload: Upload) -> dict[str, Any]:
    """What an import did, in sentences that add up."""
    told = upload.report
    counts, links = told.get("counts") or {}, told.get("links")
    source = Source.objects.filter(name=upload.options.get("source", "")).first()
    zone = ZoneInfo(source.time_zone if source else "UTC")
    horizon = datetime.fromisoformat(told["horizon"]).astimezone(zone) if told.get("horizon") else None
    waiting = links["waiting"] if links else 0
    return {
        "counts": sentences.counted(counts, counts.get("read", 0)),
        "links": _links(links) if links else "",
        "waiting": ngettext(
            "%(count)s link waits for its rule or its case.", "%(count)s links wait for their rules or cases.", waiting
        )
        % {"count": whole(waiting)}
        if waiting
        else "",
        "settled": ngettext(
            "%(count)s link that waited found its case and rule.",
            "%(count)s links that waited found their cases and rules.",
            told["settled"],
        )
        % {"count": whole(told["settled"])}
        if told.get("settled")
        else "",
        "horizon": f"{sentences.weekday(horizon.date())}, {clock(horizon)}" if horizon else "",
        "findings": told.get("warnings") or [],
        "source": source,
        "source_name": upload.options.get("source", ""),
    }


def _links(links: dict[str, int]) -> str:
    words = {
        "added": _("%(count)s new"),
        "corrected": _("%(count)s corrected"),
        "unchanged": _("%(count)s unchanged"),
        "waiting": _("%(count)s waiting"),
        "rejected": _("%(count)s rejected"),
    }
    parts = [words[name] % {"count": whole(links[name])} for name in words if links.get(name)]
    total = ngettext("%(count)s link", "%(count)s links", links["read"]) % {"count": whole(links["read"])}
    return f"{total}: {', '.join(parts)}"
