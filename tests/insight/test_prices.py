"""Prices are exact fractions, and what is printed of them still adds up."""

from decimal import Decimal
from fractions import Fraction

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from rulebook.insight.prices import Blocked, Rates, printed, printed_parts

UNIT = Decimal("0.000001")
unhurried = settings(deadline=None)  # a busy machine is no reason to fail
fractions = st.fractions(min_value=0, max_value=1)
blocked_by_k = st.dictionaries(st.integers(1, 7), st.integers(1, 50), max_size=4)


def test_a_price_is_the_rules_part_of_its_cases_over_all_mature_ones():
    rates = Rates(resolved=70, not_resolved=30, blocked=10)
    assert rates.price(Blocked({1: 2, 2: 3}).weight) == Fraction(7, 200)


def test_a_share_is_the_rules_part_of_the_gap():
    rates = Rates(resolved=70, not_resolved=30, blocked=10)
    assert rates.share(Fraction(5)) == Fraction(7, 180)
    assert rates.share(Fraction(10)) == rates.gap


def test_without_a_mature_case_nothing_is_defined():
    rates = Rates(0, 0, 0)
    assert (rates.gross, rates.net, rates.gap, rates.ceiling, rates.share(Fraction(0))) == (None,) * 5


def test_where_every_case_was_blocked_net_gap_and_shares_are_undefined_and_prices_are_not():
    rates = Rates(0, 4, 4)
    assert (rates.gross, rates.net, rates.gap, rates.share(Fraction(1))) == (0, None, None, None)
    assert (rates.ceiling, rates.price(Fraction(1))) == (1, Fraction(1, 4))


def test_without_a_blocked_case_the_gap_is_nothing_and_so_is_every_share():
    rates = Rates(3, 1, 0)
    assert (rates.gap, rates.share(Fraction(0)), rates.ceiling) == (0, 0, 0)


@unhurried
@given(st.integers(0, 500), st.integers(0, 500), st.integers(0, 500))
def test_net_is_never_below_gross_and_never_above_one(resolved, missed, blocked):
    assume(blocked <= missed)
    rates = Rates(resolved, missed, blocked)
    if rates.gap is not None:
        assert 0 <= rates.gross <= rates.net <= 1
        assert rates.gap == rates.net - rates.gross


@unhurried
@given(
    st.lists(st.sets(st.integers(1, 5), min_size=1), min_size=1, max_size=30), st.integers(0, 40), st.integers(0, 40)
)
def test_prices_sum_exactly_to_the_ceiling_and_shares_to_the_gap(blockers, resolved, unexplained):
    rates = Rates(resolved, len(blockers) + unexplained, len(blockers))
    rules = sorted({rule for rules in blockers for rule in rules})
    weights = []
    for rule in rules:
        by_k = {}
        for case in blockers:
            if rule in case:
                by_k[len(case)] = by_k.get(len(case), 0) + 1
        weights.append(Blocked(by_k).weight)
    assert sum(map(rates.price, weights)) == rates.ceiling
    shares = [rates.share(weight) for weight in weights]
    assert shares == [None] * len(rules) if rates.gap is None else sum(shares) == rates.gap


@unhurried
@given(fractions)
def test_what_is_printed_has_six_decimals_and_is_the_nearest(value):
    text = printed(value)
    assert len(text.partition(".")[2]) == 6
    assert abs(Fraction(text) - value) <= Fraction(1, 2_000_000)


@unhurried
@given(st.lists(fractions, max_size=40))
def test_printed_parts_sum_exactly_to_the_printed_total_and_none_is_a_whole_unit_off(values):
    total = sum(values, Fraction(0))
    parts = printed_parts(values, total)
    assert sum(map(Decimal, parts), Decimal(0)) == Decimal(printed(total))
    for part, value in zip(parts, values, strict=True):
        assert abs(Fraction(part) - value) < Fraction(UNIT)


@unhurried
@given(st.lists(fractions, max_size=20))
def test_rounding_never_lets_the_cheaper_rule_look_dearer(values):
    values = sorted(values, reverse=True)
    parts = [Decimal(part) for part in printed_parts(values, sum(values, Fraction(0)))]
    assert parts == sorted(parts, reverse=True)


@unhurried
@given(st.lists(st.integers(0, 999_999).map(lambda units: Fraction(units, 10**6)), max_size=20))
def test_what_needs_no_rounding_is_printed_as_it_is(values):
    assert [Fraction(part) for part in printed_parts(values, sum(values, Fraction(0)))] == values


@unhurried
@given(blocked_by_k)
def test_a_rule_weighs_at_most_its_contacts_and_at_least_a_part_of_each(by_k):
    blocked = Blocked(by_k)
    assert Fraction(blocked.contacts, 7) <= blocked.weight <= blocked.contacts
