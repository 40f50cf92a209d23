"""Keeping in memory what is looked up too often to ask the database each time."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta

import structlog

from mainstay.db.errors import is_transient

_log = structlog.get_logger(__name__)


async def keep_fresh(
    refresh: Callable[[], Awaitable[None]], what: str, stopping: asyncio.Event, *, every: timedelta
) -> None:
    """Call `refresh` again and again until told to stop, giving up a call that takes longer than `every`.

    While the database is away what was read last holds, and the log says of `what` that it could not be read. Raises
    any other error of `refresh`.
    """
    seconds = every.total_seconds()
    while not stopping.is_set():
        try:
            async with asyncio.timeout(seconds):
                await refresh()
        except Exception as error:
            if not is_transient(error):
                raise
            _log.warning("could not be read again", what=what, reason=str(error))
        with suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), seconds)
