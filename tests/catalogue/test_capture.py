"""The sheet of paper and its sorting: a line is enough, nothing typed is lost, and what was a mistake is taken back."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from rulebook.catalogue.models import Rule, RuleVersion
from rulebook.catalogue.services import change_rule
from rulebook.catalogue.sheet import MOST_LINES, lines_of, take_back, write_lines
from rulebook.errors import NotAllowed, WrongState
from rulebook.insight.models import RuleFigures
from rulebook.journal.models import Event
from tests import make


@pytest.fixture
def paper(manager):
    client = Client()
    client.force_login(manager)
    return client


def write(client, text, **fields):
    return client.post(reverse("capture"), {"lines": text, **fields}, follow=True)


def sort(client, rule, intent, **how):
    return client.post(reverse("capture_sort"), {"rule": rule.pk, "intent": intent}, **how)


def text(response):
    return response.content.decode()


def titles():
    return list(Rule.objects.order_by("pk").values_list("title", flat=True))


# -------------------------------------------------------------------------- who may


@pytest.mark.parametrize("name", ["capture", "capture_sort"])
@pytest.mark.parametrize(("role", "status"), [("agent", 403), ("operator", 403), ("manager", 200)])
def test_a_manager_writes_down_and_sorts_and_others_do_not(db, name, role, status):
    client = Client()
    client.force_login(make.person(role=role))
    assert client.get(reverse(name)).status_code == status
    assert client.post(reverse(name), {"lines": "A rule"}).status_code in {403, 302, 409}
    assert Rule.objects.exists() is (role == "manager" and name == "capture")


def test_an_owner_sorts_the_rules_of_the_own_department_and_writes_none_down(owner):
    client = Client()
    client.force_login(owner)
    own = make.rule("Refunds wait for Finance", department=make.department(head=owner))
    make.rule("Parcels wait for the warehouse", department=make.department())
    assert client.get(reverse("capture")).status_code == 403
    said = text(client.get(reverse("capture_sort")))
    assert own.title in said and "0 of 1 sorted" in said
    assert f'href="{reverse("capture")}"' not in said


def test_who_has_not_signed_in_is_led_to_the_door_and_what_was_written_is_shown(db, client):
    assert client.get(reverse("capture")).status_code == 302
    response = client.post(reverse("capture"), {"lines": "No refunds on Fridays"})
    assert response.status_code == 403 and "No refunds on Fridays" in text(response)
    assert titles() == []


# -------------------------------------------------------------------------- writing down


def test_one_line_is_a_rule_unwritten_and_in_force(paper, manager):
    said = text(write(paper, "  No refunds are started on a Friday "))
    rule = Rule.objects.get()
    assert (rule.title, rule.kind, rule.status) == ("No refunds are started on a Friday", "unwritten", "in_force")
    assert rule.authority == "unknown" and not rule.intent
    assert "1 written down; most houses pass 20." in said and "Undo" in said
    assert Event.objects.filter(verb="written_down", object_code=rule.code).count() == 1


def test_the_switch_makes_it_written_and_stays_as_it_was_set(paper):
    said = text(write(paper, "An agent may refund at most 500 kr", kind="written"))
    assert Rule.objects.get().kind == "written"
    assert 'value="written" aria-keyshortcuts="F2" checked' in said
    assert 'aria-keyshortcuts="F2" checked' not in text(write(paper, "Mails are signed with the team's name"))


def test_a_pasted_list_is_a_rule_a_line_and_all_are_shown(paper):
    said = text(write(paper, "- No refunds on Fridays\r\n\r\n2) Ask for the order number first\n• Chats close at four"))
    assert titles() == ["No refunds on Fridays", "Ask for the order number first", "Chats close at four"]
    assert "3 rules added." in said and "Undo all 3" in said
    assert all(title in said for title in titles())


def test_from_the_twentieth_the_sentence_asks_for_no_more(paper):
    assert "19 written down; most houses" in text(write(paper, "\n".join(f"Rule number {n}" for n in range(19))))
    assert "20 written down." in text(write(paper, "And one more"))


@pytest.mark.parametrize("sent", ["", "  \n ", " - \n", "\x00"])
def test_nothing_written_is_said_at_the_field(paper, sent):
    response = write(paper, sent)
    assert response.status_code == 422 and "A few words are enough." in text(response)
    assert titles() == []


def test_a_line_with_a_sign_and_no_word_is_named_and_stays_in_the_field(paper):
    response = write(paper, "No cash\n\n§\n- Ask first\n---\n - ")
    assert response.status_code == 422 and titles() == ["No cash", "Ask first"]
    said = text(response)
    assert "Lines 3, 5 have signs and no words. They stand in the field." in said
    assert ">§\n---</textarea>" in said
    response = write(paper, "-")
    assert response.status_code == 422 and "Line 1 has a sign and no word." in text(response)
    assert ">-</textarea>" in text(response)


def test_a_line_that_stands_twice_is_written_once_and_told(paper):
    page = text(write(paper, "No cash\n- No cash\nNo refunds on Fridays"))
    assert "2 rules added." in page and "1 line stood twice." in page


def test_numbers_of_people_in_a_line_are_hidden_and_its_writer_is_told(paper):
    said = text(write(paper, "Call Anna, 12 34 56 78\nNo cash"))
    assert titles() == ["Call Anna, […]", "No cash"]
    assert "We hid what may be a telephone number before we stored your text." in said
    said = text(write(paper, "Call Anna, 12 34 56 78"))
    assert len(titles()) == 2 and "stands already" in said, "a second tap writes nothing twice"
    assert "We hid" not in said
    assert "We hid" not in text(write(paper, "No cards"))


@pytest.mark.parametrize(
    "sent", ["<script>alert(1)</script>", "🙂 only with a smile", "‮backwards", "'; DROP TABLE rule"]
)
def test_odd_text_is_stored_as_it_is_and_shown_as_text(paper, sent):
    said = text(write(paper, sent))
    assert titles() == [sent]
    assert "<script>alert" not in said


def test_a_line_that_is_too_long_stays_in_the_field_and_the_others_are_written(paper):
    long = "x" * 501
    response = write(paper, f"Short and good\n{long}\nAlso good")
    assert response.status_code == 422 and titles() == ["Short and good", "Also good"]
    field = text(response).partition("<textarea")[2].partition("</textarea>")[0]
    assert long in field and "Short and good" not in field
    assert "more than 500 characters" in text(response)


def test_a_megabyte_is_refused_with_its_reason(paper):
    response = write(paper, "word " * 200_000)
    assert response.status_code == 422 and titles() == []
    response = write(paper, "a\n" + "\n".join(f"line {n}" for n in range(MOST_LINES)))
    assert response.status_code == 422 and titles() == [] and "line 99" in text(response)


def test_a_second_tap_writes_nothing_twice(paper):
    write(paper, "No refunds on Fridays")
    said = text(write(paper, "no refunds on fridays."))
    assert len(titles()) == 1 and "stands already, as R-0001." in said


def test_a_rule_that_was_removed_may_be_written_down_again(paper):
    removed = make.rule("No refunds on Fridays")
    Rule.objects.filter(pk=removed.pk).update(status=Rule.Status.REMOVED)
    said = text(write(paper, "No refunds on Fridays"))
    assert len(titles()) == 2 and "which was removed" in said


def test_a_near_duplicate_is_shown_and_the_same_drops_the_new_one(paper):
    old = make.rule("Refunds are never started on a Friday")
    said = text(write(paper, "We start no refunds on Fridays"))
    assert f"Much like {old.code}: “{old.title}”" in said
    new = Rule.objects.get(title="We start no refunds on Fridays")
    said = text(paper.post(reverse("capture"), {"do": "same", "rule": new.pk}, follow=True))
    assert titles() == [old.title] and "it stood there already" in said
    assert not RuleVersion.objects.filter(rule_id=new.pk).exists()


@pytest.mark.parametrize("sent", ["", "x", "-1", "9" * 30, "OLD"])
def test_the_same_takes_back_only_what_this_sitting_wrote(paper, sent):
    old = make.rule("Refunds are never started on a Friday")
    paper.post(reverse("capture"), {"do": "same", "rule": old.pk if sent == "OLD" else sent})
    assert titles() == [old.title]


def test_undo_takes_back_the_last_sending_and_its_words_return_to_the_field(paper):
    write(paper, "Chats close at four")
    write(paper, "No refunds on Fridays\nAsk for the order number")
    said = text(paper.post(reverse("capture"), {"do": "undo"}, follow=True))
    assert titles() == ["Chats close at four"]
    assert "No refunds on Fridays\nAsk for the order number</textarea>" in said
    assert "They stand in the field again." in said
    assert [event.verb for event in Event.objects.filter(object_type="rule")][-2:] == ["taken_back", "taken_back"]
    paper.post(reverse("capture"), {"do": "undo"})
    assert titles() == []
    assert paper.post(reverse("capture"), {"do": "undo"}, follow=True).status_code == 200


def test_what_people_have_worked_on_is_not_taken_back(paper, manager):
    write(paper, "No refunds on Fridays")
    rule = Rule.objects.get()
    case = make.case(make.source())
    make.link(case, rule)
    response = paper.post(reverse("capture"), {"do": "undo"})
    assert response.status_code == 422 and "is in use by now, so it stays." in text(response)
    assert titles() == ["No refunds on Fridays"]


@pytest.mark.parametrize("worked", ["reworded", "old", "proposed"])
def test_a_rule_with_a_history_is_not_taken_back(manager, worked):
    rule = make.rule("No refunds on Fridays")
    if worked == "reworded":
        change_rule(rule=rule, fields={"title": "No refunds on Fridays and Mondays"}, by=manager)
    elif worked == "old":
        Rule.objects.update(created_at=timezone.now() - timedelta(hours=13))
    else:
        Rule.objects.update(status=Rule.Status.PROPOSED)
    with pytest.raises(WrongState):
        take_back(rule=rule, by=manager)


def test_a_manager_takes_back_no_rule_of_another_department(db):
    mine, theirs = make.department(), make.department()
    manager = make.person(role="manager", team=make.team(department=mine))
    rule = make.rule("No refunds on Fridays", department=theirs)
    with pytest.raises(NotAllowed):
        take_back(rule=rule, by=manager)


def test_figures_alone_do_not_hold_a_rule(manager):
    rule = make.rule("No refunds on Fridays")
    RuleFigures.objects.create(rule=rule)
    take_back(rule=rule, by=manager)
    assert titles() == [] and not RuleFigures.objects.exists()


def test_with_the_script_only_the_list_comes_back(paper):
    response = paper.post(reverse("capture"), {"lines": "No refunds on Fridays"}, headers={"X-Sheet": "1"})
    assert response.status_code == 200
    assert 'id="sheet-told"' in text(response) and 'id="sheet-list"' in text(response)
    assert "<html" not in text(response) and "<textarea" not in text(response)


def test_the_page_costs_no_more_for_more_rules(paper):
    def queries():
        with CaptureQueriesContext(connection) as asked:
            paper.get(reverse("capture"))
        return len(asked)

    write(paper, "No refunds on Fridays\nNo refunds on a Friday")
    few = queries()
    write(paper, "\n".join(f"Refunds on a Friday, number {number}" for number in range(9)))
    assert queries() <= few


def test_what_a_rule_is_like_stands_there_until_it_is_settled(paper):
    make.rule("Refunds are never started on a Friday")
    write(paper, "We start no refunds on Fridays")
    assert "Much like R-0001" in text(write(paper, "Chats close at four"))


def test_the_words_of_a_line_lose_their_bullet_alone():
    assert lines_of("1. One\n(2) Two\n* Three\n— Four\n3 days is the limit\n8 % may be passed on") == [
        "One", "Two", "Three", "Four", "3 days is the limit", "8 % may be passed on",
    ]  # fmt: skip


def test_a_list_is_written_though_one_of_its_lines_is_refused(manager):
    made = write_lines(lines=["Good", "y" * 600], kind="unwritten", by=manager)
    assert [rule.title for rule in made.written] == ["Good"]
    assert [line for line, _why in made.refused] == ["y" * 600]


# -------------------------------------------------------------------------- sorting


def test_each_rule_is_sorted_with_one_press_and_the_drops_are_listed(paper):
    rules = [make.rule(title) for title in ("Chats close at four", "No refunds on Fridays", "Ask for the number")]
    said = text(paper.get(reverse("capture_sort")))
    assert "0 of 3 sorted" in said and rules[0].title in said
    said = text(sort(paper, rules[0], "keep", follow=True))
    assert "1 of 3 sorted" in said and rules[1].title in said
    sort(paper, rules[1], "drop")
    said = text(sort(paper, rules[2], "ask", follow=True))
    assert "All are sorted." in said and "1 rule you can do without" in said
    assert rules[1].title in said and rules[0].title not in said
    assert list(Rule.objects.order_by("pk").values_list("intent", flat=True)) == ["keep", "drop", "ask"]
    assert set(Rule.objects.values_list("status", flat=True)) == {"in_force"}  # a sorting decides nothing


def test_undo_shows_the_rule_again_as_it_was(paper):
    first, second = make.rule("Chats close at four"), make.rule("No refunds on Fridays")
    sort(paper, first, "drop")
    said = text(paper.post(reverse("capture_sort"), {"do": "undo"}, follow=True))
    assert first.title in said and "0 of 2 sorted" in said
    first.refresh_from_db()
    assert first.intent == ""
    sort(paper, first, "keep")
    assert second.title in text(paper.get(reverse("capture_sort")))
    paper.post(reverse("capture_sort"), {"do": "undo"})
    assert paper.post(reverse("capture_sort"), {"do": "undo"}).status_code == 302


def test_later_goes_on_and_comes_round_again(paper):
    first, second = make.rule("Chats close at four"), make.rule("No refunds on Fridays")
    page = reverse("capture_sort")
    assert f"{page}?after={first.pk}" in text(paper.get(page))
    assert second.title in text(paper.get(f"{page}?after={first.pk}"))
    assert first.title in text(paper.get(f"{page}?after={second.pk}"))


@pytest.mark.parametrize("asked", ["after=x", "after=-1", "rule=999999", "rule=" + "9" * 40, "after=1;2"])
def test_an_odd_address_shows_the_first_rule(paper, asked):
    rule = make.rule("Chats close at four")
    response = paper.get(f"{reverse('capture_sort')}?{asked}")
    assert response.status_code == 200 and rule.title in text(response)


def test_a_rule_of_another_department_is_neither_shown_nor_sorted(db):
    mine, theirs = make.department(), make.department("Finance")
    manager = make.person(role="manager", team=make.team(department=mine))
    client = Client()
    client.force_login(manager)
    rule = make.rule("Finance pays on Tuesdays", department=theirs)
    nobodys = make.rule("Chats close at four")
    said = text(client.get(reverse("capture_sort")))
    assert nobodys.title in said and "0 of 1 sorted" in said
    response = sort(client, rule, "drop")
    assert response.status_code == 409 and "belongs to Finance" in text(response)
    rule.refresh_from_db()
    assert rule.intent == ""


@pytest.mark.parametrize(("sent", "status"), [("burn", 422), ("", 422)])
def test_only_the_four_are_taken(paper, sent, status):
    rule = make.rule("Chats close at four")
    response = sort(paper, rule, sent)
    assert response.status_code == status and rule.title in text(response)


def test_a_rule_that_was_taken_back_meanwhile_is_said_to_be_gone(paper):
    rule = make.rule("Chats close at four")
    gone = rule.pk
    take_back(rule=rule, by=make.person(role="manager"))
    response = paper.post(reverse("capture_sort"), {"rule": gone, "intent": "drop"})
    assert response.status_code == 409 and "This rule is gone." in text(response)


def test_removed_and_proposed_rules_are_not_sorted(paper):
    Rule.objects.filter(pk=make.rule("Gone").pk).update(status=Rule.Status.REMOVED)
    Rule.objects.filter(pk=make.rule("To come").pk).update(status=Rule.Status.PROPOSED)
    assert "No rule waits to be sorted." in text(paper.get(reverse("capture_sort")))
