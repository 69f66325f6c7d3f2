"""What people say beside the figures: flags of 30 days and published votes, which order a list and change no figure."""

import io
import json
import random
from datetime import UTC, date, datetime, timedelta
from itertools import count

import pytest
from django.core.management import call_command
from django.utils import timezone

from rulebook.catalogue.models import Rule
from rulebook.catalogue.services import change_rule
from rulebook.desk import work
from rulebook.desk.models import Duty
from rulebook.flags.models import Flag, HeldFlag
from rulebook.insight.models import RuleFigures
from rulebook.insight.queries import listed_rules
from rulebook.insight.refreshing import refresh_figures
from rulebook.insight.rescoring import Row
from rulebook.insight.voices import newest_verdicts, refresh_voices, voices_due
from rulebook.journal.models import Event
from rulebook.votes.models import Ballot, BallotItem, Cast, Hands, StandingVote, Tally
from tests import make
from tests.insight.test_figures import mature, world

pytestmark = pytest.mark.django_db

TODAY = date(2026, 11, 23)
once = count(1)


def flag(rule, days=0, **fields):
    """As it lies there once it was sent, or released: so many days ago."""
    when = TODAY - timedelta(days=days)
    return Flag.objects.create(stopped="Two calls.", rule=rule, flagged_on=when, once=f"{next(once)}", **fields)


def wording(rule):
    return rule.versions.latest("number")


def tally(rule, mean=None, voters=5, *, band="", on=TODAY, **fields):
    return Tally.objects.create(
        version=wording(rule), published_on=on, voters=voters, mean=mean, band=band, **fields
    )  # fmt: skip


def ballot(rule, impacts, *, state="closed", at=None, hands=0):
    """One with these votes; `at` is when it was closed."""
    at = (at or datetime(2026, 11, 20, 9, tzinfo=UTC)) if state == "closed" else None
    made = Ballot.objects.create(title="Which of these?", state=state, closed_at=at)
    item = BallotItem.objects.create(ballot=made, version=wording(rule), place=1)
    for place, impact in enumerate(impacts):
        Cast.objects.create(item=item, impact=impact, voter=None if at else f"person {place}", by_agent=True)
    if hands:
        Hands.objects.create(item=item, value=-2, people=hands)
    return made


def said(rule):
    """(flags, vote, voters)"""
    return RuleFigures.objects.values_list("flags", "vote", "voters").get(rule=rule)


def figures():
    out = io.StringIO()
    call_command("figures", "--format", "json", stdout=out, stderr=io.StringIO())
    return {row["code"]: row for row in json.loads(out.getvalue())["rows"]}


def test_flags_of_thirty_days_are_counted_each_for_its_own_rule():
    one, other, quiet = (make.rule(code=code) for code in ("A", "B", "C"))
    first = flag(one)
    flag(one, days=29)
    flag(one, days=30)  # the day before those thirty
    flag(other, merged_into=first, outcome="merged")
    flag(None)
    HeldFlag.objects.create(stopped="Waits.", rule=one, held_on=TODAY, once="held")
    refresh_voices(TODAY)
    assert [said(rule) for rule in (one, other, quiet)] == [(2, None, 0), (1, None, 0), (0, None, 0)]
    refresh_voices(TODAY + timedelta(days=1))
    assert said(one) == (1, None, 0)


@pytest.mark.parametrize(
    ("published", "expected"),
    [
        ({"mean": -1.5, "voters": 10}, -1.0),  # -15 / (10 + 5)
        ({"band": "hurts", "voters": 5}, -0.5),
        ({"band": "helps", "voters": 15}, 0.75),
        ({"band": "mixed", "voters": 8}, 0.0),
        ({"mean": 0, "voters": 7}, 0.0),
    ],
)
def test_a_tally_is_drawn_towards_nothing_the_more_the_fewer_vote(published, expected):
    rule = make.rule()
    tally(rule, **published)
    refresh_voices(TODAY)
    assert said(rule) == (0, pytest.approx(expected), published["voters"])


