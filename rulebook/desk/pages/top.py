"""The page for the top: one sheet of paper that says what the house's own rules cost, and which five can go first.

Contacts a month = price of what is ours x mature contacts x 30 / days of the window: each blocked contact counts once,
shared among the rules that blocked it. Hours = contacts x mean handle time; money = hours x what an hour costs.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from rulebook.catalogue.models import Rule
from rulebook.catalogue.queries import abolished_rules
from rulebook.desk import charts
from rulebook.desk.pages.basis import LEAST_FOR_PERCENT, behind, blocks_recorded, method, period, source_names
from rulebook.desk.pages.words import contacts
from rulebook.errors import RulebookError
from rulebook.insight.models import HourlyCost, RuleFigures
from rulebook.insight.overview import Overview
from rulebook.insight.queries import overview, rules_with_figures
from rulebook.insight.services import set_hourly_cost
from rulebook.journal.pages import acting
from rulebook.numbers import decimal, money, percent, points, significant, whole

FIRST = 5
MONTH = 30  # days
MAY_SET_COST = "insight.change_hourlycost"
LONGEST_TITLE, LONGEST_REASON, LONGEST_GONE, LONGEST_NAMES = 90, 84, 40, 60  # characters on the sheet
GROUPED = re.compile(
    r"(?P<whole>[1-9]\d{0,2}(?P<mark>[.,])\d{3}(?:(?P=mark)\d{3})*)(?:(?!(?P=mark))[.,](?P<part>\d+))?"
)
COUNTS = (
    "", gettext_lazy("One"), gettext_lazy("Two"), gettext_lazy("Three"), gettext_lazy("Four"), gettext_lazy("Five"),
)  # fmt: skip
HEADS = (
    "", gettext_lazy("Abolish this one first"), gettext_lazy("Abolish these two first"),
    gettext_lazy("Abolish these three first"), gettext_lazy("Abolish these four first"),
    gettext_lazy("Abolish these five first"),
)  # fmt: skip


@dataclass(frozen=True)
class Figure:
    """One of the four: what it is, its unit, and how it was made."""

    value: str
    unit: str
    note: str


@dataclass(frozen=True)
class Candidate:
    """A rule to abolish, and why."""

    title: str
    why: str
    harm: str
    band: SafeString
    price: str


class AmountField(forms.DecimalField):
    """An amount with a dot or a comma, whatever the language of the page."""

    widget = forms.TextInput(attrs={"inputmode": "decimal"})

    def to_python(self, value: Any) -> Decimal | None:  # type: ignore[override]  # as in its parent
        return super().to_python(plain_number(value) if isinstance(value, str) else value)


class HourlyCostForm(forms.Form):
    amount = AmountField(label=gettext_lazy("An hour costs"), min_value=0, max_digits=10, decimal_places=2)
    currency = forms.CharField(label=gettext_lazy("Currency"), max_length=10)


def plain_number(text: str) -> str:
    """A number as computers write it. Before exactly three digits a dot or comma sets thousands apart.

    >>> plain_number("310,50"), plain_number("1.000,50"), plain_number("1,000.50"), plain_number("1.000")
    ('310.50', '1000.50', '1000.50', '1000')
    """
    text = "".join(text.split())
    if found := GROUPED.fullmatch(text):
        return re.sub(r"\D", "", found["whole"]) + (f".{found['part']}" if found["part"] else "")
    return text.replace(",", ".")


def top_page(request: HttpRequest) -> HttpResponse:
    """The sheet in the admin's frame; a POST sets what an hour costs."""
    if not request.user.has_perm("catalogue.view_rule"):
        raise PermissionDenied
    may_set = request.user.has_perm(MAY_SET_COST)
    cost = HourlyCost.objects.first()
    form = HourlyCostForm(initial={"amount": decimal(cost.amount, 2), "currency": cost.currency} if cost else {})
    if request.method == "POST":
        if not may_set:
            raise PermissionDenied
        form = HourlyCostForm(request.POST)
        if form.is_valid():
            try:
                cost = set_hourly_cost(**form.cleaned_data, by=acting(request))
            except RulebookError as refusal:
                form.add_error(None, str(refusal))
            else:
                messages.success(request, hour_costs(cost))
                return HttpResponseRedirect(reverse("admin:desk_top"))
    found = overview()
    context = {
        **admin.site.each_context(request),
        "title": _("Page for the top"),
        "content_title": _("Page for the top"),
        "form": form if may_set else None,
        "hour_costs": hour_costs(cost) if cost else "",
        "behind": behind(found),
        "today": timezone.localdate(),
        **(sheet(found, cost) if found is not None and found.mature else {"empty": why_empty(found)}),
    }
    return TemplateResponse(request, "desk/top.html", context)


