"""Clients whose events carry an id: what they send is stored, and counts once, whatever is killed meanwhile."""

from functools import partial
from pathlib import Path

import pytest

from tests.clients import senders
from tests.clients.events import ONE_BY_ONE, Use, assert_each_counts_once, uses
from tests.clients.ingest import Ingest, sending
from tests.clients.senders import Sender

pytestmark = [pytest.mark.clients, pytest.mark.timeout(150)]

CLIENTS = [
    pytest.param(senders.segment(gzip=False), id="segment-analytics-python"),
    pytest.param(senders.segment(gzip=True), id="segment-analytics-python with gzip"),
    pytest.param(senders.rudder, id="rudder-sdk-python"),
    pytest.param(senders.cloudevents("batch"), id="cloudevents batch"),
]
CLIENTS_ONE_BY_ONE = [
    pytest.param(senders.cloudevents("structured"), id="cloudevents structured"),
    pytest.param(senders.cloudevents("binary"), id="cloudevents binary"),
]
UNDISTURBED_OR_KILLED = pytest.mark.parametrize(
    "killed", [pytest.param(False, id="undisturbed"), pytest.param(True, id="killed")]
)


@UNDISTURBED_OR_KILLED
@pytest.mark.parametrize("send", CLIENTS)
async def test_everything_sent_is_stored_and_counts_once(running: Ingest, send: Sender, *, killed: bool) -> None:
    await assert_delivered(running, send, uses(), kill_at=3_000 if killed else 0)


@UNDISTURBED_OR_KILLED
@pytest.mark.parametrize("send", CLIENTS_ONE_BY_ONE)
async def test_what_is_sent_one_by_one_is_too(running: Ingest, send: Sender, *, killed: bool) -> None:
    await assert_delivered(running, send, uses(ONE_BY_ONE) if killed else uses(), kill_at=1_000 if killed else 0)


@UNDISTURBED_OR_KILLED
async def test_the_node_client_delivers_too(running: Ingest, node_folder: Path, *, killed: bool) -> None:
    await assert_delivered(running, senders.analytics_node(node_folder), uses(), kill_at=3_000 if killed else 0)


async def assert_delivered(it: Ingest, send: Sender, sent: list[Use], *, kill_at: int) -> None:
    delivered = await sending(it, partial(send, it.url, it.key, sent), kill_at=kill_at)

    assert len(delivered) == len(sent)
    stored = await it.stored()
    assert kill_at or len(stored) == len(sent)
    assert_each_counts_once(sent, stored)
