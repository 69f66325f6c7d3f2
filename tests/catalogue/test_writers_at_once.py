"""Several people at the same moment, on a database that lets them: nobody is turned away."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection, connections

from rulebook.access.models import Department, Person
from rulebook.access.services import department_named, owner_named
from rulebook.catalogue.models import Rule
from rulebook.catalogue.services import FieldRefused, change_rule, write_down
from tests import make

WRITERS, EACH = 4, 10
pytestmark = [
    pytest.mark.skipif(connection.vendor != "postgresql", reason="threads share one SQLite database in memory"),
    pytest.mark.django_db(transaction=True),
]


def together(work):
    """What `work(number)` gave to each of the writers, who all start at once."""
    start = Barrier(WRITERS)

    def writer(number):
        try:
            start.wait()
            return work(number)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(WRITERS) as pool:
        return list(pool.map(writer, range(WRITERS)))


def test_rules_written_down_at_once_get_a_code_each():
    def write(number):
        return [write_down(fields={"title": f"{number}-{step}"}, by=None).code for step in range(EACH)]

    given = sorted(code for codes in together(write) for code in codes)
    assert given == [f"R-{number:04d}" for number in range(1, WRITERS * EACH + 1)]


def test_people_and_departments_named_at_once_are_made_once():
    def name(number):
        for step in range(EACH):
            owner_named(name=f"Anna {step}", by=None)
            department_named(name=f"Department {step}", by=None)

    together(name)
    assert (Person.objects.count(), Department.objects.count()) == (EACH, EACH)


def test_one_alias_taken_at_once_goes_to_one_rule_and_the_others_are_told():
    rules = [make.rule() for _ in range(WRITERS)]

    def take(number):
        try:
            return change_rule(rule=rules[number], fields={"aliases": ["X"]}, by=None)
        except FieldRefused as refusal:
            return str(refusal)

    answers = together(take)
    assert answers.count(True) == 1
    assert all("already finds rule" in answer for answer in answers if answer is not True)
    assert Rule.objects.filter(names__name="X").count() == 1
