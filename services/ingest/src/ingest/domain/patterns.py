"""A source's own pattern: what it usually sends at an hour of the week, how long it is usually quiet, its clock."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from math import ceil, exp, log1p, sqrt
from statistics import median

WEEKS = 8
"""The weeks before that are looked at."""
WEEK = timedelta(weeks=1)
HOUR = timedelta(hours=1)
LEAST_WEEKS_FOR_VOLUME = 3
LEAST_GAPS = 8
"""With fewer gaps to look back on, nobody can say which are usual."""
LEAST_QUIET = HOUR
LEAST_EVENTS = 50
"""An hour with fewer events, and usually fewer, is too small to be judged by its volume."""
COMPLETE_AFTER = timedelta(minutes=1)
"""An hour's count is taken as complete so long after its end: counts are written down every few seconds."""
LEAVES, RETURNS = 5.0, 3.0
"""Spreads from the usual volume: beyond the first it is a deviation, within the second it is over."""
LEAST_SHARE = 0.5
"""A deviation is also at least this share of the usual volume."""
SPREAD_OF_MAD = 1.4826
"""Makes the median absolute deviation comparable to a standard deviation (of a normal distribution)."""
SKEW_STEP = 0.1
"""Width of a bucket of skew: about a tenth of the skew, and 10 ms near nothing."""


class Direction(StrEnum):
    """Where a volume lies."""

    ABOVE = "above"
    BELOW = "below"
    USUAL = "usual"


@dataclass(frozen=True, slots=True)
class Hour:
    """An hour in which something came: its start in UTC, the events taken, and the first and last instant."""

    at: datetime
    events: int
    first_seen: datetime
    last_seen: datetime


@dataclass(frozen=True, slots=True)
class Usual:
    """What usually comes in an hour of the week: median and median absolute deviation of `weeks` weeks."""

    events: float
    spread: float
    weeks: int

    def direction(self, events: int, *, before: Direction) -> Direction | None:
        """Where a volume lies; None where it is too small to say. What deviates must come closer to be usual again."""
        if max(float(events), self.events) < LEAST_EVENTS:
            return None
        spread = max(SPREAD_OF_MAD * self.spread, sqrt(self.events), 1.0)  # counts scatter by their root, at least
        distance = events - self.events
        limit = LEAVES if before is Direction.USUAL else RETURNS
        if abs(distance) <= limit * spread:
            return Direction.USUAL
        if before is Direction.USUAL and abs(distance) < LEAST_SHARE * self.events:
            return Direction.USUAL
        return Direction.ABOVE if distance > 0 else Direction.BELOW


@dataclass(frozen=True, slots=True)
class Quiet:
    """How long a source is quiet, and how long it may be; counted in its usual hours."""

    lasted: timedelta
    limit: timedelta | None
    """None where it was not seen long enough to say."""

    @property
    def is_silence(self) -> bool:
        """Whether this is longer than it is ever usually quiet."""
        return self.limit is not None and self.lasted > self.limit


class Pattern:
    """What a source did in the up to 8 weeks before an instant."""

    def __init__(self, hours: Iterable[Hour], *, first_seen: datetime, now: datetime) -> None:
        """`hours` in any order; those before the 8 weeks are passed over. `first_seen`: since when it is known."""
        self._now = now
        begin = hour_of(now) - WEEKS * WEEK
        self._hours = sorted((hour for hour in hours if hour.at >= begin), key=lambda hour: hour.at)
        self._events = {hour.at: hour.events for hour in self._hours}
        self._first_seen = first_seen
        self.weeks = min(WEEKS, (now - first_seen) // WEEK)
        """Whole weeks that it is known for, at most 8."""
        active = Counter(_hour_of_week(hour.at) for hour in self._hours)
        self._usually_active = {each for each, weeks in active.items() if 2 * weeks >= max(self.weeks, 1)}

    def usual(self, hour: datetime) -> Usual | None:
        """What usually comes in this hour (its start); None before it is known for three weeks."""
        weeks = min(WEEKS, (hour - self._first_seen) // WEEK)
        if weeks < LEAST_WEEKS_FOR_VOLUME:
            return None
        counts = [self._events.get(hour - week * WEEK, 0) for week in range(1, weeks + 1)]
        middle = float(median(counts))
        return Usual(middle, float(median(abs(count - middle) for count in counts)), weeks)

    def events(self, hour: datetime) -> int:
        """What came in an hour (its start)."""
        return self._events.get(hour, 0)

    def may_be_judged(self, hour: datetime) -> bool:
        """Whether an hour's volume says something: something came in it, and it does not begin in a silence."""
        if hour not in self._events:
            return False
        before = self.usual(hour - HOUR)
        return hour - HOUR in self._events or before is None or before.events == 0

    def last_complete_hour(self) -> datetime:
        """The start of the last hour whose count is complete."""
        return hour_of(self._now - COMPLETE_AFTER) - HOUR

    def quiet(self, last_seen: datetime) -> Quiet:
        """How quiet it is since `last_seen`.

        The limit is twice the 95th percentile of its own gaps, and at least an hour. Gaps count only hours of the week
        in which it sends in at least half of the weeks: nights and weekends are no silence. Known from the second week
        on; a source without such hours is measured by all hours.
        """
        lasted = self._active_time(last_seen, self._now)
        gaps = sorted(
            self._active_time(before.last_seen, after.first_seen)
            for before, after in zip(self._hours, self._hours[1:], strict=False)
        )
        if self.weeks < 1 or len(gaps) < LEAST_GAPS:
            return Quiet(lasted, None)
        return Quiet(lasted, max(LEAST_QUIET, 2 * gaps[ceil(0.95 * len(gaps)) - 1]))

    def _active_time(self, start: datetime, end: datetime) -> timedelta:
        if not self._usually_active:
            return max(end - start, timedelta())
        total = timedelta()
        hour = hour_of(max(start, end - WEEKS * WEEK))
        while hour < end:
            if _hour_of_week(hour) in self._usually_active:
                total += min(end, hour + HOUR) - max(start, hour)
            hour += HOUR
        return total


def hour_of(at: datetime) -> datetime:
    """The start of its hour in UTC."""
    return at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def _hour_of_week(at: datetime) -> int:
    return at.weekday() * 24 + at.hour


def skew_bucket(seconds: float) -> int:
    """The bucket of a difference of clocks (received − sent, in seconds)."""
    size = round(log1p(abs(seconds) / SKEW_STEP) / SKEW_STEP)
    return size if seconds >= 0 else -size


def skew_of(bucket: int) -> float:
    """The middle of a bucket, in seconds."""
    size = SKEW_STEP * (exp(abs(bucket) * SKEW_STEP) - 1)
    return size if bucket >= 0 else -size


def skew_at(buckets: Sequence[tuple[int, int]], share: float) -> float | None:
    """The skew, in seconds, that `share` of the requests lie at or below; None where there were none.

    `buckets` are (bucket, requests), by bucket.
    """
    total = sum(count for _, count in buckets)
    passed = 0
    for bucket, count in buckets:
        passed += count
        if passed >= share * total:
            return skew_of(bucket)
    return None
