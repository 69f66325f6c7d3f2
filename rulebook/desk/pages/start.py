"""The start page: what to do now, what the rules cost, how sure that is, and what is not counted.

It reads one row of figures a source and a rule, sums by month, and the flags of a year counted by authority; never a
case. Unfold calls `start_page` by its name in the settings.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from fractions import Fraction
from typing import Any, cast

from django.db.models import Count, Q
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from rulebook.access.models import Person
from rulebook.cases.models import Source
from rulebook.catalogue.models import Rule
from rulebook.desk import charts
from rulebook.desk.pages.basis import LEAST_FOR_PERCENT, basis, behind, blocks_recorded, method, source_names
from rulebook.desk.pages.flag_audits import audit_sentence
from rulebook.desk.pages.flag_times import time_lines, window
from rulebook.desk.pages.words import contacts
from rulebook.desk.todo import SHOWN, next_review, todos
from rulebook.flags.models import Flag
from rulebook.insight.overview import MonthRow, Overview
from rulebook.insight.queries import dearest, month_rows, overview, worst
from rulebook.numbers import interval, month, percent, points, whole

MOST = charts.MOST_BARS
YEAR = 365  # days whose flags count here
FEW = 5  # rules: their chart leaves room for the months below it, beside the other cards
SMALL_NUMBERS = (
    "", gettext_lazy("One"), gettext_lazy("Two"), gettext_lazy("Three"), gettext_lazy("Four"), gettext_lazy("Five"),
    gettext_lazy("Six"), gettext_lazy("Seven"), gettext_lazy("Eight"), gettext_lazy("Nine"), gettext_lazy("Ten"),
)  # fmt: skip
NOT_OURS = {Rule.Authority.LAW.value: gettext_lazy("law"), Rule.Authority.CONTRACT.value: gettext_lazy("contract")}
# Of 342 rules that 24 organisations collected: IHI, JAMA 2017. Law there is law alone.
PUBLISHED = {"own": 62, "habit": 16, "law": 22}
GROUPS: dict[str, tuple[str, ...]] = {
    "own": (Rule.Authority.POLICY, Rule.Authority.PRACTICE, Rule.Authority.SYSTEM),
    "habit": (Rule.Authority.HABIT,),
    "law": Rule.NOT_OURS,
}
GROUP_NAMES = {
    "own": gettext_lazy("The organisation's own: policy, practice, system"),
    "habit": gettext_lazy("Habit"),
    "law": gettext_lazy("Law or contract"),
}


@dataclass(frozen=True)
class Line:
    """A row of a card: a name and its figure."""

    name: str
    value: str
    note: str = ""


@dataclass(frozen=True)
class Prices:
    """The dearest rules: finding, chart, and the rows of the table behind it."""

    finding: str
    rules: Sequence[Rule] = ()
    chart: SafeString | str = ""
    legend: SafeString | str = ""
    worst: Rule | None = None  # by harm, where no rule has a price


@dataclass(frozen=True)
class Months:
    """Gross FCR by month. `pending` says which months are too recent to draw."""

    finding: str = ""
    rows: Sequence[MonthRow] = ()
    chart: SafeString | str = ""
    pending: str = ""


@dataclass(frozen=True)
class Counted:
    """How many rules there are, by what a manager asks of them."""

    rules: int = 0
    written: int = 0
    unwritten: int = 0
    in_the_way: dict[str, int] = field(default_factory=dict)  # rules by authority
    flagged: bool = False  # those are the rules that agents flagged in twelve months; else those that blocked a contact


def start_page(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Fills the context of `admin/index.html`."""
    person = cast(Person, request.user)
    waiting = todos(person)
    context.update(
        title=_("Start"),
        todos=waiting[:SHOWN],
        more_todos=waiting[SHOWN:],
        nothing_waits="" if waiting else next_review(person),
        has_role=person.is_superuser or bool(person.get_all_permissions()),
        may_see_figures=person.has_perm("catalogue.view_rule"),
    )
    if context["may_see_figures"]:
        context.update(dashboard())
    if person.has_perm("flags.view_flag"):
        context.update(times=time_lines(timezone.localdate()), window=window())
    return context


