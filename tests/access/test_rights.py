"""Who may change which rules: a table of people and departments."""

import pytest
from django.contrib.auth.models import Group, Permission

from rulebook.access.models import Person
from rulebook.access.rights import may_change_rule_of, own_departments, whom_to_ask
from rulebook.catalogue.models import Rule
from rulebook.catalogue.services import change_rule
from rulebook.errors import NotAllowed
from rulebook.journal.models import JournalHead
from tests import make

pytestmark = pytest.mark.django_db

FINANCE, SALES, NONE = "Finance", "Sales", ""
# person -> the departments whose rules they may change; "" are the rules without one
TABLE = {
    "somebody who may do everything": {FINANCE, SALES, NONE},
    "a manager of no department": {FINANCE, SALES, NONE},
    "a manager in a team of Finance": {FINANCE, NONE},
    "a manager in a team of no department": {FINANCE, SALES, NONE},
    "a manager in a team of Finance who heads Sales": {FINANCE, SALES, NONE},
    "a manager who is deputy in Sales": {SALES, NONE},
    "an owner who heads Finance": {FINANCE},
    "an owner who is deputy in Sales": {SALES},
    "an owner in a team of Finance": set(),
    "an owner who is a manager too and heads Finance": {FINANCE, NONE},
    "an agent who heads Finance": set(),
    "an operator": set(),
    "an outsider": set(),
    "somebody who may do everything and has left": set(),
}


@pytest.fixture
def departments(db):
    return {name: make.department(name) for name in (FINANCE, SALES)} | {NONE: None}


@pytest.fixture
def cast(departments):
    finance = departments[FINANCE]
    phones, mails = make.team("Phones", department=finance), make.team("Mails")
    made = {
        "somebody who may do everything": make.person(is_staff=True, is_superuser=True),
        "a manager of no department": make.person(role="manager"),
        "a manager in a team of Finance": make.person(role="manager", team=phones),
        "a manager in a team of no department": make.person(role="manager", team=mails),
        "a manager in a team of Finance who heads Sales": make.person(role="manager", team=phones),
        "a manager who is deputy in Sales": make.person(role="manager", team=mails),
        "an owner who heads Finance": make.person(role="owner"),
        "an owner who is deputy in Sales": make.person(role="owner"),
        "an owner in a team of Finance": make.person(role="owner", team=phones),
        "an owner who is a manager too and heads Finance": make.person(role="owner"),
        "an agent who heads Finance": make.person(role="agent", team=phones),
        "an operator": make.person(role="operator", team=phones),
        "an outsider": make.person(is_staff=True, team=phones),
        "somebody who may do everything and has left": make.person(is_superuser=True, is_active=False),
    }
    made["an owner who is a manager too and heads Finance"].groups.add(Group.objects.get(name="manager"))
    return made


def given_posts(person, name, departments):
    for department in filter(None, departments.values()):
        if f"heads {department.name}" in name:
            department.head = person
        elif f"deputy in {department.name}" in name:
            department.deputy = person
        department.save()
    return Person.objects.get(pk=person.pk)


@pytest.mark.parametrize("name", TABLE)
def test_everybody_changes_the_rules_that_the_table_says_and_no_others(cast, departments, name):
    assert set(cast) == set(TABLE)
    person = given_posts(cast[name], name, departments)
    for label, department in departments.items():
        rule = make.rule(f"Of {label}", department=department)
        before = JournalHead.objects.get().last
        allowed = label in TABLE[name]
        assert may_change_rule_of(person, department.pk if department else None) == allowed, label
        if allowed:
            assert change_rule(rule=rule, fields={"purpose": "Why not."}, by=person)
        else:
            with pytest.raises(NotAllowed):
                change_rule(rule=rule, fields={"purpose": "Why not."}, by=person)
            assert JournalHead.objects.get().last == before
            assert Rule.objects.get(pk=rule.pk).purpose == ""


def test_the_system_changes_every_rule(departments):
    assert change_rule(rule=make.rule(department=departments[FINANCE]), fields={"purpose": "Order"}, by=None)


def test_a_rule_is_given_away_by_its_own_department_and_taken_by_no_other(cast, departments):
    person = given_posts(cast["a manager in a team of Finance"], "", departments)
    own = make.rule(department=departments[FINANCE])
    assert change_rule(rule=own, fields={"department": departments[SALES]}, by=person)
    with pytest.raises(NotAllowed, match="belongs to Sales"):
        change_rule(rule=own, fields={"department": departments[FINANCE]}, by=person)


def test_a_role_of_the_houses_own_that_may_change_rules_counts_as_a_manager(departments):
    group = Group.objects.create(name="editors")
    group.permissions.add(Permission.objects.get(codename="change_rule"))
    person = make.person(is_staff=True, team=make.team(department=departments[SALES]))
    person.groups.add(group)
    assert [may_change_rule_of(person, departments[name].pk) for name in (SALES, FINANCE)] == [True, False]


def test_somebody_may_belong_to_several_departments(departments):
    person = make.person(role="manager", team=make.team(department=departments[FINANCE]))
    assert own_departments(person) == {departments[FINANCE].pk}
    departments[SALES].deputy = person
    departments[SALES].save()
    assert own_departments(person) == {departments[FINANCE].pk, departments[SALES].pk}
    assert own_departments(make.person()) == set()


def test_who_may_not_is_told_whom_to_ask(departments, owner, agent):
    finance = departments[FINANCE]
    assert "belongs to Finance. Ask a manager there." in whom_to_ask(owner, finance)
    finance.head = make.person(first_name="Anna", last_name="Berg")
    assert "Ask its head, Anna Berg" in whom_to_ask(owner, finance)
    assert "belongs to no department" in whom_to_ask(owner, None)
    assert "Your role reads rules" in whom_to_ask(agent, finance)


def test_a_check_costs_a_few_queries_whatever_the_house_is_like(departments, django_assert_num_queries):
    person = Person.objects.get(pk=make.person(role="manager").pk)
    for _ in range(5):
        make.department(head=person, deputy=person)
    with django_assert_num_queries(4):  # rights given to the person, rights of the roles, roles, own departments
        assert not may_change_rule_of(person, departments[FINANCE].pk)


def test_whoever_is_named_as_the_owner_may_change_the_rule_of_any_department(departments):
    named = make.person(role="owner")
    rule = make.rule(department=departments[FINANCE], owner=named)
    change_rule(rule=rule, fields={"purpose": "Nobody remembers."}, by=named)
    assert Rule.objects.get().purpose == "Nobody remembers."
    assert not may_change_rule_of(make.person(role="agent"), None, None)
    agent = make.person(role="agent")
    assert not may_change_rule_of(agent, departments[FINANCE].pk, agent.pk)
