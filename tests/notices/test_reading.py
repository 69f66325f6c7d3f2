"""Who has to read what: receipts of one exact text, typos, changes, what is told again or taken back."""

from datetime import date, timedelta

import pytest

from rulebook.access.calendar import add_working_days
from rulebook.catalogue.services import FieldRefused
from rulebook.errors import NotAllowed, WrongState
from rulebook.journal.models import Event
from rulebook.notices.models import Notice, Receipt
from rulebook.notices.queries import earlier, receipts_by_team, unread, unread_of
from rulebook.notices.services import change_notice, mark_read, tell_again, withdraw_notice
from tests import make

MONDAY = date(2026, 3, 2)
DAY = timedelta(days=1)

pytestmark = pytest.mark.django_db


@pytest.fixture
def reader(agent, travel):
    travel(MONDAY)
    return make.voice(agent)


def read(notice, voice):
    notice.refresh_from_db()
    mark_read(notice=notice, voice=voice, seen=notice.text_hash)


def change(notice, by=None, **fields):
    given = {"headline": notice.headline, "play": notice.play, "effective_on": notice.effective_on, "typo": False}
    return change_notice(notice=notice, by=by, **given | fields)


def test_a_notice_is_read_once_and_the_journal_does_not_know(reader):
    notice, events = make.notice(), Event.objects.count()
    assert unread(reader) == [notice]
    read(notice, reader)
    read(notice, reader)
    receipt = Receipt.objects.get()
    assert unread(reader) == [] and receipt.read_on == MONDAY
    assert Event.objects.count() == events


def test_a_device_of_a_teams_link_reads_for_itself(reader):
    team = make.team(headcount=9)
    notice, one, other = make.notice(), make.voice(team=team), make.voice(team=team)
    read(notice, one)
    read(notice, one)
    assert unread(one) == [] and unread(other) == [notice] and Receipt.objects.count() == 1


def test_only_its_teams_are_told(reader):
    mine, others = make.team("Mine"), make.team("Others")
    notice = make.notice(teams=[mine])
    assert unread(make.voice(team=mine)) == [notice]
    assert unread(make.voice(team=others)) == [] == unread(reader)
    with pytest.raises(WrongState, match="not there any more"):
        read(notice, make.voice(team=others))


def test_nobody_sees_a_draft(reader):
    notice = make.notice(publish=False)
    assert unread(reader) == [] and not earlier(reader)
    with pytest.raises(WrongState):
        read(notice, reader)


def test_a_change_asks_anew_and_a_typo_does_not(reader, manager):
    notice = make.notice()
    read(notice, reader)
    mended = change(notice, play="Refund at once!", typo=True, by=manager)
    assert unread(reader) == [] and mended.text_hash == notice.text_hash
    change(mended, play="Refund at once, up to 500 kr.", by=manager)
    assert [one.play for one in unread(reader)] == ["Refund at once, up to 500 kr."]
    assert list(Event.objects.filter(verb="changed", object_type="notice").values_list("after", flat=True)) == [
        "typo", "text",
    ]  # fmt: skip


def test_what_nobody_changed_is_no_change(reader, manager):
    notice = make.notice()
    events = Event.objects.count()
    assert change(notice, by=manager).text_hash == notice.text_hash and Event.objects.count() == events


def test_a_text_that_changed_meanwhile_is_read_once_more(reader):
    notice = make.notice()
    seen = notice.text_hash
    change(notice, play="Something else.")
    with pytest.raises(WrongState, match="changed a moment ago"):
        mark_read(notice=notice, voice=reader, seen=seen)
    assert not Receipt.objects.exists()


def test_another_day_is_no_typo_and_can_only_be_put_off(reader):
    notice = make.notice(effective_on=MONDAY + 3 * DAY)
    for day, typo, sentence in [
        (MONDAY + 4 * DAY, True, "Another day is no typo"),
        (MONDAY + 2 * DAY, False, "put off, not brought forward"),
    ]:
        with pytest.raises(FieldRefused, match=sentence):
            change(notice, effective_on=day, typo=typo)
    assert change(notice, effective_on=MONDAY + 7 * DAY).effective_on == MONDAY + 7 * DAY


def test_a_change_leaves_a_working_day_to_read(reader, travel):
    friday = MONDAY + 4 * DAY
    notice = make.notice(effective_on=friday + DAY)
    travel(friday)
    with pytest.raises(FieldRefused, match="Choose Monday 9 March 2026 or later"):
        change(notice, play="Something else.")
    changed = change(notice, play="Something else.", effective_on=add_working_days(friday, 1))
    assert changed.published_on == friday and changed.effective_on == MONDAY + 7 * DAY


