"""The front door: a new or stricter rule is a proposal, and the front line is heard before anybody lets it in.

Rules that exist already do not come this way: `write_down` takes them as they were found. A proposed rule is in no
figure. Its words stand still; one that is not let in, or is withdrawn, ends without having applied on any day.
"""

from collections.abc import Callable
from datetime import date
from typing import cast

from django.utils import timezone
from django.utils.translation import gettext as _

from rulebook.access.calendar import add_working_days
from rulebook.access.models import Department, Person
from rulebook.access.rights import may_change_rule_of, whom_to_ask
from rulebook.access.scrubbing import scrub
from rulebook.catalogue.cleaning import clean_line, clean_text
from rulebook.catalogue.lifecycle import end_rule
from rulebook.catalogue.locks import why_voted_on
from rulebook.catalogue.models import Proposal, Rule, RuleVersion
from rulebook.catalogue.services import FieldRefused, RuleFields, store_rule, untitled
from rulebook.errors import NotAllowed, WrongState
from rulebook.journal.services import Acting, business_verb, record, take_turn
from rulebook.numbers import day, long_day

PROPOSE, DECIDE = "catalogue.add_proposal", "catalogue.change_proposal"
HEARD = 5  # working days
OPEN, ENTERED, REFUSED, WITHDRAWN = Proposal.Outcome
IN_DOOR = Proposal.objects.select_related("rule__department__head", "replaces", "proposed_by", "decided_by")


@business_verb
def propose_rule(
    *,
    title: str,
    customer_hears: str,
    protects: str,
    without_it: str,
    by: Acting,
    text: str = "",
    replaces: Rule | None = None,
    review_by: date | None = None,
    department: Department | None = None,
) -> Proposal:
    """Propose a new or stricter rule; the front line is heard for five working days from tomorrow.

    It takes topics, channels, owner, force and protection from the rule it `replaces`, and the department where none
    is given. `review_by` is 12 months from today unless given. The same proposal by the same person again is that one,
    so that a double tap makes no second. Raises NotAllowed without the right to propose, FieldRefused for a field that
    is blank or impossible, or a rule that cannot be replaced.
    """
    if not cast(Person, by).has_perm(PROPOSE):
        raise NotAllowed(_("Your role proposes no rules. Ask a manager."))
    today = timezone.localdate()
    heard_until = add_working_days(today, HEARD)
    fields: RuleFields = {
        "title": scrub(clean_line(title)).text,
        "text": scrub(clean_text(text)).text,
        "customer_hears": _needed(
            "customer_hears", customer_hears, _("Write the sentence that the customer will hear.")
        ),
        "purpose": _needed("protects", protects, _("Write whom the rule protects, and from what.")),
        "review_by": review_by or year_after(today),
        "department": department,
        "authority": Rule.Authority.POLICY,
    }
    without_it = _needed("without_it", without_it, _("Write what would happen without the rule."))
    if not fields["title"]:
        raise FieldRefused("title", untitled())
    if review_by and review_by <= heard_until:
        too_early = _("By then the rule may not have entered yet. Give a day after %(day)s.")
        raise FieldRefused("review_by", too_early % {"day": day(heard_until)})
    take_turn("proposals")
    same = Proposal.objects.filter(outcome=OPEN, proposed_by_id=by.pk, replaces=replaces)
    again = same.filter(rule__title=fields["title"], rule__text=fields["text"]).first()
    if again is not None:
        return again
    if replaces is not None:
        fields.update(_taken_over(replaces, department))
    rule = store_rule(fields, by, status=Rule.Status.PROPOSED)
    proposal = Proposal.objects.create(
        rule=rule, replaces=replaces, protects=rule.purpose, without_it=without_it,
        proposed_by_id=by.pk, proposed_on=today, heard_until=heard_until,
    )  # fmt: skip
    record("proposed", "rule", rule.code, after=rule.status, by=by)
    return proposal