def dashboard() -> dict[str, Any]:
    """All cards, or the sentence in their place."""
    counted = count_rules()
    found = overview()
    cards: dict[str, Any] = {
        "counted": counted,
        "written_finding": written_finding(counted) if counted.rules else "",
        "authority": authority_split(counted),
        "empty": why_empty(counted, found),
        "behind": behind(found),
    }
    if found is not None and found.mature:
        dear = prices(found)
        cards.update(
            found=found,
            basis=basis(found),
            prices=dear,
            few=len(dear.rules) <= FEW,
            recorded=blocks_recorded(found),
            gross=gross(found),
            rates=rates(found),
            coverage=coverage(found),
            audit=audit_sentence(),
            left_out=left_out(found),
            months=months(found),
            others=[other_line(other) for other in found.others],
        )
    return cards


def count_rules() -> Counted:
    """Two queries, whatever the number of rules and flags."""
    blocked = Count("pk", filter=Q(figures__blocked__gt=0) | Q(figures__silent__gt=0))
    groups = list(
        Rule.objects.order_by().values_list("kind", "authority", "status").annotate(count=Count("pk"), blocked=blocked)
    )
    in_force = [(kind, count) for kind, _authority, status, count, _ in groups if status == Rule.Status.IN_FORCE]
    flagged = flagged_rules()
    in_the_way = dict(flagged)
    if not flagged:
        for _kind, authority, _status, _count, number in groups:
            if number:
                in_the_way[authority] = in_the_way.get(authority, 0) + number
    return Counted(
        rules=sum(group[3] for group in groups),
        written=sum(count for kind, count in in_force if kind == Rule.Kind.WRITTEN),
        unwritten=sum(count for kind, count in in_force if kind == Rule.Kind.UNWRITTEN),
        in_the_way=in_the_way,
        flagged=bool(flagged),
    )


def flagged_rules() -> dict[str, int]:
    """{authority: rules that agents flagged in the last twelve months}"""
    flags = Flag.objects.filter(rule__isnull=False, flagged_on__gt=timezone.localdate() - timedelta(days=YEAR))
    flags = flags.exclude(rule__status=Rule.Status.PROPOSED)  # those say what would get in the way
    return dict(flags.order_by().values_list("rule__authority").annotate(count=Count("rule", distinct=True)))


def why_empty(counted: Counted, found: Overview | None) -> str:
    """Why there is no figure yet; blank where there is one."""
    if found is not None and found.mature:
        return ""
    if not counted.rules:
        return _("No rules yet. Write the first one down, or paste a list.")
    if found is not None:
        recent = contacts(found.pending)
        if found.pending:
            return _("%(contacts)s are too recent to know. Figures show once their window has passed.") % {
                "contacts": recent
            }
        return _("No contact can be judged yet: the cases name no customer, or say nothing of the outcome.")
    if not Source.objects.exists():
        return _("No cases yet. Import the help desk's cases to see what each rule costs.")
    return _("The figures are being computed. They show here when that is done.")


def prices(found: Overview) -> Prices:
    """The ten dearest rules. "At least" where some not resolved contacts name no rule."""
    rules = dearest(MOST)
    if found.mature < LEAST_FOR_PERCENT:
        return Prices(
            _("Too few contacts for a price: %(seen)s, %(needed)s needed.")
            % {"seen": whole(found.mature), "needed": LEAST_FOR_PERCENT}
        )
    if not rules:
        if found.linked:
            return Prices(_("No link says that a rule was in the way, so no rule has a price."), worst=worst())
        return Prices(_("No contact names a rule yet, so no rule has a price."))
    costs = [(rule, cost) for rule in rules if (cost := rule.figures.price) is not None]
    total, ours = sum(cost for _rule, cost in costs), sum(cost for rule, cost in costs if rule.ours)
    words = {
        "count": SMALL_NUMBERS[len(rules)],
        "points": points(total, 1),
        "ours": points(ours, 1),
    }
    if found.coverage == 1:
        finding = ngettext("%(count)s rule costs %(points)s points of FCR.", "%(count)s rules cost %(points)s points "
                           "of FCR.", len(rules)) % words  # fmt: skip
    else:
        finding = ngettext("%(count)s rule costs at least %(points)s points of FCR.",
                           "%(count)s rules cost at least %(points)s points of FCR.", len(rules)) % words  # fmt: skip
    if ours == total:
        rest = _("All of it is ours to change.")
    else:
        rest = _("%(ours)s of them are ours to change.") % words if ours else _("None of it is ours to change.")
    drawn = [
        charts.Bar(rule.title, float(cost) * 100, rule.ours, str(NOT_OURS.get(rule.authority, "")))
        for rule, cost in costs
    ]
    finding = f"{finding} {rest}"
    both = 0 < sum(rule.ours for rule in rules) < len(rules)
    legend = charts.legend("prices", (_("Ours to change"), _("Not ours"))) if both else ""
    return Prices(finding, rules, charts.bars(drawn, finding=finding, name="prices"), legend)


