"""Days of use: what every metric is computed from. A set of users (or features) is an integer with one bit for each."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction

_SEVEN_BITS = 0x7F
_MORE = 0x80
"""Another byte of the length follows."""


@dataclass(slots=True)
class DayOfUse:
    """One civil day of an account: how many events, and which users and features, as bit sets of their numbers.

    `users_of` has the users of each feature by its number, where it was loaded; features that nobody known used are
    left out.
    """

    events: int = 0
    users: int = 0
    features: int = 0
    users_of: dict[int, int] = field(default_factory=dict)

    def count(self, user: int | None, feature: int) -> None:
        """Count one event of a user (None: nobody known) with a feature, both by their number in the account."""
        self.events += 1
        self.features |= 1 << feature
        if user is not None:
            self.users |= 1 << user
            self.users_of[feature] = self.users_of.get(feature, 0) | 1 << user

    def merge(self, other: "DayOfUse") -> None:
        """Add another part of the same day."""
        self.events += other.events
        self.users |= other.users
        self.features |= other.features
        for feature, users in other.users_of.items():
            self.users_of[feature] = self.users_of.get(feature, 0) | users


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


def users_of_to_bytes(use: DayOfUse) -> bytes:
    """The users of each feature of a day, in the order of the features' numbers, each behind its length in bytes.

    The features themselves are not repeated: they are the day's bit set. A length has 7 bits a byte, lowest first.
    """
    if not use.users_of:
        return b""
    stored = bytearray()
    for feature in numbers_in(use.features):
        users = to_bytes(use.users_of.get(feature, 0))
        length = len(users)
        while length > _SEVEN_BITS:
            stored.append(length & _SEVEN_BITS | _MORE)
            length >>= 7
        stored.append(length)
        stored += users
    return bytes(stored)


def users_of_from_bytes(features: int, stored: bytes) -> dict[int, int]:
    """The users of each feature that `users_of_to_bytes` wrote, for a day with these features."""
    users_of: dict[int, int] = {}
    at = 0
    for feature in numbers_in(features) if stored else ():
        length = shift = 0
        while stored[at] & _MORE:
            length |= (stored[at] & _SEVEN_BITS) << shift
            shift += 7
            at += 1
        length |= stored[at] << shift
        at += 1
        if length:
            users_of[feature] = int.from_bytes(stored[at : at + length], "little")
        at += length
    return users_of


def numbers_in(bits: int) -> Iterator[int]:
    """The numbers in a bit set, rising."""
    while bits:
        lowest = bits & -bits
        yield lowest.bit_length() - 1
        bits ^= lowest


@dataclass(frozen=True, slots=True)
class Life:
    """What is known of an account's whole life, for the metrics that need more than windows.

    `newcomers` has, by rising day, how many users came on it for the first time; `feature_numbers` the account's
    features by name.
    """

    first_day: date | None = None
    newcomers: Sequence[tuple[date, int]] = ()
    feature_numbers: Mapping[str, int] = field(default_factory=dict)

    def users_until(self, day: date) -> int:
        """How many users came up to and including a day."""
        return sum(users for came_on, users in self.newcomers if came_on <= day)

    def reached_on(self, users: Fraction) -> date | None:
        """The first day on which so many users had come."""
        known = 0
        for day, newcomers in self.newcomers:
            known += newcomers
            if known >= users:
                return day
        return None


@dataclass(frozen=True, slots=True)
class Activity:
    """An account's active days from `since` on, and the last active day before that.

    Days without an entry had no events. Nothing is known of days before `since`, except `active_before` and, where it
    was loaded, `life`.
    """

    since: date
    days: Mapping[date, DayOfUse] = field(default_factory=dict)
    active_before: date | None = None
    life: Life | None = None

    def on(self, day: date) -> DayOfUse | None:
        """The use of one day, or None when there was none."""
        return self.days.get(day)

    def last_active(self, day: date) -> date | None:
        """The last active day up to and including `day`."""
        return max((active for active in self.days if active <= day), default=self.active_before)
