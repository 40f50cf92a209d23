"""An office that opens on a given day."""

from collections.abc import AsyncIterator

import pytest

from mainstay.db.migrate import History, migrate
from renewals.bootstrap import HISTORY
from tests.integration.renewals.office import Office

HISTORIES = (
    History("event_log", "mainstay.messaging.migrations"),
    History("access", "mainstay.web.migrations"),
    HISTORY,
)


@pytest.fixture
async def office(postgres_url: str) -> AsyncIterator[Office]:
    """Renewals at nine on January 5, 2026."""
    for history in HISTORIES:
        await migrate(postgres_url, history)
    office = await Office.opened(postgres_url, "2026-01-05T09:00")
    yield office
    await office.close()
