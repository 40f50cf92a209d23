"""What is seen passing by: names, properties, volumes and clocks of a source, counted in memory and written down."""

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

import structlog

from ingest.application.stated import Delivery, Stated
from ingest.domain.patterns import skew_bucket
from mainstay.contracts.ingest import UsageRecorded
from mainstay.db.errors import is_transient

WRITE_EVERY: Final = timedelta(seconds=5)
MOST_NAMES: Final = 1_000
"""Event names of a source that are told apart; the rest is one count."""
MOST_PROPERTIES: Final = 200
"""Properties of an event name that are told apart."""
LONGEST_PROPERTY: Final = 200
LOOKED_AT_FIRST: Final = 1_000
SAMPLE: Final = 16
"""The properties of the first 1,000 events of a name are looked at, then those of one in 16."""

_TYPES: Final[Mapping[type[Any], str]] = {
    str: "string",
    bool: "boolean",
    int: "integer",
    float: "number",
    type(None): "null",
    list: "array",
    dict: "object",
}

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class SeenEvent:
    """What was seen of one event name of a source since it was last written down."""

    source_id: str
    event: str
    count: int
    looked_at: int
    other_properties: int
    first_seen: datetime
    last_seen: datetime
    properties: Mapping[tuple[str, str], int]
    """(property, JSON type) -> events that had it, of those looked at."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen since it was last written down; all of it adds up with what others saw."""

    events: tuple[SeenEvent, ...]
    other_events: Mapping[str, int]
    """Source -> usage events under names beyond the first 1,000."""
    outcomes: Mapping[tuple[str, datetime, str], int]
    """(source, minute, outcome) -> events."""
    spans: Mapping[tuple[str, datetime], tuple[datetime, datetime]]
    """(source, hour) -> first and last instant at which something came."""
    skews: Mapping[tuple[str, datetime, int], int]
    """(source, hour, bucket) -> requests."""

    @property
    def is_empty(self) -> bool:
        """Whether nothing came."""
        return not (self.events or self.outcomes or self.skews or self.other_events)


class Notebook(Protocol):
    """Where what was seen is written down."""

    async def add(self, seen: Seen) -> None:
        """Add it to what is there, in one transaction."""


class _Name:
    """One event name of a source: how often it came, and what since the last writing."""

    __slots__ = ("first_seen", "known", "last_seen", "looked_at", "other_properties", "pending", "properties", "total")

    def __init__(self, at: datetime) -> None:
        self.total = self.pending = self.looked_at = self.other_properties = 0
        self.first_seen = self.last_seen = at
        self.known: set[str] = set()
        self.properties: dict[tuple[str, type[Any]], int] = {}

    def came(self, events: Sequence[Stated], at: datetime) -> None:
        if not self.pending:
            self.first_seen = at
        before, count, self.last_seen = self.total, len(events), at
        self.total += count
        self.pending += count
        first = 0
        if before < LOOKED_AT_FIRST:
            first = min(LOOKED_AT_FIRST - before, count)
            for stated in events[:first]:
                self.look(stated.properties)
        sampled = first + -(before + first + 1) % SAMPLE
        if sampled < count:
            for stated in events[sampled::SAMPLE]:
                self.look(stated.properties)

    def look(self, properties: Mapping[str, Any]) -> None:
        self.looked_at += 1
        counts, known = self.properties, self.known
        for name, value in properties.items():
            if name not in known:
                if len(known) >= MOST_PROPERTIES or len(name) > LONGEST_PROPERTY:
                    self.other_properties += 1
                    continue
                known.add(name)
            key = (name, type(value))
            counts[key] = counts.get(key, 0) + 1

    def taken(self, source_id: str, event: str) -> SeenEvent:
        properties: Counter[tuple[str, str]] = Counter()
        for (name, kind), count in self.properties.items():
            properties[name, _TYPES.get(kind, "string")] += count
        seen = SeenEvent(
            source_id,
            event,
            self.pending,
            self.looked_at,
            self.other_properties,
            self.first_seen,
            self.last_seen,
            properties,
        )
        self.pending = self.looked_at = self.other_properties = 0
        self.properties = {}
        return seen


class _Minute:
    """The minute of a source that runs. One request costs a few comparisons; keys with instants are hashed once."""

    __slots__ = ("accepted", "end", "first_seen", "last_seen", "refused", "start", "waiting", "warned")

    def __init__(self, at: datetime) -> None:
        self.start = at.replace(second=0, microsecond=0)
        self.end = self.start + timedelta(minutes=1)
        self.first_seen = self.last_seen = at
        self.accepted = self.waiting = self.warned = 0
        self.refused: Counter[str] = Counter()

    def outcomes(self) -> Iterator[tuple[str, int]]:
        yield "accepted", self.accepted
        yield "waiting", self.waiting
        yield "warned", self.warned
        for code, count in self.refused.items():
            yield f"refused:{code}", count


