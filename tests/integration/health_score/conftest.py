"""health-score on a database of the test's own."""

from collections.abc import AsyncIterator

import pytest

from mainstay.web.keys import create_key
from tests.integration.health_score.health import SECRET, Health
from tests.integration.health_score.running import running


@pytest.fixture
def url(migrated_url: str) -> str:
    """The address of a database with every schema in it."""
    return migrated_url


@pytest.fixture
async def health(url: str) -> AsyncIterator[Health]:
    """health-score at 2026-03-01 09:00 UTC, with nothing in it."""
    async with running(url) as it:
        yield it


@pytest.fixture
async def another_health(another_migrated_url: str) -> AsyncIterator[Health]:
    """A second one, on a database of its own."""
    async with running(another_migrated_url) as it:
        yield it


@pytest.fixture
async def other_key(health: Health) -> str:
    """A key that may do other things."""
    key = await create_key(health.database, SECRET, "other", ["renewals:read", "ingest:write"])
    await health.keys.refresh()
    return key
