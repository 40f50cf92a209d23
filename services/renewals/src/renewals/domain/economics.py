"""What a customer costs and brings: lifetime value, and the years after which it has paid for its acquisition.

Source: domain.md, section 5. Costs and margins are inputs of the operator; what is not stated gives None, never zero.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Final, Literal

from renewals.domain.retention import RATIO_PLACES

Never = Literal["never"]
NEVER: Final[Never] = "never"
PRECISION: Final = 60
"""Digits of logarithms; years are told to six decimals."""


class EconomicsInvalid(ValueError):
    """Costs or a margin that nobody can have, or two statements about the same segment."""


@dataclass(frozen=True, slots=True)
class Part:
    """Customers of one segment at t0, their ARR, how many of them were lost, and what each costs and brings.

    `acquisition_cost` is in the currency of `arr`, `gross_margin` is a share of it, 0–1; None where nobody stated it.
    """

    customers: int
    churned: int
    arr: Fraction
    gross_margin: Fraction | None
    acquisition_cost: Fraction | None


@dataclass(frozen=True, slots=True)
class Cohort:
    """The customers at t0, of whom `churned` were lost in a period of so many `years`; `arr` is theirs at t0.

    The margin is that of their segments weighted by ARR, the cost weighted by customers.
    """

    customers: int
    churned: int
    arr: Fraction
    years: Fraction
    gross_margin: Fraction | None
    acquisition_cost: Fraction | None

    @property
    def arpa(self) -> Fraction | None:
        """Revenue of a customer in the period, at the ARR of t0."""
        return self.arr / self.customers * self.years if self.customers else None

    @property
    def churn(self) -> Fraction | None:
        """Logo churn of the period: customers lost ÷ customers at t0."""
        return Fraction(self.churned, self.customers) if self.customers else None

    @property
    def clv(self) -> Fraction | None:
        """Lifetime value of a customer: ARPA x gross margin ÷ churn rate of the same period. No churn gives None."""
        if self.arpa is None or self.gross_margin is None or not self.churn:
            return None
        return self.arpa * self.gross_margin / self.churn

    @property
    def yearly_margin(self) -> Fraction | None:
        """Gross margin of a customer in a year."""
        if self.gross_margin is None or not self.customers:
            return None
        return self.arr / self.customers * self.gross_margin

    @property
    def yearly_churn(self) -> Fraction | None:
        """The churn rate as that of a year: 1 − (1 − churn) to the power of 1 ÷ years."""
        return None if self.churn is None else yearly(self.churn, self.years)

    @property
    def cost_in_margins(self) -> Fraction | None:
        """K: acquisition cost ÷ yearly gross margin, in years; None also where there is no margin."""
        if self.acquisition_cost is None or not self.yearly_margin:
            return None
        return self.acquisition_cost / self.yearly_margin

    @property
    def break_even(self) -> Decimal | Never | None:
        """Years after which a customer has paid for its acquisition."""
        if self.acquisition_cost is None or self.yearly_margin is None or self.yearly_churn is None:
            return None
        if self.acquisition_cost and not self.yearly_margin:
            return NEVER
        return break_even(self.cost_in_margins or Fraction(0), self.yearly_churn)


def cohort_of(parts: Iterable[Part], years: Fraction) -> Cohort:
    """The customers of several segments together. What one of them does not have, they do not have together."""
    those = [part for part in parts if part.customers]
    return Cohort(
        customers=sum(part.customers for part in those),
        churned=sum(part.churned for part in those),
        arr=sum((part.arr for part in those), Fraction(0)),
        years=years,
        gross_margin=_weighted((part.arr, part.gross_margin) for part in those),
        acquisition_cost=_weighted((Fraction(part.customers), part.acquisition_cost) for part in those),
    )


def break_even(cost_in_margins: Fraction, yearly_churn: Fraction) -> Decimal | Never:
    """Years until the margin of a shrinking cohort has paid its acquisition: n = ln(1 − K·c) ÷ ln(1 − c).

    K is the acquisition cost ÷ yearly gross margin, both zero or more, and c the yearly churn, 0–1. A year is paid in
    advance; there is no discounting and no expansion. Never if K·c ≥ 1; c = 0 gives K.
    """
    lost = cost_in_margins * yearly_churn
    if lost >= 1:
        return NEVER
    if yearly_churn == 0:
        return _years(cost_in_margins)
    if yearly_churn == 1 or not cost_in_margins:
        return _years(Fraction(0))  # the first payment, in advance, is enough
    with localcontext(prec=PRECISION):
        return _years(Fraction(_decimal(1 - lost).ln() / _decimal(1 - yearly_churn).ln()))


def yearly(churn: Fraction, years: Fraction) -> Fraction:
    """The churn of a period of so many years as that of one year, where customers leave evenly."""
    if years == 1 or churn in {0, 1}:
        return churn
    with localcontext(prec=PRECISION):
        return 1 - Fraction((_decimal(1 - churn).ln() / _decimal(years)).exp())


def _weighted(each: Iterable[tuple[Fraction, Fraction | None]]) -> Fraction | None:
    total = weights = Fraction(0)
    for weight, value in each:
        if value is None:
            return None
        total, weights = total + weight * value, weights + weight
    return total / weights if weights else None


def _decimal(exact: Fraction) -> Decimal:
    return Decimal(exact.numerator) / Decimal(exact.denominator)


def _years(exact: Fraction) -> Decimal:
    return Decimal(f"{round(exact * 10**RATIO_PLACES)}e-{RATIO_PLACES}")
