"""Whoever proposed, decided, owned, objected or wrote leaves the house: pages open, clocks end, somebody can answer."""

from datetime import date, timedelta

import pytest
from django.contrib.auth.models import Permission
from django.db.models import ProtectedError

from rulebook.access.models import Department, Letter, Person
from rulebook.catalogue.models import Rule
from rulebook.errors import NotAllowed, WrongState
from rulebook.notices.models import Notice
from rulebook.review import queries
from rulebook.review.clocks import run_clocks
from rulebook.review.letters import write_letters
from rulebook.review.models import Review, State
from rulebook.review.services import agree, answer_escalation, object_to, transition, write_fence
from rulebook.review.sunset import begin_sunsets
from tests import make

pytestmark = pytest.mark.django_db
MONDAY = date(2026, 3, 2)
DAY = timedelta(1)
ANSWERS = {"play": "Refund at once.", "nobody_knows": True}
FULL = {**ANSWERS, "full_asked": True, "in_one_sentence": "Two sign.", "protects": "The till."}
BOARD, OVER, ASKED = (f"/admin/review/review/{end}" for end in ("", "?state=over", "asked/"))


@pytest.fixture
def heard(agent, owner, travel):
    """A rule of the owner's that the only agent has voted on."""
    travel(MONDAY)
    rule = make.rule("Refunds need two signatures", owner=owner)
    make.vote(rule, -2, by=agent)
    return rule


@pytest.fixture
def finance(agent):
    """The agent's department. Its head has no role at all, and no place at the desk."""
    head, deputy = make.person("head", is_staff=False), make.person("deputy", role="owner")
    return of_the_agent(agent, make.department("Finance", head=head, deputy=deputy))


def of_the_agent(agent, department):
    Person.objects.filter(pk=agent.pk).update(team=make.team(department=department))
    return department


def decide(rule, manager, answers=ANSWERS):
    return transition(review=make.review(rule, by=manager), verb="remove", by=manager, answers=answers)


def now(review):
    return Review.objects.get(pk=review.pk)


def leave(person):
    """A leaver's account is closed, and the name stays."""
    Person.objects.filter(pk=person.pk).update(is_active=False)


# Gone for good


def test_with_everybody_gone_all_pages_open_and_the_clocks_run_on(heard, manager, owner, client, travel):
    writer = make.person("writer", role="manager")
    fenced = make.review(make.rule("By mail", owner=owner), by=manager)
    write_fence(review=fenced, comes_from="", counter="Fraud.", purpose="", by=writer)
    object_to(review=fenced, objection="The bank.", by=owner)
    over = make.review(make.rule("At noon"), by=manager)
    answers = {"addressee": "The bank", "answer_due": MONDAY + DAY}
    transition(review=over, verb="escalate", by=manager, answers=answers)
    review = decide(heard, manager)
    for person in (manager, owner, writer):
        person.delete()
    client.force_login(make.person("later", role="manager"))
    for one in (review, fenced, over):
        for address in (f"/admin/review/review/{one.pk}/change/", f"/review/{one.pk}/"):
            assert client.get(address).status_code == 200, address
        assert client.get(f"/admin/catalogue/rule/{one.rule_id}/").status_code == 200
    for address in (BOARD, OVER, ASKED, f"{BOARD}?state=assessing", "/admin/"):
        assert client.get(address).status_code == 200, address
    assert "None" not in client.get(f"/review/{review.pk}/").content.decode()
    told = [len(run_clocks(travel(MONDAY + number * DAY))) for number in range(11)]
    assert sum(told) == 2 and now(review).state == State.REMOVED
    assert write_letters(MONDAY + 10 * DAY) == 0


def test_what_a_person_decided_who_was_deleted_since_is_told_without_a_name(heard, manager):
    review = decide(heard, manager)
    manager.delete()
    with pytest.raises(WrongState) as told:
        transition(review=review, verb="keep", by=make.person(role="manager"))
    assert str(told.value) == "Decided: removed from Wednesday 11 March 2026."


def test_after_the_objector_left_the_objection_still_has_to_be_answered(heard, manager, owner):
    review = object_to(review=make.review(heard, by=manager), objection="The bank.", by=owner)
    owner.delete()
    other = make.person(role="manager")
    with pytest.raises(WrongState, match="Full lane"):
        transition(review=review, verb="remove", by=other, answers=ANSWERS)
    assert now(review).objection == "The bank." and now(review).objected_by is None


# Away


