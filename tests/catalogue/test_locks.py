"""While people vote on a wording it stands still, whoever would change it, and all else about the rule may change."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from threading import Barrier

import pytest
from django.db import connection, connections
from django.urls import reverse

from rulebook.catalogue.importing import import_rules
from rulebook.catalogue.locks import WordingLocked, lock_wording, unlock_wording, why_locked
from rulebook.catalogue.models import Rule, WordingLock
from rulebook.catalogue.services import add_topic, change_rule
from rulebook.desk.services import change_many
from rulebook.journal.models import JournalHead
from tests import make

pytestmark = pytest.mark.django_db
VOTING = "People are voting on this wording. It can change when the ballot is closed."


@pytest.fixture
def rule(db):
    return make.rule("Old words", code="A", text="One", channels=["mail"], applies_from=date(2020, 1, 1))


@pytest.fixture
def locked(rule):
    lock_wording(rule=rule, holder="ballot 7")
    return rule


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"title": "New words"}, "title"),
        ({"text": "Two"}, "text"),
        ({"topics": ["money"]}, "topics"),
        ({"channels": ["chat"]}, "channels"),
        ({"applies_from": date(2021, 1, 1)}, "applies_from"),
        ({"purpose": "Fear", "text": "Two", "topics": ["money"]}, "text"),
    ],
)
def test_no_part_of_its_meaning_changes_and_the_refusal_points_at_the_field(locked, fields, field):
    before = JournalHead.objects.get().last
    with pytest.raises(WordingLocked, match="People are voting on this wording") as caught:
        change_rule(rule=locked, fields=fields, by=None)
    assert caught.value.field == field
    stored = Rule.objects.get()
    assert (stored.title, stored.text, stored.channels, stored.purpose) == ("Old words", "One", ["mail"], "")
    assert not stored.topics.exists() and not stored.named_channels.exclude(name="mail").exists()
    version = stored.versions.get()
    assert (version.applies_from, version.applies_to) == (date(2020, 1, 1), None)
    assert JournalHead.objects.get().last == before


def test_all_else_may_change_and_so_may_words_that_say_the_same(locked):
    others = {"purpose": "Fear", "intent": "drop", "authority": "habit", "aliases": ["OLD"], "protective": True}
    assert change_rule(rule=locked, fields={**others, "title": " Old words ", "channels": ["mail"]}, by=None)
    assert Rule.objects.get().intent == "drop"


def test_it_changes_once_the_last_ballot_is_closed(locked):
    lock_wording(rule=locked, holder="ballot 8")
    lock_wording(rule=locked, holder="ballot 8")  # again: nothing happens
    assert WordingLock.objects.count() == 2
    unlock_wording(rule=locked, holder="ballot 7")
    assert why_locked(locked) == VOTING
    unlock_wording(rule=locked, holder="ballot 8")
    unlock_wording(rule=locked, holder="ballot 8")
    assert why_locked(locked) == ""
    assert change_rule(rule=locked, fields={"title": "New words"}, by=None)


def test_a_lock_tells_which_wording_it_keeps_and_leaves_other_rules_alone(rule):
    change_rule(rule=rule, fields={"title": "New words"}, by=None)
    assert lock_wording(rule=rule, holder="ballot 7").number == 2
    other = make.rule()
    assert why_locked(other) == ""
    assert add_topic(rule=other, path="money", by=None)


def test_an_import_rejects_the_row_names_line_and_rule_and_takes_the_rest(locked, tmp_path):
    make.rule("Unlocked", code="B")
    path = tmp_path / "rules.csv"
    path.write_text("code,title,intent\nB,New B,\nA,New A,drop\nC,New C,\n")
    report = import_rules(path, None)
    assert (report.created, report.updated, report.rejected) == (1, 1, 1)
    assert str(report.rejections[0]) == f"rules.csv, line 3, column title: Rule A is as it was. {VOTING}"
    assert Rule.objects.get(code="A").intent == ""
    path.write_text("code,title,intent\nA,Old words,drop\n")
    assert import_rules(path, None).updated == 1


def test_a_bulk_change_of_topics_says_how_many_stayed_and_why(locked):
    others = [make.rule(), make.rule()]
    numbers = [rule.pk for rule in (locked, *others)]
    outcome = change_many(rule_ids=numbers, fields={}, topic="money", by=None)
    assert str(outcome) == f"2 rules changed, 1 not: {VOTING}"
    assert str(change_many(rule_ids=numbers, fields={"intent": "drop"}, by=None)) == "3 rules changed."


def test_the_form_says_it_at_the_field_and_loses_nothing_typed(client, manager, locked):
    client.force_login(manager)
    address = reverse("admin:catalogue_rule_change", args=[locked.pk])
    typed = {
        "title": "Typed words", "text": "One", "channels": "mail", "topics": "", "applies_from": "2020-01-01",
        "kind": "written", "authority": "unknown", "purpose": "Typed purpose", "versions-TOTAL_FORMS": "0",
        "versions-INITIAL_FORMS": "0",
    }  # fmt: skip
    answer = client.post(address, typed)
    assert answer.status_code == 200
    assert answer.context["adminform"].form.errors == {"title": [VOTING]}
    shown = answer.content.decode()
    assert "Typed words" in shown and "Typed purpose" in shown
    assert Rule.objects.get().title == "Old words"


def test_the_form_says_so_before_anybody_types(client, manager, locked):
    client.force_login(manager)
    address = reverse("admin:catalogue_rule_change", args=[locked.pk])
    assert VOTING in client.get(address).content.decode()
    unlock_wording(rule=locked, holder="ballot 7")
    assert VOTING not in client.get(address).content.decode()


@pytest.mark.skipif(connection.vendor != "postgresql", reason="threads share one SQLite database in memory")
@pytest.mark.django_db(transaction=True)
def test_a_change_and_a_lock_at_the_same_moment_never_cross():
    rules = [make.rule(f"Old {number}", code=f"R-{number}") for number in range(20)]
    start = Barrier(2)

    def together(work):
        try:
            start.wait()
            return [work(rule) for rule in rules]
        finally:
            connections.close_all()

    def change(rule):
        try:
            return change_rule(rule=rule, fields={"title": "New"}, by=None)
        except WordingLocked:
            return False

    with ThreadPoolExecutor(2) as pool:
        changed = pool.submit(together, change)
        held = pool.submit(together, lambda rule: lock_wording(rule=rule, holder="ballot 1").title)
        for rule, done, title in zip(rules, changed.result(), held.result(), strict=True):
            # Either the change came first and people vote on its words, or it was refused.
            assert title == ("New" if done else rule.title) == Rule.objects.get(pk=rule.pk).title
