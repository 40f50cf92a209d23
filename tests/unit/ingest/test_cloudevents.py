"""CloudEvents read one by one, with a verdict for each."""

import json as stdlib
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from ingest.api import cloudevents
from ingest.api.answers import Answer
from ingest.api.cloudevents_routes import Mode, attributes_of, mode_of
from ingest.api.verdicts import Verdicts
from ingest.application.stated import Delivery, Membership, Received, Stated
from ingest.domain.limits import Limits
from ingest.domain.policy import Policy
from ingest.domain.refusal import Refused
from ingest.records import RecordWriter
from mainstay.contracts.envelope import Decoder, Event
from mainstay.contracts.ingest import EVENTS, AccountFact, ContactFact, UsageRecorded
from mainstay.messaging.port import Record
from mainstay.web.keys import ApiKey

RECEIVED = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
POLICY = Policy("product", Limits())
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


class Judged:
    """A batch that was read, and what was read of it."""

    def __init__(self, *events: Any) -> None:
        key = ApiKey("k", "tests", "product", frozenset())
        self.delivery = Delivery("cloudevents", key, POLICY, RECEIVED, TRACE)
        self.verdicts = Verdicts(self.delivery, place="/{}")
        for document in cloudevents.read_batch(stdlib.dumps(events).encode(), Limits()):
            self.verdicts.read(document)

    def decided(self, **outcome: Any) -> "Judged":
        self.verdicts.decided(Received(refused=self.delivery.refused, **outcome))
        return self

    def answer(self, trace_id: str) -> Answer:
        return self.verdicts.answer(trace_id)

    @property
    def records(self) -> list[Stated]:
        return self.delivery.stated


def judged(*events: Any) -> Judged:
    return Judged(*events)


def decoded(events: Iterable[Stated]) -> list[Event[Any] | None]:
    decode = Decoder(*EVENTS)
    written = [RecordWriter(one.source, one.traceparent or TRACE)(one.id, one.occurred_at, one.data) for one in events]
    return [decode(Record(one.topic, 0, 0, one.key, one.value, tuple(one.all_headers()), RECEIVED)) for one in written]


def results(verdicts: Judged) -> tuple[int, list[tuple[Any, ...]]]:
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
        ({"data": {"event": "x"}}, "account-missing", "/data/account_id"),
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
    verdicts = judged({**USAGE, "id": "good"}, {**USAGE, **change}).decided()

    status, [good, bad] = results(verdicts)
    assert status == 207
    assert good == ("good", "ok", None)
    assert bad[1:] == ("invalid", code)
    [refused] = verdicts.delivery.refused
    assert (refused.place, refused.refusal.pointer) == (1, pointer)
    assert msgspec.json.decode(refused.document) == {**USAGE, **change}
    assert len(verdicts.records) == 1


def test_an_id_is_told_even_of_an_event_that_cannot_be_read() -> None:
    _, found = results(judged(USAGE, {"id": "e9"}, {"id": 9}, "text", 7).decided())

    assert found[1:] == [("e9", "invalid", "value-invalid"), *[(None, "invalid", "value-invalid")] * 3]


def test_a_repetition_within_a_request_is_a_duplicate() -> None:
    verdicts = judged(
        {**USAGE, "id": "e1", "type": "unknown"}, USAGE, USAGE, {**USAGE, "source": "urn:other"}
    ).decided()

    assert [result for _, result, _ in results(verdicts)[1]] == ["invalid", "ok", "duplicate", "ok"]
    assert len(verdicts.records) == 2


def test_what_the_log_did_not_acknowledge_is_to_be_sent_again() -> None:
    verdicts = judged(USAGE, {**USAGE, "id": "e2"}, USAGE, {**USAGE, "id": ""}, {**USAGE, "id": "e3"})
    assert verdicts.delivery.places == [0, 1, 4]
    verdicts.decided(unacknowledged=[0, 4])

    status, found = results(verdicts)
    assert status == 503
    assert [result for _, result, _ in found] == ["retry", "ok", "retry", "invalid", "retry"]