def gross(found: Overview) -> dict[str, str]:
    """The key figure with its doubt; counts in place of a percentage of a few."""
    if found.mature < LEAST_FOR_PERCENT or found.gross is None or found.interval is None:
        words = {"solved": whole(found.resolved), "contacts": contacts(found.mature)}
        return {
            "figure": "",
            "sentence": _("%(solved)s of %(contacts)s were solved at first contact.") % words,
            "doubt": _("Too few for a percentage: %(needed)s needed.") % {"needed": whole(LEAST_FOR_PERCENT)},
        }
    low, high = (bound * 100 for bound in found.interval)
    return {
        "figure": percent(found.gross),
        "sentence": _("solved at first contact"),
        "doubt": _("95 %% sure: %(interval)s · %(contacts)s")
        % {"interval": interval(low, high, 1), "contacts": contacts(found.mature)},
    }


def rates(found: Overview) -> list[Line]:
    """What stands under the key figure."""
    if found.mature < LEAST_FOR_PERCENT:
        return []
    lines = []
    if found.issue_fcr is not None and found.issues >= LEAST_FOR_PERCENT:
        lines.append(Line(_("Issue FCR"), percent(found.issue_fcr), _("issues that took one contact")))
    enough = found.mature - found.blocked >= LEAST_FOR_PERCENT  # of those that net FCR looks at
    if found.net is not None and found.gap is not None and enough and blocks_recorded(found):
        lines.append(Line(_("Net FCR, as others report it"), percent(found.net), _("leaves out what rules blocked")))
        lines.append(Line(_("Gap"), _("%(points)s points") % {"points": points(found.gap, 1)}))
    return lines


def coverage(found: Overview) -> dict[str, Any]:
    """How many of the not resolved contacts name a rule at all: what makes every figure "at least"."""
    if found.coverage is None:
        return {"title": _("Coverage"), "sentence": _("Every contact was solved at first contact."), "bar": ""}
    words = {"linked": whole(found.linked), "contacts": contacts(found.not_resolved)}
    if found.not_resolved < LEAST_FOR_PERCENT:
        title, sentence = _("Coverage"), _("%(linked)s of %(contacts)s not solved name a rule.") % words
    else:
        share = percent(found.coverage, 0)
        title = _("Coverage: %(share)s") % {"share": share}
        sentence = _("%(share)s of unsolved contacts name a rule.") % {"share": share}
    return {
        "title": title,
        "bar": charts.share_bar(float(found.coverage), finding=sentence),
        "sentence": sentence,
        "at_least": "" if found.coverage == 1 else _("So every figure is “at least”."),
        "unexplained": _("No rule explains %(contacts)s.") % {"contacts": contacts(found.unexplained)},
    }


def left_out(found: Overview) -> list[Line]:
    """What is stored and stands in no rate."""
    early = ""
    if found.early_repeats:
        early = ngettext("%(count)s of them has come back already", "%(count)s of them have come back already",
                         found.early_repeats) % {"count": whole(found.early_repeats)}  # fmt: skip
    unknown = _("Customer unknown") if found.watches_repeats else _("Outcome unknown")
    lines = [
        Line(_("Pending: too recent to know"), whole(found.pending), early),
        Line(unknown, whole(found.unknown)),
        Line(_("Excluded: outbound, spam, tests, doubles"), whole(found.excluded)),
    ]
    if found.later:
        lines.append(Line(_("Newer than the data is complete"), whole(found.later)))
    return lines


