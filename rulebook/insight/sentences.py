"""Why there is no figure, in one sentence: the same on every screen, in files and on the terminal."""

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from rulebook.insight.models import RuleFigures
from rulebook.insight.scoring import LEAST_MEASURED
from rulebook.numbers import whole


def why_no_harm(figures: RuleFigures) -> str:
    """Why the rule has no harm, and what agents say meanwhile; blank where it has one."""
    why = _why(figures)
    return f"{why} {flagged(figures)}".rstrip() if why else ""


def flagged(figures: RuleFigures) -> str:
    """ "4 flags in 30 days."; blank where there is none."""
    if not figures.flags:
        return ""
    said = ngettext("%(count)s flag in 30 days.", "%(count)s flags in 30 days.", figures.flags)
    return said % {"count": whole(figures.flags)}


def _why(figures: RuleFigures) -> str:
    match figures.why:
        case RuleFigures.Why.NO_CASES:
            return _("Not measurable yet: no contact is linked to it.")
        case RuleFigures.Why.TOO_FEW:
            return _("Not measurable yet: %(seen)s contacts, %(needed)s needed.") % {
                "seen": figures.n,
                "needed": LEAST_MEASURED,
            }
        case RuleFigures.Why.NO_COMPARISON:
            return _("Cannot separate the rule from its topic: too few contacts there without it.")
    return ""
