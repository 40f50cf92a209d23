"""A term: one stretch of a contract, what it is worth step by step, its window, and how it came to its end."""

from collections.abc import Iterator, Mapping
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


Entitlements = tuple[tuple[str, int], ...]
"""What was bought besides seats, by name in the order of names: API calls, a prepaid balance's units, features."""

TermKey = tuple[str, int]
"""A contract\'s id and the number of one of its terms."""


def entitlements(bought: Mapping[str, int] | None) -> Entitlements:
    """The same in the order of names."""
    return tuple(sorted((bought or {}).items()))


@dataclass(frozen=True, slots=True)
class Step:
    """What holds from a day of a term on: `amount` is committed for `months` months."""

    start: date
    amount: Decimal
    months: Fraction
    seats: int | None
    entitlements: Entitlements = ()


@dataclass(frozen=True, slots=True)
class Stretch:
    """Half-open days `[start, end_exclusive)` of a term on which nothing changes."""

    start: date
    end_exclusive: date
    amount: Decimal
    months: Fraction
    seats: int | None
    entitlements: Entitlements

    @property
    def annual(self) -> Fraction:
        """ARR, exactly: committed amount ÷ its months x 12."""
        return Fraction(self.amount) * 12 / self.months


@dataclass(frozen=True, slots=True)
class Term:
    """The half-open civil days `[start, end_exclusive)` in the contract's zone, and what they are worth.

    `amount` is for the whole term, in the contract's currency, as far as no step says otherwise; `counted_from` is the
    anchor that its months are counted from. `window_opens_on` is None for a one-time contract and for a term that rolls
    on by itself (evergreen), and `stated_end` the inclusive last day where somebody wrote one. `due_before` is the
    first day after the term as it was agreed, where an early renewal ended it sooner; `cancelled_on` the first day on
    which it is not served any more.
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
    steps: tuple[Step, ...] = ()
    due_before: date | None = None
    cancelled_on: date | None = None
    signed_on: date | None = None
    is_rolling: bool = False
    entitlements: Entitlements = ()

    @property
    def last_day(self) -> date:
        """The inclusive end."""
        return self.end_exclusive - ONE_DAY

    @property
    def expires_before(self) -> date:
        """The first day after the term as it was agreed; its renewal belongs to the day before."""
        return self.due_before or self.end_exclusive

    @property
    def served_before(self) -> date:
        """The first day on which the term is not served: its end, or that of its cancellation."""
        return min(self.end_exclusive, self.cancelled_on) if self.cancelled_on else self.end_exclusive

    @property
    def months(self) -> Fraction:
        """The length in months as agreed; not whole where the dates are not."""
        return months_between(self.counted_from, self.start, self.expires_before)

    def stretches(self) -> Iterator[Stretch]:
        """The term in stretches on which nothing changes, in order; of a cancelled one those that were served."""
        whole = Step(self.start, self.amount, self.months, self.seats, self.entitlements)
        steps = [step for step in (whole, *self.steps) if step.start < self.served_before]
        ends = [*(step.start for step in steps[1:]), self.served_before]
        for step, following in zip(steps, ends, strict=False):  # without a day that is served there is no step
            if step.start < following:
                yield Stretch(step.start, following, step.amount, step.months, step.seats, step.entitlements)

    def on(self, day: date) -> Stretch | None:
        """What holds on a day; None where the term does not run."""
        return next((each for each in self.stretches() if each.start <= day < each.end_exclusive), None)

    def shown(self, day: date) -> Step:
        """What is shown of the term on any day: what holds then, or on the nearest day of the term."""
        steps = (Step(self.start, self.amount, self.months, self.seats, self.entitlements), *self.steps)
        return next((step for step in reversed(steps) if step.start <= day), steps[0])

    def covers(self, day: date) -> bool:
        """Whether the term runs on a day."""
        return self.start <= day < self.served_before

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

    def arr(self, currency: str, day: date | None = None) -> Money:
        """Annual recurring revenue of what holds on a day (the first, if none is given), in the minor unit."""
        step = self.shown(day or self.start)
        return rounded(Fraction(step.amount) * 12 / step.months, currency)


def rounded(amount: Fraction, currency: str) -> Money:
    """An exact amount, rounded half-even to the currency's minor unit."""
    decimals = minor_unit(currency)
    return Money(Decimal(f"{round(amount * 10**decimals)}e-{decimals}"), currency)
