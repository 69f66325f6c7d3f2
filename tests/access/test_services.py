"""Finding and writing down people, departments and teams."""

import pytest
from django.contrib.auth.models import Group

from rulebook.access.models import Person
from rulebook.access.services import (
    department_named,
    find_person,
    keep_department,
    keep_person,
    keep_team,
    owner_named,
    team_named,
)
from rulebook.journal.models import Event, JournalHead
from tests import make

pytestmark = pytest.mark.django_db


def head():
    return JournalHead.objects.get().last


@pytest.mark.parametrize("named", [department_named, team_named])
def test_a_name_is_made_once(named):
    before = head()
    assert named(name="Returns", by=None) == named(name="Returns", by=None)
    assert head() == before + 1


@pytest.mark.parametrize("name", ["anna", "Anna@example.org", "Anna Maria van Dyk", "anna maria van dyk"])
def test_a_person_is_found_by_user_name_mail_and_full_name(name):
    anna = make.person("anna", email="anna@example.org", first_name="Anna Maria", last_name="van Dyk")
    assert find_person(name) == anna


def test_a_user_name_goes_before_a_mail_address():
    make.person("anna", email="desk@example.org")
    desk = make.person("desk@example.org")
    assert find_person("desk@example.org") == desk


def test_a_name_that_fits_several_people_finds_nobody():
    make.person("anna1", first_name="Anna", last_name="Berg")
    make.person("anna2", first_name="Anna", last_name="Berg")
    assert find_person("Anna Berg") is None


def test_an_unknown_owner_is_written_down_without_a_sign_in():
    person = owner_named(name="Anna Berg", by=None)
    assert not person.is_active and not person.is_staff and not person.has_usable_password()
    assert owner_named(name="Anna Berg", by=None) == person


def test_a_name_longer_than_a_user_name_is_cut_the_same_way_each_time():
    name = "x" * 400
    assert owner_named(name=name, by=None) == owner_named(name=name, by=None)
    assert Person.objects.filter(username=name[:150]).count() == 1


def test_a_person_is_stored_together_with_an_event(operator):
    anna = make.person("anna")
    anna.email = "anna@example.org"
    keep_person(person=anna, groups=[], by=operator)
    event = Event.objects.latest("number")
    assert (event.verb, event.object_type, event.object_code) == ("changed", "person", str(anna.pk))
    assert (event.before, event.after) == ("", "email")


def test_a_change_of_rights_is_an_event_with_the_rights_before_and_after(operator):
    anna = make.person("anna", role="agent")
    anna.is_superuser = anna.is_staff = True
    keep_person(person=anna, groups=Group.objects.filter(name__in=["owner", "manager"]), by=operator)
    event = Event.objects.latest("number")
    assert (event.verb, event.before, event.after) == (
        "rights_changed",
        "agent",
        "manager, owner, superuser, staff",
    )


def test_a_person_a_team_or_a_department_stored_as_it_was_is_no_event(operator):
    anna, team, department = make.person("anna", role="agent"), make.team(), make.department()
    before = head()
    keep_person(person=anna, groups=list(anna.groups.all()), by=operator)
    keep_team(team=team, by=operator)
    keep_department(department=department, by=operator)
    assert head() == before
