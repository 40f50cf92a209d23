"""The log goes away while the clients send: what they believe delivered is stored once it is back, and counts once."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest

from mainstay.testing import eventually
from tests.clients import senders
from tests.clients.events import assert_each_counts_once, uses
from tests.clients.ingest import Ingest, ingest
from tests.clients.senders import Sender
from tests.integration.ingest.test_away import LogDatabase, log_database  # noqa: F401 - a fixture

pytestmark = [
    pytest.mark.clients,
    pytest.mark.timeout(150),
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),  # SensorsAnalyticsSDK closes no answer
]


@pytest.fixture
async def running(migrated_url: str, tmp_path: Path, log_database: LogDatabase) -> AsyncIterator[Ingest]:  # noqa: F811 - the fixture
    async with ingest(migrated_url, tmp_path, log_url=log_database.url) as it:
        yield it


CLIENTS = [
    pytest.param(senders.segment(gzip=True), id="segment-analytics-python with gzip"),
    pytest.param(senders.rudder, id="rudder-sdk-python"),
    pytest.param(senders.cloudevents("batch"), id="cloudevents batch"),
    pytest.param(senders.sensors("batch"), id="SensorsAnalyticsSDK batch"),
]


@pytest.mark.parametrize("send", CLIENTS)
async def test_nothing_is_lost(running: Ingest, log_database: LogDatabase, send: Sender) -> None:  # noqa: F811 - the fixture
    await assert_nothing_lost(running, log_database, send)


async def test_the_node_client_loses_nothing(
    running: Ingest,
    log_database: LogDatabase,  # noqa: F811 - the fixture
    node_folder: Path,
) -> None:
    await assert_nothing_lost(running, log_database, senders.analytics_node(node_folder))


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")  # its thread ends at the 503
@pytest.mark.filterwarnings("ignore:.*isSet.*:DeprecationWarning")
async def test_an_asynchronous_consumer_keeps_what_it_could_not_send(
    running: Ingest,
    log_database: LogDatabase,  # noqa: F811 - the fixture
) -> None:
    await assert_nothing_lost(running, log_database, senders.sensors("async"))


async def assert_nothing_lost(it: Ingest, database: LogDatabase, send: Sender) -> None:
    sent = uses()
    sending = asyncio.ensure_future(asyncio.to_thread(partial(send, it.url, it.key, sent)))
    await it.until_stored(3_000)
    assert not sending.done(), "the log was to go away in the middle"
    await database.goes_away()
    await eventually(it.puts_off, 30)
    await database.comes_back()

    assert len(await sending) == len(sent)
    assert_each_counts_once(sent, await it.stored())
