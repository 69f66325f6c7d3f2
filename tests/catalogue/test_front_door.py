"""A new rule is proposed, the front line is heard, and only then does it enter, perhaps in the place of another."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from threading import Barrier

import pytest
from django.db import connection, connections
from django.utils import timezone

from rulebook.access.models import ClosedPeriod, Department
from rulebook.catalogue import front_door
from rulebook.catalogue.exporting import export_rules
from rulebook.catalogue.front_door import (
    let_in,
    may_decide,
    propose_rule,
    refuse_proposal,
    why_not_let_in,
    withdraw_proposal,
)
from rulebook.catalogue.importing import import_rules
from rulebook.catalogue.locks import WordingLocked, lock_wording, unlock_wording
from rulebook.catalogue.models import Proposal, Rule
from rulebook.catalogue.queries import abolished_rules, rule_ids_by_name, rules_at, this_quarter
from rulebook.catalogue.services import FieldRefused, change_rule
from rulebook.errors import NotAllowed, WrongState
from rulebook.journal.models import Event, JournalHead
from tests import make

pytestmark = pytest.mark.django_db
MONDAY = date(2026, 3, 2)
ASKED = {
    "title": "Refunds need two signatures",
    "customer_hears": "I have to ask somebody else first.",
    "protects": "The customer, from fraud in their name.",
    "without_it": "About three wrong refunds a month.",
}


@pytest.fixture
def on(monkeypatch):
    """Makes it noon of a day."""

    def move(day):
        monkeypatch.setattr(timezone, "now", lambda: datetime(day.year, day.month, day.day, 11, tzinfo=UTC))

    move(MONDAY)
    return move


@pytest.fixture
def finance(manager):
    return make.department("Finance", head=manager)


@pytest.fixture
def other_manager(db):
    """Of another department."""
    there = make.person("other", role="manager")
    make.department("Stock", head=there)
    return there


@pytest.fixture
def propose(on, manager):
    return lambda **fields: propose_rule(**{**ASKED, "by": manager, **fields})


@pytest.fixture
def heard(on, propose):
    """A proposal of the front line's last day of hearing, on the day after."""
    proposal = propose()
    on(proposal.heard_until + timedelta(days=1))
    return proposal


def nobody(proposal):
    """Says that it will hurt."""
    return 0


def one(proposal):
    return 1


def verbs():
    return list(Event.objects.order_by("number").values_list("verb", "object_code", "before", "after"))


def test_a_proposal_is_a_rule_that_is_not_in_force_and_the_front_line_has_five_working_days(propose, manager):
    proposal = propose(text="Above 500 kr.")
    rule = proposal.rule
    assert (rule.status, rule.title, rule.text, rule.customer_hears) == (
        "proposed", ASKED["title"], "Above 500 kr.", ASKED["customer_hears"],
    )  # fmt: skip
    assert (rule.purpose, rule.authority, rule.kind) == (ASKED["protects"], "policy", "written")
    assert rule.review_by == date(2027, 3, 2)
    assert (proposal.proposed_by, proposal.proposed_on) == (manager, MONDAY)
    assert proposal.heard_until == date(2026, 3, 9)
    assert verbs() == [("proposed", rule.code, "", "proposed")]


def test_days_on_which_nobody_works_do_not_count(propose):
    ClosedPeriod.objects.create(name="Winter", first=MONDAY + timedelta(days=1), last=MONDAY + timedelta(days=10))
    assert propose().heard_until == date(2026, 3, 19)


def test_a_proposed_rule_applies_on_no_day_and_no_case_finds_it(propose):
    proposal = propose()
    assert rules_at(MONDAY) == rules_at(date(2030, 1, 1)) == []
    assert rule_ids_by_name([proposal.rule.code]) == {}


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"title": " "}, "title"),
        ({"customer_hears": ""}, "customer_hears"),
        ({"protects": "\n"}, "protects"),
        ({"without_it": ""}, "without_it"),
        ({"review_by": MONDAY}, "review_by"),
        ({"title": "x" * 501}, "title"),
    ],
)
def test_what_is_missing_or_impossible_is_named_and_nothing_is_stored(propose, fields, field):
    before = JournalHead.objects.get().last
    with pytest.raises(FieldRefused) as caught:
        propose(**fields)
    assert caught.value.field == field
    assert not Rule.objects.exists()
    assert JournalHead.objects.get().last == before


