"""Clients of protocols without ids: an id is made of the content (Sensors Data), or there is none (Totango)."""

from collections import Counter
from datetime import UTC, datetime
from functools import partial

import pytest

from tests.clients import senders
from tests.clients.events import ONE_BY_ONE, assert_each_counts_once, uses
from tests.clients.ingest import Ingest, sending

pytestmark = [
    pytest.mark.clients,
    pytest.mark.timeout(480),
    pytest.mark.filterwarnings("ignore:.*isSet.*:DeprecationWarning"),  # SensorsAnalyticsSDK
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),  # it never closes an answer
]

UNDISTURBED_OR_KILLED = pytest.mark.parametrize(
    "killed", [pytest.param(False, id="undisturbed"), pytest.param(True, id="killed")]
)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")  # its thread ends at any error
@UNDISTURBED_OR_KILLED
@pytest.mark.parametrize("consumer", ["default", "debug", "batch", "async"])
async def test_what_sensors_data_sends_is_stored_and_counts_once(
    running: Ingest, consumer: str, *, killed: bool
) -> None:
    sent = uses(ONE_BY_ONE) if killed and consumer in {"default", "debug"} else uses()

    await sending(
        running, partial(senders.sensors(consumer), running.url, running.key, sent), kill_at=1_000 if killed else 0
    )

    stored = await running.stored()
    assert killed or len(stored) == len(sent)
    assert_each_counts_once(sent, stored)


@UNDISTURBED_OR_KILLED
async def test_what_totango_sends_is_stored_at_least_once(running: Ingest, *, killed: bool) -> None:
    began = datetime.now(UTC)
    sent = uses(ONE_BY_ONE) if killed else uses()

    await sending(running, partial(senders.totango, running.url, running.key, sent), kill_at=1_000 if killed else 0)

    stored = await running.stored()
    ended = datetime.now(UTC)
    counts = Counter((e.data.account_id, e.data.user_id, e.data.event, e.data.feature) for e in stored)
    assert set(counts) == {(use.account, use.user, use.name, f"Module {use.number}") for use in sent}
    assert all(began <= event.data.occurred_at <= ended for event in stored)
    if killed:
        assert len(stored) - len(sent) <= 1, "at most the call that was under way is counted twice"
    else:
        assert len(stored) == len(sent)
