"""What is kept in memory is read again and again, also after the database was away."""

import asyncio
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from mainstay.db.refreshing import keep_fresh

OFTEN = timedelta(milliseconds=20)


async def test_it_goes_on_after_the_database_was_away_or_too_slow() -> None:
    stopping, calls = asyncio.Event(), 0

    async def refresh() -> None:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise ConnectionRefusedError
        if calls == 2:
            await asyncio.sleep(60)
        stopping.set()

    with capture_logs() as told:
        async with asyncio.timeout(10):
            await keep_fresh(refresh, "the keys", stopping, every=OFTEN)

    assert calls == 3
    assert [(line["event"], line["what"]) for line in told] == [("could not be read again", "the keys")] * 2


async def test_a_mistake_is_not_hidden() -> None:
    async def refresh() -> None:
        raise KeyError("a mistake")

    with pytest.raises(KeyError):
        await keep_fresh(refresh, "the keys", asyncio.Event(), every=OFTEN)