@dataclass(slots=True)
class _Source:
    names: dict[str, _Name] = field(default_factory=dict)
    others: int = 0
    minute: _Minute | None = None


class Observer:
    """Counts in memory, writes down every five seconds and at the end; what receiving calls `Observations`.

    A process that is killed loses what it saw in its last five seconds. What could not be written is kept and written
    later; memory is bounded by names and properties, and the minutes that the database is away.
    """

    def __init__(self, notebook: Notebook) -> None:
        self._notebook = notebook
        self._sources: dict[str, _Source] = {}
        self._outcomes: dict[tuple[str, datetime, str], int] = {}
        self._spans: dict[tuple[str, datetime], tuple[datetime, datetime]] = {}
        self._skews: dict[tuple[str, datetime, int], int] = {}
        self._unwritten: Seen | None = None

    def saw(self, delivery: Delivery) -> None:
        """A request was read: event names and properties of its usage events, the sender's clock."""
        at, source_id = delivery.received_at, delivery.policy.source_id
        source = self._sources.get(source_id)
        if source is None:
            source = self._sources[source_id] = _Source()
        by_event: dict[str, list[Stated]] = {}
        for stated in delivery.stated:
            data = stated.data
            if type(data) is UsageRecorded:
                found = by_event.get(data.event)
                if found is None:
                    found = by_event[data.event] = []
                found.append(stated)
        names = source.names
        for event, found in by_event.items():
            name = names.get(event)
            if name is None:
                if len(names) >= MOST_NAMES:
                    source.others += len(found)
                    self._came(source_id, at)
                    continue
                name = names[event] = _Name(at)
            name.came(found, at)
        if delivery.skew_seconds is not None:
            key = (source_id, _hour(at), skew_bucket(delivery.skew_seconds))
            self._skews[key] = self._skews.get(key, 0) + 1

    def counted(
        self,
        source_id: str,
        at: datetime,
        *,
        accepted: int,
        refused: Mapping[str, int],
        waiting: int,
        warned: int = 0,
    ) -> None:
        """What became of it; `refused` by code, `warned`: accepted, but not as planned."""
        if not (accepted or waiting or refused):
            return
        source = self._sources.get(source_id)
        if source is None:
            source = self._sources[source_id] = _Source()
        minute = source.minute
        if minute is None or not minute.start <= at < minute.end:
            self._fold(source_id, source)
            minute = source.minute = _Minute(at)
        minute.accepted += accepted
        minute.last_seen = at
        if waiting:
            minute.waiting += waiting
        if warned:
            minute.warned += warned
        if refused:
            minute.refused.update(refused)

    async def write(self) -> None:
        """Write down what was seen; what an earlier try could not write goes first."""
        while True:
            if self._unwritten is None:
                seen = self._taken()
                if seen.is_empty:
                    return
                self._unwritten = seen
            await self._notebook.add(self._unwritten)
            self._unwritten = None

    async def run(self, stopping: asyncio.Event) -> None:
        """Write down every five seconds, and once more at the end."""
        while not stopping.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), WRITE_EVERY.total_seconds())
            try:
                await self.write()
            except Exception as error:
                if not is_transient(error):
                    raise
                _log.warning("what was seen of sources could not be written down", reason=str(error))

    def _came(self, source_id: str, at: datetime) -> None:
        key = (source_id, _hour(at))
        first, last = self._spans.get(key, (at, at))
        self._spans[key] = (min(first, at), max(last, at))

    def _fold(self, source_id: str, source: _Source) -> None:
        """Add the minute that ran to what is to be written."""
        minute, source.minute = source.minute, None
        if minute is None:
            return
        for outcome, count in minute.outcomes():
            if count:
                key = (source_id, minute.start, outcome)
                self._outcomes[key] = self._outcomes.get(key, 0) + count
        self._came(source_id, minute.first_seen)
        self._came(source_id, minute.last_seen)

    def _taken(self) -> Seen:
        events = tuple(
            name.taken(source_id, event)
            for source_id, source in self._sources.items()
            for event, name in source.names.items()
            if name.pending
        )
        others = {source_id: source.others for source_id, source in self._sources.items() if source.others}
        for source_id, source in self._sources.items():
            source.others = 0
            self._fold(source_id, source)
        seen = Seen(events, others, self._outcomes, self._spans, self._skews)
        self._outcomes, self._spans, self._skews = {}, {}, {}
        return seen


def _hour(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)
