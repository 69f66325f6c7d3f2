"""Figures of rules, from cases to rows: against the definitions computed slowly, and at the edges."""

import io
import json
import random
from datetime import UTC, date, datetime, timedelta

import pytest
from django.core.management import call_command

from rulebook.cases.models import Case, CaseRule, Source
from rulebook.catalogue.models import Rule, Topic
from rulebook.insight import gathering, rescoring
from rulebook.insight.models import RuleFigures, SourceFigures
from rulebook.insight.queries import figures_of, month_rows, overview
from rulebook.insight.refreshing import figures_due, refresh_figures
from rulebook.insight.rescoring import Row
from tests import make
from tests.insight import slowly

pytestmark = pytest.mark.django_db

TOPICS = ("returns", "returns/refund", "returns/label", "bills", "bills/card/lost", "bills/card", "")
CHANNELS = ("phone", "mail", "")
HORIZONS = {
    "shop": datetime(2026, 11, 15, 17, 30, tzinfo=UTC),
    "bank": datetime(2026, 9, 30, 12, tzinfo=UTC),  # in Auckland it is October by then
}
ZONES = {"shop": "Europe/Copenhagen", "bank": "Pacific/Auckland"}
ORIGINS = ("source", "source", "matcher", "person", "flag", "suggestion")


def figures():
    out = io.StringIO()
    call_command("figures", "--format", "json", stdout=out, stderr=io.StringIO())
    return {row["code"]: row for row in json.loads(out.getvalue())["rows"]}


def world(seed, rows=900, rules=14):
    """Random cases and links, their outcomes given; (cases, {code: numbers of counting cases})."""
    dice = random.Random(seed)
    sources = {
        name: make.source(name, time_zone=ZONES[name], horizon=HORIZONS[name], method=method)
        for name, method in (("shop", "no_repeat"), ("bank", "declared"))
    }
    topics = {path: make.topic(path) if path else None for path in TOPICS}
    begun = date(2025, 8, 1)
    stored, plain = [], []
    for number in range(rows):
        source, topic = dice.choice(("shop", "shop", "bank")), dice.choice(TOPICS)
        day = begun + timedelta(days=dice.randrange(490))
        outcome = dice.choice(("resolved",) * 6 + ("not_resolved",) * 3 + ("pending", "unknown"))
        channel, excluded = dice.choice(CHANNELS), dice.choice(("",) * 9 + ("spam",))
        opened = datetime.combine(day, datetime.min.time(), slowly.ZoneInfo(ZONES[source])) + timedelta(hours=9)
        stored.append(
            Case(
                source=sources[source],
                external_id=str(number),
                opened_at=opened,
                opened_day=day,
                channel=channel,
                topic=topics[topic],
                excluded=excluded,
                outcome="" if excluded else outcome,
                row_hash=b"0" * 16,
            )
        )
        if not excluded:
            plain.append(slowly.Case(number, source, topic, channel, day, outcome))
    Case.objects.bulk_create(stored)
    made = [make.rule(code=f"R-{number}") for number in range(rules)]
    counting = {rule.code: set() for rule in made}
    links = set()
    for place, rule in enumerate(made):
        # From a rule that meets nearly every case to some that meet a handful.
        share = 0.97 if place == 0 else 0.5 / place**1.2
        for case in stored:
            if dice.random() < share:
                for origin in {dice.choice(ORIGINS), dice.choice(ORIGINS)}:
                    links.add((case, rule, dice.choice(("applied", "blocked")), origin))
                    if origin in ("source", "matcher") and not case.excluded:
                        counting[rule.code].add(int(case.external_id))
    CaseRule.objects.bulk_create(CaseRule(case=c, rule=r, effect=e, origin=o) for c, r, e, o in links)
    return plain, counting


@pytest.mark.parametrize("seed", range(3))
def test_harm_agrees_with_the_definition_computed_slowly(seed):
    cases, counting = world(seed)
    horizons = {name: slowly.local(at, ZONES[name]) for name, at in HORIZONS.items()}
    expected = slowly.harms(cases, counting, horizons)
    rows = figures()
    assert rows.keys() == expected.keys()
    compared = 0
    for code, row in rows.items():
        true = expected[code]
        assert (row["n"], row["k"]) == (true.n, true.k), code
        assert row["e"] == pytest.approx(true.e), code
        assert RuleFigures.objects.get(rule__code=code).volume == pytest.approx(true.volume), code
        if true.n >= 20:
            compared += 1
            assert row["list"] == "measured" and row["why"] is None
            assert [row["excess"], row["harm"], *row["interval"]] == pytest.approx(
                [true.excess, true.harm, *true.interval]
            ), code
        else:
            assert row["list"] == "not_measurable_yet" and row["why"]
            assert row["harm"] is row["excess"] is row["interval"] is None
    assert 4 <= compared < len(rows)  # the world has rules of both lists


