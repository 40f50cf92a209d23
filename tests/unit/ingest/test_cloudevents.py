"""CloudEvents read one by one, with a verdict for each."""

import json as stdlib
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from ingest.api import cloudevents
from ingest.api.cloudevents_routes import is_batch
from ingest.api.verdicts import Verdicts
from ingest.domain.limits import Limits
from ingest.domain.occurrence import SenderClock
from ingest.domain.refusal import Refused
from mainstay.contracts.envelope import Decoder, Event
from mainstay.contracts.ingest import EVENTS, AccountFact, ContactFact, UsageRecorded
from mainstay.messaging.port import LogUnavailable, Outgoing, Record

RECEIVED = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
USAGE: dict[str, Any] = {
    "specversion": "1.0",
    "id": "e1",
    "source": "urn:crm",
    "type": "mainstay.usage.recorded.v1",
    "time": "2014-05-06T07:08:09Z",
    "data": {"account_id": "acme", "event": "Report Opened", "user_id": "ann"},
}
ACCOUNT: dict[str, Any] = {
    **USAGE,
    "type": "mainstay.customer.account.v1",
    "data": {"account_id": "acme", "name": "Acme", "tier": None},
}
CONTACT: dict[str, Any] = {
    **USAGE,
    "type": "mainstay.customer.contact.v1",
    "data": {"account_id": "acme", "contact_id": "ann"},
}


def judged(*events: Any) -> Verdicts:
    verdicts = Verdicts(Limits(), SenderClock.observed(RECEIVED, None), TRACE, place="/{}")
    for document in cloudevents.read_batch(stdlib.dumps(events).encode(), Limits()):
        verdicts.read(document)
    return verdicts


def decoded(records: Iterable[Outgoing]) -> list[Event[Any] | None]:
    decode = Decoder(*EVENTS)
    return [decode(Record(one.topic, 0, 0, one.key, one.value, one.headers, RECEIVED)) for one in records]


def results(verdicts: Verdicts) -> tuple[int, list[tuple[Any, ...]]]:
    answer = verdicts.answer("0af7651916cd43dd8448eb211c80319c")
    return answer.status, [tuple(result.values())[:3] for result in msgspec.json.decode(answer.body)["results"]]


def test_events_of_our_types_are_records() -> None:
    data = {"account_id": "acme", "event": "Exported", "feature": "pdf", "properties": {"n": 1}}
    at = datetime(2014, 5, 6, 7, 8, 9, tzinfo=UTC)
    usage, account, contact = decoded(
        judged({**USAGE, "data": data}, {**ACCOUNT, "id": "e2"}, {**CONTACT, "id": "e3"}).records
    )

    assert usage == Event(
        "e1",
        "urn:crm",
        at,
        UsageRecorded("acme", "Exported", "pdf", at, RECEIVED, None, msgspec.Raw(b'{"n": 1}')),
        TRACE,
    )
    assert account == Event("e2", "urn:crm", at, AccountFact("acme", at, "Acme", tier=None), TRACE)
    assert contact == Event("e3", "urn:crm", at, ContactFact("acme", "ann", at), TRACE)


def test_a_fact_may_say_when_it_was_so() -> None:
    data = {**ACCOUNT["data"], "occurred_at": "2013-01-01T00:00:00Z"}
    [fact] = decoded(judged({**ACCOUNT, "data": data}).records)

    assert fact is not None
    assert fact.time == fact.data.occurred_at == datetime(2013, 1, 1, tzinfo=UTC)


def test_an_event_keeps_a_trace_of_its_own() -> None:
    own = "00-11111111111111111111111111111111-2222222222222222-01"
    kept, replaced = decoded(
        judged({**USAGE, "traceparent": own}, {**USAGE, "id": "e2", "traceparent": "junk"}).records
    )

    assert kept is not None
    assert replaced is not None
    assert (kept.traceparent, replaced.traceparent) == (own, TRACE)


