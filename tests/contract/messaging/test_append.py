"""Appending: what is taken, what is refused, and what an acknowledgement means."""

import asyncio
import gc
from datetime import UTC, datetime, timedelta

import pytest

from mainstay.messaging.limits import MAX_HEADERS_BYTES
from mainstay.messaging.port import MAX_VALUE_BYTES, EventLog, LogUnavailable, Outgoing, RecordRefused, Topic
from tests.contract.messaging.world import World, drain


async def test_a_record_comes_back_as_it_was_sent(world: World) -> None:
    headers = (("ce_id", b"e1"), ("ce_id", b"again"), ("empty", b""), ("binary", bytes(range(256))))
    before = datetime.now(UTC) - timedelta(seconds=1)
    own, shared = headers[1:], headers[:1]
    await world.log.append([Outgoing(world.topic.name, "Zürich/β", b"\x00\xff", own, shared)])

    consumer = world.consumer()
    await consumer.start()
    [record], [step] = await drain(consumer, 1)
    await consumer.stop()

    assert (record.key, record.value, record.headers) == ("Zürich/β", b"\x00\xff", headers)
    assert before <= record.appended_at <= datetime.now(UTC) + timedelta(seconds=1)
    assert (step.expected, step.new, step.partition) == (record.offset, record.offset + 1, record.partition)


@pytest.mark.parametrize("value", [b"", b"x", b"x" * MAX_VALUE_BYTES], ids=["empty", "small", "largest"])
async def test_values_of_every_allowed_size(world: World, value: bytes) -> None:
    await world.log.append([Outgoing(world.topic.name, "acme", value, (("h", b"v" * (MAX_HEADERS_BYTES - 1)),))])

    consumer = world.consumer()
    await consumer.start()
    [record], _ = await drain(consumer, 1)
    await consumer.stop()

    assert record.value == value


async def test_many_of_the_largest_values_in_one_call(world: World) -> None:
    records = [Outgoing(world.topic.name, f"k{index % 3}", bytes([index]) * MAX_VALUE_BYTES) for index in range(12)]
    await world.log.append(records)

    consumer = world.consumer()
    await consumer.start()
    found, _ = await drain(consumer, 12)
    await consumer.stop()

    assert sorted(record.value[0] for record in found) == list(range(12))


async def test_appends_leave_nothing_to_the_garbage_collector(world: World) -> None:
    records = [Outgoing(world.topic.name, f"k{index}", b"x") for index in range(20)]
    await world.log.append(records)
    gc.collect()
    gc.disable()
    try:
        for _ in range(50):
            await world.log.append(records)
        unreachable = gc.collect()
    finally:
        gc.enable()

    assert unreachable < 50, "each call was kept alive by a ring of references"


BAD = {
    "too large": {"value": b"x" * (MAX_VALUE_BYTES + 1)},
    "no key": {"key": ""},
    "NUL in the key": {"key": "a\x00b"},
    "half a character in the key": {"key": "\ud800"},
    "key too long": {"key": "k" * 1001},
    "headers too large": {"headers": (("h", b"x" * (MAX_HEADERS_BYTES + 1)),)},
    "too many headers": {"headers": (("h", b""),) * 51},
}


@pytest.mark.parametrize("fault", BAD.values(), ids=BAD.keys())
async def test_a_refused_record_leaves_nothing_of_its_call_behind(world: World, fault: dict[str, object]) -> None:
    good = Outgoing(world.topic.name, "acme", b"1")
    bad = Outgoing(**{"topic": world.topic.name, "key": "acme", "value": b"", **fault})  # type: ignore[arg-type] # a table of cases

    with pytest.raises(RecordRefused) as refused:
        await world.log.append([good, bad, good])

    assert refused.value.index == 1
    assert sum(limits.next for limits in (await world.log.bounds(world.topic.name)).values()) == 0
    await world.log.append([good])  # and the log goes on


