"""The roles table and the groups that are made from it."""

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, Permission

from rulebook.access.roles import ROLES, sync_roles

pytestmark = pytest.mark.django_db


def named(grants):
    return {
        f"{label.partition('.')[0]}.{action}_{label.partition('.')[2]}"
        for label, actions in grants.items()
        for action in actions
    }


def held(group):
    found = group.permissions.select_related("content_type")
    return {f"{permission.content_type.app_label}.{permission.codename}" for permission in found}


def test_migrate_makes_every_role_with_exactly_the_permissions_of_the_table():
    assert {group.name: held(group) for group in Group.objects.all()} == {role: named(ROLES[role]) for role in ROLES}


@pytest.mark.parametrize("role", ROLES)
def test_every_model_and_permission_of_the_table_exists(role):
    for label in ROLES[role]:
        assert apps.get_model(label)
    existing = {f"{permission.content_type.app_label}.{permission.codename}" for permission in Permission.objects.all()}
    existing_of = named(ROLES[role]) - existing
    assert existing_of == set()


def test_a_permission_that_somebody_added_to_a_role_is_taken_back():
    group = Group.objects.get(name="agent")
    group.permissions.add(Permission.objects.get(codename="view_case"))
    sync_roles()
    assert held(group) == set()


def test_groups_of_other_names_are_left_alone():
    other = Group.objects.create(name="auditors")
    other.permissions.add(Permission.objects.get(codename="view_event"))
    sync_roles()
    assert held(other) == {"journal.view_event"}


def test_nobody_may_delete_through_a_role():
    assert not [name for role in ROLES for name in named(ROLES[role]) if ".delete_" in name]
