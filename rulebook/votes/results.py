"""What a ballot came to. Sealed until its round is over: nothing in here answers before."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import SystemRandom

from django.db.models import Count, Q

from rulebook.catalogue.models import Rule, RuleVersion
from rulebook.votes.counting import FEWEST, FEWEST_OF_A_MEDIAN, PLACES, Answers, answers, shown_by_link
from rulebook.votes.models import Ballot, BallotItem, Cast, Hands, Turnout
from rulebook.votes.queries import of_current_wordings
from rulebook.votes.services import WANTS


@dataclass(frozen=True)
class RoundResult:
    """One round on one wording. `ease` is None where it was not asked.

    Managers' votes are in `managers` and `managers_ease` alone, shows of hands in `hands` and `hands_ease` alone, per
    place from -2 to +2. `touches` (votes per thing that customers want) and `reasons` (with their writers' yes, in an
    order that tells nothing) are empty with fewer than five voters. `by_link` is `counting.shown_by_link` once the
    ballot is closed, 0 before.
    """

    round: int
    impact: Answers
    ease: Answers | None
    touches: dict[str, int]
    reasons: list[str]
    managers: Answers
    managers_ease: Answers | None
    hands: tuple[int, ...] | None
    hands_ease: tuple[int, ...] | None
    by_link: int | None = 0


@dataclass(frozen=True)
class ItemResult:
    """What a ballot came to on one wording, a round after the other. `stale`: the rule has other words by now."""

    item: BallotItem
    rounds: list[RoundResult]
    stale: bool

    @property
    def rule(self) -> Rule:
        return self.item.version.rule

    @property
    def last(self) -> RoundResult:
        return self.rounds[-1]

    @property
    def shift(self) -> float | None:
        """By how much the mean impact moved from the first round to the second; None unless both have a mean.

        Of the two means that are shown, so that it tells nothing that they do not.
        """
        means = [one.impact.mean for one in self.rounds]
        return means[1] - means[0] if len(means) == 2 and None not in means else None  # type: ignore[operator]


def rounds_over(ballot: Ballot) -> int:
    """How many rounds may be shown: 0 while the first is open."""
    if ballot.state == Ballot.State.DRAFT:
        return 0
    return ballot.round - (ballot.state == Ballot.State.OPEN)


def reached(ballot: Ballot) -> int:
    """0, 3 or 5: how many, at least, have voted on every rule in the round that is open. Removed rules wait for nobody.

    All that is told of an open ballot, so that it is not closed too early: a count that grows by one would say that
    somebody has just voted.
    """
    items = of_current_wordings(BallotItem.objects.filter(ballot=ballot))
    voted = Count("casts", filter=Q(casts__round=ballot.round, casts__by_manager=False))
    fewest = min(items.annotate(voters=voted).values_list("voters", flat=True), default=0)
    return max(step for step in (0, FEWEST_OF_A_MEDIAN, FEWEST) if step <= fewest)


def ballot_result(ballot: Ballot) -> list[ItemResult]:
    """One entry a rule, in the ballot's order; none while its first round is open. Five queries, however many rules."""
    over = rounds_over(ballot)
    if not over:
        return []
    items = list(BallotItem.objects.filter(ballot=ballot).select_related("version__rule").order_by("place"))
    versions = RuleVersion.objects.filter(rule__in=[item.version.rule_id for item in items]).order_by("number")
    newest = dict(versions.values_list("rule", "pk"))  # the last of a rule stays
    casts: dict[tuple[int, int], list[Cast]] = {}
    for cast in Cast.objects.filter(item__ballot=ballot, round__lte=over):
        casts.setdefault((cast.item_id, cast.round), []).append(cast)
    hands: dict[tuple[int, int, bool], dict[int, int]] = {}
    for shown in Hands.objects.filter(item__ballot=ballot, round__lte=over):
        hands.setdefault((shown.item_id, shown.round, shown.ease), {})[shown.value] = shown.people
    turnouts = Turnout.objects.filter(item__ballot=ballot, item__ballot__state=Ballot.State.CLOSED)
    by_link = {(item, number): count for item, number, count in turnouts.values_list("item", "round", "by_link")}
    found = []
    for item in items:
        rounds = []
        for number in range(1, over + 1):
            shown_hands = [_per_place(hands.get((item.pk, number, ease))) for ease in (False, True)]
            came = by_link.get((item.pk, number), 0)
            rounds.append(_round(number, casts.get((item.pk, number), []), ballot, came, *shown_hands))
        found.append(ItemResult(item, rounds, stale=newest[item.version.rule_id] != item.version_id))
    return found


def _round(
    number: int,
    casts: Sequence[Cast],
    ballot: Ballot,
    by_link: int,
    hands: tuple[int, ...] | None,
    hands_ease: tuple[int, ...] | None,
) -> RoundResult:
    both = ballot.questions == Ballot.Questions.BOTH
    voters = [cast for cast in casts if not cast.by_manager]
    managers = [cast for cast in casts if cast.by_manager]
    enough = len(voters) >= FEWEST
    return RoundResult(
        round=number,
        impact=answers([cast.impact for cast in voters]),
        ease=answers(_ease(voters)) if both else None,
        touches={want: sum(getattr(cast, want) for cast in voters) for want in WANTS} if enough else {},
        reasons=_reasons(voters) if enough else [],
        managers=answers([cast.impact for cast in managers]),
        managers_ease=answers(_ease(managers)) if both else None,
        hands=hands,
        hands_ease=hands_ease,
        by_link=shown_by_link(len(voters), by_link),
    )


def _ease(casts: Sequence[Cast]) -> list[int]:
    return [cast.ease for cast in casts if cast.ease is not None]


def _reasons(casts: Sequence[Cast]) -> list[str]:
    """In another order at every look: neither the place of a reason nor who else wrote one tells whose it is."""
    reasons = [cast.reason for cast in casts if cast.quotable and cast.reason]
    SystemRandom().shuffle(reasons)
    return reasons


def _per_place(people: dict[int, int] | None) -> tuple[int, ...] | None:
    return tuple(people.get(place, 0) for place in PLACES) if people else None
