"""Month arithmetic: anchored, monotone, and the same on paper."""

from datetime import date, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from renewals.domain.civil import add_months, months_between, months_from

dates = st.dates(min_value=date(1970, 1, 1), max_value=date(2199, 12, 31))
months = st.integers(min_value=-120, max_value=1_200)


@pytest.mark.parametrize(
    ("anchor", "count", "expected"),
    [
        ("2025-01-31", 1, "2025-02-28"),
        ("2024-01-31", 1, "2024-02-29"),
        ("2025-01-31", 4, "2025-05-31"),
        ("2025-01-31", 0, "2025-01-31"),
        ("2025-02-28", -1, "2025-01-28"),  # an inclusive end minus one month, as domain.md has it
        ("2025-03-01", -1, "2025-02-01"),
        ("2024-02-29", 12, "2025-02-28"),
        ("2024-02-29", 48, "2028-02-29"),
        ("2025-12-31", 2, "2026-02-28"),
        ("2025-01-15", -13, "2023-12-15"),
    ],
)
def test_months_are_added_to_the_anchor(anchor: str, count: int, expected: str) -> None:
    assert add_months(date.fromisoformat(anchor), count) == date.fromisoformat(expected)


@given(dates, months)
def test_the_day_is_the_anchors_or_the_last_of_a_shorter_month(anchor: date, count: int) -> None:
    result = add_months(anchor, count)

    assert (result.year - anchor.year) * 12 + result.month - anchor.month == count
    assert result.day == anchor.day or (result.day < anchor.day and (result + timedelta(days=1)).day == 1)


@given(dates, months)
def test_more_months_is_later(anchor: date, count: int) -> None:
    assert add_months(anchor, count) < add_months(anchor, count + 1)


@pytest.mark.parametrize(
    ("anchor", "start", "end_exclusive", "expected"),
    [
        ("2025-01-01", "2025-01-01", "2026-01-01", Fraction(12)),
        ("2025-01-31", "2025-01-31", "2025-02-28", Fraction(1)),  # the anniversary is missing: its clamped day is whole
        ("2025-01-31", "2025-01-31", "2025-03-01", Fraction(1)),  # … and so is the first of the month after
        ("2024-02-29", "2024-02-29", "2025-02-28", Fraction(12)),
        ("2024-02-29", "2024-02-29", "2025-03-01", Fraction(12)),
        ("2025-01-31", "2025-02-28", "2025-03-31", Fraction(1)),  # the second month of a calendar anchored on the 31st
        ("2025-02-28", "2025-02-28", "2025-03-28", Fraction(1)),
        ("2025-01-31", "2025-02-28", "2025-03-01", Fraction(1, 31)),
        ("2025-01-01", "2025-01-01", "2025-01-16", Fraction(15, 31)),
        ("2025-01-15", "2025-01-15", "2026-01-01", 11 + Fraction(17, 31)),  # 17 of 31 days from December 15
        ("2025-01-01", "2025-01-01", "2025-01-02", Fraction(1, 31)),
    ],
)
def test_the_length_of_a_term_in_months(anchor: str, start: str, end_exclusive: str, expected: Fraction) -> None:
    assert months_between(*(date.fromisoformat(text) for text in (anchor, start, end_exclusive))) == expected


@given(dates, st.integers(min_value=0, max_value=240), st.integers(min_value=1, max_value=120))
def test_terms_on_the_anchors_calendar_are_whole(anchor: date, skipped: int, count: int) -> None:
    start, end = add_months(anchor, skipped), add_months(anchor, skipped + count)

    assert months_between(anchor, start, end) == count


@given(dates, dates)
def test_a_later_day_is_more_months_from_the_anchor(anchor: date, day: date) -> None:
    assert months_from(anchor, day) < months_from(anchor, day + timedelta(days=1))


@given(dates, st.integers(min_value=0, max_value=40), st.integers(min_value=1, max_value=4_000))
def test_every_term_has_a_length(anchor: date, skipped: int, days: int) -> None:
    start = add_months(anchor, skipped)

    assert months_between(anchor, start, start + timedelta(days=days)) > 0
