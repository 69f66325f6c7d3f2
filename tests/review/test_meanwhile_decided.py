"""What happens to the rule, its owner and its people between a decision and its end: nothing is lost or got round."""

from datetime import date, timedelta

import pytest
from django.contrib.auth.models import Group

from rulebook.access.models import Letter
from rulebook.catalogue.claims import confirm_authority, expire_claims
from rulebook.catalogue.models import Rule
from rulebook.catalogue.services import FieldRefused, change_rule
from rulebook.desk.merging import merge_rules
from rulebook.errors import NotAllowed, WrongState
from rulebook.notices.models import Notice
from rulebook.notices.queries import unread
from rulebook.notices.services import change_notice, mark_read, tell_again
from rulebook.review.clocks import run_clocks
from rulebook.review.letters import write_letters
from rulebook.review.models import Review, State
from rulebook.review.services import (
    agree,
    answer_escalation,
    object_to,
    take_in_new_words,
    transition,
    write_fence,
)
from rulebook.review.sunset import begin_sunsets
from tests import make

pytestmark = pytest.mark.django_db
MONDAY, DAY = date(2026, 3, 2), timedelta(1)
ANSWERS = {"play": "Refund at once.", "nobody_knows": True}
KEPT = {"purpose": "Against fraud.", "answer": "Nine in ten were fine.", "review_by": MONDAY + 100 * DAY}


def owned(rule, **fields):
    owner = make.person(role="owner", **fields)
    change_rule(rule=rule, fields={"owner": owner}, by=None)
    return owner


def days(travel, first, last):
    for number in range(first, last):
        travel(MONDAY + number * DAY)
        begin_sunsets(MONDAY + number * DAY)
        run_clocks(MONDAY + number * DAY)
        write_letters(MONDAY + number * DAY)


@pytest.mark.parametrize("fields", [{"authority": "law", "clause": "Act 5, 2"}, {"protective": True}])
def test_what_became_a_law_or_protective_since_is_not_removed(heard, manager, travel, fields):
    review = make.review(heard, by=manager)
    transition(review=review, verb="remove", by=manager, answers={**ANSWERS, "effective_on": MONDAY + 7 * DAY})
    change_rule(rule=heard, fields=fields, by=manager)
    days(travel, 7, 9)
    assert Rule.objects.get().status == Rule.Status.IN_FORCE and Review.objects.get().state == State.ASSESSING
    assert Letter.objects.filter(to=manager, about__contains="reopened").exists()


@pytest.mark.parametrize("fields", [{"title": "Refunds need 2 signatures"}, {"authority": "system"}])
def test_a_notice_is_taken_back_when_the_rule_is_changed_after_it(heard, manager, travel, fields):
    review = make.review(heard, by=manager)
    transition(review=review, verb="remove", by=manager, answers=ANSWERS)
    assert Notice.objects.get().is_published
    change_rule(rule=heard, fields=fields, by=manager)
    days(travel, 0, 2)
    assert Notice.objects.get().state == Notice.State.WITHDRAWN and Rule.objects.get().status == "in_force"


def test_who_read_that_it_was_taken_back_reads_that_it_comes_after_all(heard, manager, agent, travel):
    answers = {**ANSWERS, "effective_on": MONDAY + 14 * DAY}
    review = transition(review=make.review(heard, by=manager), verb="remove", by=manager, answers=answers)
    voice = make.voice(agent)
    for verb in ("undo", "remove"):
        (notice,) = unread(voice)
        mark_read(notice=notice, voice=voice, seen=notice.text_hash)
        review = transition(review=review, verb=verb, by=manager, answers=answers if verb == "remove" else None)
    assert len(unread(voice)) == 1


