"""What a person should do now: one small function for each thing that can wait for somebody.

A function takes who asks and gives what waits, nothing where that person may not do it. `@asks` adds it to the list, so
that what joins later (flags, reviews) joins here.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property

from django.db.models import Case, Count, Exists, F, Min, OuterRef, Q, QuerySet, Subquery, When
from django.urls import reverse
from django.utils import timezone
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from rulebook.access.models import Department, Person, Team
from rulebook.access.rights import CHANGE, own_rules
from rulebook.cases.models import ImportRun, PendingLink, Source, Upload
from rulebook.cases.sentences import QUIET_AFTER, days, days_silent
from rulebook.catalogue.models import Alias, Rule
from rulebook.insight.models import RuleFigures
from rulebook.numbers import long_day, points, whole
from rulebook.review.models import State

SHOWN = 3
MOST_LINKS = 10_000  # that are counted: a help desk without an inventory leaves one for every case
LONGEST = 70  # characters of a title inside a sentence


@dataclass(frozen=True)
class Todo:
    """One thing that waits. `action` is the verb on its button; the greatest weight comes first.

    `overdue` is said in the colour of harm, after the detail: how many wait too long.
    """

    title: str
    detail: str
    url: str
    action: str
    weight: int
    icon: str = "edit_note"
    overdue: str = ""


class Asker:
    """Whoever looks at the page, and what is theirs to change."""

    def __init__(self, person: Person) -> None:
        self.person = person

    def may(self, permission: str) -> bool:
        return self.person.has_perm(permission)

    @cached_property
    def rules(self) -> QuerySet[Rule]:
        """Rules in force that this person may change: `rights.may_change_rule_of`, for all rules at once."""
        return self.own(Rule.objects.filter(status=Rule.Status.IN_FORCE))

    def own(self, rules: QuerySet[Rule]) -> QuerySet[Rule]:
        """Those of the rules that this person may change."""
        if not self.may(CHANGE):
            return rules.none()
        return rules if self._own is None else rules.filter(self._own)

    @property
    def only_own(self) -> bool:
        """Whether there may be rules besides these, which are for others to change."""
        return self._own is not None

    @cached_property
    def _own(self) -> Q | None:
        """What makes a rule this person's own; None for those who may change every rule."""
        return own_rules(self.person)


Asking = Callable[[Asker], Iterator[Todo]]
ASKED: list[Asking] = []


def asks(function: Asking) -> Asking:
    """Put a function on the list of what can wait for somebody."""
    ASKED.append(function)
    return function


def todos(person: Person) -> list[Todo]:
    """All that waits for a person, the weightiest first. No case is read, and no query more for more rows."""
    asker = Asker(person)
    found = [todo for function in ASKED for todo in function(asker)]
    return sorted(found, key=lambda todo: (-todo.weight, todo.title))


def next_review(person: Person) -> str:
    """The next review-by date among a person's rules, as a sentence; blank where there is none."""
    today = timezone.localdate()
    coming = Asker(person).rules.filter(review_by__gte=today).aggregate(day=Min("review_by"))["day"]
    return _("Next review: %(day)s.") % {"day": long_day(coming)} if coming else ""


@asks
def first_rules(asker: Asker) -> Iterator[Todo]:
    if not asker.may("catalogue.add_rule") or Rule.objects.exists():
        return
    yield Todo(
        title=_("Write the first rule down"),
        detail=_("A title is enough. The unwritten ones too: “we have always done it so”."),
        url=reverse("capture"),
        action=_("Write rules down"),
        weight=100,
    )
    yield Todo(
        title=_("Or paste a list of rules"),
        detail=_("From a spreadsheet, one rule a line."),
        url=reverse("admin:catalogue_rule_import"),
        action=_("Import rules"),
        weight=99,
        icon="upload_file",
    )


@asks
def first_cases(asker: Asker) -> Iterator[Todo]:
    if not asker.may("cases.add_upload") or Source.objects.exists():
        return
    yield Todo(
        title=_("Import the help desk's cases"),
        detail=_("They show what each rule costs. A file of three months is enough."),
        url=reverse("admin:cases_upload_add"),
        action=_("Import cases"),
        weight=98,
        icon="upload_file",
    )


