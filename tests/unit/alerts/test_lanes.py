"""What a process holds for a channel, and how much of it is called at once."""

import asyncio
from datetime import UTC, datetime

from alerts.application.delivery_ports import Call, Claim, Delivery, Notification
from alerts.application.lanes import IN_HAND, MOST_AHEAD, Lane, Lanes
from alerts.domain.channels import Channel, Filter
from alerts.domain.deliveries import DeliveryState
from alerts.domain.destinations import Webhook

NOW = datetime(2026, 3, 2, tzinfo=UTC)
CHANNEL = Channel("c", "hook", Webhook("https://example.com", "secret"), Filter(), NOW, NOW)


def call(name: str, *, at_once: int = 2) -> Call:
    delivery = Delivery(name, "n", "c", DeliveryState.DELIVERING, NOW)
    claim = Claim(delivery, Notification("n", "opened", NOW), CHANNEL, None, None, NOW)
    return Call(CHANNEL, (claim,), at_once=at_once)


async def test_the_first_come_goes_first_and_never_more_at_once_than_there_are_places() -> None:
    lane, began, running = Lane(), [], 0
    lane.at_once = 2

    async def one(number: int, *, first: bool = False) -> None:
        nonlocal running
        async with lane.place(first=first):
            running += 1
            assert running <= lane.at_once
            began.append(number)
            await asyncio.sleep(0)
            running -= 1

    await asyncio.gather(*(one(number) for number in range(10)), one(99, first=True))

    assert began == [0, 1, 99, *range(2, 10)]


async def test_whoever_stops_waiting_leaves_its_place_to_the_next() -> None:
    lane, began = Lane(), []

    async def one(number: int) -> None:
        async with lane.place():
            began.append(number)
            await asyncio.sleep(0)

    waiting = [asyncio.create_task(one(number)) for number in range(4)]
    await asyncio.sleep(0)
    waiting[1].cancel()
    await asyncio.sleep(0)
    waiting[2].cancel()  # it may have been let in this moment
    await asyncio.wait(waiting)

    assert began[-1] == 3
    assert 1 not in began


def test_it_holds_what_a_destination_takes_in_a_second_and_one_by_one_what_is_not_known_or_failed() -> None:
    lane = Lane()
    assert lane.ahead == 1
    for seconds, ahead in ((0.001, MOST_AHEAD), (IN_HAND * 2, 1)):
        for _ in range(50):
            lane.ended(seconds, well=True)
        assert lane.ahead == ahead
    for _ in range(50):
        lane.ended(0.001, well=True)

    lane.ended(0.001, well=False)

    assert (lane.ahead, lane.setbacks) == (1, 1)


def test_room_is_told_when_little_is_left_of_what_was_held_and_more_is_due() -> None:
    lanes, calls = Lanes(), [call(str(number)) for number in range(8)]
    for each in calls:
        lanes.take(each)
    lanes.waits_for({"c"})
    assert lanes.hands()["c"].deliveries == {str(number) for number in range(8)}

    told = []
    for each in calls:
        lanes.drop(each)
        told.append(lanes.room.is_set())

    assert told == [False, False, False, True, True, True, True, True]
    lanes.room.clear()
    lanes.waits_for(set())
    lanes.take(calls[0])
    lanes.drop(calls[0])
    assert not lanes.room.is_set()
