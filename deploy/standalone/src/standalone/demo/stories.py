"""The stories of the demo's accounts: how much of a team works with the product on each day.

Days are counted from the day of the demo's first run, day 0; the history before it has negative days. A story is a
pure function of the day, so the history can be made again, and can be continued, at any time.
"""

import calendar
from dataclasses import dataclass
from datetime import date, timedelta
from typing import ClassVar, Protocol

from standalone.demo.product import FEATURES

HISTORY_DAYS = 180
ALL = len(FEATURES)


@dataclass(frozen=True, slots=True)
class Pace:
    """How a team works on a day.

    `people` is the share of its people who have the product in their work at all, `effort` how much they use it
    (1.0 is what they usually do), `features` how many features they have taken up.
    """

    people: float
    effort: float
    features: int


NOTHING = Pace(people=0.0, effort=0.0, features=0)


class Story(Protocol):
    """What happens to an account over the demo's days."""

    title: ClassVar[str]

    def pace(self, day: int, first_day: date) -> Pace:
        """How the team works on a day; `first_day` is the date of day 0."""


@dataclass(frozen=True, slots=True)
class Healthy:
    """A customer for whom the product is part of every week."""

    title: ClassVar[str] = "healthy"

    effort: float = 1.0
    features: int = 8

    def pace(self, day: int, first_day: date) -> Pace:  # noqa: ARG002 - the same on every date
        """The same on every day."""
        return Pace(1.0, self.effort, self.features)


@dataclass(frozen=True, slots=True)
class Growing:
    """More of the company's people each month, and more of the product."""

    title: ClassVar[str] = "growing"

    start_share: float = 0.45
    start_features: int = 5

    def pace(self, day: int, first_day: date) -> Pace:  # noqa: ARG002 - the same on every date
        """Rises evenly up to day 0 and stays there."""
        done = _progress(day, -HISTORY_DAYS, 0)
        return Pace(_between(self.start_share, 1.0, done), 1.0, round(_between(self.start_features, ALL, done)))


@dataclass(frozen=True, slots=True)
class MonthEnd:
    """Accountants: a rush in the last days of a month and the first of the next, little in between."""

    title: ClassVar[str] = "seasonal"

    def pace(self, day: int, first_day: date) -> Pace:
        """Full effort for eleven days around the end of each month."""
        today = first_day + timedelta(days=day)
        to_end = calendar.monthrange(today.year, today.month)[1] - today.day
        rush = to_end < 6 or today.day <= 5
        return Pace(1.0, 1.1, 8) if rush else Pace(0.8, 0.65, 8)


@dataclass(frozen=True, slots=True)
class Waves:
    """Busy and quiet months by turns: schools, festivals, farms. A wave lasts `length` days; day 0 is a busy one."""

    title: ClassVar[str] = "seasonal"

    length: int = 90

    def pace(self, day: int, first_day: date) -> Pace:  # noqa: ARG002 - the same on every date
        """A wave between 60 % and 110 % of the usual effort."""
        position = abs((day % self.length) / self.length - 0.5) * 2  # 1 at the peaks, 0 half-way
        return Pace(1.0, _between(0.6, 1.1, position), 8)


@dataclass(frozen=True, slots=True)
class Declining:
    """Fewer people and fewer features, week after week, from day `begins` to day `ends`."""

    title: ClassVar[str] = "slow decline"

    begins: int
    ends: int
    to_people: float = 0.12
    to_effort: float = 0.12
    to_features: int = 2

    def pace(self, day: int, first_day: date) -> Pace:  # noqa: ARG002 - the same on every date
        """Falls evenly, then stays at the bottom. Features go first: people keep what they came for the longest."""
        done = _progress(day, self.begins, self.ends)
        return Pace(
            _between(1.0, self.to_people, done),
            _between(1.0, self.to_effort, done),
            round(_between(8, self.to_features, min(1.0, 2 * done))),
        )


