"""The two axes of time that every question has: a day on which things stood so, and an instant at which that was known.

A contract has days of its own, so it stands on a day as whatever is known says. What people put on record without a day
(a version, a review) is only dated by its recording: on a day it stands as it was on record when that day ended.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from renewals.domain.civil import ONE_DAY
from renewals.domain.contracts import Contract

_RESOLUTION = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class When:
    """A day (None: today where the contract is), and an instant of knowledge (None: now)."""

    as_of: date | None = None
    known_at: datetime | None = None

    @property
    def is_now(self) -> bool:
        """Whether the present is asked for."""
        return self.as_of is None and self.known_at is None

    @property
    def on_record_at(self) -> datetime | None:
        """The last instant whose records count: of the day (UTC), and of what is known; None: all of them."""
        ends = [] if self.as_of is None else [day_ends(self.as_of)]
        return min([*ends, *([] if self.known_at is None else [self.known_at])], default=None)

    def today(self, now: datetime) -> date:
        """The day in UTC."""
        return self.as_of or (self.known_at or now).astimezone(UTC).date()

    def day_of(self, contract: Contract, now: datetime) -> date:
        """The day where a contract is."""
        return self.as_of or contract.today(self.known_at or now)

    def shown(self, contract: Contract) -> Contract:
        """A contract as it stood on the day; as a whole, where none is asked for."""
        return contract if self.as_of is None else contract.as_of(self.as_of)


NOW = When()


def day_ends(day: date) -> datetime:
    """The last instant of a day in UTC that the store tells from the next day's first."""
    return datetime.combine(day + ONE_DAY, time.min, UTC) - _RESOLUTION
