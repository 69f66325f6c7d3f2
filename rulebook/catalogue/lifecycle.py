"""Taking a rule out of force and putting it back, for verbs that hold its row: the front door's and the reviews'.

`status` is set by these and by the front door alone. Each writes one event of the rule.
"""

from datetime import date

from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from rulebook.catalogue.cleaning import clean_name
from rulebook.catalogue.models import Alias, Proposal, Rule, RuleVersion
from rulebook.catalogue.services import longest
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
    """Put a removed or suspended rule back in force, in its last words; the newest wording.

    Of a removed one the same words begin anew today, as a version of their own: on the days between it did not apply.
    A wording that was still to come when it was removed, and still is, comes on its day as if nothing had happened.
    """
    today = timezone.localdate()
    versions = list(rule.versions.order_by("number"))
    if versions[-1].applies_to is not None:
        coming = [v for v in versions if v.applies_from and v.applies_from > today]
        ended = versions[: len(versions) - len(coming)]
        _begin_anew([*ended[-1:], *coming], versions[-1].number, today)
    _set_status(rule, Rule.Status.IN_FORCE, "put_back_in_force", by)
    return rule.versions.latest("number")


def _begin_anew(wordings: list[RuleVersion], newest: int, today: date) -> None:
    """Let wordings follow one another: the first from today, the others from their days, the last without an end.

    What ended today or has not begun goes on; else each begins as a version of its own, numbered after the newest.
    """
    goes_on = wordings[0].applies_to is not None and wordings[0].applies_to >= today
    for place, wording in enumerate(wordings):
        following = wordings[place + 1 :]
        wording.applies_to = following[0].applies_from if following else None
        if goes_on:
            wording.save(update_fields=["applies_to"])
            continue
        RuleVersion.objects.create(
            rule_id=wording.rule_id, number=newest + 1 + place, applies_to=wording.applies_to, hash=wording.hash,
            applies_from=wording.applies_from if place else today,
            title=wording.title, text=wording.text, topics=wording.topics, channels=wording.channels,
        )  # fmt: skip


def suspend_rule(rule: Rule, by: Acting | None) -> None:
    """Try without it, everywhere. Raises WrongState for a rule that is not in force."""
    if rule.status != Rule.Status.IN_FORCE:
        raise WrongState(_("%(code)s is not in force, so it cannot be suspended.") % {"code": rule.code})
    _set_status(rule, Rule.Status.SUSPENDED, "suspended", by)


def absorb_rule(rule: Rule, into: Rule, by: Acting | None) -> None:
    """End a rule that says the same as another one, which takes over its names: code, aliases, and the title.

    So whatever names the one that is gone finds the one that stays: searches, forms, files of cases, waiting links,
    and the page of the rule itself (`queries.merged_into`). A title that no name can be, or that finds another rule,
    is left out. A proposal that would have replaced it replaces the one that stays. Beside the end, each rule has one
    event.
    """
    end_rule(rule, by)
    Alias.objects.filter(rule=rule).update(rule=into, is_code=False)
    title = clean_name(rule.title)
    fits = title and len(title) <= longest(Alias, "name") and ";" not in title  # which parts names in a list
    if fits and title != into.title and not Alias.objects.filter(name=title).exists():
        Alias.objects.create(rule=into, name=title)
    Proposal.objects.filter(replaces=rule, outcome=Proposal.Outcome.OPEN).update(replaces=into)
    record("merged", "rule", rule.code, after=into.code, by=by)
    record("took_in", "rule", into.code, after=rule.code, by=by)


def _set_status(rule: Rule, status: Rule.Status, verb: str, by: Acting | None) -> None:
    before, rule.status = rule.status, status
    rule.save(update_fields=["status", "updated_at"])
    record(verb, "rule", rule.code, before=before, after=status, by=by)
