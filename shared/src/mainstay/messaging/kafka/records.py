"""Kafka's records made straight into the port's.

aiokafka (0.14) makes a frozen dataclass of eleven fields of each record it hands out, which takes 1.8 µs: a sixth of
what it costs to consume a usage event. It has no hook for that, so its iterator over a fetched partition is replaced,
for the whole process, by one that differs in this alone.
"""

from datetime import UTC, datetime
from typing import Any

from aiokafka.consumer import fetcher

from mainstay.messaging.port import Record


class PortRecords(fetcher.PartitionRecords):  # type: ignore[misc] # aiokafka has no stubs
    """The records of one answer of one partition. `getmany` of every consumer hands out the port's `Record`."""

    _appended = (0, datetime.fromtimestamp(0, UTC))
    """The last timestamp (ms since 1970), and that instant: records of a batch mostly have one in common."""

    def _consumer_record(self, tp: Any, record: Any) -> Record:
        milliseconds, appended_at = self._appended
        if record.timestamp != milliseconds:
            appended_at = datetime.fromtimestamp(record.timestamp / 1000, UTC)
            self._appended = record.timestamp, appended_at
        return Record(
            tp.topic,
            tp.partition,
            record.offset,
            (record.key or b"").decode("utf-8", "replace"),
            record.value or b"",
            tuple(record.headers),
            appended_at,
        )


def install() -> None:
    """Have aiokafka use it; again does nothing. Raises `TypeError` where aiokafka has changed too much for that."""
    if not hasattr(PortRecords.__mro__[1], "_consumer_record"):
        raise TypeError("aiokafka makes its records in another way: look at mainstay.messaging.kafka.records")
    fetcher.PartitionRecords = PortRecords
