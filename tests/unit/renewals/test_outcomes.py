"""How a term came out."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest

from renewals.domain.amending import Renewal, cancel, renew
from renewals.domain.contracts import AtEnd, Contract
from renewals.domain.outcomes import (
    ChurnReason,
    RenewalOutcome,
    Review,
    ReviewIncomplete,
    TermOutcome,
    customer_left,
    outcome_of,
)
from tests.unit.renewals.building import at, day, entered

TODAY = date(2027, 3, 1)


def renewed_at(amount: str) -> Contract:
    before = entered("2026-01-01", term_months=12, amount="1200")
    return renew(before, Renewal(amount=Decimal(amount)), at("2026-11-01"))[0]


@pytest.mark.parametrize(
    ("amount", "outcome"),
    [("1200", RenewalOutcome.RENEWED), ("1300", RenewalOutcome.EXPANDED), ("1100", RenewalOutcome.CONTRACTED)],
)
def test_a_renewed_term_is_compared_with_the_next_by_arr(amount: str, outcome: RenewalOutcome) -> None:
    assert outcome_of(renewed_at(amount), 1, (), TODAY) == TermOutcome(outcome, Fraction(1200), Fraction(amount))


def test_a_term_twice_as_long_at_twice_the_price_is_renewed() -> None:
    before = entered("2026-01-01", term_months=12, amount="1200")
    contract, _ = renew(before, Renewal(amount=Decimal(2400), term_months=24), at("2026-11-01"))

    found = outcome_of(contract, 1, (), TODAY)

    assert found is not None
    assert found.outcome is RenewalOutcome.RENEWED


def test_what_was_sold_during_the_term_is_due() -> None:
    contract = renewed_at("1500")
    running = replace(contract.terms[0], amount=Decimal(1500))

    found = outcome_of(replace(contract, terms=(running, contract.terms[1])), 1, (), TODAY)

    assert found == TermOutcome(RenewalOutcome.RENEWED, Fraction(1500), Fraction(1500))


@pytest.mark.parametrize(
    ("grace_days", "today", "is_over"), [(0, "2027-01-01", True), (30, "2027-01-30", False), (30, "2027-01-31", True)]
)
def test_a_term_that_ended_is_lost_when_its_grace_is_over(grace_days: int, today: str, *, is_over: bool) -> None:
    contract = entered("2026-01-01", term_months=12, at_end=AtEnd.CANCEL, grace_days=grace_days)
    ended, _ = contract.catch_up(at("2027-01-05"))

    found = outcome_of(ended, 1, (), day(today))

    assert found == (TermOutcome(RenewalOutcome.CHURNED, Fraction(1200), Fraction(0)) if is_over else None)


def test_a_term_that_another_contract_renewed_is_not_lost() -> None:
    contract = entered("2026-01-01", term_months=12, at_end=AtEnd.CANCEL)
    ended, _ = contract.catch_up(at("2027-01-05"))
    successor = entered("2027-01-01", term_months=12, amount="900")

    assert outcome_of(ended, 1, [successor], TODAY) == TermOutcome(
        RenewalOutcome.CONTRACTED, Fraction(1200), Fraction(900)
    )


def test_a_term_that_two_contracts_renewed_went_on_with_the_arr_of_both() -> None:
    contract = entered("2026-01-01", term_months=12, at_end=AtEnd.CANCEL)
    ended, _ = contract.catch_up(at("2027-01-05"))
    parts = [entered("2027-01-01", term_months=12, amount=amount) for amount in ("500", "800")]

    assert outcome_of(ended, 1, parts, TODAY) == TermOutcome(RenewalOutcome.EXPANDED, Fraction(1200), Fraction(1300))


def test_a_running_term_has_no_outcome_and_a_cancelled_one_is_lost() -> None:
    running = entered("2026-06-01", term_months=12)
    cancelled, _ = cancel(running, at("2027-02-01"), "closed down")

    assert outcome_of(running, 1, (), TODAY) is None
    assert outcome_of(cancelled, 1, (), TODAY) == TermOutcome(RenewalOutcome.CHURNED, Fraction(1200), Fraction(0))


def test_a_renewal_is_an_outcome_from_the_day_on_which_it_was_agreed() -> None:
    contract = renewed_at("1300")  # on November 1, for January
    successor = entered("2027-01-01", term_months=12, amount="900")
    ended, _ = entered("2026-01-01", term_months=12, at_end=AtEnd.CANCEL).catch_up(at("2027-01-05"))

    assert outcome_of(contract, 1, (), day("2026-10-31")) is None
    assert outcome_of(contract, 1, (), day("2026-11-01")) is not None
    assert outcome_of(ended, 1, [successor], day("2027-01-03"), renewed_on=day("2027-01-04")) is None


def test_who_has_another_contract_that_goes_on_has_not_left() -> None:
    lost = replace(entered("2026-01-01", term_months=12, at_end=AtEnd.CANCEL, grace_days=10), id="lost")
    for start, months, left in (
        ("2026-06-01", 12, False),
        ("2026-06-01", 6, True),  # it ends sooner
        ("2026-01-01", 12, True),  # and on the same day
        ("2027-01-11", 12, False),  # within the grace
        ("2027-01-12", 12, True),
    ):
        assert customer_left(lost, 1, [lost, entered(start, term_months=months, at_end=AtEnd.CANCEL)]) is left, start


def test_a_review_is_done_when_it_says_what_it_is_for() -> None:
    with pytest.raises(ReviewIncomplete, match="was_expected, was_avoidable, was_good_customer"):
        Review(reason=ChurnReason.PRICE, is_done=True)
    assert Review(
        reason=ChurnReason.PRICE, was_expected=False, was_avoidable=True, was_good_customer=True, is_done=True
    ).is_done