@dataclass(frozen=True, slots=True)
class Recovering:
    """A decline that somebody turned: down from day -150 to -95, most of the way up again until day -35."""

    title: ClassVar[str] = "recovering"

    def pace(self, day: int, first_day: date) -> Pace:  # noqa: ARG002 - the same on every date
        """Down to a third, and back to four fifths."""
        share = 1 - 0.7 * _progress(day, -150, -95) + 0.5 * _progress(day, -85, -35)
        return Pace(share, share, round(_between(1, 7, share)))


@dataclass(frozen=True, slots=True)
class SeatsUnused:
    """Bought for many and used by few, for one thing: no drama, and a hard renewal."""

    title: ClassVar[str] = "seats unused"

    effort: float = 0.3

    def pace(self, day: int, first_day: date) -> Pace:  # noqa: ARG002 - the same on every date
        """Half the people, now and then, two features."""
        return Pace(0.5, self.effort, 2)


@dataclass(frozen=True, slots=True)
class Silent:
    """Works as usual until day `last`, then not at all."""

    title: ClassVar[str] = "sudden silence"

    last: int
    features: int = 7

    def pace(self, day: int, first_day: date) -> Pace:  # noqa: ARG002 - the same on every date
        """Everything, then nothing."""
        return NOTHING if day > self.last else Pace(1.0, 1.0, self.features)


@dataclass(frozen=True, slots=True)
class SeatsNearlyUsedUp:
    """A team that has grown into nearly every seat it bought: a conversation about more is due."""

    title: ClassVar[str] = "seats nearly used up"

    def pace(self, day: int, first_day: date) -> Pace:  # noqa: ARG002 - the same on every date
        """From 70 % of the people to all of them, at more than the usual effort."""
        return Pace(_between(0.7, 1.0, _progress(day, -120, -20)), 1.25, 9)


@dataclass(frozen=True, slots=True)
class OnboardingStuck:
    """Bought seats for a team, but only the two who set it up ever look at it."""

    title: ClassVar[str] = "onboarding stuck"

    begins: int

    def pace(self, day: int, first_day: date) -> Pace:  # noqa: ARG002 - the same on every date
        """A curious first week, then hardly anything."""
        if day < self.begins:
            return NOTHING
        return Pace(0.14, 0.8, 2) if day < self.begins + 5 else Pace(0.1, 0.22, 1)


@dataclass(frozen=True, slots=True)
class OnboardingWell:
    """A new customer whose people come on board as planned within six weeks."""

    title: ClassVar[str] = "onboarding"

    begins: int

    def pace(self, day: int, first_day: date) -> Pace:  # noqa: ARG002 - the same on every date
        """From the first few to everybody in six weeks."""
        if day < self.begins:
            return NOTHING
        done = _progress(day, self.begins, self.begins + 42)
        return Pace(_between(0.3, 1.0, done), 1.0, round(_between(4, 8, done)))


@dataclass(frozen=True, slots=True)
class OneTime:
    """Bought once for a project between two days; served, and never counted in renewal figures."""

    title: ClassVar[str] = "one-time customer"

    begins: int
    ends: int

    def pace(self, day: int, first_day: date) -> Pace:  # noqa: ARG002 - the same on every date
        """Works while the project lasts."""
        return Pace(1.0, 0.9, 6) if self.begins <= day <= self.ends else NOTHING


@dataclass(frozen=True, slots=True)
class NotStarted:
    """Signed, and not a single use so far: there is nothing to score yet."""

    title: ClassVar[str] = "not started"

    def pace(self, day: int, first_day: date) -> Pace:  # noqa: ARG002 - the same on every date
        """Nothing."""
        return NOTHING


def _progress(day: int, begins: int, ends: int) -> float:
    """How far `day` is on the way from `begins` (0.0) to `ends` (1.0)."""
    return min(1.0, max(0.0, (day - begins) / (ends - begins)))


def _between(start: float, end: float, done: float) -> float:
    return start + (end - start) * done
