"""health-score's own consumption: store, deduplicate, count, score and publish, as its runner feeds its handler."""

import asyncio
import gc
import json
import time
from collections import deque
from dataclasses import replace
from typing import Any

import uvloop
from prometheus_client import CollectorRegistry

from health_score import consumers
from health_score.bootstrap import build_handlers
from health_score.scorecards.reading import read_scorecard
from health_score.store.tables import kit
from mainstay.db.engine import Database
from mainstay.db.errors import is_transient
from mainstay.db.work import OffsetStore, Transactions
from mainstay.kernel.clock import SystemClock
from mainstay.messaging.consuming import Batch, Subscription
from mainstay.messaging.metrics import RunnerMetrics
from mainstay.messaging.open import open_log
from mainstay.messaging.port import Record
from mainstay.messaging.runner import Runner
from mainstay.service.subjects import Subjects
from tests.load.health_score.contenders.reporting import Report, Wanted, wanted
from tests.load.health_score.machine import SECRET
from tests.load.sampling import sampled

LOOK_EVERY = 100
"""Records. A delay counts from the last look at the clock before the first record of its batch."""


class Course:
    """A subscription's batches, reported: from the fetch of the first record to the commit.

    `steps` are each batch's steps of offsets, for the one who does the same batches bare.
    """

    def __init__(self, subscription: Subscription[Any], events: int) -> None:
        self._subscription = subscription
        self._fetched: deque[tuple[int, float]] = deque()
        self._decoded = self._handled = 0
        self.report = Report(events)
        self.steps: list[list[tuple[int, int, int]]] = []
        self.stopping = asyncio.Event()

    def subscription(self) -> Subscription[Any]:
        """The same subscription, watched."""
        return replace(self._subscription, decode=self._decode, handle=self._handle)

    def _decode(self, record: Record) -> Any:
        if self._decoded % LOOK_EVERY == 0:  # a look at the clock for each record would be a thirtieth of the work
            self._fetched.append((self._decoded, time.perf_counter()))
        self._decoded += 1
        return self._subscription.decode(record)

    async def _handle(self, batch: Batch[Any]) -> None:
        await self._subscription.handle(batch)
        records = sum(step.new - step.expected for step in batch.positions)
        self.report.done(records, time.perf_counter() - self._fetched[0][1])
        self._handled += records
        while len(self._fetched) > 1 and self._fetched[1][0] <= self._handled:
            self._fetched.popleft()
        self.steps.append([(step.partition, step.expected, step.new) for step in batch.positions])
        if self.report.is_complete:
            self.report.tell()
            self.stopping.set()


async def consume(told: Wanted) -> None:
    """Consume so many records."""
    database, clock = Database(told.database, application_name="bench", pool_size=4), SystemClock()
    log = open_log(told.kafka, client_name="bench")
    transactions = Transactions(database, kit, clock=clock)
    handlers = build_handlers(database, transactions, read_scorecard(), clock, subjects=Subjects(SECRET))
    course = Course(consumers.usage(handlers.usage), told.events)

    async def put_aside(batch: Batch[Any]) -> None:
        raise AssertionError(batch.refused)

    runner = Runner(
        log,
        OffsetStore(database, kit),
        course.subscription(),
        put_aside,
        clock,
        RunnerMetrics(CollectorRegistry()),
        passes=is_transient,
    )
    _as_in_a_service()
    await runner.run(course.stopping)
    told.batches.write_text(json.dumps(course.steps))
    await log.close()
    await database.close()


def _as_in_a_service() -> None:
    """What mainstay.service.process does before a service begins."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 20)


def main() -> None:
    told = wanted()
    with sampled(told.profile):
        uvloop.run(consume(told))


if __name__ == "__main__":
    main()
