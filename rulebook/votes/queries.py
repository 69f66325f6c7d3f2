"""What votes say of rules: the verdict that lists and guards use, and whether the front line has been heard."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from math import ceil
from typing import Any, TypeVar

from django.db.models import Count, Exists, F, Max, Model, OuterRef, Q, QuerySet, Sum
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from rulebook.access.calendar import house_calendar
from rulebook.access.models import Person, Team
from rulebook.access.queries import team_sizes
from rulebook.catalogue.models import Rule, RuleVersion
from rulebook.numbers import day, whole
from rulebook.votes.agreement import agreement
from rulebook.votes.counting import FEWEST, HELPS, HURTS, PLACES, band, link_voters
from rulebook.votes.models import Ballot, Cast, StandingVote, Tally, Turnout

AGENT_VOTERS = 3  # of a closed ballot by which the front line has been heard
MOST_NEEDED = 5  # agents whose standing votes are enough in a house of any size
OPEN_DAYS = 14  # after marking: by then it has lain on the front line's stack of cards for long enough
OF_A_BAND = {HURTS: -1, HELPS: 1}
TALLY = ("voters", "band", "mean", "agreement", "published_on")  # what a verdict takes from a tally

M = TypeVar("M", bound=Model)


@dataclass(frozen=True)
class Verdict:
    """What people say of one wording: `sum` of their impacts from -2 to +2 over `voters`, five or more.

    `source` says whether it is of a "ballot" or a published "tally". A tally's sum is as exact as what was published:
    of its mean to 0.5, or of -1, 0, +1 for a band, which has neither mean nor agreement. `band` (hurts, mixed or helps)
    always says which it comes to.
    """

    sum: float
    voters: int
    mean: float | None
    band: str
    agreement: float | None
    source: str
    on: date
    counts: tuple[int, ...] | None = None  # per place from -2 to +2, of a ballot alone


def of_current_wordings(rows: QuerySet[M], version: str = "version") -> QuerySet[M]:
    """Those of the rows whose wording is the newest of a rule that is not removed."""
    number, rule = OuterRef(f"{version}__number"), OuterRef(f"{version}__rule")
    newer = RuleVersion.objects.filter(rule=rule, number__gt=number)
    current = rows.filter(~Exists(newer), **{f"{version}__applies_to": None})
    return current.exclude(**{f"{version}__rule__status": Rule.Status.REMOVED})


def verdicts() -> dict[int, Verdict]:
    """{rule id: verdict} of all rules whose current wording has one. Two queries.

    The newest closed ballot of the current wording with five voters or more, else the published tally; never both.
    Managers are not among the voters: their votes are shown apart.
    """
    tallies = of_current_wordings(Tally.objects.filter(by_managers=False)).order_by("published_on", "pk")
    rows = tallies.values_list("version__rule", *TALLY)
    tallied = {rule: _of_tally(*row) for rule, *row in rows}  # the last of a rule stays
    return tallied | _of_ballots(of_current_wordings(Cast.objects.all(), "item__version"), "item__version__rule")


def verdict_of(version_id: int) -> Verdict | None:
    """The verdict on one wording, whether or not it is still the newest; None where there is none."""
    return said_on(version_id)[0]


def said_on(version_id: int) -> tuple[Verdict | None, Verdict | None]:
    """(the verdict on one wording, what managers say apart, as published of their standing votes). Two queries."""
    balloted = _of_ballots(Cast.objects.filter(item__version=version_id), "item__version").get(version_id)
    tallied: dict[bool, Verdict] = {}
    rows = Tally.objects.filter(version=version_id).order_by("published_on", "pk")
    for by_managers, *row in rows.values_list("by_managers", *TALLY):
        tallied[by_managers] = _of_tally(*row)
    return balloted or tallied.get(False), tallied.get(True)


def _of_ballots(casts: QuerySet[Cast], key: str) -> dict[int, Verdict]:
    """{what `key` names: verdict} of the newest closed ballot with five voters or more, and of its last such round."""
    rows = (
        casts.filter(item__ballot__state=Ballot.State.CLOSED, by_manager=False)
        .values("round", key=F(key), ballot=F("item__ballot"), closed_at=F("item__ballot__closed_at"))
        .annotate(
            total=Sum("impact"),
            voters=Count("pk"),
            **{f"at_{place}": Count("pk", filter=Q(impact=value)) for place, value in enumerate(PLACES)},
        )
        .filter(voters__gte=FEWEST)
        .order_by("closed_at", "ballot", "round")
    )
    return {row["key"]: _of_ballot(dict(row)) for row in rows}  # the last of a key stays


def _of_ballot(row: dict[str, Any]) -> Verdict:
    mean = row["total"] / row["voters"]
    counts = tuple(row[f"at_{place}"] for place in range(len(PLACES)))
    on = timezone.localtime(row["closed_at"]).date()
    return Verdict(row["total"], row["voters"], mean, band(mean), agreement(counts), "ballot", on, counts)


def _of_tally(voters: int, band_: str, mean: Decimal | None, agreed: float | None, on: date) -> Verdict:
    """Of a tally's columns as `TALLY` names them."""
    if mean is None:
        return Verdict(float(OF_A_BAND.get(band_, 0) * voters), voters, None, band_, None, "tally", on)
    return Verdict(float(mean) * voters, voters, float(mean), band(mean), agreed, "tally", on)


