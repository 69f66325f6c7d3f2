"""What people's votes say of one rule, on its page."""

from dataclasses import dataclass

from django.utils.translation import gettext as _

from rulebook.catalogue.models import RuleVersion
from rulebook.desk.pages.ballot_words import Asked, asked_impact, verdict_basis, verdict_words
from rulebook.votes.counting import Answers
from rulebook.votes.queries import said_on


@dataclass(frozen=True)
class VotesCard:
    """The finding, with bars where a ballot says it; `none` where nobody knows yet. Managers stand apart."""

    asked: Asked
    managers: str
    none: bool


def votes_card(version: RuleVersion) -> VotesCard:
    """Of the newest wording. Two queries."""
    verdict, managers = said_on(version.pk)
    apart = _("Managers, apart: %(said)s.") % {"said": verdict_words(managers)} if managers else ""
    if verdict is None:
        return VotesCard(Asked(verdict_words(None), "", []), apart, none=True)
    basis = verdict_basis(verdict)
    if verdict.counts is None:
        return VotesCard(Asked(verdict_words(verdict), basis, []), apart, none=False)
    bars = asked_impact(Answers(verdict.voters, mean=verdict.mean, counts=verdict.counts))
    return VotesCard(Asked(bars.finding, basis, bars.bars), apart, none=False)
