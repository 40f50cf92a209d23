"""A door that is open on a given day, with the log in PostgreSQL."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from mainstay.kernel.clock import ManualClock
from tests.integration.ingest.door import Door, opened


@pytest.fixture
def clock() -> ManualClock:
    """Nine o'clock on March 2, 2026."""
    return ManualClock(datetime(2026, 3, 2, 9, tzinfo=UTC))


@pytest.fixture
async def door(migrated_url: str, clock: ManualClock) -> AsyncIterator[Door]:
    """Ingest, connected to its log."""
    async with opened(migrated_url, clock=clock) as door:
        await door.until_connected()
        yield door
