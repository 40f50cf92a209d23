from collections.abc import AsyncIterator

import pytest

from tests.integration.alerts.sinks import HttpSink, MailSink, http_sink, mail_sink
from tests.integration.alerts.world import World, close, world


@pytest.fixture
async def alerts(migrated_url: str) -> AsyncIterator[World]:
    made = await world(migrated_url).open()
    yield made
    await close(made)


@pytest.fixture
async def sink() -> AsyncIterator[HttpSink]:
    async with http_sink() as made:
        yield made


@pytest.fixture
async def mail() -> AsyncIterator[MailSink]:
    async with mail_sink() as made:
        yield made
