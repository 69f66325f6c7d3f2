"""Taking a rule out of force and putting it back, for verbs that hold its row: the front door's and the reviews'.

`status` is set by these and by the front door alone. Each writes one event of the rule.
"""

from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from rulebook.catalogue.models import Rule, RuleVersion
from rulebook.errors import WrongState
from rulebook.journal.services import Acting, record


def end_rule(rule: Rule, by: Acting | None) -> None:
    """Take a rule out of force from today. A wording that was still to come applies on no day."""
    today = timezone.localdate()
    lasting = rule.versions.filter(Q(applies_to=None) | Q(applies_to__gt=today))
    lasting.filter(applies_from__gt=today).update(applies_to=F("applies_from"))
    lasting.filter(Q(applies_from=None) | Q(applies_from__lte=today)).update(applies_to=today)
    _set_status(rule, Rule.Status.REMOVED, "removed", by)


def restore_rule(rule: Rule, by: Acting | None) -> RuleVersion:
    """Put a removed or suspended rule back in force, in its last words; the wording that now applies.

    Of a removed one the same words begin anew today, as a version of their own: on the days between it did not apply.
    """
    newest = rule.versions.latest("number")
    today = timezone.localdate()
    if newest.applies_to == today:
        newest.applies_to = None
        newest.save(update_fields=["applies_to"])
    elif newest.applies_to is not None:
        newest = RuleVersion.objects.create(
            rule=rule, number=newest.number + 1, applies_from=today, hash=newest.hash,
            title=newest.title, text=newest.text, topics=newest.topics, channels=newest.channels,
        )  # fmt: skip
    _set_status(rule, Rule.Status.IN_FORCE, "put_back_in_force", by)
    return newest


def suspend_rule(rule: Rule, by: Acting | None) -> None:
    """Try without it, everywhere. Raises WrongState for a rule that is not in force."""
    if rule.status != Rule.Status.IN_FORCE:
        raise WrongState(_("%(code)s is not in force, so it cannot be suspended.") % {"code": rule.code})
    _set_status(rule, Rule.Status.SUSPENDED, "suspended", by)


def _set_status(rule: Rule, status: Rule.Status, verb: str, by: Acting | None) -> None:
    before, rule.status = rule.status, status
    rule.save(update_fields=["status", "updated_at"])
    record(verb, "rule", rule.code, before=before, after=status, by=by)
