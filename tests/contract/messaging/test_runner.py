"""Running a subscription: poison goes aside and comes back, memory stays bounded, batches come at once."""

import asyncio
import gc
import time
from datetime import timedelta

import psutil
import pytest
from prometheus_client import CollectorRegistry
from structlog.contextvars import get_contextvars

from mainstay.messaging.consuming import Batch
from mainstay.messaging.port import Outgoing, Record, dead_letter_topic
from mainstay.messaging.redrive import redrive, waiting
from tests.contract.messaging.world import World, eventually

MIB = 1 << 20


class Running:
    """A runner at work for the length of a block."""

    def __init__(self, world: World, **options: object) -> None:
        self._world = world
        self._options = options
        self._stopping = asyncio.Event()

    async def __aenter__(self) -> None:
        self._task = asyncio.create_task(self._world.runner(**self._options).run(self._stopping))  # type: ignore[arg-type] # passed through

    async def __aexit__(self, *_: object) -> None:
        self._stopping.set()
        await self._task


class Poison(Exception):
    """What a handler raises for a record it cannot process."""


async def test_poison_goes_aside_and_comes_back_after_the_fix(world: World) -> None:
    mended = False
    records = world.records(2_000)
    bad = {record.value for record in records[::100]}

    def decode(record: Record) -> Record:
        if record.value in bad and int(record.value) % 200 == 0 and not mended:
            raise ValueError("cannot be read")
        return record

    async def handle(batch: Batch[Record]) -> None:
        if not mended and any(record.value in bad for record in batch.messages):
            raise Poison("cannot be done")
        await world.effects.handle(batch)

    await world.append(records)
    registry = CollectorRegistry()
    async with Running(world, handle=handle, decode=decode, registry=registry):
        await world.all_had_an_effect()
    while await world.effects.relay(world.log):
        pass

    letters = await waiting(world.log, world.group, world.effects.offsets)
    assert {letter.value for letter in letters} == bad
    assert len(letters) == len(bad) == 20
    reasons = {letter.header("dead-letter-reason") for letter in letters}
    assert reasons == {"ValueError: cannot be read", "Poison: cannot be done"}
    assert await world.effects.count() == 1_980
    labels = {"group": world.group, "topic": world.topic.name}
    assert registry.get_sample_value("mainstay_consumer_dead_letters_total", labels) == 20
    assert registry.get_sample_value("mainstay_consumer_records_total", labels) == 2_000

    mended = True
    assert await redrive(world.log, world.group, world.effects.offsets, world.effects.settle) == 20
    assert await waiting(world.log, world.group, world.effects.offsets) == []
    assert await redrive(world.log, world.group, world.effects.offsets, world.effects.settle) == 0
    async with Running(world, handle=handle, decode=decode):
        await world.all_had_an_effect()
    assert {effect.value for effect in await world.effects.all()} == {record.value.decode() for record in records}
    assert await world.effects.count() == 2_000


async def test_a_record_that_is_nobodys_business_moves_the_offset(world: World) -> None:
    await world.append(world.records(30))
    async with Running(world, decode=lambda record: record if int(record.value) % 2 else None):
        await world.all_had_an_effect()
    assert await world.effects.count() == 15
    assert (await world.log.bounds(dead_letter_topic(world.group).name))[0].next == 0


async def test_what_passes_by_itself_is_repeated_and_nothing_goes_aside(world: World) -> None:
    failures = 0

    async def handle(batch: Batch[Record]) -> None:
        nonlocal failures
        if failures < 4:
            failures += 1
            raise ConnectionResetError("the database is restarting")
        await world.effects.handle(batch)

    await world.append(world.records(50))
    async with Running(world, handle=handle):
        await world.all_had_an_effect()
    await world.check()
    assert failures == 4
    assert await waiting(world.log, world.group, world.effects.offsets) == []


async def test_the_next_batch_is_read_while_one_is_handled_and_again_when_that_fails(world: World) -> None:
    decoded: list[Record] = []
    failed = False

    def decode(record: Record) -> Record:
        decoded.append(record)
        return record

    async def is_ahead() -> bool:
        return len(decoded) > 50

    async def handle(batch: Batch[Record]) -> None:
        nonlocal failed
        if not failed:
            await eventually(is_ahead, what="more than this batch")
            failed = True
            raise ConnectionResetError("the database is restarting")
        await world.effects.handle(batch)

    await world.append(world.records(200))
    async with Running(world, handle=handle, decode=decode, up_to=50):
        await world.all_had_an_effect()
    await world.check()
    assert failed
    assert len(decoded) > 250


async def test_an_event_is_handled_within_tens_of_milliseconds(world: World) -> None:
    handled = asyncio.Event()

    async def handle(batch: Batch[Record]) -> None:
        await world.effects.handle(batch)
        handled.set()

    delays = []
    async with Running(world, handle=handle):
        await world.append(world.records(1))
        await handled.wait()
        for _ in range(20):
            handled.clear()
            began = time.perf_counter()
            await world.append(world.records(1))
            await handled.wait()
            delays.append(time.perf_counter() - began)
    assert sorted(delays)[10] < 0.1


async def test_the_trace_of_the_first_record_is_bound_while_it_is_handled(world: World) -> None:
    seen: list[object] = []
    traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

    async def handle(batch: Batch[Record]) -> None:
        seen.append(dict(get_contextvars()))
        await world.effects.handle(batch)

    await world.log.append([Outgoing(world.topic.name, "acme", b"1", (("traceparent", traceparent.encode()),))])
    async with Running(world, handle=handle):
        await world.all_had_an_effect()
    assert seen == [{"traceparent": traceparent, "trace_id": "0af7651916cd43dd8448eb211c80319c"}]
    assert get_contextvars() == {}


@pytest.mark.slow
async def test_a_slow_handler_does_not_make_the_consumer_hoard(world: World) -> None:
    for _ in range(15):
        await world.append([Outgoing(world.topic.name, f"k{n}", b"1" + b"x" * 100_000) for n in range(100)])
    consumer = world.consumer()
    process = psutil.Process()
    gc.collect()
    before = process.memory_info().rss

    await consumer.start()
    fetched = 0
    most = before
    deadline = time.monotonic() + 4
    while time.monotonic() < deadline:
        found, _ = await consumer.fetch(up_to=5, within=timedelta(seconds=0.1))
        fetched += len(found)
        del found
        await asyncio.sleep(0.1)  # the slow handler
        most = max(most, process.memory_info().rss)
    await consumer.stop()

    assert 20 <= fetched <= 500
    assert (most - before) / MIB < 48  # of a backlog of 143 MiB


async def test_one_fetch_is_bounded_by_bytes_too(world: World) -> None:
    for _ in range(4):
        await world.append([Outgoing(world.topic.name, "k", b"1" + b"x" * 800_000) for _ in range(15)])
    consumer = world.consumer()
    await consumer.start()
    sizes: list[int] = []

    async def all_came() -> bool:
        found, _ = await consumer.fetch(up_to=1_000, within=timedelta(seconds=0.2))
        sizes.append(sum(len(record.value) for record in found))
        return sum(sizes) >= 60 * 800_001

    await eventually(all_came, what="the whole backlog")
    await consumer.stop()
    assert max(sizes) <= 18 * MIB
