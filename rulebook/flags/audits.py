"""The random audit: how much the ledger misses, because nobody flagged it and no code of the help desk says so.

Thirty contacts of one month are drawn uniformly at random from all not resolved ones that no agent flagged. Those for
which the ledger has a rule already (a blocked link of another origin than a flag, when they were drawn or read) are
explained: nothing is missed there, and nobody needs to read them. A person reads each of the others in the help desk:
did a rule stop it? With n = explained contacts + contacts that could be told, and k = contacts that a rule stopped
though the ledger has none for them, k / n estimates the share of unflagged, not resolved contacts that the ledger
misses, with Wilson's 90 % interval (z = 1.645):

    (k/n + z²/2n ± z · sqrt(k/n · (1 - k/n) / n + z²/4n²)) / (1 + z²/n)

What could not be told stands in neither k nor n, and is counted beside them. There is an interval once all are read,
for before that the explained ones would outweigh the others, and from n = 20 on. The reader sees neither flags nor
links, so neither can lead the reading. What is found changes no link: an audit that changed the ledger would not
measure it.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Count, Exists, OuterRef, Prefetch, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from rulebook.access.rights import refuse_without
from rulebook.cases.intervals import Z90, wilson
from rulebook.cases.models import Case, CaseRule, Effect, Method, Origin, Outcome, Source
from rulebook.cases.policies import effective_horizon
from rulebook.catalogue.models import Rule
from rulebook.errors import RulebookError, WrongState
from rulebook.flags.models import Audit, AuditedCase
from rulebook.journal.services import Acting, business_verb, record, take_turn
from rulebook.journal.words import teach

DRAWN = 30
LEAST_TOLD = 20  # contacts: no percentage of fewer
CHANCE = random.SystemRandom()
WAITING = {Method.NO_REPEAT.value, Method.CLOSED_FAST.value}  # methods that know an outcome only after the window
DAY = timedelta(days=1)
Verdict = AuditedCase.Verdict
LEFT = Q(verdict=Verdict.OPEN, explained=False, case__isnull=False)  # to be read
LEFT_OF_AUDIT = Q(cases__verdict=Verdict.OPEN, cases__explained=False, cases__case__isnull=False)

teach("audit", {code: label for code, label in Verdict.choices if code})


@dataclass(frozen=True)
class Estimate:
    """What an audit found: drawn = explained + left (to read) + unclear + those read that could be told."""

    month: date
    drawn: int = 0
    explained: int = 0
    left: int = 0
    unclear: int = 0
    found: int = 0  # k

    @property
    def told(self) -> int:
        """n, the explained ones among them."""
        return self.drawn - self.left - self.unclear

    @property
    def to_read(self) -> int:
        return self.drawn - self.explained

    @property
    def read(self) -> int:
        return self.to_read - self.left

    @property
    def interval(self) -> tuple[float, float] | None:
        """Parts of 1; None while some are left, and of fewer than 20.

        >>> low, high = Estimate(date(2026, 10, 1), drawn=30, explained=12, found=6).interval
        >>> round(low, 2), round(high, 2)
        (0.11, 0.34)
        >>> Estimate(date(2026, 10, 1), drawn=30, unclear=11, found=6).interval is None
        True
        >>> Estimate(date(2026, 10, 1), drawn=30, explained=12, left=1, found=6).interval is None
        True
        """
        return wilson(self.found, self.told, Z90) if not self.left and self.told >= LEAST_TOLD else None


def month_to_draw(sources: Sequence[Source]) -> date | None:
    """The last month in which every contact of these sources is mature; None before there is one.

    As everywhere a source that sends no more holds nothing back once it is marked retired.
    """
    months = [
        month
        for source in sources
        if not source.retired or all(other.retired for other in sources)
        if (month := _last_complete(source, effective_horizon([s for s in sources if s.space == source.space])))
    ]
    return min(months, default=None)


def _last_complete(source: Source, horizon: datetime | None) -> date | None:
    if horizon is None:
        return None
    zone = ZoneInfo(source.time_zone)
    window = timedelta(days=source.window_days if source.method in WAITING else 0)
    first = (horizon - window).astimezone(zone).date().replace(day=1)  # of a month that is not over
    return (first - DAY).replace(day=1)


@business_verb
def draw_audit(*, sources: Sequence[Source], by: Acting | None) -> Audit:
    """Draw the contacts of the last whole month of these sources. Reads that month's contacts once, by an index.

    Raises NotAllowed, and WrongState when the month was drawn already, when no month is over yet, and when nothing is
    to be drawn.
    """
    refuse_without(by, "flags.add_audit")
    take_turn("audits")
    month = month_to_draw(sources)
    if why_not := _why_not_drawn(month):
        raise WrongState(why_not)
    assert month is not None
    numbers = [pk for cases in _unsolved(month, sources) for pk in cases.values_list("pk", flat=True)]
    if not numbers:
        raise WrongState(_nothing_to_read())
    audit = Audit.objects.create(month=month, drawn_at=timezone.now(), population=len(numbers))
    drawn = CHANCE.sample(numbers, min(DRAWN, len(numbers)))
    known = _explained(drawn)
    AuditedCase.objects.bulk_create(
        AuditedCase(audit=audit, place=place, case_id=case_id, explained=case_id in known)
        for place, case_id in enumerate(drawn, 1)
    )
    record("drawn", "audit", str(audit), after=str(len(drawn)), by=by)
    return audit


@dataclass(frozen=True)
class Drawable:
    """What a draw would find: contacts, of which the ledger has a rule for `explained`; or why there is none."""

    month: date | None = None
    population: int = 0
    explained: int = 0
    why_not: str = ""
    done: bool = False  # the month was drawn already

    @property
    def drawn(self) -> int:
        return min(DRAWN, self.population)

    @property
    def to_read(self) -> int:
        """How many of the drawn are left to read, to be expected: those of which the ledger has no rule.

        >>> Drawable(population=100, explained=40).to_read, Drawable(population=3).to_read, Drawable().to_read
        (18, 3, 0)
        """
        left = self.population - self.explained
        return round(self.drawn * left / self.population) if self.population else 0


def what_to_draw(sources: Sequence[Source]) -> Drawable:
    """Before somebody draws. Reads the month's contacts once, by an index."""
    month = month_to_draw(sources)
    if why_not := _why_not_drawn(month):
        return Drawable(month, why_not=why_not, done=month is not None)
    assert month is not None
    known = CaseRule.objects.filter(case=OuterRef("pk"), effect=Effect.BLOCKED).exclude(origin=Origin.FLAG)
    counted = [
        cases.aggregate(all=Count("pk"), known=Count("pk", filter=Exists(known))) for cases in _unsolved(month, sources)
    ]
    population = sum(found["all"] for found in counted)
    if not population:
        return Drawable(month, why_not=_nothing_to_read())
    return Drawable(month, population, sum(found["known"] for found in counted))


