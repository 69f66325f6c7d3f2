"""What the figures say of one rule, in the words and pictures of its page. No case is read for it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from rulebook.cases.models import DirtyMonth, Method
from rulebook.cases.sentences import days
from rulebook.catalogue.models import Rule
from rulebook.desk import charts
from rulebook.desk.pages.words import contacts
from rulebook.insight.models import MonthOfRule, RuleFigures, RuleMonth, SourceFigures
from rulebook.insight.queries import figures_of
from rulebook.insight.scoring import LEAST_MEASURED
from rulebook.insight.sentences import flagged
from rulebook.insight.sums import next_month
from rulebook.numbers import day, interval, percent, points, whole

METHODS = {
    Method.NO_REPEAT.value: gettext_lazy("No repeat"),
    Method.DECLARED.value: gettext_lazy("Declared by the agent or help desk"),
    Method.SURVEY.value: gettext_lazy("Stated by the customer"),
    Method.SINGLE_TOUCH.value: gettext_lazy("Closed in one go"),
    Method.CLOSED_FAST.value: gettext_lazy("Closed fast"),
}
LEVEL = 0.9  # of the interval of harm
LITTLE_COMPARED = 0.5  # a smaller part of its contacts than this is worth a word
WINDOWED = {Method.NO_REPEAT.value, Method.CLOSED_FAST.value}


@dataclass(frozen=True)
class Month:
    """One month of the rule's contacts; `complete`: all of them are mature."""

    first: date
    contacts: int
    not_resolved: int
    complete: bool


@dataclass(frozen=True)
class Harm:
    """The card of a rule's figures: a figure with its doubt, or the sentence why there is none."""

    figure: str = ""
    sentence: str = ""
    band: SafeString | str = ""
    doubt: str = ""
    step: str = ""
    basis: list[str] = field(default_factory=list)
    price: str = ""
    blocked: int = 0
    silent: int | None = None
    stale: str = ""
    months: list[Month] = field(default_factory=list)
    months_title: str = ""
    months_pending: str = ""
    months_chart: SafeString | str = ""


def harm_card(rule: Rule) -> Harm:
    """Three queries, and one where the rule came without its figures: sources, its own, what is computed anew."""
    figures = figures_of(rule)
    measured = [row for row in SourceFigures.objects.select_related("source").order_by("source__name") if row.horizon]
    mine = _sources_of(rule, measured)
    repeats = all(row.method == Method.NO_REPEAT for row in mine)
    months = [_month(entry) for entry in figures.months]
    figure, sentence, band, doubt, step = _measure(figures, repeats, bool(measured))
    return Harm(
        figure=figure,
        sentence=sentence,
        band=band,
        doubt=doubt,
        step=step,
        basis=[*_basis(mine, len(measured) > 1), *_reach(figures, mine)],
        price=_price(figures, measured) if figures.cases or figures.blocked or figures.silent else "",
        blocked=figures.blocked,
        silent=figures.silent,
        stale=_stale(rule, mine or measured),
        months=months,
        **_picture(months, repeats),
    )


def _sources_of(rule: Rule, measured: Sequence[SourceFigures]) -> list[SourceFigures]:
    """The sources whose cases made the rule's figures."""
    since = min((row.since for row in measured if row.since), default=None)
    if since is None:
        return []
    last = max(row.horizon for row in measured if row.horizon).date()
    months = []
    while since <= last:  # named one by one: so the index of a source's months is enough to find the rule in each
        months.append(since)
        since = next_month(since)
    sums = RuleMonth.objects.filter(source__in=[row.pk for row in measured], month__in=months, rule=rule).order_by()
    met = set(sums.values_list("source", flat=True).distinct())
    return [row for row in measured if row.pk in met]


def _measure(figures: RuleFigures, repeats: bool, any_source: bool) -> tuple[str, str, SafeString | str, str, str]:
    """(figure, sentence, band, doubt, next step)"""
    if figures.harm is None or figures.low is None or figures.high is None:
        sentence, doubt, step = _why_not(figures, any_source)
        return "", f"{sentence} {flagged(figures)}".rstrip(), "", doubt, step
    doubt = _("%(level)s sure: %(interval)s · %(contacts)s") % {
        "level": percent(LEVEL, 0),
        "interval": interval(round(figures.low), round(figures.high)),
        "contacts": ngettext("%(count)s linked contact", "%(count)s linked contacts", figures.n)
        % {"count": whole(figures.n)},
    }
    shown = round(figures.harm)
    if figures.harm <= 0 or shown == 0:
        none = _("No harm seen") if figures.harm <= 0 else _("Less than one contact in 30 days")
        return "", none, _band(figures, doubt), doubt, ""
    if repeats:
        sentence = ngettext(
            "contact in 30 days would not have come back", "contacts in 30 days would not have come back", shown
        )
    else:
        sentence = ngettext(
            "contact in 30 days would have been solved at once",
            "contacts in 30 days would have been solved at once",
            shown,
        )
    return whole(shown), sentence, _band(figures, doubt), doubt, ""


def _band(figures: RuleFigures, finding: str) -> SafeString | str:
    """Drawn from zero: what lies below is no harm, and the sentence beside it gives both ends."""
    low, mid, high = (max(0.0, value or 0.0) for value in (figures.low, figures.harm, figures.high))
    return charts.interval_band(low, mid, high, max(10.0, high * 1.4), finding=finding) if high else ""


