"""What health-score makes of the records of usage."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from health_score.consumers import usage_recorded
from mainstay.contracts.envelope import Event, UnreadableEvent, encode
from mainstay.contracts.ingest import AccountFact, UsageRecorded
from mainstay.messaging.port import Record

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def record(data: UsageRecorded | AccountFact, *, without: str = "") -> Record:
    outgoing = encode(Event("e1", "shop", NOON, data))
    headers = tuple(header for header in outgoing.headers if header[0] != without)
    return Record(outgoing.topic, 0, 0, outgoing.key, outgoing.value, headers, NOON)


def used(occurred_at: datetime = NOON) -> UsageRecorded:
    return UsageRecorded("acme", "Report Opened", "reports", occurred_at, NOON, "ann", msgspec.Raw(b'{"n":1}'))


def test_a_use_has_the_id_and_the_source_of_its_record() -> None:
    event = usage_recorded(record(used(NOON + timedelta(microseconds=7))))

    assert event is not None
    assert (event.id, event.source, event.account_id, event.user_id) == ("e1", "shop", "acme", "ann")
    assert (event.event, event.feature, bytes(event.properties)) == ("Report Opened", "reports", b'{"n":1}')
    assert (event.occurred_at, event.received_at) == (NOON + timedelta(microseconds=7), NOON)


def test_what_its_data_call_id_and_source_is_not_its_own() -> None:
    sent = record(used())
    smuggled = msgspec.structs.replace(sent, value=sent.value[:-1] + b',"id":"e2","source":"else"}')

    event = usage_recorded(smuggled)

    assert event is not None
    assert (event.id, event.source) == ("e1", "shop")


def test_other_events_are_nobodys_business() -> None:
    assert usage_recorded(record(AccountFact(account_id="acme", occurred_at=NOON))) is None


@pytest.mark.parametrize(
    ("refused", "why"),
    [
        (record(used(datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC))), "1969-12-31"),
        (record(used(), without="ce_source"), "ce_source"),
        (record(used(), without="ce_id"), "ce_id"),
    ],
)
def test_what_cannot_be_a_use_is_unreadable(refused: Record, why: str) -> None:
    with pytest.raises(UnreadableEvent, match=why):
        usage_recorded(refused)
