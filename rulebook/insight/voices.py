"""What people say of each rule, kept beside its figures: flags of the last 30 days, and the vote that is published.

Voices order what cannot be measured yet. They change no measured figure: they are written into columns of their own.
"""

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import NamedTuple

from django.db import connection
from django.db.models import Count, Max

from rulebook.catalogue.models import Rule, RuleVersion
from rulebook.flags.models import Flag
from rulebook.insight.models import RuleFigures
from rulebook.insight.rescoring import rescore
from rulebook.journal.services import business_verb
from rulebook.votes.models import Ballot, Tally
from rulebook.votes.queries import verdicts

DAYS = 30  # whose flags count, today among them
DRAWN = 5  # votes of 0 that every rule is given: what one or two people say may be chance
ROWS_A_BATCH = 500

Beat = Callable[[], None]


class Voices(NamedTuple):
    """What people say of one rule, in the order of its columns."""

    flags: int = 0
    vote: float | None = None
    voters: int = 0


SILENCE = Voices()


def voices_due(seen: str, today: date) -> bool:
    """True when a refresh would change something; `seen` is what `newest_verdicts` gave at the last one.

    Asked every few seconds: it counts the flags of 30 days, and looks at no vote.
    """
    if seen != newest_verdicts(today):
        return True
    flagged = RuleFigures.objects.filter(flags__gt=0)
    return dict(flagged.values_list("rule", "flags")) != _flags(today)


def newest_verdicts(today: date) -> str:
    """Changes with all that verdicts follow from: tallies, closed ballots, wordings, removals; and once a day anyway.

    Blank while nothing is published.
    """
    tally = Tally.objects.aggregate(newest=Max("pk"))["newest"]
    closed = Ballot.objects.filter(state=Ballot.State.CLOSED).aggregate(count=Count("pk"), newest=Max("closed_at"))
    if tally is None and not closed["count"]:
        return ""
    wording = RuleVersion.objects.aggregate(newest=Max("pk"))["newest"]
    removed = Rule.objects.filter(status=Rule.Status.REMOVED).count()
    return f"{today} {tally} {closed['count']} {closed['newest']} {wording} {removed}"


def refresh_voices(today: date, beat: Beat = lambda: None) -> int:
    """Write what people say of each rule into its figures, where that differs; the number of rules changed.

    A rule that nobody has counted yet gets its figures first: agents flag long before the first file of cases comes.
    """
    said = _said(today)
    stored = dict(_stored())
    if not stored.keys() >= said.keys():
        rescore(beat)
        stored = dict(_stored())
    changed = [(pk, said.get(pk, SILENCE)) for pk, before in stored.items() if before != said.get(pk, SILENCE)]
    for start in range(0, len(changed), ROWS_A_BATCH):
        store_voices(rows=changed[start : start + ROWS_A_BATCH])
        beat()
    return len(changed)


@business_verb
def store_voices(*, rows: Sequence[tuple[int, Voices]]) -> None:
    """[(rule id, what people say of it)]. Derived, and counted: no event is written of it."""
    with connection.cursor() as cursor:
        cursor.executemany(
            "UPDATE insight_rulefigures SET flags = %s, vote = %s, voters = %s WHERE rule_id = %s",
            [(*voices, pk) for pk, voices in rows],
        )


def shrunken(total: float, voters: int) -> float:
    """A sum of votes from -2 to +2, drawn towards 0: the fewer the voters, the more.

    >>> shrunken(-2, 1), shrunken(-20, 10)
    (-0.3333333333333333, -1.3333333333333333)
    """
    return total / (voters + DRAWN)


def _stored() -> list[tuple[int, Voices]]:
    """In the order in which scoring writes the rows, so that two writers never wait in a circle."""
    rows = RuleFigures.objects.order_by("rule__code").values_list("rule", *Voices._fields)
    return [(pk, Voices(*values)) for pk, *values in rows]


def _said(today: date) -> dict[int, Voices]:
    """{rule id: voices}, of rules of which anybody says anything."""
    flags = _flags(today)
    votes = {pk: (shrunken(found.sum, found.voters), found.voters) for pk, found in verdicts().items()}
    return {pk: Voices(flags.get(pk, 0), *votes.get(pk, (None, 0))) for pk in flags.keys() | votes.keys()}


def _flags(today: date) -> dict[int, int]:
    """{rule id: its flags of the last 30 days}. One merged into another still counts; a held one does not yet.

    Those on a rule that is only proposed say that it will hurt: they count at the front door.
    """
    recent = Flag.objects.filter(rule__isnull=False, flagged_on__gt=today - timedelta(days=DAYS))
    recent = recent.exclude(rule__status=Rule.Status.PROPOSED)
    return dict(recent.order_by().values_list("rule").annotate(count=Count("pk")))
