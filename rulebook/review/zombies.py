"""Zombies: a removed rule that agents still meet. Counted once a day; the front line is told again once a week at most.

What counts is a flag on the rule, or a contact that it blocked, of a day after the one on which it ended. A flag's own
link to its contact is not counted beside the flag.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import reduce
from operator import or_

from django.db.models import Count, Exists, Max, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from rulebook.access.models import Team
from rulebook.access.queries import shown_teams, team_sizes
from rulebook.cases.models import Case, CaseRule, Effect, Origin
from rulebook.catalogue.models import Rule
from rulebook.flags.models import Flag
from rulebook.journal.services import business_verb, record
from rulebook.notices.models import Notice
from rulebook.notices.services import tell_again
from rulebook.numbers import day, long_day, whole
from rulebook.review.models import GONE, Review
from rulebook.review.situation import notice_of

QUIET_DAYS = 30
TELL_EVERY = 7  # days between two times that the front line is told again


@dataclass(frozen=True)
class Met:
    """How often a removed rule was met in one team.

    Teams too small to be named, and what came without one, stand together in one that is not `named`.
    """

    team: str
    times: int
    named: bool = True


def ended() -> QuerySet[Review]:
    """Reviews that ended a rule which is gone still; of several of one rule the last."""
    later = Review.objects.filter(rule=OuterRef("rule"), state__in=GONE, pk__gt=OuterRef("pk"))
    gone = Review.objects.filter(~Exists(later), state__in=GONE, rule__status=Rule.Status.REMOVED)
    return gone.exclude(in_force_on=None).select_related("rule")


def zombies() -> QuerySet[Review]:
    """Reviews whose rule was met since it ended, as last counted; the one met last first."""
    return ended().filter(zombies__gt=0).order_by("-zombie_on", "pk")


def still_met(today: date) -> QuerySet[Review]:
    """Those of them that are not quiet: a zombie is met after the day on which its rule ended."""
    return zombies().filter(zombie_on__gte=today - timedelta(days=QUIET_DAYS))


def is_quiet(review: Review, today: date) -> bool:
    """Whether the removal has held: nobody met the rule for 30 days. "Removed" turns green then."""
    on = quiet_from(review)
    return on is not None and today >= on


def quiet_from(review: Review) -> date | None:
    """The day from which the removal has held, unless somebody meets the rule before; None for one that did not end."""
    since = max((day for day in (review.in_force_on, review.zombie_on) if day is not None), default=None)
    if review.state not in GONE or since is None:
        return None
    return since + timedelta(days=QUIET_DAYS + 1)


@dataclass(frozen=True)
class Held:
    """Whether a removal holds: `is_quiet` after 30 days without anybody who met the rule, `met` if somebody did."""

    is_quiet: bool
    met: bool
    sentence: str


def how_it_holds(review: Review, today: date) -> Held | None:
    """None where the review has not ended its rule, or the rule is back. Asks the database nothing."""
    on = quiet_from(review)
    if on is None or review.rule.status != Rule.Status.REMOVED:
        return None
    if today >= on:
        return Held(True, False, _("Nobody has met it for %(days)s days.") % {"days": QUIET_DAYS})
    if review.zombies and review.zombie_on:
        words = {"times": whole(review.zombies), "day": day(review.zombie_on)}
        told = ngettext(
            "Met once since it was removed, on %(day)s.",
            "Met %(times)s times since it was removed, last on %(day)s.",
            review.zombies,
        )
        return Held(False, True, told % words)
    return Held(False, False, _("Not met since; sure on %(day)s.") % {"day": long_day(on)})


def count_zombies(*, today: date) -> int:
    """Count them anew; how many reviews have more than before. Each has one event a day at most.

    The front line of those is told again, and of those whose week was not over when they were met.
    """
    more = 0
    for review in ended():
        found, last = _met(review, today)
        more += found > review.zombies
        if found or review.zombies:
            _keep(review=review, found=found, last=last, today=today)
    return more


def met_by_team(review: Review) -> list[Met]:
    """Where the rule is met: teams of five or more by name, all others together; the most first."""
    return met_by_teams([review])[review.pk]


def met_by_teams(reviews: Iterable[Review]) -> dict[int, list[Met]]:
    """{review: where its rule is met}. The same four queries for one and for many."""
    asked = list(reviews)
    since = {review.rule_id: review.in_force_on for review in asked if review.in_force_on is not None}
    counted: defaultdict[int, Counter[int | None]] = defaultdict(Counter)
    flagged = _any(Q(rule=rule, flagged_on__gt=on) for rule, on in since.items())
    blocked = _any(Q(rule=rule, case__opened_day__gt=on) for rule, on in since.items())
    links = _blocking().filter(blocked, case__excluded="").order_by()
    flags = Flag.objects.filter(flagged).order_by().annotate(of_team=Coalesce("team", "author__team"))
    rows = [
        *flags.values_list("rule", "of_team").annotate(times=Count("pk")),
        *links.values_list("rule", "case__team").annotate(times=Count("case", distinct=True)),
    ]
    for rule, team, times in rows:
        counted[rule][team] += times
    shown = shown_teams(team_sizes())
    names = _names(team for teams in counted.values() for team in teams if team in shown)
    return {review.pk: _named(counted[review.rule_id], names) for review in asked}


def _any(conditions: Iterable[Q]) -> Q:
    """One of them holds; none does where there are none."""
    return reduce(or_, conditions, Q(pk__in=[]))


def _named(counted: Counter[int | None], names: dict[int, str]) -> list[Met]:
    found: Counter[str] = Counter()
    for team, times in counted.items():
        found[names.get(team or 0, "")] += times
    other = found.pop("", 0)
    told = [Met(name, times) for name, times in sorted(found.items(), key=lambda one: (-one[1], one[0]))]
    return [*told, Met(_("another team, or not known"), other, named=False)] if other else told


@business_verb
def _keep(*, review: Review, found: int, last: date | None, today: date) -> None:
    before = Review.objects.select_for_update(of=("self",)).get(pk=review.pk)
    Review.objects.filter(pk=review.pk).update(zombies=found, zombie_on=last)
    if found > before.zombies:
        record("zombie_met", "review", str(review.pk), before=str(before.zombies), after=str(found), by=None)
    notice = Notice.objects.filter(about=notice_of(review), state=Notice.State.PUBLISHED).first()
    if notice is None or last is None:
        return
    told = max(day for day in (notice.published_on, notice.told_again_on, review.in_force_on) if day is not None)
    if last > told and today >= told + timedelta(days=TELL_EVERY):
        tell_again(notice=notice, by=None)


def _met(review: Review, today: date) -> tuple[int, date | None]:
    """(how often, on which day last); a day in the future is a mistake of the help desk, and counts as today."""
    flags = _flags(review).aggregate(times=Count("pk"), last=Max("flagged_on"))
    cases = _cases(review).aggregate(times=Count("pk"), last=Max("opened_day"))
    days = [found["last"] for found in (flags, cases) if found["last"] is not None]
    return flags["times"] + cases["times"], min(max(days), today) if days else None


def _flags(review: Review) -> QuerySet[Flag]:
    return Flag.objects.filter(rule=review.rule_id, flagged_on__gt=review.in_force_on)


def _cases(review: Review) -> QuerySet[Case]:
    blocked = _blocking().filter(rule=review.rule_id)
    return Case.objects.filter(pk__in=blocked.values("case"), opened_day__gt=review.in_force_on, excluded="")


def _blocking() -> QuerySet[CaseRule]:
    """Links of a contact that a rule blocked, without those that a flag has made."""
    return CaseRule.objects.filter(~Q(origin=Origin.FLAG), effect=Effect.BLOCKED)


def _names(teams: Iterable[int | None]) -> dict[int, str]:
    return dict(Team.objects.filter(pk__in=[team for team in teams if team]).values_list("pk", "name"))
