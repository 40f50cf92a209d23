"""Waiting for a condition instead of for time to pass."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, TypeVar, overload

T = TypeVar("T")


@overload
async def eventually(
    condition: Callable[[], Awaitable[T]], within: timedelta | float = 10.0, *, every: float = 0.02
) -> T: ...
@overload
async def eventually(condition: Callable[[], T], within: timedelta | float = 10.0, *, every: float = 0.02) -> T: ...
async def eventually(condition: Callable[[], Any], within: timedelta | float = 10.0, *, every: float = 0.02) -> Any:
    """The first true answer of `condition`. Raises AssertionError with the last answer after `within` (seconds)."""
    seconds = within.total_seconds() if isinstance(within, timedelta) else within
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while True:
        answer = condition()
        answer = await answer if inspect.isawaitable(answer) else answer
        if answer:
            return answer
        if loop.time() > deadline:
            raise AssertionError(f"not within {seconds:g} s; the last answer was {answer!r}")
        await asyncio.sleep(every)
