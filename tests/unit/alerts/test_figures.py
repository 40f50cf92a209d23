"""Periods and owners of figures: every day lies in exactly one period, and whoever had the account then is meant."""

from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from alerts.domain.figures import Every, owner_at, period_of

days = st.dates(date(2020, 1, 1), date(2030, 12, 31))


@given(days, days, days, st.sampled_from(Every))
def test_each_day_lies_in_one_period_within_those_asked_for(one: date, two: date, three: date, every: Every) -> None:
    first, day, last = sorted((one, two, three))

    period = period_of(day, every, first, last)

    assert first <= period.first <= day <= period.last <= last
    assert period_of(period.first, every, first, last) == period == period_of(period.last, every, first, last)
    if period.last < last:
        assert period_of(period.last + timedelta(days=1), every, first, last).first == period.last + timedelta(days=1)


def test_whoever_had_the_account_at_an_instant_is_its_owner_then() -> None:
    at = datetime(2026, 3, 1, tzinfo=UTC)
    owners = [(at, "ann"), (at + timedelta(days=10), None), (at + timedelta(days=20), "bob")]

    assert [owner_at(owners, at + timedelta(days=day)) for day in (-5, 0, 9, 10, 25)] == [
        "ann",
        "ann",
        "ann",
        None,
        "bob",
    ]
    assert owner_at([], at) is None
