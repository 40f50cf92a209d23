"""Series: what custom metrics are computed from. One figure of each day: matching events, a sum, and their users."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Context, Decimal
from fractions import Fraction
from itertools import accumulate

from health_score.domain.metrics.windows import Windows, unions

LARGEST = Decimal(10) ** 30
"""A property of this size or more has no amount: with `FINEST`, it keeps every sum exact and storable."""

FINEST = -30
"""The lowest exponent of ten that an amount may have."""

_exact = Context(prec=120)
"""60 digits for one amount, and room for as many amounts as there will ever be."""


def amount_of(value: object) -> Decimal | None:
    """The exact amount of a property that is a JSON number; None for anything else, and beyond what can be summed."""
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        return None
    if isinstance(value, int):
        return Decimal(value) if abs(value) < LARGEST else None
    if not value.is_finite() or abs(value) >= LARGEST:
        return None
    exponent = value.as_tuple().exponent
    return value if isinstance(exponent, int) and exponent >= FINEST else None


@dataclass(slots=True)
class SeriesDay:
    """One civil day of one account in a series: how many events matched, the sum of the property, and their users.

    `users` is a bit set of numbers. Events without the property, or with one that is no number, count and add nothing.
    """

    events: int = 0
    amount: Decimal = field(default_factory=Decimal)
    users: int = 0

    def count(self, user: int | None, amount: Decimal | None) -> None:
        """Count one matching event."""
        self.events += 1
        if amount is not None:
            self.amount = _exact.add(self.amount, amount)
        if user is not None:
            self.users |= 1 << user

    def merge(self, other: "SeriesDay") -> None:
        """Add another part of the same day."""
        self.events += other.events
        self.amount = _exact.add(self.amount, other.amount)
        self.users |= other.users


class SeriesWindows:
    """The windows of a series, on the same columns as an account's other windows."""

    def __init__(self, days: Mapping[date, SeriesDay], windows: Windows) -> None:
        self._windows = windows
        events, amounts = [0] * windows.length, [Fraction()] * windows.length
        self._users = [0] * windows.length
        for day, counted in days.items():
            at = windows.index(day)
            if 0 <= at < windows.length:
                events[at], amounts[at], self._users[at] = counted.events, Fraction(counted.amount), counted.users
        self._events_until = [0, *accumulate(events)]
        self._amounts = amounts
        self._amount_until: list[Fraction] | None = None
        self._active_users: dict[int, list[int]] = {}

    def events(self, last: int, days: int) -> int:
        """The matching events of the `days` days that end with the place `last`."""
        self._windows.must_reach(last + 1 - days)
        return self._events_until[last + 1] - self._events_until[last + 1 - days]

    def amount(self, last: int, days: int) -> Fraction:
        """The sum of the property over the `days` days that end with the place `last`."""
        self._windows.must_reach(last + 1 - days)
        if self._amount_until is None:
            self._amount_until = [Fraction(), *accumulate(self._amounts)]
        return self._amount_until[last + 1] - self._amount_until[last + 1 - days]

    def users(self, last: int, days: int) -> int:
        """The distinct users of matching events in the `days` days that end with the place `last`."""
        self._windows.must_reach(last + 1 - days)
        column = self._active_users.get(days)
        if column is None:
            column = self._active_users[days] = [bits.bit_count() for bits in unions(self._users, days)]
        return column[last]
