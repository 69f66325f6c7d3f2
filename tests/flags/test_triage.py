"""What managers do with flags: five verbs, each of which the agent hears of; who may, and who was first."""

import pytest
from django.contrib.auth.models import Group
from django.utils import timezone, translation

from rulebook.access.models import Person
from rulebook.cases.models import CaseRule, PendingLink
from rulebook.catalogue.models import Rule
from rulebook.catalogue.services import FieldRefused
from rulebook.errors import NotAllowed, WrongState
from rulebook.flags.answering import may_answer, to_answer, to_see
from rulebook.flags.confirmed import confirmed_by
from rulebook.flags.models import Flag
from rulebook.flags.services import link_flagged_case
from rulebook.flags.triage import (
    AlreadyDecided,
    LikelyTwice,
    answer_flag,
    link_flag,
    make_rule_of,
    merge_flags,
    not_a_rule,
    put_back,
)
from rulebook.journal.models import Event, JournalHead
from tests import make

pytestmark = pytest.mark.django_db


def newest_events(count):
    events = Event.objects.order_by("-number").values_list("verb", "object_type", "object_code", "after")
    return list(events[:count])


def again(flag):
    return Flag.objects.get(pk=flag.pk)


# The verbs


def test_linking_answers_the_agent_in_words_and_writes_one_event(manager):
    rule, flag = make.rule("Refunds above 200 kr need a manager", code="A"), make.flag()
    before = JournalHead.objects.get().last
    link_flag(flag=flag, rule=rule, by=manager)
    stored = again(flag)
    assert (stored.outcome, stored.rule, stored.answered_by) == ("linked", rule, manager)
    assert stored.headline == rule.title
    assert stored.reply.startswith("We linked it to the rule “Refunds above 200 kr need a manager”.")
    assert stored.replied_at == stored.decided_at is not None
    assert JournalHead.objects.get().last == before + 1
    assert newest_events(1) == [("linked_to_rule", "flag", str(flag.pk), "A")]


def test_what_the_manager_writes_comes_before_the_sentence_of_the_button(manager):
    flag = make.flag()
    link_flag(flag=flag, rule=make.rule(), headline="  Refunds wait\n", answer="From Monday\nyou decide.", by=manager)
    assert (again(flag).headline, again(flag).answer) == ("Refunds wait", "From Monday\nyou decide.")


def test_linking_an_anonymous_flag_is_the_managers_act_and_is_written_down(manager):
    flag = make.flag(anonymous=True, flagged_at=None)
    link_flag(flag=flag, rule=make.rule(code="A"), by=manager)
    assert newest_events(1) == [("linked_to_rule", "flag", str(flag.pk), "A")]


def test_a_linked_flag_links_its_case_and_another_rule_takes_the_place_of_the_one_before(manager, agent):
    first, second = make.rule(code="A"), make.rule(code="B")
    case = make.case(make.source(), "ZD-7")
    flag = make.flag(rule=first, author=agent, case_reference="ZD-7")
    link_flagged_case(flag=flag)
    link_flag(flag=flag, rule=second, by=manager)
    assert list(CaseRule.objects.values_list("case", "rule", "effect", "origin")) == [
        (case.pk, second.pk, "blocked", "flag")
    ]


def test_a_case_that_has_not_come_yet_waits_for_the_rule_of_the_flag(manager, agent):
    flag = make.flag(author=agent, case_reference="ZD-8")
    link_flag(flag=flag, rule=make.rule(code="A"), by=manager)
    assert list(PendingLink.objects.values_list("external_id", "rule_name", "origin")) == [("ZD-8", "A", "flag")]


def test_a_flag_on_a_removed_rule_is_a_zombie_whoever_finds_that_out(manager):
    rule = make.rule()
    Rule.objects.update(status="removed")
    rule.refresh_from_db()
    flag = make.flag()
    link_flag(flag=flag, rule=rule, by=manager)
    assert again(flag).rule_was_removed