def test_a_request_without_an_acceptable_event_is_a_problem() -> None:
    answer = judged({**USAGE, "id": ""}, {**USAGE, "type": "unknown"}).decided().answer("trace")
    problem = msgspec.json.decode(answer.body)

    assert (answer.status, answer.media_type, problem["code"]) == (400, b"application/problem+json", "events-refused")
    assert [error["pointer"] for error in problem["errors"]] == ["/0/id", "/1/type"]
    assert [result["result"] for result in problem["results"]] == ["invalid", "invalid"]
    assert judged().decided().answer("trace").body == b'{"results":[]}'


def test_an_event_has_at_most_32_kib() -> None:
    large = {**USAGE, "data": {"account_id": "acme", "event": "x", "properties": {"text": "x" * 32 * 1024}}}

    assert results(judged(USAGE, large).decided())[1][1] == ("e1", "invalid", "event-too-large")


@pytest.mark.parametrize(
    ("media_type", "mode"),
    [
        (b"application/cloudevents+json", Mode.STRUCTURED),
        (b"Application/CloudEvents+JSON; charset=utf-8", Mode.STRUCTURED),
        (b'application/cloudevents-batch+json;charset="UTF-8"; x=y', Mode.BATCH),
        (b"application/cloudevents-batch+json", Mode.BATCH),
        (b"application/json", Mode.BINARY),
        (b"application/vnd.example+json; charset=utf-8", Mode.BINARY),
        (b"text/json", Mode.BINARY),
    ],
)
def test_the_media_type_tells_the_mode(media_type: bytes, mode: Mode) -> None:
    assert mode_of(media_type) is mode


def test_attributes_of_binary_mode_are_percent_decoded_headers() -> None:
    headers = {b"ce-specversion": b"1.0", b"ce-id": b"Z%C3%BCrich%20%25", b"content-type": b"application/json"}

    assert attributes_of(headers) == {"specversion": "1.0", "id": "Zürich %"}
    for broken in ({b"ce-id": b"1"}, {**headers, b"ce-source": b"%FF"}):
        with pytest.raises(Refused):
            attributes_of(broken)


def test_an_event_of_binary_mode_is_read_again_with_its_attributes() -> None:
    attributes = {key: value for key, value in USAGE.items() if key != "data"}
    body = stdlib.dumps(USAGE["data"]).encode()
    around = msgspec.json.encode({**attributes, "extension": "7"})
    binary, _, _ = cloudevents.read_again(body, around, POLICY, RECEIVED, None)
    structured, _, _ = cloudevents.read_again(stdlib.dumps(USAGE).encode(), b"{}", POLICY, RECEIVED, None)

    assert (binary.id, binary.source, binary.occurred_at) == (structured.id, structured.source, structured.occurred_at)
    assert binary.data == structured.data


def test_an_event_of_a_user_alone_waits_and_a_contact_says_who_belongs_where() -> None:
    lone = judged({**USAGE, "data": {"event": "x", "user_id": "ann"}}, {**CONTACT, "id": "e2"})
    lone.decided(waiting=[0])

    assert results(lone) == (200, [("e1", "ok", "waiting-for-account"), ("e2", "ok", None)])
    [membership] = lone.delivery.memberships
    assert membership == Membership("ann", "acme", datetime(2014, 5, 6, 7, 8, 9, tzinfo=UTC))


@pytest.mark.parametrize(
    "media_type",
    [
        b"",
        b"text/plain",
        b"application/cloudevents+xml",
        b"application/cloudevents+json;charset=latin-1",
        b"\xff",
        b"a\r\nb",
    ],
)
def test_other_media_types_are_refused(media_type: bytes) -> None:
    with pytest.raises(Refused) as refusal:
        mode_of(media_type)
    assert refusal.value.code == "content-type-not-supported"