def test_numbers_that_point_at_a_person_are_hidden(propose):
    proposal = propose(protects="Anna, 010190-1234", without_it="Mail anna@example.org")
    assert proposal.protects == proposal.rule.purpose == "Anna, [hidden]"
    assert proposal.without_it == "Mail [hidden]"


def test_a_double_tap_makes_one_proposal_and_a_withdrawn_one_may_come_again(propose, manager, admin):
    first = propose()
    assert propose().pk == first.pk
    assert propose(by=admin).pk != first.pk
    withdraw_proposal(proposal=first, by=manager)
    assert propose().pk not in {first.pk}
    assert Proposal.objects.count() == 3


def test_an_owner_may_propose_and_an_agent_may_not(propose, owner, agent):
    assert propose(by=owner).rule.status == "proposed"
    with pytest.raises(NotAllowed, match="proposes no rules"):
        propose(by=agent, title="Another")


def test_a_stricter_version_takes_over_what_the_rule_it_replaces_is_about(propose, manager, finance):
    old = make.rule(
        "Refunds need one signature", topics=["money"], channels=["mail"], department=finance, protective=True,
        authority="practice", owner=manager,
    )  # fmt: skip
    rule = propose(replaces=old).rule
    assert [topic.path for topic in rule.topics.all()] == ["money"]
    assert (rule.channels, rule.department, rule.protective) == (["mail"], finance, True)
    assert (rule.authority, rule.owner) == ("practice", manager)


@pytest.mark.parametrize(
    ("fields", "status", "why"),
    [
        ({"authority": "law", "clause": "§ 1"}, "in_force", "is a law or contract, which stays"),
        ({"authority": "contract"}, "in_force", "is a law or contract, which stays"),
        ({}, "removed", "is removed already"),
        ({}, "proposed", "is only proposed itself"),
    ],
)
def test_some_rules_cannot_be_replaced(propose, fields, status, why):
    old = make.rule(**fields)
    Rule.objects.filter(pk=old.pk).update(status=status)
    with pytest.raises(FieldRefused, match=why) as caught:
        propose(replaces=old)
    assert caught.value.field == "replaces"


@pytest.mark.parametrize("field", ["title", "text", "customer_hears"])
def test_the_words_that_the_front_line_is_asked_about_stand_still(propose, field):
    rule = propose().rule
    with pytest.raises(WordingLocked, match="front line is being heard") as caught:
        change_rule(rule=rule, fields={field: "Other words"}, by=None)
    assert caught.value.field == field
    assert change_rule(rule=rule, fields={"heard_where": "A meeting"}, by=None)


def test_nobody_lets_it_in_before_the_last_day_has_passed(propose, on, manager):
    proposal = propose()
    on(proposal.heard_until)
    with pytest.raises(WrongState, match="heard until Monday 9 March 2026"):
        let_in(proposal=proposal, hurts=nobody, by=manager)
    assert Rule.objects.get().status == "proposed"
    on(proposal.heard_until + timedelta(days=1))
    assert why_not_let_in(proposal) == ""
    let_in(proposal=proposal, hurts=nobody, by=manager)


def test_a_rule_that_is_let_in_applies_from_that_day(heard, manager):
    rule = let_in(proposal=heard, hurts=nobody, by=manager)
    today = date(2026, 3, 10)
    assert rule.status == "in_force"
    assert [(version.applies_from, version.applies_to) for version in rule.versions.all()] == [(today, None)]
    assert rules_at(today - timedelta(days=1)) == []
    assert [row["code"] for row in rules_at(today)] == [rule.code]
    heard.refresh_from_db()
    assert (heard.outcome, heard.decided_by) == ("entered", manager)
    assert verbs()[-1] == ("let_in", rule.code, "proposed", "in_force")
    assert change_rule(rule=rule, fields={"text": "More."}, by=None)


def test_the_rule_it_replaces_is_gone_from_that_day(on, propose, manager):
    old = make.rule("One signature", applies_from=date(2020, 1, 1))
    change_rule(rule=old, fields={"title": "One clear signature", "applies_from": date(2026, 9, 1)}, by=None)
    proposal = propose(replaces=old)
    on(date(2026, 3, 10))
    rule = let_in(proposal=proposal, hurts=nobody, by=manager)
    assert Rule.objects.get(pk=old.pk).status == "removed"
    for day, code in ((date(2026, 3, 9), old.code), (date(2026, 3, 10), rule.code), (date(2026, 10, 1), rule.code)):
        assert [row["code"] for row in rules_at(day)] == [code]
    assert verbs()[-2:] == [("let_in", rule.code, "proposed", "in_force"), ("removed", old.code, "in_force", "removed")]


