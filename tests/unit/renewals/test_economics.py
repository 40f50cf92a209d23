"""Lifetime value and break-even, against a cohort that is walked through year by year."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from renewals.domain.economics import NEVER, Cohort, Part, break_even, cohort_of, yearly

K = Fraction("3.178")
FOR_EVER = 200
"""Years after which nothing is paid in any more that would count."""


def simulated(cost: Fraction, churn: Fraction) -> Fraction | None:
    """Years until a cohort of one customer has paid its cost, a year's margin being 1; None if it never does.

    Each year's survivors pay in advance. Within the last year, halves are tried until it fits to eight decimals.
    """
    paid, alive = Fraction(0), Fraction(1)
    for year in range(FOR_EVER):
        if paid + alive >= cost:
            return year + _within(cost - paid, alive, float(1 - churn))
        paid, alive = paid + alive, alive * (1 - churn)
    return None


def _within(owed: Fraction, alive: Fraction, stays: float) -> Fraction:
    """The share of a year in which survivors that leave evenly pay what is owed."""
    low, high = 0.0, 1.0
    for _ in range(40):
        half = (low + high) / 2
        share = half if stays == 1 else (1 - stays**half) / (1 - stays)
        low, high = (half, high) if float(alive) * share < float(owed) else (low, half)
    return Fraction(low)


@pytest.mark.parametrize(
    ("churn", "years"),
    [("0", "3.18"), ("0.10", "3.63"), ("0.20", "4.52"), ("0.25", "5.50"), ("0.30", "8.60"), ("0.314", "16.35")],
)
def test_the_table_of_the_field_comes_out_of_the_formula_and_of_the_simulation(churn: str, years: str) -> None:
    found = break_even(K, Fraction(churn))
    walked = simulated(K, Fraction(churn))

    assert isinstance(found, Decimal)
    assert walked is not None
    assert f"{found:.2f}" == years
    assert f"{float(walked):.2f}" == years


@pytest.mark.parametrize("churn", ["0.315", "0.35", "0.5", "1"])
def test_a_cohort_that_shrinks_too_fast_never_pays(churn: str) -> None:
    assert break_even(K, Fraction(churn)) == NEVER
    assert simulated(K, Fraction(churn)) is None


@given(st.fractions(0, 20, max_denominator=1_000), st.fractions(0, Fraction(999, 1_000), max_denominator=1_000))
def test_the_formula_says_what_the_simulation_says(cost: Fraction, churn: Fraction) -> None:
    found, walked = break_even(cost, churn), simulated(cost, churn)

    if found == NEVER:
        assert walked is None
    elif walked is None:
        assert found > FOR_EVER
    else:
        assert float(found) == pytest.approx(float(walked), abs=2e-6)


def test_without_churn_k_years_are_needed_and_without_cost_none() -> None:
    assert break_even(K, Fraction(0)) == Decimal("3.178000")
    assert break_even(Fraction(0), Fraction("0.2")) == 0


@given(st.fractions(0, 1, max_denominator=500), st.integers(1, 24))
def test_the_churn_of_a_year_leaves_as_many_as_that_of_its_parts(churn: Fraction, parts: int) -> None:
    assert float(1 - yearly(churn, Fraction(1, parts))) == pytest.approx(float((1 - churn) ** parts), abs=1e-12)


def cohort(**other: object) -> Cohort:
    facts = {"customers": 10, "churned": 2, "arr": Fraction(12_000), "years": Fraction(1)}
    margins = {"gross_margin": Fraction("0.8"), "acquisition_cost": Fraction(1_920)}
    return Cohort(**{**facts, **margins, **other})  # type: ignore[arg-type] # a builder


def test_lifetime_value_is_revenue_by_margin_by_churn_of_the_same_period() -> None:
    year, month = cohort(), cohort(years=Fraction(1, 12), churned=1)

    assert (year.arpa, year.churn, year.clv) == (Fraction(1_200), Fraction(1, 5), Fraction(4_800))
    assert (month.arpa, month.clv) == (Fraction(100), Fraction(800))
    assert year.cost_in_margins == Fraction(2)
    assert year.break_even == break_even(Fraction(2), Fraction(1, 5))


@pytest.mark.parametrize(
    ("other", "clv", "years"),
    [
        ({"churned": 0}, None, Decimal(2)),
        ({"gross_margin": None}, None, None),
        ({"acquisition_cost": None}, 4_800, None),
        ({"gross_margin": Fraction(0)}, 0, NEVER),
        ({"customers": 0, "churned": 0, "arr": Fraction(0)}, None, None),
    ],
)
def test_what_is_not_known_gives_nothing(other: dict[str, object], clv: object, years: object) -> None:
    found = cohort(**other)

    assert (found.clv, found.break_even) == (clv, years)


def test_segments_together_weigh_margins_by_arr_and_costs_by_customers() -> None:
    large = Part(1, 0, Fraction(9_000), Fraction("0.9"), Fraction(5_000))
    small = Part(9, 3, Fraction(1_000), Fraction("0.5"), Fraction(100))
    nobody = Part(0, 0, Fraction(0), None, None)

    found = cohort_of([large, small, nobody], Fraction(1))

    assert (found.customers, found.churned, found.arr) == (10, 3, Fraction(10_000))
    assert (found.gross_margin, found.acquisition_cost) == (Fraction("0.86"), Fraction(590))
    assert cohort_of([large, Part(1, 0, Fraction(1), None, Fraction(1))], Fraction(1)).clv is None
