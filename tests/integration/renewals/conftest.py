"""An office that opens on a given day, on a database of its own."""

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
async def url(postgres_url: str) -> str:
    """The address of a database with the schemas that renewals needs."""
    for history in HISTORIES:
        await migrate(postgres_url, history)
    return postgres_url


@pytest.fixture
async def office(url: str) -> AsyncIterator[Office]:
    """Renewals at nine on January 5, 2026."""
    office = await Office.opened(url, "2026-01-05T09:00")
    yield office
    await office.close()