def test_of_a_department_with_one_manager_another_ones_keeps_what_lapses(travel):
    travel(MONDAY)
    anna, bo = make.person("anna", role="manager"), make.person("bo", role="manager")
    ours = make.department("Returns", head=anna)
    make.department("Shipping", head=bo)
    make.rule(review_by=MONDAY, department=ours)
    (review,) = begin_sunsets(MONDAY)
    for verb, answers in (("keep", KEPT), ("escalate", {"addressee": "me", "answer_due": MONDAY + DAY})):
        with pytest.raises(WrongState, match="Who answers for a rule does not keep it alone"):
            transition(review=review, verb=verb, by=anna, answers=answers)
    assert transition(review=review, verb="keep", by=bo, answers=KEPT).state == State.KEPT


def test_an_answered_escalation_of_the_calendar_is_for_twelve_months(travel, manager):
    travel(MONDAY)
    make.rule(review_by=MONDAY, protective=True)
    (review,) = begin_sunsets(MONDAY)
    answer_escalation(review=review, answer="It stays.", by=manager)
    assert Rule.objects.get().review_by == MONDAY + 366 * DAY


@pytest.mark.parametrize(
    ("verb", "answers", "says"),
    [
        ("remove", {**ANSWERS, "effective_on": MONDAY + 367 * DAY}, "Set a day within 12 months"),
        ("escalate", {"addressee": "The bank", "answer_due": MONDAY + 91 * DAY}, "Expect the answer within 90 days"),
    ],
)
def test_no_day_lies_so_far_ahead_that_nothing_ever_comes_of_it(heard, manager, verb, answers, says):
    with pytest.raises(FieldRefused, match=says):
        transition(review=make.review(heard, by=manager), verb=verb, by=manager, answers=answers)


def test_whoever_answers_for_it_next_is_asked_too(heard, manager, travel):
    owned(heard, email="o@example.org")
    transition(review=make.review(Rule.objects.get(), by=manager), verb="remove", by=manager, answers=ANSWERS)
    write_letters(MONDAY)
    new = owned(heard, email="n@example.org")
    days(travel, 1, 3)
    assert Letter.objects.filter(to=new).exists()


def test_a_yes_to_a_removal_is_no_yes_to_a_limit_nor_to_other_words(heard, manager):
    owner = owned(heard)
    review = make.review(Rule.objects.get(), by=manager)
    agree(review=review, by=owner)
    decided = transition(review=review, verb="delegate", by=manager, answers={**ANSWERS, "limit": "1,000,000 kr"})
    assert decided.owner_until is not None and decided.owner_agreed_on is None


def test_new_words_are_agreed_to_and_heard_anew(travel, manager, agent):
    travel(MONDAY)
    owner = make.person(role="owner")
    rule = make.rule("Sign twice", owner=owner)
    review = make.review(rule, by=manager)
    agree(review=review, by=owner)
    travel(MONDAY + 20 * DAY)
    change_rule(rule=rule, fields={"title": "Quite another duty"}, by=None)
    review = take_in_new_words(review=review, by=manager)
    assert review.owner_agreed_on is None
    with pytest.raises(WrongState, match="No agent has voted on it"):
        transition(review=review, verb="remove", by=manager, answers=ANSWERS)


def test_a_notice_that_was_put_off_stays_put_off(heard, manager, travel):
    owned(heard)
    transition(review=make.review(Rule.objects.get(), by=manager), verb="remove", by=manager, answers=ANSWERS)
    later = MONDAY + 40 * DAY
    change_notice(notice=Notice.objects.get(), headline="H", play="P", effective_on=later, typo=False, by=manager)
    days(travel, 1, 15)
    assert Notice.objects.get().effective_on == later and Rule.objects.get().status == "in_force"
    days(travel, 40, 41)
    assert Rule.objects.get().status == "removed"


def test_what_somebody_wrote_into_the_notice_of_a_lapsing_rule_stays(travel, manager):
    travel(MONDAY)
    make.rule(review_by=MONDAY)
    begin_sunsets(MONDAY)
    on = Notice.objects.get().effective_on
    change_notice(
        notice=Notice.objects.get(), headline="Refund freely", play="Pay.", effective_on=on, typo=False, by=manager
    )
    days(travel, 1, 16)
    assert (Notice.objects.get().headline, Notice.objects.get().play) == ("Refund freely", "Pay.")


