"""Days on which people can be expected to answer: against counting them one by one."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rulebook.access import calendar
from rulebook.access.calendar import calendar_of, house_calendar
from rulebook.access.models import ClosedPeriod

DAYS = st.dates(date(2025, 1, 1), date(2027, 12, 31))
PERIODS = st.lists(st.tuples(DAYS, st.integers(0, 60)).map(lambda p: (p[0], p[0] + timedelta(days=p[1]))), max_size=6)


def is_open(day, closed, working):
    return not any(first <= day <= last for first, last in closed) and (not working or day.weekday() < 5)


def counted(first, last, closed, working):
    days = (first + timedelta(days=n) for n in range(1, (last - first).days + 1))
    return sum(is_open(day, closed, working) for day in days)


@given(DAYS, DAYS, PERIODS)
def test_days_between_are_those_that_one_would_count(first, last, closed):
    house = calendar_of(closed)
    assert house.open_days_between(first, last) == counted(first, last, closed, False)
    assert house.working_days_between(first, last) == counted(first, last, closed, True)


@given(DAYS, st.integers(0, 60), PERIODS)
def test_the_day_that_is_so_many_days_later_is_open_and_the_first_such(day, n, closed):
    house = calendar_of(closed)
    for after, between, working in (
        (house.add_open_days(day, n), house.open_days_between, False),
        (house.add_working_days(day, n), house.working_days_between, True),
    ):
        assert between(day, after) == n
        assert after == day if n == 0 else is_open(after, closed, working)


def test_five_working_days_pass_over_weekends_and_christmas():
    christmas = calendar_of([(date(2026, 12, 24), date(2027, 1, 1))])
    assert christmas.add_working_days(date(2026, 12, 21), 5) == date(2027, 1, 6)  # 22, 23, then 4, 5, 6 January
    assert christmas.add_open_days(date(2026, 12, 21), 14) == date(2027, 1, 13)


def test_a_house_that_is_closed_for_ever_and_days_at_the_end_of_time_end():
    for_ever = calendar_of([(date.min, date.max)])
    assert for_ever.add_open_days(date(2026, 1, 1), 3) == date.max
    assert for_ever.open_days_between(date.min, date.max) == 0
    assert for_ever.working_days_between(date(2026, 1, 1), date(2026, 2, 1)) == 0


@pytest.mark.django_db
def test_the_calendar_of_the_house_is_one_query(django_assert_num_queries):
    for name in ("July", "Works outing"):
        ClosedPeriod.objects.create(name=name, first=date(2026, 7, 1), last=date(2026, 7, 31))
    with django_assert_num_queries(1):
        house = house_calendar()
        assert house.open_days_between(date(2026, 6, 30), date(2026, 8, 1)) == 1
        assert house.add_open_days(date(2026, 6, 30), 1) == date(2026, 8, 1)
    first, last = date(2026, 6, 26), date(2026, 8, 4)
    assert calendar.open_days_between(first, last) == 8 and calendar.working_days_between(first, last) == 4
    assert calendar.add_open_days(first, 8) == last and calendar.add_working_days(first, 4) == last
