"""Votes on a phone: a stack of cards, one rule each, and the cards of a sealed ballot."""

from abc import ABC, abstractmethod
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from rulebook.access.limits import too_many, within_limit
from rulebook.access.scrubbing import told
from rulebook.access.voices import Voice, needs_voice, voice_of
from rulebook.catalogue.models import RuleVersion
from rulebook.errors import RulebookError, WrongState
from rulebook.votes.ballots import cast_ballot
from rulebook.votes.forms import VoteForm, answer, chips, form_of, own_votes, questions
from rulebook.votes.models import Ballot
from rulebook.votes.results import ballot_result, rounds_over
from rulebook.votes.services import cast_standing, withdraw_standing
from rulebook.votes.showing import told_item
from rulebook.votes.stack import BallotDeck, Card, Deck, Hand, StandingDeck, open_ballots

# A thumb gives less than one a second. A team's link may give ten times as many, and a room of 200 needs them.
VOTES_A_MINUTE = 200
ONLY_THE_CARD = "X-Card"  # sent by `vote.js`, which puts the next card where the last one was
STORED = "stored"  # its value where nothing but that is asked
MINE = "mine"


class Table(ABC):
    """Where cards are played: the deck, its address, what is asked, and how an answer is stored."""

    address = ""
    ease = False

    def __init__(self, request: HttpRequest, deck: Deck) -> None:
        self.request, self.deck = request, deck

    @abstractmethod
    def store(self, pk: int, form: VoteForm) -> list[str]:
        """Store the answer to a card; what was hidden in its reason. Raises WrongState for one that is no card."""

    @abstractmethod
    def missed(self, hand: Hand, pk: int, reason: str) -> HttpResponse:
        """409: the card cannot be voted on any more. The reason, and the next one."""

    @abstractmethod
    def done(self, hand: Hand) -> dict[str, Any]:
        """What stands at the end of a sitting."""

    def around(self) -> dict[str, Any]:
        """What stands on the page around the card."""
        return {}

    def play(self) -> HttpResponse:
        if self.request.method == "POST":
            if not within_limit(self.request, "vote", VOTES_A_MINUTE, 60):
                return too_many(self.request)
            return self.answered(Hand.read(self.request.POST.dict()))
        hand = Hand.read(self.request.GET.dict())
        if not hand.of:
            stack = tuple(self.deck.deal(hand.skipped))
            hand = Hand(stack=stack, of=len(stack), skipped=hand.skipped)
        return self.show(hand)

    def answered(self, hand: Hand) -> HttpResponse:
        sent = self.request.POST.get("card", "")
        pk = int(sent) if sent.isascii() and sent.isdigit() and len(sent) <= 15 else 0
        form = VoteForm(self.request.POST, ease=self.ease)
        try:
            hidden = self.store(pk, form) if form.is_valid() else []
        except WrongState as reason:
            return self.missed(hand, pk, str(reason))
        except RulebookError as reason:
            form.add_error("impact", str(reason))
        if form.errors:
            card = self.deck.card(pk)
            return (
                self.lay(hand, card, form, status=422) if card else self.missed(hand, pk, _("This card is not there."))
            )
        return self.go_on(hand.after_vote(pk), told(hidden))

    def go_on(self, hand: Hand, said: str = "") -> HttpResponse:
        """The next card. Without a script at an address of its own, so that a reload does not send the last vote."""
        if hand.back and not said:
            return HttpResponseRedirect(reverse("vote_mine"))
        if not said and self.request.headers.get(ONLY_THE_CARD) == STORED and hand.stack:
            return HttpResponse(status=204)  # the phone has the next card already
        if said or self.only_the_card:
            return self.show(hand, said, fresh=True)
        return HttpResponseRedirect(self.at(hand))

    def show(self, hand: Hand, said: str = "", status: int = 200, *, fresh: bool = False) -> HttpResponse:
        """The first card of the hand that can still be voted on; where there is none, the end of the sitting.

        A fresh one was dealt because the voter had not voted on it: nobody needs to look for an earlier answer.
        """
        for pk in hand.stack:
            if card := self.deck.card(pk):
                form = form_of(None if fresh else self.deck.given(card), ease=self.ease)
                return self.lay(hand, card, form, said, status)
            hand = hand.without(pk)
        undo = self.at(hand.undone()) if hand.last else ""
        return self.page("votes/done.html", {"hand": hand, "said": said, "undo": undo, **self.done(hand)}, status)

    def lay(self, hand: Hand, card: Card, form: VoteForm, said: str = "", status: int = 200) -> HttpResponse:
        context = {
            "card": card,
            "form": form,
            "hold": form.is_bound or bool(form.initial),
            "said": said,
            "hand": hand,
            "carried": {**hand.carried(), **self.carried()},
            "address": self.address,
            "questions": questions(form),
            "touches": chips(form),
            "undo": self.at(hand.undone()) if hand.last else "",
            "next": self.at(hand.after_vote(card.pk)) if len(hand.stack) > 1 else "",
            "skip": "" if hand.back else self.at(hand.after_skip(card.pk)),
        }
        return self.page("votes/card.html", context, status)

    def page(self, part: str, context: dict[str, Any], status: int = 200) -> HttpResponse:
        if self.only_the_card:
            return render(self.request, part, context, status=status)
        return render(self.request, "votes/vote.html", {**context, "part": part, **self.around()}, status=status)

    def carried(self) -> dict[str, str]:
        """What the form carries beside the hand."""
        return {}

    def at(self, hand: Hand) -> str:
        """The address of a hand."""
        carried = hand.carried()
        return f"{self.address}?{urlencode(carried, safe=',')}" if carried else self.address

    @property
    def only_the_card(self) -> bool:
        return ONLY_THE_CARD in self.request.headers