def months(found: Overview) -> Months:
    """Months of few contacts have no percentage, and those that are not over are named and not drawn."""
    rows = month_rows(found)
    if not rows:
        return Months()
    drawn = [
        charts.Point(row.month, float(row.gross) if _shown(row) else None) for row in rows if row.gross is not None
    ]
    known = [(row, row.gross) for row in rows if _shown(row) and row.gross is not None]
    waiting = [row for row in rows if not row.complete]
    pending = ""
    if waiting:
        pending = _("Not drawn, because it is too early to tell: %(months)s.") % {
            "months": ", ".join(month(row.month) for row in waiting)
        }
    if len(known) < charts.LEAST_POINTS:
        needed = _("A line by month needs three whole months of %(needed)s contacts or more.")
        return Months(needed % {"needed": whole(LEAST_FOR_PERCENT)}, rows, "", pending)
    best, worst = max(known, key=lambda entry: entry[1]), min(known, key=lambda entry: entry[1])
    finding = _("Gross FCR was between %(low)s (%(worst)s) and %(high)s (%(best)s).") % {
        "low": percent(worst[1]),
        "worst": month(worst[0].month),
        "high": percent(best[1]),
        "best": month(best[0].month),
    }
    return Months(finding, rows, charts.lines_by_month(drawn, finding=finding, percent=True), pending)


def _shown(row: MonthRow) -> bool:
    return row.complete and row.resolved + row.not_resolved >= LEAST_FOR_PERCENT


def authority_split(counted: Counted) -> dict[str, Any]:
    """Where the rules in the way get their force, beside what is published; nobody asked yet stands apart.

    Those that agents flagged, as the published ones were named by people; before the first flag, those that blocked.
    """
    sums = {name: sum(counted.in_the_way.get(kind, 0) for kind in kinds) for name, kinds in GROUPS.items()}
    known = sum(sums.values())
    total, ours = sum(counted.in_the_way.values()), sum(counted.in_the_way.values()) - sums["law"]
    if not total:
        return {}
    enough = known >= LEAST_FOR_PERCENT
    rows = [
        {
            "name": GROUP_NAMES[name],
            "count": count,
            "share": percent(Fraction(count, known), 0) if enough else "",
            "published": percent(Fraction(PUBLISHED[name], 100), 0),
        }
        for name, count in sums.items()
    ]
    too_few = ""
    if not enough:
        too_few = _("Percentages need %(needed)s rules whose force is known.") % {"needed": whole(LEAST_FOR_PERCENT)}
    if counted.flagged:
        finding = ngettext("%(ours)s of %(count)s rule that agents flagged is ours to change.",
                           "%(ours)s of %(count)s rules that agents flagged are ours to change.", total)  # fmt: skip
    else:
        finding = ngettext("%(ours)s of %(count)s rule that got in the way is ours to change.",
                           "%(ours)s of %(count)s rules that got in the way are ours to change.", total)  # fmt: skip
    return {
        "finding": finding % {"ours": whole(ours), "count": whole(total)},
        "flagged": counted.flagged,
        "rows": rows,
        "unknown": counted.in_the_way.get(Rule.Authority.UNKNOWN, 0),
        "too_few": too_few,
    }


def written_finding(counted: Counted) -> str:
    in_force = counted.written + counted.unwritten
    if not in_force:
        return _("No rule is in force.")
    words = {"unwritten": whole(counted.unwritten), "count": whole(in_force)}
    return ngettext("%(unwritten)s of %(count)s rule in force is unwritten.",
                    "%(unwritten)s of %(count)s rules in force are unwritten.", in_force) % words  # fmt: skip


def other_line(other: Overview) -> str:
    """Sources that are measured otherwise, in a line of their own: never added up with the rest."""
    words = {"sources": source_names(other), "method": method(other), "contacts": contacts(other.mature)}
    if other.gross is None or other.mature < LEAST_FOR_PERCENT:
        return _("%(sources)s: %(method)s, %(contacts)s, too few for a percentage.") % words
    return _("%(sources)s: %(method)s, gross FCR %(gross)s of %(contacts)s.") % {
        **words, "gross": percent(other.gross),
    }  # fmt: skip