def hour_costs(cost: HourlyCost) -> str:
    """One full stop, also after "kr."."""
    return _("An hour costs %(cost)s.") % {"cost": money(cost.amount, cost.currency).removesuffix(".")}


def why_empty(found: Overview | None) -> str:
    if found is None:
        return _("There are no figures yet. Import the help desk's cases: the sheet fills by itself.")
    return _("No contact can be judged yet. The sheet fills once the window of the first contacts has passed.")


def sheet(found: Overview, cost: HourlyCost | None) -> dict[str, Any]:
    """All that stands on the paper."""
    candidates, axis = first_to_go()
    a_month = contacts_a_month(found)
    return {
        "found": found,
        "headline": headline(a_month, len(candidates), found),
        "figures": figures(found, a_month, cost),
        "candidates": candidates,
        "recorded": blocks_recorded(found),
        "candidates_head": str(HEADS[len(candidates)]) if candidates else _("Which to abolish first"),
        "axis": charts.band_axis(axis),
        "abolished": abolished(),
        "at_least": at_least(found),
        "counted": how_counted(found),
    }


def contacts_a_month(found: Overview) -> Fraction:
    """Contacts in 30 days that the house's own rules kept from being solved."""
    return Fraction(found.ours) * found.mature * MONTH / Fraction(found.days) if found.days else Fraction(0)


def headline(a_month: Fraction, count: int, found: Overview) -> str:
    """The finding, in two short sentences at most."""
    shown = round(a_month)
    if not shown and not found.linked:
        return _("No contact names a rule yet, so nobody can say what our rules cost.")
    words = {"contacts": whole(shown), "count": COUNTS[count] if count else ""}
    if not blocks_recorded(found):
        first = _("Nobody has recorded what our rules block.")
    elif not shown:
        return _("Our own rules block hardly any contacts.")
    elif found.coverage == 1:
        first = ngettext("Our own rules block %(contacts)s contact a month.",
                         "Our own rules block %(contacts)s contacts a month.", shown) % words  # fmt: skip
    else:
        first = ngettext("Our own rules block at least %(contacts)s contact a month.",
                         "Our own rules block at least %(contacts)s contacts a month.", shown) % words  # fmt: skip
    if not count:
        return first
    second = ngettext("%(count)s of them can go first.", "%(count)s of them can go first.", count) % words
    return f"{first} {second}"


def figures(found: Overview, a_month: Fraction, cost: HourlyCost | None) -> list[Figure]:
    """Points, contacts, hours and money, as far as each can be known. What nobody has recorded is no zero."""
    if not blocks_recorded(found):
        why = _("No link says that a rule was in the way.")
        return [
            Figure("", _("Points of FCR are not recorded"), why),
            Figure("", _("Blocked contacts are not recorded"), why),
            Figure("", _("Hours and money are not known"), _("Both are counted from blocked contacts.")),
        ]
    lost = 1 - found.gross if found.gross is not None else Fraction(0)
    shown = [
        Figure(
            points(found.ours, 1),
            _("points of FCR"),
            _("of %(points)s lost") % {"points": points(lost, 1)} if found.mature >= LEAST_FOR_PERCENT else "",
        ),
        Figure(
            whole(a_month),
            ngettext("contact a month", "contacts a month", round(a_month)),
            _("not solved the first time"),
        ),
    ]
    minutes = found.minutes_a_contact
    if minutes is None:
        return [*shown, Figure("", _("Hours are not known"), _("The cases bring no handle time."))]
    hours = a_month * Fraction(minutes) / 60
    each = _("at %(minutes)s minutes a contact") % {"minutes": decimal(minutes, 0 if minutes >= 5 else 1)}
    shown.append(Figure(_("%(hours)s h") % {"hours": whole(hours)}, _("a month"), each))
    if cost is None:
        return [*shown, Figure("", _("Money is not known"), _("Nobody has set what an hour costs."))]
    spent = money(significant(hours * Fraction(cost.amount)), cost.currency)
    note = _("at %(cost)s an hour") % {"cost": money(cost.amount, cost.currency)}
    return [*shown, Figure(spent, _("a month"), note)]


