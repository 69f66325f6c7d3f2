"""What a reader has to read, and how many have read it. Counts only, of teams that are large enough."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from rulebook.access.models import Person, Team
from rulebook.access.queries import SMALLEST_SHOWN, shown_teams, team_sizes
from rulebook.access.voices import Voice
from rulebook.catalogue.finding import either_case, rules_matching, words_of
from rulebook.catalogue.models import Rule
from rulebook.notices.models import Notice, Receipt
from rulebook.votes.counting import link_voters

# Somebody who begins today is not asked to read what was new last year; it stands among the earlier ones.
FRESH = timedelta(days=90)
State = Notice.State
Read = dict[str, date]  # {hash of a text: the day on which somebody read it}


def told_to(voice: Voice) -> QuerySet[Notice]:
    """What was ever published for this reader: notices for everybody and those of the own team, drafts never."""
    own = Notice.teams.through.objects.filter(notice=OuterRef("pk"))
    mine = own.filter(team=voice.team.pk) if voice.team else own.none()
    told = Notice.objects.filter(~Exists(own) | Exists(mine), published_on__isnull=False)
    return told.exclude(state=State.DRAFT).select_related("version__rule")


def unread(voice: Voice) -> list[Notice]:
    """What this reader has to read, the soonest change first; two queries.

    A notice that was taken back waits only for who had read it, and not where a later one of the rule says how it is.
    """
    told = list(_fresh(told_to(voice)))
    given: dict[int, Read] = defaultdict(dict)
    own = Q(person=voice.person) if voice.person else Q(person=None, device=voice.device)
    for notice, text, day in Receipt.objects.filter(own, notice__in=told).values_list("notice", "text_hash", "read_on"):
        given[notice][text] = day
    return [notice for notice in told if waits(notice, given[notice.pk]) and not _is_overtaken(notice, told)]


def unread_of(people: Sequence[Person]) -> dict[int, list[Notice]]:
    """{person id: what they have to read}; four queries however many people there are."""
    told = list(_fresh(Notice.objects.filter(published_on__isnull=False).exclude(state=State.DRAFT)))
    teams: dict[int, set[int]] = defaultdict(set)
    for notice, team in Notice.teams.through.objects.filter(notice__in=told).values_list("notice", "team"):
        teams[notice].add(team)
    given: dict[tuple[int | None, int], Read] = defaultdict(dict)
    for person, number, text, day in Receipt.objects.filter(notice__in=told, person__in=people).values_list(
        "person", "notice", "text_hash", "read_on"
    ):
        given[person, number][text] = day
    found = {}
    for reader in people:
        own = [one for one in told if not teams[one.pk] or reader.team_id in teams[one.pk]]
        found[reader.pk] = [one for one in own if waits(one, given[reader.pk, one.pk]) and not _is_overtaken(one, own)]
    return found


def waits(notice: Notice, given: Read) -> bool:
    """Whether somebody with these receipts has to read a notice that was published once."""
    read_on = given.get(notice.text_hash)
    if notice.state == State.WITHDRAWN:
        return bool(given) and read_on is None
    return read_on is None or (notice.told_again_on is not None and read_on < notice.told_again_on)


def told_on(notice: Notice) -> date:
    """The day on which the front line was told of it as it stands now, or again."""
    days = [day for day in (notice.published_on, notice.told_again_on) if day is not None]
    return max(days, default=notice.effective_on)


def earlier(voice: Voice, text: str = "") -> QuerySet[Notice]:
    """What holds or is about to, the newest first; those in which every word of `text` stands.

    Words are looked for in the headline, in what to do instead, and in the rule as `rules_matching` does.
    """
    found = told_to(voice).filter(state=State.PUBLISHED).order_by("-effective_on", "-pk")
    for word in words_of(text):
        pattern = either_case(word)
        rules = rules_matching(Rule.objects.all(), word).order_by().values("pk")
        said = Q(headline__regex=pattern) | Q(play__regex=pattern) | Q(version__title__regex=pattern)
        found = found.filter(said | Q(version__rule__in=rules))
    return found


def new_or_near(voice: Voice, since: date, until: date) -> tuple[list[Notice], list[Notice]]:
    """(what changes from today up to `until`, what else was told from `since` on); one query."""
    today = timezone.localdate()
    near = Q(effective_on__gte=today, effective_on__lte=until)
    new = Q(published_on__gte=since) | Q(told_again_on__gte=since)
    found = list(told_to(voice).filter(near | new, state=State.PUBLISHED).order_by("effective_on", "pk"))
    changes = [notice for notice in found if today <= notice.effective_on <= until]
    return changes, [notice for notice in found if notice not in changes]


@dataclass(frozen=True)
class TeamRead:
    """How many of a team have read a notice; `team` is None for the smaller ones together."""

    team: Team | None
    read: int
    people: int


def receipts_by_team(notice: Notice) -> list[TeamRead]:
    """Who has read it as it stands, counted by team; after it was told again, who read it since.

    Teams of fewer than five stand together as "other", with the next smallest while these are fewer than five. Where
    the "other" among those it was told to are fewer than five all the same, nothing is said of them.
    """
    receipts = Receipt.objects.filter(notice=notice, text_hash=notice.text_hash).order_by()
    if notice.told_again_on:
        receipts = receipts.filter(read_on__gte=notice.told_again_on)
    people, devices = Count("pk", filter=Q(device="")), Count("pk", filter=Q(person=None))
    rows = {team: (by_name, by_link) for team, by_name, by_link in receipts.values_list("team").annotate(
        by_name=people, by_link=devices
    )}  # fmt: skip
    sizes = team_sizes()
    shown = shown_teams(sizes)
    told = {team.pk: team for team in notice.teams.all()} or Team.objects.in_bulk()
    found, read, others = [], 0, 0
    for pk, team in told.items():
        by_name, by_link = rows.get(pk, (0, 0))
        count = min(sizes[pk], by_name + link_voters({pk: by_link}, {pk: by_name}, sizes))
        if pk in shown:
            found.append(TeamRead(team, count, sizes[pk]))
        else:
            read, others = read + count, others + sizes[pk]
    found.sort(key=lambda one: (one.team.name if one.team else "", one.people))
    return [*found, TeamRead(None, read, others)] if others >= SMALLEST_SHOWN else found


def agents_with_mail() -> QuerySet[Person]:
    """Agents who sign in and can be written to. Whoever manages as well has the desk."""
    agents = Person.objects.filter(is_active=True, is_superuser=False, groups__name="agent").exclude(email="")
    return agents.exclude(groups__name="manager").distinct().order_by("pk")


def _fresh(notices: QuerySet[Notice]) -> QuerySet[Notice]:
    since = timezone.localdate() - FRESH
    lately = Q(published_on__gte=since) | Q(told_again_on__gte=since)
    return notices.filter(lately).select_related("version__rule").order_by("effective_on", "pk")


def _is_overtaken(notice: Notice, told: Iterable[Notice]) -> bool:
    """Whether what was taken back needs no word, because a later notice of the rule says what holds."""
    if notice.state != State.WITHDRAWN:
        return False
    return any(
        other.pk > notice.pk and other.is_published and other.version.rule_id == notice.version.rule_id
        for other in told
    )
