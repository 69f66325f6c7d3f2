"""Claimed laws and contracts: a second person reads the clause and confirms it, or the rule becomes a policy."""

import hashlib
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any, cast

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from rulebook.access.calendar import add_open_days, house_calendar
from rulebook.access.models import Person
from rulebook.access.rights import CHANGE
from rulebook.catalogue.models import Rule
from rulebook.errors import NotAllowed, RulebookError
from rulebook.journal.services import Acting, business_verb, record

OPEN_DAYS = 14
CHUNK = 50  # claims a transaction: short enough to let others write in between


@business_verb
def confirm_authority(*, rule: Rule, by: Acting, seen: str = "") -> None:
    """Confirm, as a second person, that the rule is the law or the contract its clause quotes.

    That person may come from any department: who reads laws is often not who owns the rule. `seen` is the `mark` of
    the claim that was read; the words may have changed since. Raises NotAllowed without the right to change rules and
    for the person who claimed it, RulebookError when there is nothing to confirm.
    """
    rule = Rule.objects.select_for_update(of=("self",)).get(pk=rule.pk)
    refusal = why_not_confirmed_by(rule, by)
    if refusal:
        raise refusal
    if seen and seen != mark(rule):
        raise RulebookError(_("Somebody changed the clause a moment ago. Nothing was confirmed; read the new words."))
    rule.confirmed_by_id, rule.confirmed_at = by.pk, timezone.now()
    rule.save(update_fields=["confirmed_by", "confirmed_at", "updated_at"])
    record("authority_confirmed", "rule", rule.code, after=rule.authority, by=by)


def why_not_confirmed_by(rule: Rule, by: Acting) -> RulebookError | None:
    """What keeps a person from confirming the claim, None when nothing does."""
    if not rule.claimed:
        return RulebookError(_("Nothing is left to confirm here: the rule is confirmed, or claims no law."))
    if not cast(Person, by).has_perm(CHANGE):
        return NotAllowed(_("Your role reads rules and does not confirm them. Ask a manager."))
    if not rule.clause:
        return RulebookError(_("Quote the clause first."))
    if rule.claimed_by_id == by.pk:
        return NotAllowed(_("You claimed this yourself. A second person reads the clause and confirms it."))
    return None


def mark(rule: Rule) -> str:
    """A short name of what is claimed; another authority or another clause has another one."""
    return hashlib.sha256(f"{rule.authority}|{rule.clause}".encode()).hexdigest()[:16]


def confirm_until(rule: Rule) -> date | None:
    """The last day on which the claim can be confirmed; None where nothing is claimed."""
    return add_open_days(rule.claimed_on, OPEN_DAYS) if rule.claimed and rule.claimed_on else None


def confirmation_of(rule: Rule) -> list[Any]:
    """What is known of a confirmed claim, as plain values to be kept; empty where nothing is confirmed."""
    return [mark(rule), rule.confirmed_by_id, rule.confirmed_at.isoformat()] if rule.confirmed_at else []


@business_verb
def confirm_again(*, rule: Rule, was: Sequence[Any]) -> None:
    """Give a rule whose words were put back the confirmation that it had, where it claims what was confirmed then."""
    held = Rule.objects.select_for_update(of=("self",)).get(pk=rule.pk)
    if not was or not held.claimed or was[0] != mark(held):
        return
    held.confirmed_by_id, held.confirmed_at = was[1], datetime.fromisoformat(was[2])
    held.save(update_fields=["confirmed_by", "confirmed_at", "updated_at"])
    record("authority_confirmed", "rule", held.code, after=held.authority, by=None)


def claims_due(today: date) -> bool:
    """True when `expire_claims` would find something."""
    return bool(_overdue(today))


def expire_claims(*, today: date, by: Acting | None = None) -> int:
    """Set every law or contract that nobody confirmed in 14 open days to policy; how many there were.

    What every figure reads as "ours to change" is so what is stored. One event each; a few rules a transaction.
    """
    overdue = _overdue(today)
    return sum(_lapse(claims=overdue[start : start + CHUNK], by=by) for start in range(0, len(overdue), CHUNK))


@business_verb
def _lapse(*, claims: Sequence[Rule], by: Acting | None) -> int:
    """A claim that was confirmed or changed meanwhile no longer fits the condition, and stays as it is."""
    lapsed = 0
    for claim in claims:
        stands = _unconfirmed().filter(pk=claim.pk, authority=claim.authority, claimed_on=claim.claimed_on)
        if stands.update(authority=Rule.Authority.POLICY, claimed_on=None, claimed_by=None, updated_at=timezone.now()):
            lapsed += 1
            record("claim_lapsed", "rule", claim.code, before=claim.authority, after=Rule.Authority.POLICY, by=by)
    return lapsed


def _unconfirmed() -> QuerySet[Rule]:
    return Rule.objects.filter(authority__in=Rule.NOT_OURS, confirmed_at=None)


def _overdue(today: date) -> list[Rule]:
    """In the order of their codes, in which every transaction locks them."""
    old = _unconfirmed().filter(claimed_on__lt=today - timedelta(days=OPEN_DAYS)).order_by("code")
    calendar = house_calendar()
    return [rule for rule in old if rule.claimed_on and calendar.open_days_between(rule.claimed_on, today) > OPEN_DAYS]
