"""The random audit: from what it is drawn, who reads it, and what it says of the ledger."""

from collections import Counter
from datetime import UTC, date, datetime

import pytest

from rulebook.cases.intervals import Z90, wilson
from rulebook.errors import NotAllowed, RulebookError
from rulebook.flags import audits
from rulebook.flags.audits import (
    draw_audit,
    estimates,
    month_to_draw,
    newest_estimate,
    next_to_read,
    say_what_stopped,
    what_to_draw,
)
from rulebook.flags.models import Audit, AuditedCase
from rulebook.journal.models import Event
from tests import make

pytestmark = pytest.mark.django_db
HORIZON = datetime(2026, 4, 10, tzinfo=UTC)
MARCH = date(2026, 3, 1)


def source(name="phone", horizon=HORIZON, **fields):
    return make.source(name, horizon=horizon, **fields)


def missed(of, count=1, day=5, **fields):
    opened = datetime(2026, 3, day, 9, tzinfo=UTC)
    return [make.case(of, opened_at=opened, outcome="not_resolved", **fields) for _ in range(count)]


def read_all(audit, verdicts, by):
    for verdict in verdicts:
        say_what_stopped(audited=next_to_read(audit), verdict=verdict, by=by)


@pytest.mark.parametrize(
    ("horizon", "fields", "expected"),
    [
        (datetime(2026, 4, 8, tzinfo=UTC), {}, MARCH),  # the last of March is mature to the second
        (datetime(2026, 4, 7, 23, 59, tzinfo=UTC), {}, date(2026, 2, 1)),
        (datetime(2026, 4, 1, tzinfo=UTC), {"method": "declared"}, MARCH),  # known at once
        (datetime(2026, 4, 7, 22, tzinfo=UTC), {"time_zone": "Europe/Copenhagen"}, MARCH),  # its own midnight
        (None, {}, None),
    ],
)
def test_the_month_is_the_last_in_which_every_contact_is_mature(horizon, fields, expected):
    assert month_to_draw([source(horizon=horizon, **fields)]) == expected


def test_the_slowest_living_source_says_which_month_is_over():
    late = source("mail", datetime(2026, 3, 10, tzinfo=UTC))
    assert month_to_draw([source(), late]) == date(2026, 2, 1)
    late.retired = True
    assert month_to_draw([source("chat"), late]) == MARCH


def test_thirty_are_drawn_from_the_unsolved_and_unflagged_of_the_month_alone(manager):
    desk, rule = source(), make.rule()
    wanted = missed(desk, 40)
    for case in missed(desk, 3):
        make.link(case, rule, origin="flag")
    missed(desk, 3, excluded="spam")
    missed(source("other"), 3)
    make.case(desk, opened_at=datetime(2026, 3, 5, tzinfo=UTC), outcome="resolved")
    make.case(desk, opened_at=datetime(2026, 4, 1, 0, 30, tzinfo=UTC), outcome="not_resolved")
    make.case(desk, opened_at=datetime(2026, 2, 28, 23, 30, tzinfo=UTC), outcome="not_resolved")
    audit = draw_audit(sources=[desk], by=manager)
    assert (audit.month, audit.population, audit.cases.count()) == (MARCH, 40, 30)
    drawn = list(audit.cases.values_list("case", flat=True))
    assert len(set(drawn)) == 30 and set(drawn) <= {case.pk for case in wanted}
    assert list(audit.cases.values_list("place", flat=True)) == list(range(1, 31))
    event = Event.objects.latest("number")
    assert (event.verb, event.object_type, event.object_code, event.after) == ("drawn", "audit", "2026-03", "30")


def test_every_contact_is_as_likely_as_any_other(manager):
    """Of 4 contacts 2 are drawn 200 times: each 100 times, within five standard deviations (7) of it."""
    desk = source()
    numbers = {case.pk for case in missed(desk, 4)}
    counted: Counter[int] = Counter()
    audits.DRAWN, before = 2, audits.DRAWN
    try:
        for _ in range(200):
            counted.update(draw_audit(sources=[desk], by=None).cases.values_list("case", flat=True))
            Audit.objects.all().delete()
    finally:
        audits.DRAWN = before
    assert set(counted) == numbers and all(65 <= times <= 135 for times in counted.values())


def test_a_month_is_drawn_once_and_nothing_is_drawn_from_nothing(manager):
    desk = source()
    with pytest.raises(RulebookError, match="There is nothing to read"):
        draw_audit(sources=[desk], by=manager)
    with pytest.raises(RulebookError, match="No month is over"):
        draw_audit(sources=[], by=manager)
    missed(desk, 3)
    assert draw_audit(sources=[desk], by=manager).population == 3
    with pytest.raises(RulebookError, match="drawn already"):
        draw_audit(sources=[desk], by=manager)