@dataclass(frozen=True)
class Heard:
    """Whether the front line has been heard on a rule as it is worded now; `sentence` says how, or what is missing.

    `needed` agents' standing votes are enough; 0 where no agent is registered. How many there are is told nowhere: a
    count that grows by one would say that somebody has just voted.
    """

    heard: bool
    sentence: str
    needed: int


@dataclass(frozen=True)
class Asked:
    """A rule whose front line is asked about, in its newest wording; `marked_on` began the clock of 14 open days."""

    rule: Rule
    version: RuleVersion
    marked_on: date | None


def front_lines_heard(asked: Sequence[Asked], *, today: date) -> dict[int, Heard]:
    """{rule id: whether the front line has been heard} of many rules: seven queries, however many they are.

    The one answer for every guard, page and API. Yes by the votes of enough agents of the owner department (of all
    where none is set), by a closed ballot with three agents among its voters, or 14 open days after `marked_on` put
    the rule on their stack of cards.
    """
    registered, voted = _agents_by_department(), _agents_who_voted(asked)
    balloted, calendar = _balloted_on(asked), house_calendar()
    ends = {on: calendar.add_open_days(on, OPEN_DAYS) for on in {one.marked_on for one in asked} if on}
    found = {}
    for one in asked:
        needed = enough(_of_department(registered, one.rule.department_id))
        until = ends.get(one.marked_on) if one.marked_on else None
        found[one.rule.pk] = _heard(one, needed, voted[one.version.pk], balloted.get(one.version.pk), until, today)
    return found


def front_line_heard(rule: Rule, *, marked_on: date | None = None, today: date | None = None) -> Heard:
    """`front_lines_heard` of one rule, in the words it has now."""
    asked = Asked(rule, rule.versions.latest("number"), marked_on)
    return front_lines_heard([asked], today=today or timezone.localdate())[rule.pk]


def _heard(asked: Asked, needed: int, voted: int, balloted_on: date | None, until: date | None, today: date) -> Heard:
    """`until` is the day on which time alone will do."""
    if needed and voted >= needed:
        said = ngettext(
            "At least %(count)s agent has voted on it.", "At least %(count)s agents have voted on it.", needed
        )
        return Heard(True, said % {"count": whole(needed)}, needed)
    if balloted_on is not None:
        text = _("Agents voted on it in the ballot that closed on %(day)s.")
        return Heard(True, text % {"day": day(balloted_on)}, needed)
    if until is not None and today >= until:
        text = _("Agents could vote on it for %(days)s open days, since %(day)s.")
        return Heard(True, text % {"days": OPEN_DAYS, "day": day(asked.marked_on or today)}, needed)
    return Heard(False, _missing(asked.rule, needed, until), needed)


def enough(agents: int) -> int:
    """How many agents' votes are enough; 0 where there are no agents, and votes cannot be.

    >>> [enough(agents) for agents in (0, 1, 2, 3, 7, 10, 200)]
    [0, 1, 1, 2, 4, 5, 5]
    """
    return max(1, min(MOST_NEEDED, ceil(agents / 2))) if agents else 0


def count_agents(department_id: int | None) -> int:
    """Agents of a department's teams, or of the house, as `_agents_by_department` counts them."""
    return _of_department(_agents_by_department(), department_id)