def test_a_merge_is_no_way_round_an_objection(heard, manager):
    owner = owned(heard)
    object_to(review=make.review(Rule.objects.get(), by=manager), objection="It protects old people.", by=owner)
    with pytest.raises(WrongState, match="in the full lane"):
        merge_rules(rule=heard, into=make.rule("Answer politely"), by=manager)


def test_an_undo_gives_a_law_its_confirmation_back(heard, manager, travel):
    change_rule(rule=heard, fields={"authority": "law", "clause": "Act 5, 2"}, by=None)
    second = make.person("second", role="manager")
    confirm_authority(rule=Rule.objects.get(), by=second)
    review = make.review(Rule.objects.get(), origin="list", by=manager)
    write_fence(review=review, comes_from="The act.", counter="It is the law.", purpose="", by=second)
    words = {**ANSWERS, "in_one_sentence": "Two sign.", "protects": "The till.", "new_title": "Two people sign"}
    transition(review=review, verb="simplify", by=manager, answers=words)
    days(travel, 1, 2)
    assert Rule.objects.get().title == "Two people sign"
    transition(review=Review.objects.get(), verb="undo", by=manager)
    assert Rule.objects.get().confirmed_by == second
    travel(MONDAY + 40 * DAY)
    assert expire_claims(today=MONDAY + 40 * DAY) == 0 and Rule.objects.get().authority == "law"


def test_what_protected_when_it_was_marked_takes_the_full_lane(heard, manager):
    change_rule(rule=heard, fields={"protective": True}, by=None)
    review = make.review(Rule.objects.get(), by=manager)
    change_rule(rule=heard, fields={"protective": False}, by=manager)
    with pytest.raises(WrongState, match="Full lane"):
        transition(review=review, verb="remove", by=manager, answers=ANSWERS)


def test_a_review_that_nobody_decides_reminds_of_itself_every_thirty_open_days(travel, manager):
    travel(MONDAY)
    make.review(make.rule(), by=manager)
    days(travel, 0, 61)
    assert Letter.objects.filter(to=manager, about__contains="idle").count() == 2


def test_a_notice_is_told_again_by_who_decides_about_its_rule(heard, travel):
    change_rule(rule=heard, fields={"department": make.department()}, by=None)
    stranger = make.person(team=make.team(department=make.department()))
    stranger.groups.add(Group.objects.get(name="manager"))
    notice = make.notice(heard)
    travel(MONDAY + DAY)
    with pytest.raises(NotAllowed):
        tell_again(notice=notice, by=stranger)


@pytest.mark.parametrize(
    ("verb", "fields", "became"),
    [
        ("write_down", {"protective": True}, State.WRITTEN_DOWN),
        ("write_down", {"authority": "law", "clause": "Act 5, 2"}, State.WRITTEN_DOWN),
        ("declare_myth", {"protective": True}, State.DECLARED_MYTH),
        ("simplify", {"authority": "law", "clause": "Act 5, 2"}, State.SIMPLIFIED),
    ],
)
def test_what_was_protective_or_a_law_when_it_was_decided_takes_effect(heard, manager, travel, verb, fields, became):
    change_rule(rule=heard, fields=fields, by=None)
    review = make.review(Rule.objects.get(), origin="list", by=manager)
    second = make.person("second", role="manager")
    if verb == "simplify":
        write_fence(review=review, comes_from="The act.", counter="It is the law.", purpose="", by=second)
    words = {**ANSWERS, "new_title": "Two people sign"}
    words |= {"in_one_sentence": "Two sign.", "protects": "The till."} if verb == "simplify" else {}
    transition(review=review, verb=verb, by=second, answers=words)
    days(travel, 0, 3)
    assert Review.objects.get().state == became
