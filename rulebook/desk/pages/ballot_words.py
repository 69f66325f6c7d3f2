"""What votes come to, as findings: on the page of a ballot, and on that of a rule."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from rulebook.desk.vote_charts import Dot, VoteBar, impact_ease_plot, vote_bars
from rulebook.numbers import day, decimal, signed, whole
from rulebook.votes.counting import FEWEST, FEWEST_OF_A_MEDIAN, HELPS, HURTS, Answers, band
from rulebook.votes.queries import Verdict
from rulebook.votes.results import ItemResult
from rulebook.votes.showing import ToldItem, told_item


@dataclass(frozen=True)
class Asked:
    """One question of a round: a finding, what stands behind it, and the bars where there are five voters."""

    finding: str
    behind: str
    bars: list[VoteBar]


@dataclass(frozen=True)
class ItemCard:
    """One rule of a ballot: its newest round in pictures, the rest as its voters read it."""

    number: int
    told: ToldItem
    rule: int
    asked: list[Asked]
    stale: str


def cards(results: Sequence[ItemResult]) -> list[ItemCard]:
    """One card a rule, in the ballot's order."""
    return [_card(number, found) for number, found in enumerate(results, 1)]


def _card(number: int, found: ItemResult) -> ItemCard:
    asked = [asked_impact(found.last.impact)]
    if found.last.ease is not None:
        asked.append(_asked_ease(found.last.ease))
    stale = _("The rule has other words by now: these votes were on its version %(number)s.")
    return ItemCard(
        number=number,
        told=told_item(found),
        rule=found.rule.pk,
        asked=asked,
        stale=stale % {"number": found.item.version.number} if found.stale else "",
    )


def asked_impact(found: Answers) -> Asked:
    if found.counts is None:
        return Asked(*_few(found), [])
    hurts, none, helps = sum(found.counts[:2]), found.counts[2], sum(found.counts[3:])
    words = {"voters": whole(found.voters)}
    if hurts >= max(none, helps):
        said = ngettext(
            "%(count)s of %(voters)s says it hurts customers", "%(count)s of %(voters)s say it hurts customers", hurts
        ) % {**words, "count": whole(hurts)}
    elif helps >= none:
        said = ngettext(
            "%(count)s of %(voters)s says it helps customers", "%(count)s of %(voters)s say it helps customers", helps
        ) % {**words, "count": whole(helps)}
    else:
        said = ngettext(
            "%(count)s of %(voters)s sees no difference", "%(count)s of %(voters)s see no difference", none
        ) % {**words, "count": whole(none)}
    return Asked(said, _behind(found.mean, found.agreement), vote_bars("impact", found.counts))


def _asked_ease(found: Answers) -> Asked:
    if found.counts is None:
        return Asked(*_few(found), [])
    easy = sum(found.counts[3:])
    said = ngettext(
        "%(count)s of %(voters)s finds it easy to do without",
        "%(count)s of %(voters)s find it easy to do without",
        easy,
    ) % {"count": whole(easy), "voters": whole(found.voters)}
    return Asked(said, _behind(found.mean, found.agreement), vote_bars("ease", found.counts))


def _few(found: Answers) -> tuple[str, str]:
    """(finding, what stands behind it) of fewer than five."""
    if not found.voters:
        return _("Nobody voted on it"), ""
    voted = people(found.voters)
    if found.median is None:
        return voted, _("Fewer than %(least)s: how they voted stays with them.") % {"least": FEWEST_OF_A_MEDIAN}
    told = _("The middle vote is %(median)s. Means are shown from %(least)s voters on.")
    return voted, told % {"median": signed(found.median, 1), "least": FEWEST}


def people(voters: int) -> str:
    return ngettext("%(count)s person voted", "%(count)s people voted", voters) % {"count": whole(voters)}


def _behind(mean: float | None, agreement: float | None) -> str:
    parts = [_("Mean %(mean)s") % {"mean": signed(mean, 1)}] if mean is not None else []
    if agreement is not None:
        parts.append(_("agreement %(agreement)s") % {"agreement": decimal(agreement, 1)})
    return ", ".join(parts)


def ballot_finding(results: Sequence[ItemResult]) -> str:
    """The ballot in one sentence."""
    means = [found.last.impact.mean for found in results if found.last.impact.mean is not None]
    if not means:
        if any(found.last.impact.voters for found in results):
            return _("Too few voted for a mean")
        return _("Nobody voted")
    easy = sum(dot.start_here for dot in _dots(results))
    if easy:
        text = ngettext(
            "%(easy)s rule hurts customers and is easy to do without",
            "%(easy)s rules hurt customers and are easy to do without",
            easy,
        )
        return text % {"easy": whole(easy)}
    hurting = sum(band(mean) == HURTS for mean in means)
    if len(results) == 1:
        return _("It hurts customers") if hurting else _("It does not hurt customers")
    if not hurting:
        return _("None of these rules hurts customers")
    text = ngettext("%(count)s of %(all)s rules hurts customers", "%(count)s of %(all)s rules hurt customers", hurting)
    return text % {"count": whole(hurting), "all": whole(len(results))}


def plot_of(results: Sequence[ItemResult], finding: str) -> SafeString:
    """Where the rules lie that have a mean of both questions. One rule alone is no picture."""
    dots = _dots(results)
    return impact_ease_plot(dots, finding=finding) if len(dots) > 1 else SafeString()


def _dots(results: Sequence[ItemResult]) -> list[Dot]:
    return [
        Dot(number, str(found.rule), found.last.impact.mean, found.last.ease.mean)
        for number, found in enumerate(results, 1)
        if found.last.impact.mean is not None and found.last.ease is not None and found.last.ease.mean is not None
    ]


# Of one rule


def verdict_words(found: Verdict | None) -> str:
    """ "12 people: hurts", or that nobody knows."""
    if found is None:
        return _("Not voted on yet.")
    words = {HURTS: _("hurts"), HELPS: _("helps")}
    text = ngettext("%(count)s person: %(band)s", "%(count)s people: %(band)s", found.voters)
    return text % {"count": whole(found.voters), "band": words.get(found.band, _("mixed"))}


def verdict_basis(found: Verdict) -> str:
    """Where a verdict is from: mean and agreement, of a ballot or of standing votes, and of which day."""
    of = _("sealed ballot, closed %(day)s") if found.source == "ballot" else _("standing votes, as published %(day)s")
    said = _behind(found.mean, found.agreement)
    return " · ".join(part for part in (said, of % {"day": day(found.on)}) if part)
