"""Clients whose events carry an id: what they send is stored, and counts once, whatever is killed meanwhile."""

from functools import partial
from pathlib import Path

import pytest

from tests.clients import senders
from tests.clients.events import assert_each_counts_once, uses
from tests.clients.ingest import Ingest, sending
from tests.clients.senders import Sender

pytestmark = [pytest.mark.clients, pytest.mark.timeout(150)]

CLIENTS = [
    pytest.param(senders.segment(gzip=False), id="segment-analytics-python"),
    pytest.param(senders.segment(gzip=True), id="segment-analytics-python with gzip"),
    pytest.param(senders.rudder, id="rudder-sdk-python"),
    pytest.param(senders.cloudevents("structured"), id="cloudevents structured"),
    pytest.param(senders.cloudevents("batch"), id="cloudevents batch"),
    pytest.param(senders.cloudevents("binary"), id="cloudevents binary"),
]


@pytest.mark.parametrize("killed", [pytest.param(False, id="undisturbed"), pytest.param(True, id="killed")])
@pytest.mark.parametrize("send", CLIENTS)
async def test_everything_sent_is_stored_and_counts_once(running: Ingest, send: Sender, *, killed: bool) -> None:
    sent = uses()

    delivered = await sending(running, partial(send, running.url, running.key, sent), kill_at=3_000 if killed else 0)

    assert len(delivered) == len(sent)
    stored = await running.stored()
    assert killed or len(stored) == len(sent)
    assert_each_counts_once(sent, stored)


@pytest.mark.parametrize("killed", [pytest.param(False, id="undisturbed"), pytest.param(True, id="killed")])
async def test_the_node_client_delivers_too(running: Ingest, node_folder: Path, *, killed: bool) -> None:
    sent = uses()

    delivered = await sending(
        running,
        partial(senders.analytics_node(node_folder), running.url, running.key, sent),
        kill_at=3_000 if killed else 0,
    )

    assert len(delivered) == len(sent)
    stored = await running.stored()
    assert killed or len(stored) == len(sent)
    assert_each_counts_once(sent, stored)
