"""Retention and gaps: old records go in whole, and a reader that comes too late is told."""

import asyncio
from datetime import timedelta

import asyncpg
import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from structlog.testing import capture_logs

from mainstay.db.engine import asyncpg_dsn
from mainstay.messaging.port import Outgoing, Topic
from mainstay.messaging.postgres.segments import roll
from tests.contract.messaging.world import World, drain, eventually

SOON = timedelta(seconds=0.2)


async def one_key(world: World, amount: int) -> int:
    """Append to one partition only; answers which."""
    await world.append(world.records(amount, keys=1))
    return next(number for number, limits in (await world.log.bounds(world.topic.name)).items() if limits.next)


async def test_a_gap_is_reported_and_the_partition_stands_still(world: World) -> None:
    partition = await one_key(world, 20)
    await world.effects.offsets.begin(world.log.id, world.group, world.topic.name, partition, 5)
    await world.transport.forget(world.topic.name, partition, 20)
    await one_key(world, 3)

    consumer = world.consumer()
    await consumer.start()

    async def reported() -> bool:
        found, _ = await consumer.fetch(up_to=100, within=SOON)
        assert found == () or not list(found)
        return bool(consumer.gaps())

    with capture_logs() as lines:
        await eventually(reported, what="the gap")
    [gap] = consumer.gaps()
    assert (gap.topic, gap.partition, gap.stored, gap.first) == (world.topic.name, partition, 5, 20)
    assert any("missing" in line["event"] for line in lines)
    stored = await world.effects.offsets.load(world.log.id, world.group, world.topic.name, [partition])
    assert stored == {partition: 5}
    await consumer.stop()


async def test_a_gap_that_opens_under_a_reader_is_reported_too(world: World) -> None:
    partition = await one_key(world, 20)
    consumer = world.consumer()
    await consumer.start()
    await drain(consumer, 3, up_to=3)
    await consumer.rewind()
    await world.effects.offsets.begin(world.log.id, world.group, world.topic.name, partition, 0)
    await world.transport.forget(world.topic.name, partition, 20)

    async def reported() -> bool:
        await consumer.fetch(up_to=1, within=SOON)
        return bool(consumer.gaps())

    await eventually(reported, what="the gap")
    await consumer.stop()


async def test_other_partitions_go_on_beside_a_gap(world: World) -> None:
    partition = await one_key(world, 10)
    await world.effects.offsets.begin(world.log.id, world.group, world.topic.name, partition, 0)
    await world.transport.forget(world.topic.name, partition, 10)
    await world.append(world.records(60, keys=30))

    consumer = world.consumer()
    await consumer.start()
    bounds = await world.log.bounds(world.topic.name)
    others = sum(limits.next - limits.first for number, limits in bounds.items() if number != partition)
    assert others > 0
    records, _ = await drain(consumer, others)
    await consumer.stop()

    assert partition not in {record.partition for record in records}


async def test_a_stored_offset_beyond_the_end_is_a_gap_also_when_the_log_grows_past_it(world: World) -> None:
    partition = await one_key(world, 5)
    await world.effects.offsets.begin(world.log.id, world.group, world.topic.name, partition, 8)

    consumer = world.consumer()
    await consumer.start()

    async def reported() -> bool:
        await consumer.fetch(up_to=1, within=SOON)
        return bool(consumer.gaps())

    await eventually(reported, what="the gap")
    await one_key(world, 10)
    found, _ = await consumer.fetch(up_to=100, within=timedelta(seconds=1))
    assert list(found) == []
    assert [gap.stored for gap in consumer.gaps()] == [8]
    await consumer.stop()


async def test_a_new_group_begins_at_the_first_record_kept(world: World) -> None:
    partition = await one_key(world, 10)
    await world.transport.forget(world.topic.name, partition, 10)
    await one_key(world, 4)

    consumer = world.consumer("new")
    await consumer.start()
    records, _ = await drain(consumer, 4)
    await consumer.stop()

    assert [record.offset for record in records] == [10, 11, 12, 13]
    assert consumer.gaps() == ()


async def test_offsets_go_on_over_many_segments(world: World) -> None:
    if world.transport.url.startswith("kafka"):
        pytest.skip("Kafka's own segments are Kafka's own business")
    await world.append(world.records(30))
    connection = await asyncpg.connect(asyncpg_dsn(world.transport.url))
    topic_id = await connection.fetchval("SELECT id FROM event_log.topic WHERE name = $1", world.topic.name)
    for _ in range(3):
        async with connection.transaction():
            await roll(connection, topic_id)
        await world.append(world.records(30))
    await connection.close()

    stopping = asyncio.Event()
    running = asyncio.create_task(world.runner().run(stopping))
    await world.all_had_an_effect()
    stopping.set()
    await running
    await world.check()


async def test_old_records_are_forgotten_by_dropping_tables(world: World) -> None:
    if world.transport.url.startswith("kafka"):
        pytest.skip("Kafka's retention is a setting, which the next test looks at")
    topic = Topic(f"{world.topic.name}-brief", partitions=2, kept=timedelta(seconds=1))
    await world.log.ensure_topics([topic])
    await world.log.append([Outgoing(topic.name, record.key, record.value) for record in world.records(20)])

    async def forgotten() -> bool:
        bounds = await world.log.bounds(topic.name)
        return all(limits.first == limits.next for limits in bounds.values())

    assert not await forgotten()
    await eventually(forgotten, within=20, what="the end of the retention")
    connection = await asyncpg.connect(asyncpg_dsn(world.transport.url))
    tables = await connection.fetchval(
        "SELECT count(*) FROM pg_tables, event_log.topic WHERE topic.name = $1"
        " AND schemaname = 'event_log' AND tablename LIKE format('segment\\_%s\\_%%', topic.id)",
        topic.name,
    )
    await connection.close()
    assert tables == 1
    assert sum(limits.next for limits in (await world.log.bounds(topic.name)).values()) == 20


async def test_retention_follows_the_declaration(world: World) -> None:
    async def declared(kept: timedelta | None) -> object:
        await world.log.ensure_topics([Topic(world.topic.name, world.topic.partitions, kept)])
        if not world.transport.url.startswith("kafka"):
            connection = await asyncpg.connect(asyncpg_dsn(world.transport.url))
            stored = await connection.fetchval("SELECT kept FROM event_log.topic WHERE name = $1", world.topic.name)
            await connection.close()
            return stored
        admin = AIOKafkaAdminClient(bootstrap_servers=world.transport.url.removeprefix("kafka://"))
        await admin.start()
        resource = ConfigResource(ConfigResourceType.TOPIC, world.topic.name)
        [answer] = await admin.describe_configs([resource])
        await admin.close()
        settings = {entry[0]: entry[1] for entry in answer.resources[0][4]}
        milliseconds = int(settings["retention.ms"])
        return None if milliseconds == -1 else timedelta(milliseconds=milliseconds)

    assert await declared(None) is None
    assert await declared(timedelta(days=7)) == timedelta(days=7)
    assert await declared(timedelta(days=90)) == timedelta(days=90)
    assert await declared(None) is None
