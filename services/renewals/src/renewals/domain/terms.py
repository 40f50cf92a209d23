"""A term: one stretch of a contract, its amount, its window, and how it came to its end."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from mainstay.kernel.money import Money
from renewals.domain.civil import ONE_DAY, months_between
from renewals.domain.currencies import minor_unit


class Outcome(StrEnum):
    """How a term came to its end."""

    RENEWED = "renewed"
    ENDED = "ended"
    CANCELLED = "cancelled"


class TermState(StrEnum):
    """Where a term stands on a day."""

    UPCOMING = "upcoming"
    ACTIVE = "active"
    WINDOW_OPEN = "window_open"
    RENEWED = "renewed"
    ENDED = "ended"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Term:
    """The half-open civil days `[start, end_exclusive)` in the contract's zone, and what they are worth.

    `amount` is for the whole term, in the contract's currency; `counted_from` is the anchor that its months are counted
    from. `window_opens_on` is None for a one-time contract, and `stated_end` the inclusive last day where somebody
    wrote one.
    """

    number: int
    start: date
    end_exclusive: date
    counted_from: date
    amount: Decimal
    seats: int | None
    window_opens_on: date | None
    stated_end: date | None = None
    window_opened_at: datetime | None = None
    outcome: Outcome | None = None
    closed_at: datetime | None = None

    @property
    def last_day(self) -> date:
        """The inclusive end."""
        return self.end_exclusive - ONE_DAY

    @property
    def months(self) -> Fraction:
        """The length in months; not whole where the dates are not."""
        return months_between(self.counted_from, self.start, self.end_exclusive)

    def covers(self, day: date) -> bool:
        """Whether the term runs on a day. A cancelled one does not."""
        return self.outcome is not Outcome.CANCELLED and self.start <= day < self.end_exclusive

    def state(self, today: date) -> TermState:
        """Where the term stands, as far as its timers have looked."""
        if self.outcome is not None:
            return TermState(self.outcome.value)
        if self.window_opened_at is not None:
            return TermState.WINDOW_OPEN
        return TermState.UPCOMING if today < self.start else TermState.ACTIVE

    def days_left(self, today: date) -> int:
        """Days until the first day after the term: 1 on its last day, 0 from then on."""
        return max((self.end_exclusive - today).days, 0)

    def arr(self, currency: str) -> Money:
        """Annual recurring revenue: amount ÷ months x 12, rounded half-even to the currency's minor unit."""
        decimals = minor_unit(currency)
        minor = round(Fraction(self.amount) * 12 / self.months * 10**decimals)
        return Money(Decimal(minor).scaleb(-decimals), currency)
