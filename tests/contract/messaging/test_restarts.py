"""Servers that are killed and come back: nothing acknowledged is lost, and no effect happens twice."""

import asyncio
from datetime import timedelta

import pytest
from prometheus_client import CollectorRegistry

from mainstay.messaging.kafka import consumer
from mainstay.messaging.port import LogUnavailable
from tests.contract.messaging.world import World, eventually
from tests.kafka import KafkaNode

RESTARTS = 3


@pytest.mark.slow
@pytest.mark.timeout(300)  # a broker takes twenty seconds to restart when every core is busy
async def test_the_log_and_the_database_are_killed_under_load(fragile_world: World) -> None:
    world = fragile_world
    stop_sending = asyncio.Event()

    async def send() -> None:
        while not stop_sending.is_set():
            await world.append(world.records(20), within=timedelta(seconds=2))

    sending = [asyncio.create_task(send()) for _ in range(3)]
    for _ in range(2):
        await world.start_member(slow=0.01).says("handled")
    for _ in range(RESTARTS):
        before = await world.effects.count()
        await world.transport.restart()

        async def goes_on(before: int = before) -> bool:
            return await world.effects.count() > before + 100

        await eventually(goes_on, within=90, what="effects after the restart")
    stop_sending.set()
    await asyncio.gather(*sending)

    await world.all_had_an_effect(90)
    effects = await world.effects.all()
    places = [(effect.partition, effect.offset) for effect in effects]
    assert len(places) == len(set(places))
    assert set(world.sent) <= {(effect.key, effect.value) for effect in effects}
    assert all(member.process.poll() is None for member in world.members)


@pytest.mark.slow
@pytest.mark.timeout(300)  # a broker takes twenty seconds to restart when every core is busy
async def test_the_consumers_database_is_killed_under_load(fragile_world: World, own_postgres: object) -> None:
    world = fragile_world
    await world.append(world.records(2_000))
    world.start_member(slow=0.01)
    for _ in range(RESTARTS):
        before = await world.effects.count()
        await asyncio.to_thread(own_postgres.stop, "immediate")  # type: ignore[attr-defined] # an EmbeddedPostgres
        await asyncio.to_thread(own_postgres.start)  # type: ignore[attr-defined] # an EmbeddedPostgres

        async def goes_on(before: int = before) -> bool:
            return await world.effects.count() > before or await world.effects.count() == 2_000

        await eventually(goes_on, within=90, what="effects after the restart")

    await world.all_had_an_effect(90)
    await world.check()


@pytest.mark.slow
@pytest.mark.timeout(300)  # a broker takes twenty seconds to restart when every core is busy
async def test_an_append_ends_in_time_while_the_log_is_away_and_works_again_afterwards(
    fragile_world: World, own_postgres: object, request: pytest.FixtureRequest
) -> None:
    world = fragile_world
    await world.append(world.records(5))
    if world.transport.url.startswith("kafka"):
        request.getfixturevalue("kafka_node").kill()
    else:
        own_postgres.stop("immediate")  # type: ignore[attr-defined] # an EmbeddedPostgres

    began = asyncio.get_running_loop().time()
    with pytest.raises(LogUnavailable) as unavailable:
        await world.log.append(world.records(5), within=timedelta(seconds=1))
    assert asyncio.get_running_loop().time() - began < 1.5
    assert unavailable.value.unacknowledged == {0, 1, 2, 3, 4}
    assert await world.log.healthy() is not None

    await world.transport.restart()
    await world.append(world.records(5))

    async def healthy() -> bool:
        return await world.log.healthy() is None

    await eventually(healthy, what="a healthy log")


@pytest.mark.slow
@pytest.mark.timeout(300)  # a broker takes twenty seconds to restart when every core is busy
@pytest.mark.parametrize("fragile_world", [pytest.param("kafka", marks=pytest.mark.kafka)], indirect=True)
async def test_a_broker_that_is_away_for_long_ends_no_consumer(
    fragile_world: World, kafka_node: KafkaNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It connects anew, and closes what it had while its fetches fail."""
    monkeypatch.setattr(consumer, "STALLED_AFTER", 1.0)
    monkeypatch.setattr(consumer, "LOOK_EVERY", 0.2)
    world = fragile_world
    stopping, registry = asyncio.Event(), CollectorRegistry()
    running = asyncio.create_task(world.runner(registry=registry).run(stopping))
    await world.append(world.records(20))
    await world.all_had_an_effect(40)

    await asyncio.to_thread(kafka_node.kill)

    async def has_failed() -> bool:
        labels = {"group": world.group, "topic": world.topic.name, "then": "repeat"}
        return running.done() or bool(registry.get_sample_value("mainstay_consumer_errors_total", labels))

    await eventually(has_failed, within=60, what="a consumer that connects anew in vain")
    assert not running.done(), running
    await world.transport.restart()
    await world.append(world.records(20))
    await world.all_had_an_effect(90)
    stopping.set()
    await running