class Standing(Table):
    """The stack of cards: standing votes on the rules of the house."""

    deck: StandingDeck

    @property
    def address(self) -> str:  # type: ignore[override]
        return reverse("vote")

    def store(self, pk: int, form: VoteForm) -> list[str]:
        version = RuleVersion(pk=pk)  # the service looks whether it holds: asking before it would be one query more
        _known = self.deck.voice.is_manager  # asked before the vote's transaction, for which others wait
        if self.request.POST.get("do") == "withdraw":
            withdraw_standing(version=version, voice=self.deck.voice)
            return []
        return cast_standing(version=version, voice=self.deck.voice, **answer(form))

    def missed(self, hand: Hand, pk: int, reason: str) -> HttpResponse:
        if newer := self.deck.newer(pk):
            reason = _("This rule got other words a moment ago. Read them, and vote on these.")
            return self.show(hand.instead(pk, newer), reason, status=409)
        reason = _("This rule was removed a moment ago. Your vote is not needed any more.")
        return self.show(hand.without(pk), reason, status=409)

    def done(self, hand: Hand) -> dict[str, Any]:
        more = self.deck.deal(hand.skipped)
        return {"more": self.at(Hand(skipped=hand.skipped)) if more else "", "of": hand.of}

    def around(self) -> dict[str, Any]:
        return {"ballots": open_ballots(self.deck.voice)}


class Sealed(Table):
    """The cards of one ballot."""

    deck: BallotDeck

    def __init__(self, request: HttpRequest, deck: BallotDeck) -> None:
        super().__init__(request, deck)
        self.ballot = deck.ballot
        self.address = reverse("vote_ballot", args=[self.ballot.pk])
        self.ease = self.ballot.questions == Ballot.Questions.BOTH

    def play(self) -> HttpResponse:
        return super().play() if self.ballot.state == Ballot.State.OPEN else self.over()

    def store(self, pk: int, form: VoteForm) -> list[str]:
        item = self.ballot.items.filter(pk=pk).first()
        if item is None:
            raise WrongState(_("This card is not on this ballot."))
        sent = self.request.POST.get("round", "")
        number = int(sent) if sent in {"1", "2"} else self.ballot.round
        ease = form.cleaned_data.get("ease")
        return cast_ballot(item=item, round=number, voice=self.deck.voice, ease=ease, **answer(form))

    def missed(self, hand: Hand, pk: int, reason: str) -> HttpResponse:
        self.ballot.refresh_from_db()
        if self.ballot.state != Ballot.State.OPEN:
            return self.over(reason)
        stack = tuple(self.deck.deal())
        return self.show(Hand(stack=stack, of=len(stack)), reason, status=409)

    def over(self, reason: str = "") -> HttpResponse:
        """409: nobody can vote now. What was written stays on the page."""
        closed = _("This vote is closed, and it is not opened again.")
        waits = _("The first round is over. The second opens when everybody has seen it.")
        context = {
            "said": reason or (closed if self.ballot.state == Ballot.State.CLOSED else waits),
            "kept": self.request.POST.get("reason", "").strip(),
            "result": bool(rounds_over(self.ballot)),
            "ballot": self.ballot,
        }
        return self.page("votes/over.html", context, status=409)

    def done(self, hand: Hand) -> dict[str, Any]:
        left = self.deck.deal()
        own = own_votes((cast, cast.item.version, self.at(_one(cast.item_id))) for cast in self.deck.earlier())
        return {"more": self.at(Hand()) if left else "", "of": hand.of, "own": own, "sealed": True}

    def around(self) -> dict[str, Any]:
        return {"ballot": self.ballot}

    def carried(self) -> dict[str, str]:
        return {"round": str(self.ballot.round)}


@never_cache
@needs_voice
@require_http_methods(["GET", "HEAD", "POST"])
def stack(request: HttpRequest) -> HttpResponse:
    """The rules of the house, a card each."""
    return Standing(request, StandingDeck(_voice(request))).play()


@never_cache
@needs_voice
@require_http_methods(["GET", "HEAD", "POST"])
def sealed(request: HttpRequest, number: int) -> HttpResponse:
    """One ballot; a draft is nobody's yet."""
    ballot = get_object_or_404(Ballot.objects.exclude(state=Ballot.State.DRAFT), pk=number)
    return Sealed(request, BallotDeck(ballot, _voice(request))).play()


@never_cache
@needs_voice
@require_safe
def mine(request: HttpRequest) -> HttpResponse:
    """The voter's own standing votes, to change."""
    table = Standing(request, StandingDeck(_voice(request)))
    own = ((vote, vote.version, table.at(_one(vote.version_id, MINE))) for vote in table.deck.earlier())
    return render(request, "votes/mine.html", {"own": own_votes(own)})


@never_cache
@needs_voice
@require_safe
def result(request: HttpRequest, number: int) -> HttpResponse:
    """What a ballot came to, as far as its rounds are over. Before that 409, and no figure."""
    ballot = get_object_or_404(Ballot.objects.exclude(state=Ballot.State.DRAFT), pk=number)
    found = [told_item(item) for item in ballot_result(ballot)]
    return render(request, "votes/result.html", {"ballot": ballot, "results": found}, status=200 if found else 409)


def _voice(request: HttpRequest) -> Voice:
    voice = voice_of(request)
    assert voice is not None, "needs_voice lets nobody else in"
    return voice


def _one(pk: int, back: str = "") -> Hand:
    """A hand of one card that is looked at again."""
    return Hand(stack=(pk,), of=1, back=back)
