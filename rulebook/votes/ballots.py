"""Sealed ballots: made, opened, voted in, revealed, closed. Never opened again.

While a ballot is open its wordings stand still. Casting writes no event; closing writes the one that a ballot has, with
a count and nothing else. Every change of state is one conditional UPDATE whose row count says who came first.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from random import SystemRandom

from django.db.models import Sum
from django.utils import timezone
from django.utils.translation import gettext as _

from rulebook.access.queries import team_sizes
from rulebook.access.rights import refuse_without
from rulebook.access.voices import Voice
from rulebook.catalogue.cleaning import clean_line
from rulebook.catalogue.locks import lock_wording, unlock_wording
from rulebook.catalogue.models import Rule, RuleVersion
from rulebook.errors import RulebookError, WrongState
from rulebook.journal.services import Acting, business_verb, record
from rulebook.votes.counting import link_voters
from rulebook.votes.models import Ballot, BallotItem, Cast, Hands, Turnout, random_number
from rulebook.votes.queries import of_current_wordings
from rulebook.votes.services import opinion, refuse_past, refuse_unknown_place

MOST_RULES = 50  # of one ballot: more than anybody votes on with care
MOST_ROUNDS = 2
MOST_PEOPLE = 10_000  # in one room

RUNS = "votes.change_ballot"  # what a role needs for every verb on a ballot that is made

State = Ballot.State


@business_verb
def make_ballot(
    *, title: str, questions: str, rounds: int, versions: Sequence[RuleVersion], by: Acting | None
) -> Ballot:
    """Make a ballot on these wordings, in this order; a draft, which nobody can vote in yet.

    Raises RulebookError where the title or the rules are missing, or a rule stands on it twice. This verb and all
    others but casting raise NotAllowed for somebody whose role runs no ballots.
    """
    refuse_without(by, "votes.add_ballot")
    title = clean_line(title)
    longest = Ballot._meta.get_field("title").max_length or 0
    if not 1 <= len(title) <= longest:
        raise RulebookError(_("A ballot needs a title of 1 to %(most)s characters.") % {"most": longest})
    if questions not in Ballot.Questions.values or not 1 <= rounds <= MOST_ROUNDS:
        raise RulebookError(_("A ballot asks one or two questions, in one or two rounds. Choose which."))
    if not 1 <= len(versions) <= MOST_RULES:
        raise RulebookError(_("A ballot is on 1 to %(most)s rules. Name them.") % {"most": MOST_RULES})
    if len({version.rule_id for version in versions}) < len(versions):
        raise RulebookError(_("A rule stands on this ballot twice. Name it once."))
    ballot = Ballot.objects.create(title=title, questions=questions, rounds=rounds, made_by_id=by.pk if by else None)
    BallotItem.objects.bulk_create(
        BallotItem(ballot=ballot, version=version, place=place) for place, version in enumerate(versions, 1)
    )
    return ballot


@business_verb
def discard_ballot(*, ballot: Ballot, by: Acting | None) -> None:
    """Throw a draft away. Raises WrongState once it was opened: people may have voted."""
    refuse_without(by, RUNS)
    draft = Ballot.objects.select_for_update().filter(pk=ballot.pk, state=State.DRAFT).first()
    if draft is None:
        raise WrongState(_why_not(ballot))
    draft.delete()


@business_verb
def open_ballot(*, ballot: Ballot, by: Acting | None) -> None:
    """Let people vote. From now on the wordings stand still until the ballot is closed.

    A rule that got other words since the ballot was made is voted on in these. Raises WrongState where the ballot is
    no draft, or one of its rules was removed.
    """
    refuse_without(by, RUNS)
    for item in _items(ballot):
        standing = lock_wording(rule=item.version.rule, holder=holder(ballot))
        if standing.rule.status == Rule.Status.REMOVED or standing.applies_to is not None:
            text = _("%(code)s was removed meanwhile. Discard this ballot, and make one without it.")
            raise WrongState(text % {"code": standing.rule.code})
        if standing.pk != item.version_id:
            item.version = standing
            item.save(update_fields=["version"])
    _move(ballot, (State.DRAFT,), State.OPEN, opened_at=timezone.now())


@business_verb
def cast_ballot(
    *,
    item: BallotItem,
    round: int,
    voice: Voice,
    impact: int,
    ease: int | None = None,
    wants: Iterable[str] = (),
    reason: str = "",
    quotable: bool = False,
) -> list[str]:
    """Store one sealed vote in the round the voter saw; what was hidden in the reason before it was stored.

    A new vote of the same voter replaces the earlier one. Raises WrongState when that round is over, or the rule was
    removed since the ballot was opened.
    """
    # Held until the commit, so that no vote comes into a ballot that is just being counted.
    ballot = Ballot.objects.select_for_update(no_key=True).get(pk=item.ballot_id)
    if ballot.state != State.OPEN:
        raise WrongState(_why_not(ballot))
    if ballot.round != round:
        text = _("Round %(then)s is over. This is round %(now)s: look at the rule again, and vote.")
        raise WrongState(text % {"then": round, "now": ballot.round})
    if not of_current_wordings(BallotItem.objects.filter(pk=item.pk)).exists():
        refuse_past(item.version)
    columns, hidden = opinion(voice, impact=impact, wants=wants, reason=reason, quotable=quotable)
    if ballot.questions != Ballot.Questions.BOTH:
        ease = None
    elif ease is not None:
        refuse_unknown_place(ease)
    columns |= {"ease": ease, "by_agent": voice.is_agent, "team": voice.team}
    Cast.objects.update_or_create(item=item, round=round, voter=voice.key, defaults=columns)
    return hidden


@business_verb
def show_hands(*, item: BallotItem, counts: Mapping[int, int], ease: bool = False, by: Acting | None) -> None:
    """Store a show of hands on one question, {place from -2 to +2: people}, in place of what was entered before.

    Before the reveal alone, and never added to the votes that people cast themselves.
    """
    refuse_without(by, RUNS)
    ballot = Ballot.objects.select_for_update(no_key=True).get(pk=item.ballot_id)
    if ballot.state != State.OPEN:
        raise WrongState(_why_not(ballot))
    if ease and ballot.questions != Ballot.Questions.BOTH:
        raise RulebookError(_("This ballot does not ask how easy it is to do without the rule."))
    for place, people in counts.items():
        refuse_unknown_place(place)
        if not 0 <= people <= MOST_PEOPLE:
            raise RulebookError(_("Count the hands: a whole number, 0 or more."))
    Hands.objects.filter(item=item, round=ballot.round, ease=ease).delete()
    Hands.objects.bulk_create(
        Hands(item=item, round=ballot.round, ease=ease, value=place, people=people)
        for place, people in counts.items()
        if people
    )


@business_verb
def show_all_hands(*, shown: Iterable[tuple[BallotItem, bool, Mapping[int, int]]], by: Acting | None) -> None:
    """Store several shows of hands, (rule, whether it is of ease, counts), or none of them."""
    for item, ease, counts in shown:
        show_hands(item=item, counts=counts, ease=ease, by=by)


@business_verb
def reveal(*, ballot: Ballot, by: Acting | None) -> None:
    """End the first of two rounds and show what it came to. Whose votes they were is cut off."""
    refuse_without(by, RUNS)
    if ballot.rounds < MOST_ROUNDS:
        raise WrongState(_("This ballot has one round. Close it to see the result."))
    if not Ballot.objects.filter(pk=ballot.pk, state=State.OPEN, round=1).update(state=State.REVEALED):
        raise WrongState(_why_not(ballot))
    _cut_voters(ballot)


@business_verb
def next_round(*, ballot: Ballot, by: Acting | None) -> None:
    """Open the second round, after everybody has seen the first."""
    refuse_without(by, RUNS)
    _move(ballot, (State.REVEALED,), State.OPEN, round=MOST_ROUNDS)


@business_verb
def close_ballot(*, ballot: Ballot, by: Acting | None) -> None:
    """End the ballot for good: cut off whose votes they were, let the wordings change again, show the result.

    Writes the ballot's one event: how many votes there were, and nothing else.
    """
    refuse_without(by, RUNS)
    _move(ballot, (State.OPEN, State.REVEALED), State.CLOSED, closed_at=timezone.now())
    votes = _cut_voters(ballot)
    for item in _items(ballot):
        unlock_wording(rule=item.version.rule, holder=holder(ballot))
    hands = Hands.objects.filter(item__ballot=ballot).aggregate(people=Sum("people"))["people"] or 0
    record("ballot_closed", "ballot", str(ballot.pk), after=str(votes + hands), by=by)


def holder(ballot: Ballot) -> str:
    """Who locks the wordings."""
    return f"ballot {ballot.pk}"


def _why_not(ballot: Ballot) -> str:
    """The sentence for somebody who came too late or too early: what the ballot is by now."""
    now = Ballot.objects.filter(pk=ballot.pk).first()
    if now is None:
        return _("This ballot was thrown away before it was opened.")
    if now.state == State.OPEN:
        return _("The second round is open.") if now.round == MOST_ROUNDS else _("This ballot is open.")
    return {
        State.DRAFT.value: _("This ballot is not open yet."),
        State.REVEALED.value: _("The first round is over and shown. The second is not open yet."),
        State.CLOSED.value: _("This ballot is closed. Its result is shown, and it is not opened again."),
    }[now.state]


def _move(ballot: Ballot, before: Sequence[str], after: str, **values: object) -> None:
    if not Ballot.objects.filter(pk=ballot.pk, state__in=before).update(state=after, **values):
        raise WrongState(_why_not(ballot))


def _items(ballot: Ballot) -> list[BallotItem]:
    """In the order of their rules' codes, in which everybody takes rules: nobody then waits in a circle."""
    return list(
        BallotItem.objects.filter(ballot=ballot).select_related("version__rule").order_by("version__rule__code")
    )


