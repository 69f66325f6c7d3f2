"""The made-up web shop: its rules read like a real house's, and its figures are exactly the ones that were planted.

The check of FCR below is written from the definition alone, row by row and slowly. It shares no line with the
generator, nor with the code of the product that computes the same thing in SQL.
"""

import csv
from collections import Counter, defaultdict
from datetime import date, datetime, time, timedelta
from fractions import Fraction
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest

from rulebook.desk.sample import plan as planned
from rulebook.desk.sample import said, world

COPENHAGEN = ZoneInfo("Europe/Copenhagen")
WINDOW = timedelta(seconds=7 * 86_400)
# An ordinary day, then one with the end and one with the start of summer time in its last week.
DAYS = [(date(2026, 11, 22), 1), (date(2026, 10, 28), 2), (date(2026, 4, 1), 3)]


@pytest.fixture(scope="module")
def rules():
    return planned.rules()


@pytest.fixture(scope="module")
def rows():
    return list(world.cases(date(2026, 11, 22)))


def instant(text):
    return datetime.fromisoformat(text).replace(tzinfo=COPENHAGEN).astimezone(ZoneInfo("UTC"))


def judged(rows, end):
    """external id -> (outcome, whether a repeat is seen), by the definition of no_repeat."""
    horizon = datetime.combine(end + timedelta(days=1), time(0), COPENHAGEN).astimezone(ZoneInfo("UTC"))
    outcomes, issues = {}, defaultdict(list)
    for row in rows:
        if row["excluded"] or row["direction"] != "inbound":
            continue
        if not row["customer"]:
            outcomes[row["external_id"]] = ("unknown", False)
            continue
        issues[row["customer"], row["topic"]].append((instant(row["opened_at"]), row["external_id"]))
    for contacts in issues.values():
        contacts.sort()
        for index, (opened, external_id) in enumerate(contacts):
            repeated = index + 1 < len(contacts) and contacts[index + 1][0] - opened <= WINDOW
            mature = opened + WINDOW <= horizon
            outcome = ("not_resolved" if repeated else "resolved") if mature else "pending"
            outcomes[external_id] = (outcome, repeated)
    return outcomes


# The rules


def test_there_are_at_least_sixty_rules_and_a_third_of_them_are_unwritten(rules):
    assert len(rules) >= 60
    assert sum(rule["kind"] == "unwritten" for rule in rules) >= len(rules) / 3


def test_every_code_is_used_once_and_no_alias_can_be_taken_for_another_rule(rules):
    codes = [rule["code"] for rule in rules]
    aliases = [alias for rule in rules for alias in rule["aliases"].split(";") if alias]
    assert codes == [f"R-{number:04d}" for number in range(1, len(rules) + 1)]
    assert len(set(codes + aliases)) == len(codes) + len(aliases)


def test_no_two_rules_have_the_same_title(rules):
    assert len({rule["title"].casefold() for rule in rules}) == len(rules)


def test_authorities_are_spread_about_as_in_the_published_collections_of_rules(rules):
    kinds = Counter(rule["authority"] or "unknown" for rule in rules)
    assert set(kinds) == {"law", "contract", "policy", "practice", "system", "habit", "unknown"}
    share = {name: sum(kinds[kind] for kind in names) / len(rules) for name, names in {
        "own": ("policy", "practice", "system"), "myth": ("habit", "unknown"), "law": ("law", "contract"),
    }.items()}  # fmt: skip
    assert share == pytest.approx({"own": 0.62, "myth": 0.16, "law": 0.22}, abs=0.04)


def test_law_and_contract_quote_a_clause_and_nothing_else_does(rules):
    for rule in rules:
        assert bool(rule["clause"]) == (rule["authority"] in ("law", "contract")), rule["code"]


def test_every_text_carries_the_danish_original(rules):
    for rule in rules:
        if rule["text"]:
            english, danish = rule["text"].split("\n\nDansk: ")
            assert english.endswith(".") and danish.endswith("."), rule["code"]


def test_some_unwritten_rules_are_nothing_but_a_title(rules):
    bare = [
        rule for rule in rules if not any(rule[column] for column in rule if column not in ("code", "title", "kind"))
    ]
    assert len(bare) >= 3
    assert {rule["kind"] for rule in bare} == {"unwritten"}


def test_a_cap_on_the_length_of_a_call_is_among_the_rules(rules):
    assert [rule["kind"] for rule in rules if "180 seconds" in rule["title"]] == ["written"]


def test_some_rules_are_protective_and_some_belong_to_the_owner(rules):
    assert {rule["protective"] for rule in rules} == {"yes", "no", ""}
    assert {rule["owner"] for rule in rules} == {"", "owner"}


