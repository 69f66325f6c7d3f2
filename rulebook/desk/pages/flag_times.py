"""The headline figures of flags in words: how long until a first reply, and until a decision."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from rulebook.cases.sentences import days as open_days
from rulebook.flags.answering import SINCE, headline_times
from rulebook.flags.times import LEAST_MEDIAN, LEAST_PERCENTILE, Times
from rulebook.numbers import whole


@dataclass(frozen=True)
class TimeLine:
    """One of the two. `figure` is blank where there are too few; `overdue` is said in the colour of harm."""

    name: str
    figure: str
    note: str
    oldest: str
    overdue: str = ""


def time_lines(today: date) -> list[TimeLine]:
    reply, decision = headline_times(today)
    return [_line(_("First reply"), reply, working_days), _line(_("Decision"), decision, open_days)]


def working_days(count: int) -> str:
    return ngettext("%(count)s working day", "%(count)s working days", count) % {"count": whole(count)}


def window() -> str:
    return _("Flags of the last %(days)s. Closed periods do not count; what waits still counts as longer.") % {
        "days": open_days(SINCE)
    }


def _line(name: str, found: Times, days: Callable[[int], str]) -> TimeLine:
    figure, note = "", _("No flag in %(days)s.") % {"days": open_days(SINCE)}
    if found.median is not None:
        figure = days(found.median)
        note = "; ".join([_("half of them take no longer"), _ninth(found, days)]) + "."
    elif found.flags >= LEAST_MEDIAN:
        note = _("More than half of them wait still.")
    elif found.flags:
        note = ngettext("%(count)s flag: too few for a median. It took, or has waited, %(days)s.",
                        "%(count)s flags: too few for a median. The longest took, or has waited, %(days)s.",
                        found.flags) % {"count": whole(found.flags), "days": days(found.longest or 0)}  # fmt: skip
    if found.oldest is None:
        oldest = _("Nothing waits.")
    else:
        oldest = _("Oldest that waits: %(days)s") % {"days": days(found.oldest)}
    overdue = _("%(count)s too long") % {"count": whole(found.late)} if found.late else ""
    return TimeLine(name, figure, note, oldest, overdue)


def _ninth(found: Times, days: Callable[[int], str]) -> str:
    target = _("the target is %(days)s") % {"days": days(found.target)}
    if found.flags < LEAST_PERCENTILE:
        return target
    if found.ninetieth is None:
        return "; ".join([_("more than one in ten waits still"), target])
    return "; ".join([_("nine of ten no longer than %(days)s") % {"days": days(found.ninetieth)}, target])