def test_a_contact_that_the_ledger_explains_is_not_read_and_counts_as_not_missed(manager):
    desk, rule = source(), make.rule()
    cases = missed(desk, 30)
    for case in cases[:12]:
        make.link(case, rule)
    make.link(cases[12], rule, effect="applied")  # in play, and it blocked nothing
    audit = draw_audit(sources=[desk], by=manager)
    assert next_to_read(audit).case not in cases[:12]
    read_all(audit, ["rule"] * 6 + ["no_rule"] * 12, manager)
    assert next_to_read(audit) is None
    (found,) = estimates()
    assert (found.drawn, found.explained, found.left, found.told, found.found) == (30, 12, 0, 30, 6)
    assert found.interval == wilson(6, 30, Z90)
    assert [round(bound * 100) for bound in found.interval] == [11, 34]
    assert newest_estimate() == found


def test_a_link_that_came_since_the_draw_explains_the_contact_when_it_is_read(manager):
    desk, rule = source(), make.rule()
    cases = missed(desk, 2)
    audit = draw_audit(sources=[desk], by=manager)
    reading = next_to_read(audit)
    make.link(reading.case, rule, origin="person")
    say_what_stopped(audited=reading, verdict="rule", rule=rule, by=manager)
    (found,) = estimates()
    assert (found.explained, found.found, found.left) == (1, 0, 1) and len(cases) == 2


def test_there_is_no_estimate_while_contacts_are_left_and_none_of_fewer_than_twenty(manager):
    desk = source()
    missed(desk, 30)
    audit = draw_audit(sources=[desk], by=manager)
    assert newest_estimate() is None
    read_all(audit, ["rule"] * 29, manager)
    assert newest_estimate().interval is None
    read_all(audit, ["unknown"], manager)
    found = newest_estimate()
    assert (found.unclear, found.told) == (1, 29) and found.interval == wilson(29, 29, Z90)
    AuditedCase.objects.filter(place__lte=10).update(verdict="unknown")
    assert newest_estimate().told == 19 and newest_estimate().interval is None


def test_a_contact_that_was_erased_before_it_was_read_cannot_be_told(manager):
    desk = source()
    missed(desk, 2)
    audit = draw_audit(sources=[desk], by=manager)
    next_to_read(audit).case.delete()
    assert next_to_read(audit).place == 2
    assert (estimates()[0].left, estimates()[0].unclear) == (1, 1)


def test_of_two_readers_the_first_ones_word_stands_and_one_may_change_the_own(manager):
    desk = source()
    missed(desk, 1)
    audit = draw_audit(sources=[desk], by=manager)
    reading, other = next_to_read(audit), make.person("other", role="manager")
    say_what_stopped(audited=reading, verdict="no_rule", by=manager)
    with pytest.raises(RulebookError, match="Somebody else has read this contact"):
        say_what_stopped(audited=reading, verdict="rule", by=other)
    rule = make.rule()
    say_what_stopped(audited=reading, verdict="rule", rule=rule, by=manager)
    assert AuditedCase.objects.values_list("verdict", "rule", "read_by").get() == ("rule", rule.pk, manager.pk)
    say_what_stopped(audited=reading, verdict="unknown", rule=rule, by=manager)
    assert AuditedCase.objects.values_list("verdict", "rule").get() == ("unknown", None)
    event = Event.objects.latest("number")
    assert (event.verb, event.object_code, event.after) == ("contact_read", "2026-03", "unknown")
    with pytest.raises(RulebookError, match="Say whether"):
        say_what_stopped(audited=reading, verdict="maybe", by=manager)


def test_only_a_role_that_may_draws_and_reads(manager, agent):
    desk = source()
    missed(desk, 1)
    with pytest.raises(NotAllowed):
        draw_audit(sources=[desk], by=agent)
    audit = draw_audit(sources=[desk], by=manager)
    with pytest.raises(NotAllowed):
        say_what_stopped(audited=next_to_read(audit), verdict="rule", by=agent)
    assert next_to_read(audit) is not None


def test_before_a_draw_it_is_known_how_many_are_left_to_read_or_why_there_are_none(manager):
    desk, rule = source(), make.rule()
    assert what_to_draw([]).why_not.startswith("No month is over")
    assert what_to_draw([desk]).why_not.startswith("Every contact of that month was solved")
    cases = missed(desk, 40)
    for case in cases[:10]:
        make.link(case, rule)
        make.link(case, rule, origin="person")
    make.link(cases[10], rule, effect="applied")
    make.link(cases[11], rule, origin="flag")
    found = what_to_draw([desk])
    assert (found.month, found.population, found.explained, found.drawn) == (MARCH, 39, 10, 30)
    assert found.to_read == 22 and not found.why_not  # 30 x 29 / 39
    draw_audit(sources=[desk], by=manager)
    assert what_to_draw([desk]).done and "drawn already" in what_to_draw([desk]).why_not


def test_what_is_printed_is_the_newest_audit_that_has_an_interval():
    for month, verdicts in ((1, ["rule"] * 20), (2, ["no_rule"] * 25), (3, ["rule"] * 3), (4, [""] * 30)):
        audit = Audit.objects.create(month=date(2026, month, 1), drawn_at=HORIZON, population=99)
        case = make.case(make.source())
        AuditedCase.objects.bulk_create(
            AuditedCase(audit=audit, place=place, verdict=verdict, case=case) for place, verdict in enumerate(verdicts)
        )
    assert newest_estimate().month == date(2026, 2, 1)
    Audit.objects.filter(month__lt=MARCH).delete()
    assert newest_estimate().month == MARCH
