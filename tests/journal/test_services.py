"""Business verbs and the numbering of events."""

import pytest
from django.db import OperationalError

from rulebook.access.models import Department, Person
from rulebook.access.services import department_named
from rulebook.errors import LostRace, RulebookError
from rulebook.journal import services
from rulebook.journal.models import Actor, Event, JournalHead, Note
from rulebook.journal.services import business_verb, record

pytestmark = pytest.mark.django_db


def head():
    return JournalHead.objects.get().last


def numbers():
    return list(Event.objects.values_list("number", flat=True))


@business_verb
def open_office(*, name, by=None, note=""):
    Department.objects.create(name=name)
    record("opened", "department", name, by=by, note=note)


@business_verb
def open_many(*, names, failing=()):
    for name in names:
        open_office(name=name)
    for name in failing:
        try:
            fail(name=name)
        except RulebookError:
            continue


@business_verb
def fail(*, name):
    open_office(name=name)
    record("failed", "department", name, by=None)
    raise RulebookError("No.")


def test_events_are_numbered_without_a_gap_in_the_order_they_were_recorded():
    before = head()
    open_many(names=["a", "b"])
    open_office(name="c")
    events = list(Event.objects.filter(number__gt=before).values_list("number", "object_code"))
    assert events == [(before + 1, "a"), (before + 2, "b"), (before + 3, "c")]
    assert head() == before + 3


def test_an_event_names_its_actor_and_note_by_number_only(manager):
    open_office(name="a", by=manager, note="We grow.")
    event = Event.objects.latest("number")
    assert Actor.objects.get(number=event.actor).name == "manager"
    assert Note.objects.get(number=event.note).text == "We grow."


def test_an_inner_verb_that_fails_takes_its_writes_and_events_with_it():
    before = head()
    open_many(names=["a"], failing=["b"])
    assert set(Department.objects.values_list("name", flat=True)) == {"a"}
    assert head() == before + 1


def test_an_outer_verb_that_fails_leaves_nothing():
    before = head()
    with pytest.raises(RulebookError):
        fail(name="b")
    assert not Department.objects.exists()
    assert head() == before


def test_an_event_outside_a_business_verb_is_refused():
    with pytest.raises(RuntimeError):
        record("opened", "department", "a", by=None)


def test_a_verb_that_changes_nothing_writes_no_event():
    department_named(name="Finance", by=None)
    before = head()
    department_named(name="Finance", by=None)
    assert head() == before


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("error", [LostRace("Somebody was first."), OperationalError("database is locked")])
def test_a_lost_race_is_tried_again_twice_and_then_raised(error, monkeypatch):
    monkeypatch.setattr(services.time, "sleep", lambda seconds: None)
    tries = []

    @business_verb
    def race(*, wins_at):
        tries.append(1)
        open_office(name=f"try {len(tries)} of {wins_at}")
        if len(tries) < wins_at:
            raise error

    before = head()
    race(wins_at=3)
    assert len(tries) == 3
    assert list(Department.objects.values_list("name", flat=True)) == ["try 3 of 3"]
    assert head() == before + 1

    tries.clear()
    with pytest.raises(type(error)):
        race(wins_at=4)
    assert len(tries) == 3
    assert head() == before + 1


@pytest.mark.django_db(transaction=True)
def test_another_fault_is_not_tried_again():
    tries = []

    @business_verb
    def stumble():
        tries.append(1)
        raise OperationalError("disk is full")

    with pytest.raises(OperationalError):
        stumble()
    assert len(tries) == 1


def test_the_person_who_acts_is_known_by_the_name_of_that_day():
    anna = Person.objects.create(username="anna", first_name="Anna", last_name="Berg")
    open_office(name="a", by=anna)
    anna.last_name = "Dahl"
    anna.save()
    open_office(name="b", by=anna)
    open_office(name="c", by=anna)
    actors = dict(Actor.objects.filter(reference=anna.pk).values_list("number", "name"))
    events = Event.objects.filter(actor__in=actors).order_by("number")
    assert [actors[event.actor] for event in events] == ["Anna Berg", "Anna Dahl", "Anna Dahl"]