@business_verb
def let_in(*, proposal: Proposal, hurts: Callable[[Proposal], int], by: Acting, reason: str = "") -> Rule:
    """Let the rule in: it is in force from today, and the rule it replaces is gone from today.

    `hurts` counts the flags that say it will hurt; where there are any, `reason` answers them. The caller brings it,
    since flags come after rules in this house. It is asked while the row of the rule is held, which a new flag waits
    for: nobody is let in over a flag that has just come. (An anonymous one of the last day of hearing is released
    before the first day on which anybody can let it in.) Raises NotAllowed for somebody who may not decide for the
    department, FieldRefused when the answer is missing, and WrongState where `why_not_let_in` gives a sentence.
    """
    proposal, replaced = _at_hand(proposal)
    _refuse_strangers(proposal, by)
    refusal = why_not_let_in(proposal)
    if refusal:
        raise WrongState(refusal)
    reason = scrub(clean_text(reason)).text
    if not reason and hurts(proposal):
        raise FieldRefused("reason", _("The front line says that this will hurt. Answer it: why does it enter?"))
    rule = _decide(proposal, ENTERED, reason, by)
    rule.versions.update(applies_from=timezone.localdate())
    record("let_in", "rule", rule.code, before=Rule.Status.PROPOSED, after=rule.status, by=by)
    if replaced is not None and replaced.status != Rule.Status.REMOVED:
        end_rule(replaced, by)
    return rule


@business_verb
def refuse_proposal(*, proposal: Proposal, reason: str, by: Acting) -> None:
    """Do not let it in, and say why. May be done before the front line was heard to the end.

    Raises NotAllowed as `let_in` does, FieldRefused without a reason, WrongState when it is decided already
    or people vote on it.
    """
    proposal, _replaced = _at_hand(proposal)
    _refuse_strangers(proposal, by)
    reason = _needed("reason", reason, _("Write why it is not let in. Who proposed it reads that."))
    _end_unheard(proposal, REFUSED, "not_let_in", reason, by)


@business_verb
def withdraw_proposal(*, proposal: Proposal, by: Acting) -> None:
    """Take it back. Raises NotAllowed for anybody but the proposer, WrongState as `refuse_proposal` does."""
    proposal, _replaced = _at_hand(proposal)
    if proposal.proposed_by_id != by.pk:
        raise NotAllowed(_("Only who proposed it withdraws it."))
    _end_unheard(proposal, WITHDRAWN, "withdrawn", "", by)


def why_not_let_in(proposal: Proposal) -> str:
    """Why nobody can let it in now; "" when it can be."""
    today = timezone.localdate()
    if proposal.outcome:
        return decided(proposal)
    if today <= proposal.heard_until:
        until = {"day": long_day(proposal.heard_until)}
        return _("The front line is heard until %(day)s. It can enter from the day after.") % until
    if voted_on := why_voted_on(proposal.rule):
        return voted_on
    replaced = proposal.replaces
    if replaced is not None and replaced.status != Rule.Status.REMOVED:
        return why_not_replaced(replaced) or why_voted_on(replaced)
    return ""


def why_not_replaced(rule: Rule) -> str:
    """Why no proposal can put another rule in the place of this one; "" when it can."""
    code = {"code": rule.code}
    if rule.status == Rule.Status.PROPOSED:
        return _("%(code)s is only proposed itself. Choose a rule that is in force, or none.") % code
    if rule.status == Rule.Status.REMOVED:
        return _("%(code)s is removed already. Choose a rule that is in force, or none.") % code
    if not rule.ours:
        return _("%(code)s is a law or contract, which stays. Propose yours beside it: it replaces none.") % code
    return ""


def may_decide(proposal: Proposal, person: Person) -> bool:
    """Whether somebody may let it in or refuse it: who decides on proposals, and may change the rules concerned."""
    whose = {(rule.department_id, rule.owner_id) for rule in _concerned(proposal)}
    return person.has_perm(DECIDE) and all(may_change_rule_of(person, *pair) for pair in whose)