def test_dates_and_numbers_can_be_read(rules):
    for rule in rules:
        for column in ("review_by", "applies_from"):
            assert not rule[column] or date.fromisoformat(rule[column])
        assert not rule["requirements"] or int(rule["requirements"]) > 0
        assert set(filter(None, rule["channels"].split(";"))) <= {"phone", "chat", "mail"}


# What people say


def test_agents_of_all_kinds_flag_in_english_and_in_danish_and_nothing_is_answered_before_it_is_said(rules):
    flags = said.flags()
    codes = {rule["code"] for rule in rules} | {said.PROPOSED, ""}
    assert 20 <= len(flags) <= 32 and [flag.number for flag in flags] == list(range(1, len(flags) + 1))
    assert {flag.who for flag in flags} == {said.AGENT, said.ANONYMOUS, *said.TEAMS}
    assert {flag.rule for flag in flags} <= codes
    danish = [flag for flag in flags if set(flag.stopped) & set("æøå")]
    assert len(danish) >= 5 and len(flags) - len(danish) >= 10
    for flag in flags:
        days = [0, *(days for days in (flag.replied, flag.decided) if days is not None)]
        assert days == sorted(days) and days[-1] <= flag.days, flag.number
        assert (flag.outcome in ("", "merged")) == (flag.decided is None), flag.number
        assert bool(flag.about) == (flag.outcome == "merged") and (flag.about or 0) < flag.number, flag.number
        assert bool(flag.replied is not None) == bool(flag.answer), flag.number
        assert flag.rule or flag.rule_words, flag.number


def test_votes_are_of_rules_that_exist_by_as_many_agents_as_the_teams_have(rules):
    votes = said.votes()
    codes = {rule["code"] for rule in rules}
    assert len({line.rule for line in votes}) == len(votes) and {line.rule for line in votes} <= codes
    for line in votes:
        assert set(line.impacts + line.eases) <= set(range(-2, 3))
        assert len(line.eases) == (len(line.impacts) if line.sealed else 0)
    assert {len(line.impacts) >= 5 for line in votes if not line.sealed} == {True, False}  # some stay unpublished
    assert all(len(line.impacts) >= 5 for line in votes if line.sealed)
    voters = max(len(line.impacts) for line in votes)
    names = [name for name, _team in islice(said.devices(), voters)]
    assert len(set(names)) == voters and set(said.TEAMS) == {*world.TEAMS.values(), world.EVENING}


# The plan


def test_the_plan_speaks_of_rules_that_exist_and_of_topics_that_they_cover(rules):
    topics = {rule["code"]: rule["topics"].split(";") for rule in rules}
    rows = planned.plan()
    assert 30 <= len(rows) <= 36
    assert len({row.code for row in rows}) == len(rows)
    for row in rows:
        for code in filter(None, (row.code, row.together_with)):
            assert row.topic in topics[code], (code, row.topic)


def test_the_ten_dearest_rules_stand_clearly_apart():
    answer = world.truth()
    contacts = sorted(
        (price * (answer.resolved + answer.not_resolved) for price in answer.prices.values()), reverse=True
    )
    assert min(dearer - cheaper for dearer, cheaper in pairwise(contacts[:11])) >= 8


def test_prices_sum_exactly_to_the_ceiling():
    answer = world.truth()
    assert sum(answer.prices.values()) == answer.ceiling
    assert Fraction(70, 100) <= answer.gross <= Fraction(72, 100)


# The world


def test_the_world_is_fourteen_months_of_contacts_in_the_order_they_came(rows):
    opened = [row["opened_at"] for row in rows]
    assert len(rows) >= 32_000
    assert opened == sorted(opened)
    assert (opened[0][:7], opened[-1][:10]) == ("2025-09", "2026-11-22")
    assert [row["external_id"] for row in rows] == [f"FH-{number:06d}" for number in range(1, len(rows) + 1)]


def test_customers_come_back_with_the_same_and_with_other_matters(rows):
    issues = defaultdict(Counter)
    for row in rows:
        if row["customer"]:
            issues[row["customer"]][row["topic"]] += 1
    assert sum(len(topics) > 1 for topics in issues.values()) > 3_000
    assert sum(max(topics.values()) > 1 for topics in issues.values()) > 3_000
    assert sum(max(topics.values()) > 2 for topics in issues.values()) > 500


def test_the_same_day_and_seed_give_the_same_world_and_another_seed_does_not(rows):
    end = date(2026, 11, 22)
    assert list(world.cases(end, 1)) == rows
    assert list(world.cases(end, 2)) != rows
    assert list(world.links(end, 1)) == list(world.links(end, 1))


def test_nothing_happens_in_the_hour_that_summer_time_moves(rows):
    assert {row[column][11:13] for row in rows for column in ("opened_at", "closed_at")}.isdisjoint(
        {"00", "01", "02", "03"}
    )


