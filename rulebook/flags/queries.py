"""Reads for the pages of flags: rules that may be meant, and what became of a flag."""

from dataclasses import dataclass

from rulebook.catalogue.cleaning import clean_name
from rulebook.catalogue.models import Alias, Rule
from rulebook.catalogue.similar import likely_rules
from rulebook.flags.matching import Piece, pieces
from rulebook.flags.models import REPLY, Flag, HeldFlag
from rulebook.flags.receipts import receipt_digest

MOST_LISTED = 4  # a phone shows them above the keyboard
MOST_GUESSED = 3  # from what stopped somebody, while nobody has asked for a rule
LEAST_GUESSED = 0.4  # less is chance, and nobody asked: no guess is better than a wrong one
LONGEST_QUERY = 500  # characters that are looked at


@dataclass(frozen=True)
class Listed:
    """A rule to choose: its title in pieces, of which some are what was typed."""

    code: str
    title: list[Piece]
    customer_hears: str
    status: str
    chosen: bool

    @property
    def removed(self) -> bool:
        return self.status == Rule.Status.REMOVED

    @property
    def proposed(self) -> bool:
        return self.status == Rule.Status.PROPOSED


def rule_named(name: str) -> Rule | None:
    """The rule of that code or alias."""
    alias = Alias.objects.filter(name=clean_name(name)).select_related("rule").first() if name else None
    return alias.rule if alias else None


def rules_guessed(stopped: str, typed: str, chosen: Rule | None) -> list[Listed]:
    """The rules that may well have stopped who says this; none where a rule was chosen, or something was `typed`."""
    if typed.strip() or chosen:
        return []
    return _listed(stopped.strip()[:LONGEST_QUERY], MOST_GUESSED, None, least=LEAST_GUESSED)


def rules_to_choose(typed: str, chosen: Rule | None) -> list[Listed]:
    """The rules that `typed` may mean, best first.

    The chosen one stands first: it must not vanish because somebody types on.
    """
    text = typed.strip()[:LONGEST_QUERY]
    listed = _listed(text, MOST_LISTED, chosen)
    if chosen is None:
        return listed
    first = Listed(chosen.code, pieces(chosen.title, text), chosen.customer_hears.strip(), chosen.status, True)
    return [first, *listed]


def _listed(text: str, most: int, chosen: Rule | None, least: float = 0.0) -> list[Listed]:
    return [
        Listed(rule.code, pieces(rule.title, text), rule.customer_hears.strip(), rule.status, False)
        for rule in likely_rules(text, most=most)
        if rule.score >= least and (chosen is None or rule.pk != chosen.pk)
    ]


@dataclass(frozen=True)
class Fate:
    """What became of an anonymous flag. `flag` is None while it waits for the others of its day."""

    flag: Flag | None
    rule: Rule | None


def fate_of(code: str) -> Fate | None:
    """What became of the flag of a receipt code; None where no flag has it."""
    digest = receipt_digest(code)
    if not digest:
        return None
    flag = Flag.objects.filter(receipt=digest).select_related(*REPLY).first()
    if flag is not None:
        return Fate(flag, flag.rule)
    held = HeldFlag.objects.filter(receipt=digest).select_related("rule").first()
    return Fate(None, held.rule) if held else None
