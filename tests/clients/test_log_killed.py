"""The log, a real Apache Kafka, is killed while clients send and comes back: what they believe delivered is stored."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest

from mainstay.testing import eventually
from tests.clients import senders
from tests.clients.events import ONE_BY_ONE, Use, assert_each_counts_once, uses
from tests.clients.ingest import Ingest, ingest
from tests.clients.senders import Sender
from tests.kafka import KafkaNode

pytestmark = [
    pytest.mark.clients,
    pytest.mark.timeout(480),  # a broker takes twenty seconds to restart when every core is busy
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),  # SensorsAnalyticsSDK closes no answer
]


@pytest.fixture
async def running(migrated_url: str, tmp_path: Path, kafka_url: str) -> AsyncIterator[Ingest]:
    async with ingest(migrated_url, tmp_path, log_url=kafka_url) as it:
        yield it


CLIENTS = [
    pytest.param(senders.segment(gzip=False), 10_000, id="segment-analytics-python"),
    pytest.param(senders.segment(gzip=True), 10_000, id="segment-analytics-python with gzip"),
    pytest.param(senders.rudder, 10_000, id="rudder-sdk-python"),
    pytest.param(senders.cloudevents("structured"), ONE_BY_ONE, id="cloudevents structured"),
    pytest.param(senders.cloudevents("batch"), 10_000, id="cloudevents batch"),
    pytest.param(senders.cloudevents("binary"), ONE_BY_ONE, id="cloudevents binary"),
    pytest.param(senders.sensors("default"), ONE_BY_ONE, id="SensorsAnalyticsSDK default"),
    pytest.param(senders.sensors("batch"), 10_000, id="SensorsAnalyticsSDK batch"),
]


@pytest.mark.parametrize(("send", "count"), CLIENTS)
async def test_nothing_is_lost(running: Ingest, kafka_node: KafkaNode, send: Sender, count: int) -> None:
    sent = uses(count)

    delivered = await killed_meanwhile(running, kafka_node, send, sent)

    assert len(delivered) == len(sent)
    assert_each_counts_once(sent, await running.stored())


async def test_the_node_client_loses_nothing(running: Ingest, kafka_node: KafkaNode, node_folder: Path) -> None:
    sent = uses()

    delivered = await killed_meanwhile(running, kafka_node, senders.analytics_node(node_folder), sent)

    assert len(delivered) == len(sent)
    assert_each_counts_once(sent, await running.stored())


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")  # its thread ends at the 503
@pytest.mark.filterwarnings("ignore:.*isSet.*:DeprecationWarning")
async def test_an_asynchronous_consumer_keeps_what_it_could_not_send(running: Ingest, kafka_node: KafkaNode) -> None:
    sent = uses()

    await killed_meanwhile(running, kafka_node, senders.sensors("async"), sent)

    assert_each_counts_once(sent, await running.stored())


async def test_totango_is_stored_at_least_once(running: Ingest, kafka_node: KafkaNode) -> None:
    sent = uses(ONE_BY_ONE)

    await killed_meanwhile(running, kafka_node, senders.totango, sent)

    stored = await running.stored()
    counts = Counter((e.data.account_id, e.data.user_id, e.data.event, e.data.feature) for e in stored)
    assert set(counts) == {(use.account, use.user, use.name, f"Module {use.number}") for use in sent}


async def killed_meanwhile(it: Ingest, node: KafkaNode, send: Sender, sent: list[Use]) -> set[int]:
    """Send; once a third is stored the broker is killed, and started again when a sender was told to come back."""
    sending = asyncio.ensure_future(asyncio.to_thread(partial(send, it.url, it.key, sent)))
    await it.until_stored(len(sent) // 3)
    assert not sending.done(), "the log was to be killed in the middle"
    await asyncio.to_thread(node.kill)
    await eventually(it.puts_off, 30)
    await asyncio.to_thread(node.start)
    return await sending
