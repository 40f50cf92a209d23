"""The event log as the services see it: topics, records, consumers. Kafka and PostgreSQL stand behind it.

What every transport promises is stated, and checked, in tests/contract/messaging/.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

import msgspec

MAX_VALUE_BYTES = 900_000
"""The largest value a record may have; Kafka's default limit of 1 MiB a batch, less headers and framing."""


@dataclass(frozen=True, slots=True)
class Topic:
    """A named, partitioned sequence of records; `kept` is the least time a record stays (None: for ever)."""

    name: str
    partitions: int
    kept: timedelta | None


def dead_letter_topic(group: str) -> Topic:
    """Where a consumer group puts what it cannot process."""
    return Topic(f"{group}.dead-letter", partitions=1, kept=timedelta(days=30))


Headers = tuple[tuple[str, bytes], ...]


class Outgoing(msgspec.Struct, frozen=True, gc=False):
    """A record to append. Records of one key keep their order; an empty key is refused.

    `shared` are headers that records appended together have in common; they are looked at once, and go before its own.
    A msgspec struct, because a frozen dataclass takes 0.5 µs to make and this 0.06; ingest makes one for each event.
    """

    topic: str
    key: str
    value: bytes
    headers: Headers = ()
    shared: Headers = ()

    def all_headers(self) -> list[tuple[str, bytes]]:
        """Those that it shares, and its own."""
        return [*self.shared, *self.headers]


class Record(msgspec.Struct, frozen=True, gc=False):
    """A record as the log holds it. `appended_at` is the time of the append, never of the event.

    A msgspec struct for the same reason as `Outgoing`: a consumer makes one for each event.
    """

    topic: str
    partition: int
    offset: int
    key: str
    value: bytes
    headers: Headers
    appended_at: datetime

    def header(self, name: str) -> str | None:
        """The first header of that name as text, or None."""
        for key, value in self.headers:
            if key == name:
                return value.decode()
        return None


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """The step a group's stored offset takes with one batch: from `expected` to `new`, by compare-and-set."""

    topic: str
    partition: int
    log_id: str
    group: str
    expected: int
    new: int


@dataclass(frozen=True, slots=True)
class Bounds:
    """A partition's first offset still kept and the offset the next record will get."""

    first: int
    next: int


class MessagingError(Exception):
    """Anything this port raises."""


class LogUnavailable(MessagingError):
    """The log did not acknowledge in time. The records may be stored all the same: repeat them, ids make it harmless.

    `unacknowledged` holds the indexes, in the call's sequence, of the records without an acknowledgement.
    """

    def __init__(self, reason: str, unacknowledged: Iterable[int] = ()) -> None:
        super().__init__(reason)
        self.unacknowledged = frozenset(unacknowledged)


class RecordRefused(MessagingError):
    """A record breaks the port's limits (size, key, headers); raised before anything of the call is appended."""

    def __init__(self, index: int, reason: str) -> None:
        super().__init__(f"record {index}: {reason}")
        self.index = index


class PositionTaken(MessagingError):
    """Another owner has moved the group's stored offset: this batch is not ours any more. Roll back and re-seek."""


class Gap(MessagingError):
    """The stored offset lies before the first record kept: retention took records. Reported, never skipped."""

    def __init__(self, topic: str, partition: int, stored: int, first: int) -> None:
        super().__init__(f"{topic}/{partition}: stored offset {stored}, but the log begins at {first}")
        self.topic, self.partition, self.stored, self.first = topic, partition, stored, first


class Positions(Protocol):
    """Where a group's offsets live: the consumer's own database."""

    async def load(self, log_id: str, group: str, topic: str, partitions: Sequence[int]) -> Mapping[int, int]:
        """The stored next offset of each partition; partitions never begun are absent."""

    async def begin(self, log_id: str, group: str, topic: str, partition: int, offset: int) -> int:
        """Store `offset` for a partition never begun; answers the offset that is stored now, whoever stored it."""


class Consumer(Protocol):
    """One member of a consumer group. Not safe for use by several tasks at once."""

    async def start(self) -> None:
        """Join the group."""

    async def stop(self) -> None:
        """Leave the group, so that others take over at once."""

    async def fetch(self, *, up_to: int, within: timedelta) -> tuple[Sequence[Record], Sequence[Position]]:
        """The next records of the partitions held now, and the step of each partition they cover, sorted.

        Waits at most `within` for the first record. Within a partition, records are in order and begin at the stored
        offset; fetching again goes on after them. Raises `LogUnavailable`.
        """

    async def rewind(self) -> None:
        """Forget what was fetched and go on from the stored offsets: after a rollback or `PositionTaken`."""

    async def done(self, positions: Sequence[Position]) -> None:
        """Say that these steps are committed. Only lag tools depend on it; never raises."""

    def assigned(self) -> Mapping[tuple[str, int], int]:
        """The (topic, partition) pairs held now and the next offset to fetch of each."""

    def gaps(self) -> Sequence[Gap]:
        """The partitions held that stand still because records are missing."""

    async def lag(self) -> Mapping[tuple[str, int], int]:
        """Records appended but not yet done, for each partition held."""


class EventLog(Protocol):
    """The log: durable, partitioned by key, in order within a key."""

    @property
    def id(self) -> str:
        """The log's own identity (the Kafka cluster id, or the embedded log's UUID); known after `start`."""

    async def start(self) -> None:
        """Connect. Raises `LogUnavailable`; may be called again."""

    async def close(self) -> None:
        """Flush what was promised and disconnect."""

    async def ensure_topics(self, topics: Iterable[Topic]) -> None:
        """Create what is missing. An existing topic keeps its partitions; its retention follows the declaration."""

    async def append(self, records: Sequence[Outgoing], *, within: timedelta = timedelta(seconds=10)) -> None:
        """Append and return when every record is durable (acks=all, or committed).

        Concurrent calls share flushes. Raises `RecordRefused` before anything is appended, and `LogUnavailable`
        with the indexes that were not acknowledged after `within` (never waits longer), or at once while a topic does
        not exist yet.
        """

    def consumer(self, group: str, topics: Sequence[str], positions: Positions) -> Consumer:
        """A new member of a group, not started yet."""

    async def bounds(self, topic: str) -> Mapping[int, Bounds]:
        """First and next offset of each partition."""

    async def read(self, topic: str, partition: int, start: int, limit: int) -> Sequence[Record]:
        """Up to `limit` records from `start` on, without a group: for dead letters and tests."""

    async def healthy(self) -> str | None:
        """None when the log answers, else the reason in one line."""
