"""Anonymous flags go out together the day after, and nothing about them tells in which order they came."""

import random
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection

from rulebook.catalogue.models import Rule
from rulebook.desk import work
from rulebook.flags import holding
from rulebook.flags.holding import releasable_before, release_due, release_held
from rulebook.flags.models import Flag, HeldFlag
from rulebook.flags.queries import fate_of
from rulebook.flags.services import More, Telling, add_to_flag, send_flag
from rulebook.journal.models import Event
from tests import make

pytestmark = pytest.mark.django_db
TODAY = date(2026, 11, 24)


def send(number, **said):
    telling = Telling(stopped=f"flag {number:02}", **said)
    return send_flag(form=f"a-random-number-of-form-{number}", telling=telling, anonymous=True, by=None, team=None)


def held_since(day):
    HeldFlag.objects.filter(held_on__gt=day).update(held_on=day)


def test_flags_of_earlier_days_go_out_with_all_they_say_and_one_event_with_their_count():
    rule = make.rule(code="A")
    sent = send(1, rule=rule, customer_heard="I can’t decide that", channel="phone")
    more = More(solved=False, minutes=5, instead="x", decision="y", quotable=True)
    add_to_flag(once=sent.once, more=more, by=None, receipt=sent.receipt)
    send(2)
    held_since(TODAY - timedelta(days=1))
    send(3)
    HeldFlag.objects.filter(stopped="flag 03").update(held_on=TODAY)
    assert release_held(today=TODAY) == 2
    assert list(HeldFlag.objects.values_list("stopped", flat=True)) == ["flag 03"]
    flag = Flag.objects.get(rule=rule)
    assert flag.anonymous and flag.flagged_on == TODAY - timedelta(days=1)
    assert (flag.author, flag.team, flag.source, flag.case_reference, flag.flagged_at) == (None, None, None, "", None)
    said = ("customer_heard", "channel", "solved", "minutes", "instead", "decision", "quotable")
    expected = ("I can’t decide that", "phone", False, 5, "x", "y", True)
    assert tuple(getattr(flag, name) for name in said) == expected
    event = Event.objects.latest("number")
    assert (event.verb, event.object_type, event.object_code, event.after) == ("flags_released", "flag", "", "2")
    assert Event.objects.filter(object_type="flag").count() == 1


def test_without_flags_of_earlier_days_nothing_happens():
    send(1)
    today = HeldFlag.objects.get().held_on
    assert not release_due(today) and release_held(today=today) == 0
    assert not Flag.objects.exists() and not Event.objects.filter(verb="flags_released").exists()


def test_a_flag_on_a_rule_that_was_removed_goes_out_marked():
    rule = make.rule(code="A")
    send(1, rule=rule)
    Rule.objects.filter(pk=rule.pk).update(status=Rule.Status.REMOVED)
    held_since(TODAY - timedelta(days=1))
    release_held(today=TODAY)
    assert Flag.objects.get().rule_was_removed


@pytest.mark.parametrize(
    ("now", "before"),
    [
        (datetime(2026, 11, 23, 23, 30, tzinfo=UTC), date(2026, 11, 23)),  # 0:30 in Copenhagen: somebody may still add
        (datetime(2026, 11, 24, 0, 30, tzinfo=UTC), date(2026, 11, 24)),
        (datetime(2026, 11, 24, 22, 30, tzinfo=UTC), date(2026, 11, 24)),
    ],
)
def test_flags_go_out_an_hour_after_midnight_when_nobody_can_add_to_them_any_more(now, before):
    assert releasable_before(now) == before


def test_the_work_in_the_background_lets_them_out():
    send(1)
    assert not work.is_due()
    held_since(TODAY - timedelta(days=300))
    assert work.is_due()
    assert "Anonymous flags released: 1." in [done.what for done in work.work()]
    assert Flag.objects.count() == 1 and not HeldFlag.objects.exists()


def test_the_code_finds_a_flag_while_it_waits_and_after_it_went_out():
    sent = send(1)
    assert fate_of(sent.receipt.lower()).flag is None
    held_since(TODAY - timedelta(days=1))
    release_held(today=TODAY)
    assert fate_of(sent.receipt).flag == Flag.objects.get()
    assert fate_of("7KM-R4T-2QX") is None and fate_of("") is None and fate_of("0" * 1000) is None
    assert send(1).receipt == sent.receipt and not HeldFlag.objects.exists(), "sent once more a day later: still one"


def test_numbers_are_new_whenever_a_flag_joins_or_changes():
    sent = [send(number) for number in range(3)]
    before = set(HeldFlag.objects.values_list("pk", flat=True))
    add_to_flag(once=sent[0].once, more=More(minutes=5), by=None, receipt=sent[0].receipt)
    after = set(HeldFlag.objects.values_list("pk", flat=True))
    assert not before & after and len(after) == 3
    held_since(TODAY - timedelta(days=1))
    release_held(today=TODAY)
    assert not after & set(Flag.objects.values_list("pk", flat=True))


def in_order_of_the_file(table):
    """Texts in the order in which a dump of the table writes them."""
    place = "ctid" if connection.vendor == "postgresql" else "rowid"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT stopped FROM {table} ORDER BY {place}")
        return [text for (text,) in cursor.fetchall()]


def agreement(order):
    """How many pairs stand in the order in which they came, from 0 to 1; one half is chance."""
    places = [int(text.removeprefix("flag ")) for text in order]
    pairs = [(one, other) for at, one in enumerate(places) for other in places[at + 1 :]]
    return sum(one < other for one, other in pairs) / len(pairs)


WORLDS, FLAGS = 30, 8
# 30 shuffles of 8 have a standard error of 0.027 around one half: 0.15 is beyond five of them.
CHANCE = 0.15


@pytest.mark.parametrize("added", [False, True])
def test_neither_the_numbers_nor_the_places_of_the_rows_tell_which_came_first(monkeypatch, added):
    monkeypatch.setattr(holding, "CHANCE", random.Random(4))
    tables = {"flags_heldflag": [], "flags_flag": []}
    last_comes_last = 0
    for _world in range(WORLDS):
        sent = [send(number) for number in range(FLAGS)]
        if added:
            add_to_flag(once=sent[0].once, more=More(minutes=5), by=None, receipt=sent[0].receipt)
        order = in_order_of_the_file("flags_heldflag")
        last_comes_last += order[-1] == (f"flag {0 if added else FLAGS - 1:02}")
        tables["flags_heldflag"].append(agreement(order))
        held_since(TODAY - timedelta(days=1))
        release_held(today=TODAY)
        tables["flags_flag"].append(agreement(in_order_of_the_file("flags_flag")))
        Flag.objects.all().delete()
    for table, found in tables.items():
        assert abs(sum(found) / WORLDS - 0.5) < CHANCE, (table, found)
    assert last_comes_last < WORLDS / 3, "the one that came or changed last is not the last of the file"
