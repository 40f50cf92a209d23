"""Consumer groups: who reads what, who takes over, and that effects stay single whatever happens."""

import asyncio
import signal
from datetime import timedelta

import pytest

from mainstay.messaging.consuming import Batch
from mainstay.messaging.port import PositionTaken
from tests.contract.messaging.world import World, drain, eventually

SOON = timedelta(seconds=0.2)


async def test_a_group_that_starts_late_reads_from_the_beginning(world: World) -> None:
    await world.append(world.records(100))

    consumer = world.consumer("late")
    await consumer.start()
    records, _ = await drain(consumer, 100)
    await consumer.stop()

    assert sorted(int(record.value) for record in records) == list(range(100))


async def test_a_group_goes_on_where_its_database_says(world: World) -> None:
    await world.append(world.records(50))
    first = world.consumer()
    await first.start()
    records, steps = await drain(first, 50)
    await world.effects.handle(Batch(tuple(steps), tuple(records)))
    await first.done(steps)
    await first.stop()

    await world.append(world.records(5))
    second = world.consumer()
    await second.start()
    records, _ = await drain(second, 5)
    await second.stop()

    assert sorted(int(record.value) for record in records) == [50, 51, 52, 53, 54]


async def test_what_was_fetched_and_not_done_comes_again_after_a_rewind(world: World) -> None:
    await world.append(world.records(30, keys=3))
    consumer = world.consumer()
    await consumer.start()
    before, _ = await drain(consumer, 30)

    await consumer.rewind()
    again, _ = await drain(consumer, 30)
    await consumer.stop()

    assert sorted(int(record.value) for record in before) == sorted(int(record.value) for record in again)


async def test_groups_do_not_share_offsets(world: World) -> None:
    await world.append(world.records(10))
    for group in ("one", "other"):
        consumer = world.consumer(group)
        await consumer.start()
        records, steps = await drain(consumer, 10)
        await world.effects.handle(Batch(tuple(sorted(steps)), tuple(records)))
        await consumer.stop()

    assert await world.effects.count() == 20


async def test_members_share_the_partitions_fairly_and_take_over_at_once_on_a_clean_stop(world: World) -> None:
    consumers = [world.consumer() for _ in range(3)]
    for consumer in consumers:
        await consumer.start()

    async def fair() -> bool:
        await asyncio.gather(*[consumer.fetch(up_to=1, within=SOON) for consumer in consumers])
        return sorted(len(consumer.assigned()) for consumer in consumers) == [2, 2, 2]

    await eventually(fair, what="two partitions for each")
    held = [partition for consumer in consumers for partition in consumer.assigned()]
    assert len(set(held)) == 6

    await consumers.pop().stop()

    async def taken_over() -> bool:
        await asyncio.gather(*[consumer.fetch(up_to=1, within=SOON) for consumer in consumers])
        return sorted(len(consumer.assigned()) for consumer in consumers) == [3, 3]

    await eventually(taken_over, within=10, what="three partitions for each")
    for consumer in consumers:
        await consumer.stop()


async def test_lag_counts_what_is_not_done(world: World) -> None:
    await world.append(world.records(60))
    consumer = world.consumer()
    await consumer.start()
    _, steps = await drain(consumer, 60)

    assert sum((await consumer.lag()).values()) == 60
    await consumer.done(steps)
    assert sum((await consumer.lag()).values()) == 0
    await world.append(world.records(7))

    async def seven() -> bool:
        return sum((await consumer.lag()).values()) == 7

    await eventually(seven, what="a lag of seven")
    await consumer.stop()


async def test_nothing_is_lost_and_nothing_doubled_while_members_come_and_go(world: World) -> None:
    stop_sending = asyncio.Event()

    async def send() -> None:
        while not stop_sending.is_set():
            await world.append(world.records(40))
            await asyncio.sleep(0.02)

    sending = asyncio.create_task(send())
    for turn in range(4):
        member = world.start_member(slow=0.02)
        await member.says("handled")
        if turn % 2:
            world.members[turn - 1].send(signal.SIGTERM)
            assert await world.members[turn - 1].ends() == 0
    stop_sending.set()
    await sending

    await world.all_had_an_effect()
    await world.check()
    assert len({effect.member for effect in await world.effects.all()}) >= 2


async def test_a_handler_that_dies_between_effect_and_commit_loses_nothing_and_doubles_nothing(world: World) -> None:
    await world.append(world.records(600))
    for batch in (1, 2, 3):
        dying = world.start_member(dies_in=batch, up_to=40)
        assert await dying.ends() == -signal.SIGKILL
        assert "dying" in dying.said()
    world.start_member()

    await world.all_had_an_effect()
    await world.check()


async def test_a_zombie_that_wakes_after_its_partitions_moved_has_no_effect(world: World) -> None:
    go = world.folder / "go"
    await world.append(world.records(300))
    zombie = world.start_member(holds_until=str(go))
    await zombie.says("holding")
    zombie.send(signal.SIGSTOP)

    world.start_member()
    await world.all_had_an_effect()
    go.touch()
    zombie.send(signal.SIGCONT)
    await zombie.says("taken", "handled")
    await world.check()

    await world.append(world.records(300))
    await world.all_had_an_effect()
    await world.check()
    assert "taken" in zombie.said()


async def test_the_fence_is_the_stored_offset(world: World) -> None:
    await world.append(world.records(10, keys=1))
    consumer = world.consumer()
    await consumer.start()
    records, steps = await drain(consumer, 10)
    await consumer.stop()
    batch = Batch(tuple(steps), tuple(records))
    await world.effects.handle(batch)

    with pytest.raises(PositionTaken):
        await world.effects.handle(batch)

    assert await world.effects.count() == 10
