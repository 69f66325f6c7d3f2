"""What can be done with people, departments and teams."""

from collections.abc import Iterable

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group
from django.db.models import F, Model, Value
from django.db.models.functions import Concat
from django.utils import timezone
from django.utils.translation import gettext as _

from rulebook.access.models import ClosedPeriod, Department, Person, Team, TeamLink
from rulebook.access.queries import SMALLEST_SHOWN, team_sizes
from rulebook.access.rights import refuse_without
from rulebook.access.tokens import digest_of, new_token
from rulebook.errors import RulebookError
from rulebook.journal.services import Acting, business_verb, record


@business_verb
def department_named(*, name: str, by: Acting | None) -> Department:
    """The department of that name, made when nobody has named it before."""
    department, made = Department.objects.get_or_create(name=name)
    if made:
        record("created", "department", str(department.pk), by=by)
    return department


@business_verb
def team_named(*, name: str, by: Acting | None) -> Team:
    """The team of that name, made when nobody has named it before."""
    team, made = Team.objects.get_or_create(name=name)
    if made:
        record("created", "team", str(team.pk), by=by)
    return team


@business_verb
def team_ids(*, names: Iterable[str]) -> dict[str, int]:
    """{team name: id}, made where needed. For imports of cases, whose one event stands for all they bring."""
    wanted = set(names)
    known = dict(Team.objects.filter(name__in=wanted).values_list("name", "pk"))
    for name in sorted(wanted - set(known)):
        known[name] = Team.objects.get_or_create(name=name)[0].pk
    return known


@business_verb
def give_sign_in(*, username: str, password: str, role: str, team: Team | None, by: Acting | None) -> Person:
    """A person who can sign in with a role of the roles table; `admin` may do everything. An old password is replaced.

    Managers, owners and operators work in the admin, agents do not.
    """
    person, made = Person.objects.get_or_create(username=username)
    person.is_superuser = role == "admin"
    person.is_staff = role != "agent"
    person.is_active = True
    person.team = team
    person.set_password(password)
    person.save()
    person.groups.set(Group.objects.filter(name=role))
    record("created" if made else "sign_in_given", "person", str(person.pk), after=role, by=by)
    return person


@business_verb
def set_headcount(*, team: Team, headcount: int | None, by: Acting | None) -> None:
    """How many people work in a team: decides whether its figures may be shown by name."""
    before = "" if team.headcount is None else str(team.headcount)
    team.headcount = headcount
    team.save(update_fields=["headcount"])
    record("headcount_set", "team", str(team.pk), before=before, after=str(headcount or ""), by=by)


@business_verb
def set_head(*, department: Department, head: Person | None, by: Acting | None) -> None:
    """Who answers for a department's rules."""
    department.head = head
    department.save(update_fields=["head"])
    record("head_set", "department", str(department.pk), by=by)


@business_verb
def owner_named(*, name: str, by: Acting | None) -> Person:
    """The person meant by a user name, a mail address or a full name, of at most 150 characters.

    Somebody unknown is written down without a sign-in: rules have owners long before their owners have passwords.
    """
    name = name[:150]  # what a user name holds
    person = find_person(name)
    if person is None:
        unknown = {"is_active": False, "password": make_password(None)}
        person, made = Person.objects.get_or_create(username=name, defaults=unknown)
        if made:
            record("created", "person", str(person.pk), by=by)
    return person


def find_person(name: str) -> Person | None:
    """One person by user name, else by mail address, else by full name; None when nobody or several fit."""
    exact = Person.objects.filter(username=name).first()
    if exact is not None:
        return exact
    by_mail = list(Person.objects.filter(email__iexact=name)[:2]) if "@" in name else []
    if len(by_mail) == 1:
        return by_mail[0]
    people = Person.objects.alias(full_name=Concat(F("first_name"), Value(" "), F("last_name")))
    by_name = list(people.filter(full_name__iexact=name)[:2]) if " " in name.strip() else []
    return by_name[0] if len(by_name) == 1 else None


