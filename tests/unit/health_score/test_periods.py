"""Periods of a review."""

from datetime import date, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from health_score.domain.periods import Period, quarter_of

days = st.dates(date(1971, 1, 1), date(2100, 12, 31))


@given(days, st.integers(1, 400), st.sampled_from([1, 7]))
def test_the_parts_of_a_period_are_its_days_once(first: date, length: int, part: int) -> None:
    period = Period(first, first + timedelta(days=length - 1))
    parts = period.parts(part)
    assert (parts[0].first, parts[-1].last) == (period.first, period.last)
    assert sum(each.days for each in parts) == period.days == length
    assert all(before.last + timedelta(days=1) == after.first for before, after in pairwise(parts))
    assert all(each.days == part for each in parts[:-1])
    assert len(parts) == 1 or part <= 2 * parts[-1].days < 3 * part + 1


@given(days)
def test_a_day_lies_in_its_quarter_which_begins_and_ends_with_months(day: date) -> None:
    quarter = quarter_of(day)
    assert day in quarter
    assert (quarter.first.day, (quarter.last + timedelta(days=1)).day) == (1, 1)
    assert (quarter.first.month - 1) % 3 == 0
    assert quarter.days in {90, 91, 92}
    assert quarter_of(quarter.last + timedelta(days=1)).first == quarter.last + timedelta(days=1)
    assert quarter.before.last + timedelta(days=1) == quarter.first
    assert quarter.before.days == quarter.days