def test_a_rule_made_of_a_flag_is_unwritten_as_found_with_the_customers_sentence_and_not_the_agents_words(manager):
    flag = make.flag("Kim in billing always says no to me.", customer_heard="I can’t decide that")
    make_rule_of(flag=flag, title="Refunds above 200 kr need a manager", by=manager)
    rule = Rule.objects.get()
    assert (rule.title, rule.kind, rule.status) == ("Refunds above 200 kr need a manager", "unwritten", "in_force")
    assert rule.customer_hears == "I can’t decide that"
    assert "Kim" not in str(rule.__dict__)
    assert (again(flag).outcome, again(flag).rule, again(flag).headline) == ("new_rule", rule, rule.title)
    assert [verb for verb, *_ in newest_events(2)] == ["made_a_rule", "written_down"]


def test_without_a_title_no_rule_is_made_and_the_flag_stays(manager):
    flag = make.flag()
    with pytest.raises(FieldRefused) as refusal:
        make_rule_of(flag=flag, title=" ", by=manager)
    assert refusal.value.field == "title"
    assert not Rule.objects.exists() and again(flag).outcome == ""


def test_an_answer_in_words_needs_words(manager):
    flag = make.flag()
    wrong = [("", "We did.", "headline"), ("It waits", " ", "answer")]
    wrong += [("x" * 201, "We did.", "headline"), ("It waits", "x" * 2_001, "answer")]
    for headline, answer, field in wrong:
        with pytest.raises(FieldRefused) as refusal:
            answer_flag(flag=flag, headline=headline, answer=answer, by=manager)
        assert refusal.value.field == field
    assert again(flag).replied_at is None
    answer_flag(flag=flag, headline="It waits", answer="We did.", by=manager)
    assert (again(flag).outcome, again(flag).answer) == ("answered", "We did.")


def test_a_first_reply_leaves_the_flag_open_and_its_clock_of_decision_running(manager):
    flag = make.flag()
    answer_flag(flag=flag, headline="It waits", answer="We look into it.", by=manager, decided=False)
    replied = again(flag)
    assert replied.replied_at is not None and replied.decided_at is None and replied.outcome == ""
    answer_flag(flag=replied, headline="It waits", answer="You decide now.", by=manager)
    assert again(flag).replied_at == replied.replied_at and again(flag).decided_at > replied.replied_at
    assert [verb for verb, *_ in newest_events(2)] == ["answered", "replied_to"]


def test_what_is_not_a_rule_is_said_so_and_a_rule_that_is_named_is_sorted_under_drop(manager):
    rule = make.rule("We always ask twice")
    flag, other = make.flag(rule=rule), make.flag()
    not_a_rule(flag=flag, by=manager)
    assert again(flag).outcome == "no_rule" and "We always ask twice" in again(flag).reply
    rule.refresh_from_db()
    assert (rule.intent, rule.status) == ("drop", "in_force")  # a first sorting, no decision
    with pytest.raises(FieldRefused):  # no rule says what it is about
        not_a_rule(flag=other, by=manager)
    not_a_rule(flag=other, headline="Asking twice", by=manager)
    assert again(other).reply == "No rule of ours says so. You decide."


def test_numbers_of_people_in_an_answer_are_hidden_before_it_is_stored(manager):
    flag = make.flag()
    answer_flag(flag=flag, headline="Ask 010190-1234", answer="Call anna@example.org.", by=manager)
    assert "1234" not in again(flag).headline and "example.org" not in again(flag).answer


def test_an_answer_by_a_button_alone_is_read_in_the_language_of_whoever_reads(manager):
    rule, flag = make.rule("To underskrifter"), make.flag()
    with translation.override("da"):
        link_flag(flag=flag, rule=rule, by=manager)
    assert (again(flag).answer, again(flag).by_default) == ("", "linked")
    said = set()
    for language in ("en", "da"):
        with translation.override(language):
            said.add(again(flag).reply)
    assert len(said) == 2 and all("To underskrifter" in reply for reply in said)
    put_back(flag=again(flag), by=manager)
    answer_flag(flag=again(flag), headline="H", answer="Du bestemmer.", by=manager)
    assert (again(flag).reply, again(flag).by_default) == ("Du bestemmer.", "")


