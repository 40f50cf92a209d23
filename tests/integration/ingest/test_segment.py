"""The Segment protocol over a real socket, into a real log."""

import base64
import gzip
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from mainstay.contracts.ingest import AccountFact, ContactFact
from mainstay.contracts.topics import CUSTOMER_SIGNALS, USAGE_EVENTS
from tests.integration.ingest.door import Door

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def track(**fields: Any) -> dict[str, Any]:
    call = {"messageId": "m1", "event": "Report Opened", "userId": "ann", "context": {"groupId": "acme"}}
    return {"type": "track", **call, **fields}


async def test_a_call_is_in_the_log_when_it_is_answered(door: Door) -> None:
    answer = await door.post("/v1/track", track(timestamp="2014-05-06T07:08:09Z", properties={"feature": "reports"}))

    assert (answer.status_code, answer.content) == (200, b'{"success":true}')
    assert answer.headers["content-type"] == "application/json"
    [event] = await door.events(USAGE_EVENTS)
    assert (event.id, event.source, event.time) == ("m1", "product", datetime(2014, 5, 6, 7, 8, 9, tzinfo=UTC))
    assert (event.data.account_id, event.data.user_id, event.data.feature) == ("acme", "ann", "reports")
    assert event.data.received_at == door.service.chassis.clock.now()


async def test_facts_go_to_their_own_topic(door: Door) -> None:
    now = door.service.chassis.clock.now()
    batch = [
        {"type": "group", "groupId": "acme", "userId": "ann", "traits": {"name": "Acme", "plan": "gold"}},
        {"type": "identify", "userId": "ann", "context": {"groupId": "acme"}, "traits": {"email": "ann@example.com"}},
        track(),
    ]
    assert (await door.post("/v1/batch", {"batch": batch})).status_code == 200
    assert (await door.post("/v1/group", {"groupId": "beta", "traits": {}})).status_code == 200
    assert (await door.post("/v1/identify", {"userId": "bob", "context": {"groupId": "beta"}})).status_code == 200

    facts = [event.data for event in await door.events(CUSTOMER_SIGNALS)]
    assert {fact.account_id for fact in facts} == {"acme", "beta"}
    assert [fact for fact in facts if fact.account_id == "acme"] == [
        AccountFact("acme", now, name="Acme", tier="gold"),
        ContactFact("acme", "ann", now, email="ann@example.com"),
    ]
    assert len(await door.events(USAGE_EVENTS)) == 1


async def test_calls_of_an_account_keep_their_order(door: Door) -> None:
    for number in range(3):
        batch = [track(messageId=f"m{number}-{index}") for index in range(500)]
        assert (await door.post("/v1/batch", {"batch": batch})).status_code == 200

    found = [event.id for event in await door.events(USAGE_EVENTS)]
    assert found == [f"m{number}-{index}" for number in range(3) for index in range(500)]


async def test_the_good_calls_of_a_batch_are_taken_and_the_bad_ones_told(door: Door) -> None:
    bad = [track(context={"groupId": "null"}), track(userId=""), {"type": "pages"}]
    answer = await door.post("/v1/batch", {"batch": [track(), *bad]})

    problem = answer.json()
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
    assert (problem["code"], problem["status"], problem["message"]) == ("batch-refused", 400, problem["detail"])
    assert problem["type"] == "urn:mainstay:problem:batch-refused"
    assert [(error["pointer"], error["code"]) for error in problem["errors"]] == [
        ("/batch/1/context/groupId", "account-id-invalid"),
        ("/batch/2/userId", "user-id-invalid"),
        ("/batch/3/type", "type-not-supported"),
    ]
    assert problem["accepted"] == 1
    assert [event.id for event in await door.events(USAGE_EVENTS)] == ["m1"]


async def test_at_most_twenty_errors_are_listed(door: Door) -> None:
    problem = (await door.post("/v1/batch", {"batch": [track(userId="")] * 500})).json()

    assert problem["code"] == "user-id-invalid"
    assert len(problem["errors"]) == 20
    assert "500" in problem["detail"]


WAYS_TO_GIVE_THE_KEY: Mapping[str, Callable[[str], dict[str, str]]] = {
    "Bearer": lambda key: {"Authorization": f"Bearer {key}"},
    "bearer in small letters": lambda key: {"Authorization": f"bearer   {key}"},
    "Basic with a colon": lambda key: {"Authorization": f"Basic {base64.b64encode(f'{key}:'.encode()).decode()}"},
    "Basic without a colon": lambda key: {"Authorization": f"Basic {base64.b64encode(key.encode()).decode()}"},
    "Basic with a password": lambda key: {"Authorization": f"Basic {base64.b64encode(f'{key}:x'.encode()).decode()}"},
}


