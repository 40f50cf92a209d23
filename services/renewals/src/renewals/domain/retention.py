"""Retention and growth: what became of the recurring revenue between two days, and the figures made of it.

Every sum is of customers whose ARR was first rounded half-even to the currency's minor unit, so they add up exactly.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from renewals.domain.civil import add_months

RATIO_PLACES = 6


class Movement(StrEnum):
    """What became of a customer between two days."""

    CHURNED = "churned"
    CONTRACTED = "contracted"
    UNCHANGED = "unchanged"
    EXPANDED = "expanded"
    RETURNED = "returned"
    NEW = "new"


@dataclass(frozen=True, slots=True)
class Movements:
    """ARR at `t0` and `t1` of recurring contracts and what lies between, at the rates of t0, and customers of each.

    `rate_effect` is what `closing` is worth more at the rates of t1. A customer that came back after a gap beyond grace
    has churned and returned, unless returning customers are taken as if they had stayed.
    """

    opening: Decimal
    churned: Decimal
    contracted: Decimal
    expanded: Decimal
    returned: Decimal
    new: Decimal
    closing: Decimal
    rate_effect: Decimal
    opening_customers: int
    churned_customers: int
    contracted_customers: int
    expanded_customers: int
    returned_customers: int
    new_customers: int
    closing_customers: int

    @property
    def grr(self) -> Decimal | None:
        """Gross revenue retention: Σ min(ARR₁, ARR₀) ÷ Σ ARR₀, the minimum per customer of the cohort."""
        return ratio(self.opening - self.churned - self.contracted, self.opening)

    @property
    def nrr(self) -> Decimal | None:
        """Net revenue retention: Σ ARR₁ ÷ Σ ARR₀ over the cohort."""
        return ratio(self.opening - self.churned - self.contracted + self.expanded, self.opening)

    @property
    def logo_retention(self) -> Decimal | None:
        """Customers of the cohort with ARR₁ > 0 ÷ customers of the cohort."""
        return ratio(self.opening_customers - self.churned_customers, self.opening_customers)

    @property
    def logo_churn(self) -> Decimal | None:
        """1 − logo retention."""
        return ratio(self.churned_customers, self.opening_customers)

    @property
    def revenue_churn(self) -> Decimal | None:
        """1 − GRR."""
        return ratio(self.churned + self.contracted, self.opening)

    @property
    def customer_growth(self) -> Decimal | None:
        """(Customers at the end − at the start) ÷ at the start."""
        return ratio(self.closing_customers - self.opening_customers, self.opening_customers)

    @property
    def arr_growth(self) -> Decimal | None:
        """(ARR at the end − at the start) ÷ at the start, at the rates of t0."""
        return ratio(self.closing - self.opening, self.opening)


@dataclass(frozen=True, slots=True)
class Expiries:
    """Terms that expire from t0 on and before t1, by ARR at the rates of t0; `renewed_up_to_due` is the gross form's.

    That is Σ min(renewed, due), the minimum per customer. A customer with several terms due counts once, as renewed if
    any is.
    """

    due: Decimal
    renewed: Decimal
    renewed_up_to_due: Decimal
    due_customers: int
    renewed_customers: int

    @property
    def net_rate(self) -> Decimal | None:
        """Σ renewed ÷ Σ up for renewal."""
        return ratio(self.renewed, self.due)

    @property
    def gross_rate(self) -> Decimal | None:
        """Σ min(renewed, due) ÷ Σ up for renewal."""
        return ratio(self.renewed_up_to_due, self.due)

    @property
    def customer_rate(self) -> Decimal | None:
        """Customers that renewed anything ÷ customers with anything due."""
        return ratio(self.renewed_customers, self.due_customers)


def no_movements(zero: Decimal) -> Movements:
    """Of nobody; `zero` has the currency's decimals."""
    return Movements(zero, zero, zero, zero, zero, zero, zero, zero, 0, 0, 0, 0, 0, 0, 0)


def no_expiries(zero: Decimal) -> Expiries:
    """Of nothing due; `zero` has the currency's decimals."""
    return Expiries(zero, zero, zero, 0, 0)


def ratio(part: Decimal | int, whole: Decimal | int) -> Decimal | None:
    """A share to six decimals, half-even; None of nothing."""
    if not whole:
        return None
    return Decimal(f"{round(Fraction(part) / Fraction(whole) * 10**RATIO_PLACES)}e-{RATIO_PLACES}")


class Every(StrEnum):
    """How long a period is, on the calendar; `none` is all that was asked for at once."""

    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"
    NONE = "none"


_MONTHS = {Every.MONTH: 1, Every.QUARTER: 3, Every.YEAR: 12}


def periods(t0: date, t1: date, every: Every) -> tuple[tuple[date, date], ...]:
    """From one day to another in periods, each ending on the day on which the next begins; the outer ones cut short."""
    if every is Every.NONE:
        return ((t0, t1),)
    months = _MONTHS[every]
    found, day = [], t0
    while day < t1:
        begun = date(day.year, (day.month - 1) // months * months + 1, 1)
        following = min(add_months(begun, months), t1)
        found.append((day, following))
        day = following
    return tuple(found)
