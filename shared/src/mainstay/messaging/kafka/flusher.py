"""Appending to one partition: a task that sends what has gathered while the last batch was under way.

aiokafka's own send() makes a future and takes a lock for each record (12–17 µs of CPU); batches built here cost 2.5.
"""

import asyncio
import time
from collections import deque
from collections.abc import Sequence

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from aiokafka.producer.message_accumulator import BatchBuilder

from mainstay.kernel.patience import Patience
from mainstay.messaging.kafka.errors import FAILURES, why
from mainstay.messaging.port import LogUnavailable, Outgoing
from mainstay.messaging.room import Room

BATCH_BYTES = 1_000_000
"""Below the broker's default limit of 1,048,588 bytes a batch. A record has at most 900,000 and its headers."""
ANSWER_WITHIN = 30.0
"""Seconds after which a batch without any answer is given up; aiokafka itself gives up earlier."""
RETRY_AFTER = 0.1

_log = structlog.get_logger(__name__)

Row = tuple[bytes, Outgoing]
"""A record and its key as bytes."""


class Batch(BatchBuilder):  # type: ignore[misc]  # aiokafka has no annotations
    """aiokafka's batch, which takes many records in one call: a call of `append` for each costs 0.7 µs."""

    def __init__(self) -> None:
        super().__init__(BATCH_BYTES, 0)

    def extend(self, rows: Sequence[Row], now: int) -> int:
        """Add the records, appended at `now` in ms since 1970, as long as there is room; answers how many were."""
        append, first = self._builder.append, self.record_count()
        offset: int = first
        for key, record in rows:
            headers = [*record.shared, *record.headers]  # as `all_headers`, without a call for each event
            if append(offset, now, key, record.value, headers) is None:
                break
            offset += 1
        self._relative_offset = offset
        return offset - int(first)


class Call:
    """One call of append(): the future its caller waits on, and its parts, one a partition."""

    __slots__ = ("missing", "parts", "stored")

    def __init__(self) -> None:
        self.parts: list[Part] = []
        self.missing = 0
        """How many parts are not stored yet."""
        self.stored: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def acknowledge(self) -> None:
        """A part is stored; when it was the last one, so is the call."""
        self.missing -= 1
        if not self.missing and not self.stored.done():
            self.stored.set_result(None)

    def unacknowledged(self) -> list[int]:
        """The indexes of the records without an acknowledgement."""
        return [index for part in self.parts for index in part.indexes[part.acknowledged :]]

    def cancel(self) -> None:
        """The time for the call is over."""
        if not self.stored.done():
            self.stored.set_exception(TimeoutError())

    def forget(self) -> None:
        """Nobody asks any more: let go of the parts, which refer to the call and so would keep it all in a ring.

        Left to the garbage collector, the records of calls long done took 3 of ingest's 12.5 µs of CPU an event.
        """
        self.parts.clear()


class Part:
    """The records of a call that go to one partition, in order; the first `acknowledged` of them are stored."""

    __slots__ = ("acknowledged", "call", "indexes", "rows", "size")

    def __init__(self, call: Call) -> None:
        self.call = call
        call.parts.append(self)
        call.missing += 1
        self.indexes: list[int] = []
        self.rows: list[Row] = []
        self.size = self.acknowledged = 0

    @property
    def is_stored(self) -> bool:
        """Whether all of it is acknowledged."""
        return self.acknowledged == len(self.rows)


class Flusher:
    """The one sender of a partition; one batch under way at a time, which keeps the order of calls.

    A batch that fails is sent again until its callers give up, so that a restart of the broker is a delay and not an
    error; a batch whose answer was lost may so be stored twice, which its ids make harmless.
    """

    def __init__(
        self, producer: AIOKafkaProducer, topic: str, partition: int, *, room: Room, patience: Patience
    ) -> None:
        """`patience` is with Kafka's answers; all flushers may share it."""
        self._producer, self._patience = producer, patience
        self._topic = topic
        self._partition = partition
        self._room = room
        self._parts: deque[Part] = deque()
        self._work = asyncio.Event()
        self.failure = "no answer yet"
        self._task = asyncio.create_task(self._run(), name=f"flusher of {topic}/{partition}")

    def add(self, part: Part) -> None:
        """Queue records; their call's future tells when they are stored."""
        self._parts.append(part)
        self._work.set()

    async def stop(self) -> None:
        """Send what is queued, for at most two seconds, then end."""
        waiting = [part.call.stored for part in self._parts if not part.call.stored.done()]
        if waiting:
            await asyncio.wait(waiting, timeout=2)
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self._fail(list(self._parts), "the log was closed")

    async def _run(self) -> None:
        while True:
            await self._work.wait()
            self._drop_abandoned()
            if not self._parts:
                self._work.clear()
                continue
            try:
                batch, reached = self._fill()
                await self._send(batch)
            except FAILURES as error:
                self.failure = why(error)
                _log.warning("append repeated", topic=self._topic, partition=self._partition, reason=self.failure)
                if isinstance(error, KafkaError) and not error.retriable:
                    self._fail([part for part, _ in reached], self.failure)
                else:
                    await asyncio.sleep(RETRY_AFTER)
            except Exception as error:  # noqa: BLE001 - a mistake here must not leave its callers waiting
                _log.exception("append given up", topic=self._topic, partition=self._partition)
                self._fail(list(self._parts), why(error))
            else:
                self._acknowledge(reached)

    def _fill(self) -> tuple[Batch, list[tuple[Part, int]]]:
        """A batch of the oldest records, and how far it reaches into each part."""
        batch = Batch()
        now = int(time.time() * 1000)  # one time of append for the batch, never the event's
        reached: list[tuple[Part, int]] = []
        for part in self._parts:
            count = part.acknowledged
            count += batch.extend(part.rows[count:] if count else part.rows, now)
            if count > part.acknowledged:
                reached.append((part, count))
            if count < len(part.rows):
                break
        batch.close()  # else it waits out the linger time
        return batch, reached

    async def _send(self, batch: Batch) -> None:
        answer = await self._producer.send_batch(batch, self._topic, partition=self._partition)
        self._patience.begin(answer, asyncio.get_running_loop())
        try:
            await answer
        except asyncio.CancelledError:
            if self._patience.end(answer):
                raise TimeoutError from None
            raise
        finally:
            self._patience.end(answer)

    def _acknowledge(self, reached: Sequence[tuple[Part, int]]) -> None:
        for part, count in reached:
            part.acknowledged = count
            if part.is_stored:
                self._leave(part)
                part.call.acknowledge()

    def _drop_abandoned(self) -> None:
        while self._parts and self._parts[0].call.stored.done():
            self._leave(self._parts[0])

    def _fail(self, parts: Sequence[Part], reason: str) -> None:
        for part in parts:
            self._leave(part)
            if not part.call.stored.done():
                part.call.stored.set_exception(LogUnavailable(reason, part.call.unacknowledged()))
                part.call.stored.exception()  # looked at: a caller that gave up in the same moment never will

    def _leave(self, part: Part) -> None:
        self._parts.remove(part)  # the first one, or near it
        self._room.leave(part.size)
