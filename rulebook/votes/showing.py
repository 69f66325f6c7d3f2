"""What a ballot came to, as its voters read it: nothing that `results` does not give away."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from rulebook.numbers import decimal, signed, whole
from rulebook.votes.counting import Answers
from rulebook.votes.forms import EASE, IMPACT, LEGENDS, TOUCHES
from rulebook.votes.results import ItemResult, RoundResult


@dataclass(frozen=True)
class Line:
    """One place of the scale, and how many voted so."""

    words: str
    people: str


@dataclass(frozen=True)
class Told:
    """The answers to one question: a finding, what stands behind it, and the table where there is one."""

    question: str
    finding: str
    behind: str
    lines: list[Line]


@dataclass(frozen=True)
class ToldRound:
    number: int
    answers: list[Told]
    apart: list[Told]  # managers, and hands shown in the room
    touches: list[Line]
    reasons: list[str]
    by_link: str


@dataclass(frozen=True)
class ToldItem:
    title: str
    code: str
    stale: bool
    rounds: list[ToldRound]
    shift: str


def told_item(found: ItemResult) -> ToldItem:
    shift = found.shift
    moved = "" if shift is None else _("From the first round to the second the mean moved by %(by)s.")
    return ToldItem(
        title=found.item.version.title,
        code=found.rule.code,
        stale=found.stale,
        rounds=[_round(one) for one in found.rounds],
        shift=moved and moved % {"by": signed(shift or 0, 1)},
    )


def _round(one: RoundResult) -> ToldRound:
    asked = [_told("impact", one.impact), *([_told("ease", one.ease)] if one.ease else [])]
    managers = [_told("impact", one.managers), *([_told("ease", one.managers_ease)] if one.managers_ease else [])]
    apart = [_named(_("Managers"), told) for told in managers] if one.managers.voters else []
    for name, hands in (("impact", one.hands), ("ease", one.hands_ease)):
        if hands:
            apart.append(_named(_("Hands shown in the room"), Told(str(LEGENDS[name]), "", "", _lines(name, hands))))
    touches = [Line(str(TOUCHES[want]), whole(votes)) for want, votes in one.touches.items() if votes]
    return ToldRound(one.round, asked, apart, touches, one.reasons, _by_link(one))


def _by_link(one: RoundResult) -> str:
    """How far the voters are devices: one person may hold several."""
    if one.by_link is None:
        return _("Some of them came by a team's link: one vote a device.")
    if one.by_link == one.impact.voters:
        return _("All of them came by a team's link: one vote a device.") if one.by_link else ""
    if not one.by_link:
        return ""
    return _("%(count)s of them came by a team's link: one vote a device.") % {"count": whole(one.by_link)}


def _told(name: str, found: Answers) -> Told:
    question = str(LEGENDS[name])
    if not found.voters:
        return Told(question, _("Nobody has voted."), "", [])
    voted = ngettext("%(count)s person voted.", "%(count)s people voted.", found.voters) % {
        "count": whole(found.voters)
    }
    if found.median is None:
        return Told(question, voted, _("So few votes stay with those who gave them."), [])
    if found.mean is None or found.counts is None:
        return Told(question, _("The middle vote is %(median)s.") % {"median": signed(found.median, 1)}, voted, [])
    behind = [voted]
    if found.agreement is not None:
        agreed = _("Agreement %(agreement)s, from %(apart)s (apart) to 1 (one mind).")
        behind.append(agreed % {"agreement": decimal(found.agreement, 1), "apart": signed(-1)})
    finding = _("On average %(mean)s.") % {"mean": signed(found.mean, 1)}
    return Told(question, finding, " ".join(behind), _lines(name, found.counts))


def _lines(name: str, counts: Sequence[int]) -> list[Line]:
    words = IMPACT if name == "impact" else EASE
    return [
        Line(f"{text} ({signed(value)})", whole(people)) for (value, text), people in zip(words, counts, strict=True)
    ]


def _named(name: str, told: Told) -> Told:
    return Told(f"{name}: {told.question}", told.finding, told.behind, told.lines)
