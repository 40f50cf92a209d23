"""Back-pressure: who finds no room waits until there is some."""

import asyncio

from mainstay.messaging.room import Room


async def test_who_finds_no_room_waits_until_some_is_given_back() -> None:
    room = Room(100)
    await room.enter(60)
    await room.enter(60)  # the one that passes the limit is let in
    waiting = asyncio.create_task(room.enter(1))
    await asyncio.sleep(0)
    assert not waiting.done()

    room.leave(60)
    await waiting
    assert waiting.done()
