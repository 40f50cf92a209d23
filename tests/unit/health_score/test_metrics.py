"""Metrics against their definitions, on activity that hypothesis makes up."""

import statistics
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from health_score.domain.activity import (
    Activity,
    DayOfUse,
    Life,
    bits_of,
    from_bytes,
    to_bytes,
    users_of_from_bytes,
    users_of_to_bytes,
)
from health_score.domain.facts.known import Facts, Known, Statement
from health_score.domain.metrics.activation import ACTIVATION
from health_score.domain.metrics.catalogue import METRICS, as_of, measure, reach_of
from health_score.domain.metrics.deviation import DEVIATION, TOLD_FROM, Departure, Watch, departure
from health_score.domain.metrics.habit import HABIT
from health_score.domain.metrics.reading import AsOf
from health_score.domain.metrics.usage import USAGE
from health_score.domain.metrics.windows import BeyondReach, LifeNotLoaded, Windows, unions

FIRST = date(2025, 1, 1)
REACHED = reach_of(METRICS.values())
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
    days_back = sorted({(day - on).days for on, _, _ in window(182)})
    users_back = sorted(
        {user: (day - on).days for on, user, _ in sorted(window(182), key=lambda e: e[0]) if user is not None}.values()
    )
    windowed = {metric.name: metric for metric in (*USAGE, *HABIT, *ACTIVATION, *DEVIATION) if not metric.of_life}
    assert measure(as_of(_activity(days), day, running=running, seats=seats, reach=REACHED), windowed) == {
        **{name: _deviation(days, complete, name) for name in ("active_users_deviation", "usage_deviation")},
        **{
            f"active_users_trend_{span}d": trend(
                users(window(span, complete)), users(window(span, complete - timedelta(days=span)))
            )
            for span in (7, 90)
        },
        "usage_trend_90d": trend(len(window(90, complete)), len(window(90, complete - timedelta(days=90)))),
        "user_engagement": None,
        "active_users_1d": users(window(1)),
        "active_users_7d": users(window(7)),
        "active_users_28d": month,
        "active_users_trend_28d": trend(users(window(28, complete)), users(window(28, complete - timedelta(days=28)))),
        "days_to_two_active_days": days_back[1] if len(days_back) > 1 else 182,
        "days_to_two_users": users_back[1] if len(users_back) > 1 else 182,
        "recent_users": Fraction(sum(14_000 // (14 + back) for back in users_back), 1000),
        "days_since_last_activity": (day - max(until)).days if until else None,
        "events_28d": len(window(28)),
        "features_used_28d": len({feature for _, _, feature in window(28)}),
        "seat_utilisation": Fraction(month, seats) if seats else None,
        "stickiness_28d": Fraction(daily, 28 * month) if month else None,
        "usage_trend_28d": trend(len(window(28, complete)), len(window(28, complete - timedelta(days=28)))),
        "usage_trend_7d": trend(len(window(7, complete)), len(window(7, complete - timedelta(days=7)))),
    }


def _deviation(days: dict[date, list[tuple[int | None, int]]], complete: date, name: str) -> Fraction | None:
    """The definition, in statistics' own words where it has them."""

    def figure(day: date) -> int:
        events = days.get(day, [])
        return len(events) if name == "usage_deviation" else len({user for user, _ in events if user is not None})

    baseline = [Fraction(figure(complete - timedelta(weeks=week))) for week in range(1, 9)]
    usual = statistics.median(baseline)
    if min(days, default=date.max) > complete - timedelta(weeks=8) or usual < (20 if name == "usage_deviation" else 5):
        return None
    spread = max(Fraction("1.4826") * statistics.median(abs(each - usual) for each in baseline), usual / 10)
    return (figure(complete) - usual) / spread


@given(DAYS, st.integers(0, 400), st.booleans(), st.sampled_from(sorted(METRICS)))
def test_what_lies_before_the_reach_of_a_metric_is_not_needed(
    days: dict[date, list[tuple[int | None, int]]],
    back: int,
    running: bool,  # noqa: FBT001 - hypothesis names its arguments
    name: str,
) -> None:
    metric, day = METRICS[name], FIRST + timedelta(days=back)
    life = Life(min(days, default=None))
    whole = as_of(replace(_activity(days), life=life), day, running=running, seats=7, reach=REACHED)
    part = as_of(
        replace(_activity(days, day - metric.reach), life=life), day, running=running, seats=7, reach=metric.reach
    )

    assert metric.read(part) == metric.read(whole)


@given(DAYS, st.integers(0, 200), st.booleans())
def test_windows_of_many_days_read_as_those_of_each_alone(
    days: dict[date, list[tuple[int | None, int]]],
    back: int,
    running: bool,  # noqa: FBT001 - hypothesis names its arguments
) -> None:
    activity = replace(_activity(days), life=Life(min(days, default=None)))
    last = FIRST + timedelta(days=back)
    windows = Windows(activity, last - timedelta(days=5), last, REACHED)
    for day in (last - timedelta(days=5), last):
        at = windows.index(day)
        many = AsOf(windows, at, at - 1 if running else at, 9)
        alone = as_of(activity, day, running=running, seats=9, reach=REACHED)
        assert measure(many) == measure(alone)


def test_a_metric_that_looks_further_back_than_it_says_is_found_out() -> None:
    reading = as_of(_activity({}), FIRST, running=True, seats=None, reach=timedelta(days=20))

    with pytest.raises(BeyondReach):
        METRICS["usage_trend_28d"].read(reading)
    with pytest.raises(LifeNotLoaded):
        METRICS["feature_breadth_28d"].read(replace(reading, known=_known(plan=("a",))))


@given(
    weekdays=st.lists(st.integers(20, 400), min_size=8, max_size=8),
    quiet=st.lists(st.integers(0, 19), min_size=8, max_size=8),
)
def test_a_quiet_weekend_is_no_drop(weekdays: list[int], quiet: list[int]) -> None:
    assert departure(0, quiet, 20) is None
    usual = statistics.median(weekdays)
    found = departure(round(usual), weekdays, 20)
    assert found is not None
    assert abs(found.spreads) < TOLD_FROM


def test_one_deviation_is_said_once_however_long_it_lasts() -> None:
    high, low, usual = (Departure(0, Fraction(1), Fraction(1), Fraction(spreads)) for spreads in (4, -4, 2))
    watch = Watch({})
    told = [
        [(each.day.day, each.direction) for each in watch.close(date(2025, 1, day), found)]
        for day, found in enumerate(
            (
                {"events_1d": usual},
                {"events_1d": low},
                {},
                {"events_1d": low},
                {"events_1d": high},
                {"events_1d": usual},
                {"events_1d": high},
            ),
            start=1,
        )
    ]
    assert told == [[], [(2, -1)], [], [], [(5, 1)], [], [(7, 1)]]


def _known(*, plan: tuple[str, ...] = (), bought: int | None = None, used: int | None = None, **account: date) -> Known:
    noon = datetime(2025, 1, 1, 12, tzinfo=UTC)
    seats = {"features": plan, "bought": bought and Decimal(bought), "used": used and Decimal(used)}
    return Facts.of(
        [
            Statement(noon, "f1", "entitlement", "seats", seats, noon),
            Statement(noon, "f2", "account", "acme", account, noon),
        ]
    ).until(noon + timedelta(days=1))


def _reading(known: Known, *, seats: int | None = None, back: int = 30) -> AsOf:
    days: dict[date, list[tuple[int | None, int]]] = {
        FIRST + timedelta(days=10): [(0, 0), (1, 1)],
        FIRST + timedelta(days=12): [(2, 1), (3, 2), (0, 0)],
        FIRST + timedelta(days=30): [(4, 3)],
    }
    newcomers = ((FIRST + timedelta(days=10), 2), (FIRST + timedelta(days=12), 2), (FIRST + timedelta(days=30), 1))
    life = Life(FIRST + timedelta(days=10), newcomers, {"a": 0, "b": 1, "c": 2, "d": 3})
    activity = replace(_activity(days), life=life)
    return as_of(activity, FIRST + timedelta(days=back), running=False, seats=seats, reach=REACHED, known=known)


@pytest.mark.parametrize(
    ("metric", "known", "seats", "value"),
    [
        ("seat_utilisation", _known(), 10, Fraction(5, 10)),
        ("seat_utilisation", _known(used=8), 10, Fraction(8, 10)),
        ("seat_utilisation", _known(used=8), None, None),
        ("user_engagement", _known(used=8), 10, Fraction(5, 8)),
        ("user_engagement", _known(used=8), None, Fraction(5, 8)),
        ("user_engagement", _known(), 10, None),
        ("feature_breadth_28d", _known(plan=("a", "c", "never", "x")), None, Fraction(2, 4)),
        ("feature_breadth_28d", _known(), None, None),
        ("activation", _known(), 4, Fraction(5, 4)),
        ("activation", _known(), None, None),
        ("days_to_activation", _known(go_live_on=date(2025, 1, 6)), 8, 7),
        ("days_to_activation", _known(go_live_on=date(2025, 1, 6)), 11, None),
        ("days_to_activation", _known(go_live_on=date(2025, 1, 20)), 8, 0),
        ("time_to_first_value", _known(go_live_on=date(2025, 1, 6)), None, 5),
        ("time_to_first_value", _known(go_live_on=date(2026, 1, 6)), None, 10),
        ("time_to_first_value", _known(), None, 10),
        ("time_to_first_value", Known(), None, None),
    ],
)
def test_what_entitlements_and_beginnings_give(
    metric: str, known: Known, seats: int | None, value: Fraction | int | None
) -> None:
    assert METRICS[metric].read(_reading(known, seats=seats)) == value


def test_the_beginning_is_read_as_of_the_day() -> None:
    before = _reading(_known(), seats=4, back=11)
    assert [METRICS[name].read(before) for name in ("activation", "days_to_activation", "time_to_first_value")] == [
        Fraction(2, 4),
        10,
        10,
    ]
    assert METRICS["days_to_activation"].read(_reading(_known(), seats=4, back=9)) is None


@given(days=DAYS)
def test_the_users_of_each_feature_survive_their_bytes(days: dict[date, list[tuple[int | None, int]]]) -> None:
    for events in days.values():
        use = DayOfUse()
        for user, feature in events:
            use.count(None if user is None else user * 300, feature * 200)
        stored = users_of_to_bytes(use)
        assert users_of_from_bytes(use.features, stored) == use.users_of
        assert use.users_of == {
            feature * 200: bits_of(user * 300 for user, other in events if other == feature and user is not None)
            for user, feature in events
            if user is not None
        }


def test_an_empty_day_and_a_large_one_survive_their_bytes() -> None:
    large = DayOfUse()
    for user in (0, 127 * 8 - 1, 127 * 8, 5_000_000):
        large.count(user, user % 7)
    for use in (DayOfUse(), large, DayOfUse(events=1, features=3)):
        assert users_of_from_bytes(use.features, users_of_to_bytes(use)) == use.users_of


def test_every_metric_says_what_it_is() -> None:
    assert [name for name, metric in METRICS.items() if not metric.means] == []


@given(st.sets(st.integers(0, 10_000)))
def test_a_bit_set_survives_its_bytes(numbers: set[int]) -> None:
    bits = bits_of(numbers)
    assert from_bytes(to_bytes(bits)) == bits
    assert bits.bit_count() == len(numbers)
