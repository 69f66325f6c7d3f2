"""What became of flags, for everybody who takes part: you said, we did. The newest first.

The agent's own words stand here only where the agent ticked that they may; everything else is the manager's.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from rulebook.access.models import Person
from rulebook.access.voices import needs_voice, voice_of
from rulebook.flags.models import Flag
from rulebook.numbers import whole

PAGE = 20
MOST_PAGES = 1_000  # a page far down walks over all before it
MOST_OWN = 10


@dataclass(frozen=True)
class Answer:
    """A card of the page. `others` were merged into the flag; `own`: the reader signed it, or one of those."""

    flag: Flag
    day: date
    others: int
    own: bool


@never_cache
@needs_voice
@require_safe
def answers(request: HttpRequest) -> HttpResponse:
    """?page= further back. The same queries, however many flags there are."""
    asked = request.GET.get("page", "")
    page = min(int(asked), MOST_PAGES) if asked.isdecimal() and len(asked) < 6 and int(asked) else 1
    voice = voice_of(request)
    person = voice.person if voice else None
    found = list(answered()[(page - 1) * PAGE : page * PAGE + 1])
    merged = merged_into(found, person)
    context: dict[str, Any] = {
        "answers": [_answer(flag, person, merged.get(flag.pk, (0, 0))) for flag in found[:PAGE]],
        "counted": counted(),
        "waiting": own_waiting(person) if person and page == 1 else [],
        "page": page,
        "earlier": page - 1,
        "later": page + 1 if len(found) > PAGE and page < MOST_PAGES else 0,
    }
    return render(request, "flags/answers.html", context)


def answered() -> QuerySet[Flag]:
    """Flags with an answer, those that were merged into another left out: they stand there as its number."""
    replied = Flag.objects.filter(replied_at__isnull=False).exclude(outcome=Flag.Outcome.MERGED)
    return replied.select_related("rule__department", "rule__owner").order_by("-replied_at", "pk")


def merged_into(flags: Iterable[Flag], person: Person | None) -> dict[int, tuple[int, int]]:
    """{flag id: (how many were merged into it, how many of these the person signed)}; one query."""
    own = Count("pk", filter=Q(author=person) if person else Q(pk=None))
    followers = Flag.objects.filter(merged_into__in=[flag.pk for flag in flags]).order_by()
    rows = followers.values_list("merged_into").annotate(others=Count("pk"), own=own)
    return {pk: (others, mine) for pk, others, mine in rows}


def _answer(flag: Flag, person: Person | None, merged: tuple[int, int]) -> Answer:
    others, own = merged
    when = timezone.localtime(flag.replied_at).date() if flag.replied_at else flag.flagged_on
    return Answer(flag, when, others, bool(own) or (person is not None and flag.author_id == person.pk))


def own_waiting(person: Person) -> list[Flag]:
    """What the person signed and nobody has answered yet, alone or with what it was merged into. Nobody else's."""
    unanswered = Q(replied_at=None) | Q(outcome=Flag.Outcome.MERGED, merged_into__replied_at=None)
    return list(Flag.objects.filter(unanswered, author=person).order_by("flagged_on", "pk")[:MOST_OWN])


def counted() -> str:
    """ "212 flags answered, 3 wait." """
    replied = Q(replied_at__isnull=False)
    sums = Flag.objects.aggregate(answered=Count("pk", filter=replied), waiting=Count("pk", filter=~replied))
    answered_ones = ngettext("%(count)s flag answered", "%(count)s flags answered", sums["answered"])
    waiting_ones = ngettext("%(count)s waits", "%(count)s wait", sums["waiting"])
    return _("%(answered)s, %(waiting)s.") % {
        "answered": answered_ones % {"count": whole(sums["answered"])},
        "waiting": waiting_ones % {"count": whole(sums["waiting"])},
    }
