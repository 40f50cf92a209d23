"""Cohorts: customers whose first recurring contract began in the same period, and what became of them since."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from renewals.domain.retention import ratio


@dataclass(frozen=True, slots=True)
class CohortPoint:
    """A cohort so many months after each customer's own first day, at the rates of the cohort's first day.

    `kept` is Σ min(ARR then, ARR on the first day), the minimum per customer; `stayed` customers have ARR > 0 then.
    """

    months: int
    stayed: int
    kept: Decimal
    closing: Decimal


@dataclass(frozen=True, slots=True)
class Cohort:
    """Customers that began from `first` to `last`, inclusive; `opening` is their ARR on their own first days.

    Points are those that every one of them has reached.
    """

    first: date
    last: date
    customers: int
    opening: Decimal
    points: tuple[CohortPoint, ...]

    def grr(self, point: CohortPoint) -> Decimal | None:
        """Gross revenue retention since the first day."""
        return ratio(point.kept, self.opening)

    def nrr(self, point: CohortPoint) -> Decimal | None:
        """Net revenue retention since the first day."""
        return ratio(point.closing, self.opening)

    def logo(self, point: CohortPoint) -> Decimal | None:
        """Customers with ARR ÷ customers of the cohort."""
        return ratio(point.stayed, self.customers)