@pytest.mark.parametrize("way", WAYS_TO_GIVE_THE_KEY)
async def test_a_key_may_come_in_the_header(door: Door, way: str) -> None:
    headers = WAYS_TO_GIVE_THE_KEY[way](door.key)

    assert (await door.post("/v1/track", track(), headers=headers)).status_code == 200
    assert (await door.post("/v1/batch", {"batch": [track()]}, headers=headers)).status_code == 200


async def test_a_key_may_come_in_the_body(door: Door) -> None:
    nothing = {"Authorization": ""}

    assert (await door.post("/v1/track", track(writeKey=door.key), headers=nothing)).status_code == 200
    outer = {"batch": [track()], "writeKey": door.key}
    assert (await door.post("/v1/batch", outer, headers=nothing)).status_code == 200
    inner = {"batch": [track(writeKey=door.key)]}
    assert (await door.post("/v1/batch", inner, headers=nothing)).status_code == 401


@pytest.mark.parametrize(
    ("authorization", "write_key", "code"),
    [
        ("", None, "key-missing"),
        ("", "", "key-missing"),
        ("", "nonsense", "key-unknown"),
        ("Bearer nonsense", None, "key-unknown"),
        ("Bearer", None, "key-missing"),
        ("Basic !!!", None, "key-unknown"),
        ("Basic /////w==", None, "key-unknown"),
        ("Digest abc", None, "key-unknown"),
        ("Bearer mst_0123456789abcdef_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa00000000", None, "key-unknown"),
    ],
)
async def test_without_a_valid_key_nothing_is_taken(
    door: Door, authorization: str, write_key: str | None, code: str
) -> None:
    for path, body in (("/v1/track", track()), ("/v1/batch", {"batch": [track()]})):
        answer = await door.post(path, {**body, "writeKey": write_key}, headers={"Authorization": authorization})
        assert (answer.status_code, answer.json()["code"]) == (401, code)
        assert "Basic" in answer.headers["www-authenticate"]
    assert await door.events(USAGE_EVENTS) == []


async def test_a_header_that_is_wrong_is_not_saved_by_the_body(door: Door) -> None:
    answer = await door.post("/v1/track", track(writeKey=door.key), headers={"Authorization": "Bearer nonsense"})
    assert answer.status_code == 401


async def test_a_key_needs_the_scope(door: Door) -> None:
    reader, admin = await door.another_key(["ingest:read", "health:write"]), await door.another_key(["admin"])

    refused = await door.post("/v1/track", track(), headers={"Authorization": f"Bearer {reader}"})
    assert (refused.status_code, refused.json()["code"]) == (403, "scope-missing")
    assert "ingest:write" in refused.json()["message"]
    taken = await door.post("/v1/track", track(), headers={"Authorization": f"Bearer {admin}"})
    assert taken.status_code == 200


GOOD = json.dumps(track()).encode()
GZIP = {"Content-Encoding": "gzip"}


