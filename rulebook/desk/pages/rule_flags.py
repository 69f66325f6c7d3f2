"""What agents say of one rule, on its page: how often, how many of them, and their words where they may be quoted."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import Count, Q
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from rulebook.catalogue.models import Rule
from rulebook.flags.confirmed import Confirmed, confirmed_by
from rulebook.flags.models import Flag
from rulebook.numbers import whole

LATELY = 30  # days
MOST_QUOTED = 3
NOBODY = Confirmed()


@dataclass(frozen=True)
class RuleFlags:
    """`quotes` are the newest flags whose words may be quoted."""

    sentence: str
    total: int = 0
    confirmed: Confirmed = NOBODY
    quotes: Sequence[Flag] = ()


def rule_flags(rule: Rule, today: date) -> RuleFlags:
    """Three queries; one where nobody has flagged it."""
    lately = Count("pk", filter=Q(flagged_on__gt=today - timedelta(days=LATELY)))
    found = Flag.objects.filter(rule=rule).aggregate(total=Count("pk"), lately=lately)
    if not found["total"]:
        return RuleFlags(_("No agent has flagged it yet."))
    said = ngettext("%(count)s flag in 30 days", "%(count)s flags in 30 days", found["lately"])
    sentence = _("%(lately)s, %(total)s in all.") % {
        "lately": said % {"count": whole(found["lately"])}, "total": whole(found["total"]),
    }  # fmt: skip
    quotable = Flag.objects.filter(rule=rule, quotable=True).order_by("-flagged_on", "pk")
    return RuleFlags(sentence, found["total"], confirmed_by(rule), list(quotable[:MOST_QUOTED]))