async def test_a_topic_that_does_not_exist_yet_is_told_at_once_and_nothing_is_appended(world: World) -> None:
    good = Outgoing(world.topic.name, "acme", b"1")

    async with asyncio.timeout(5):
        with pytest.raises(LogUnavailable, match="nobody-made-this does not exist yet") as unavailable:
            await world.log.append([good, Outgoing("nobody-made-this", "acme", b"1")])

    assert unavailable.value.unacknowledged == {0, 1}
    assert sum(limits.next for limits in (await world.log.bounds(world.topic.name)).values()) == 0


async def test_order_within_a_key_over_concurrent_calls(world: World) -> None:
    await world.append(world.records(1))  # the first append of a process also learns the topic's partitions
    records = world.records(3_000, keys=7)
    await asyncio.gather(*[world.append(records[start : start + 10]) for start in range(0, 3_000, 10)])

    async with asyncio.timeout(60):
        stopping = asyncio.Event()
        running = asyncio.create_task(world.runner().run(stopping))
        await world.all_had_an_effect()
        stopping.set()
        await running
    await world.check()


async def test_several_processes_that_append_at_once_leave_no_hole_and_keep_each_ones_order(world: World) -> None:
    logs = [world.transport.open(f"writer-{number}") for number in range(4)]

    async def write(writer: int, log: EventLog) -> None:
        await log.start()
        for number in range(60):
            keys = [f"account-{(number + step) % 9}" for step in range(3)]
            await log.append([Outgoing(world.topic.name, key, f"{writer} {number}".encode()) for key in keys])
        await log.close()

    await asyncio.gather(*[write(writer, log) for writer, log in enumerate(logs)])

    total = 0
    for partition, limits in (await world.log.bounds(world.topic.name)).items():
        found = await world.log.read(world.topic.name, partition, 0, 10_000)
        assert [record.offset for record in found] == list(range(limits.next))
        total += len(found)
        for writer in range(4):
            numbers = [int(record.value.split()[1]) for record in found if record.value.startswith(b"%d " % writer)]
            assert numbers == sorted(numbers)
    assert total == 4 * 60 * 3


async def test_a_key_always_goes_to_one_partition_the_same_on_both_transports(world: World) -> None:
    await world.log.append([Outgoing(world.topic.name, key, b"") for key in ("acme", "globex", "hooli", "acme")])

    found: dict[str, set[int]] = {}
    for partition in range(world.topic.partitions):
        for record in await world.log.read(world.topic.name, partition, 0, 10):
            found.setdefault(record.key, set()).add(record.partition)

    # What Kafka's own murmur2 gives for six partitions, so that a Java producer agrees.
    assert found == {"acme": {0}, "globex": {1}, "hooli": {3}}


async def test_topics_can_be_declared_again_and_by_several_at_once(world: World) -> None:
    topic = Topic(f"{world.topic.name}-more", partitions=2, kept=timedelta(days=1))
    await asyncio.gather(*[world.log.ensure_topics([topic, world.topic]) for _ in range(4)])
    await world.log.ensure_topics([Topic(topic.name, partitions=5, kept=timedelta(days=2))])

    assert set(await world.log.bounds(topic.name)) == {0, 1}


async def test_an_append_to_a_closed_log_says_so(world: World) -> None:
    log = world.transport.open()
    with pytest.raises(LogUnavailable) as unavailable:
        await log.append(world.records(3))
    assert unavailable.value.unacknowledged == {0, 1, 2}


async def test_reading_without_a_group(world: World) -> None:
    await world.append(world.records(40, keys=1))
    [(partition, limits)] = [(p, b) for p, b in (await world.log.bounds(world.topic.name)).items() if b.next]

    found = await world.log.read(world.topic.name, partition, 10, 20)

    assert [record.offset for record in found] == list(range(10, 30))
    assert await world.log.read(world.topic.name, partition, limits.next, 5) == []


async def test_a_log_that_answers_is_healthy(world: World) -> None:
    assert await world.log.healthy() is None
    assert len(world.log.id) > 10