def _why_not(figures: RuleFigures, any_source: bool) -> tuple[str, str, str]:
    """(sentence, doubt, next step): there is no figure, and why."""
    why = RuleFigures.Why(figures.why)
    if why == RuleFigures.Why.NO_COMPARISON:
        text = _("Cannot separate the rule from its topic: too few contacts of its sources met no rule of this kind.")
        return text, "", _("Contacts of the same topics that do not meet this rule would tell them apart.")
    if why == RuleFigures.Why.TOO_FEW and figures.n:
        words = {"contacts": contacts(figures.n), "needed": whole(LEAST_MEASURED)}
        return _("Not measurable yet: %(contacts)s, %(needed)s needed.") % words, "", ""
    if why == RuleFigures.Why.TOO_FEW:
        text = _("Not measurable yet: it is too early to tell of its %(contacts)s.")
        return text % {"contacts": contacts(figures.cases)}, "", ""
    if not any_source:
        return _("Not measurable yet: there are no contacts."), "", _("Import the help desk's cases first.")
    step = _("Name its code, or another of its names, in the help desk's column of rules.")
    return _("Not measurable yet: no contact is linked to it."), "", step


def _basis(rows: Sequence[SourceFigures], several: bool) -> list[str]:
    """How the figure was made, one line a policy: method, window, period, and the sources where there are several."""
    lines: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        lines.setdefault((_policy(row), _period(row)), []).append(row.source.name)
    return [
        " · ".join([policy, period, *([", ".join(names)] if several else [])])
        for (policy, period), names in lines.items()
    ]


def _reach(figures: RuleFigures, rows: Sequence[SourceFigures]) -> list[str]:
    """What the harm takes for granted: that contacts without anything to compare with are like the others."""
    told = []
    if figures.harm is not None and figures.n < figures.cases * LITTLE_COMPARED:
        text = _("Only %(compared)s of its %(contacts)s can be compared; the harm takes the others to be like them.")
        told.append(text % {"compared": whole(figures.n), "contacts": contacts(figures.cases)})
    if figures.harm is not None and len({row.method for row in rows}) > 1:
        told.append(_("Contacts that are measured in different ways are each compared within their own source."))
    return told


def _policy(row: SourceFigures) -> str:
    method = str(METHODS[row.method])
    return f"{method}, {days(row.window_days)}" if row.method in WINDOWED else method


def _period(row: SourceFigures) -> str:
    """The horizon may be the end of a day, which is the next day's first moment."""
    assert row.horizon is not None
    last = (row.horizon - timedelta(microseconds=1)).astimezone(ZoneInfo(row.source.time_zone)).date()
    return _("12 months to %(day)s") % {"day": day(last)}


def _price(figures: RuleFigures, measured: Sequence[SourceFigures]) -> str:
    """At most what FCR would rise by. Where sources are measured differently it is of the policy with most contacts."""
    if figures.shown_price is None:
        return _("not known yet") if measured else ""
    if not figures.price:
        return _("nothing seen")
    price = _("at most %(points)s points of FCR") % {"points": points(figures.price)}
    policies: dict[str, int] = {}
    for row in measured:
        policies[_policy(row)] = policies.get(_policy(row), 0) + row.resolved + row.not_resolved
    if len(policies) < 2:
        return price
    return _("%(price)s (%(policy)s)") % {"price": price, "policy": max(policies, key=lambda name: policies[name])}


def _stale(rule: Rule, rows: Sequence[SourceFigures]) -> str:
    """A sentence while newer figures are on their way."""
    waiting = any(row.source.stale or row.changes != row.scored for row in rows)
    made = [row.refreshed_at for row in rows if row.refreshed_at]
    if not made:
        return ""
    if not waiting:
        changed = DirtyMonth.objects.filter(source__in=[row.pk for row in rows], subject=DirtyMonth.Subject.RULE)
        waiting = changed.filter(subject_id=rule.pk).exists()
    return _("Figures of %(day)s; new ones are being computed.") % {"day": day(min(made).date())} if waiting else ""


def _month(entry: MonthOfRule) -> Month:
    first = date.fromisoformat(f"{entry['month']}-01")
    return Month(first, entry["cases"], entry["missed"], entry["complete"])


def _picture(months: Sequence[Month], repeats: bool) -> dict[str, Any]:
    """Title, chart and what is left out of it: months that are not over."""
    drawn = [month for month in months if month.complete]
    if not any(month.contacts for month in months):
        return {}
    total, missed = sum(month.contacts for month in drawn), sum(month.not_resolved for month in drawn)
    span = ngettext("%(count)s month", "%(count)s months", len(drawn)) % {"count": whole(len(drawn))}
    words = {"months": span, "contacts": contacts(total), "missed": whole(missed)}
    title = (
        _("In %(months)s %(contacts)s met it; %(missed)s came back")
        if repeats
        else _("In %(months)s %(contacts)s met it; %(missed)s were not resolved")
    ) % words
    pending = [month for month in months if not month.complete]
    early = ""
    if pending:
        left_out = {"contacts": contacts(sum(month.contacts for month in pending)), "day": day(pending[0].first)}
        early = _("Not drawn, because it is too early to tell: %(contacts)s since %(day)s.") % left_out
    points_drawn = [charts.Point(month.first, month.not_resolved if month.complete else None) for month in months]
    return {
        "months_title": title,
        "months_pending": early,
        "months_chart": charts.lines_by_month(points_drawn, finding=title),
    }
