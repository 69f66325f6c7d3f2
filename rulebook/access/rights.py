"""Which rules a person may change: those of the own department. What a role may do at all stands in `roles.py`."""

from typing import cast

from django.db.models import Q
from django.utils.translation import gettext as _

from rulebook.access.models import Department, Person
from rulebook.errors import NotAllowed
from rulebook.journal.services import Acting

CHANGE = "catalogue.change_rule"


def own_departments(person: Person) -> set[int]:
    """Numbers of the departments a person belongs to: that of their team, and those they head or deputise in."""
    which = Q(head=person) | Q(deputy=person)
    return _departments(which | Q(teams=person.team_id) if person.team_id else which)


def headed_departments(person: Person) -> set[int]:
    """Numbers of the departments that a person answers for, as head or as deputy."""
    return _departments(Q(head=person) | Q(deputy=person))


def may_change_rule_of(person: Person, department_id: int | None, owner_id: int | None = None) -> bool:
    """Whether a person may change the rules of a department, or with None those that have none.

    Whoever is named as a rule's owner may change it, whichever department it belongs to, and somebody who may do
    everything may change all. An owner changes the rules of the departments they head or deputise in. A manager
    changes those of the own departments and those that belong to nobody, and all of them while belonging to no
    department: a house that has written down no departments yet must not be locked out of its rules.
    """
    if not person.has_perm(CHANGE):
        return False
    if person.is_superuser or (owner_id is not None and owner_id == person.pk):
        return True
    roles = set(person.groups.values_list("name", flat=True))
    if "owner" in roles and "manager" not in roles:
        return department_id in headed_departments(person)
    own = own_departments(person)
    return department_id is None or not own or department_id in own


def own_rules(person: Person) -> Q | None:
    """`may_change_rule_of` for many rules at once: what makes a rule this person's own; None where all of them are.

    For those who may change rules at all. Two queries for somebody with a role.
    """
    if person.is_superuser:
        return None
    roles = set(person.groups.values_list("name", flat=True))
    if "owner" in roles and "manager" not in roles:
        return Q(department__in=headed_departments(person)) | Q(owner=person)
    own = own_departments(person)
    if not own:
        return None
    return Q(department__in=own) | Q(department=None) | Q(owner=person)


def refuse_others_rules(by: Acting | None, department: Department | None, owner_id: int | None) -> None:
    """The one check of a person's right to a rule, made by the services. None is the system, which may.

    Raises NotAllowed with a sentence that says whom to ask.
    """
    if by is None:
        return
    if not may_change_rule_of(cast(Person, by), department.pk if department else None, owner_id):
        raise NotAllowed(whom_to_ask(cast(Person, by), department))


def refuse_without(by: Acting | None, permission: str) -> None:
    """The one check of what a role may do at all, made by the services; None is the system, which may.

    Raises NotAllowed where nobody gave the person this permission ("votes.change_ballot").
    """
    if by is not None and not cast(Person, by).has_perm(permission):
        raise NotAllowed(_("Your role may not do this. Ask a manager, or whoever runs the installation."))


def whom_to_ask(person: Person, department: Department | None) -> str:
    """The sentence for somebody who may not change a rule of that department."""
    if not person.has_perm(CHANGE):
        return _("Your role reads rules and does not change them. Ask a manager.")
    if department is None:
        return _("This rule belongs to no department, and you change those of your own. Ask a manager.")
    if department.head:
        words = {"department": department.name, "head": str(department.head)}
        return _("This rule belongs to %(department)s. Ask its head, %(head)s, or a manager there.") % words
    return _("This rule belongs to %(department)s. Ask a manager there.") % {"department": department.name}


def _departments(which: Q) -> set[int]:
    return set(Department.objects.filter(which).values_list("pk", flat=True))