def test_the_newest_closed_ballot_of_five_voters_counts_in_place_of_the_tally_and_never_both():
    rule = make.rule()
    tally(rule, mean=2, voters=40)
    ballot(rule, [-2] * 4, hands=30)  # too few; hands that were shown are no voters
    ballot(rule, [2] * 9, state="open")
    refresh_voices(TODAY)
    assert said(rule) == (0, pytest.approx(80 / 45), 40)
    ballot(rule, [-2, -2, -1, 0, 1])
    refresh_voices(TODAY)
    assert said(rule) == (0, pytest.approx(-4 / 10), 5)
    ballot(rule, [-1] * 6, at=datetime(2026, 11, 21, 9, tzinfo=UTC))
    refresh_voices(TODAY)
    assert said(rule) == (0, pytest.approx(-6 / 11), 6)


def test_votes_of_other_words_are_stale_and_votes_that_are_not_published_are_not_seen():
    rule = make.rule(text="By mail.")
    for _ in range(9):
        StandingVote.objects.create(version=wording(rule), person=make.person(), impact=-2)
    refresh_figures()
    assert not voices_due("", TODAY) and refresh_voices(TODAY) == 0
    tally(rule, mean=-1, voters=9)
    refresh_voices(TODAY)
    assert said(rule)[2] == 9
    seen = newest_verdicts(TODAY)
    change_rule(rule=rule, fields={"text": "By mail or phone."}, by=None)
    assert voices_due(seen, TODAY)
    refresh_voices(TODAY)
    assert said(rule) == (0, None, 0)


def test_a_rule_of_a_house_without_cases_gets_the_figures_that_a_refresh_would_make():
    rule, other = make.rule(code="A"), make.rule(code="B")
    flag(rule, days=1)
    assert not RuleFigures.objects.exists()
    refresh_voices(TODAY)
    rows = list(RuleFigures.objects.order_by("rule__code").values_list(*Row._fields))
    assert said(rule) == (1, None, 0) and said(other) == (0, None, 0)
    RuleFigures.objects.all().delete()
    refresh_figures(everything=True)
    assert list(RuleFigures.objects.order_by("rule__code").values_list(*Row._fields)) == rows
    refresh_voices(TODAY)
    assert said(rule) == (1, None, 0)


def test_only_what_differs_is_written_and_no_event_tells_of_it():
    rules = [make.rule() for _ in range(3)]
    for rule in rules:
        flag(rule)
    events = Event.objects.count()
    assert refresh_voices(TODAY) == 3 and refresh_voices(TODAY) == 0
    flag(rules[1])
    assert refresh_voices(TODAY) == 1
    assert Event.objects.count() == events


def test_the_work_follows_flags_votes_and_the_day_and_then_rests(monkeypatch):
    monkeypatch.setattr(timezone, "localdate", lambda *given: TODAY)
    rule = make.rule()
    assert not work.is_due()
    mine = flag(rule, days=29)
    assert work.is_due()
    assert "Rules whose flags or votes changed: 1." in [done.what for done in work.work() or []]
    assert said(rule) == (1, None, 0) and not work.is_due()
    Flag.objects.filter(pk=mine.pk).update(rule=None)
    assert work.is_due() and work.work() and said(rule) == (0, None, 0)
    Flag.objects.filter(pk=mine.pk).update(rule=rule)
    for publish in (lambda: tally(rule, mean=-1), lambda: ballot(rule, [1] * 6)):
        publish()
        assert work.is_due() and work.work() and not work.is_due()
    assert said(rule) == (1, pytest.approx(6 / 11), 6)
    monkeypatch.setattr(timezone, "localdate", lambda *given: TODAY + timedelta(days=1))
    assert work.is_due() and work.work() and not work.is_due()
    assert said(rule) == (0, pytest.approx(6 / 11), 6)
    assert Duty.objects.get(name="voices").last_error == ""