def test_the_default_answer_of_a_merged_flag_is_about_the_rule_of_the_other(manager):
    own, others = make.rule("Our own"), make.rule("Two signatures")
    target, flag = make.flag(), make.flag(rule=own)
    merge_flags(flag=flag, into=target, by=manager)
    link_flag(flag=target, rule=others, by=manager)
    assert again(flag).rule == own and "“Two signatures”" in again(flag).reply
    others.delete()
    assert "“Two signatures”" in again(flag).reply  # its headline says what it was


def test_a_rule_that_says_much_the_same_is_named_before_another_is_made(manager):
    rule, flag = make.rule("Refunds are never started on a Friday"), make.flag()
    title = "We start no refund on Fridays"
    with pytest.raises(LikelyTwice, match=rf"“Refunds are never started on a Friday” \({rule.code}\)") as refusal:
        make_rule_of(flag=flag, title=title, by=manager)
    assert (refusal.value.field, [one.pk for one in refusal.value.rules]) == ("title", [rule.pk])
    assert Rule.objects.count() == 1 and again(flag).outcome == ""
    Rule.objects.update(status="removed")
    make.rule("Nothing of the kind")
    with pytest.raises(LikelyTwice, match="removed"):
        make_rule_of(flag=flag, title=title, by=manager)
    make_rule_of(flag=flag, title=title, by=manager, anyway=True)
    assert again(flag).rule.title == title


# Merged flags


def test_a_merged_flag_gets_a_first_reply_and_then_the_answer_of_the_other(manager, agent):
    target, flag = make.flag(), make.flag(author=agent, case_reference="ZD-9")
    merge_flags(flag=flag, into=target, by=manager)
    merged = again(flag)
    assert (merged.outcome, merged.merged_into, merged.decided_at) == ("merged", target, None)
    assert merged.replied_at is not None and merged.reply.startswith("Several of you said the same.")
    rule = make.rule(code="A")
    link_flag(flag=again(target), rule=rule, headline="Refunds wait", answer="You decide now.", by=manager)
    told = again(flag)
    assert (told.headline, told.answer, told.rule) == ("Refunds wait", "You decide now.", rule)
    assert told.decided_at == again(target).decided_at
    assert PendingLink.objects.values_list("external_id", "rule_name").get() == ("ZD-9", "A")
    assert confirmed_by(rule).people == 2


def test_a_flag_merged_with_an_answered_one_has_its_answer_at_once(manager):
    target, flag = make.flag(), make.flag()
    answer_flag(flag=target, headline="It waits", answer="You decide now.", by=manager)
    merge_flags(flag=flag, into=again(target), by=manager)
    assert again(flag).answer == "You decide now." and again(flag).decided_at is not None


def test_merging_goes_on_to_the_last_and_takes_along_what_was_merged_before(manager):
    first, second, third, fourth = (make.flag() for _ in range(4))
    merge_flags(flag=first, into=second, by=manager)
    merge_flags(flag=again(second), into=third, by=manager)
    merge_flags(flag=fourth, into=again(second), by=manager)
    assert {again(flag).merged_into for flag in (first, second, fourth)} == {third}


def test_no_flag_is_merged_with_itself_by_whatever_way(manager):
    first, second = make.flag(), make.flag()
    with pytest.raises(FieldRefused, match="itself"):
        merge_flags(flag=first, into=first, by=manager)
    merge_flags(flag=first, into=second, by=manager)
    with pytest.raises(FieldRefused, match="itself"):
        merge_flags(flag=second, into=again(first), by=manager)
    assert again(second).outcome == ""


def test_flags_are_merged_only_by_whoever_may_answer_both():
    sales, finance = make.department("Sales"), make.department("Finance")
    seller = make.person(role="manager", team=make.team(department=sales))
    own, foreign = make.flag(), make.flag(rule=make.rule(department=finance))
    for flag, into in ((own, foreign), (foreign, own)):
        with pytest.raises(NotAllowed, match="Finance"):
            merge_flags(flag=flag, into=into, by=seller)
    assert again(own).outcome == again(foreign).outcome == ""


