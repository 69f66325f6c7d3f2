"""The page on which the front line hears of new rules before they enter, and says which of them will hurt.

A flag on a proposed rule is how they say it: one tap from here. How many did so is shown to managers alone, so that
nobody is swayed by the others.
"""

from datetime import timedelta

from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from rulebook.access.voices import needs_voice, voice_of
from rulebook.catalogue.models import Proposal

TOLD = 30  # days for which a decision is told
OPEN, ENTERED, REFUSED, WITHDRAWN = Proposal.Outcome


@never_cache
@needs_voice
@require_safe
def hearing(request: HttpRequest) -> HttpResponse:
    """Proposals that can still be answered, those that wait for a decision, and what was decided lately."""
    now = timezone.now()
    today = timezone.localdate(now)
    proposals = Proposal.objects.select_related("rule__department", "replaces").annotate(hurts=Count("rule__flags"))
    waiting = list(proposals.filter(outcome=OPEN).order_by("heard_until", "pk"))
    decided = proposals.filter(outcome__in=[ENTERED, REFUSED], decided_at__gte=now - timedelta(days=TOLD))
    voice = voice_of(request)
    answerable = [proposal for proposal in waiting if proposal.heard_until >= today]
    context = {
        "open": answerable,
        "one": len(answerable) == 1,
        "closed": [proposal for proposal in waiting if proposal.heard_until < today],
        "decided": decided.order_by("-decided_at", "-pk")[:20],
        "shows_hurts": voice is not None and voice.is_manager,
    }
    return render(request, "flags/hearing.html", context)


def heard_now() -> int:
    """How many proposed rules the front line can still answer. One query."""
    return Proposal.objects.filter(outcome=OPEN, heard_until__gte=timezone.localdate()).count()