def test_the_first_list_is_ordered_by_harm_and_the_second_follows():
    world(1)
    rows = list(figures().values())
    lists = [row["list"] for row in rows]
    assert lists == sorted(lists)  # "measured" comes before "not_measurable_yet"
    harms = [row["harm"] for row in rows if row["harm"] is not None]
    assert harms == sorted(harms, reverse=True)


def mature(source, count, missed, *, topic=None, rule=None, day=date(2026, 3, 2), channel=""):
    """Mature cases, the first of them not resolved; linked to a rule when one is given."""
    cases = [
        make.case(
            source,
            opened_at=datetime(day.year, day.month, day.day, 9, tzinfo=UTC),
            topic=topic,
            channel=channel,
            outcome="not_resolved" if number < missed else "resolved",
        )
        for number in range(count)
    ]
    if rule is not None:
        for case in cases:
            make.link(case, rule, effect="applied")
    return cases


@pytest.fixture
def shop():
    return make.source("shop", horizon=datetime(2026, 3, 31, 22, tzinfo=UTC))


def test_a_source_without_cases_has_no_figures_and_breaks_nothing():
    make.source("empty")
    make.rule(code="R-1")
    row = figures()["R-1"]
    assert row["harm"] is None and row["price"] is None
    assert row["why"] == "Not measurable yet: no contact is linked to it."
    assert overview() is None


def test_a_rule_with_all_the_cases_cannot_be_separated_from_its_topic(shop):
    rule = make.rule(code="R-1")
    mature(shop, 60, 30, rule=rule)
    row = figures()["R-1"]
    assert (row["n"], row["harm"]) == (0, None)
    assert row["why"] == "Cannot separate the rule from its topic: too few contacts there without it."


def test_nineteen_contacts_are_too_few_and_twenty_are_enough(shop):
    few, enough = make.rule(code="few"), make.rule(code="enough")
    mature(shop, 100, 20)
    mature(shop, 19, 10, rule=few)
    mature(shop, 20, 10, rule=enough)
    rows = figures()
    assert rows["few"]["why"] == "Not measurable yet: 19 contacts, 20 needed."
    assert rows["few"]["harm"] is None and rows["enough"]["harm"] > 0


def test_a_rule_that_helps_has_a_negative_harm(shop):
    rule = make.rule(code="R-1")
    mature(shop, 100, 60)
    mature(shop, 50, 0, rule=rule)
    assert figures()["R-1"]["harm"] < 0


def test_what_people_say_never_changes_harm(shop):
    rule = make.rule(code="R-1")
    others = mature(shop, 100, 30)
    mature(shop, 50, 30, rule=rule)
    before = figures()["R-1"]
    for origin in ("person", "flag"):
        for case in others[:40]:
            make.link(case, rule, origin=origin)
    refresh_figures(everything=True)
    after = figures()["R-1"]
    assert [after[name] for name in ("n", "k", "e", "harm")] == [before[name] for name in ("n", "k", "e", "harm")]
    assert after["blocked"] == 30 and before["blocked"] == 0  # the price is of what people say


def test_cases_of_thirteen_months_ago_do_not_count(shop):
    rule = make.rule(code="R-1")
    mature(shop, 100, 30)
    mature(shop, 25, 20, rule=rule, day=date(2025, 3, 31))
    mature(shop, 30, 20, rule=rule, day=date(2025, 4, 1))
    assert figures()["R-1"]["n"] == 30


def test_prices_and_counts_are_those_of_the_ledger_over_the_same_months():
    world(2)
    rows = figures()
    shown = overview()
    out = io.StringIO()
    months = ("--since", str(shown.since), "--until", "2026-11-30")  # to the end of the horizon's month
    call_command("ledger", "--source", "shop", *months, "--format", "json", stdout=out)
    ledger = json.loads(out.getvalue())
    priced = {row["rule"]: (row["price"], row["blocked_contacts"], row["blocked_silent"]) for row in ledger["rows"]}
    for code, row in rows.items():
        figure = (row["price"], row["blocked"], row["blocked_silent"])
        assert figure == priced.get(code, ("0.000000", 0, 0))
    counts = (ledger["resolved"], ledger["not_resolved"], ledger["blocked"], ledger["blocked_silent"])
    assert (shown.resolved, shown.not_resolved, shown.blocked, shown.silent) == counts
    assert float(shown.coverage) == ledger["coverage"]
    assert [other.sources for other in shown.others] == [["bank"]]


def test_figures_stay_as_they_are_while_an_import_runs(shop):
    rule = make.rule(code="R-1")
    mature(shop, 100, 30)
    mature(shop, 30, 20, rule=rule)
    refresh_figures()
    before = figures_of(rule).harm
    Source.objects.update(changes=1)  # as when an import has begun
    mature(shop, 30, 0, rule=rule)
    refresh_figures(everything=True)
    rule.refresh_from_db()
    assert figures_of(rule).harm == before
    assert not figures_due()


