"""How figures were made, in a line beside them: method, sources, period and until when the data is complete."""

from datetime import date, datetime, timedelta

from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from rulebook.cases.models import DirtyMonth, Method, Source
from rulebook.cases.sentences import days
from rulebook.insight.models import SourceFigures
from rulebook.insight.overview import Overview
from rulebook.numbers import clock, day, whole

METHODS = {
    Method.NO_REPEAT.value: gettext_lazy("no repeat"),
    Method.DECLARED.value: gettext_lazy("declared"),
    Method.SURVEY.value: gettext_lazy("survey"),
    Method.SINGLE_TOUCH.value: gettext_lazy("single touch"),
    Method.CLOSED_FAST.value: gettext_lazy("closed fast"),
}
WINDOWED = {Method.NO_REPEAT.value, Method.CLOSED_FAST.value}
MOST_NAMES = 3
LEAST_FOR_PERCENT = 20  # contacts or rules: no percentage of fewer


def method(found: Overview) -> str:
    name = METHODS.get(found.method, found.method)
    if found.method not in WINDOWED:
        return _("Method %(method)s") % {"method": name}
    return _("Method %(method)s, %(window)s") % {"method": name, "window": days(found.window_days)}


def source_names(found: Overview) -> str:
    shown = ", ".join(found.sources[:MOST_NAMES])
    rest = len(found.sources) - MOST_NAMES
    return shown if rest <= 0 else _("%(names)s and %(count)s more") % {"names": shown, "count": whole(rest)}


def last_day(horizon: datetime) -> date:
    """The last day whose data is complete: a horizon may be the first moment of the day after."""
    return timezone.localtime(horizon - timedelta(microseconds=1)).date()


def of_one_day(found: Overview) -> bool:
    """Whether the data of all sources is complete to the same day."""
    return last_day(found.horizon) == last_day(found.latest)


def period(found: Overview) -> str:
    """Of which months the figures are; where sources end on different days, from when to when they do."""
    if of_one_day(found):
        return _("%(first)s to %(last)s") % {"first": day(found.since), "last": day(last_day(found.horizon))}
    return _("twelve months, each source to its own horizon: %(first)s to %(last)s") % {
        "first": day(last_day(found.horizon)), "last": day(last_day(found.latest)),
    }  # fmt: skip


def basis(found: Overview) -> str:
    """ "Method no repeat, 7 days · Phone · 1 Dec 2025 to 15 Nov 2026 · data complete to 15 Nov 2026" """
    parts = [method(found), source_names(found), period(found)]
    if of_one_day(found):
        parts.append(_("data complete to %(day)s") % {"day": day(last_day(found.horizon))})
    return " · ".join(parts)


def blocks_recorded(found: Overview) -> bool:
    """Whether any link says that a rule was in the way: else a 0 would stand for what nobody looked at."""
    return bool(found.blocked or found.silent)


def behind(found: Overview | None) -> str:
    """A sentence while what is shown is older than what is stored; blank while it is not."""
    if found is None:
        return ""
    waiting = (
        Source.objects.exclude(judged=F("changes")).exists()
        or SourceFigures.objects.exclude(scored=F("changes")).exists()
        or DirtyMonth.objects.exists()
    )
    if not waiting:
        return ""
    made = day(last_day(found.horizon))
    if found.refreshed_at:
        when = timezone.localtime(found.refreshed_at)
        made = f"{day(when.date())}, {clock(when)}"
    return _("Figures of %(day)s. New ones are being computed.") % {"day": made}
