"""The use of each day from levels as they were stated; balances, and when they will be gone."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from renewals.domain.burn_down import Charge, ChargeKind, burn_down
from renewals.domain.consumption import Level, Reading, Said, daily_use, levels, now_of
from renewals.domain.projection import CONFIDENCE, project
from tests.unit.renewals.building import day, entered

START = date(2026, 1, 1)
DAY = timedelta(days=1)


def level(on: str, used: str, starts_on: str | None = None) -> Level:
    return Level(day(on), Decimal(used), day(starts_on) if starts_on else None)


def used_on(found: dict[date, Fraction]) -> dict[str, int | Fraction]:
    return {str(each)[5:]: amount for each, amount in found.items() if amount}


@pytest.mark.parametrize(
    ("stated", "use"),
    [
        # Spread evenly over the days between; the first from the term's beginning.
        ([level("2026-01-02", "4"), level("2026-01-04", "10")], {"01-01": 2, "01-02": 2, "01-03": 3, "01-04": 3}),
        # Counted from where the level before the term was.
        ([level("2025-12-31", "100"), level("2026-01-02", "104")], {"01-01": 2, "01-02": 2}),
        # A lower one begins anew.
        ([level("2026-01-01", "9"), level("2026-01-03", "2")], {"01-01": 9, "01-02": 1, "01-03": 1}),
        # A new period begins on its day.
        (
            [level("2026-01-01", "5", "2026-01-01"), level("2026-01-03", "8", "2026-01-03")],
            {"01-01": 5, "01-03": 8},
        ),
        # In one stated period a lower one corrects.
        (
            [level("2026-01-01", "5", "2026-01-01"), level("2026-01-02", "3", "2026-01-01")],
            {"01-01": 5, "01-02": -2},
        ),
        ([], {}),
    ],
)
def test_the_use_of_each_day_follows_from_levels(stated: list[Level], use: dict[str, int]) -> None:
    assert used_on(daily_use(stated, START)) == use


@given(st.lists(st.tuples(st.integers(1, 5), st.integers(0, 50)), min_size=1, max_size=30), st.booleans())
def test_days_add_up_to_what_the_levels_say(steps: list[tuple[int, int]], states_period: bool) -> None:  # noqa: FBT001 - drawn
    on, total, stated = START - DAY, 0, []
    for days, more in steps:
        on, total = on + days * DAY, total + more
        stated.append(Level(on, Decimal(total), START if states_period else None))

    found = daily_use(stated, START)

    assert sum(found.values()) == total
    assert list(found) == [START + n * DAY for n in range((on - START).days + 1)]
    for was, is_now in pairwise(stated):
        between = [amount for each, amount in found.items() if was.day < each <= is_now.day]
        assert sum(between) == is_now.used - was.used


def reading(on: date, number: int, used: int | None, bought: int | None) -> Reading:
    at = datetime(on.year, on.month, on.day, number % 24, tzinfo=UTC)

    def said(value: int | None) -> Said[Decimal] | None:
        return None if value is None else Said(Decimal(value), at, f"e{number}")

    return Reading(day=on, used=said(used), bought=said(bought))


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.none() | st.integers(0, 9), st.none() | st.integers(0, 9)),
        min_size=1,
        max_size=8,
    ),
    st.randoms(use_true_random=False),
)
def test_what_holds_does_not_depend_on_the_order_in_which_it_came(
    drawn: list[tuple[int, int | None, int | None]], random: Random
) -> None:
    said = [reading(START + n * DAY, number, used, bought) for number, (n, used, bought) in enumerate(drawn)]

    def kept(order: list[Reading]) -> list[Reading]:
        by_day: dict[date, Reading] = {}
        for each in order:
            by_day[each.day] = by_day[each.day].merged(each) if each.day in by_day else each
        return [by_day[each] for each in sorted(by_day)]

    shuffled = random.sample(said, len(said))

    assert kept(shuffled) == kept(said)
    assert now_of(kept(shuffled)) == now_of(kept(said))
    assert list(levels(kept(shuffled))) == list(levels(kept(said)))


TERM = replace(entered("2026-01-01", term_months=12).latest, entitlements=(("prepaid", 1_000),))


def steadily(per_day: int, days: int) -> list[Level]:
    return [Level(START + n * DAY, Decimal(per_day * (n + 1)), START) for n in range(days)]


def test_a_steady_pace_runs_out_on_its_day() -> None:
    found = burn_down(TERM, "prepaid", steadily(10, 30), [], today=day("2026-01-31"))

    assert (found.bought, found.used, found.balance, found.overage) == (
        Fraction(1_000),
        Fraction(300),
        Fraction(700),
        Fraction(0),
    )
    assert found.exhausted_on == day("2026-04-10")  # the hundredth day
    assert found.falls_due_on == day("2026-04-10")
    assert found.projection is not None
    assert (found.projection.earliest, found.projection.latest) == (day("2026-04-10"), day("2026-04-10"))
    assert [str(each.balance) for each in found.days[:3]] == ["990", "980", "970"]


def test_a_top_up_moves_the_day_and_a_slow_pace_outlasts_the_term() -> None:
    more = [Charge(ChargeKind.TOP_UP, "prepaid", Decimal(100), Decimal(50), day("2026-01-20"))]
    other = [Charge(ChargeKind.TOP_UP, "other", Decimal(900), Decimal(50), day("2026-01-20"))]
    later = [replace(more[0], charged_on=day("2026-02-20"))]

    def until(per_day: int, *charges: Charge) -> tuple[date | None, date]:
        found = burn_down(TERM, "prepaid", steadily(per_day, 30), charges, today=day("2026-01-31"))
        return found.exhausted_on, found.falls_due_on

    assert until(10, *more, *other, *later) == (day("2026-04-20"), day("2026-04-20"))
    assert until(2) == (day("2027-05-15"), day("2027-01-01"))
    assert until(0) == (None, day("2027-01-01"))


def test_what_is_used_beyond_is_overage_from_its_day_on() -> None:
    found = burn_down(TERM, "prepaid", steadily(100, 14), [], today=day("2026-01-31"))

    assert (found.balance, found.overage, found.projection) == (Fraction(0), Fraction(400), None)
    assert found.exhausted_on == day("2026-01-10")


def test_today_is_not_part_of_the_pace() -> None:
    stated = [*steadily(10, 30), Level(day("2026-01-31"), Decimal(301), START)]

    found = burn_down(TERM, "prepaid", stated, [], today=day("2026-01-31"))

    assert found.exhausted_on == day("2026-04-10")
    assert (found.used, found.measured_until) == (Fraction(301), day("2026-01-31"))


def test_of_a_term_that_is_over_nothing_is_projected() -> None:
    found = burn_down(TERM, "prepaid", steadily(2, 400), [], today=day("2027-02-03"))

    assert (found.used, found.balance) == (Fraction(730), Fraction(270))
    assert (found.projection, found.exhausted_on, found.falls_due_on) == (None, None, day("2027-01-01"))


def test_a_part_of_the_use_is_the_contracts() -> None:
    half = burn_down(TERM, "prepaid", steadily(20, 30), [], today=day("2026-01-31"), share=Fraction(1, 2))

    assert half == burn_down(TERM, "prepaid", steadily(10, 30), [], today=day("2026-01-31"))


use = st.lists(st.floats(0, 100), min_size=14, max_size=80)


@given(use, st.floats(1, 5_000), st.floats(1, 5_000))
def test_more_lasts_no_shorter_and_the_day_lies_within_its_interval(
    days: list[float], balance: float, more: float
) -> None:
    less, much = project(days, balance, START), project(days, balance + more, START)

    assert less is not None
    assert much is not None
    for found in (less, much):
        assert (found.earliest or date.max) <= (found.exhausted_on or date.max) <= (found.latest or date.max)
    for name in ("earliest", "exhausted_on", "latest"):
        assert (getattr(less, name) or date.max) <= (getattr(much, name) or date.max)


@given(st.integers(1, 100), st.integers(1, 9_000), st.integers(14, 80))
def test_a_pace_without_spread_has_an_interval_of_one_day(per_day: int, balance: int, days: int) -> None:
    found = project([float(per_day)] * days, float(balance), START)

    assert found is not None
    lasts = -(-balance // per_day)
    expected = START + lasts * DAY if lasts <= 3 * 365 else None
    assert (found.earliest, found.exhausted_on, found.latest) == (expected,) * 3


def test_less_than_two_weeks_give_no_projection() -> None:
    assert project([1.0] * 13, 100, START) is None


def noisy(random: Random, kind: str, weekday: int) -> float:
    mean = 10 * (1, 1, 1, 1, 1, 0.3, 0.2)[weekday]
    if kind == "skewed":
        return random.gammavariate(2, mean / 2)
    return max(0.0, random.gauss(mean, mean * 0.3))


@pytest.mark.parametrize("kind", ["skewed", "even"])
@pytest.mark.parametrize("weeks", [2, 3, 5, 8])
@pytest.mark.parametrize("ahead", [1, 4, 20])
def test_the_day_lies_in_the_interval_as_often_as_is_said(kind: str, weeks: int, ahead: int) -> None:
    """On synthetic use with weekends: what really happens against what was projected, 400 times."""
    random, within = Random(f"{kind} {weeks} {ahead}"), 0
    for _ in range(400):
        first = random.randrange(7)
        known = [noisy(random, kind, (first + n) % 7) for n in range(weeks * 7 + random.randrange(7))]
        balance = 55 * ahead * random.uniform(0.5, 1.5)
        found = project(known, balance, START)
        used, days = 0.0, 0
        while used < balance:
            used += noisy(random, kind, (first + len(known) + days) % 7)
            days += 1
        assert found is not None
        within += (found.earliest or date.max) <= START + days * DAY <= (found.latest or date.max)
    # Days are whole, so near ones lie within somewhat more often.
    assert CONFIDENCE - 0.06 <= within / 400 <= CONFIDENCE + 0.15