def test_scoring_again_leaves_voices_alone_and_a_rule_that_it_meets_first_has_none():
    source = make.source("shop", horizon=datetime(2026, 3, 31, 22, tzinfo=UTC))
    rule = make.rule()
    mature(source, 60, 20)
    mature(source, 30, 20, rule=rule)
    flag(rule)
    tally(rule, mean=-2, voters=5)
    refresh_voices(TODAY)
    later = make.rule()
    mature(source, 10, 1, rule=later)
    refresh_figures(everything=True)
    assert said(rule) == (1, -1.0, 5) and said(later) == (0, None, 0)
    assert RuleFigures.objects.get(rule=rule).n == 30


def test_the_command_tells_of_flags_and_votes(monkeypatch):
    monkeypatch.setattr(timezone, "localdate", lambda *given: TODAY)
    silent, loud = make.rule(code="A"), make.rule(code="B")
    for _ in range(4):
        flag(loud)
    tally(loud, mean=-1.5, voters=10)
    rows = figures()
    assert list(rows) == ["B", "A"]
    assert (rows["B"]["flags"], rows["B"]["votes"]) == (4, {"voters": 10, "shrunken": -1.0})
    assert rows["B"]["why"] == "Not measurable yet: no contact is linked to it. 4 flags in 30 days."
    assert (rows["A"]["flags"], rows["A"]["votes"]) == (0, None)
    assert rows["A"]["why"] == "Not measurable yet: no contact is linked to it."
    out = io.StringIO()
    call_command("figures", stdout=out, stderr=io.StringIO())
    lines = out.getvalue().splitlines()
    assert lines[2].startswith("B") and lines[2].split()[-2:] == ["4", "-1.0"] and lines[3].split()[-2:] == ["0", "-"]
    assert "Neither changes a figure." in out.getvalue() and silent


def test_few_contacts_and_many_flags_make_one_sentence(monkeypatch):
    monkeypatch.setattr(timezone, "localdate", lambda *given: TODAY)
    source = make.source("shop", horizon=datetime(2026, 3, 31, 22, tzinfo=UTC))
    rule = make.rule(code="R-1")
    mature(source, 60, 20)
    mature(source, 7, 3, rule=rule)
    for days in range(4):
        flag(rule, days=days)
    assert figures()["R-1"]["why"] == "Not measurable yet: 7 contacts, 20 needed. 4 flags in 30 days."


@pytest.mark.parametrize("seed", range(4))
def test_whatever_people_say_no_measured_figure_changes(seed):
    """Flags and votes at random, before, between and after refreshes: figures and the order of the measured stay."""
    dice = random.Random(seed)
    world(seed, rows=400, rules=10)

    def all_figures():
        return {row[0]: row for row in RuleFigures.objects.values_list(*Row._fields)}

    def order():
        return [rule.code for rule in listed_rules() if rule.figures.listed == "measured"]

    refresh_figures(everything=True)
    before, ranked = all_figures(), order()
    assert len(ranked) >= 2
    for _round in range(3):
        for rule in Rule.objects.order_by("code"):
            for _ in range(dice.choice((0, 0, 1, 7, 40))):
                flag(rule, days=dice.randrange(40))
            if dice.random() < 0.6:
                voters = dice.randrange(5, 60)
                tally(rule, voters=voters, **dice.choice(({"mean": dice.randrange(-4, 5) / 2}, {"band": "hurts"})))
            if dice.random() < 0.4:
                ballot(rule, [dice.randrange(-2, 3) for _ in range(dice.randrange(1, 9))])
        first, then = dice.sample([lambda: refresh_figures(everything=True), lambda: refresh_voices(TODAY)], 2)
        first()
        assert all_figures() == before
        then()
        assert all_figures() == before and order() == ranked
    assert RuleFigures.objects.filter(flags__gt=0).exists() and RuleFigures.objects.filter(voters__gt=0).exists()
