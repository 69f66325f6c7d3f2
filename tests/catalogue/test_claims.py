"""Claimed laws: a second person confirms them, or they become policies."""

from datetime import date, timedelta

import pytest
from django.utils import timezone

from rulebook.access.models import ClosedPeriod
from rulebook.catalogue import claims
from rulebook.catalogue.claims import claims_due, confirm_authority, confirm_until, expire_claims, mark
from rulebook.catalogue.models import Rule
from rulebook.catalogue.services import change_rule
from rulebook.errors import NotAllowed, RulebookError
from rulebook.journal.models import Event, JournalHead
from tests import make

pytestmark = pytest.mark.django_db
DAY = date(2026, 3, 1)


def claim(code="A", *, on=DAY, by=None, **fields):
    rule = make.rule(code=code, by=by, **{"authority": "law", "clause": "§ 1: no cash.", **fields})
    Rule.objects.filter(pk=rule.pk).update(claimed_on=on)
    return Rule.objects.get(pk=rule.pk)


def stored(rule):
    return Rule.objects.get(pk=rule.pk)


def test_a_second_person_confirms_a_law_with_one_event(manager, admin):
    rule = claim(by=admin)
    before = JournalHead.objects.get().last
    confirm_authority(rule=rule, by=manager, seen=mark(rule))
    now = stored(rule)
    assert (now.claimed, now.ours, now.confirmed_by, now.claimed_by) == (False, False, manager, admin)
    (event,) = Event.objects.filter(number__gt=before)
    assert (event.verb, event.object_type, event.object_code, event.after) == (
        "authority_confirmed", "rule", "A", "law",
    )  # fmt: skip
    with pytest.raises(RulebookError, match="Nothing is left"):
        confirm_authority(rule=rule, by=manager)


def test_nobody_confirms_what_they_claimed_themselves(manager, owner):
    rule = claim(by=manager)
    with pytest.raises(NotAllowed, match="second person"):
        confirm_authority(rule=rule, by=manager)
    assert stored(rule).claimed
    change_rule(rule=rule, fields={"clause": "§ 2: no cash."}, by=make.person(role="manager"))
    confirm_authority(rule=rule, by=manager)  # who claimed the newer words is somebody else
    assert not stored(rule).claimed


def test_a_claim_that_an_import_brought_is_confirmed_by_anybody_who_may_change_rules(manager, agent):
    rule = claim(by=None)
    with pytest.raises(NotAllowed, match="Your role"):
        confirm_authority(rule=rule, by=agent)
    confirm_authority(rule=rule, by=manager)
    assert stored(rule).confirmed_by == manager


def test_who_confirms_may_come_from_another_department(manager):
    manager.team = make.team(department=make.department("Legal"))
    manager.save()
    rule = claim(department=make.department("Finance"))
    confirm_authority(rule=rule, by=manager)
    assert not stored(rule).claimed


def test_without_a_clause_there_is_nothing_to_read(manager):
    rule = claim(clause="")
    with pytest.raises(RulebookError, match="Quote the clause first"):
        confirm_authority(rule=rule, by=manager)
    assert stored(rule).claimed


@pytest.mark.parametrize("authority", ["policy", "habit", "unknown"])
def test_only_laws_and_contracts_are_confirmed(manager, authority):
    with pytest.raises(RulebookError, match="Nothing is left"):
        confirm_authority(rule=make.rule(authority=authority, clause="§ 1"), by=manager)


@pytest.mark.parametrize("change", [{"clause": "§ 2: no cheques."}, {"authority": "contract"}])
def test_words_that_changed_while_somebody_read_them_are_not_confirmed(manager, change):
    rule = claim()
    read = mark(rule)
    change_rule(rule=rule, fields=change, by=None)
    with pytest.raises(RulebookError, match="a moment ago"):
        confirm_authority(rule=rule, by=manager, seen=read)
    assert stored(rule).claimed


def test_a_claim_that_nobody_confirmed_in_fourteen_days_becomes_a_policy_with_one_event():
    rule = claim(clause="§ 1", authority="contract")
    last = confirm_until(rule)
    assert last == date(2026, 3, 15)
    before = JournalHead.objects.get().last
    assert (claims_due(last), expire_claims(today=last)) == (False, 0)
    assert claims_due(last + timedelta(days=1)) and expire_claims(today=last + timedelta(days=1)) == 1
    now = stored(rule)
    assert (now.authority, now.claimed_on, now.clause, now.ours) == ("policy", None, "§ 1", True)
    (event,) = Event.objects.filter(number__gt=before)
    assert (event.verb, event.before, event.after) == ("claim_lapsed", "contract", "policy")
    assert not claims_due(date(2030, 1, 1)) and expire_claims(today=date(2030, 1, 1)) == 0


def test_a_confirmed_law_and_a_fresh_clause_do_not_lapse(manager):
    confirmed, changed, policy = claim("A"), claim("B"), make.rule(code="C", authority="policy")
    confirm_authority(rule=confirmed, by=manager)
    change_rule(rule=changed, fields={"clause": "§ 2"}, by=None)
    assert expire_claims(today=timezone.localdate()) == 0
    assert [stored(rule).authority for rule in (confirmed, changed, policy)] == ["law", "law", "policy"]


def test_many_claims_lapse_a_few_rules_a_transaction(monkeypatch):
    monkeypatch.setattr(claims, "CHUNK", 2)
    for number in range(5):
        claim(f"A{number}")
    sizes = []
    lapse = claims._lapse
    monkeypatch.setattr(claims, "_lapse", lambda **given: sizes.append(len(given["claims"])) or lapse(**given))
    assert expire_claims(today=date(2026, 5, 1)) == 5
    assert sizes == [2, 2, 1]


def test_a_claim_confirmed_while_the_others_lapse_stays_a_law(manager, monkeypatch):
    rule = claim()
    overdue = claims._overdue(date(2026, 5, 1))
    monkeypatch.setattr(claims, "_overdue", lambda today: overdue)
    confirm_authority(rule=rule, by=manager)
    assert expire_claims(today=date(2026, 5, 1)) == 0
    assert stored(rule).authority == "law"


def test_a_rule_that_is_no_law_any_more_has_no_last_day(manager):
    rule = claim()
    change_rule(rule=rule, fields={"authority": "policy"}, by=manager)
    assert confirm_until(stored(rule)) is None and stored(rule).claimed_by is None


def test_other_words_of_a_confirmed_law_are_claimed_anew(manager, admin):
    rule = make.rule("Keep invoices", authority="law", clause="Section 12", by=manager)
    confirm_authority(rule=rule, by=admin)
    change_rule(rule=rule, fields={"title": "Never help"}, by=manager)
    rule.refresh_from_db()
    assert rule.claimed and rule.claimed_by == manager


def test_a_closed_period_stops_the_clock_of_a_claim(django_assert_num_queries):
    rule = claim(on=date(2026, 6, 20))
    ClosedPeriod.objects.create(name="July", first=date(2026, 7, 1), last=date(2026, 7, 31))
    assert confirm_until(rule) == date(2026, 8, 4)  # ten days in June, four in August
    with django_assert_num_queries(2):  # claims old enough, closed periods
        assert not claims_due(date(2026, 8, 4))
    assert expire_claims(today=date(2026, 8, 4)) == 0
    assert expire_claims(today=date(2026, 8, 5)) == 1
