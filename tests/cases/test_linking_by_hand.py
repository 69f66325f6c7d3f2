"""A person says that a case met a rule, and takes it back; nothing else can be taken back by hand."""

import pytest

from rulebook.cases.linking_by_hand import link_by_hand, unlink_by_hand
from rulebook.cases.models import CaseRule, DirtyMonth
from rulebook.errors import RulebookError, WrongUsage
from rulebook.journal.models import Event, JournalHead
from tests import make

pytestmark = pytest.mark.django_db


@pytest.fixture
def case(db):
    return make.case(make.source("desk"), "C-1", topic=make.topic("returns"))


def said(case):
    return set(CaseRule.objects.filter(case=case).values_list("rule__code", "effect", "origin"))


def dirty():
    return set(DirtyMonth.objects.values_list("subject", "subject_id", "month"))


def events():
    return list(Event.objects.filter(object_type="rule").values_list("verb", "object_code", "before", "after"))[-1:]


def test_a_link_by_hand_is_a_persons_and_one_event_that_names_no_case(case, manager):
    rule = make.rule(code="A")
    before = JournalHead.objects.get().last
    assert link_by_hand(case=case, rule=rule, effect="blocked", by=manager)
    assert said(case) == {("A", "blocked", "person")}
    (event,) = Event.objects.filter(number__gt=before)
    assert (event.verb, event.object_type, event.object_code, event.after) == ("linked", "rule", "A", "blocked")
    assert "C-1" not in str([event.before, event.after, event.object_code, event.note])


def test_to_say_the_same_twice_changes_nothing(case, manager):
    rule = make.rule(code="A")
    link_by_hand(case=case, rule=rule, effect="blocked", by=manager)
    before = JournalHead.objects.get().last
    DirtyMonth.objects.all().delete()
    assert not link_by_hand(case=case, rule=rule, effect="blocked", by=manager)
    assert JournalHead.objects.get().last == before and not dirty()


def test_a_person_says_one_effect_and_the_new_one_takes_the_place_of_the_old(case, manager):
    rule = make.rule(code="A")
    link_by_hand(case=case, rule=rule, effect="blocked", by=manager)
    assert link_by_hand(case=case, rule=rule, effect="applied", by=manager)
    assert said(case) == {("A", "applied", "person")}
    assert events() == [("linked", "A", "blocked", "applied")]


def test_what_the_source_and_a_flag_say_stands_beside_it(case, manager):
    rule = make.rule(code="A")
    make.link(case, rule, effect="applied", origin="source")
    make.link(case, rule, effect="blocked", origin="flag")
    link_by_hand(case=case, rule=rule, effect="blocked", by=manager)
    assert said(case) == {("A", "applied", "source"), ("A", "blocked", "flag"), ("A", "blocked", "person")}


def test_every_rule_of_the_case_and_its_topic_are_to_be_computed_anew(case, manager):
    """A case that a second rule blocked counts half for the first from then on."""
    first, second = make.rule(code="A"), make.rule(code="B")
    make.link(case, first)
    month = case.opened_day.replace(day=1)
    expected = {("rule", first.pk, month), ("rule", second.pk, month), ("topic", case.topic_id, month)}
    link_by_hand(case=case, rule=second, effect="blocked", by=manager)
    assert dirty() == expected
    DirtyMonth.objects.all().delete()
    unlink_by_hand(link=CaseRule.objects.get(rule=second), by=manager)
    assert dirty() == expected
    assert said(case) == {("A", "blocked", "source")}
    assert events() == [("unlinked", "B", "blocked", "")]


@pytest.mark.parametrize("origin", ["source", "matcher", "suggestion", "flag"])
def test_a_link_that_no_person_made_is_explained_and_stays(case, manager, origin):
    link = make.link(case, make.rule(code="A"), origin=origin)
    before = JournalHead.objects.get().last
    with pytest.raises(RulebookError) as refusal:
        unlink_by_hand(link=link, by=manager)
    assert str(refusal.value).endswith(".")
    assert said(case) == {("A", "blocked", origin)}
    assert JournalHead.objects.get().last == before and not dirty()


def test_a_link_that_is_gone_already_is_no_error(case, manager):
    link = make.link(case, make.rule(code="A"), origin="person")
    CaseRule.objects.all().delete()
    assert not unlink_by_hand(link=link, by=manager)


def test_an_unknown_effect_and_a_case_that_is_gone_are_refused(case, manager):
    rule = make.rule(code="A")
    with pytest.raises(WrongUsage, match="neither applied nor blocked"):
        link_by_hand(case=case, rule=rule, effect="hindered", by=manager)
    case_id = case.pk
    case.delete()
    case.pk = case_id
    with pytest.raises(RulebookError, match="no longer here"):
        link_by_hand(case=case, rule=rule, effect="blocked", by=manager)