def test_no_contact_closes_before_it_opens_or_after_the_export(rows):
    assert all(row["opened_at"] <= row["closed_at"] < "2026-11-23" for row in rows if row["closed_at"])
    assert any(not row["closed_at"] for row in rows)


def test_a_rule_is_linked_only_where_it_applies(rows, rules):
    by_code = {rule["code"]: rule for rule in rules}
    by_id = {row["external_id"]: row for row in rows}
    linked = [(link["case"], link["rule"]) for link in world.links(date(2026, 11, 22))]
    linked += [(row["external_id"], code) for row in rows for code in row["rules"].split(";") if code]
    assert len(linked) == len(set(linked))
    for case, code in linked:
        assert by_id[case]["topic"] in by_code[code]["topics"].split(";")
        assert by_id[case]["channel"] in by_code[code]["channels"].split(";")
        assert by_code[code]["applies_from"] <= by_id[case]["opened_at"][:10]


def test_rules_are_in_play_as_often_as_planned_and_only_where_the_customer_was_helped(rows):
    in_play = Counter(code for row in rows for code in row["rules"].split(";") if code)
    assert in_play == {row.code: row.applied for row in planned.plan() if row.applied}
    outcomes = judged(rows, date(2026, 11, 22))
    assert {outcomes[row["external_id"]][0] for row in rows if row["rules"]} == {"resolved"}


@pytest.mark.parametrize(("end", "seed"), DAYS)
def test_every_figure_is_exactly_the_planted_one(end, seed):
    answer = world.truth()
    rows = list(world.cases(end, seed))
    outcomes = judged(rows, end)
    counted = Counter(outcome for outcome, _ in outcomes.values())
    blockers = defaultdict(set)
    for link in world.links(end, seed):
        assert link["effect"] == "blocked"
        blockers[link["case"]].add(link["rule"])

    assert counted == {
        "resolved": answer.resolved,
        "not_resolved": answer.not_resolved,
        "pending": answer.pending,
        "unknown": answer.unknown,
    }
    assert len(rows) - len(outcomes) == answer.excluded
    assert sum(repeated for outcome, repeated in outcomes.values() if outcome == "pending") == answer.early_repeats

    lost, silent = defaultdict(Fraction), Counter()
    for case, codes in blockers.items():
        for code in codes:
            if outcomes[case][0] == "not_resolved":
                lost[code] += Fraction(1, len(codes))
            else:
                assert outcomes[case][0] == "resolved"
                silent[code] += 1
    judged_contacts = answer.resolved + answer.not_resolved
    assert {code: contacts / judged_contacts for code, contacts in lost.items()} == dict(answer.prices)
    assert silent == dict(answer.silent)
    assert sum(outcomes[case][0] == "resolved" for case in blockers) == answer.silent_total
    assert sum(outcomes[case][0] == "not_resolved" for case in blockers) == answer.blocked


@pytest.mark.parametrize(("end", "seed"), DAYS)
def test_what_is_planted_keeps_a_day_away_from_the_edge_of_the_horizon(end, seed):
    opened = {row["external_id"]: date.fromisoformat(row["opened_at"][:10]) for row in world.cases(end, seed)}
    assert max(opened[link["case"]] for link in world.links(end, seed)) <= end - timedelta(days=8)


def test_repeats_stay_well_inside_the_window_and_other_contacts_well_outside(rows):
    issues = defaultdict(list)
    for row in rows:
        if row["customer"] and not row["excluded"] and row["direction"] == "inbound":
            issues[row["customer"], row["topic"]].append(datetime.fromisoformat(row["opened_at"]))
    gaps = [later - earlier for moments in issues.values() for earlier, later in pairwise(sorted(moments))]
    assert min(gaps) >= timedelta(hours=1)
    assert not [gap for gap in gaps if timedelta(days=6) < gap < timedelta(days=8)]


def test_calls_to_customers_and_testers_cases_would_be_repeats_if_they_counted(rows):
    tempting = [{**row, "direction": "inbound", "excluded": ""} for row in rows]
    honest = Counter(outcome for outcome, _ in judged(rows, date(2026, 11, 22)).values())
    fooled = Counter(outcome for outcome, _ in judged(tempting, date(2026, 11, 22)).values())
    assert fooled["not_resolved"] > honest["not_resolved"] + 100


def test_the_world_can_be_written_to_a_folder_and_read_again(tmp_path, rows):
    cases_path, links_path = world.write(tmp_path / "world", date(2026, 11, 22))
    with cases_path.open(encoding="utf-8", newline="") as file:
        assert list(csv.DictReader(file)) == rows
    with links_path.open(encoding="utf-8", newline="") as file:
        assert list(csv.DictReader(file)) == list(world.links(date(2026, 11, 22)))
