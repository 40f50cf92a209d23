"""Waiting for something and for the end of it all at once."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, TypeVar

T = TypeVar("T")


async def first(work: Coroutine[Any, Any, T], event: asyncio.Event) -> T | None:
    """The result of `work`, or None when the event comes before it; `work` is cancelled then."""
    doing = asyncio.ensure_future(work)
    waiting = asyncio.ensure_future(event.wait())
    try:
        await asyncio.wait({doing, waiting}, return_when=asyncio.FIRST_COMPLETED)
        return doing.result() if doing.done() else None
    finally:
        doing.cancel()
        waiting.cancel()


async def wait_for(event: asyncio.Event, seconds: float) -> bool:
    """Wait for the event, at most so long; answers whether it came."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
    return event.is_set()
