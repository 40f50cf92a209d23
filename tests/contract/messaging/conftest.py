"""The event log's contract, tried on each transport by every test that asks for `world`."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
import structlog

from mainstay.db.migrate import migrate
from mainstay.messaging.port import Topic
from standalone.postgres import EmbeddedPostgres
from standalone.services import EVENT_LOG
from tests.contract.messaging.effects import Effects
from tests.contract.messaging.transports import Embedded, OnKafka, Transport, durable_postgres
from tests.contract.messaging.world import World

KINDS = [pytest.param("embedded"), pytest.param("kafka", marks=pytest.mark.kafka)]


@pytest.fixture(autouse=True)
def plain_log_lines() -> Iterator[None]:
    """One JSON line an event: structlog's default draws every traceback with all its variables, for half a second."""
    structlog.configure(processors=[structlog.processors.format_exc_info, structlog.processors.JSONRenderer()])
    yield
    structlog.reset_defaults()


async def make_transport(kind: str, url: str, server: EmbeddedPostgres, request: pytest.FixtureRequest) -> Transport:
    if kind == "kafka":
        return OnKafka(request.getfixturevalue("kafka_url"), request.getfixturevalue("kafka_node"))
    await migrate(url, EVENT_LOG)
    return Embedded(url, server)


async def make_world(transport: Transport, database_url: str, folder: Path) -> AsyncIterator[World]:
    effects = Effects(database_url)
    await effects.create()
    log = transport.open()
    await log.start()
    topic = Topic(f"contract-{uuid4().hex[:8]}", partitions=6, kept=None)
    await log.ensure_topics([topic])
    world = World(transport, log, effects, database_url, folder, topic)
    yield world
    for member in world.members:
        member.end()
    await log.close()
    await effects.close()


@pytest.fixture(params=KINDS)
async def transport(request: pytest.FixtureRequest, postgres_url: str, postgres_server: EmbeddedPostgres) -> Transport:
    """A log on the run's own servers."""
    return await make_transport(request.param, postgres_url, postgres_server, request)


@pytest.fixture
async def world(transport: Transport, postgres_url: str, tmp_path: Path) -> AsyncIterator[World]:
    """A topic of six partitions, a group, and a database for its effects."""
    async for it in make_world(transport, postgres_url, tmp_path):
        yield it


@pytest.fixture
def own_postgres(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    """A PostgreSQL that this test may stop."""
    with durable_postgres(tmp_path / "postgres") as server:
        server.ensure_database()
        yield server


@pytest.fixture(params=KINDS)
async def fragile_world(
    request: pytest.FixtureRequest, own_postgres: EmbeddedPostgres, tmp_path: Path
) -> AsyncIterator[World]:
    """The same, on servers that the test may kill."""
    url = own_postgres.url()
    transport = await make_transport(request.param, url, own_postgres, request)
    async for it in make_world(transport, url, tmp_path):
        yield it