@asks
def failed_imports(asker: Asker) -> Iterator[Todo]:
    """Sources whose newest import broke off, and uploads that could not be imported."""
    if asker.may("cases.view_importrun"):
        newest = ImportRun.objects.filter(source=OuterRef("pk")).order_by("-started_at", "-pk").values("state")[:1]
        broken = Source.objects.alias(newest=Subquery(newest)).filter(
            newest__in=[ImportRun.State.FAILED, ImportRun.State.DEAD], retired=False
        )
        names = list(broken.order_by("name").values_list("name", flat=True))
        if names:
            yield Todo(
                title=ngettext("The newest import of %(names)s broke off", "The newest imports of %(names)s broke off",
                               len(names)) % {"names": _named(names)},
                detail=_("What is stored stands. Run it again: nothing is counted twice."),
                url=reverse("admin:cases_importrun_changelist"),
                action=_("Look at it"),
                weight=90,
                icon="error",
            )  # fmt: skip
    if asker.may("cases.view_upload"):
        failed = Upload.objects.filter(state=Upload.State.FAILED, gone_at__gt=timezone.now()).count()
        if failed:
            yield Todo(
                title=ngettext("%(count)s upload could not be imported", "%(count)s uploads could not be imported",
                               failed) % {"count": whole(failed)},
                detail=_("Its page says why, and what to do."),
                url=reverse("admin:cases_upload_changelist"),
                action=_("Look at it"),
                weight=91,
                icon="error",
            )  # fmt: skip


@asks
def overdue_reviews(asker: Asker) -> Iterator[Todo]:
    today = timezone.localdate()
    late = asker.rules.filter(review_by__lt=today).exclude(reviews__state=State.LAPSING)  # that says so itself
    found = late.aggregate(count=Count("pk"), oldest=Min("review_by"))
    if not found["count"]:
        return
    yield Todo(
        title=ngettext("%(count)s rule is past its review-by date", "%(count)s rules are past their review-by dates",
                       found["count"]) % {"count": whole(found["count"])},
        detail=_("The oldest was due on %(day)s,") % {"day": long_day(found["oldest"])},
        overdue=_("%(days)s too long") % {"days": days((today - found["oldest"]).days)},
        url=reverse("admin:catalogue_rule_changelist") + "?review_by=overdue",
        action=_("Look at them"),
        weight=80,
        icon="schedule",
    )  # fmt: skip


@asks
def quiet_sources(asker: Asker) -> Iterator[Todo]:
    if not asker.may("cases.view_source"):
        return
    now = timezone.now()
    old = Source.objects.filter(retired=False, horizon__lt=now - timedelta(days=QUIET_AFTER))
    quiet = [
        (source.name, silent)
        for source in old.order_by("horizon", "name").only("name", "horizon", "time_zone")
        if (silent := days_silent(source, now)) > QUIET_AFTER
    ]
    if not quiet:
        return
    yield Todo(
        title=ngettext("%(names)s has sent nothing for %(days)s", "%(names)s have sent nothing for up to %(days)s",
                       len(quiet)) % {"names": _named([name for name, _silent in quiet]),
                                      "days": days(max(silent for _name, silent in quiet))},
        detail=_("Import newer cases, or mark a source as retired."),
        url=reverse("admin:cases_source_changelist"),
        action=_("Look at it"),
        weight=70,
        icon="schedule",
    )  # fmt: skip


@asks
def claims(asker: Asker) -> Iterator[Todo]:
    claimed = asker.rules.filter(authority__in=Rule.NOT_OURS, confirmed_at=None)
    oldest = claimed.order_by("claimed_on", "code").values_list("pk", "title").first()
    if oldest is None:
        return
    count, (number, title) = claimed.count(), oldest
    yield Todo(
        title=ngettext("%(count)s rule is claimed to be law or contract",
                       "%(count)s rules are claimed to be law or contract", count) % {"count": whole(count)},
        detail=_("A second person reads the clause of “%(title)s” within 14 days; else it counts as our own.")
        % {"title": short(title)},
        url=reverse("admin:catalogue_rule_page", args=[number]),
        action=_("Look at it"),
        weight=60,
        icon="gavel",
    )  # fmt: skip


