"""What the list of rules can be narrowed to. Each filter is one word in the address, so that it can be saved."""

from abc import abstractmethod
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.contrib.admin.views.main import ChangeList
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.contrib.filters.admin import DropdownFilter
from unfold.contrib.filters.forms import SearchForm

from rulebook.access.models import Department
from rulebook.catalogue.models import Rule, RuleChannel, Topic
from rulebook.insight.models import RuleFigures

MOST_OPTIONS = 500  # of a drop-down; where there are more, the name is typed
NONE = "none"
Choices = list[tuple[str, str]]


class Labelled(DropdownFilter):
    """A drop-down under its own name: Unfold would write "By" before it."""

    def choices(self, changelist: ChangeList) -> Iterator[dict[str, Any]]:
        label, name = capfirst(str(self.title)), self.parameter_name
        options = [("", _("All")), *self.lookup_choices]
        yield {"form": self.form_class(label=label, name=name, choices=options, data={name: self.value()})}


class OneOf(Labelled):
    """One value of a column with a fixed list of them."""

    choices_of: Any = None

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        return [(value, str(label)) for value, label in self.choices_of.choices]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Rule]) -> QuerySet[Rule]:
        return queryset.filter(**{self.parameter_name: self.value()}) if self.value() else queryset


class KindFilter(OneOf):
    title = gettext_lazy("kind")
    parameter_name = "kind"
    choices_of = Rule.Kind


class AuthorityFilter(OneOf):
    title = gettext_lazy("authority")
    parameter_name = "authority"
    choices_of = Rule.Authority


class StatusFilter(OneOf):
    title = gettext_lazy("status")
    parameter_name = "status"
    choices_of = Rule.Status


class IntentFilter(OneOf):
    title = gettext_lazy("intent")
    parameter_name = "intent"
    choices_of = Rule.Intent

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        return [*super().lookups(request, model_admin), (NONE, _("not sorted yet"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Rule]) -> QuerySet[Rule]:
        return queryset.filter(intent="") if self.value() == NONE else super().queryset(request, queryset)


class ConditionFilter(Labelled):
    """Values that each stand for a condition."""

    @abstractmethod
    def conditions(self) -> dict[str, tuple[str, Q]]:
        """{value: (label, condition)}"""

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        return [(value, label) for value, (label, _condition) in self.conditions().items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Rule]) -> QuerySet[Rule]:
        if not self.value():
            return queryset
        known = self.conditions().get(self.value())
        return queryset.filter(known[1]) if known else queryset.none()


class ListFilter(ConditionFilter):
    """Which of the two lists. A rule without figures yet is not measurable yet."""

    title = gettext_lazy("list")
    parameter_name = "list"

    def conditions(self) -> dict[str, tuple[str, Q]]:
        measured = Q(figures__listed=RuleFigures.Listed.MEASURED)
        waiting = Q(figures__listed=RuleFigures.Listed.NOT_MEASURABLE) | Q(figures__isnull=True)
        return {
            RuleFigures.Listed.MEASURED.value: (_("measured"), measured),
            RuleFigures.Listed.NOT_MEASURABLE.value: (_("not measurable yet"), waiting),
        }


class InTheWayFilter(ConditionFilter):
    """Rules of which the help desk said that they kept an agent from solving."""

    title = gettext_lazy("got in the way")
    parameter_name = "in_the_way"

    def conditions(self) -> dict[str, tuple[str, Q]]:
        back, silent = Q(figures__blocked__gt=0), Q(figures__silent__gt=0)
        return {
            "yes": (_("yes"), back | silent),
            "came_back": (_("yes, and the customer came back"), back),
            "told_no": (_("told no, did not return"), silent),
            "no": (_("nobody said so"), ~Q(pk__in=RuleFigures.objects.filter(Q(blocked__gt=0) | Q(silent__gt=0)))),
        }


class FlaggedFilter(ConditionFilter):
    """Rules that agents say got in their way, lately."""

    title = gettext_lazy("flagged in 30 days")
    parameter_name = "flagged"

    def conditions(self) -> dict[str, tuple[str, Q]]:
        flagged = Q(figures__flags__gt=0)
        return {"yes": (_("yes"), flagged), "no": (_("no"), Q(figures__flags=0) | Q(figures__isnull=True))}


