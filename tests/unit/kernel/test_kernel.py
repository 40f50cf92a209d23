from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mainstay.kernel.clock import ManualClock, SystemClock, day_of, start_of_day
from mainstay.kernel.ids import new_id
from mainstay.kernel.money import CurrencyMismatch, Money

zones = st.timezones()
instants = st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis adds the zone


@given(st.dates(date(1990, 1, 2), date(2100, 1, 1)), zones)
def test_a_day_begins_at_its_first_instant(day: date, zone: ZoneInfo) -> None:
    start = start_of_day(day, zone)
    # Samoa had no 30 December 2011 at all: a day that does not exist begins with the next one.
    if day_of(start, zone) == day:
        assert day_of(start - timedelta(seconds=1), zone) < day


@pytest.mark.parametrize(
    ("zone", "day", "begins"),
    [
        ("UTC", date(2026, 3, 1), "2026-03-01T00:00:00+00:00"),
        ("Europe/Berlin", date(2026, 3, 29), "2026-03-28T23:00:00+00:00"),
        ("Europe/Berlin", date(2026, 3, 30), "2026-03-29T22:00:00+00:00"),
        ("America/New_York", date(2026, 11, 1), "2026-11-01T04:00:00+00:00"),
        ("Asia/Kathmandu", date(2026, 1, 1), "2025-12-31T18:15:00+00:00"),
        # Summer time begins at midnight: 00:00 does not exist on that date, 01:00 is its first instant.
        ("America/Asuncion", date(2023, 10, 1), "2023-10-01T04:00:00+00:00"),
        ("Africa/Cairo", date(2026, 4, 24), "2026-04-23T22:00:00+00:00"),
    ],
)
def test_days_begin_where_the_zone_says(zone: str, day: date, begins: str) -> None:
    start = start_of_day(day, ZoneInfo(zone))
    assert start == datetime.fromisoformat(begins)
    assert start.tzinfo is UTC
    assert day_of(start, ZoneInfo(zone)) == day


@given(instants)
def test_ids_are_version_7_and_hold_their_time(at: datetime) -> None:
    made = UUID(new_id(at))
    assert (made.version, made.variant) == (7, "specified in RFC 4122")
    assert made.int >> 80 == int(at.timestamp() * 1000)


def test_ids_sort_by_time_and_are_never_the_same() -> None:
    start = datetime(2026, 3, 1, tzinfo=UTC)
    ids = [new_id(start + timedelta(milliseconds=n)) for n in range(1000)]
    assert ids == sorted(ids)
    assert len({new_id(start) for _ in range(10_000)}) == 10_000


def test_a_manual_clock_stands_until_it_is_moved() -> None:
    clock = ManualClock(datetime(2026, 3, 1, 13, tzinfo=ZoneInfo("Europe/Berlin")))
    assert clock.now() == datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert clock.now().tzinfo is UTC
    clock.advance(timedelta(days=1))
    assert clock.now() == datetime(2026, 3, 2, 12, tzinfo=UTC)
    clock.move_to(datetime(2026, 2, 1, tzinfo=UTC))
    assert clock.now() == datetime(2026, 2, 1, tzinfo=UTC)


def test_the_systems_clock_speaks_utc() -> None:
    assert abs(SystemClock().now() - datetime.now(UTC)) < timedelta(seconds=5)
    assert SystemClock().now().tzinfo is UTC


def test_money_adds_up_exactly_and_within_one_currency_only() -> None:
    assert Money(Decimal("0.10"), "EUR") + Money(Decimal("0.20"), "EUR") == Money(Decimal("0.30"), "EUR")
    with pytest.raises(CurrencyMismatch):
        Money(Decimal(1), "EUR") + Money(Decimal(1), "USD")
