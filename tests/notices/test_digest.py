"""The morning's letters: one a working day at most, and only where there is something new to read."""

from datetime import UTC, date, datetime, timedelta

import pytest

from rulebook.access.models import ClosedPeriod, Letter
from rulebook.desk.work import work
from rulebook.notices.digest import digests_due, last_working_day, write_digests
from rulebook.notices.models import Notice
from rulebook.notices.services import change_notice, mark_read, tell_again
from tests import make

MONDAY = date(2026, 3, 2)
DAY = timedelta(days=1)

pytestmark = pytest.mark.django_db


@pytest.fixture
def anna(travel):
    travel(MONDAY)
    return make.person("anna", role="agent", email="anna@example.org", language="da")


def due(day, hour=8, seen=""):
    return digests_due(seen, datetime(day.year, day.month, day.day, hour, tzinfo=UTC))


def test_agents_who_have_to_read_get_a_letter_with_what_to_do(anna, agent):
    make.person("both", role="manager", email="m@example.org")
    make.notice(make.rule("Refunds need two signatures"), kind="delegated", limit="500 kr", play="Refund.\nWrite why.")
    assert due(MONDAY) and write_digests(MONDAY) == 1
    letter = Letter.objects.get()
    assert letter.to == anna and "/notices/" in letter.body
    assert "- Refund.\n- Write why.\n" in letter.body and "500 kr" in letter.body


def test_who_has_read_it_gets_none(anna):
    notice = make.notice()
    mark_read(notice=notice, voice=make.voice(anna), seen=notice.text_hash)
    assert write_digests(MONDAY) == 0


def test_the_same_news_are_told_once(anna, travel):
    make.notice()
    assert (write_digests(MONDAY), write_digests(MONDAY)) == (1, 0)
    assert not due(MONDAY + DAY)
    travel(MONDAY + DAY)
    notice = make.notice(play="Something else.")
    assert due(MONDAY + DAY) and write_digests(MONDAY + DAY) == 1
    assert Letter.objects.order_by("pk").last().body.count("Something else.") == 1
    assert "Refund at once." not in Letter.objects.order_by("pk").last().body
    travel(MONDAY + 2 * DAY)
    tell_again(notice=notice)
    assert due(MONDAY + 2 * DAY) and write_digests(MONDAY + 2 * DAY) == 1


def test_a_typo_is_no_news_and_a_change_is(anna):
    notice = make.notice(effective_on=MONDAY + 3 * DAY)
    write_digests(MONDAY)
    for typo in (True, False):
        given = {"headline": "", "play": f"Mended {typo}.", "effective_on": notice.effective_on}
        change_notice(notice=notice, by=None, typo=typo, **given)
        assert due(MONDAY + DAY) is not typo


def test_an_interrupted_round_writes_nobody_twice(anna):
    make.notice()
    write_digests(MONDAY)
    Notice.objects.update(in_letters_on=None)  # killed before it kept that in mind
    assert write_digests(MONDAY) == 0 and Letter.objects.count() == 1


def test_they_wait_for_a_working_morning(anna):
    make.notice()
    ClosedPeriod.objects.create(name="Holiday", first=MONDAY, last=MONDAY)
    saturday = MONDAY + 5 * DAY
    assert not due(MONDAY) and not due(saturday) and not due(MONDAY + DAY, hour=4)
    assert due(MONDAY + DAY) and not due(MONDAY + DAY, seen=str(MONDAY + DAY))
    assert last_working_day(MONDAY + DAY) == MONDAY - 3 * DAY


def test_work_writes_them_once_a_day(anna, travel):
    travel(date(2027, 3, 1))  # a Monday; a duty's first turn is the real now
    make.notice()
    assert [done.what for done in work() or () if done.duty == "digests"] == ["Letters about notices to read: 1."]
    make.notice()
    assert [done for done in work() or () if done.duty == "digests"] == []
