"""An account's own habit decides when quiet is silence."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from health_score.domain.silence import Silence, habit_days, silence, silences

DAY_0 = date(2026, 1, 5)


def every(days: int, times: int) -> list[date]:
    return [DAY_0 + timedelta(days=days * turn) for turn in range(times)]


@pytest.mark.parametrize(
    ("active", "allowed"),
    [
        ([], 14),
        ([DAY_0], 14),
        (every(1, 100), 7),
        (every(7, 20), 14),
        (every(30, 6), 60),
        ([*every(1, 50), DAY_0 + timedelta(days=80)], 7),  # one long gap among fifty is no habit
        ([DAY_0 - timedelta(days=900), DAY_0], 14),  # what lies half a year back is forgotten
    ],
)
def test_the_habit_is_twice_the_usual_longest_gap(active: list[date], allowed: int) -> None:
    assert habit_days(active) == allowed


def test_silence_begins_on_the_first_day_beyond_the_habit() -> None:
    active = every(7, 20)
    last = active[-1]

    assert silence(active, last + timedelta(days=14)) is None
    found = silence(active, last + timedelta(days=15))
    assert found is not None
    assert (found.last_active, found.habit_days, found.since) == (last, 14, last + timedelta(days=15))


def test_activity_still_to_come_does_not_break_a_silence() -> None:
    active = [*every(1, 50)]
    today = active[-1] + timedelta(days=30)
    assert silence([*active, today + timedelta(days=1)], today) is not None
    assert silence([*active, today], today) is None


@given(st.sets(st.integers(0, 300), max_size=25))
def test_the_silences_of_a_life_are_those_that_each_day_found(days: set[int]) -> None:
    active = [date(2025, 1, 1) + timedelta(days=day) for day in days]
    today = date(2025, 12, 31)

    lived: dict[date, Silence] = {}
    for past in range(364, -1, -1):
        found = silence([day for day in active if day <= today - timedelta(days=past)], today - timedelta(days=past))
        if found is not None:
            lived[found.last_active] = found

    told = silences(active, today)
    assert [quiet for quiet, _ in told] == [lived[last] for last in sorted(lived)]
    for quiet, back in told:
        assert back == min((day for day in active if day > quiet.last_active), default=None)
