"""How much of what an account bought is used, as was stated by day, and the use of each day that follows from it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Generic, TypeVar

from renewals.domain.civil import ONE_DAY

SEATS = "seats"
PREPAID = "prepaid"
"""The beginning of the names of balances that are paid in advance, such as `prepaid_balance`."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Said(Generic[T]):
    """What was stated, when, and by which event; the latest by (at, event id) holds. None: it was withdrawn."""

    value: T | None
    at: datetime
    event_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What was stated of a metric on a day (UTC); None: nothing was.

    `used` and `bought` are of the period from `starts_on`; where that is not stated, use is of the term so far.
    """

    day: date
    used: Said[Decimal] | None = None
    bought: Said[Decimal] | None = None
    starts_on: Said[date] | None = None

    def merged(self, other: "Reading") -> "Reading":
        """Both together, field by field, in whatever order they came; the day is that of the later."""
        later, earlier = (other, self) if other.day >= self.day else (self, other)
        for name in (field.name for field in fields(Reading) if field.name != "day"):
            said = [each for each in (getattr(earlier, name), getattr(later, name)) if each is not None]
            if said:
                later = replace(later, **{name: max(said, key=lambda each: (each.at, each.event_id))})
        return later

    def says_what(self, other: "Reading") -> bool:
        """Whether another one of the day states the same values, whenever and by whatever event."""
        names = [field.name for field in fields(Reading) if field.name != "day"]
        pairs = [(getattr(self, name), getattr(other, name)) for name in names]
        # Nothing said is not the same as withdrawn: the latter takes back what was said on a day before.
        return all((mine is None, mine and mine.value) == (its is None, its and its.value) for mine, its in pairs)


@dataclass(frozen=True, slots=True)
class Level:
    """How much had been used by a day, since `starts_on`; where that is not known, since somebody began to count."""

    day: date
    used: Decimal
    starts_on: date | None


@dataclass(frozen=True, slots=True)
class Now:
    """What holds of a metric: the latest of each field, and when the latest was stated."""

    used: Decimal | None
    bought: Decimal | None
    as_of: datetime | None


def now_of(readings: Sequence[Reading]) -> Now:
    """What holds after all that was stated."""
    latest = _folded(readings)
    if latest is None:
        return Now(None, None, None)
    said = [each.at for each in (latest.used, latest.bought) if each]
    return Now(_value(latest.used), _value(latest.bought), max(said, default=None))


def levels(readings: Sequence[Reading]) -> Iterator[Level]:
    """How much had been used by each day on which somebody said so, in order."""
    latest: Reading | None = None
    for reading in sorted(readings, key=lambda each: each.day):
        latest = latest.merged(reading) if latest else reading
        if reading.used is not None and latest.used is not None and latest.used.value is not None:
            yield Level(reading.day, latest.used.value, _value(latest.starts_on))


def daily_use(stated: Sequence[Level], since: date) -> dict[date, Fraction]:
    """The use of each day from `since` to the last level, which adds up to what the levels say.

    What was used between two levels is spread evenly over the days between. A lower level begins to count anew, unless
    both are of one stated period: then it corrects, on its day. The first level counts from `since`, or from the
    beginning of its period if that is later; what was used before `since` is known only from a level before it.
    """
    before = [level for level in stated if level.day < since]
    found: dict[date, Fraction] = {}
    those = [*before[-1:], *(level for level in stated if level.day >= since)]
    if those and not before:
        _spread(found, Fraction(those[0].used), _begins(those[0], since), those[0].day)
    for was, level in pairwise(those):
        more = Fraction(level.used) - Fraction(was.used)
        same_period = was.starts_on == level.starts_on
        if same_period and more >= 0:
            _spread(found, more, was.day + ONE_DAY, level.day)
        elif same_period and level.starts_on is not None:
            _spread(found, more, level.day, level.day)
        else:
            _spread(found, Fraction(level.used), _begins(level, was.day + ONE_DAY), level.day)
    last = those[-1].day if those else None
    days = [] if last is None else [since + n * ONE_DAY for n in range((last - since).days + 1)]
    return {day: found.get(day, Fraction(0)) for day in days}


def _begins(level: Level, since: date) -> date:
    return min(max(since, level.starts_on or since), level.day)


def _spread(found: dict[date, Fraction], amount: Fraction, first: date, last: date) -> None:
    days = (last - first).days + 1
    for n in range(days):
        day = first + n * ONE_DAY
        found[day] = found.get(day, Fraction(0)) + amount / days


def _folded(readings: Sequence[Reading]) -> Reading | None:
    latest: Reading | None = None
    for reading in readings:
        latest = latest.merged(reading) if latest else reading
    return latest


def _value(said: Said[T] | None) -> T | None:
    return said.value if said else None
