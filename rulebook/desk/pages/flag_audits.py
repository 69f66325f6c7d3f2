"""What the random audit says, in the sentences that stand beside coverage."""

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from rulebook.flags.audits import LEAST_TOLD, Estimate, newest_estimate
from rulebook.numbers import interval, month, whole


def audit_sentence() -> str:
    """For the start page; blank before anybody has read a contact. One query, and no case is read."""
    found = newest_estimate()
    return f"{found_sentence(found)} {missed_sentence(found)}" if found else ""


def found_sentence(found: Estimate) -> str:
    """ "An audit of 30 contacts of Oct 2026 found a rule in 6 that the ledger misses." """
    words = {"month": month(found.month), "found": whole(found.found)}
    if found.left:
        said = _("The audit of %(month)s: %(read)s of %(all)s contacts are read, and a rule stopped %(found)s.")
        return said % {**words, "read": whole(found.read), "all": whole(found.to_read)}
    said = ngettext("An audit of %(count)s contact of %(month)s found a rule in %(found)s that the ledger misses.",
                    "An audit of %(count)s contacts of %(month)s found a rule in %(found)s that the ledger misses.",
                    found.told)  # fmt: skip
    return said % {**words, "count": whole(found.told)}


def missed_sentence(found: Estimate) -> str:
    """The estimate with its interval, or why there is none; then what became of the others."""
    if found.interval is not None:
        low, high = (bound * 100 for bound in found.interval)
        said = _("90 %% sure: it misses a rule in %(interval)s %% of the unsolved contacts that nobody flagged.") % {
            "interval": interval(low, high)
        }
    elif found.left:
        said = _("An estimate follows when all are read.")
    else:
        said = _("Too few for an estimate: %(needed)s needed.") % {"needed": whole(LEAST_TOLD)}
    aside = []
    if found.explained:
        aside.append(_("for %(count)s the ledger has a rule already") % {"count": whole(found.explained)})
    if found.unclear:
        aside.append(_("%(count)s could not be told") % {"count": whole(found.unclear)})
    if not aside:
        return said
    return " ".join([said, _("Of those drawn: %(aside)s.") % {"aside": "; ".join(aside)}])
