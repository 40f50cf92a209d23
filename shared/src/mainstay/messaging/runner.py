"""Running a subscription: fetch, decode, handle, and what to do when that fails."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any, Generic, TypeVar

import structlog
from structlog.contextvars import bound_contextvars

from mainstay.kernel.clock import Clock
from mainstay.messaging.consuming import Batch, Subscription
from mainstay.messaging.metrics import RunnerMetrics
from mainstay.messaging.port import (
    Consumer,
    EventLog,
    LogUnavailable,
    Positions,
    PositionTaken,
    Record,
    dead_letter_topic,
)
from mainstay.messaging.work import BrokenChain, Work, reason_of
from mainstay.observability.tracing import span

T = TypeVar("T")

IDLE = timedelta(seconds=0.5)
"""How long a fetch waits before the runner looks at its lag."""
AT_ONCE = 200
"""So many records are fetched and decoded before the next: as many as fit into a processor's cache. Measured: a batch
of 10,000 in one piece takes half as much CPU again."""
TURNS = 3
"""An answer of the database goes through so many turns of the loop until the one who asked goes on."""
BUSY = 0.0003
"""Seconds. Whoever takes longer in these turns is at work, and reading ahead waits for `A_WHILE`: what it is there for
is the time in which nobody is."""
A_WHILE = 0.005
LAG_EVERY = 5.0
RETRY_FIRST = 0.1
RETRY_LAST = 5.0
TRIES = 3
"""How often a record that fails alone is tried before it is put aside."""
TRY_AGAIN_AFTER = 0.05

_log = structlog.get_logger(__name__)


async def start_log(log: EventLog, stopping: asyncio.Event) -> bool:
    """Start the log, however long it is away; False when told to stop before."""
    pause = RETRY_FIRST
    while not stopping.is_set():
        try:
            await log.start()
        except LogUnavailable as error:
            _log.warning("event log not there yet", reason=str(error))
            pause = await _wait(stopping, pause)
        else:
            return True
    return False


class Runner(Generic[T]):
    """Feeds a subscription's handler until told to stop.

    A batch is handed over at once after a lull; under load a new one begins at most every `subscription.within`, or
    when it is full. What passes by itself (a log or a database that is away, a deadlock) is repeated for ever, with
    back-off. `PositionTaken` drops the batch and goes on from the stored offsets. Any other exception of the handler
    splits the batch down to the record that causes it, which is tried three times and then put aside.
    """

    def __init__(
        self,
        log: EventLog,
        positions: Positions,
        subscription: Subscription[T],
        dead_letter: Callable[[Batch[Any]], Awaitable[None]],
        clock: Clock,
        metrics: RunnerMetrics,
        *,
        passes: Callable[[BaseException], bool],
    ) -> None:
        """`dead_letter` commits a batch without messages: its positions, and what it refused as dead letters.

        `passes` says of an error whether doing the same again may succeed; a log that is away always may.
        """
        self._log = log
        self._positions = positions
        self._subscription = subscription
        self._dead_letter = dead_letter
        self._clock = clock
        self._metrics = metrics
        self._database_passes = passes
        self._labels = (subscription.group, subscription.topic.name)
        self._last_began = 0.0
        self._lag_at = 0.0
        self._logger = _log.bind(group=subscription.group, topic=subscription.topic.name)

    async def run(self, stopping: asyncio.Event) -> None:
        """Work until told to stop; the batch in hand is finished, and the group is left."""
        if not await start_log(self._log, stopping):
            return
        consumer: Consumer | None = None
        ahead: Work[T] | None = None
        pause = RETRY_FIRST
        try:
            while not stopping.is_set():
                work, ahead = ahead or Work(self._subscription.decode), None
                try:
                    if consumer is None:
                        consumer = await self._join()
                    await self._gather(consumer, work, stopping)
                    await self._look_at_lag(consumer)
                    if work:
                        ahead = await self._step(consumer, work)
                    pause = RETRY_FIRST
                except (PositionTaken, BrokenChain) as error:
                    self._failed("rewind", error)
                    await self._rewind(consumer)
                except Exception as error:  # noqa: BLE001 - a consumer never gives up; what it cannot do is counted
                    self._failed("repeat", error)
                    pause = await _wait(stopping, pause)
                    await self._rewind(consumer)
        finally:
            if consumer is not None:
                await consumer.stop()

    async def _join(self) -> Consumer:
        subscription = self._subscription
        await self._log.ensure_topics([subscription.topic, dead_letter_topic(subscription.group)])
        consumer = self._log.consumer(subscription.group, [subscription.topic.name], self._positions)
        await consumer.start()
        return consumer

    async def _step(self, consumer: Consumer, work: Work[T]) -> Work[T]:
        """Handle what was gathered; answers what lay there for the next step, which was read meanwhile.

        So the process computes while the database works. What was read ahead counts for nothing when this step fails.
        """
        self._last_began = asyncio.get_running_loop().time()
        is_handled = asyncio.Event()
        ahead = asyncio.create_task(self._read_ahead(consumer, is_handled))
        try:
            trace = _trace_of(work.records)
            with (
                bound_contextvars(**trace),
                span(f"consume {self._subscription.topic.name}", traceparent=trace.get("traceparent"), kind="consumer"),
            ):
                await self._handle(work, 0, len(work))
            await consumer.done(work.steps)
            is_handled.set()
            return await ahead
        finally:
            ahead.cancel()
            await asyncio.gather(ahead, return_exceptions=True)

    async def _gather(self, consumer: Consumer, work: Work[T], stopping: asyncio.Event) -> None:
        """Add to what was read ahead what comes until the next batch may begin; without any, wait for the first."""
        loop = asyncio.get_running_loop()
        begin_at = self._last_began + self._subscription.within.total_seconds()
        if not work and not await _unless(stopping, self._fetch(consumer, work, self._subscription.up_to, IDLE)):
            return
        while room := self._subscription.up_to - len(work):
            wait = timedelta(seconds=max(0.0, begin_at - loop.time()))
            if not await self._fetch(consumer, work, room, wait):
                break

    async def _read_ahead(self, consumer: Consumer, is_handled: asyncio.Event) -> Work[T]:
        """What lies there already, until the batch before is handled. It waits for nothing and lets others go first."""
        work = Work(self._subscription.decode)
        while (room := self._subscription.up_to - len(work)) and not is_handled.is_set():
            await _others_first()
            if not await self._fetch(consumer, work, room, timedelta()):
                break
        return work

    @staticmethod
    async def _fetch(consumer: Consumer, work: Work[T], room: int, within: timedelta) -> bool:
        """Fetch and decode some records; says whether any came."""
        records, steps = await consumer.fetch(up_to=min(AT_ONCE, room), within=within)
        await asyncio.sleep(0)  # with a backlog nothing waits here, and others want to go on
        work.add(records, steps)
        return bool(records)

    async def _handle(self, work: Work[T], start: int, end: int) -> None:
        mistake = await self._attempt(work.part(start, end))
        if mistake is None:
            return
        if end - start > 1:
            self._failed("split", mistake)
            middle = (start + end) // 2
            await self._handle(work, start, middle)
            await self._handle(work, middle, end)
        else:
            await self._try_alone(work, start, mistake)

    async def _try_alone(self, work: Work[T], index: int, mistake: Exception) -> None:
        for _ in range(TRIES - 1):
            self._failed("try again", mistake)
            await asyncio.sleep(TRY_AGAIN_AFTER)
            again = await self._attempt(work.part(index, index + 1))
            if again is None:
                return
            mistake = again
        self._failed("put aside", mistake)
        await self._deliver(work.aside(index, reason_of(mistake)))

    async def _attempt(self, batch: Batch[T]) -> Exception | None:
        """Deliver; answers the mistake, if any. Raises what passes by itself, and `PositionTaken`."""
        try:
            await self._deliver(batch)
        except PositionTaken:
            raise
        except Exception as error:
            if self._passes(error):
                raise
            return error
        return None

    async def _deliver(self, batch: Batch[T]) -> None:
        with self._metrics.handle_seconds.labels(*self._labels).time():
            if batch.messages:
                await self._subscription.handle(batch)
            else:
                await self._dead_letter(batch)
        count = sum(step.new - step.expected for step in batch.positions)
        self._metrics.records.labels(*self._labels).inc(count)
        self._metrics.batch_records.labels(*self._labels).observe(count)
        if batch.refused:
            self._metrics.dead_letters.labels(*self._labels).inc(len(batch.refused))
            for letter in batch.refused[:10]:
                record = letter.record
                self._logger.error(
                    "record put aside", partition=record.partition, offset=record.offset, reason=letter.reason
                )

    async def _look_at_lag(self, consumer: Consumer) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._lag_at < LAG_EVERY:
            return
        self._lag_at = now
        self._metrics.gaps.labels(*self._labels).set(len(consumer.gaps()))
        with suppress(LogUnavailable):
            self._metrics.lag.labels(*self._labels).set(sum((await consumer.lag()).values()))

    async def _rewind(self, consumer: Consumer | None) -> None:
        if consumer is not None:
            with suppress(LogUnavailable):
                await consumer.rewind()

    def _passes(self, error: BaseException) -> bool:
        return isinstance(error, LogUnavailable) or self._database_passes(error)

    def _failed(self, then: str, error: BaseException) -> None:
        self._metrics.errors.labels(*self._labels, then).inc()
        mistake = then == "put aside" or (then == "repeat" and not self._passes(error))
        self._logger.warning("batch failed", then=then, reason=reason_of(error), exc_info=error if mistake else None)


def _trace_of(records: Sequence[Record]) -> dict[str, str]:
    """The trace of the first record (W3C traceparent: version-trace-parent-flags), for the log lines of its batch."""
    headers = dict(records[0].headers) if records else {}
    traceparent = headers.get("traceparent", b"").decode(errors="replace")
    parts = traceparent.split("-")
    return {"traceparent": traceparent, "trace_id": parts[1]} if len(parts) >= 4 else {}


async def _others_first() -> None:
    """Let others go on; where they had something to do, for a while: most likely there is more of it."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    for _ in range(TURNS):
        await asyncio.sleep(0)
    if loop.time() - began > BUSY:
        await asyncio.sleep(A_WHILE)


async def _unless(stopping: asyncio.Event, doing: Coroutine[Any, Any, bool]) -> bool:
    """What is answered, or False where it is given up half-way, being told to stop."""
    task = asyncio.ensure_future(doing)
    stopper = asyncio.ensure_future(stopping.wait())
    try:
        await asyncio.wait({task, stopper}, return_when=asyncio.FIRST_COMPLETED)
        return task.done() and await task
    finally:
        stopper.cancel()
        task.cancel()
        await asyncio.gather(stopper, task, return_exceptions=True)


async def _wait(stopping: asyncio.Event, pause: float) -> float:
    """Wait, unless told to stop; answers the next pause."""
    with suppress(TimeoutError):
        async with asyncio.timeout(pause):
            await stopping.wait()
    return min(pause * 2, RETRY_LAST)
