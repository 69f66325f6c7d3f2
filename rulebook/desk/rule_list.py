"""The list of rules: what a line shows, and in which order. It reads one row of figures a rule and never a case."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ORDER_VAR
from django.db.models import Case, F, FloatField, IntegerField, OrderBy, Q, QuerySet, Value, When
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.views import ChangeList

from rulebook.catalogue.models import Rule
from rulebook.desk.charts import sparkline
from rulebook.insight.models import RuleFigures, SourceFigures
from rulebook.insight.queries import figures_of
from rulebook.insight.scoring import LEAST_MEASURED
from rulebook.numbers import day, interval, points, whole

# Long texts that no line shows: without them the database sorts 10,000 rules in a fifth of the memory.
UNSEEN = ("text", "clause", "purpose", "heard_where", "source_reference", "customer_hears", "decision_limit")
Cell = str | SafeString

_measured = Case(
    When(figures__listed=RuleFigures.Listed.MEASURED, then=F("figures__harm")), default=None, output_field=FloatField()
)
_which_list = Case(
    When(figures__listed=RuleFigures.Listed.MEASURED, then=Value(0)), default=Value(1), output_field=IntegerField()
)
# What people say orders the second list alone. A rule without figures has no flags yet, and its vote is 0.
_not_measured = Q(figures__listed=RuleFigures.Listed.NOT_MEASURABLE)
_flags = Case(When(_not_measured, then=F("figures__flags")), default=Value(0), output_field=IntegerField())
_vote = Case(
    When(_not_measured, then=Coalesce(F("figures__vote"), Value(0.0))), default=Value(0.0), output_field=FloatField()
)
# Databases disagree on where rows without a value belong, so every order says it: at the end.
WORST_FIRST = (
    _which_list.asc(), OrderBy(_measured, descending=True, nulls_last=True), _flags.desc(), _vote.asc(), "code",
)  # fmt: skip


def why_no_harm(figures: RuleFigures) -> str:
    """Why a rule has no harm, as briefly as a cell must."""
    if figures.why == RuleFigures.Why.NO_COMPARISON and figures.cases >= LEAST_MEASURED:
        return _("cannot be told from its topic")
    return _("%(count)s contacts, %(needed)s needed") % {"count": whole(figures.n), "needed": whole(LEAST_MEASURED)}


@admin.display(description=gettext_lazy("Code"), ordering="code")
def code(rule: Rule) -> Cell:
    return format_html('<span title="{}">{}</span>', rule.code, rule.code)


@admin.display(description=gettext_lazy("Title"), ordering="title")
def title(rule: Rule) -> Cell:
    address = reverse("admin:catalogue_rule_page", args=[rule.pk])
    return format_html('<a href="{}" title="{}">{}</a>', address, rule.title, rule.title)


@admin.display(description=gettext_lazy("Harm: contacts in 30 days"), ordering=_measured)
def harm(rule: Rule) -> Cell:
    figures = figures_of(rule)
    if rule.status == Rule.Status.PROPOSED:
        return format_html('<span class="rb-rules-why">{}</span>', _("not in force yet"))
    if figures.listed != RuleFigures.Listed.MEASURED or figures.harm is None:
        return format_html('<span class="rb-rules-why">{}</span>', why_no_harm(figures))
    if figures.harm <= 0:
        return format_html('<span class="rb-rules-why">{}</span>', _("no harm seen"))
    shown = whole(round(figures.harm)) if figures.harm >= 1 else _("under 1")
    if figures.low is None or figures.high is None:
        return format_html('<span class="rb-strong">{}</span>', shown)
    return format_html(
        '<span class="rb-strong">{}</span> <span class="rb-rules-sure">{}</span>',
        shown,
        interval(round(figures.low), round(figures.high)),
    )


@admin.display(description=gettext_lazy("Price: points"), ordering="figures__price")
def price(rule: Rule) -> Cell:
    found = figures_of(rule).shown_price
    return format_html('<span class="rb-rules-why">{}</span>', _("no figure yet")) if found is None else points(found)


@admin.display(description=gettext_lazy("Flags in 30 days"), ordering="figures__flags")
def flags(rule: Rule) -> Cell:
    count = figures_of(rule).flags
    return format_html('<span class="{}">{}</span>', "rb-strong" if count else "rb-rules-why", whole(count))


@admin.display(description=gettext_lazy("Not resolved, 12 months"))
def months(rule: Rule) -> Cell:
    values = [entry["missed"] if entry["complete"] else None for entry in figures_of(rule).months]
    return sparkline(values) if any(values) else ""


@admin.display(description=gettext_lazy("Review by"), ordering="review_by")
def review_by(rule: Rule) -> Cell:
    if rule.review_by is None:
        return ""
    if rule.review_by >= timezone.localdate() or rule.status == Rule.Status.REMOVED:
        return format_html("<span>{}</span>", day(rule.review_by))
    words = day(rule.review_by), _("overdue")
    return format_html('<span class="rb-overdue">{}</span> <span class="rb-overdue">{}</span>', *words)


@admin.display(description=gettext_lazy("Status or authority"))
def standing(rule: Rule) -> Cell:
    """One tag at most: a status that is not the usual one, else where the rule gets its force, where that is known."""
    if rule.status != Rule.Status.IN_FORCE:
        word = rule.get_status_display()
    elif rule.authority == Rule.Authority.UNKNOWN:
        return ""
    else:
        word = rule.get_authority_display().partition(" (")[0]
        word = _("%(authority)s (claimed)") % {"authority": word} if rule.claimed else word
    return format_html('<span class="rb-tag">{}</span>', capfirst(word))


def voices(rule: Rule) -> list[str]:
    """What people say of it, for the export: flags in 30 days, voters and their vote, blank where none is published."""
    figures = figures_of(rule)
    said = ["", ""] if figures.vote is None else [str(figures.voters), f"{figures.vote:.2f}"]
    return [str(figures.flags), *said]


COLUMNS: tuple[Callable[[Rule], Cell], ...] = (code, title, harm, price, flags, months, review_by, standing)
# By a first click on its heading, the largest comes first.
LARGEST_FIRST = {"harm", "price", "flags"}


@dataclass(frozen=True)
class Heading:
    name: str
    text: str
    address: str  # of the list in this column's order; "" where there is none
    sorted: str  # "ascending", "descending" or ""


@dataclass(frozen=True)
class Line:
    rule: Rule
    cells: list[tuple[str, str, Cell]]  # name and heading of the column, what it says


@dataclass(frozen=True)
class Section:
    title: str  # "" where the order is not that of the two lists
    note: str
    lines: list[Line]


class RuleList(ChangeList):
    """The two lists on one page, Measured before Not measurable yet, unless somebody asks for another order."""

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Rule]) -> list[Any]:
        asked = super().get_ordering(request, queryset) if ORDER_VAR in self.params else []
        parts = [_with_blanks_last(part) for part in asked if part not in ("pk", "-pk")]
        return [*parts, "code"] if parts else list(WORST_FIRST)

    def get_ordering_field_columns(self) -> dict[int, str]:
        return super().get_ordering_field_columns() if ORDER_VAR in self.params else {}

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[Rule]:
        found: QuerySet[Rule] = super().get_queryset(request, exclude_parameters)
        return found.defer(*UNSEEN)

    def get_results(self, request: HttpRequest) -> None:
        """Without a filter, those found are all there are: nothing is counted for it."""
        super().get_results(request)
        if not self.narrowed:
            self.full_result_count = self.result_count

    @cached_property
    def narrowed(self) -> bool:
        """Whether a search or a filter leaves rules out."""
        return bool(self.has_active_filters or self.query)

    @cached_property
    def columns(self) -> list[Callable[[Rule], Cell]]:
        """Those with something to say on this page: at first no rule has a flag or a day of review."""
        empty: dict[Callable[[Rule], Cell], bool] = {
            flags: not any(figures_of(rule).flags for rule in self.result_list),
            review_by: not any(rule.review_by for rule in self.result_list),
        }
        return [column for column in COLUMNS if not empty.get(column) or self._is_sorted_by(column)]

    def _is_sorted_by(self, column: Callable[[Rule], Cell]) -> bool:
        return self.list_display.index(column) in self.get_ordering_field_columns()

    @cached_property
    def headings(self) -> list[Heading]:
        return [self._heading(column) for column in self.columns]

    @property
    def width(self) -> int:
        """In columns, with that of the checkboxes."""
        return 1 + len(self.columns)

    def _heading(self, column: Any) -> Heading:
        name, text = column.__name__, str(column.short_description)
        if not self.get_ordering_field(column):
            return Heading(name, text, "", "")
        place = self.list_display.index(column)
        now = self.get_ordering_field_columns().get(place, "")
        down = now == "asc" or (not now and name in LARGEST_FIRST)
        address = self.get_query_string({ORDER_VAR: f"{'-' if down else ''}{place}"}, remove=["p"])
        return Heading(name, text, address, {"asc": "ascending", "desc": "descending"}.get(now, ""))

    def sections(self) -> Iterator[Section]:
        if ORDER_VAR in self.params:
            yield Section("", "", self._lines(self.result_list))
            return
        for listed, rules in groupby(self.result_list, key=lambda rule: figures_of(rule).listed):
            if listed == RuleFigures.Listed.MEASURED:
                yield Section(_("Measured"), _("Worst first. Harm is never added up."), self._lines(rules))
            else:
                note = _(
                    "Most flags first, then the worst vote. A rule is measured from %(needed)s linked contacts on."
                )
                note %= {"needed": whole(LEAST_MEASURED)}
                yield Section(_("Not measurable yet"), note, self._lines(rules))

    def _lines(self, rules: Any) -> list[Line]:
        words = [(heading.name, heading.text) for heading in self.headings]
        return [
            Line(rule, [(*said, column(rule)) for said, column in zip(words, self.columns, strict=True)])
            for rule in rules
        ]

    @cached_property
    def sources(self) -> list[SourceFigures]:
        """By which method, window and horizon the figures were made."""
        return list(
            SourceFigures.objects.filter(horizon__isnull=False).select_related("source").order_by("source__name")
        )

    def own_query(self) -> str:
        """The search and filters of this page as an address, without its page number."""
        return str(self.get_query_string(remove=["p", "e"])).removeprefix("?")


def _with_blanks_last(part: Any) -> Any:
    if isinstance(part, OrderBy):
        part.nulls_last = True
        return part
    name = str(part)
    column = F(name.removeprefix("-"))
    return column.desc(nulls_last=True) if name.startswith("-") else column.asc(nulls_last=True)