# Who was first, and undo


@pytest.mark.parametrize("late", ["link", "make", "merge", "answer", "no_rule"])
def test_the_second_of_two_managers_is_told_who_did_what_and_changes_nothing(manager, late):
    second = make.person("second", role="manager")
    rule, other, flag = make.rule(), make.flag(), make.flag()
    read_before = again(flag)
    manager.first_name, manager.last_name = "Anna", "Berg"
    manager.save()
    answer_flag(flag=flag, headline="It waits", answer="You decide now.", by=manager)
    rules, events = Rule.objects.count(), JournalHead.objects.get().last
    doing = {
        "link": lambda: link_flag(flag=read_before, rule=rule, by=second),
        "make": lambda: make_rule_of(flag=read_before, title="T", by=second),
        "merge": lambda: merge_flags(flag=read_before, into=other, by=second),
        "answer": lambda: answer_flag(flag=read_before, headline="H", answer="A", by=second),
        "no_rule": lambda: not_a_rule(flag=read_before, headline="H", by=second),
    }
    with pytest.raises(AlreadyDecided, match=r"Decided a moment ago: answered, by Anna Berg\.") as refusal:
        doing[late]()
    assert isinstance(refusal.value, WrongState)
    assert again(flag).answer == "You decide now."
    assert (Rule.objects.count(), JournalHead.objects.get().last) == (rules, events)


def test_a_decision_made_before_somebodys_first_reply_was_read_is_told_of_it(manager):
    flag = make.flag()
    read_before = again(flag)
    answer_flag(flag=flag, headline="It waits", answer="We look into it.", by=manager, decided=False)
    with pytest.raises(AlreadyDecided, match=r"Answered a moment ago by manager, and still open\."):
        answer_flag(flag=read_before, headline="It waits", answer="No.", by=manager)


def test_a_decision_can_be_undone_and_its_answer_stays_until_there_is_another(manager):
    target, flag = make.flag(), make.flag()
    merge_flags(flag=flag, into=target, by=manager)
    put_back(flag=again(flag), by=manager)
    assert (again(flag).outcome, again(flag).merged_into, again(flag).decided_at) == ("", None, None)
    assert again(flag).reply and again(flag).replied_at
    assert newest_events(1)[0][0] == "put_back"
    before = JournalHead.objects.get().last
    put_back(flag=again(flag), by=manager)  # once more changes nothing
    assert JournalHead.objects.get().last == before


# Who may


FINANCE, SALES, NO_DEPARTMENT, NO_RULE = "Finance", "Sales", "none", "no rule"
# person -> on the rules of which departments they answer flags
TABLE = {
    "somebody who may do everything": {FINANCE, SALES, NO_DEPARTMENT, NO_RULE},
    "a manager of no department": {FINANCE, SALES, NO_DEPARTMENT, NO_RULE},
    "a manager in a team of Finance": {FINANCE, NO_DEPARTMENT, NO_RULE},
    "a manager in a team of Finance who heads Sales": {FINANCE, SALES, NO_DEPARTMENT, NO_RULE},
    "a manager who is deputy in Sales": {SALES, NO_DEPARTMENT, NO_RULE},
    "an owner who heads Finance": {FINANCE},
    "an owner who is deputy in Sales": {SALES},
    "an owner in a team of Finance": set(),
    "an owner who is a manager too and heads Finance": {FINANCE, NO_DEPARTMENT, NO_RULE},
    "an agent who heads Finance": set(),
    "an operator": set(),
    "an outsider": set(),
}


