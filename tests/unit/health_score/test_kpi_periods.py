"""Periods of the calendar, and under whom an account stood when."""

from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from health_score.domain.kpis.attribution import Axis, attribution, owners
from health_score.domain.kpis.past import Past
from health_score.domain.kpis.periods import DAY, Every, periods, place_of
from health_score.domain.kpis.spread import Durations
from health_score.domain.rulebook import NO_RULES
from mainstay.contracts.ingest import AccountFact, TeamAssignment
from tests.unit.health_score.stating import BERLIN, statements

CASES = [
    (Every.NONE, "01-15", "03-02", ["01-15/03-02"]),
    (Every.WEEK, "03-01", "03-10", ["03-01/03-01", "03-02/03-08", "03-09/03-10"]),
    (Every.MONTH, "01-31", "03-01", ["01-31/01-31", "02-01/02-28", "03-01/03-01"]),
    (Every.QUARTER, "03-30", "07-01", ["03-30/03-31", "04-01/06-30", "07-01/07-01"]),
    (Every.YEAR, "06-01", "12-31", ["06-01/12-31"]),
]


@pytest.mark.parametrize(("every", "first", "last", "expected"), CASES)
def test_a_range_is_cut_where_the_calendar_cuts_it(every: Every, first: str, last: str, expected: list[str]) -> None:
    found = periods(date.fromisoformat(f"2026-{first}"), date.fromisoformat(f"2026-{last}"), every)

    assert [f"{period.first:%m-%d}/{period.last:%m-%d}" for period in found] == expected


@given(
    st.dates(date(1970, 1, 1), date(2100, 1, 1)), st.integers(0, 1000), st.sampled_from(Every), st.integers(-3, 1003)
)
def test_every_day_of_a_range_is_in_one_period(first: date, days: int, every: Every, of: int) -> None:
    last, day = first + days * DAY, first + of * DAY
    found = periods(first, last, every)

    place = place_of(day, found)

    assert (place is not None) == (first <= day <= last)
    assert place is None or found[place].first <= day <= found[place].last
    assert [period.first for period in found[1:]] == [period.last + DAY for period in found[:-1]]


def said(month: int, *team: TeamAssignment, owner: str | None = None, hour: int = 12) -> AccountFact:
    at = datetime(2026, month, 10, hour, tzinfo=UTC)
    return AccountFact("acme", at, owner=owner) if owner else AccountFact("acme", at, team=team)


OWNERS: list[tuple[str, list[AccountFact], list[tuple[str, str | None]]]] = [
    ("nobody ever said: the one of now", [], [("2026-01-01T00:00Z", "now")]),
    (
        "before the first word it is the first one named",
        [said(2, owner="kim")],
        [("2026-01-01T00:00Z", "kim"), ("2026-03-01T00:00Z", "kim")],
    ),
    (
        "from the instant of the fact on",
        [said(1, owner="kim"), said(2, owner="lee")],
        [("2026-02-10T11:59:59Z", "kim"), ("2026-02-10T12:00Z", "lee")],
    ),
    (
        "the team says the same thing, from the beginning of a day of the account's zone",
        [said(1, owner="kim"), said(2, TeamAssignment("csm", "lee", date(2026, 3, 1)))],
        [("2026-02-28T22:59:59Z", "kim"), ("2026-02-28T23:00Z", "lee")],
    ),
    (
        "and until the end of one",
        [said(1, TeamAssignment("csm", "kim", date(2026, 1, 5), date(2026, 3, 29)))],
        [("2026-01-04T22:59:59Z", None), ("2026-01-04T23:00Z", "kim"), ("2026-03-29T21:59:59Z", "kim"),
         ("2026-03-29T22:00Z", None)],
    ),
    (
        "what is said last holds from its day on, whoever was named in between",
        [said(1, owner="kim"), said(2, owner="lee"), said(3, TeamAssignment("csm", "mo", date(2026, 2, 1)))],
        [("2026-01-31T22:59Z", "kim"), ("2026-01-31T23:00Z", "mo"), ("2026-03-20T00:00Z", "mo")],
    ),
    (
        "an owner named after the team takes over",
        [said(1, TeamAssignment("csm", "kim")), said(2, owner="lee")],
        [("2026-02-10T11:00Z", "kim"), ("2026-02-11T00:00Z", "lee")],
    ),
    (
        "others of the team own nothing",
        [said(1, owner="kim"), said(2, TeamAssignment("sales", "sam"))],
        [("2026-03-01T00:00Z", "kim")],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("told", "facts", "expected"), OWNERS, ids=[told for told, *_ in OWNERS])
def test_an_account_is_in_the_hands_of(
    told: str, facts: list[AccountFact], expected: list[tuple[str, str | None]]
) -> None:
    steps = owners(statements(*facts), BERLIN, "now")

    for instant, owner in expected:
        assert steps.at(datetime.fromisoformat(instant)) == owner, (told, instant)


def test_each_axis_has_its_own_dates() -> None:
    facts = statements(
        AccountFact("acme", datetime(2026, 1, 10, tzinfo=UTC), tier="gold", coverage_role="coordinator"),
        AccountFact("acme", datetime(2026, 2, 10, tzinfo=UTC), tier=None, coverage_assignment="pool"),
    )
    axes = (Axis.ACCOUNT, Axis.TIER, Axis.SEGMENT, Axis.COVERAGE_ROLE, Axis.COVERAGE_ASSIGNMENT)
    under = attribution(Past("acme", BERLIN, tuple(facts), {Axis.SEGMENT: "smb"}), axes, NO_RULES)

    assert under.at(datetime(2026, 1, 20, tzinfo=UTC)) == ("acme", "gold", "smb", "coordinator", "pool")
    assert under.at(datetime(2026, 2, 20, tzinfo=UTC)) == ("acme", None, "smb", "coordinator", "pool")


def test_times_are_spread_exactly() -> None:
    durations = Durations()
    assert (durations.median_hours(), durations.p90_hours()) == (None, None)
    for hours in (3, 1, 2, 10):
        durations.add(timedelta(hours=hours))
    assert (durations.median_hours(), durations.p90_hours()) == (Fraction(5, 2), Fraction(10))
    for hours in (4, 5, 6, 7, 8, 9):
        durations.add(timedelta(hours=hours))
    assert (durations.median_hours(), durations.p90_hours()) == (Fraction(11, 2), Fraction(9))
    durations.add(timedelta(hours=-1))
    assert durations.p90_hours() == 9
    assert len(durations) == 11
