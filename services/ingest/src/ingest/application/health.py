"""How a source is doing, and what was learned of its events: read models over what was seen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol, TypeAlias

from ingest.application.watching import Watched
from ingest.domain.patterns import WEEK, WEEKS, Direction, Hour, Pattern, Quiet, Usual, hour_of, skew_at
from ingest.domain.resemblance import resembling
from mainstay.kernel.clock import Clock

WINDOWS = (timedelta(minutes=1), timedelta(hours=1), timedelta(hours=24))

Counts: TypeAlias = Mapping[str, int]
"""Outcome -> events: `accepted`, `waiting`, `warned`, `refused:<code>`."""


class State(StrEnum):
    """How a source is doing."""

    NEVER_SEEN = "never_seen"
    ACTIVE = "active"
    SILENT = "silent"
    UNUSUAL = "unusual"


@dataclass(frozen=True, slots=True)
class LearnedEvent:
    """What was learned of one event name. `types`: property -> JSON type -> events that had it, of `looked_at`."""

    event: str
    count: int
    looked_at: int
    other_properties: int
    first_seen: datetime
    last_seen: datetime
    types: Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class LearnedPlan:
    """A page of what was learned of a source."""

    events: Sequence[LearnedEvent]
    total: int
    """Events of all names."""
    others: int
    """Events under names beyond the first 1,000."""
    resembles: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Health:
    """How a source is doing."""

    state: State
    watched: Watched | None
    counts: Sequence[Counts]
    """For each of `WINDOWS`."""
    skew_median: float | None
    """Seconds, received − sent, over 24 hours."""
    skew_p95: float | None
    usual: Usual | None
    """For the hour that is now."""
    quiet: Quiet | None


class Seeing(Protocol):
    """What was seen, as it is stored."""

    async def seen(self, source_ids: Sequence[str]) -> Mapping[str, Watched]:
        """Those of the sources that were seen."""

    async def hours(self, source_id: str, since: datetime) -> Sequence[Hour]:
        """The hours in which something came from it."""

    async def counts(self, source_id: str, since: Sequence[datetime]) -> Sequence[Counts]:
        """For each of the instants: outcome -> events of the minutes from it on."""

    async def skews(self, source_id: str, since: datetime) -> Sequence[tuple[int, int]]:
        """(bucket of skew, requests), by bucket."""

    async def names(self, source_id: str) -> tuple[Mapping[str, int], int]:
        """How often each event name came, and how many events came under names beyond the first 1,000."""

    async def learned(self, source_id: str, *, after: str | None, limit: int) -> Sequence[LearnedEvent]:
        """What was learned of its events, by name, after one of them."""


def state_of(watched: Watched | None) -> State:
    """How a source is doing, by what was last said of it."""
    if watched is None:
        return State.NEVER_SEEN
    if watched.is_silent:
        return State.SILENT
    return State.ACTIVE if watched.direction is Direction.USUAL else State.UNUSUAL


class LookAtSource:
    """How a source is doing now."""

    def __init__(self, seeing: Seeing, clock: Clock) -> None:
        self._seeing, self._clock = seeing, clock

    async def __call__(self, source_id: str) -> Health:
        """Its rate, its clock, its state, and what it usually sends at this hour."""
        now = self._clock.now()
        watched = (await self._seeing.seen([source_id])).get(source_id)
        minute = now.replace(second=0, microsecond=0)
        counts = await self._seeing.counts(source_id, [minute - window for window in WINDOWS])
        skews = await self._seeing.skews(source_id, hour_of(now) - timedelta(hours=24))
        usual: Usual | None = None
        quiet: Quiet | None = None
        if watched is not None:
            hours = await self._seeing.hours(source_id, now - (WEEKS + 1) * WEEK)
            pattern = Pattern(hours, first_seen=watched.first_seen, now=now)
            usual, quiet = pattern.usual(hour_of(now)), pattern.quiet(watched.last_seen)
        return Health(state_of(watched), watched, counts, skew_at(skews, 0.5), skew_at(skews, 0.95), usual, quiet)


class LookAtLearnedPlan:
    """What was learned of a source's events."""

    def __init__(self, seeing: Seeing) -> None:
        self._seeing = seeing

    async def __call__(self, source_id: str, *, after: str | None, limit: int) -> LearnedPlan:
        """The events after a name, and which of them look like a slip of the pen."""
        names, others = await self._seeing.names(source_id)
        events = await self._seeing.learned(source_id, after=after, limit=limit)
        return LearnedPlan(
            events, sum(names.values()) + others, others, resembling([each.event for each in events], names)
        )