def first_to_go() -> tuple[list[Candidate], float]:
    """The five measured rules of the house's own with the most harm, and how far the axis of their bands goes.

    Only those that surely do harm: their 90 % interval lies above 0.
    Law and contract are never among them, claimed or confirmed; nor are rules that protect somebody.
    """
    measured = rules_with_figures().filter(
        status=Rule.Status.IN_FORCE, protective=False, figures__listed=RuleFigures.Listed.MEASURED, figures__low__gt=0
    )
    rules = list(measured.exclude(authority__in=Rule.NOT_OURS).order_by("-figures__harm", "code")[:FIRST])
    axis = max((rule.figures.high or 0.0 for rule in rules), default=0.0)
    return [_candidate(rule, axis) for rule in rules], axis


def _candidate(rule: Rule, axis: float) -> Candidate:
    low, mid, high = (value or 0.0 for value in (rule.figures.low, rule.figures.harm, rule.figures.high))
    return Candidate(
        title=str(Truncator(rule.title).chars(LONGEST_TITLE)),
        why=str(Truncator(reason(rule)).chars(LONGEST_REASON)),
        harm=whole(mid) if mid >= 1 else _("under 1"),
        band=charts.interval_band(low, mid, high, axis, axis=False),
        price=points(rule.figures.shown_price) if rule.figures.shown_price is not None else "",
    )


def reason(rule: Rule) -> str:
    """Why it can go, in a line."""
    if rule.authority == Rule.Authority.HABIT:
        return _("Habit. No law asks for it.")
    if not rule.purpose:
        return _("Nobody has named a purpose.")
    if rule.customer_hears:
        return _("The customer hears: “%(sentence)s”") % {"sentence": " ".join(rule.customer_hears.split())}
    if rule.figures.shown_price:
        return _("At most %(points)s points of FCR come back without it.") % {
            "points": points(rule.figures.shown_price)
        }
    return _("The house made it, and can change it.")


def abolished() -> dict[str, str]:
    """What has gone, and how many contacts it kept from being solved at first and lately. One query."""
    rules = list(abolished_rules().select_related("figures").order_by("-updated_at", "code"))
    if not rules:
        return {
            "head": _("Nothing has been abolished yet."),
            "text": _("Once a rule is gone, what that gave stands here."),
        }
    names = "; ".join(f"“{Truncator(rule.title).chars(LONGEST_GONE)}”" for rule in rules[:2])
    if len(rules) > 2:
        names = _("%(names)s and %(count)s more") % {"names": names, "count": whole(len(rules) - 2)}
    head = ngettext("%(count)s rule has been abolished.", "%(count)s rules have been abolished.", len(rules))
    text = names
    if gave := _before_and_lately(rules):
        before, lately = gave
        text = _("%(names)s. Their contacts that came to nothing the first time: %(before)s in the first three months "
                 "of the year, %(lately)s in the last three.") % {
            "names": names, "before": whole(before), "lately": whole(lately),
        }  # fmt: skip
    return {"head": head % {"count": whole(len(rules))}, "text": text}


def _before_and_lately(rules: Sequence[Rule]) -> tuple[int, int] | None:
    """Not resolved contacts of these rules in the first and the last three whole months; None without six."""
    before = lately = 0
    for rule in rules:
        months = [entry for entry in rule.figures.months if entry["complete"]] if hasattr(rule, "figures") else []
        if len(months) < 6:
            continue
        before += sum(entry["missed"] for entry in months[:3])
        lately += sum(entry["missed"] for entry in months[-3:])
    return (before, lately) if before else None


def at_least(found: Overview) -> str:
    """What is not in the figures."""
    parts = []
    if found.coverage is not None and found.coverage < 1:
        if found.not_resolved >= LEAST_FOR_PERCENT:
            parts.append(_("Only %(share)s of unsolved contacts name a rule.") % {"share": percent(found.coverage, 0)})
        else:
            words = {"linked": whole(found.linked), "contacts": contacts(found.not_resolved)}
            parts.append(_("%(linked)s of %(contacts)s not solved name a rule.") % words)
    if found.watches_repeats and found.silent:
        ended = ngettext("%(count)s contact ended in a no and no return.", "%(count)s contacts ended in a no and no "
                         "return.", found.silent) % {"count": whole(found.silent)}  # fmt: skip
        parts += [ended, _("The method counts them as resolved.")]
    return " ".join(parts) or _("Every unsolved contact names a rule.")


def how_counted(found: Overview) -> str:
    words = {
        "method": method(found),
        "sources": Truncator(source_names(found)).chars(LONGEST_NAMES),
        "contacts": contacts(found.mature),
        "period": period(found),
    }
    return (
        _(
            "%(method)s; %(sources)s; %(contacts)s, %(period)s. A contact that several rules blocked is shared among "
            "them. Law, contract and rules that protect somebody are not in the list."
        )
        % words
    )
