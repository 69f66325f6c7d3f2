"""Two rules that say the same become one, and nothing that was said of either is lost."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime

import pytest
from django.db import connection, connections, transaction

from rulebook.cases.linking import ParsedLink, link
from rulebook.cases.models import CaseRule, PendingLink
from rulebook.cases.services import settle_pending_links
from rulebook.catalogue.exporting import rule_rows
from rulebook.catalogue.models import Proposal, Rule
from rulebook.catalogue.queries import abolished_rules, merged_into, rule_ids_by_name
from rulebook.catalogue.services import change_rule
from rulebook.catalogue.sheet import take_back
from rulebook.catalogue.similar import alike, likely_rules
from rulebook.desk.merging import merge_rules, move_what_is_left, moves_due, why_not_merged
from rulebook.errors import NotAllowed, RulebookError, WrongState
from rulebook.flags.models import HeldFlag
from rulebook.flags.queries import rule_named
from rulebook.flags.services import Telling, send_flag
from rulebook.insight.models import BlockedMonth, RuleFigures, RuleMonth, TopicMonth
from rulebook.insight.refreshing import refresh_figures
from rulebook.journal.models import Event
from rulebook.notices.models import Notice
from rulebook.review.models import Review, State
from rulebook.review.zombies import count_zombies
from rulebook.votes.models import StandingVote
from tests import make

pytestmark = pytest.mark.django_db


@pytest.fixture
def pair():
    """The rule that goes, and the one that stays."""
    return make.rule("A receipt for each refund", code="R-0034"), make.rule("No refund without receipt", code="R-0012")


def merged(gone, stays, by=None):
    merge_rules(rule=gone, into=stays, by=by)
    move_what_is_left()
    gone.refresh_from_db()
    stays.refresh_from_db()


# What becomes of the two


def test_the_one_ends_and_the_other_keeps_its_words(pair, manager):
    gone, stays = pair
    merged(gone, stays, manager)
    assert (gone.status, stays.status) == (Rule.Status.REMOVED, Rule.Status.IN_FORCE)
    assert gone.versions.get().applies_to is not None
    assert (stays.title, stays.versions.count()) == ("No refund without receipt", 1)
    assert merged_into(gone) == stays and merged_into(stays) is None


def test_every_name_of_the_one_leads_to_the_other(pair):
    gone, stays = pair
    change_rule(rule=gone, fields={"aliases": ["REF-1"]}, by=None)
    likely_rules("receipt")  # the process remembers both
    merged(gone, stays)
    assert set(rule_ids_by_name(["R-0034", "REF-1", "A receipt for each refund"]).values()) == {stays.pk}
    assert [rule.code for rule in likely_rules("receipt for each refund")] == ["R-0012"]
    assert [rule.code for rule in likely_rules("R-0034")] == ["R-0012"]
    assert rule_named("R-0034") == stays
    assert gone.pk not in {rule.pk for rule in alike(stays)}


def test_a_title_that_cannot_be_a_name_is_left_out(pair):
    _gone, stays = pair
    merged(make.rule("Receipts; and bags"), stays)
    merged(make.rule("long " * 30), stays)
    assert list(stays.names.filter(is_code=False, name__contains=" ")) == []


def test_a_merged_rule_is_found_from_the_last_of_a_chain(pair):
    gone, stays = pair
    last = make.rule("Receipts are needed")
    merged(gone, stays)
    merged(stays, last)
    assert merged_into(gone) == merged_into(stays) == last


def test_no_edit_and_no_list_cuts_the_way_from_the_merged_rule(pair):
    gone, stays = pair
    merged(gone, stays)
    assert change_rule(rule=stays, fields={"aliases": []}, by=None)  # the title goes
    assert not change_rule(rule=stays, fields={"aliases": []}, by=None)
    assert merged_into(gone) == stays


def test_a_rule_that_took_in_another_is_not_taken_back(pair, manager):
    gone, stays = pair
    merged(gone, stays)
    with pytest.raises(WrongState):
        take_back(rule=stays, by=manager)


def test_a_merge_is_no_removal(pair, travel):
    gone, stays = pair
    make.review(gone)
    travel(date(2026, 3, 2))
    merged(gone, stays)
    travel(date(2026, 3, 9))
    make.flag(rule=gone, flagged_on=date(2026, 3, 9))
    assert count_zombies(today=date(2026, 3, 9)) == 0
    assert not abolished_rules().exists() and not Notice.objects.exists()
    assert [row[0] for row in rule_rows()] == ["R-0012"]


def test_the_journal_and_both_pages_tell_of_it(pair, manager, client):
    gone, stays = pair
    merged(gone, stays, manager)
    told = [(event.object_code, event.after) for event in Event.objects.filter(verb__in=["merged", "took_in"])]
    assert told == [("R-0034", "R-0012"), ("R-0012", "R-0034")]
    client.force_login(manager)
    page = client.get(f"/admin/catalogue/rule/{gone.pk}/").content.decode()
    assert f'href="/admin/catalogue/rule/{stays.pk}/">R-0012 No refund without receipt</a>' in page
    assert "Merged into R-0012" in page
    assert "Took in R-0034, which said the same" in client.get(f"/admin/catalogue/rule/{stays.pk}/").content.decode()


def test_the_earlier_review_by_date_holds(pair):
    gone, stays = pair
    change_rule(rule=gone, fields={"review_by": date(2026, 5, 1)}, by=None)
    merged(gone, stays)
    assert stays.review_by == date(2026, 5, 1)
    later = make.rule("Receipts are needed", review_by=date(2027, 1, 1))
    merged(later, stays)
    assert stays.review_by == date(2026, 5, 1)


def test_a_proposal_replaces_the_one_that_stays(pair, manager):
    gone, stays = pair
    new = make.rule("A receipt within 30 days")
    Rule.objects.filter(pk=new.pk).update(status="proposed")
    proposal = Proposal.objects.create(rule=new, replaces=gone, proposed_on="2026-03-02", heard_until="2026-03-09")
    merged(gone, stays)
    proposal.refresh_from_db()
    assert proposal.replaces == stays


# Who may, and when


def test_who_does_not_decide_about_both_rules_merges_none(pair, agent, owner, manager):
    gone, stays = pair
    for person in (agent, owner):
        with pytest.raises(NotAllowed):
            merge_rules(rule=gone, into=stays, by=person)
    own, other = make.department(head=manager), make.department()
    for mine, theirs in ((gone, stays), (stays, gone)):
        Rule.objects.filter(pk=mine.pk).update(department=own)
        Rule.objects.filter(pk=theirs.pk).update(department=other)
        with pytest.raises(NotAllowed):
            merge_rules(rule=gone, into=stays, by=manager)
    assert not Event.objects.filter(verb="merged").exists()


def test_a_rule_is_not_merged_with_itself_nor_with_one_that_is_gone(pair):
    gone, stays = pair
    assert why_not_merged(gone, gone) == "That is one and the same rule. Choose another one."
    merged(gone, stays)
    assert why_not_merged(stays, gone) == "R-0034 is removed. Only rules in force are merged."
    with pytest.raises(WrongState):
        merge_rules(rule=gone, into=stays, by=None)


def test_a_law_does_not_become_a_habit(pair):
    gone, stays = pair
    change_rule(rule=gone, fields={"authority": "law", "clause": "§ 1"}, by=None)
    gone.refresh_from_db()
    assert why_not_merged(gone, stays) == "R-0034 is a law or contract, and R-0012 is not. Keep R-0034."
    assert why_not_merged(stays, gone) == ""


def test_a_protective_rule_stays_one(pair):
    gone, stays = pair
    gone.protective = True
    assert why_not_merged(gone, stays) == "R-0034 is protective, and R-0012 is not. Keep R-0034."


@pytest.mark.parametrize("place", [0, 1])
def test_nobody_merges_what_people_vote_on(pair, place):
    make.ballot(pair[place])
    code = pair[place].code
    assert why_not_merged(*pair) == f"People are voting on {code}. Merge when the ballot is closed."


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize(
    ("state", "sentence"),
    [
        ("on_trial", "A trial without {} is running. End it first."),
        ("decided", "What becomes of {} is decided. Undo that first, or wait until it is in force."),
    ],
)
def test_a_trial_and_a_decision_come_to_their_end_first(pair, place, state, sentence):
    review = make.review(pair[place])
    more = {"outcome": "removed", "effective_on": date(2026, 4, 1)} if state == "decided" else {}
    Review.objects.filter(pk=review.pk).update(state=state, **more)
    assert why_not_merged(*pair) == sentence.format(pair[place].code)


@pytest.mark.parametrize("state", [State.MARKED, State.ASSESSING, State.LAPSING])
def test_the_review_of_the_one_closes_and_that_of_the_other_goes_on(pair, manager, state):
    gone, stays = pair
    closes, goes_on = make.review(gone), make.review(stays)
    Review.objects.filter(pk=closes.pk).update(state=state)
    merged(gone, stays, manager)
    closes.refresh_from_db()
    goes_on.refresh_from_db()
    assert (closes.state, goes_on.state) == (State.WITHDRAWN, State.MARKED)


# Voices


def test_flags_go_over_with_their_answers(pair):
    gone, stays = pair
    flag = make.flag(rule=gone, outcome="linked", headline="Receipts", answer="We look at it.")
    merged(gone, stays)
    flag.refresh_from_db()
    assert (flag.rule, flag.answer, flag.outcome, flag.rule_was_removed) == (stays, "We look at it.", "linked", False)


def test_an_anonymous_flag_stays_anonymous_and_waits_among_the_others(pair, agent):
    gone, stays = pair
    for number, rule in enumerate([gone, stays, None]):
        send_flag(form=str(number), telling=Telling("I had to say no.", rule=rule), anonymous=True, by=agent, team=None)
    numbers = set(HeldFlag.objects.values_list("pk", flat=True))
    events = Event.objects.count()
    merged(gone, stays)
    assert sorted(str(flag.rule_id) for flag in HeldFlag.objects.all()) == sorted([str(stays.pk)] * 2 + ["None"])
    assert not numbers & set(HeldFlag.objects.values_list("pk", flat=True))  # all are written anew
    assert not Event.objects.filter(number__gt=events, object_type="flag").exists()


def test_votes_stay_with_the_words_they_were_cast_on(pair):
    gone, stays = pair
    make.vote(gone)
    merged(gone, stays)
    assert StandingVote.objects.get().version == gone.versions.get()


# Contacts and figures


def test_a_link_that_comes_late_follows_too(pair):
    gone, stays = pair
    case = make.case(make.source())
    merged(gone, stays)
    assert not moves_due()
    make.link(case, gone)  # by an import that had looked the rule up before
    make.flag(rule=gone)
    assert moves_due()
    move_what_is_left()
    assert CaseRule.objects.get().rule == stays and not moves_due()


def test_what_waits_for_a_contact_finds_the_one_that_stays(pair):
    gone, stays = pair
    source = make.source()
    make.case(source, "C-1")
    PendingLink.objects.create(source=source, external_id="C-1", rule_name="R-0034", effect="blocked", origin="source")
    merged(gone, stays)
    settle_pending_links(by=None)
    assert CaseRule.objects.get().rule == stays


def test_of_one_origin_a_contact_keeps_one_effect(pair):
    gone, stays = pair
    case = make.case(make.source(), "C-1")
    make.link(case, gone, effect="applied")
    make.link(case, stays, effect="blocked")
    make.link(case, gone, effect="blocked", origin="flag")
    make.link(case, stays, effect="blocked", origin="flag")
    merged(gone, stays)
    assert sorted(CaseRule.objects.values_list("rule", "effect", "origin")) == [
        (stays.pk, "blocked", "flag"), (stays.pk, "blocked", "source"),
    ]  # fmt: skip
    assert link(case.source_id, [ParsedLink(2, "C-1", "R-0034", "blocked")], None).unchanged == 1


def test_a_move_that_is_stopped_is_gone_on_with(pair):
    gone, stays = pair
    source = make.source()
    for _number in range(3):
        make.link(make.case(source), gone)
    merge_rules(rule=gone, into=stays, by=None)

    def stop():
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("rulebook.cases.moving.CASES_A_BATCH", 2)
        with pytest.raises(KeyboardInterrupt):
            move_what_is_left(stop)
    assert CaseRule.objects.filter(rule=gone).count() == 1 and moves_due()
    assert move_what_is_left() == 1
    assert CaseRule.objects.filter(rule=stays).count() == 3


def told(code):
    """All figures by what people call their subjects, those of one rule and of all topics."""
    columns = {
        model: [field.attname for field in model._meta.fields if field.attname not in {"id", "rule_id", "source_id"}]
        for model in (RuleMonth, BlockedMonth, TopicMonth, RuleFigures)
    }
    skipped = {"topic_id", "gathered"}  # numbers of rows
    found = {}
    for model, names in columns.items():
        rows = model.objects.all() if model is TopicMonth else model.objects.filter(rule__code=code)
        found[model.__name__] = sorted(
            str({name: getattr(row, name) for name in names if name not in skipped}) for row in rows
        )
    return found


def house(names):
    """Sixty contacts of three months, in which two rules of a house were met, or its one rule under both names."""
    source = make.source("desk", horizon=datetime(2026, 4, 1, tzinfo=UTC))
    topics = [make.topic("returns/refund"), None]
    rules = {name: Rule.objects.filter(code=name).first() or make.rule(name, code=name) for name in set(names)}
    other = make.rule("Another", code="R-0099")
    for number in range(60):
        outcome = "not_resolved" if number % 3 else "resolved"
        opened = datetime(2026, 1 + number % 3, 5, tzinfo=UTC)
        case = make.case(source, topic=topics[number % 2], outcome=outcome, opened_at=opened)
        met = {rules[names[place]] for place in (0, 1) if number % 7 < 3 or number % 2 == place}
        for rule in met:
            make.link(case, rule, effect="blocked" if number % 5 else "applied")
        if number % 4 == 0:
            make.link(case, other)
    return rules


def test_figures_are_those_of_a_house_that_always_had_one_rule():
    with transaction.atomic():
        house(["R-0012", "R-0012"])
        refresh_figures()
        wanted, wanted_other = told("R-0012"), told("R-0099")
        transaction.set_rollback(True)
    rules = house(["R-0012", "R-0034"])
    refresh_figures()
    assert told("R-0012") != wanted
    merged(rules["R-0034"], rules["R-0012"])
    refresh_figures()
    assert told("R-0012") == wanted and told("R-0099") == wanted_other
    assert told("R-0034")["RuleMonth"] == told("R-0034")["BlockedMonth"] == []
    before = {code: told(code) for code in ("R-0012", "R-0034", "R-0099")}
    refresh_figures(everything=True)
    assert {code: told(code) for code in before} == before


# At once, and in the desk


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite lets one transaction write at a time")
def test_of_two_who_merge_crosswise_one_is_told(pair):
    one, two = pair

    def merge(way):
        try:
            merge_rules(rule=way[0], into=way[1], by=None)
            return ""
        except RulebookError as refusal:
            return str(refusal)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        said = sorted(pool.map(merge, [(one, two), (two, one)]))
    assert said[0] == "" and said[1].endswith("is removed. Only rules in force are merged.")
    assert sorted(Rule.objects.values_list("status", flat=True)) == ["in_force", "removed"]


def test_a_manager_sees_them_side_by_side_and_chooses_which_stays(pair, manager, client):
    gone, stays = pair
    client.force_login(manager)
    address = f"/admin/catalogue/rule/{gone.pk}/same/"
    assert f'href="{address}"' in client.get(f"/admin/catalogue/rule/{gone.pk}/").content.decode()
    page = client.get(address, {"with": "R-0012"}).content.decode()
    assert "They are the same: keep R-0012" in page and "They are the same: keep R-0034" in page
    answer = client.post(address, {"with": "R-0012", "keep": "R-0012"}, follow=True)
    assert answer.redirect_chain == [(f"/admin/catalogue/rule/{stays.pk}/", 302)]
    assert "R-0034 is merged into R-0012." in answer.content.decode()
    again = client.post(address, {"with": "R-0012", "keep": "R-0012"})
    assert again.status_code == 409
    assert "R-0034 is removed. Only rules in force are merged." in again.content.decode()


def test_the_page_says_what_is_wrong(pair, manager, client):
    gone, _stays = pair
    client.force_login(manager)
    address = f"/admin/catalogue/rule/{gone.pk}/same/"
    assert "No rule is called “R-9”." in client.get(address, {"with": "R-9"}).content.decode()
    assert "That is one and the same rule." in client.get(address, {"with": "R-0034"}).content.decode()
    assert client.post(address, {"with": "R-0012", "keep": "R-9"}).status_code == 422
    make.ballot(gone)
    assert "People are voting on R-0034." in client.get(address, {"with": "R-0012"}).content.decode()