def test_who_says_that_it_hurts_gets_an_answer_before_it_enters(heard, manager):
    with pytest.raises(FieldRefused, match="Answer it") as caught:
        let_in(proposal=heard, hurts=one, reason=" ", by=manager)
    assert caught.value.field == "reason"
    let_in(proposal=heard, hurts=one, reason="Only above 5,000 kr.", by=manager)
    heard.refresh_from_db()
    assert heard.reason == "Only above 5,000 kr."


def test_a_rule_that_is_not_let_in_never_applied_and_is_not_among_the_abolished(propose, manager):
    proposal = propose()
    with pytest.raises(FieldRefused, match="Write why"):
        refuse_proposal(proposal=proposal, reason="", by=manager)
    refuse_proposal(proposal=proposal, reason="It would send every tenth customer away.", by=manager)
    rule = Rule.objects.get()
    assert rule.status == "removed"
    assert all(rules_at(MONDAY + timedelta(days=days)) == [] for days in (-1, 0, 1))
    assert not abolished_rules().exists()
    assert verbs()[-1] == ("not_let_in", rule.code, "proposed", "removed")


def test_only_who_proposed_it_withdraws_it(propose, manager, admin):
    proposal = propose()
    with pytest.raises(NotAllowed, match="Only who proposed it"):
        withdraw_proposal(proposal=proposal, by=admin)
    withdraw_proposal(proposal=proposal, by=manager)
    assert (Rule.objects.get().status, verbs()[-1][0]) == ("removed", "withdrawn")


def test_a_manager_of_the_own_department_decides_and_nobody_else(on, propose, finance, manager, other_manager, owner):
    proposal = propose(department=finance)
    on(date(2026, 3, 10))
    for person in (other_manager, owner):
        assert not may_decide(proposal, person)
        with pytest.raises(NotAllowed):
            let_in(proposal=proposal, hurts=nobody, by=person)
        with pytest.raises(NotAllowed):
            refuse_proposal(proposal=proposal, reason="No.", by=person)
    assert may_decide(proposal, manager)
    assert let_in(proposal=proposal, hurts=nobody, by=manager)


def test_nobody_ends_a_rule_of_another_department_by_replacing_it(on, propose, finance, manager, other_manager):
    old = make.rule(department=Department.objects.get(name="Stock"))
    proposal = propose(replaces=old, department=finance)
    on(date(2026, 3, 10))
    with pytest.raises(NotAllowed, match="belongs to Stock"):
        let_in(proposal=proposal, hurts=nobody, by=manager)
    assert Rule.objects.get(pk=old.pk).status == "in_force"


def test_of_two_who_decide_at_once_the_second_is_told_what_the_first_did(heard, manager, monkeypatch):
    stale = Proposal.objects.get(pk=heard.pk)
    let_in(proposal=heard, hurts=nobody, by=manager)
    for decide in (
        lambda: let_in(proposal=stale, hurts=nobody, by=manager),
        lambda: refuse_proposal(proposal=stale, reason="No.", by=manager),
        lambda: withdraw_proposal(proposal=stale, by=manager),
    ):
        with pytest.raises(WrongState, match="Let in on 10 Mar 2026 by manager"):
            decide()
    monkeypatch.setattr(front_door, "why_not_let_in", lambda proposal: "")  # both have looked before either wrote
    with pytest.raises(WrongState, match="Let in on 10 Mar 2026 by manager"):
        let_in(proposal=stale, hurts=nobody, by=manager)
    assert [verb for verb, *_ in verbs()] == ["proposed", "let_in"]


def test_it_does_not_enter_while_people_vote_on_it(heard, manager):
    lock_wording(rule=heard.rule, holder="ballot 1")
    with pytest.raises(WrongState, match="People are voting"):
        let_in(proposal=heard, hurts=nobody, by=manager)


