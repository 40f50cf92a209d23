"""The Segment protocol over a real socket, into a real log."""

from datetime import UTC, datetime
from typing import Any

from mainstay.contracts.topics import USAGE_EVENTS
from tests.integration.ingest.door import Door


def track(**fields: Any) -> dict[str, Any]:
    return {
        "type": "track",
        "messageId": "m1",
        "event": "Report Opened",
        "userId": "ann",
        "context": {"groupId": "acme"},
    } | fields


async def test_a_call_is_in_the_log_when_it_is_answered(door: Door) -> None:
    answer = await door.post("/v1/track", track(timestamp="2014-05-06T07:08:09Z", properties={"feature": "reports"}))

    assert (answer.status_code, answer.json()) == (200, {"success": True})
    [event] = await door.events(USAGE_EVENTS)
    assert (event.id, event.source, event.time) == ("m1", "product", datetime(2014, 5, 6, 7, 8, 9, tzinfo=UTC))
    assert event.data.account_id == "acme"
    assert (event.data.user_id, event.data.event, event.data.feature) == ("ann", "Report Opened", "reports")