def _why_not_drawn(month: date | None) -> str:
    if month is None:
        return _("No month is over and mature yet. Import cases first.")
    if Audit.objects.filter(month=month).exists():
        return _("The contacts of this month were drawn already. The next ones follow in a month.")
    return ""


def _nothing_to_read() -> str:
    return _("Every contact of that month was solved, or flagged. There is nothing to read.")


def _unsolved(month: date, sources: Sequence[Source]) -> "list[QuerySet[Case]]":
    """The not resolved contacts of the month that nobody flagged, of each source."""
    flagged = CaseRule.objects.filter(case=OuterRef("pk"), origin=Origin.FLAG)
    unsolved = Case.objects.filter(~Exists(flagged), excluded="", outcome=Outcome.NOT_RESOLVED)
    return [unsolved.filter(source=source, **_within(month, source)) for source in sources]


def _within(month: date, source: Source) -> dict[str, object]:
    """A source's local month: its days, and the instants by which the index finds them."""
    following = (month + 31 * DAY).replace(day=1)
    zone = ZoneInfo(source.time_zone)
    return {
        "opened_day__gte": month,
        "opened_day__lt": following,
        "opened_at__gte": datetime.combine(month, time(), zone),
        "opened_at__lt": datetime.combine(following, time(), zone),
    }