def test_it_is_neither_refused_nor_withdrawn_while_people_vote_on_it(propose, manager):
    proposal = propose()
    lock_wording(rule=proposal.rule, holder="ballot 1")
    for end in (
        lambda: refuse_proposal(proposal=proposal, reason="No.", by=manager),
        lambda: withdraw_proposal(proposal=proposal, by=manager),
    ):
        with pytest.raises(WrongState, match="People are voting"):
            end()
    assert Rule.objects.get().status == "proposed"
    assert not Proposal.objects.exclude(outcome="").exists()
    unlock_wording(rule=proposal.rule, holder="ballot 1")
    withdraw_proposal(proposal=proposal, by=manager)


def test_those_who_say_that_it_hurts_are_counted_while_its_row_is_held(heard, manager):
    counted = []

    def hurts(proposal):
        assert connection.in_atomic_block and proposal.outcome == ""
        counted.append(proposal.pk)
        return 1

    with pytest.raises(FieldRefused, match="Answer it"):
        let_in(proposal=heard, hurts=hurts, by=manager)
    assert counted == [heard.pk]


def test_what_became_a_law_meanwhile_stays_and_what_was_removed_meanwhile_is_no_obstacle(on, propose, manager):
    law, gone = make.rule("Law"), make.rule("Gone")
    first, second = propose(replaces=law), propose(replaces=gone, title="Another")
    change_rule(rule=law, fields={"authority": "law", "clause": "§ 1"}, by=None)
    Rule.objects.filter(pk=gone.pk).update(status="removed")
    on(date(2026, 3, 10))
    with pytest.raises(WrongState, match="is a law or contract"):
        let_in(proposal=first, hurts=nobody, by=manager)
    assert let_in(proposal=second, hurts=nobody, by=manager).status == "in_force"
    assert [verb for verb, code, *_ in verbs() if code == gone.code] == ["written_down"]


def test_the_quarter_counts_what_entered_and_what_was_removed_and_not_what_was_found(on, propose, manager):
    make.rule("Found")
    old = make.rule("Old")
    proposals = [propose(), propose(title="Stricter", replaces=old), propose(title="Never")]
    on(date(2026, 3, 10))
    for proposal in proposals[:2]:
        let_in(proposal=proposal, hurts=nobody, by=manager)
    refuse_proposal(proposal=proposals[2], reason="No.", by=manager)
    quarter = this_quarter(date(2026, 3, 31))
    assert (quarter.entered, quarter.removed, quarter.balance) == (2, 1, 1)
    assert this_quarter(date(2026, 4, 1)).balance == 0


@pytest.mark.skipif(connection.vendor != "postgresql", reason="threads share one SQLite database in memory")
@pytest.mark.django_db(transaction=True)
def test_many_who_propose_and_decide_at_the_same_moment_make_one_proposal_and_one_decision(admin):
    old = make.rule("Old", code="Z-OLD")  # after R-0001 in the order of codes
    start = Barrier(4)

    def at_once(work):
        def one(number):
            try:
                start.wait()
                return work(number)
            except WrongState as refusal:
                return str(refusal)
            finally:
                connections.close_all()

        with ThreadPoolExecutor(4) as pool:
            return list(pool.map(one, range(4)))

    for turn in range(5):
        title = f"New {turn}"
        made = at_once(lambda number, title=title: propose_rule(**{**ASKED, "title": title}, replaces=old, by=admin).pk)
        assert len(set(made)) == 1
        Proposal.objects.filter(pk=made[0]).update(heard_until=date(2020, 1, 1))

        def decide(number, proposal=made[0]):
            given = {"proposal": Proposal.objects.get(pk=proposal), "by": admin}
            return refuse_proposal(**given, reason="No.") if number % 2 else let_in(**given, hurts=nobody).code

        answers = at_once(decide)
        assert sum("by admin." in str(answer) for answer in answers) == 3
        outcome, status = Proposal.objects.values_list("outcome", "rule__status").get(pk=made[0])
        assert (outcome, status) in {("entered", "in_force"), ("refused", "removed")}
        Rule.objects.filter(pk=old.pk).update(status="in_force")


def test_a_list_that_was_exported_comes_back_unchanged_and_changes_no_words_that_are_being_heard(propose, tmp_path):
    make.rule("In force")
    rule = propose(text="Above 500 kr.").rule
    path = tmp_path / "rules.csv"
    assert export_rules(path) == 2
    assert import_rules(path, None).unchanged == 2
    path.write_text(f"code,title\n{rule.code},Softer words\n")
    (refused,) = import_rules(path, None).rejections
    assert f"line 2, column title: Rule {rule.code} is as it was. The front line is being heard" in str(refused)