def test_of_two_who_score_at_once_neither_has_the_last_word(shop, monkeypatch):
    rule = make.rule(code="R-1")
    mature(shop, 100, 30)
    mature(shop, 30, 20, rule=rule)
    refresh_figures()
    old = Row(*RuleFigures.objects.values_list(*Row._fields).get())
    noted = {row.pk: (row.changes, row.refreshed_at) for row in SourceFigures.objects.all()}
    mature(shop, 30, 0, rule=rule)
    finish = rescoring.store_source_figures

    def finish_after_somebody_slower(**given):
        rescoring.store_rule_figures(rows=[old], noted=noted)
        finish(windows=[], totals={}, noted=noted)
        finish(**given)

    with monkeypatch.context() as patched:
        patched.setattr(rescoring, "store_source_figures", finish_after_somebody_slower)
        refresh_figures(everything=True)
    assert figures_of(rule).harm == old.harm and figures_due()
    refresh_figures()
    rule = Rule.objects.get()
    assert figures_of(rule).n == 60 and figures_of(rule).harm < old.harm and not figures_due()


def test_what_was_gathered_before_somebody_changed_a_sum_is_gathered_again(shop):
    rule = make.rule(code="R-1")
    mature(shop, 100, 30)
    mature(shop, 30, 20, rule=rule)
    refresh_figures()
    others = iter([lambda: mature(shop, 30, 0, rule=rule) and refresh_figures(everything=True)])
    rescoring.rescore(lambda: next(others, lambda: None)())  # they come when the figures are ready and not yet stored
    assert figures_due()
    refresh_figures()
    assert figures_of(Rule.objects.get()).n == 60 and not figures_due()


def test_sums_that_did_not_change_are_not_added_up_again(shop, monkeypatch):
    mature(shop, 30, 20, rule=make.rule(code="R-1"))
    refresh_figures()
    added = []
    monkeypatch.setattr(gathering, "_added_up", lambda found, rules: added.append(rules) or {})
    rescoring.rescore()
    assert added == []
    make.rule(code="R-2")
    rescoring.rescore()
    assert [len(rules) for rules in added] == [1]


def test_a_new_rule_has_a_row_of_figures_after_the_next_refresh(shop):
    mature(shop, 10, 3)
    refresh_figures()
    rule = make.rule(code="R-1")
    assert figures_due()
    refresh_figures()
    assert RuleFigures.objects.get(rule=rule).why == RuleFigures.Why.NO_CASES
    assert not figures_due()


def test_months_of_a_rule_end_with_the_horizons_and_say_which_are_complete(shop):
    rule = make.rule(code="R-1")
    mature(shop, 3, 1, rule=rule, day=date(2026, 3, 1))
    mature(shop, 2, 2, rule=rule, day=date(2025, 12, 24))
    refresh_figures(everything=True)
    months = figures_of(rule).months
    assert [entry["month"] for entry in months] == [f"2025-{m:02}" for m in range(4, 13)] + [
        "2026-01",
        "2026-02",
        "2026-03",
    ]
    assert months[8] == {"month": "2025-12", "cases": 2, "missed": 2, "complete": True}
    assert months[11] == {"month": "2026-03", "cases": 3, "missed": 1, "complete": False}


def test_sums_name_the_horizon_and_policy_they_were_made_with(shop):
    mature(shop, 3, 1, topic=make.topic("a/b"))
    refresh_figures()
    row = SourceFigures.objects.get(source=shop)
    assert (row.method, row.window_days, row.horizon, row.since) == ("no_repeat", 7, shop.horizon, date(2025, 4, 1))
    assert (row.resolved, row.not_resolved) == (2, 1)
    assert Topic.objects.count() == 2


def test_an_older_horizon_of_another_source_hides_no_month(shop):
    """Each source is counted to its own horizon, and what lies after its months is said to be left out."""
    rule = make.rule(code="R-1")
    mature(shop, 20, 5, rule=rule, day=date(2026, 2, 2))
    mature(shop, 5, 1, rule=rule, day=date(2025, 11, 2))
    old = make.source("old", horizon=datetime(2020, 1, 1, tzinfo=UTC))
    mature(old, 7, 3)
    refresh_figures(everything=True)
    drawn = [entry["month"] for entry in figures_of(rule).months if entry["complete"]]
    assert drawn == ["2025-11", "2025-12", "2026-01", "2026-02"]  # before November there is no data
    found = overview()
    assert (found.horizon.year, found.latest.year, found.later) == (2020, 2026, 7)
    assert [row.month for row in month_rows(found) if row.complete][-1] == date(2026, 2, 1)
