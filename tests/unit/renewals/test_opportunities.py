"""Opportunities, the signals that make them, and credit that adds up."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mainstay.kernel.money import Money
from renewals.domain.currencies import smallest
from renewals.domain.opportunities import (
    Credit,
    CreditsInvalid,
    Opportunity,
    OpportunityKind,
    OutcomeIncomplete,
    Stage,
    check_credits,
    parts,
    plan_need,
    product_need,
    seats_need,
)

TODAY = date(2026, 3, 1)


@pytest.mark.parametrize(
    ("used", "bought", "is_seen"),
    [
        ("90", 100, False),
        ("91", 100, True),
        ("9", 10, False),
        ("10", 10, True),
        ("5", 0, False),
        (None, 10, False),
        ("5", None, False),
    ],
)
def test_more_seats_are_needed_above_nine_tenths(used: str | None, bought: int | None, *, is_seen: bool) -> None:
    assert (seats_need(Decimal(used) if used else None, bought) is not None) is is_seen


def test_a_larger_plan_is_needed_beyond_what_was_bought_and_an_add_on_where_nothing_was() -> None:
    assert plan_need("api_calls", Fraction(100), Fraction(100)) is None
    assert plan_need("api_calls", Fraction(101), Fraction(100)) is not None
    assert plan_need("api_calls", Fraction(101), Fraction(0)) is None
    assert product_need("reports", Decimal(3), is_bought=False) is not None
    assert product_need("reports", Decimal(0), is_bought=False) is None


shares = st.lists(st.integers(1, 999_999), min_size=1, max_size=8).map(
    lambda drawn: [Decimal(each) / 1_000_000 for each in _to_a_million(drawn)]
)


def _to_a_million(drawn: list[int]) -> list[int]:
    """Whole millionths in about these proportions, which add up to a million."""
    total = sum(drawn)
    found = [max(1, each * 1_000_000 // total) for each in drawn]
    found[found.index(max(found))] += 1_000_000 - sum(found)
    return found


@given(shares, st.integers(0, 10**9), st.sampled_from(["EUR", "JPY", "KWD"]))
def test_the_parts_of_an_amount_add_up_to_it_and_none_is_a_unit_off(
    drawn: list[Decimal], units: int, currency: str
) -> None:
    amount = Money(units * smallest(currency), currency)
    split = [Credit(f"p{n}", share, TODAY) for n, share in enumerate(drawn)]

    found = parts(amount, split)

    check_credits(split)
    assert sum((each.amount for each in found), Decimal(0)) == amount.amount
    for part, credit in zip(found, split, strict=True):
        assert abs(part.amount - amount.amount * credit.share) < smallest(currency)


@pytest.mark.parametrize(
    "split", [[("ann", "0.5"), ("bob", "0.4")], [("ann", "0.5"), ("bob", "0.500001")], [("ann", "0.5"), ("ann", "0.5")]]
)
def test_credit_adds_up_to_one_or_is_refused(split: list[tuple[str, str]]) -> None:
    with pytest.raises(CreditsInvalid):
        check_credits([Credit(person, Decimal(share), TODAY) for person, share in split])


def test_an_outcome_has_an_amount_or_a_reason_and_a_day() -> None:
    begun = Opportunity(id="o1", account_id="acme", kind=OpportunityKind.SEATS, stage=Stage.OPEN, version=1)
    won = begun.changed(replace(begun, stage=Stage.WON, amount=Money(Decimal(5), "EUR")), TODAY)

    with pytest.raises(OutcomeIncomplete, match="amount"):
        begun.changed(replace(begun, stage=Stage.WON), TODAY)
    with pytest.raises(OutcomeIncomplete, match="reason"):
        begun.changed(replace(begun, stage=Stage.LOST), TODAY)
    assert (won.version, won.closed_on) == (2, TODAY)
    assert won.changed(replace(won, owner="ann"), date(2026, 4, 1)).closed_on == TODAY
    assert won.changed(replace(won, stage=Stage.OPEN), date(2026, 4, 1)).closed_on is None