@pytest.mark.parametrize(
    ("body", "headers", "status", "code"),
    [
        (b"", {}, 400, "malformed-json"),
        (b"{", {}, 400, "malformed-json"),
        (GOOD + b"x", {}, 400, "malformed-json"),
        (b"null", {}, 400, "value-invalid"),
        (b'"text"', {}, 400, "value-invalid"),
        (b"[" * 100_000 + b"]" * 100_000, {}, 413, "event-too-large"),
        (b'{"event": ' + b"[" * 15_000 + b"]" * 15_000 + b"}", {}, 400, "value-invalid"),
        (b'{"other": ' + b"[" * 15_000 + b"]" * 15_000 + b"}", {}, 400, "too-deep"),
        (GOOD.replace(b'"ann"', b"NaN"), {}, 400, "malformed-json"),
        (GOOD.replace(b'"ann"', b"7" * 5_000), {}, 400, "value-invalid"),
        (GOOD.replace(b"ann", b"\\u0000"), {}, 400, "user-id-invalid"),
        (GOOD.replace(b"ann", b"\xff"), {}, 400, "not-utf-8"),
        (GOOD[:-2] + b"\xe2\x82", {}, 400, "not-utf-8"),
        (GOOD.decode().encode("utf-16"), {}, 400, "not-utf-8"),
        (b"\x1f\x8b" + GOOD, {}, 400, "not-utf-8"),
        (gzip.compress(GOOD)[:-1], GZIP, 400, "gzip-malformed"),
        (gzip.compress(bytes(128 << 20)), GZIP, 413, "body-too-large"),
        (GOOD, {"Content-Encoding": "br"}, 415, "encoding-not-supported"),
        (b" " * (500 * 1024 + 1), {}, 413, "body-too-large"),
        (GOOD[:-1] + b" " * 32 * 1024 + b"}", {}, 413, "event-too-large"),
    ],
)
async def test_a_broken_body_gets_a_clear_answer(
    door: Door, body: bytes, headers: dict[str, str], status: int, code: str
) -> None:
    answer = await door.post("/v1/track", content=body, headers=headers)

    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (status, code)
    assert {"type", "title", "status", "code", "message", "detail", "errors", "trace_id"} <= set(problem)
    assert (await door.post("/v1/track", content=GOOD)).status_code == 200
    assert len(await door.events(USAGE_EVENTS)) == 1


async def test_a_gzip_body_is_taken(door: Door) -> None:
    body = gzip.compress(json.dumps({"batch": [track(messageId=str(number)) for number in range(1_000)]}).encode())

    assert (await door.post("/v1/batch", content=body, headers=GZIP)).status_code == 200
    assert len(await door.events(USAGE_EVENTS)) == 1_000


async def test_a_batch_has_at_most_2500_calls(door: Door) -> None:
    small = {"type": "track", "event": "e", "userId": "u", "context": {"groupId": "a"}}

    assert (await door.post("/v1/batch", {"batch": [small] * 2_500})).status_code == 200
    answer = await door.post("/v1/batch", {"batch": [small] * 2_501})
    assert (answer.status_code, answer.json()["code"]) == (413, "too-many-events")


async def test_other_methods_and_types_are_told_so(door: Door) -> None:
    wrong_method = await door.http.get("/v1/track", headers={"Authorization": f"Bearer {door.key}"})
    assert (wrong_method.status_code, wrong_method.headers["allow"]) == (405, "POST")
    for path in ("/v1/track/", "/v2/track"):
        answer = await door.post(path, track())
        assert (answer.status_code, answer.json()["code"]) == (404, "not-found")


async def test_a_request_is_found_again_by_its_ids(door: Door) -> None:
    named = {"traceparent": TRACE, "X-Request-Id": "req-1"}
    answer = await door.post("/v1/track", track(), headers=named)
    refused = await door.post("/v1/track", track(userId="null"), headers=named)
    nameless = await door.post(
        "/v1/track", track(messageId="m2"), headers={"traceparent": "junk", "X-Request-Id": "a b"}
    )

    assert answer.headers["x-request-id"] == refused.headers["x-request-id"] == "req-1"
    assert refused.json()["trace_id"] == TRACE[3:35]
    first, second = await door.events(USAGE_EVENTS)
    assert first.traceparent == TRACE
    assert second.traceparent is not None
    assert second.traceparent[3:35] == nameless.headers["x-request-id"]


async def test_what_happens_is_counted(door: Door) -> None:
    await door.post("/v1/batch", {"batch": [track()] * 3})
    await door.post("/v1/track", track(userId="null"))

    shown = (await door.http.get("/metrics")).text
    assert 'mainstay_ingest_events_accepted_total{protocol="segment",source="product"} 3.0' in shown
    assert (
        'mainstay_ingest_events_refused_total{protocol="segment",reason="user-id-invalid",source="product"} 1.0'
        in shown
    )
    assert 'mainstay_ingest_requests_total{route="/v1/track",status="400"} 1.0' in shown
    assert "mainstay_ingest_append_seconds_count 1.0" in shown
    assert "mainstay_ingest_bytes_in_flight 0.0" in shown


async def test_health_and_documentation_are_behind_the_hot_routes(door: Door) -> None:
    ready = (await door.http.get("/readyz")).json()
    assert (ready["status"], ready["info"]) == ("ready", {"event log": "ok"})
    assert (await door.http.get("/healthz")).status_code == 200
    assert (await door.http.get("/docs")).status_code == 200
    assert set((await door.http.get("/openapi.json")).json()["paths"]) >= set(door.service.hot_routes())
