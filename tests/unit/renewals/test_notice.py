"""Deadlines for notice, against a slow and obvious way of counting."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from renewals.application.calendars import is_holiday, known_calendar
from renewals.domain.civil import add_months
from renewals.domain.notice import CountedFrom, NoticeRule, NoticeUnit, Roll, notice_deadline
from tests.unit.renewals.building import day

ONE = timedelta(days=1)


@pytest.mark.parametrize(
    ("end_exclusive", "rule", "deadline"),
    [
        ("2025-03-01", NoticeRule(1, NoticeUnit.MONTHS), "2025-01-28"),  # the examples of domain.md
        ("2025-03-01", NoticeRule(1, NoticeUnit.MONTHS, CountedFrom.DAY_AFTER), "2025-01-31"),
        ("2026-01-01", NoticeRule(3, NoticeUnit.MONTHS), "2025-09-30"),
        ("2026-01-01", NoticeRule(3, NoticeUnit.MONTHS, CountedFrom.DAY_AFTER), "2025-09-30"),
        ("2026-01-01", NoticeRule(30, NoticeUnit.DAYS), "2025-12-01"),
        ("2026-01-01", NoticeRule(6, NoticeUnit.WEEKS, CountedFrom.DAY_AFTER), "2025-11-19"),
        ("2026-01-01", NoticeRule(5, NoticeUnit.BUSINESS_DAYS), "2025-12-24"),  # from Wednesday the 31st
        ("2026-01-01", NoticeRule(5, NoticeUnit.BUSINESS_DAYS, holidays="DE"), "2025-12-22"),  # Christmas: 25, 26
        ("2026-02-01", NoticeRule(0, NoticeUnit.DAYS, roll=Roll.PRECEDING), "2026-01-30"),  # a Saturday
        ("2026-02-01", NoticeRule(0, NoticeUnit.DAYS, roll=Roll.FOLLOWING), "2026-02-02"),
        ("2024-03-01", NoticeRule(12, NoticeUnit.MONTHS), "2023-02-28"),  # from February 29
    ],
)
def test_the_last_day_for_notice(end_exclusive: str, rule: NoticeRule, deadline: str) -> None:
    end = day(end_exclusive)

    found = notice_deadline(rule, end, add_months(end, -rule.amount), is_holiday)

    assert str(found) == deadline


@given(
    st.dates(date(2000, 1, 1), date(2040, 1, 1)),
    st.integers(0, 90),
    st.sampled_from(CountedFrom),
    st.sampled_from([None, "DE", "US"]),
)
def test_business_days_are_counted_one_by_one(end: date, amount: int, counted: CountedFrom, where: str | None) -> None:
    rule = NoticeRule(amount, NoticeUnit.BUSINESS_DAYS, counted, Roll.NONE, where)

    found = notice_deadline(rule, end, end, is_holiday)

    from_day = end - ONE if counted is CountedFrom.LAST_DAY else end
    first_late = found if counted is CountedFrom.LAST_DAY else found + ONE
    working = [
        each
        for n in range((from_day - first_late).days)
        if (each := first_late + n * ONE).weekday() < 5 and not (where and is_holiday(where, each))
    ]
    assert len(working) == amount


@given(st.dates(date(2000, 1, 1), date(2040, 1, 1)), st.integers(0, 400), st.sampled_from(CountedFrom))
def test_days_and_weeks_are_so_many_days(end: date, amount: int, counted: CountedFrom) -> None:
    days = notice_deadline(NoticeRule(amount * 7, NoticeUnit.DAYS, counted), end, end, is_holiday)
    weeks = notice_deadline(NoticeRule(amount, NoticeUnit.WEEKS, counted), end, end, is_holiday)

    assert days == weeks == end - ONE - timedelta(days=amount * 7)


def slowly(anchor: date, months: int) -> date:
    """So many months after an anchor, day by day: the anchor's day in the month that comes so many turns later."""
    year, month, step = anchor.year, anchor.month, 1 if months >= 0 else -1
    for _ in range(abs(months)):
        month += step
        if month in {0, 13}:
            year, month = year + step, 12 if month == 0 else 1
    wanted = anchor.day
    while True:
        try:
            return date(year, month, wanted)
        except ValueError:
            wanted -= 1


@given(st.dates(date(1990, 1, 1), date(2060, 12, 31)), st.integers(-240, 240))
def test_anchored_months_are_counted_month_by_month(anchor: date, months: int) -> None:
    assert add_months(anchor, months) == slowly(anchor, months)


def test_a_calendar_that_is_not_known_is_refused() -> None:
    assert known_calendar("DE-BY") == "DE-BY"
    for name in ("XX", "DE-XX", "", "de"):
        with pytest.raises(ValueError, match="not a calendar"):
            known_calendar(name)
