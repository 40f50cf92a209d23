"""Appending: concurrent calls share one transaction, and a transaction's records get their offsets under its locks."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import structlog

from mainstay.messaging.port import LogUnavailable
from mainstay.messaging.postgres.connections import FAILURES, Connections, why
from mainstay.messaging.postgres.segments import segment_table
from mainstay.messaging.room import Room

FLUSH_RECORDS = 5_000
FLUSH_BYTES = 8 << 20
QUEUE_BYTES = 64 << 20
RETRY_FIRST = 0.05
RETRY_LAST = 1.0

# The locks are taken in the order of (topic, partition) by everybody who takes several, so nobody deadlocks.
RESERVE = """
WITH wanted AS (
    SELECT * FROM unnest($1::integer[], $2::integer[], $3::bigint[]) AS w (topic_id, partition, records)
), locked AS MATERIALIZED (
    SELECT head.topic_id, head.partition, wanted.records
    FROM event_log.partition_head AS head JOIN wanted USING (topic_id, partition)
    ORDER BY head.topic_id, head.partition FOR UPDATE OF head
)
UPDATE event_log.partition_head AS head SET next_offset = head.next_offset + locked.records
FROM locked WHERE head.topic_id = locked.topic_id AND head.partition = locked.partition
RETURNING head.topic_id, head.partition, head.next_offset - locked.records AS base, head.segment
"""
COLUMNS = ("partition", "offset", "key", "value", "headers")

_log = structlog.get_logger(__name__)
_headers = msgspec.msgpack.Encoder()
NO_HEADERS = _headers.encode(())

Row = tuple[int, int, str, bytes, bytes]
"""Topic id, partition, key, value, headers in MessagePack."""


def encode_headers(headers: Sequence[tuple[str, bytes]]) -> bytes:
    """Headers as they are stored: a MessagePack array of (name, value) pairs."""
    return _headers.encode(headers) if headers else NO_HEADERS


@dataclass(slots=True, eq=False)
class Call:
    """One call of append(): its rows, and the future that its caller waits on."""

    rows: Sequence[Row]
    size: int
    stored: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    def fail(self, reason: str) -> None:
        """Tell the caller, unless it has given up."""
        if not self.stored.done():
            self.stored.set_exception(LogUnavailable(reason, range(len(self.rows))))


class Appender:
    """One task that flushes what has gathered while it was busy: at once when idle, in large batches under load.

    One flush is under way at a time, which keeps the order of calls. A flush that fails is repeated until each call's
    own time is up; a commit whose answer was lost may so store records twice, which their ids make harmless.
    """

    def __init__(self, connections: Connections, appended: Callable[[Iterable[int]], None]) -> None:
        """`appended` is told the ids of the topics that a flush has added to."""
        self._connections = connections
        self._appended = appended
        self._calls: deque[Call] = deque()
        self._work = asyncio.Event()
        self._room = Room(QUEUE_BYTES)
        self._failure = "no answer yet"
        self._connection: Any = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to flush."""
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="event log appender")

    async def stop(self) -> None:
        """Flush what is queued, for at most a second, then end."""
        task, self._task = self._task, None
        if task is None:
            return
        pending = [call.stored for call in self._calls if not call.stored.done()]
        if pending:
            await asyncio.wait(pending, timeout=1)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        for call in self._calls:
            call.fail("the log was closed")
        self._drop_connection()

    async def append(self, rows: Sequence[Row], size: int, within: float) -> None:
        """Return when every row is committed. Raises `LogUnavailable` for all of them after `within` seconds."""
        if self._task is None:
            raise LogUnavailable("the log is not started, or closed", range(len(rows)))
        try:
            async with asyncio.timeout(within):
                await self._room.enter(size)
                call = Call(rows, size)
                self._calls.append(call)
                self._work.set()
                await call.stored
        except TimeoutError:
            raise LogUnavailable(f"not acknowledged within {within:g} s: {self._failure}", range(len(rows))) from None

    async def _run(self) -> None:
        pause = RETRY_FIRST
        while True:
            await self._work.wait()
            calls = self._take()
            if not calls:
                continue
            try:
                await self._flush(calls)
                pause = RETRY_FIRST
            except FAILURES as error:
                self._failure = why(error)
                _log.warning("append repeated", reason=self._failure, calls=len(calls))
                self._drop_connection()
                self._put_back(calls)
                await asyncio.sleep(pause)
                pause = min(pause * 2, RETRY_LAST)
            except asyncio.CancelledError:
                self._put_back(calls)
                raise
            except Exception as error:  # noqa: BLE001 - a mistake here must not leave its callers waiting
                _log.exception("append given up", calls=len(calls))
                self._drop_connection()
                for call in calls:
                    self._room.leave(call.size)
                    call.fail(why(error))
            else:
                for call in calls:
                    if not call.stored.done():
                        call.stored.set_result(None)
                    self._room.leave(call.size)
                self._appended({row[0] for call in calls for row in call.rows})

    def _take(self) -> list[Call]:
        """The oldest calls that are still waited for, up to the size of a flush; at least one, however large."""
        taken: list[Call] = []
        records = size = 0
        while self._calls:
            call = self._calls[0]
            if call.stored.done():  # its caller gave up
                self._room.leave(call.size)
            elif taken and (records + len(call.rows) > FLUSH_RECORDS or size + call.size > FLUSH_BYTES):
                return taken
            else:
                taken.append(call)
                records += len(call.rows)
                size += call.size
            self._calls.popleft()
        self._work.clear()
        return taken

    def _put_back(self, calls: Sequence[Call]) -> None:
        self._calls.extendleft(reversed(calls))
        self._work.set()

    async def _flush(self, calls: Sequence[Call]) -> None:
        by_partition: dict[tuple[int, int], list[Row]] = {}
        for call in calls:
            for row in call.rows:
                by_partition.setdefault((row[0], row[1]), []).append(row)
        if self._connection is None or self._connection.is_closed():
            self._connection = await self._connections.dedicated()
        async with self._connection.transaction():
            reserved = await self._connection.fetch(
                RESERVE,
                [topic for topic, _ in by_partition],
                [partition for _, partition in by_partition],
                [len(rows) for rows in by_partition.values()],
            )
            by_segment: dict[tuple[int, int], list[tuple[int, int, str, bytes, bytes]]] = {}
            for topic_id, partition, base, segment in reserved:
                by_segment.setdefault((topic_id, segment), []).extend(
                    [
                        (partition, offset, row[2], row[3], row[4])
                        for offset, row in enumerate(by_partition[topic_id, partition], base)
                    ]
                )
            for (topic_id, segment), records in by_segment.items():
                schema, table = segment_table(topic_id, segment).split(".")
                await self._connection.copy_records_to_table(
                    table, schema_name=schema, columns=COLUMNS, records=records
                )

    def _drop_connection(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()
