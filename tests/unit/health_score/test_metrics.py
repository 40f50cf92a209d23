"""Metrics against their definitions, on activity that hypothesis makes up."""

from datetime import date, timedelta
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from health_score.domain.activity import Activity, DayOfUse, bits_of, from_bytes, to_bytes
from health_score.domain.metrics import as_of, measure, unions

FIRST = date(2025, 1, 1)
DAYS = st.dictionaries(
    st.integers(0, 140).map(lambda back: FIRST + timedelta(days=back)),
    st.lists(st.tuples(st.none() | st.integers(0, 9), st.integers(0, 5)), min_size=1, max_size=6),
    max_size=40,
)


def _activity(days: dict[date, list[tuple[int | None, int]]], since: date = FIRST) -> Activity:
    uses = {}
    for day, events in days.items():
        if day >= since:
            uses[day] = DayOfUse()
            for user, feature in events:
                uses[day].count(user, feature)
    return Activity(since, uses, max((day for day in days if day < since), default=None))


@given(st.lists(st.integers(0, 255), max_size=60), st.integers(1, 30))
def test_a_union_of_a_window_is_that_of_its_days(sets: list[int], length: int) -> None:
    expected = []
    for place in range(len(sets)):
        union = 0
        for bits in sets[max(0, place - length + 1) : place + 1]:
            union |= bits
        expected.append(union)
    assert unions(sets, length) == expected


@given(days=DAYS, back=st.integers(0, 160), running=st.booleans(), seats=st.none() | st.integers(1, 20))
def test_metrics_are_what_their_definitions_say(
    *, days: dict[date, list[tuple[int | None, int]]], back: int, running: bool, seats: int | None
) -> None:
    day = FIRST + timedelta(days=back)

    def window(length: int, end: date = day) -> list[tuple[date, int | None, int]]:
        return [
            (each, user, feature)
            for each, events in days.items()
            for user, feature in events
            if end - timedelta(days=length) < each <= end
        ]

    def users(found: list[tuple[date, int | None, int]]) -> int:
        return len({user for _, user, _ in found if user is not None})

    def trend(now: int, before: int) -> Fraction | None:
        return Fraction(now - before, before) if before else None

    complete = day - timedelta(days=1) if running else day
    month = users(window(28))
    daily = sum(users(window(1, day - timedelta(days=other))) for other in range(28))
    until = [each for each in days if each <= day]
    assert measure(as_of(_activity(days), day, running=running, seats=seats)) == {
        "active_users_1d": users(window(1)),
        "active_users_7d": users(window(7)),
        "active_users_28d": month,
        "active_users_trend_28d": trend(users(window(28, complete)), users(window(28, complete - timedelta(days=28)))),
        "days_since_last_activity": (day - max(until)).days if until else None,
        "events_28d": len(window(28)),
        "features_used_28d": len({feature for _, _, feature in window(28)}),
        "seat_utilisation": Fraction(month, seats) if seats else None,
        "stickiness_28d": Fraction(daily, 28 * month) if month else None,
        "usage_trend_28d": trend(len(window(28, complete)), len(window(28, complete - timedelta(days=28)))),
        "usage_trend_7d": trend(len(window(7, complete)), len(window(7, complete - timedelta(days=7)))),
    }


@given(DAYS, st.integers(57, 160))
def test_what_lies_before_the_reach_of_the_windows_is_not_needed(
    days: dict[date, list[tuple[int | None, int]]], back: int
) -> None:
    day = FIRST + timedelta(days=back)
    since = day - timedelta(days=57)

    whole = measure(as_of(_activity(days), day, running=True, seats=None))
    part = measure(as_of(_activity(days, since), day, running=True, seats=None))

    assert part == whole


@given(st.sets(st.integers(0, 10_000)))
def test_a_bit_set_survives_its_bytes(numbers: set[int]) -> None:
    bits = bits_of(numbers)
    assert from_bytes(to_bytes(bits)) == bits
    assert bits.bit_count() == len(numbers)