@pytest.mark.parametrize("name", TABLE)
def test_everybody_answers_the_flags_that_the_table_says_and_no_others(name):
    departments = {label: make.department(label) for label in (FINANCE, SALES)}
    role = next((role for role in ("owner", "manager", "agent", "operator") if f" {role} " in f" {name} "), "")
    team = make.team(department=departments[FINANCE]) if "in a team of Finance" in name else None
    made = make.person(role=role, team=team, is_staff=True, is_superuser="everything" in name)
    if "manager too" in name:
        made.groups.add(Group.objects.get(name="manager"))
    for label, department in departments.items():
        if f"heads {label}" in name:
            department.head = made
        if f"deputy in {label}" in name:
            department.deputy = made
        department.save()
    person = Person.objects.get(pk=made.pk)
    flags = {
        label: make.flag(rule=make.rule(department=departments.get(label))) for label in (FINANCE, SALES, NO_DEPARTMENT)
    } | {NO_RULE: make.flag()}
    answered = {label for label, flag in flags.items() if may_answer(person, flag)}
    listed = {label for label, flag in flags.items() if to_answer(person).filter(pk=flag.pk).exists()}
    assert answered == listed == TABLE[name]
    for label, flag in flags.items():
        if label in TABLE[name]:
            answer_flag(flag=flag, headline="H", answer="A", by=person)
        else:
            with pytest.raises(NotAllowed):
                answer_flag(flag=flag, headline="H", answer="A", by=person)
            assert again(flag).outcome == ""


def test_the_named_owner_of_a_rule_answers_its_flags_and_sees_no_others():
    named = make.person(role="owner")
    own, other = make.flag(rule=make.rule(owner=named, department=make.department())), make.flag()
    assert may_answer(named, own) and not may_answer(named, other)
    assert list(to_answer(named)) == list(to_see(named)) == [own]
    assert to_see(make.person(role="manager")).count() == 2 and not to_see(make.person(role="agent")).exists()


def test_a_flag_on_a_rule_of_another_department_goes_there_with_a_first_reply(manager):
    finance, sales = make.department("Finance"), make.department("Sales")
    mine = make.person(role="manager", team=make.team(department=sales))
    rule, flag = make.rule("Two signatures", department=finance), make.flag()
    link_flag(flag=flag, rule=rule, by=mine)
    passed = again(flag)
    assert (passed.outcome, passed.rule, passed.decided_at) == ("", rule, None)
    assert passed.reply == "The rule “Two signatures” belongs to Finance. They answer next."
    assert passed.replied_at is not None and newest_events(1)[0][0] == "passed_on"
    assert not to_answer(mine).exists() and list(to_answer(manager)) == [flag]


# How well a rule is confirmed


def test_a_rule_is_confirmed_by_people_independent_of_one_another():
    rule, team = make.rule(), make.team()
    anna, bo = make.person(), make.person()
    assert (confirmed_by(rule).people, confirmed_by(rule).badge) == (0, "")
    for author in (anna, anna, bo):
        make.flag(rule=rule, author=author)
    assert confirmed_by(rule).people == 2
    for _ in range(3):
        make.flag(rule=rule, team=team)
    assert confirmed_by(rule).people == 3  # whoever came by the link of one team may be one person
    for _ in range(4):
        make.flag(rule=rule, anonymous=True, flagged_at=None)
    found = confirmed_by(rule)
    assert (found.people, found.badge) == (4, "Confirmed by 4")
    assert "All anonymous flags together count as one." in found.sentence
    make.flag(author=make.person())  # on no rule
    assert confirmed_by(rule).people == 4


def test_replies_are_dated_by_the_clock_of_the_verb(manager, monkeypatch):
    now = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: now)
    flag = make.flag()
    answer_flag(flag=flag, headline="H", answer="A", by=manager)
    assert again(flag).replied_at == again(flag).decided_at == now


def test_a_merged_flag_that_is_put_back_says_nothing_of_the_other_ones_rule(manager):
    ours, theirs = make.rule("Two signatures"), make.rule("No refunds in cash")
    flag, other = make.flag(rule=ours), make.flag(rule=theirs)
    not_a_rule(flag=other, by=manager)
    merge_flags(flag=flag, into=Flag.objects.get(pk=other.pk), by=manager)
    stored = put_back(flag=Flag.objects.get(pk=flag.pk), by=manager)
    assert stored.reply == "Several of you said the same. We answer all of you together."
