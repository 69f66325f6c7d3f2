"""Sources, cases and imports in the sentences that screens show. Pure: nothing is read from the database here."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from rulebook.cases.models import Case, Effect, Excluded, ImportRun, Method, Outcome, Source
from rulebook.journal.words import teach
from rulebook.numbers import clock, day, whole

QUIET_AFTER = 3  # days without a case: a weekend is no alarm

METHODS = {
    Method.NO_REPEAT.value: gettext_lazy(
        "No repeat: resolved when the customer does not come back with the same thing within the window. Needs no "
        "judgement by anybody, and is the best start."
    ),
    Method.DECLARED.value: gettext_lazy(
        "Declared: resolved when the agent or the help desk says so. A blank is unknown."
    ),
    Method.SURVEY.value: gettext_lazy("Survey: resolved when the customer says so. A blank is unknown."),
    Method.SINGLE_TOUCH.value: gettext_lazy(
        "Single touch: resolved when closed without a handover, without a reopening, and with one reply at most."
    ),
    Method.CLOSED_FAST.value: gettext_lazy("Closed fast: resolved when closed within the window after it was opened."),
}
EXCLUDED = {
    Excluded.OUTBOUND.value: gettext_lazy("Not counted: we called the customer, not the other way round."),
    Excluded.ABANDONED.value: gettext_lazy("Not counted: the customer hung up before anybody answered."),
    Excluded.SPAM.value: gettext_lazy("Not counted: spam."),
    Excluded.TEST.value: gettext_lazy("Not counted: a test."),
    Excluded.MERGED.value: gettext_lazy("Not counted: merged into another case, which holds the contact."),
}

teach("source", {**dict(Method.choices), **dict(Source.Key.choices)})
teach("rule", {Effect.APPLIED.value: gettext_lazy("applied"), Effect.BLOCKED.value: gettext_lazy("blocked")})


def days(count: int) -> str:
    return ngettext("%(count)s day", "%(count)s days", count) % {"count": whole(count)}


def policy(source: Source) -> str:
    """How the source measures, in a line: method, window and issue key as far as the method looks at them."""
    window = days(source.window_days)
    if source.method == Method.NO_REPEAT:
        if source.key == Source.Key.CUSTOMER:
            return _("No repeat within %(window)s by the same customer") % {"window": window}
        return _("No repeat within %(window)s by the same customer on the same topic") % {"window": window}
    if source.method == Method.CLOSED_FAST:
        return _("Closed within %(window)s") % {"window": window}
    plain = {
        Method.DECLARED.value: _("Declared by the agent or the help desk"),
        Method.SURVEY.value: _("Stated by the customer in a survey"),
        Method.SINGLE_TOUCH.value: _("Closed by one person in one go"),
    }
    return plain[source.method]


@dataclass(frozen=True)
class Health:
    """How a source does. `overdue`: somebody should look why nothing arrives."""

    text: str
    overdue: bool = False


@dataclass(frozen=True)
class Pulse:
    """What imports tell of a source without a look at its cases."""

    running: bool  # an import is on its way
    failed: bool  # the newest import broke off
    promised: bool  # its horizon was given with the import, and is not the newest case's


def days_silent(source: Source, now: datetime) -> int:
    """Days in the source's time zone since its newest case; 0 before any import has finished."""
    if source.horizon is None:
        return 0
    zone = ZoneInfo(source.time_zone)
    return (now.astimezone(zone).date() - source.horizon.astimezone(zone).date()).days


def health(source: Source, pulse: Pulse, now: datetime) -> Health:
    """Whether a source still delivers, and whether its figures stand.

    The newest case is known from the horizon: it is the latest opening of the imports that no date was given with.
    """
    if pulse.running:
        return Health(_("An import is running."))
    if source.horizon is None:
        broke = _("The import broke off, and nothing is complete yet. Run it again.")
        return Health(broke, overdue=True) if pulse.failed else Health(_("No import has finished yet."))
    silent = days_silent(source, now)
    told = {"day": weekday(source.horizon.astimezone(ZoneInfo(source.time_zone)).date())}
    text = _("Complete to %(day)s") % told if pulse.promised else _("Last case %(day)s") % told
    overdue = False
    if source.retired:
        text = _("%(text)s; retired, sends no more cases.") % {"text": text}
    elif silent > 0:
        overdue = silent > QUIET_AFTER
        silence = _("nothing newer for %(days)s") if pulse.promised else _("no case for %(days)s")
        text = f"{text}; {silence % {'days': days(silent)}}."
    else:
        text = f"{text}."
    if pulse.failed and not source.retired:
        overdue = True
        text = " ".join([text, _("The newest import broke off. Run it again.")])
    if source.stale:
        text = " ".join([text, _("Its figures are being computed.")])
    return Health(text, overdue)


def weekday(when: date) -> str:
    return f"{date_format(when, 'D')} {day(when)}"


def horizon(source: Source) -> str:
    """Until when the source's data is complete, in its own time zone; '' before any import has finished."""
    if source.horizon is None:
        return ""
    local = source.horizon.astimezone(ZoneInfo(source.time_zone))
    return f"{day(local.date())}, {clock(local)}"


def opened(case: Case, zone: str) -> str:
    """When the contact began, in its source's time zone; without a clock where only the day is known."""
    if case.day_only:
        return weekday(case.opened_day)
    return f"{weekday(case.opened_day)}, {clock(case.opened_at.astimezone(ZoneInfo(zone)))}"


