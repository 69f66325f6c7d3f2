"""A flag says that a rule blocked a case: at once where the case is here, else when it comes."""

import pytest

from rulebook.cases.linking_flags import link_flagged, source_of, unlink_flagged
from rulebook.cases.models import CaseRule, DirtyMonth, PendingLink
from rulebook.cases.services import settle_pending_links
from rulebook.journal.models import JournalHead
from tests import make

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk(db):
    return make.source("desk")


@pytest.fixture
def rule(db):
    return make.rule(code="A")


def links():
    said = CaseRule.objects.values_list("case__source__name", "case__external_id", "rule__code", "effect", "origin")
    return set(said)


def waiting():
    return set(PendingLink.objects.values_list("source__name", "external_id", "rule_name", "effect", "origin"))


def test_the_case_of_a_flag_is_linked_once_and_its_months_are_counted_anew(desk, rule):
    case = make.case(desk, "C-1")
    before = JournalHead.objects.get().last
    assert link_flagged(external_id=" C-1 ", rule=rule)
    month = case.opened_day.replace(day=1)
    assert set(DirtyMonth.objects.values_list("subject", "subject_id", "month")) == {
        ("rule", rule.pk, month),
        ("topic", 0, month),
    }
    DirtyMonth.objects.all().delete()
    assert link_flagged(external_id="C-1", rule=rule)
    assert links() == {("desk", "C-1", "A", "blocked", "flag")}
    assert not DirtyMonth.objects.exists() and not PendingLink.objects.exists()
    assert JournalHead.objects.get().last == before, "the flag has its own event, and no event names a case"


def test_what_the_source_says_stands_beside_it(desk, rule):
    make.link(make.case(desk, "C-1"), rule, effect="applied", origin="source")
    link_flagged(external_id="C-1", rule=rule)
    assert links() == {("desk", "C-1", "A", "applied", "source"), ("desk", "C-1", "A", "blocked", "flag")}


def test_a_case_that_is_not_here_is_waited_for_in_the_one_living_source(desk, rule):
    make.source("old", retired=True)
    assert not link_flagged(external_id="C-9", rule=rule)
    assert not link_flagged(external_id="C-9", rule=rule)
    assert waiting() == {("desk", "C-9", "A", "blocked", "flag")}
    make.case(desk, "C-9")
    DirtyMonth.objects.all().delete()
    assert settle_pending_links(by=None) == 1
    assert links() == {("desk", "C-9", "A", "blocked", "flag")}
    assert not waiting() and DirtyMonth.objects.filter(subject="rule", subject_id=rule.pk).exists()


def test_with_several_sources_it_is_waited_for_in_any_of_them(desk, rule):
    counter = make.source("counter")
    link_flagged(external_id="C-9", rule=rule)
    assert waiting() == {(None, "C-9", "A", "blocked", "flag")}
    assert settle_pending_links(by=None) == 0
    make.case(counter, "C-9")
    assert settle_pending_links(by=None) == 1
    assert links() == {("counter", "C-9", "A", "blocked", "flag")} and not waiting()
    assert settle_pending_links(by=None) == 0


def test_a_number_that_two_sources_have_links_neither_until_one_of_them_is_gone(desk, rule):
    counter = make.source("counter")
    make.case(desk, "C-1")
    other = make.case(counter, "C-1")
    assert not link_flagged(external_id="C-1", rule=rule)
    assert settle_pending_links(by=None) == 0 and not links()
    assert waiting() == {(None, "C-1", "A", "blocked", "flag")}
    other.delete()
    assert settle_pending_links(by=None) == 1
    assert links() == {("desk", "C-1", "A", "blocked", "flag")}


def test_links_of_a_source_and_of_no_source_are_settled_together(desk, rule):
    make.source("counter")
    link_flagged(external_id="C-1", rule=rule)
    PendingLink.objects.create(source=desk, external_id="C-2", rule_name="A", effect="applied", origin="source")
    make.case(desk, "C-1")
    make.case(desk, "C-2")
    assert settle_pending_links(by=None) == 2
    assert links() == {("desk", "C-1", "A", "blocked", "flag"), ("desk", "C-2", "A", "applied", "source")}


def test_what_no_flag_says_any_more_is_taken_back_and_nothing_else(desk, rule):
    case = make.case(desk, "C-1")
    make.link(case, rule, effect="blocked", origin="source")
    link_flagged(external_id="C-1", rule=rule)
    link_flagged(external_id="C-9", rule=rule)
    DirtyMonth.objects.all().delete()
    unlink_flagged(external_id="C-1", rule=rule)
    unlink_flagged(external_id="C-9", rule=rule)
    assert links() == {("desk", "C-1", "A", "blocked", "source")}
    assert not waiting() and DirtyMonth.objects.filter(subject="rule", subject_id=rule.pk).exists()


def test_where_a_case_is_from_is_told_by_the_case_or_by_there_being_one_source(desk):
    assert source_of("C-1") == desk
    counter = make.source("counter")
    assert source_of("C-1") is None
    make.case(counter, "C-1")
    assert source_of("C-1") == counter
    make.case(desk, "C-1")
    assert source_of("C-1") is None
