"""Watching sources: each is judged against its own pattern, and a change is said once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

from ingest.domain.patterns import WEEK, WEEKS, Direction, Hour, Pattern
from mainstay.contracts.envelope import Event
from mainstay.contracts.sources import SourceActiveAgain, SourceSilent, SourceVolumeDeviated
from mainstay.kernel.clock import Clock
from mainstay.kernel.ids import new_id

SOURCE_WATCH: Final = "source-watch"
"""Kind of timer: a source (the key) is to be judged."""
SOURCE_RETENTION: Final = "source-retention"
"""Kind of timer: counts that are too old are to go."""
WATCH_EVERY: Final = timedelta(minutes=5)
FORGOTTEN_AFTER: Final = WEEKS * WEEK
"""A source that was quiet for so long has no pattern any more; it is watched again when it sends again."""
SWEEP_EVERY: Final = timedelta(hours=1)
MINUTES_KEPT: Final = timedelta(days=2)
HOURS_KEPT: Final = (WEEKS + 2) * WEEK

EVENT_SOURCE: Final = "urn:mainstay:ingest"


@dataclass(frozen=True, slots=True)
class Watched:
    """What is known of a source, and what was last said of it."""

    source_id: str
    first_seen: datetime
    last_seen: datetime
    silent_since: datetime | None = None
    """The last it had sent, where it was said to be silent."""
    direction: Direction = Direction.USUAL

    @property
    def is_silent(self) -> bool:
        """Whether it is silent, by what was last said, and still is."""
        return self.silent_since is not None and self.last_seen <= self.silent_since


class Watching(Protocol):
    """One transaction in which sources are judged."""

    async def lock(self, source_ids: Sequence[str]) -> Sequence[Watched]:
        """Those of the sources that were seen, locked in order."""

    async def hours(self, source_ids: Sequence[str], since: datetime) -> Mapping[str, Sequence[Hour]]:
        """The hours in which something came from each."""

    async def remember(self, watched: Watched) -> None:
        """Keep what was said of a source."""

    async def forget_before(self, *, minutes: datetime, hours: datetime) -> None:
        """Remove counts that are older."""

    def say(self, *events: Event[Any]) -> None:
        """Publish events once the transaction has committed."""


class WatchSources:
    """Judge sources, and say what changed."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def __call__(self, work: Watching, source_ids: Sequence[str]) -> Mapping[str, datetime]:
        """When each of the sources is to be judged next; forgotten ones are left out."""
        now = self._clock.now()
        watched = await work.lock(source_ids)
        hours = await work.hours([each.source_id for each in watched], now - (WEEKS + 1) * WEEK)
        for each in watched:
            judged, said = judge(each, hours.get(each.source_id, ()), now)
            if judged != each:
                await work.remember(judged)
            work.say(*(Event(new_id(now), EVENT_SOURCE, now, data) for data in said))
        return {each.source_id: now + WATCH_EVERY for each in watched if now - each.last_seen < FORGOTTEN_AFTER}


class ForgetOldCounts:
    """Remove the minutes and hours that nobody asks for any more."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def __call__(self, work: Watching) -> datetime:
        """When to do so next."""
        now = self._clock.now()
        await work.forget_before(minutes=now - MINUTES_KEPT, hours=now - HOURS_KEPT)
        return now + SWEEP_EVERY


def judge(watched: Watched, hours: Sequence[Hour], now: datetime) -> tuple[Watched, Sequence[Any]]:
    """What is now to be remembered of a source, and what to be said of it."""
    pattern = Pattern(hours, first_seen=watched.first_seen, now=now)
    said: list[Any] = []
    after = watched
    if watched.silent_since is not None and not watched.is_silent:
        said.append(SourceActiveAgain(watched.source_id, watched.silent_since, watched.last_seen))
        after = replace(after, silent_since=None)
    if not after.is_silent:
        quiet = pattern.quiet(watched.last_seen)
        if quiet.is_silence and quiet.limit is not None:
            said.append(
                SourceSilent(
                    watched.source_id,
                    watched.last_seen,
                    int(quiet.lasted.total_seconds()),
                    int(quiet.limit.total_seconds()),
                )
            )
            after = replace(after, silent_since=watched.last_seen)
    if not after.is_silent:
        hour = pattern.last_complete_hour()
        events = pattern.events(hour)
        usual = pattern.usual(hour) if pattern.may_be_judged(hour) else None
        direction = usual.direction(events, before=after.direction) if usual is not None else None
        if usual is not None and direction is not None and direction is not after.direction:
            said.append(
                SourceVolumeDeviated(watched.source_id, hour, events, usual.events, usual.spread, direction.value)
            )
            after = replace(after, direction=direction)
    return after, said
