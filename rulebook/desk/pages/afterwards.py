"""What a manager sees after a decision took effect: whether it holds, whom to call back, and what changed since.

Of a rule that ended: who met it all the same, and the file for the help desk. Of one that was removed, simplified or
delegated without a trial: how its contacts went before and since. They are read by `work`, and not here.
"""

import tempfile
from dataclasses import dataclass
from datetime import date
from typing import Any, cast

from django.core.exceptions import PermissionDenied
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from unfold.admin import ModelAdmin

from rulebook.cases.models import Method
from rulebook.errors import NotAllowed, WrongState
from rulebook.journal.pages import acting
from rulebook.numbers import day, interval, percent, points, whole
from rulebook.review import afterwards, sorry
from rulebook.review.models import Review, State
from rulebook.review.situation import Situation
from rulebook.review.zombies import Held, Met, how_it_holds, met_by_teams, still_met
from rulebook.tables.writing import write_into

MOST_MET = 6  # removed rules that agents still meet, on the board
MONTH = 30  # days
CSV = "text/csv; charset=utf-8"


class CallBackPage(ModelAdmin):
    """`ReviewPages` takes it in."""

    def call_back(self, request: HttpRequest, object_id: int) -> HttpResponseBase:
        """The contacts to call back, as a CSV. Written whole, to a file without a name, before its first byte is sent.

        Raises Http404 without such a review; 409 with its page for a rule that has not ended.
        """
        pages = cast(Any, self)
        review: Review | None = pages._review(request, object_id)
        if review is None:
            raise Http404
        try:
            rows = sorry.cases_to_call(review, by=acting(request))
        except NotAllowed as refusal:
            raise PermissionDenied from refusal
        except WrongState as refusal:
            return cast(HttpResponse, pages._show(request, review, refusal=str(refusal), status=409))
        disk = tempfile.TemporaryFile()  # noqa: SIM115  (closed by the response that sends it)
        write_into(disk, ".csv", sorry.HEADER, rows)
        disk.seek(0)
        name = f"call-back-{slugify(review.rule.code) or review.pk}-{timezone.localdate().isoformat()}.csv"
        return FileResponse(disk, as_attachment=True, filename=name, content_type=CSV)


def afterwards_of(request: HttpRequest, at: Situation, *, may_decide: bool) -> dict[str, Any]:
    """What the page of a review shows of it. Up to two queries for the contacts to call, five where it is met."""
    review = at.review
    held = how_it_holds(review, at.today)
    may_see = sorry.has_ended(review) and request.user.has_perm(sorry.VIEW)
    return {
        "held": held,
        "met_in": _teams(met_by_teams([review])[review.pk]) if held and held.met else "",
        "told_again": _told_again(at),
        "to_call": sorry.count_to_call(review) if may_see else None,
        "call_days": sorry.SINCE_DAYS,
        "changes": _changes(review, at.today, may_decide=may_decide),
    }


@dataclass(frozen=True)
class MetAgain:
    """A removed rule on the board that agents still meet, and where."""

    review: Review
    held: Held | None
    teams: str


def still_met_again(today: date) -> tuple[list[MetAgain], bool]:
    """The rules met last, and whether there are more of them. One query where there is none, six where there are."""
    found = list(still_met(today)[: MOST_MET + 1])
    shown = found[:MOST_MET]
    where = met_by_teams(shown) if shown else {}
    return (
        [MetAgain(review, how_it_holds(review, today), _teams(where[review.pk])) for review in shown],
        len(found) > MOST_MET,
    )


def _teams(met: list[Met]) -> str:
    return " · ".join(f"{one.team} {whole(one.times)}" for one in met)


def _told_again(at: Situation) -> str:
    on = at.notice.told_again_on if at.notice is not None else None
    return _("Told again on %(day)s.") % {"day": day(on)} if on else ""


@dataclass(frozen=True)
class Side:
    """The contacts before the mark, or since the effect: in which days, how many, and how they went."""

    name: str
    days: str
    cases: str
    resolved: str
    back: str  # in 30 days


