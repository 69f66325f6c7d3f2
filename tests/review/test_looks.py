"""Guardrails: what is a breach, and how seldom chance alone is one."""

import random

import pytest

from rulebook.review.looks import (
    LEAST_CASES,
    MINUTES,
    REPEATS,
    Compared,
    Sums,
    change,
    read_guardrail,
    sums_of,
    z_for,
)

TRIALS, WEEKS, A_WEEK = 2_000, 8, 40


def contacts(missed: int, of: int) -> Sums:
    """Contacts of as many customers."""
    return sums_of([(1, 1)] * missed + [(1, 0)] * (of - missed))


def test_a_rise_beyond_the_limit_for_sure_is_a_breach():
    before, now = contacts(96, 320), contacts(80, 160)
    reading = read_guardrail(REPEATS, Compared(now, before), limit=0.05, z=z_for(8))
    assert reading.breached and reading.rise == pytest.approx(0.20) and reading.bound > 0.05
    assert not read_guardrail(REPEATS, Compared(now, before), limit=0.12, z=z_for(8)).breached


def test_it_says_which_rise_would_be_a_breach():
    reading = read_guardrail(REPEATS, Compared(contacts(60, 160), contacts(96, 320)), limit=0.0, z=z_for(8))
    assert not reading.breached
    worse = round((0.30 + reading.breaches_at + 0.02) * 160)
    assert read_guardrail(REPEATS, Compared(contacts(worse, 160), contacts(96, 320)), limit=0.0, z=z_for(8)).breached


@pytest.mark.parametrize(("of", "breached"), [(LEAST_CASES - 1, False), (LEAST_CASES, True)])
def test_fewer_than_fifty_contacts_breach_nothing(of, breached):
    reading = read_guardrail(REPEATS, Compared(contacts(of, of), contacts(96, 320)), limit=0.05, z=z_for(8))
    assert reading.breached is breached


def test_the_more_often_one_looks_the_further_out_lies_the_bound():
    assert z_for(1) < z_for(8) < z_for(8, guardrails=2)


def test_what_the_others_rise_by_too_is_no_breach():
    """Everybody has a bad month: the trial's teams and those that kept the rule."""
    before, now = contacts(300, 1000), contacts(500, 1000)
    assert read_guardrail(REPEATS, Compared(now, before), limit=0.0, z=z_for(8)).breached
    alike = Compared(now, before, control_now=contacts(1000, 2000), control_before=contacts(600, 2000))
    assert not read_guardrail(REPEATS, alike, limit=0.0, z=z_for(8)).breached


@pytest.mark.parametrize(("problems", "judged"), [(LEAST_CASES - 1, False), (LEAST_CASES, True)])
def test_minutes_of_a_control_of_few_problems_are_no_comparison(problems, judged):
    """One contact of two minutes after one of fifteen would else be a fall that is known exactly."""
    here = sums_of([(1, 10.0)] * 40 + [(1, 12.0)] * 20)
    now, before = sums_of([(1, 2.0)] * problems), sums_of([(1, 15.0)] * problems)
    reading = read_guardrail(MINUTES, Compared(here, here, now, before), limit=1.0, z=z_for(8, 2))
    assert (reading.rise is not None) is judged and reading.breached is judged
    assert read_guardrail(MINUTES, Compared(here, here, now, sums_of([(1, 15.0)])), limit=1.0, z=1.6).rise is None


def test_one_customer_who_calls_thirty_times_is_no_breach():
    """Thirty contacts of one customer are one observation, thirty customers are thirty."""
    before = contacts(96, 320)
    one = sums_of([(30, 29), *[(1, 0)] * 30])
    thirty = contacts(29, 60)
    assert one.ratio == thirty.ratio
    assert read_guardrail(REPEATS, Compared(thirty, before), limit=0.0, z=z_for(1)).breached
    assert not read_guardrail(REPEATS, Compared(one, before), limit=0.0, z=z_for(1)).breached


def test_minutes_count_per_solved_problem_and_longer_contacts_alone_are_no_harm():
    """Eight minutes once are better than five minutes twice."""
    twice = sums_of([(1, 10)] * 200)  # one problem solved, two contacts of five minutes
    once = sums_of([(1, 8)] * 200)
    found = change(Compared(once, twice), share=False)
    assert found is not None and found.rise == pytest.approx(-2)
    assert not read_guardrail(MINUTES, Compared(once, twice), limit=0.0, z=z_for(8)).breached


def test_nothing_to_compare_with_is_no_breach():
    reading = read_guardrail(REPEATS, Compared(contacts(60, 60), Sums()), limit=0.0, z=z_for(8))
    assert (reading.rise, reading.bound, reading.breached, reading.breaches_at) == (None, None, False, None)


@pytest.mark.parametrize("missed", [0.05, 0.30, 0.90])
def test_of_two_thousand_trials_without_effect_at_most_one_in_twenty_is_reverted(missed):
    """Forty contacts a week, eight weekly looks at two guardrails, both with the strictest limit: no rise at all."""
    chance = random.Random(5)
    z = z_for(WEEKS, guardrails=2)
    reverted = 0
    for _trial in range(TRIALS):
        before = week(chance, missed, WEEKS)
        share, minutes = Sums(), Sums()
        for _week in range(WEEKS):
            now = week(chance, missed, 1)
            share, minutes = added(share, now[0]), added(minutes, now[1])
            readings = (
                read_guardrail(REPEATS, Compared(share, before[0]), limit=0.0, z=z),
                read_guardrail(MINUTES, Compared(minutes, before[1]), limit=0.0, z=z),
            )
            if any(reading.breached for reading in readings):
                reverted += 1
                break
    assert reverted <= TRIALS * 0.05


def test_a_trial_that_does_real_harm_is_caught():
    chance = random.Random(5)
    z = z_for(WEEKS)
    caught = 0
    for _trial in range(200):
        before, now = week(chance, 0.30, WEEKS)[0], week(chance, 0.50, WEEKS)[0]
        caught += read_guardrail(REPEATS, Compared(now, before), limit=0.05, z=z).breached
    assert caught >= 180


def week(chance: random.Random, missed: float, weeks: int) -> tuple[Sums, Sums]:
    """Contacts of so many weeks, each of another customer, with handle times as skewed as real ones are."""
    share, minutes = [], []
    for _contact in range(A_WEEK * weeks):
        again = chance.random() < missed
        share.append((1, again))
        minutes.append((not again, chance.lognormvariate(1.6, 0.7)))
    return sums_of(share), sums_of(minutes)


def added(one: Sums, other: Sums) -> Sums:
    fields = ("cases", "keys", "x", "y", "xx", "yy", "xy")
    return Sums(*(getattr(one, name) + getattr(other, name) for name in fields))
