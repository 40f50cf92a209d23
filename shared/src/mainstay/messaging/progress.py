"""Where a consumer stands in each partition it holds: what is handed out, what is done, what is missing."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

import structlog

from mainstay.messaging.port import Bounds, Gap, Position, Positions

LOOKS = 3
LOOK_AGAIN_AFTER = 0.5
"""A Kafka partition whose leader has just changed learns of its own end within a replica's fetch, half a second."""

_log = structlog.get_logger(__name__)

Partition = tuple[str, int]
"""Topic and number."""


class Progress:
    """The memory of one consumer, begun from its stored offsets; both transports keep the same books."""

    def __init__(self, log_id: str, group: str, positions: Positions) -> None:
        self._log_id = log_id
        self._group = group
        self._positions = positions
        self._next: dict[Partition, int] = {}
        self._done: dict[Partition, int] = {}
        self._gaps: dict[Partition, Gap] = {}

    async def begin(
        self, partitions: Iterable[Partition], look: Callable[[], Awaitable[Mapping[Partition, Bounds]]]
    ) -> None:
        """Take up partitions at their stored offsets; one never begun begins at its first record kept.

        The bounds are looked at after the offsets: the owner before may just have moved them, and what is stored must
        not seem to lie beyond the end.
        """
        by_topic: dict[str, list[int]] = {}
        for topic, number in sorted(partitions):
            by_topic.setdefault(topic, []).append(number)
        stored: dict[Partition, int] = {}
        for topic, numbers in by_topic.items():
            loaded = await self._positions.load(self._log_id, self._group, topic, numbers)
            stored.update({(topic, number): offset for number, offset in loaded.items()})
        bounds = await look()
        new = [
            (topic, number)
            for topic, numbers in by_topic.items()
            for number in numbers
            if (topic, number) not in stored
        ]
        for topic, number in new:
            first = bounds[topic, number].first
            stored[topic, number] = await self._positions.begin(self._log_id, self._group, topic, number, first)
        for _ in range(LOOKS):
            if all(offset <= bounds[partition].next for partition, offset in stored.items()):
                break
            await asyncio.sleep(LOOK_AGAIN_AFTER)
            bounds = await look()
        for partition, offset in stored.items():
            self._done[partition] = self._next[partition] = offset
            self.look_for_gap(partition, bounds[partition])

    def look_for_gap(self, partition: Partition, bounds: Bounds) -> bool:
        """Whether the next record is missing: forgotten, or beyond the log's end. Then the partition stands still.

        It does so for good: a log that lost its end and grows past the stored offset again has other records before it.
        """
        if partition not in self._gaps and not bounds.first <= self._next[partition] <= bounds.next:
            gap = self._gaps[partition] = Gap(*partition, self._next[partition], bounds.first)
            _log.error("records are missing; partition stands still", group=self._group, gap=str(gap))
        return partition in self._gaps

    def advance(self, partition: Partition, new: int) -> Position:
        """Records before `new` were handed out; answers the step of the stored offset that this makes."""
        expected, self._next[partition] = self._next[partition], new
        return Position(*partition, self._log_id, self._group, expected, new)

    def finish(self, positions: Sequence[Position]) -> None:
        """These steps are committed."""
        for position in positions:
            if (position.topic, position.partition) in self._done:
                self._done[position.topic, position.partition] = position.new

    def forget(self, partitions: Iterable[Partition]) -> None:
        """These partitions are not held any more."""
        for partition in list(partitions):
            self._next.pop(partition, None)
            self._done.pop(partition, None)
            self._gaps.pop(partition, None)

    @property
    def next(self) -> Mapping[Partition, int]:
        """The offset to fetch next, of each partition held."""
        return self._next

    @property
    def done(self) -> Mapping[Partition, int]:
        """The stored offset of each partition held, as far as this consumer knows."""
        return self._done

    @property
    def gaps(self) -> Mapping[Partition, Gap]:
        """The partitions that stand still."""
        return self._gaps

    def in_hand(self) -> frozenset[Partition]:
        """The partitions with records handed out and not done."""
        return frozenset(partition for partition, following in self._next.items() if following > self._done[partition])
