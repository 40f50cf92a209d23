"""Automated calls: rates drawn towards wider ones, step by step, and what becomes of a renewal that is not decided."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mainstay.kernel.money import Money
from renewals.domain.amending import cancel
from renewals.domain.contracts import AtEnd, Kind, Predecessor
from renewals.domain.forecasting import (
    PRIOR_STRENGTH,
    Category,
    FactorName,
    Outcomes,
    Past,
    Situation,
    Tenure,
    Trend,
    estimate,
    factors,
    next_amount,
    shrunk,
    tenure,
    trend,
    undecided,
    up_for_renewal,
)
from tests.unit.renewals.building import at, day, entered

BANDS = ("red", "yellow", "green")
standings = st.builds(
    Situation,
    band=st.sampled_from((None, *BANDS)),
    trend=st.sampled_from((None, *Trend)),
    tenure=st.sampled_from((None, *Tenure)),
)
outcomes = st.integers(0, 500).flatmap(lambda terms: st.builds(Outcomes, st.just(terms), st.integers(0, terms)))
pasts = st.builds(Past, st.dictionaries(standings, outcomes, max_size=40))
rates = st.fractions(0, 1)


@given(rates)
def test_a_rate_of_nothing_is_the_wider_one(wider: Fraction) -> None:
    assert shrunk(Outcomes(0, 0), wider) == wider


@given(outcomes.filter(lambda found: found.terms > 0), rates)
def test_a_rate_of_much_is_nearly_the_own_one(found: Outcomes, wider: Fraction) -> None:
    own = Fraction(found.renewed, found.terms)
    distances = [
        abs(shrunk(Outcomes(found.terms * times, found.renewed * times), wider) - own) for times in (1, 10, 100, 10_000)
    ]
    assert distances == sorted(distances, reverse=True)
    assert distances[-1] <= Fraction(PRIOR_STRENGTH, found.terms * 10_000)


@given(outcomes, rates)
def test_a_rate_lies_between_the_own_one_and_the_wider_one(found: Outcomes, wider: Fraction) -> None:
    own = Fraction(found.renewed, found.terms) if found.terms else wider
    assert min(own, wider) <= shrunk(found, wider) <= max(own, wider)


@given(pasts, standings)
def test_each_step_counts_what_stood_alike_up_to_it(past: Past, standing: Situation) -> None:
    """Against the slow and obvious way: go through every cell and look."""
    steps = factors(past, standing)
    for number, step in enumerate(steps):
        named = {each.name.value: each.level for each in steps[1 : number + 1]}
        alike = [
            (found.terms, found.renewed)
            for cell, found in past.cells.items()
            if all(getattr(cell, name) == level for name, level in named.items())
        ]
        assert (step.terms, step.renewed) == (sum(t for t, _ in alike), sum(r for _, r in alike))
        assert 0 < step.probability < 1
    assert [step.terms for step in steps] == sorted((step.terms for step in steps), reverse=True)


@given(pasts, standings)
def test_a_renewal_whose_health_is_unknown_has_the_overall_rate(past: Past, standing: Situation) -> None:
    unknown = Situation(None, standing.trend, standing.tenure)
    [only] = factors(past, unknown)
    assert only == factors(past, standing)[0]
    assert only.name is FactorName.OVERALL


def test_the_page_s_example() -> None:
    past = Past(
        {
            Situation(None): Outcomes(20, 18),
            Situation("green", Trend.STEADY, Tenure.LATER): Outcomes(60, 57),
            Situation("red", Trend.STEADY, Tenure.LATER): Outcomes(10, 6),
            Situation("red", Trend.FALLING, Tenure.LATER): Outcomes(6, 2),
            Situation("red", Trend.FALLING, Tenure.FIRST_YEAR): Outcomes(4, 1),
        }
    )
    steps = factors(past, Situation("red", Trend.FALLING, Tenure.FIRST_YEAR))
    assert [(step.name.value, step.terms, step.renewed) for step in steps] == [
        ("overall", 100, 84),
        ("band", 20, 9),
        ("trend", 10, 3),
        ("tenure", 4, 1),
    ]
    overall = Fraction(86, 104)
    band = (9 + 20 * overall) / 40
    falling = (3 + 20 * band) / 30
    assert [step.probability for step in steps] == [overall, band, falling, (1 + 20 * falling) / 24]
    assert [round(float(step.probability), 4) for step in steps] == [0.8269, 0.6385, 0.5256, 0.4797]


def test_nothing_known_is_even_odds() -> None:
    [only] = factors(Past({}), Situation())
    assert (only.probability, only.rate) == (Fraction(1, 2), None)


@pytest.mark.parametrize(
    ("score", "before", "expected"),
    [
        (50, 50, Trend.STEADY),
        (59, 50, Trend.STEADY),
        (60, 50, Trend.RISING),
        (40, 50, Trend.FALLING),
        (41, 50, Trend.STEADY),
        (None, 50, None),
        (50, None, None),
    ],
)
def test_a_trend_is_ten_points_in_28_days(score: int | None, before: int | None, expected: Trend | None) -> None:
    assert trend(score, before) is expected


def test_categories_go_by_the_probability() -> None:
    found = {}
    for renewed in range(101):
        call = estimate(entered("2026-01-01", term_months=12), Situation(), Past({Situation(): Outcomes(100, renewed)}))
        found[call.probability] = call.category
    for least, category in (("0.85", "commit"), ("0.60", "most_likely"), ("0.30", "best_case")):
        of_category = [probability for probability, each in found.items() if each is Category(category)]
        assert min(of_category) >= Decimal(least) > max(p for p in found if p < min(of_category))
    assert found[min(found)] is Category.OMITTED


def test_a_cancelled_contract_is_not_expected_to_renew() -> None:
    contract, _ = cancel(entered("2026-01-01", term_months=12), at("2026-03-01"), "too dear", day("2027-01-01"))
    call = estimate(contract, Situation("green"), Past({Situation("green"): Outcomes(100, 100)}))
    assert (call.probability, call.category) == (Decimal("0.00"), Category.OMITTED)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"term_months": 12}, "1200.00"),
        ({"term_months": 3, "amount": "100"}, "400.00"),
        ({"term_months": 36, "amount": "1000"}, "333.33"),
        ({"term_months": 7, "amount": "0.07"}, "0.12"),
        # An odd first term is followed by one of the length and amount that were agreed for those.
        ({"end": "2026-02-14", "term_months": 12, "next_amount": Decimal(2400), "amount": "150"}, "2400.00"),
        ({"end": "2026-06-30", "at_end": AtEnd.CANCEL, "amount": "600"}, "1200.00"),
    ],
)
def test_the_amount_is_the_arr_of_the_next_term(facts: dict[str, Any], expected: str) -> None:
    assert next_amount(entered("2026-01-01", **facts)) == Money(Decimal(expected), "EUR")


@pytest.mark.parametrize(
    ("start", "today", "expected"),
    [
        ("2025-01-31", "2025-01-30", None),
        ("2025-01-31", "2025-01-31", Tenure.FIRST_YEAR),
        ("2025-01-31", "2026-01-30", Tenure.FIRST_YEAR),
        ("2025-01-31", "2026-01-31", Tenure.SECOND_YEAR),
        ("2024-02-29", "2026-02-27", Tenure.SECOND_YEAR),
        ("2024-02-29", "2026-02-28", Tenure.LATER),
    ],
)
def test_tenure_counts_from_the_first_recurring_contract(start: str, today: str, expected: Tenure | None) -> None:
    once = entered("2020-01-01", end="2020-12-31", kind=Kind.ONE_TIME)
    assert tenure([once, entered(start, term_months=12)], day(today)) is expected
    assert tenure([once], day(today)) is None


def test_what_is_decided_has_no_forecast() -> None:
    running = entered("2026-01-01", term_months=12)
    assert up_for_renewal(running, day("2026-12-31")) == running.latest
    # Nobody looked since it ended: with the day after the term, what follows decides.
    assert up_for_renewal(running, day("2027-01-01")) is None
    in_grace = entered("2026-01-01", end="2026-12-31", at_end=AtEnd.CANCEL, grace_days=10)
    assert up_for_renewal(in_grace, day("2027-01-10"))
    assert up_for_renewal(in_grace, day("2027-01-11")) is None
    assert up_for_renewal(entered("2026-01-01", end="2026-12-31", kind=Kind.ONE_TIME), day("2026-06-01")) is None
    sooner, _ = cancel(running, at("2026-03-01"), "closed down", day("2026-05-01"))
    assert up_for_renewal(sooner, day("2026-04-01")) is None
    rolling = entered("2026-01-01", term_months=1, at_end=AtEnd.EVERGREEN)
    rolls_on, _ = rolling.catch_up(at("2026-03-15"))
    assert up_for_renewal(rolling, day("2026-01-15"))
    assert up_for_renewal(rolls_on, day("2026-03-15")) is None


def test_a_contract_that_another_renews_is_decided() -> None:
    before = entered("2026-01-01", end="2026-12-31", at_end=AtEnd.CANCEL)
    after = replace(
        entered("2027-01-01", now="2026-06-01", term_months=12),
        id="c2",
        predecessor=Predecessor("c1", day("2027-01-01"), day("2027-01-01")),
    )
    today = {"c1": day("2026-06-01"), "c2": day("2026-06-01")}
    assert [contract.id for contract, _ in undecided([before], today)] == ["c1"]
    assert [contract.id for contract, _ in undecided([before, after], today)] == ["c2"]
