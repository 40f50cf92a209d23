"""What alerts keeps of an account's record."""

from datetime import UTC, datetime

import pytest

from alerts.consumers import decode_account
from mainstay.contracts.envelope import Event, encode
from mainstay.contracts.health_score import AccountChanged, ServicePromises
from mainstay.messaging.port import Record

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
BY_PRIORITY = {"urgent": 1, "normal": 8}


@pytest.mark.parametrize(
    ("promised", "priority", "hours"),
    [
        (BY_PRIORITY, "urgent", 1),
        (BY_PRIORITY, None, 8),
        (BY_PRIORITY, "low", None),
        ({"any": 4}, "urgent", 4),
        ({"any": 4}, None, 4),
        ({}, "urgent", None),
    ],
)
def test_what_an_account_is_promised_comes_with_its_record(
    promised: dict[str, int], priority: str | None, hours: int | None
) -> None:
    data = AccountChanged("acme", 1, NOON, promises=ServicePromises(30, promised))
    out = encode(Event("e1", "mainstay/health-score", NOON, data))

    heard = decode_account(Record(out.topic, 0, 0, out.key, out.value, out.headers, NOON))

    assert heard is not None
    assert (heard.what.touch_every_days, heard.what.response_hours(priority)) == (30, hours)