@dataclass(frozen=True)
class Changes:
    """What changed since. `sides` is empty, and `finding` says why, while there are too few contacts for a share."""

    finding: str
    sure: str
    sides: list[Side]
    counted: str
    back_name: str
    looked: str  # that somebody looked again, or from when on somebody should
    may_look: bool


def _changes(review: Review, today: date, *, may_decide: bool) -> Changes | None:
    """None where nothing is compared."""
    if not afterwards.is_compared(review):
        return None
    looked = afterwards.why_not_looked_at(review, today)
    may_look = may_decide and not looked
    found = review.changes
    if not found or review.in_force_on is None or found["since"]["first"] != review.in_force_on.isoformat():
        return Changes(_("No contact since can be judged yet."), "", [], "", "", looked, may_look)
    before, since = found["before"], found["since"]
    repeats = found["method"] == Method.NO_REPEAT
    if min(before["cases"], since["cases"]) < afterwards.LEAST:
        return Changes(_too_few(before, since), "", [], _counted(found), "", looked, may_look)
    shares = {"since": percent(_resolved(since)), "before": percent(_resolved(before))}
    return Changes(
        finding=_("%(since)s resolved at the first contact since, %(before)s before") % shares,
        sure=_sure(found["rise"]),
        sides=[_side(_("Before it was marked"), before), _side(_since_words(review), since)],
        counted=_counted(found),
        back_name=_("Came back, in 30 days") if repeats else _("Not resolved, in 30 days"),
        looked=looked,
        may_look=may_look,
    )


def _since_words(review: Review) -> str:
    return _("Since it changed") if review.state in (State.SIMPLIFIED, State.DELEGATED) else _("Since it was removed")


def _too_few(before: dict[str, Any], since: dict[str, Any]) -> str:
    words = {"needed": afterwards.LEAST}
    if since["cases"] < afterwards.LEAST:
        text = ngettext(
            "Not measurable yet: %(cases)s contact since, %(needed)s needed.",
            "Not measurable yet: %(cases)s contacts since, %(needed)s needed.",
            since["cases"],
        )
        return text % {**words, "cases": whole(since["cases"])}
    text = ngettext(
        "Not measurable: %(cases)s contact in the 90 days before, %(needed)s needed.",
        "Not measurable: %(cases)s contacts in the 90 days before, %(needed)s needed.",
        before["cases"],
    )
    return text % {**words, "cases": whole(before["cases"])}


def _sure(rise: list[float] | None) -> str:
    """The change with its doubt, by the bounds of `looks.change`."""
    if rise is None:
        return ""
    by, low, high = rise
    words = {
        "rise": points(by, 1),
        "between": interval(low * 100, high * 100, 1),
        "sure": percent(0.95, 0),
    }
    return _("A change of %(rise)s points (%(sure)s sure: %(between)s).") % words


def _counted(found: dict[str, Any]) -> str:
    """Which contacts, and when one counts as resolved: no figure without its window."""
    topics, channels = ", ".join(found["topics"]), ", ".join(found["channels"])
    about = {"topics": topics, "channels": channels, "days": found["window_days"]}
    if topics:
        said = _("All contacts about %(topics)s by %(channels)s.") if channels else _("All contacts about %(topics)s.")
    else:
        said = _("All contacts by %(channels)s.") if channels else _("All contacts.")
    said = said % about
    if found["method"] == Method.NO_REPEAT:
        said += " " + _("Resolved: nobody came back within %(days)s days.") % about
    return said


def _side(name: str, side: dict[str, Any]) -> Side:
    first, last = date.fromisoformat(side["first"]), date.fromisoformat(side["last"])
    in_days = (last - first).days + 1
    return Side(
        name=name,
        days=_("%(first)s to %(last)s") % {"first": day(first), "last": day(last)},
        cases=whole(side["cases"]),
        resolved=percent(_resolved(side)),
        back=whole(side["missed"] * MONTH / in_days),
    )


def _resolved(side: dict[str, Any]) -> float:
    return float(1 - side["missed"] / side["cases"])
