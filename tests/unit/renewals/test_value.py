"""What an account is worth."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mainstay.kernel.money import Money
from renewals.domain.amending import cancel
from renewals.domain.contracts import Contract, Kind
from renewals.domain.currencies import MINOR_UNITS, smallest
from renewals.domain.value import AccountValue, value_of
from tests.unit.renewals.building import at, day, entered


@pytest.mark.parametrize(
    ("facts", "arr"),
    [
        ({"amount": "1200", "term_months": 12}, "1200.00"),
        ({"amount": "1200", "term_months": 24}, "600.00"),
        ({"amount": "100", "term_months": 1}, "1200.00"),
        ({"amount": "100", "term_months": 7}, "171.43"),
        ({"amount": "0.01", "term_months": 24}, "0.00"),  # 0.005: half goes to even
        ({"amount": "0.03", "term_months": 24}, "0.02"),  # 0.015: half goes to even
        ({"amount": "310", "end": "2026-01-15"}, "7688.00"),  # 15 of 31 days: 310 ÷ (15/31) x 12
        ({"amount": "100", "term_months": 7, "currency": "JPY"}, "171"),
        ({"amount": "100", "term_months": 7, "currency": "KWD"}, "171.429"),
    ],
)
def test_arr_is_the_amount_by_its_months_for_a_year(facts: dict[str, str], arr: str) -> None:
    contract = entered("2026-01-01", **facts)

    assert str(contract.latest.arr(contract.currency).amount) == arr


def test_an_account_has_one_arr_a_currency() -> None:
    contracts = [
        entered("2026-01-01", term_months=12, amount="1200", seats=10),
        entered("2026-03-01", term_months=24, amount="2400", seats=5, now="2026-04-01"),
        entered("2026-03-01", term_months=12, amount="500", currency="USD", now="2026-04-01"),
    ]

    value = value_of(contracts, at("2026-04-01"))

    assert value == AccountValue(
        arr=(Money(Decimal("2400.00"), "EUR"), Money(Decimal("500.00"), "USD")),
        seats=15,
        next_renewal_on=day("2027-01-01"),
    )


def test_a_one_time_contract_brings_seats_and_no_arr() -> None:
    value = value_of([entered("2026-01-01", end="2026-06-30", kind=Kind.ONE_TIME, seats=3)], at("2026-02-01"))

    assert value == AccountValue(seats=3)


def test_a_contract_that_begins_later_is_worth_nothing_before_its_day() -> None:
    contract = entered("2026-07-01", term_months=12, seats=4, zone="America/New_York", now="2026-01-01")

    before, after = (value_of([contract], at(when)) for when in ("2026-07-01T03:59", "2026-07-01T04:00"))

    assert before == AccountValue(next_renewal_on=day("2027-07-01"))
    assert after == AccountValue((Money(Decimal("1200.00"), "EUR"),), 4, day("2027-07-01"))


def worth(contract: Contract, when: str) -> AccountValue:
    return value_of([contract], at(when))


def test_a_contract_that_ended_or_was_cancelled_is_worth_nothing() -> None:
    running = entered("2026-01-01", term_months=12)
    cancelled, _ = cancel(running, at("2026-03-01"), "left")

    assert worth(running, "2026-03-01") != AccountValue()
    assert worth(cancelled, "2026-03-01") == AccountValue()


@given(st.sampled_from(sorted(MINOR_UNITS)), st.integers(min_value=0, max_value=10**12), st.integers(1, 120))
def test_arr_is_within_half_a_minor_unit_of_the_exact_figure(currency: str, minor: int, months: int) -> None:
    step = smallest(currency)
    contract = entered("2026-01-01", term_months=months, amount=str(minor * step), currency=currency)

    arr = contract.latest.arr(currency).amount

    assert arr == arr.quantize(step)
    assert abs(arr * months - minor * step * 12) <= step * months / 2