def test_a_head_stands_in_for_an_owner_who_left_while_her_yes_was_waited_for(heard, manager, owner, finance, travel):
    Rule.objects.update(department=finance)
    review = decide(heard, manager)
    assert review.owner_until == MONDAY + 7 * DAY
    with pytest.raises(NotAllowed):
        agree(review=review, by=finance.head)  # the owner is here and is asked herself
    leave(owner)
    assert list(queries.waiting_for_yes(finance.head)) == [review] == list(queries.waiting_for_yes(finance.deputy))
    travel(MONDAY + DAY)
    assert write_letters(MONDAY + DAY) == 1 and Letter.objects.get().to == finance.head
    assert agree(review=review, by=finance.head).effective_on == MONDAY + 2 * DAY
    assert Notice.objects.get().state == Notice.State.PUBLISHED


def test_the_deputy_objects_where_owner_and_head_have_left(heard, manager, owner, finance):
    Rule.objects.update(department=finance)
    review = decide(heard, manager)
    leave(owner)
    leave(finance.head)
    assert object_to(review=review, objection="The bank.", by=finance.deputy).state == State.ASSESSING


def test_where_nobody_stands_in_it_is_in_force_after_her_seven_days(heard, manager, owner, travel):
    leave(owner)  # before the decision, and no department names anybody else
    review = decide(heard, manager)
    assert (review.state, review.owner_until) == (State.DECIDED, MONDAY + 7 * DAY)
    assert run_clocks(travel(MONDAY + 7 * DAY)) == []
    assert len(run_clocks(travel(MONDAY + 8 * DAY))) == 1 == len(run_clocks(travel(MONDAY + 9 * DAY)))
    assert now(review).state == State.REMOVED


def test_a_department_without_head_and_deputy_waits_for_nobody_and_its_pages_open(heard, agent, manager, client):
    Rule.objects.update(owner=None, department=of_the_agent(agent, make.department("Empty")))
    review = decide(heard, manager)
    assert (review.owner_until, review.effective_on) == (None, MONDAY + DAY)
    client.force_login(manager)
    said = client.get(f"/admin/review/review/{make.review(make.rule(department=Department.objects.get())).pk}/change/")
    assert "Nobody answers for this rule, so nobody is waited for." in said.content.decode()


def test_a_department_with_rules_is_not_deleted_and_one_without_leaves_no_review_behind(heard, finance):
    Rule.objects.update(department=finance)
    with pytest.raises(ProtectedError):
        finance.delete()


def test_the_calendar_escalates_to_whoever_stands_in(heard, owner, finance, travel):
    Rule.objects.update(department=finance, protective=True, review_by=MONDAY)
    leave(owner)
    (review,) = begin_sunsets(MONDAY)
    assert review.addressee == "head"


# A head without the role of a manager


def test_a_head_without_any_role_objects_on_a_phone_by_the_link_of_the_letter(heard, manager, finance, client):
    Rule.objects.update(owner=None, department=finance)
    review = decide(heard, manager)
    client.force_login(finance.head)
    page = client.get(f"/review/{review.pk}/").content.decode()
    assert 'value="object"' in page and "Or say why it should stay" in page
    assert client.post(f"/review/{review.pk}/", {"do": "object", "objection": "The bank."}).status_code == 302
    assert (now(review).state, now(review).objected_by) == (State.ASSESSING, finance.head)


def test_a_head_who_may_only_look_at_reviews_objects_at_the_desk(heard, manager, finance, client):
    Rule.objects.update(owner=None, department=finance)
    viewer = make.person("viewer", role="owner")
    viewer.groups.clear()
    viewer.user_permissions.add(Permission.objects.get(codename="view_review"))
    Department.objects.update(head=viewer)
    review = make.review(heard, by=manager)
    client.force_login(viewer)
    assert "Or say why it should stay" in client.get(f"/admin/review/review/{review.pk}/change/").content.decode()
    sent = {"do": "object", "seen": review.state, "objection": "The bank."}
    assert client.post(f"/admin/review/review/{review.pk}/do/", sent).status_code == 302
    assert now(review).objection == "The bank."


def test_who_answers_for_nothing_objects_nowhere(heard, manager, client):
    review = make.review(heard, by=manager)
    stranger = make.person("stranger", role="owner")
    client.force_login(stranger)
    assert client.post(f"/review/{review.pk}/", {"do": "object", "objection": "No."}).status_code == 403
    assert not now(review).objection


# A rule that leaves force meanwhile


def test_an_escalation_about_a_rule_that_is_gone_reminds_nobody_and_can_still_be_answered(heard, manager, travel):
    review = make.review(heard, by=manager)
    answers = {"addressee": "The bank", "answer_due": MONDAY + DAY}
    transition(review=review, verb="escalate", by=manager, answers=answers)
    assert queries.asked_of(manager).escalated == [review]
    Rule.objects.update(status=Rule.Status.REMOVED)
    travel(MONDAY + 2 * DAY)
    assert write_letters(MONDAY + 2 * DAY) == 0 and queries.asked_of(manager).escalated == []
    assert answer_escalation(review=review, answer="It may go.", by=manager).answered_on == MONDAY + 2 * DAY