def _agents_by_department() -> dict[int | None, int]:
    """{department id: agents}; None holds those of no department. Two queries.

    Those who sign in, and of a team that has a link everybody whom its headcount names: they come without a name.
    """
    people = Person.objects.filter(is_active=True, is_superuser=False, groups__name="agent")
    people = people.exclude(groups__name="manager").order_by()
    linked = Team.objects.filter(links__revoked_at=None, links__isnull=False).distinct()
    found: Counter[int | None] = Counter()
    signed_in: dict[int | None, int] = {}
    for team, department, count in people.values_list("team", "team__department").annotate(
        count=Count("pk", distinct=True)
    ):
        found[department] += count
        signed_in[team] = count
    for team, department, headcount in linked.values_list("pk", "department", "headcount"):
        found[department] += max(0, (headcount or 0) - signed_in.get(team, 0))
    return dict(found)


def _of_department(counts: Mapping[int | None, int], department_id: int | None) -> int:
    """Of one department, or of the whole house where a rule has none."""
    return sum(counts.values()) if department_id is None else counts.get(department_id, 0)


def _agents_who_voted(asked: Sequence[Asked]) -> dict[int, int]:
    """{version id: agents with a standing vote on it}, those of the rule's department where it has one.

    Devices of a team's link are no more than the team has people. Three queries.
    """
    votes = StandingVote.objects.filter(version__in={one.version.pk for one in asked}).order_by()
    agents = votes.filter(by_manager=False, person__groups__name="agent", person__is_active=True)
    signed_in: defaultdict[int, Counter[int | None]] = defaultdict(Counter)
    for version, department, count in agents.values_list("version", "person__team__department").annotate(
        count=Count("pk", distinct=True)
    ):
        signed_in[version][department] += count
    counted = {"people": Count("pk", filter=Q(device="")), "devices": Count("pk", filter=Q(person=None))}
    teams: defaultdict[int, list[tuple[int, int | None, int, int]]] = defaultdict(list)
    by_team = votes.exclude(team=None).values_list("version", "team", "team__department").annotate(**counted)
    for version, *row in by_team:
        teams[version].append(tuple(row))
    sizes = team_sizes()
    found = {}
    for one in asked:
        rows = teams[one.version.pk]
        if (department_id := one.rule.department_id) is not None:
            rows = [row for row in rows if row[1] == department_id]
        came = {team: devices for team, _department, _people, devices in rows if devices}
        known = {team: people for team, _department, people, _devices in rows}
        people = _of_department(signed_in[one.version.pk], department_id)
        found[one.version.pk] = people + link_voters(came, known, sizes)
    return found


def _balloted_on(asked: Sequence[Asked]) -> dict[int, date]:
    """{version id: when the newest ballot on it closed in which three agents voted}. One query."""
    rounds = Turnout.objects.filter(item__version__in={one.version.pk for one in asked}, agents__gte=AGENT_VOTERS)
    closed = rounds.filter(item__ballot__state=Ballot.State.CLOSED).order_by()
    rows = closed.values_list("item__version").annotate(at=Max("item__ballot__closed_at"))
    return {version: timezone.localtime(at).date() for version, at in rows}


def _missing(rule: Rule, needed: int, until: date | None) -> str:
    """What is still missing, and when time alone will do."""
    if needed:
        told = _("No agent has voted on it.")
        if needed > 1:
            told = _("Fewer than %(needed)s agents have voted on it.") % {"needed": whole(needed)}
        if until is None:
            text = _("%(told)s A ballot with %(agents)s agents is enough too, or %(days)s open days once it is marked.")
            return text % {"told": told, "agents": whole(AGENT_VOTERS), "days": whole(OPEN_DAYS)}
        return _("%(told)s Without more votes the front line counts as heard on %(day)s.") % {
            "told": told,
            "day": day(until),
        }
    nobody = _("No agent is registered here:")
    if rule.department is not None:
        nobody = _("No agent is registered in %(department)s:") % {"department": rule.department.name}
    if until is None:
        text = _("%(nobody)s the front line counts as heard %(days)s open days after the rule is marked.")
        return text % {"nobody": nobody, "days": whole(OPEN_DAYS)}
    text = _("%(nobody)s the front line counts as heard on %(day)s.")
    return text % {"nobody": nobody, "day": day(until)}