def _explained(case_ids: Sequence[int]) -> set[int]:
    """Those for which the ledger has a rule that blocked them, flags left aside."""
    links = CaseRule.objects.filter(case__in=case_ids, effect=Effect.BLOCKED).exclude(origin=Origin.FLAG)
    return set(links.values_list("case_id", flat=True))


@business_verb
def say_what_stopped(*, audited: AuditedCase, verdict: str, by: Acting | None, rule: Rule | None = None) -> AuditedCase:
    """Store what the reader saw; which rule it was, where the rulebook has it. One event, without the case.

    Two people who read one contact: the first one's word stands, and the second is told. A reader's own verdict can
    be changed. Raises NotAllowed, WrongState, and RulebookError for what is no verdict.
    """
    refuse_without(by, "flags.change_audit")
    if verdict not in {Verdict.RULE, Verdict.NO_RULE, Verdict.UNKNOWN}:
        raise RulebookError(_("Say whether a rule stopped it, no rule did, or it cannot be told."))
    own = Q(verdict=Verdict.OPEN) | Q(read_by=by.pk if by else None)
    explained = audited.explained or bool(audited.case_id and _explained([audited.case_id]))
    stored = AuditedCase.objects.filter(own, pk=audited.pk).update(
        verdict=verdict,
        rule=rule if verdict == Verdict.RULE else None,
        explained=explained,
        read_by=by.pk if by else None,
        read_at=timezone.now(),
    )
    if not stored:
        raise WrongState(_("Somebody else has read this contact a moment ago. Go on with the next one."))
    found = AuditedCase.objects.select_related("audit").get(pk=audited.pk)
    record("contact_read", "audit", str(found.audit), after=verdict, by=by)
    return found


def next_to_read(audit: Audit) -> AuditedCase | None:
    """The next contact that is to be read and that nobody has read."""
    return audit.cases.filter(LEFT).prefetch_related(contact()).order_by("place").first()


def contact() -> "Prefetch[str, QuerySet[Case], str]":
    """An audited contact with what a reader is shown of it. Looked up by its number: joined, a planner might walk over
    all cases up to it."""
    shown = Case.objects.select_related("source", "topic").defer("customer_key", "agent_key", "row_hash")
    return Prefetch("case", shown)


def estimates(newest: int = 12) -> list[Estimate]:
    """Of the newest audits, the newest first. One query, and no case is read.

    A contact that was erased before anybody read it cannot be told.
    """
    explained = Q(cases__explained=True)
    erased = Q(cases__explained=False, cases__verdict=Verdict.OPEN, cases__case__isnull=True)
    rows = (
        Audit.objects.order_by("-month")
        .values_list("month")
        .annotate(
            drawn=Count("cases"),
            explained=Count("cases", filter=explained),
            left=Count("cases", filter=LEFT_OF_AUDIT),
            unclear=Count("cases", filter=~explained & (Q(cases__verdict=Verdict.UNKNOWN) | erased)),
            found=Count("cases", filter=~explained & Q(cases__verdict=Verdict.RULE)),
        )
    )
    return [Estimate(*row) for row in rows[:newest]]


def newest_estimate() -> Estimate | None:
    """What is printed beside coverage: the newest audit that has an interval; else the newest that was begun."""
    begun = [found for found in estimates() if found.read]
    return next((found for found in begun if found.interval is not None), begun[0] if begun else None)