def closed(case: Case, zone: str) -> str:
    if case.closed_day is None:
        return ""
    if case.closed_day_only or case.closed_at is None:
        return weekday(case.closed_day)
    return f"{weekday(case.closed_day)}, {clock(case.closed_at.astimezone(ZoneInfo(zone)))}"


def duration(seconds: int) -> str:
    """
    >>> duration(45), duration(120)
    ('45 seconds', '2 minutes')
    """
    if seconds < 120:
        return ngettext("%(count)s second", "%(count)s seconds", seconds) % {"count": whole(seconds)}
    minutes = round(seconds / 60)
    return ngettext("%(count)s minute", "%(count)s minutes", minutes) % {"count": whole(minutes)}


def told_no(case: Case, source: Source, blocked: bool) -> bool:
    """A refusal after which the customer did not return: resolved by the method, and never a success in words."""
    return blocked and case.outcome == Outcome.RESOLVED and source.method == Method.NO_REPEAT and not case.excluded


def outcome(case: Case, source: Source, blocked: bool) -> str:
    """What became of the case by its source's policy, in a sentence."""
    window = {"window": days(source.window_days)}
    if case.excluded:
        return str(EXCLUDED.get(case.excluded, case.excluded))
    if not case.outcome:
        return _("Not computed yet.")
    if told_no(case, source, blocked):
        return _("Told no, did not return.")
    if case.outcome == Outcome.PENDING and case.repeated:
        return _("Pending: the customer came back already. It counts once the %(window)s are complete in the data.") % (
            window
        )
    texts: Mapping[tuple[str, str], str] = {
        (Method.NO_REPEAT, Outcome.RESOLVED): _("Resolved: the customer did not come back within %(window)s."),
        (Method.NO_REPEAT, Outcome.NOT_RESOLVED): _("Not resolved: the customer came back within %(window)s."),
        (Method.NO_REPEAT, Outcome.PENDING): _("Pending: the %(window)s after it are not complete in the data yet."),
        (Method.NO_REPEAT, Outcome.UNKNOWN): _("Unknown: the case names no customer, so nobody can be seen to return."),
        (Method.DECLARED, Outcome.RESOLVED): _("Resolved: the agent or the help desk says so."),
        (Method.DECLARED, Outcome.NOT_RESOLVED): _("Not resolved: the agent or the help desk says so."),
        (Method.DECLARED, Outcome.UNKNOWN): _("Unknown: neither the agent nor the help desk says."),
        (Method.SURVEY, Outcome.RESOLVED): _("Resolved: the customer says so."),
        (Method.SURVEY, Outcome.NOT_RESOLVED): _("Not resolved: the customer says so."),
        (Method.SURVEY, Outcome.UNKNOWN): _("Unknown: the customer was not asked, or did not answer."),
        (Method.SINGLE_TOUCH, Outcome.RESOLVED): _("Resolved: closed by one person in one go."),
        (Method.SINGLE_TOUCH, Outcome.NOT_RESOLVED): _("Not resolved: a handover, a reopening or more replies."),
        (Method.SINGLE_TOUCH, Outcome.PENDING): _("Pending: still open."),
        (Method.SINGLE_TOUCH, Outcome.UNKNOWN): _("Unknown: handovers, reopenings or replies are not in the data."),
        (Method.CLOSED_FAST, Outcome.RESOLVED): _("Resolved: closed within %(window)s."),
        (Method.CLOSED_FAST, Outcome.NOT_RESOLVED): _("Not resolved: not closed within %(window)s."),
        (Method.CLOSED_FAST, Outcome.PENDING): _("Pending: open, and its %(window)s are not over in the data."),
    }
    text = texts.get((source.method, case.outcome))
    return text % window if text else str(Outcome(case.outcome).label)


def why_told_no(source: Source) -> str:
    """What stands under the outcome of a refusal."""
    text = _(
        "A rule kept the agent from solving it, and the customer did not come back within %(window)s. "
        "The method counts it as resolved."
    )
    return text % {"window": days(source.window_days)}


def word(case: Case, source: Source, blocked: bool) -> str:
    """The outcome in a word or two, for a list."""
    if case.excluded:
        return _("not counted: %(reason)s") % {"reason": Excluded(case.excluded).label}
    if told_no(case, source, blocked):
        return _("told no, did not return")
    return str(Outcome(case.outcome).label) if case.outcome else _("not computed yet")


def counts(run: ImportRun) -> str:
    """What an import did, in one line that adds up to the rows it read."""
    return counted({name: getattr(run, name) for name in COUNTED}, run.rows_read)


COUNTED = ("created", "updated", "unchanged", "replaced", "excluded", "rejected")


def counted(those: Mapping[str, int], read: int) -> str:
    """
    >>> counted({"created": 1200, "rejected": 3}, 1203)
    '1,203 rows: 1,200 new, 3 rejected'
    """
    words = {
        "created": _("%(count)s new"),
        "updated": _("%(count)s changed"),
        "unchanged": _("%(count)s unchanged"),
        "replaced": _("%(count)s replaced by a later row"),
        "excluded": _("%(count)s kept out of the figures"),
        "rejected": _("%(count)s rejected"),
    }
    parts = [words[name] % {"count": whole(those[name])} for name in COUNTED if those.get(name)]
    total = ngettext("%(count)s row", "%(count)s rows", read) % {"count": whole(read)}
    return f"{total}: {', '.join(parts)}" if parts else total
