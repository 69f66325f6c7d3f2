"""What stands in the queue of flags: the open ones by age, and beside one of them what is like it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.core.cache import cache
from django.db.models import Count, Min, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from rulebook.access.calendar import Calendar, house_calendar
from rulebook.access.models import Person
from rulebook.catalogue.finding import either_case, words_of
from rulebook.catalogue.models import Rule
from rulebook.catalogue.nearness import Nearness, Saying
from rulebook.catalogue.similar import Likely, likely_rules
from rulebook.desk.todo import Asker, Todo, asks
from rulebook.flags.answering import reached_on, to_answer, to_see
from rulebook.flags.audits import LEFT_OF_AUDIT
from rulebook.flags.models import Audit, Flag
from rulebook.flags.sentences import in_words
from rulebook.flags.times import REPLY_WITHIN
from rulebook.numbers import long_day, whole

PAGE = 25
MOST_COMPARED = 300  # open flags that are looked at for like ones: about 20 ms
MOST_ALIKE = 4
LEAST_ALIKE = 0.35  # less is chance
CHOSEN_FROM = 0.5  # a rule as likely as that is chosen beforehand
MONTH = timedelta(days=31)
LONGEST_BREAK = 400  # days: of a house that has been closed for longer, nothing is overdue
WAITING_KEY = "rulebook.desk.flags_waiting.{}"
WAITING_SECONDS = 10  # for so long the sidebar may count what another process has answered meanwhile


@dataclass(frozen=True)
class Line:
    """A flag of the list. `waited` in working days, None where somebody has replied."""

    flag: Flag
    waited: int | None
    overdue: bool


@dataclass(frozen=True)
class Candidate:
    """A rule that the flag may be about."""

    pk: int
    code: str
    title: str
    removed: bool
    chosen: bool


def line(flag: Flag, today: date, calendar: Calendar) -> Line:
    """How long one waits; what was answered waits no more."""
    if flag.replied_at or flag.outcome:
        return Line(flag, None, False)
    waited = calendar.working_days_between(reached_on(flag.flagged_on, flag.anonymous), today)
    return Line(flag, waited, waited > REPLY_WITHIN)


def flags_waiting(request: HttpRequest) -> str:
    """How many flags wait for this person, for the sidebar; blank for none. Asked of the database now and then."""
    if not request.user.has_perm("flags.view_flag"):
        return ""
    key = WAITING_KEY.format(request.user.pk)
    count = cache.get(key)
    if count is None:
        count = to_answer(request.user).count()  # type: ignore[arg-type]  # who has a right has signed in
        cache.set(key, count, WAITING_SECONDS)
    return str(count) if count else ""


def note_waiting(person: Person, count: int) -> None:
    """What the queue has just counted is what the sidebar beside it says."""
    cache.set(WAITING_KEY.format(person.pk), count, WAITING_SECONDS)


def queue_of(person: Person) -> QuerySet[Flag]:
    """Open flags for a person to answer, the oldest first."""
    return to_answer(person).select_related("rule").order_by("flagged_on", "pk")


def answered_of(person: Person) -> QuerySet[Flag]:
    """Flags that were replied to, the last first."""
    answered = to_see(person).filter(Q(replied_at__isnull=False) | ~Q(outcome=Flag.Outcome.OPEN))
    return answered.select_related("rule").order_by("-replied_at", "pk")


def found_in(flags: QuerySet[Flag], text: str) -> QuerySet[Flag]:
    """Those of the flags in which every word of `text` stands, in what was said or in the answer."""
    for word in words_of(text):
        pattern = either_case(word)
        said = ("stopped", "customer_heard", "rule_words", "headline", "answer")
        condition = Q()
        for column in said:
            condition |= Q(**{f"{column}__regex": pattern})
        flags = flags.filter(condition)
    return flags


def words(flag: Flag) -> str:
    """All that tells what it is about."""
    return " ".join(filter(None, [flag.stopped, flag.rule_words, in_words(flag.customer_heard), flag.decision]))


def rules_for(flag: Flag, chosen: int = 0) -> list[Candidate]:
    """Its own rule first, then those that its words are near; the likeliest is chosen unless somebody chose one."""
    likely: Sequence[Likely] = likely_rules(" ".join(filter(None, [flag.rule_words, flag.stopped])))
    own = flag.rule
    found = [(own.pk, own.code, own.title, own.status == Rule.Status.REMOVED, 2.0)] if own else []
    found += [
        (rule.pk, rule.code, rule.title, rule.removed, rule.score)
        for rule in likely
        if own is None or rule.pk != own.pk
    ]
    if chosen and chosen not in [one[0] for one in found] and (other := Rule.objects.filter(pk=chosen).first()):
        found.insert(0, (other.pk, other.code, other.title, other.status == Rule.Status.REMOVED, 0.0))
    best = found[0][0] if found and found[0][4] >= CHOSEN_FROM else None
    return [Candidate(pk, code, title, removed, pk == (chosen or best)) for pk, code, title, removed, _score in found]


def flags_like(flag: Flag, person: Person) -> list[Flag]:
    """Other open flags that say much the same, those on the same rule before all others. One query."""
    open_ones = to_answer(person).exclude(pk=flag.pk).select_related("rule").order_by("-flagged_on", "pk")
    others = {other.pk: other for other in open_ones[:MOST_COMPARED]}
    near = Nearness()
    for other in others.values():
        near.add(Saying(other.pk, str(other.pk), other.stopped, words(other)))
    found = [others[one.key] for one in near.nearest(words(flag), most=MOST_ALIKE, least=LEAST_ALIKE)]
    same = [other for other in others.values() if flag.rule_id and other.rule_id == flag.rule_id]
    return list(dict.fromkeys([*same, *found]))[:MOST_ALIKE]


@asks
def flags_to_answer(asker: Asker) -> Iterator[Todo]:
    """What agents said and nobody has replied to. Too long first of all: they wait for a person's word."""
    today = timezone.localdate()
    last = last_overdue_day(today, house_calendar())
    late = Q(flagged_on__lte=last, anonymous=False) | Q(flagged_on__lt=last, anonymous=True)
    unanswered = to_answer(asker.person).filter(replied_at=None)
    found = unanswered.aggregate(count=Count("pk"), late=Count("pk", filter=late), oldest=Min("flagged_on"))
    if not found["count"]:
        return
    yield Todo(
        title=ngettext("%(count)s flag waits for a first reply", "%(count)s flags wait for a first reply",
                       found["count"]) % {"count": whole(found["count"])},
        detail=_("The oldest is of %(day)s.") % {"day": long_day(found["oldest"])},
        overdue=_("%(count)s too long") % {"count": whole(found["late"])} if found["late"] else "",
        url=reverse("admin:flags_flag_changelist"),
        action=_("Answer them"),
        weight=95 if found["late"] else 75,
        icon="flag",
    )  # fmt: skip