@asks
def dearest_unsorted(asker: Asker) -> Iterator[Todo]:
    """The dearest rule of the house's own that nobody has sorted yet; where no rule has a price, the most harmful.

    Harm counts where its 90 % interval lies above 0. One query, whichever it is.
    """
    priced = Q(figures__price__gt=0, figures__priced=True)
    none_priced = ~Exists(RuleFigures.objects.filter(price__gt=0, priced=True))
    found = (
        asker.rules.filter(intent="")
        .exclude(authority__in=Rule.NOT_OURS)
        .filter(priced | Q(none_priced, figures__low__gt=0, figures__harm__gte=1))
        .order_by(Case(When(priced, then=F("figures__price"))).desc(nulls_last=True), "-figures__harm", "code")
        .values_list("pk", "title", "figures__price", "figures__priced", "figures__harm")
        .first()
    )
    if found is None:
        return
    number, title, price, is_priced, harm = found
    if price and is_priced:
        said = _("“%(title)s” costs at most %(points)s points of FCR")
        finding = said % {"title": short(title), "points": points(price)}
        detail = _("The dearest that nobody has sorted yet: keep, simplify, drop, or ask?")
        if asker.only_own:
            detail = _("The dearest of yours that nobody has sorted yet: keep, simplify, drop, or ask?")
    else:
        count = round(harm or 0)
        finding = ngettext("Without “%(title)s”, %(count)s contact a month would not come back",
                           "Without “%(title)s”, %(count)s contacts a month would not come back", count) % {
            "title": short(title), "count": whole(count),
        }  # fmt: skip
        detail = _("The most harmful that nobody has sorted yet: keep, simplify, drop, or ask?")
        if asker.only_own:
            detail = _("The most harmful of yours that nobody has sorted yet: keep, simplify, drop, or ask?")
    yield Todo(
        title=finding,
        detail=detail,
        url=reverse("admin:catalogue_rule_page", args=[number]),
        action=_("Look at it"),
        weight=65,
        icon="trending_down",
    )


@asks
def waiting_links(asker: Asker) -> Iterator[Todo]:
    """Codes that the help desk uses and the inventory does not know."""
    if not (asker.may("cases.view_pendinglink") and asker.may("catalogue.add_rule")):
        return
    unknown = PendingLink.objects.filter(~Exists(Alias.objects.filter(name=OuterRef("rule_name"))))
    some = unknown.order_by("rule_name")[:MOST_LINKS]
    found = some.aggregate(links=Count("pk"), names=Count("rule_name", distinct=True), first=Min("rule_name"))
    if not found["links"]:
        return
    detail = ngettext("%(links)s link waits for it.", "%(links)s links wait for them.", found["links"])
    if found["links"] == MOST_LINKS:
        detail = _("%(links)s links or more wait for them.")
    count = {"links": whole(found["links"]), "name": short(found["first"]), "names": whole(found["names"])}
    yield Todo(
        title=ngettext("The help desk names a rule that nobody wrote down: %(name)s",
                       "The help desk names %(names)s rules that nobody wrote down", found["names"]) % count,
        detail=detail % count,
        url=reverse("admin:cases_pendinglink_changelist"),
        action=_("Look at them"),
        weight=50,
        icon="link",
    )  # fmt: skip


@asks
def rules_without_department(asker: Asker) -> Iterator[Todo]:
    count = asker.rules.filter(department=None, owner=None).count()
    if not count:
        return
    yield Todo(
        title=ngettext("%(count)s rule belongs to nobody", "%(count)s rules belong to nobody", count)
        % {"count": whole(count)},
        detail=_("Name a department: its head answers for the rule."),
        url=reverse("admin:catalogue_rule_changelist") + "?department=none",
        action=_("Name them"),
        weight=40,
        icon="person_add",
    )


@asks
def departments_without_head(asker: Asker) -> Iterator[Todo]:
    if not asker.may("access.change_department"):
        return
    names = list(Department.objects.filter(head=None).order_by("name").values_list("name", flat=True))
    if names:
        yield Todo(
            title=ngettext("%(names)s has no head", "%(names)s have no head", len(names)) % {"names": _named(names)},
            detail=_("The head answers for the department's rules."),
            url=reverse("admin:access_department_changelist"),
            action=_("Name one"),
            weight=35,
            icon="person_add",
        )


@asks
def teams_without_headcount(asker: Asker) -> Iterator[Todo]:
    if not asker.may("access.change_team"):
        return
    names = list(Team.objects.filter(headcount=None).order_by("name").values_list("name", flat=True))
    if names:
        yield Todo(
            title=ngettext("Say how many people work in %(names)s", "Say how many people work in %(names)s",
                           len(names)) % {"names": _named(names)},
            detail=_("Figures of a team show from five people on, so that none shows one person."),
            url=reverse("admin:access_team_changelist"),
            action=_("Set headcounts"),
            weight=30,
            icon="groups",
        )  # fmt: skip


def _named(names: list[str]) -> str:
    """Two names at most, and how many more."""
    shown = ", ".join(short(name, 40) for name in names[:2])
    if len(names) <= 2:
        return shown
    return _("%(names)s and %(count)s more") % {"names": shown, "count": whole(len(names) - 2)}


def short(text: str, longest: int = LONGEST) -> str:
    return str(Truncator(text).chars(longest))
