"""Reading records from the segments that hold them."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from mainstay.messaging.port import Headers, Record
from mainstay.messaging.postgres.segments import segment_table
from mainstay.messaging.postgres.watcher import Head

# Partitions are bounded by count in `wanted` and all together by bytes; the first record always comes.
READ = """
SELECT place, "offset", key, value, headers, appended_at FROM (
    SELECT wanted.place, record.*,
           sum(octet_length(record.value)) OVER (ORDER BY wanted.place, record."offset")
             - octet_length(record.value) AS bytes_before
    FROM unnest($1::integer[], $2::bigint[], $3::bigint[])
        WITH ORDINALITY AS wanted (partition, first, following, place)
    CROSS JOIN LATERAL (
        SELECT * FROM {table} AS stored
        WHERE stored.partition = wanted.partition
          AND stored."offset" >= wanted.first AND stored."offset" < wanted.following
    ) AS record
) AS sized WHERE bytes_before < $4 ORDER BY place, "offset"
"""

_headers = msgspec.msgpack.Decoder(Headers)


@dataclass(frozen=True, slots=True)
class Stretch:
    """Offsets of one partition, from `first` up to, not including, `following`; all in one segment."""

    topic_id: int
    topic: str
    partition: int
    segment: int
    first: int
    following: int


class Segments:
    """Which segment of a partition holds an offset; remembered, and asked again when a newer segment is heard of."""

    def __init__(self) -> None:
        self._starts: dict[tuple[int, int], tuple[list[int], list[int]]] = {}

    async def locate(
        self, connection: Any, topic_id: int, partition: int, offset: int, head: Head
    ) -> tuple[int, int] | None:
        """The segment with that offset and the offset at which it ends; None when no segment kept has it."""
        known = self._starts.get((topic_id, partition))
        if known is None or known[1][-1] < head.segment:
            await self._load(connection, topic_id)
            known = self._starts.get((topic_id, partition))
            if known is None:
                return None
        starts, numbers = known
        place = bisect_right(starts, offset) - 1
        if place < 0:
            return None
        return numbers[place], starts[place + 1] if place + 1 < len(starts) else head.next

    def forget(self) -> None:
        """Segments have gone: ask again."""
        self._starts.clear()

    async def _load(self, connection: Any, topic_id: int) -> None:
        found: dict[tuple[int, int], tuple[list[int], list[int]]] = {}
        for partition, number, first in await connection.fetch(
            "SELECT partition, number, first_offset FROM event_log.segment_start WHERE topic_id = $1 ORDER BY number",
            topic_id,
        ):
            starts, numbers = found.setdefault((topic_id, partition), ([], []))
            starts.append(first)
            numbers.append(number)
        self._starts.update(found)


async def read(connection: Any, stretches: Sequence[Stretch], at_most_bytes: int) -> list[list[Record]]:
    """The records of each stretch, in its order, as far as the bytes go. Raises asyncpg's UndefinedTableError."""
    found: list[list[Record]] = [[] for _ in stretches]
    by_segment: dict[tuple[int, int], list[int]] = {}
    for place, stretch in enumerate(stretches):
        by_segment.setdefault((stretch.topic_id, stretch.segment), []).append(place)
    for (topic_id, segment), places in by_segment.items():
        rows = await connection.fetch(
            READ.format(table=segment_table(topic_id, segment)),
            [stretches[place].partition for place in places],
            [stretches[place].first for place in places],
            [stretches[place].following for place in places],
            at_most_bytes,
        )
        for place, offset, key, value, headers, appended_at in rows:
            stretch = stretches[places[place - 1]]
            found[places[place - 1]].append(
                Record(stretch.topic, stretch.partition, offset, key, value, _headers.decode(headers), appended_at)
            )
            at_most_bytes -= len(value)
        if at_most_bytes <= 0:
            break
    return found