def last_overdue_day(today: date, calendar: Calendar) -> date:
    """A flag of this day or an earlier one has waited too long for its first reply.

    >>> last_overdue_day(date(2026, 3, 13), Calendar())  # a Friday: six working days before it
    datetime.date(2026, 3, 5)
    """
    days = (today - timedelta(days=back) for back in range(LONGEST_BREAK))
    return next((day for day in days if calendar.working_days_between(day, today) > REPLY_WITHIN), date.min)


@asks
def contacts_to_read(asker: Asker) -> Iterator[Todo]:
    """The rest of a month's random audit; and, where somebody has begun with audits, the next month's."""
    if not asker.may("flags.change_audit"):
        return
    left = Count("cases", filter=LEFT_OF_AUDIT)
    newest = Audit.objects.order_by("-month").annotate(left=left).first()
    if newest is None:
        return
    if newest.left:
        title = ngettext("%(count)s contact is left to read", "%(count)s contacts are left to read", newest.left)
        title %= {"count": whole(newest.left)}
    elif timezone.now() - newest.drawn_at > MONTH:
        title = _("Draw this month’s 30 contacts")
    else:
        return
    yield Todo(
        title=title,
        detail=_("Ten minutes a month tell how much the ledger misses."),
        url=reverse("admin:flags_audit_changelist"),
        action=_("Read them"),
        weight=45,
        icon="fact_check",
    )