def test_what_holds_already_can_be_said_better_but_keeps_its_day(reader, travel):
    notice = make.notice()
    travel(MONDAY + 9 * DAY)
    with pytest.raises(FieldRefused, match="Its day stays"):
        change(notice, effective_on=MONDAY + 20 * DAY)
    assert change(notice, play="Something else.").effective_on == MONDAY + DAY


def test_an_agent_changes_nothing(reader, agent, owner):
    notice = make.notice()
    for person in (agent, owner):
        with pytest.raises(NotAllowed):
            change(notice, play="Something else.", by=person)
        with pytest.raises(NotAllowed):
            tell_again(notice=notice, by=person)


def test_told_again_it_is_read_anew_and_the_receipt_stays(reader, travel):
    notice = make.notice()
    read(notice, reader)
    travel(MONDAY + 9 * DAY)
    assert tell_again(notice=notice) and not tell_again(notice=notice)
    assert unread(reader) == [notice] and Receipt.objects.get().read_on == MONDAY
    read(notice, reader)
    assert unread(reader) == [] and Receipt.objects.get().read_on == MONDAY + 9 * DAY


def test_who_read_what_was_taken_back_is_told_so_and_nobody_else(reader):
    notice, other = make.notice(), make.voice()
    read(notice, reader)
    withdraw_notice(notice=notice, by=None)
    assert unread(reader) == [notice] and unread(other) == []
    read(notice, reader)
    assert unread(reader) == [] and not earlier(reader)


def test_where_the_rule_is_put_back_that_notice_is_enough(reader):
    rule = make.rule()
    first = make.notice(rule)
    read(first, reader)
    withdraw_notice(notice=first, by=None)
    back = make.notice(rule, kind="put_back")
    assert unread(reader) == [back]


def test_last_years_news_is_no_homework_but_is_found(reader, travel):
    notice = make.notice(make.rule("Refunds need two signatures", code="REF-1"))
    travel(MONDAY + 200 * DAY)
    assert unread(reader) == [] and list(earlier(reader)) == [notice]
    for words in ("SIGNATURES two", "ref-1", "at once", ""):
        assert list(earlier(reader, words)) == [notice], words
    assert not earlier(reader, "signatures three")


def test_all_readers_at_once_give_what_each_alone_gives(reader, travel):
    """Whatever was read, told again or taken back."""
    team, people = make.team(), [reader.person]
    people += [make.person(team=team), make.person(team=team)]
    notices = [make.notice(), make.notice(teams=[team]), make.notice(), make.notice(publish=False)]
    read(notices[0], make.voice(people[1]))
    read(notices[2], make.voice(people[2]))
    withdraw_notice(notice=notices[2], by=None)
    travel(MONDAY + DAY)
    tell_again(notice=notices[0])
    alone = {person.pk: unread(make.voice(person)) for person in people}
    assert unread_of(people) == alone and [len(found) for found in alone.values()] == [1, 2, 3]


def test_counts_are_of_teams_of_five_and_the_smaller_ones_together(reader):
    large, small = make.team("Large", headcount=8), [make.team(f"Small {n}", headcount=3) for n in range(2)]
    notice = make.notice()
    for team in (large, large, small[0]):
        read(notice, make.voice(team=team))
    assert [(str(one.team), one.read, one.people) for one in receipts_by_team(notice)] == [
        ("Large", 2, 8), ("None", 1, 6),
    ]  # fmt: skip


def test_of_fewer_than_five_nothing_is_said(reader):
    make.team("Large", headcount=8)
    alone = make.team("Small", headcount=2)
    notice = make.notice(teams=[alone])
    read(notice, make.voice(team=alone))
    assert receipts_by_team(notice) == []


def test_one_person_in_many_windows_is_no_team(reader):
    team = make.team("Chat", headcount=5)
    notice = make.notice()
    for _window in range(9):
        read(notice, make.voice(team=team))
    assert [(one.read, one.people) for one in receipts_by_team(notice)] == [(5, 5)]


def test_after_telling_again_only_new_readers_count(reader, travel):
    team = make.team("Chat", headcount=5)
    notice, early = make.notice(), make.voice(team=team)
    read(notice, early)
    travel(MONDAY + DAY)
    tell_again(notice=notice)
    notice.refresh_from_db()
    assert receipts_by_team(notice)[0].read == 0
    read(notice, early)
    assert receipts_by_team(notice)[0].read == 1


def test_a_new_draft_about_the_same_begins_anew(reader):
    notice = make.notice(about="review 7")
    read(notice, reader)
    withdraw_notice(notice=notice, by=None)
    again = make.notice(about="review 7", play="Another way.")
    assert again.pk == notice.pk and again.state == Notice.State.PUBLISHED and unread(reader) == [again]
