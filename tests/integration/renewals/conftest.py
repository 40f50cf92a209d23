"""An office that opens on a given day, on a database of its own."""

from collections.abc import AsyncIterator

import pytest

from tests.integration.renewals.office import Office


@pytest.fixture
async def office(migrated_url: str) -> AsyncIterator[Office]:
    """Renewals at nine on January 5, 2026."""
    office = await Office.opened(migrated_url, "2026-01-05T09:00")
    yield office
    await office.close()