@business_verb
def keep_department(*, department: Department, by: Acting | None) -> None:
    """Store a department as somebody filled it in; a new one without a number is made."""
    _keep(department, "department", by)


@business_verb
def keep_team(*, team: Team, by: Acting | None) -> None:
    """Store a team as somebody filled it in; a new one without a number is made."""
    _keep(team, "team", by)


@business_verb
def keep_closed_period(*, period: ClosedPeriod, by: Acting | None) -> None:
    """Store days on which nobody can be expected to answer; a new period without a number is made."""
    _keep(period, "closed_period", by)


@business_verb
def make_team_link(*, team: Team, by: Acting | None) -> str:
    """A new secret with which the people of a team flag and vote. It is told once: only its hash is stored.

    Raises RulebookError for a team of fewer than five, where "somebody of the team" would be a name; NotAllowed without
    the right to make links.
    """
    refuse_without(by, "access.add_teamlink")
    if team_sizes().get(team.pk, 0) < SMALLEST_SHOWN:
        raise RulebookError(
            _(
                "%(team)s has fewer than %(smallest)s people, so a link would tell who wrote. "
                "Set its headcount, or let its people sign in."
            )
            % {"team": team.name, "smallest": SMALLEST_SHOWN}
        )
    token = new_token()
    TeamLink.objects.create(team=team, digest=digest_of(token), made_by_id=by.pk if by else None)
    record("link_made", "team", str(team.pk), by=by)
    return token


@business_verb
def revoke_team_link(*, link: TeamLink, by: Acting | None) -> bool:
    """Close a link: every device that came by it is a stranger again. False when it was closed before.

    Raises NotAllowed without the right to change links.
    """
    refuse_without(by, "access.change_teamlink")
    closed = TeamLink.objects.filter(pk=link.pk, revoked_at=None).update(revoked_at=timezone.now())
    if closed:
        record("link_revoked", "team", str(link.team_id), by=by)
    return bool(closed)


@business_verb
def keep_person(*, person: Person, groups: Iterable[Group] | None = None, by: Acting | None) -> None:
    """Store a person as somebody filled them in; `groups` None leaves the roles as they are.

    A change of roles, or of what stands beside them, is an event of its own: rights before and after.
    """
    before = _rights(Person.objects.filter(pk=person.pk).first())
    _keep(person, "person", by)
    if groups is not None:
        person.groups.set(groups)
    after = _rights(person)
    if after != before and before is not None:
        record("rights_changed", "person", str(person.pk), before=before[:255], after=(after or "")[:255], by=by)


@business_verb
def password_changed(*, person: Person, by: Acting | None) -> None:
    """Write down that somebody gave a person a new password. Stores nothing else."""
    record("password_changed", "person", str(person.pk), by=by)


def _rights(person: Person | None) -> str | None:
    """Roles and switches of a person, None for nobody: "manager, staff"."""
    if person is None:
        return None
    switches = {"superuser": person.is_superuser, "staff": person.is_staff, "may not sign in": not person.is_active}
    roles = person.groups.order_by("name").values_list("name", flat=True)
    return ", ".join([*roles, *(name for name, on in switches.items() if on)])


def _keep(thing: Model, object_type: str, by: Acting | None) -> None:
    """Store a row with one event that names the columns, and neither when nothing differs from what is stored.

    Raises NotAllowed without the right to add such a row, or to change one.
    """
    refuse_without(by, f"access.{'change' if thing.pk else 'add'}_{thing._meta.model_name}")
    if thing.pk is None:
        thing.save()
        record("created", object_type, str(thing.pk), by=by)
        return
    stored = type(thing)._default_manager.select_for_update().get(pk=thing.pk)
    columns = [column.attname for column in thing._meta.concrete_fields]
    changed = [name for name in columns if getattr(thing, name) != getattr(stored, name)]
    if changed:
        thing.save()
        record("changed", object_type, str(thing.pk), after=",".join(sorted(changed))[:255], by=by)
