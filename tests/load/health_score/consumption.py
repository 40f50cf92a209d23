"""How fast health-score consumes usage events, beside a plain per-event ORM consumer on the same PostgreSQL and log.

Both read the same topic of the embedded log. health-score stores, deduplicates, counts, scores and publishes; the plain
consumer only stores, deduplicates and counts. Latency is from an event's fetch to the commit of its effect.
"""

import asyncio
import random
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from health_score import consumers
from health_score.bootstrap import Handlers, build_handlers
from health_score.scorecards.reading import read_scorecard
from health_score.store.tables import HISTORY, kit
from mainstay.contracts.envelope import Event, encode
from mainstay.contracts.ingest import UsageRecorded
from mainstay.contracts.topics import USAGE_EVENTS
from mainstay.db.engine import Database
from mainstay.db.migrate import migrate
from mainstay.db.work import OffsetStore, Transactions
from mainstay.kernel.clock import SystemClock
from mainstay.messaging.consuming import Batch
from mainstay.messaging.open import open_log
from mainstay.messaging.port import EventLog, Record
from standalone.postgres import EmbeddedPostgres
from standalone.services import EVENT_LOG
from tests.load.health_score.plain_orm import PlainConsumer

ACCOUNTS = 200
USERS = 50
EVENTS = 60_000
PLAIN_EVENTS = 2_000
WITHIN = timedelta(milliseconds=200)


@dataclass(frozen=True, slots=True)
class Consumed:
    """What one consumer did: its events, seconds of the wall's clock and of this process's CPU, and latencies (s)."""

    name: str
    events: int
    seconds: float
    cpu_seconds: float
    latencies: list[float]

    @property
    def rate(self) -> float:
        """Events a second."""
        return self.events / self.seconds

    def quantile(self, share: float) -> float:
        """A quantile of the latency, in seconds."""
        return sorted(self.latencies)[min(len(self.latencies) - 1, int(share * len(self.latencies)))]

    def __str__(self) -> str:
        return (
            f"{self.name:<24} {self.rate:>9,.0f} events/s  {self.cpu_seconds / self.events * 1e6:>7.1f} µs CPU an event"
            f"  p50 {self.quantile(0.5) * 1000:>6.1f} ms  p99 {self.quantile(0.99) * 1000:>6.1f} ms"
        )


@dataclass(frozen=True, slots=True)
class Comparison:
    """Both consumers, in one run."""

    ours: Consumed
    plain: Consumed

    @property
    def ratio(self) -> float:
        """How many times as many events a second."""
        return self.ours.rate / self.plain.rate

    def __str__(self) -> str:
        return (
            f"consumption of usage events, {ACCOUNTS} accounts\n"
            f"  {self.ours}\n  {self.plain}\n  {self.ratio:.1f} times as many events a second"
        )


def measure() -> Comparison:
    """Start a PostgreSQL of its own (durable, as in production), fill the log, and let both consume it."""
    with tempfile.TemporaryDirectory() as folder:
        server = EmbeddedPostgres(Path(folder) / "postgres")
        server.start()
        try:
            return asyncio.run(_measure(server.ensure_database()))
        finally:
            server.remove()


async def _measure(url: str) -> Comparison:
    for history in (EVENT_LOG, HISTORY):
        await migrate(url, history)
    database = Database(url, application_name="bench", pool_size=4)
    log = open_log(url, client_name="bench")
    await log.start()
    try:
        await log.ensure_topics([USAGE_EVENTS])
        await _fill(log)
        handlers = build_handlers(
            database, Transactions(database, kit, clock=SystemClock()), read_scorecard(), SystemClock()
        )
        ours = await _consume_ours(log, database, handlers)
        plain = await _consume_plainly(log, database)
        return Comparison(ours, plain)
    finally:
        await log.close()
        await database.close()


async def _fill(log: EventLog) -> None:
    chance = random.Random(1)
    now = datetime.now(UTC)
    events = [
        encode(
            Event(
                f"event-{number}",
                "default",
                now,
                UsageRecorded(
                    account_id=f"account-{chance.randrange(ACCOUNTS)}",
                    event="Report Opened",
                    feature=f"feature-{chance.randrange(12)}",
                    occurred_at=now,
                    received_at=now,
                    user_id=f"user-{chance.randrange(USERS)}",
                    properties=msgspec.Raw(b'{"plan":"team","seconds":12}'),
                ),
            )
        )
        for number in range(EVENTS)
    ]
    for start in range(0, len(events), 5_000):
        await log.append(events[start : start + 5_000], within=timedelta(seconds=60))


async def _consume_ours(log: EventLog, database: Database, handlers: Handlers) -> Consumed:
    subscription = consumers.usage(handlers.usage)
    consumer = log.consumer("health-score", [USAGE_EVENTS.name], OffsetStore(database, kit))
    await consumer.start()
    latencies: list[float] = []
    began, cpu, done = time.perf_counter(), time.process_time(), 0
    while done < EVENTS:
        records, positions = await consumer.fetch(up_to=subscription.up_to, within=WITHIN)
        if not positions:
            continue
        fetched = time.perf_counter()
        messages = [message for record in records if (message := subscription.decode(record)) is not None]
        await subscription.handle(Batch(tuple(positions), tuple(messages)))
        await consumer.done(positions)
        latencies += [time.perf_counter() - fetched] * len(records)
        done += len(records)
    seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - cpu
    await consumer.stop()
    return Consumed("health-score", done, seconds, cpu_seconds, latencies)


async def _consume_plainly(log: EventLog, database: Database) -> Consumed:
    plain = PlainConsumer(database.engine)
    await plain.create_tables()
    records = await _first_records(log, PLAIN_EVENTS)
    latencies: list[float] = []
    began, cpu = time.perf_counter(), time.process_time()
    for record in records:
        fetched = time.perf_counter()
        await plain(record)
        latencies.append(time.perf_counter() - fetched)
    seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - cpu
    return Consumed("plain ORM, per event", len(records), seconds, cpu_seconds, latencies)


async def _first_records(log: EventLog, count: int) -> Sequence[Record]:
    found: list[Record] = []
    bounds: Any = await log.bounds(USAGE_EVENTS.name)
    for partition, bound in bounds.items():
        found += await log.read(USAGE_EVENTS.name, partition, bound.first, count - len(found))
        if len(found) >= count:
            break
    return found
