"""What can be done with people, departments and teams."""

from rulebook.access.models import Department, Person, Team
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
def owner_named(*, name: str, by: Acting | None) -> Person:
    """The person meant by a user name, a mail address or a full name.

    Somebody unknown is written down without a sign-in: rules have owners long before their owners have passwords.
    """
    person = find_person(name)
    if person is None:
        person = Person(username=name[:150], is_active=False)
        person.set_unusable_password()
        person.save()
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
    first, _, last = name.rpartition(" ")
    by_name = list(Person.objects.filter(first_name__iexact=first, last_name__iexact=last)[:2]) if first else []
    return by_name[0] if len(by_name) == 1 else None
