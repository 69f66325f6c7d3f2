"""The cards a voter is dealt, one rule each: standing votes by the sitting, a sealed ballot by its list.

Nothing about a sitting is stored: its cards, its place and what was skipped travel with the page. So a vote writes one
row and no session, and 200 people can vote at once.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Protocol

from django.db.models import Case, Count, Exists, F, IntegerField, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce
from django.utils import timezone

from rulebook.access.models import Department
from rulebook.access.voices import Voice
from rulebook.catalogue.models import Rule, RuleVersion
from rulebook.flags.models import Flag
from rulebook.votes.models import Ballot, BallotItem, Cast, Opinion, StandingVote, TopCard
from rulebook.votes.queries import of_current_wordings

SITTING = 12  # cards: about a minute
FLAG_DAYS = 30
SHOWN = ("title", "text", "rule__customer_hears")  # of a wording, on its card
MOST_CARRIED = 200  # numbers that an address carries; a ballot of more rules is not a ballot


@dataclass(frozen=True)
class Card:
    """One rule to vote on. `pk` is that of the wording, or of its place on a ballot."""

    pk: int
    version: RuleVersion


class Deck(Protocol):
    """Where cards come from."""

    def deal(self, without: Iterable[int] = ()) -> list[int]: ...
    def card(self, pk: int) -> Card | None: ...
    def given(self, card: Card) -> Opinion | None:
        """The voter's own vote on it so far."""


@dataclass(frozen=True)
class Hand:
    """A sitting: the cards not shown yet (the first is on the table), of how many, and what became of the others."""

    stack: tuple[int, ...] = ()
    of: int = 0
    voted: int = 0
    skipped: tuple[int, ...] = ()
    last: int = 0  # the card before this one; 0: none
    back: str = ""  # "mine": one vote is changed, and then its list comes again

    @classmethod
    def read(cls, sent: Mapping[str, str]) -> "Hand":
        """From an address or a form, whatever somebody made of them.

        >>> Hand.read({"stack": "5,7,x", "of": "3", "last": "-1"})
        Hand(stack=(5, 7), of=3, voted=0, skipped=(), last=0, back='')
        """
        stack = _numbers(sent.get("stack", ""))
        return cls(
            stack=stack,
            of=max(_number(sent.get("of", "")), len(stack)),
            voted=_number(sent.get("voted", "")),
            skipped=_numbers(sent.get("skipped", "")),
            last=_number(sent.get("last", "")),
            back="mine" if sent.get("back") == "mine" else "",
        )

    @property
    def place(self) -> int:
        """Which card is on the table, from 1.

        >>> Hand(stack=(7, 9), of=5).place
        4
        """
        return self.of - len(self.stack) + 1

    def carried(self) -> dict[str, str]:
        """What the next address or form says of it; what is blank is left out."""
        said = {
            "stack": ",".join(map(str, self.stack)),
            "of": str(self.of or ""),
            "voted": str(self.voted or ""),
            "skipped": ",".join(map(str, self.skipped[-MOST_CARRIED:])),
            "last": str(self.last or ""),
            "back": self.back,
        }
        return {name: value for name, value in said.items() if value}

    def after_vote(self, pk: int) -> "Hand":
        """The same hand once the card is answered.

        >>> Hand(stack=(5, 7), of=3).after_vote(5)
        Hand(stack=(7,), of=3, voted=1, skipped=(), last=5, back='')
        """
        skipped = tuple(other for other in self.skipped if other != pk)
        return replace(self.without(pk), voted=self.voted + 1, skipped=skipped, last=pk)

    def after_skip(self, pk: int) -> "Hand":
        skipped = (*(other for other in self.skipped if other != pk), pk)
        return replace(self.without(pk), skipped=skipped, last=pk)

    def without(self, pk: int) -> "Hand":
        return replace(self, stack=tuple(other for other in self.stack if other != pk))

    def instead(self, pk: int, other: int) -> "Hand":
        return replace(self, stack=tuple(other if one == pk else one for one in self.stack))

    def undone(self) -> "Hand":
        """The same hand with its last card on the table again.

        >>> Hand(stack=(7,), of=3, voted=1, last=5).undone()
        Hand(stack=(5, 7), of=3, voted=0, skipped=(), last=0, back='')
        """
        voted = self.voted - (self.last not in self.skipped)
        return replace(self.without(self.last), stack=(self.last, *self.stack), voted=max(voted, 0), last=0)


def standing_votes_of(voice: Voice) -> QuerySet[StandingVote]:
    """All standing votes of one voter, also those on wordings that no longer hold."""
    if voice.person is not None:
        return StandingVote.objects.filter(person=voice.person)
    return StandingVote.objects.filter(device=voice.key)