def decided(proposal: Proposal) -> str:
    """What became of it, as a sentence; "" while it is open."""
    if not proposal.outcome or proposal.decided_at is None:
        return ""
    words = {
        "who": proposal.decided_by or "",
        "day": day(timezone.localtime(proposal.decided_at).date()),
    }
    sentences = {
        ENTERED.value: _("Let in on %(day)s by %(who)s.") if words["who"] else _("Let in on %(day)s."),
        REFUSED.value: _("Not let in, on %(day)s by %(who)s.") if words["who"] else _("Not let in, on %(day)s."),
        WITHDRAWN.value: _("Withdrawn on %(day)s."),
    }
    return sentences[proposal.outcome] % words


def year_after(today: date) -> date:
    """The same day a year on.

    >>> year_after(date(2027, 3, 1)), year_after(date(2028, 2, 29))
    (datetime.date(2028, 3, 1), datetime.date(2029, 2, 28))
    """
    try:
        return today.replace(year=today.year + 1)
    except ValueError:  # the 29th of February
        return today.replace(year=today.year + 1, day=28)


def _needed(field: str, text: str, missing: str) -> str:
    """A text that may be stored, raises FieldRefused where there is none."""
    text = scrub(clean_text(text)).text
    if not text:
        raise FieldRefused(field, missing)
    return text


def _taken_over(replaces: Rule, department: Department | None) -> RuleFields:
    """What a proposal has of the rule it replaces."""
    rule = Rule.objects.select_related("department", "owner").get(pk=replaces.pk)
    refusal = why_not_replaced(rule)
    if refusal:
        raise FieldRefused("replaces", refusal)
    newest: RuleVersion = rule.versions.latest("number")
    return {
        "topics": list(newest.topics),
        "channels": list(newest.channels),
        "authority": rule.authority,
        "protective": rule.protective,
        "owner": rule.owner,
        "department": department or rule.department,
    }


def _at_hand(proposal: Proposal) -> tuple[Proposal, Rule | None]:
    """The proposal as it is now, and the rule it replaces. Both rules are held, in the order of their codes."""
    numbers = [number for number in (proposal.rule_id, proposal.replaces_id) if number is not None]
    held = list(Rule.objects.select_for_update(of=("self",)).filter(pk__in=numbers).order_by("code"))
    fresh = IN_DOOR.get(pk=proposal.pk)
    return fresh, next((rule for rule in held if rule.pk == fresh.replaces_id), None)


def _concerned(proposal: Proposal) -> list[Rule]:
    replaced = proposal.replaces
    gone = replaced is None or replaced.status == Rule.Status.REMOVED
    return [proposal.rule] if gone or replaced is None else [proposal.rule, replaced]


def _refuse_strangers(proposal: Proposal, by: Acting) -> None:
    person = cast(Person, by)
    if not person.has_perm(DECIDE):
        raise NotAllowed(_("Your role does not decide on proposals. Ask a manager."))
    for rule in _concerned(proposal):
        if not may_change_rule_of(person, rule.department_id, rule.owner_id):
            raise NotAllowed(whom_to_ask(person, rule.department))


def _end_unheard(proposal: Proposal, outcome: str, verb: str, reason: str, by: Acting) -> None:
    """The rule never applies: its wording begins and ends on the same day, and not while a ballot is on it."""
    if not proposal.outcome and (voted_on := why_voted_on(proposal.rule)):
        raise WrongState(voted_on)
    rule = _decide(proposal, outcome, reason, by)
    today = timezone.localdate()
    rule.versions.update(applies_from=today, applies_to=today)
    record(verb, "rule", rule.code, before=Rule.Status.PROPOSED, after=rule.status, by=by)


def _decide(proposal: Proposal, outcome: str, reason: str, by: Acting) -> Rule:
    """Two people who decide at once: the second is told what the first did."""
    done = Proposal.objects.filter(pk=proposal.pk, outcome=OPEN).update(
        outcome=outcome, reason=reason, decided_by_id=by.pk, decided_at=timezone.now()
    )
    if not done:
        raise WrongState(decided(IN_DOOR.get(pk=proposal.pk)))
    rule = proposal.rule
    rule.status = Rule.Status.IN_FORCE if outcome == ENTERED else Rule.Status.REMOVED
    rule.save(update_fields=["status", "updated_at"])
    return rule