class ReviewFilter(ConditionFilter):
    title = gettext_lazy("review-by date")
    parameter_name = "review_by"

    def conditions(self) -> dict[str, tuple[str, Q]]:
        today = timezone.localdate()

        def within(days: int) -> Q:
            return Q(review_by__gte=today, review_by__lte=today + timedelta(days=days))

        return {
            "overdue": (_("overdue"), Q(review_by__lt=today)),
            "30": (_("in the next 30 days"), within(30)),
            "90": (_("in the next 90 days"), within(90)),
            NONE: (_("no date"), Q(review_by=None)),
        }


class ProtectiveFilter(ConditionFilter):
    title = gettext_lazy("protective")
    parameter_name = "protective"

    def conditions(self) -> dict[str, tuple[str, Q]]:
        return {"yes": (_("yes"), Q(protective=True)), "no": (_("no"), Q(protective=False))}


class NamedFilter(Labelled):
    """Something that people name. A house may have thousands of them: then there is no drop-down, and one types it."""

    many = False

    @abstractmethod
    def names(self) -> list[str]:
        """In order, at most one more than a drop-down holds."""

    @abstractmethod
    def of_none(self) -> tuple[str, Q]:
        """(label, condition) of the rules that name nothing."""

    @abstractmethod
    def named(self, name: str) -> Q:
        """The condition of the rules that name it."""

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        names = self.names()
        self.many = len(names) > MOST_OPTIONS
        return [(f"={name}", name) for name in names[:MOST_OPTIONS]] + [(NONE, self.of_none()[0])]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Rule]) -> QuerySet[Rule]:
        value = self.value()
        if not value:
            return queryset
        return queryset.filter(self.of_none()[1] if value == NONE else self.named(value.removeprefix("=")))

    def choices(self, changelist: ChangeList) -> Iterator[dict[str, Any]]:
        if not self.many:
            yield from super().choices(changelist)
            return
        label = _("%(what)s, written in full") % {"what": capfirst(str(self.title))}
        typed = (self.value() or "").removeprefix("=")
        yield {"form": SearchForm(name=self.parameter_name, label=label, data={self.parameter_name: typed})}


class DepartmentFilter(NamedFilter):
    title = gettext_lazy("department")
    parameter_name = "department"

    def names(self) -> list[str]:
        return list(Department.objects.order_by("name").values_list("name", flat=True)[: MOST_OPTIONS + 1])

    def of_none(self) -> tuple[str, Q]:
        return _("no department"), Q(department=None)

    def named(self, name: str) -> Q:
        return Q(department__name=name)


class TopicFilter(NamedFilter):
    """A topic takes in its sub-topics."""

    title = gettext_lazy("topic")
    parameter_name = "topic"

    def names(self) -> list[str]:
        return list(Topic.objects.order_by("path").values_list("path", flat=True)[: MOST_OPTIONS + 1])

    def of_none(self) -> tuple[str, Q]:
        return _("no topic"), ~Q(pk__in=Rule.topics.through.objects.values("rule_id"))

    def named(self, name: str) -> Q:
        # Paths compare bytewise, and "0" is the sign after "/": what begins with "name/" lies between the two.
        below = Q(topic__path__gt=f"{name}/", topic__path__lt=f"{name}0")
        about = Rule.topics.through.objects.filter(Q(topic__path=name) | below)
        return Q(pk__in=about.values("rule_id"))


class ChannelFilter(NamedFilter):
    title = gettext_lazy("channel")
    parameter_name = "channel"

    def names(self) -> list[str]:
        rows = RuleChannel.objects.order_by("name").values_list("name", flat=True).distinct()
        return list(rows[: MOST_OPTIONS + 1])

    def of_none(self) -> tuple[str, Q]:
        return _("all: it names none"), ~Q(pk__in=RuleChannel.objects.values("rule_id"))

    def named(self, name: str) -> Q:
        return Q(pk__in=RuleChannel.objects.filter(name=name).values("rule_id"))


# In the order in which they are offered.
FILTERS = (
    ListFilter, FlaggedFilter, InTheWayFilter, AuthorityFilter, StatusFilter, DepartmentFilter, TopicFilter,
    ChannelFilter, ReviewFilter, KindFilter, IntentFilter, ProtectiveFilter,
)  # fmt: skip
PARAMETERS = tuple(str(made.parameter_name) for made in FILTERS)
