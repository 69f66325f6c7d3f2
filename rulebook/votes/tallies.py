"""What is published of the standing votes: at most a tally a night, and never one that tells how anybody voted.

Two published sets of a wording always differ by the votes of five people or more: someone who joins, leaves or changes
their mind is one of them. So the sixth voter cannot be read by taking the first tally from the second.
"""

from collections.abc import Callable, Sequence
from datetime import date

from django.db.models import Count

from rulebook.journal.services import business_verb, take_turn
from rulebook.votes.counting import FEWEST, Votes, may_publish, shown
from rulebook.votes.models import StandingVote, TalliedVote, Tally
from rulebook.votes.queries import of_current_wordings

AT_ONCE = 200  # wordings whose votes are read together

Group = tuple[int, bool]  # a wording, and whether the votes are those of managers


def publish_tallies(*, today: date, beat: Callable[[], None] = lambda: None) -> int:
    """Publish what may be published of the votes as they stand; the number of tallies. At once again it is none.

    Looks at many wordings at once; each that has something to publish is a transaction of its own.
    """
    voted = of_current_wordings(StandingVote.objects.all()).order_by().values_list("version", "by_manager")
    found = voted.annotate(count=Count("pk")).filter(count__gte=FEWEST)
    groups = sorted((version, by_managers) for version, by_managers, _count in found)
    published = 0
    for start in range(0, len(groups), AT_ONCE):
        batch = groups[start : start + AT_ONCE]
        versions = [version for version, _by_managers in batch]
        votes, before = _standing(versions), _published(versions)
        for version, by_managers in batch:
            beat()
            group = version, by_managers
            if may_publish(votes.get(group, {}), before.get(group, [])):
                published += publish_tally(version=version, by_managers=by_managers, today=today)
    return published


def tallies_due(seen: str, today: date) -> bool:
    """True once a local day, where anybody votes; `seen` is the day when they were last published."""
    return seen != str(today) and StandingVote.objects.exists()


@business_verb
def publish_tally(*, version: int, by_managers: bool, today: date) -> bool:
    """Publish the votes on one wording, managers' or all others'; False where nothing may be. Writes no event."""
    take_turn(f"tally of version {version}")
    group = version, by_managers
    votes = _standing([version]).get(group, {})
    if not may_publish(votes, _published([version]).get(group, [])):
        return False
    told = shown(list(votes.values()))
    tally = Tally.objects.create(
        version_id=version, by_managers=by_managers, published_on=today, voters=told.voters, band=told.band,
        mean=told.mean, agreement=told.agreement,
    )  # fmt: skip
    TalliedVote.objects.bulk_create(
        TalliedVote(tally=tally, voter=voter, impact=impact) for voter, impact in sorted(votes.items())
    )
    return True


def _standing(versions: Sequence[int]) -> dict[Group, dict[str, int]]:
    """The votes that stand on each wording, {voter: impact}: `Voice.key` of each."""
    found: dict[Group, dict[str, int]] = {}
    rows = StandingVote.objects.filter(version__in=versions)
    for version, by_manager, person, device, impact in rows.values_list(
        "version", "by_manager", "person", "device", "impact"
    ):
        found.setdefault((version, by_manager), {})[f"person {person}" if person else device] = impact
    return found


def _published(versions: Sequence[int]) -> dict[Group, list[Votes]]:
    """The sets that were published of each wording before."""
    sets: dict[tuple[Group, int], dict[str, int]] = {}
    rows = TalliedVote.objects.filter(tally__version__in=versions)
    for version, by_managers, tally, voter, impact in rows.values_list(
        "tally__version", "tally__by_managers", "tally", "voter", "impact"
    ):
        sets.setdefault(((version, by_managers), tally), {})[voter] = impact
    found: dict[Group, list[Votes]] = {}
    for (group, _tally), votes in sets.items():
        found.setdefault(group, []).append(votes)
    return found