def _cut_voters(ballot: Ballot) -> int:
    """Write the votes anew without their voters, in an order and under numbers that tell nothing; how many there are.

    An UPDATE would leave them on the disk in the order in which they came.
    """
    casts = list(Cast.objects.filter(item__ballot=ballot))
    _count_turnout([cast for cast in casts if cast.voter is not None])
    Cast.objects.filter(item__ballot=ballot).delete()
    SystemRandom().shuffle(casts)
    for cast in casts:
        cast.pk, cast.voter, cast.team_id, cast.by_agent = random_number(), None, None, False  # type: ignore[assignment]
    Cast.objects.bulk_create(casts)
    return len(casts)


def _count_turnout(casts: Sequence[Cast]) -> None:
    """Keep of the voters of a round how many they were, before they are cut off."""
    rounds: dict[tuple[int, int], list[Cast]] = {}
    for cast in casts:
        rounds.setdefault((cast.item_id, cast.round), []).append(cast)
    sizes = team_sizes()
    turnouts = []
    for (item, number), voted in rounds.items():
        people = [cast for cast in voted if cast.voter.startswith("person ")]
        devices = [cast for cast in voted if not cast.voter.startswith("person ")]
        came, signed_in = (Counter(cast.team_id for cast in some if cast.team_id) for some in (devices, people))
        agents = sum(cast.by_agent for cast in people) + link_voters(came, signed_in, sizes)
        turnouts.append(Turnout(item_id=item, round=number, agents=agents, by_link=len(devices)))
    Turnout.objects.bulk_create(turnouts)