def department_of(voice: Voice) -> Department | None:
    team = voice.person.team if voice.person is not None else voice.team
    return team.department if team is not None else None


class StandingDeck:
    """Rules in force on whose wording the voter has not voted: those on top first, then those of the own department,
    then the flagged.
    """

    def __init__(self, voice: Voice) -> None:
        self.voice = voice

    def deal(self, without: Iterable[int] = ()) -> list[int]:
        mine = standing_votes_of(self.voice).filter(version=OuterRef("pk"))
        since = timezone.localdate() - timedelta(days=FLAG_DAYS)
        flags = Flag.objects.filter(rule=OuterRef("rule"), flagged_on__gt=since).order_by().values("rule")
        own = Q(rule__department=department_of(self.voice), rule__department__isnull=False)
        return list(
            _current()
            .filter(rule__status=Rule.Status.IN_FORCE)
            .exclude(pk__in=list(without)[:MOST_CARRIED])
            .filter(~Exists(mine))
            .annotate(
                on_top=Exists(TopCard.objects.filter(rule=OuterRef("rule"))),
                far=Case(When(own, then=Value(0)), default=Value(1), output_field=IntegerField()),
                flags=Coalesce(Subquery(flags.annotate(count=Count("pk")).values("count")), 0),
            )
            .order_by("-on_top", "far", "-flags", F("rule__code"))
            .values_list("pk", flat=True)[:SITTING]
        )

    def card(self, pk: int) -> Card | None:
        """The card of a wording; None where it holds no longer."""
        version = _current().filter(pk=pk).select_related("rule").only(*SHOWN).order_by().first()
        return Card(pk, version) if version else None

    def given(self, card: Card) -> StandingVote | None:
        return standing_votes_of(self.voice).filter(version=card.pk).first()

    def newer(self, pk: int) -> int:
        """The wording that took the place of this one; 0 where none did."""
        rule = RuleVersion.objects.filter(pk=pk).values("rule")[:1]
        return _current().filter(rule=Subquery(rule)).exclude(pk=pk).values_list("pk", flat=True).first() or 0

    def earlier(self) -> QuerySet[StandingVote]:
        """The voter's votes that can be changed. In the order of codes: no vote tells when it was given."""
        return (
            standing_votes_of(self.voice)
            .filter(version__in=_current())
            .select_related("version__rule")
            .order_by("version__rule__code")
        )


class BallotDeck:
    """The wordings of an open ballot on which the voter has not cast a vote in this round, in the ballot's order.

    Without those of rules that were removed since it was opened.
    """

    def __init__(self, ballot: Ballot, voice: Voice) -> None:
        self.ballot, self.voice = ballot, voice

    def deal(self, without: Iterable[int] = ()) -> list[int]:
        mine = self._casts().filter(item=OuterRef("pk"))
        items = self._items().exclude(pk__in=list(without)[:MOST_CARRIED]).filter(~Exists(mine))
        return list(items.order_by("place").values_list("pk", flat=True))

    def card(self, pk: int) -> Card | None:
        """The card of a place on this ballot; None for another's."""
        shown = [f"version__{name}" for name in SHOWN]
        items = self._items().filter(pk=pk).select_related("version__rule")
        item = items.only("ballot", *shown).order_by().first()
        return Card(pk, item.version) if item else None

    def given(self, card: Card) -> Cast | None:
        return self._casts().filter(item=card.pk).first()

    def earlier(self) -> QuerySet[Cast]:
        """The voter's own votes of this round."""
        casts = of_current_wordings(self._casts(), "item__version")
        return casts.select_related("item__version__rule").order_by("item__place")

    def _items(self) -> QuerySet[BallotItem]:
        return of_current_wordings(BallotItem.objects.filter(ballot=self.ballot))

    def _casts(self) -> QuerySet[Cast]:
        return Cast.objects.filter(item__ballot=self.ballot, round=self.ballot.round, voter=self.voice.key)


def open_ballots(voice: Voice) -> list[Ballot]:
    """Ballots in which the voter can still vote on something."""
    ballots = Ballot.objects.filter(state=Ballot.State.OPEN).order_by("pk")
    return [ballot for ballot in ballots if BallotDeck(ballot, voice).deal()]


def _current() -> QuerySet[RuleVersion]:
    """The wordings on which a vote counts; a proposed one too."""
    return RuleVersion.objects.filter(applies_to=None).exclude(rule__status=Rule.Status.REMOVED)


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 15 else 0


def _numbers(text: str) -> tuple[int, ...]:
    found = dict.fromkeys(_number(part) for part in text[: MOST_CARRIED * 16].split(","))
    return tuple(number for number in found if number)[:MOST_CARRIED]
