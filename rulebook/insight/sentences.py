"""Why there is no figure, in one sentence: the same on every screen, in files and on the terminal."""

from django.utils.translation import gettext as _

from rulebook.insight.models import RuleFigures
from rulebook.insight.scoring import LEAST_MEASURED


def why_no_harm(figures: RuleFigures) -> str:
    """Why the rule has no harm; blank where it has one."""
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