@pytest.mark.parametrize(
    ("change", "code", "pointer"),
    [
        ({"specversion": "0.3"}, "specversion-not-supported", "/specversion"),
        ({"id": ""}, "event-id-invalid", "/id"),
        ({"id": "a\u0000"}, "event-id-invalid", "/id"),
        ({"source": ""}, "event-id-invalid", "/source"),
        ({"type": "com.example.other"}, "type-not-supported", "/type"),
        ({"type": None}, "value-invalid", "/type"),
        ({"time": "soon"}, "value-invalid", "/time"),
        ({"time": "1970-01-01T00:00:00Z"}, "time-out-of-range", "/time"),
        ({"datacontenttype": "text/xml"}, "data-not-json", "/data"),
        ({"data_base64": "e30="}, "data-not-json", "/data"),
        ({"data": None}, "value-invalid", "/data"),
        ({"data": {"event": "x"}}, "value-invalid", "/data"),
        ({"data": {"account_id": "", "event": "x"}}, "account-id-invalid", "/data/account_id"),
        ({"data": {"account_id": "acme", "event": ""}}, "name-invalid", "/data/event"),
        ({"data": {"account_id": "acme", "event": "x", "user_id": ""}}, "user-id-invalid", "/data/user_id"),
        ({"data": {"account_id": "acme", "event": "x", "feature": "a\u0000"}}, "name-invalid", "/data/feature"),
        ({"data": {**USAGE["data"], "properties": {"a": "\u0000"}}}, "nul-character", "/data/properties"),
        ({"type": ACCOUNT["type"], "data": {"account_id": "acme", "zone": "Mars"}}, "zone-unknown", "/data/zone"),
        ({"type": ACCOUNT["type"], "data": {"account_id": "acme", "owner": 7}}, "value-invalid", "/data/owner"),
        ({**CONTACT, "data": {"account_id": "acme", "contact_id": ""}}, "user-id-invalid", "/data/contact_id"),
    ],
)  # fmt: skip
def test_an_event_that_breaks_a_rule_is_invalid(change: dict[str, Any], code: str, pointer: str) -> None:
    verdicts = judged({**USAGE, "id": "good"}, {**USAGE, **change})

    status, [good, bad] = results(verdicts)
    assert status == 207
    assert good == ("good", "ok", None)
    assert bad[1:] == ("invalid", code)
    assert [refused.pointer for refused in verdicts.refusals] == [f"/1{pointer}"]
    assert len(verdicts.records) == 1


def test_an_id_is_told_even_of_an_event_that_cannot_be_read() -> None:
    _, found = results(judged(USAGE, {"id": "e9"}, {"id": 9}, "text", 7))

    assert found[1:] == [("e9", "invalid", "value-invalid"), *[(None, "invalid", "value-invalid")] * 3]


def test_a_repetition_within_a_request_is_a_duplicate() -> None:
    verdicts = judged({**USAGE, "id": "e1", "type": "unknown"}, USAGE, USAGE, {**USAGE, "source": "urn:other"})

    assert [result for _, result, _ in results(verdicts)[1]] == ["invalid", "ok", "duplicate", "ok"]
    assert len(verdicts.records) == 2


def test_what_the_log_did_not_acknowledge_is_to_be_sent_again() -> None:
    verdicts = judged(USAGE, {**USAGE, "id": "e2"}, USAGE, {**USAGE, "id": ""}, {**USAGE, "id": "e3"})
    verdicts.unacknowledged(LogUnavailable("away", [0, 2]))

    status, found = results(verdicts)
    assert status == 503
    assert [result for _, result, _ in found] == ["retry", "ok", "retry", "invalid", "retry"]
    assert verdicts.accepted == 1


def test_a_request_without_an_acceptable_event_is_a_problem() -> None:
    answer = judged({**USAGE, "id": ""}, {**USAGE, "type": "unknown"}).answer("trace")
    problem = msgspec.json.decode(answer.body)

    assert (answer.status, answer.media_type, problem["code"]) == (400, b"application/problem+json", "events-refused")
    assert [error["pointer"] for error in problem["errors"]] == ["/0/id", "/1/type"]
    assert [result["result"] for result in problem["results"]] == ["invalid", "invalid"]
    assert judged().answer("trace").body == b'{"results":[]}'


def test_an_event_has_at_most_32_kib() -> None:
    large = {**USAGE, "data": {"account_id": "acme", "event": "x", "properties": {"text": "x" * 32 * 1024}}}

    assert results(judged(USAGE, large))[1][1] == ("e1", "invalid", "event-too-large")


@pytest.mark.parametrize(
    ("media_type", "batch"),
    [
        (b"application/cloudevents+json", False),
        (b"Application/CloudEvents+JSON; charset=utf-8", False),
        (b'application/cloudevents-batch+json;charset="UTF-8"; x=y', True),
        (b"application/cloudevents-batch+json", True),
    ],
)
def test_the_media_type_tells_the_mode(media_type: bytes, *, batch: bool) -> None:
    assert is_batch(media_type) is batch


@pytest.mark.parametrize(
    "media_type",
    [
        b"",
        b"application/json",
        b"application/cloudevents+xml",
        b"application/cloudevents+json;charset=latin-1",
        b"\xff",
        b"a\r\nb",
    ],
)
def test_other_media_types_are_refused(media_type: bytes) -> None:
    with pytest.raises(Refused) as refusal:
        is_batch(media_type)
    assert refusal.value.code == "content-type-not-supported"
