"""What shrinkage is for: chance does not lead the list, and the worst rule does not look worse than it is."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rulebook.insight.scoring import MOST_STRENGTH, NOTHING, Background, Compared, Count, score, score_all, strength

COUNTS = st.integers(1, 500).flatmap(lambda n: st.builds(Count, st.just(n), st.integers(0, n)))


def binomial(dice, trials, rate):
    return sum(dice.random() < rate for _ in range(trials))


def scored(rules, others=NOTHING):
    """Rules of one topic; `others` are its contacts that met none of them."""
    group = (1, 1, "phone")
    everyone = Count(*(sum(column) for column in zip(*rules, others, strict=True)))
    background = Background({group: everyone}, {1: []})
    found = score_all({place: {group: count} for place, count in enumerate(rules)}, background, lambda rule: 1.0)
    return [entry for _, entry in (found[place] for place in range(len(rules)))]


@given(st.lists(COUNTS, min_size=1, max_size=12))
def test_strength_is_between_2_and_1000(counts):
    assert 2 <= strength(counts) <= 1000


@given(COUNTS, st.floats(0.01, 0.99), st.floats(0, 500), st.floats(2, 1000))
def test_harm_lies_inside_its_interval_and_shrinkage_never_turns_its_sign(count, expected, volume, s):
    found = score(Compared(count, expected), volume, s)
    assert found.low - 1e-9 <= found.harm <= found.high + 1e-9
    raw = count.rate - expected
    assert found.excess * raw >= 0 and abs(found.excess) <= abs(raw)


@pytest.mark.parametrize("rate", [0, 10, 20])
def test_equal_rates_are_no_difference(rate):
    """All resolved, half, all failed: nothing tells the rules apart, and none is better or worse."""
    rules = [Count(20, rate)] * 10
    assert strength(rules) == MOST_STRENGTH
    assert all(entry.excess == 0 for entry in scored(rules))


def test_one_rule_alone_takes_the_usual_strength():
    [found] = scored([Count(50, 25)], others=Count(100, 20))
    assert found.excess == pytest.approx(50 / 100 * (0.5 - 0.2))


def test_the_worst_of_thirty_rules_without_effect_promises_no_gain():
    """Whoever picks the worst rule picks bad luck too. What its shrunken rate promises is what comes afterwards.

    True rates are Beta(12, 28), 20 contacts each, 4,000 runs. The raw rate of the worst promises a gain of ten points
    and more.
    """
    dice = random.Random(20)
    shrunken, raw = [], []
    for _ in range(4_000):
        rates = [dice.betavariate(12, 28) for _ in range(30)]
        rules = [Count(20, binomial(dice, 20, rate)) for rate in rates]
        found = scored(rules)
        worst = max(range(30), key=lambda place: found[place].excess)
        shrunken.append(found[worst].expected + found[worst].excess - rates[worst])
        raw.append(rules[worst].rate - rates[worst])
    assert abs(sum(shrunken) / len(shrunken)) <= 0.02
    assert sum(raw) / len(raw) > 0.10


def test_a_rule_with_five_contacts_hardly_ever_leads_the_list():
    """Thirty rules with 2 to 2,000 contacts, none with an effect of its own beyond Beta(12, 28)."""
    dice = random.Random(2_000)
    runs, led = 1_000, 0
    for _ in range(runs):
        volumes = [round(2 * 1_000 ** dice.random()) for _ in range(30)]
        rules = [Count(n, binomial(dice, n, dice.betavariate(12, 28))) for n in volumes]
        found = scored(rules)
        harms = [entry.excess * n for entry, n in zip(found, volumes, strict=True)]
        led += volumes[max(range(30), key=harms.__getitem__)] <= 5
    assert led / runs <= 0.01
