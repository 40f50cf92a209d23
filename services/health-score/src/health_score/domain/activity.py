"""Days of use: what every metric is computed from. A set of users (or features) is an integer with one bit for each."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date


@dataclass(slots=True)
class DayOfUse:
    """One civil day of an account: how many events, and which users and features, as bit sets of their numbers."""

    events: int = 0
    users: int = 0
    features: int = 0

    def count(self, user: int | None, feature: int) -> None:
        """Count one event of a user (None: nobody known) with a feature, both by their number in the account."""
        self.events += 1
        self.features |= 1 << feature
        if user is not None:
            self.users |= 1 << user

    def merge(self, other: "DayOfUse") -> None:
        """Add another part of the same day."""
        self.events += other.events
        self.users |= other.users
        self.features |= other.features


def to_bytes(bits: int) -> bytes:
    """A bit set as bytes, lowest number first; the empty set is empty."""
    return bits.to_bytes((bits.bit_length() + 7) // 8, "little")


def from_bytes(stored: bytes) -> int:
    """The bit set that `to_bytes` wrote."""
    return int.from_bytes(stored, "little")


def bits_of(numbers: Iterable[int | None]) -> int:
    """The set of these numbers; None is nobody."""
    bits = 0
    for number in numbers:
        if number is not None:
            bits |= 1 << number
    return bits


@dataclass(frozen=True, slots=True)
class Activity:
    """An account's active days from `since` on, and the last active day before that.

    Days without an entry had no events. Nothing is known of days before `since`, except `active_before`.
    """

    since: date
    days: Mapping[date, DayOfUse] = field(default_factory=dict)
    active_before: date | None = None

    def on(self, day: date) -> DayOfUse | None:
        """The use of one day, or None when there was none."""
        return self.days.get(day)

    def last_active(self, day: date) -> date | None:
        """The last active day up to and including `day`."""
        return max((active for active in self.days if active <= day), default=self.active_before)
