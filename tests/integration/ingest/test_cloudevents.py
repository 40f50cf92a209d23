"""The CloudEvents protocol over a real socket, into a real log."""

from typing import Any

import pytest

from mainstay.contracts.ingest import AccountFact
from mainstay.contracts.topics import CUSTOMER_SIGNALS, USAGE_EVENTS
from tests.integration.ingest.door import BATCH, STRUCTURED, Door


def usage(**fields: Any) -> dict[str, Any]:
    event = {
        "specversion": "1.0",
        "id": "e1",
        "source": "urn:product",
        "type": "mainstay.usage.recorded.v1",
        "time": "2014-05-06T07:08:09Z",
        "data": {"account_id": "acme", "event": "Report Opened", "user_id": "ann"},
    }
    return {**event, **fields}


def account(**data: Any) -> dict[str, Any]:
    return usage(id="a1", type="mainstay.customer.account.v1", data={"account_id": "acme", **data})


async def test_one_event_is_taken(door: Door) -> None:
    answer = await door.post("/v1/events", account(name="Acme", owner=None, zone="Europe/Berlin"), headers=STRUCTURED)

    assert answer.status_code == 200
    assert answer.json() == {"results": [{"id": "a1", "result": "ok", "code": None, "detail": None}]}
    [event] = await door.events(CUSTOMER_SIGNALS)
    assert (event.id, event.source) == ("a1", "urn:product")
    assert event.data == AccountFact("acme", event.time, name="Acme", owner=None, zone="Europe/Berlin")


async def test_each_event_of_a_batch_gets_its_verdict(door: Door) -> None:
    events = [
        usage(),
        usage(id="e2", data={"account_id": "", "event": "x"}),
        usage(),
        account(name="Acme"),
        usage(id=""),
    ]
    answer = await door.post("/v1/events", events, headers=BATCH)

    assert answer.status_code == 207
    assert [(one["id"], one["result"], one["code"]) for one in answer.json()["results"]] == [
        ("e1", "ok", None),
        ("e2", "invalid", "account-id-invalid"),
        ("e1", "duplicate", None),
        ("a1", "ok", None),
        ("", "invalid", "event-id-invalid"),
    ]
    assert [event.id for event in await door.events(USAGE_EVENTS)] == ["e1"]
    assert [event.id for event in await door.events(CUSTOMER_SIGNALS)] == ["a1"]


async def test_a_request_without_an_acceptable_event_is_a_problem(door: Door) -> None:
    answer = await door.post("/v1/events", usage(type="com.example.unknown"), headers=STRUCTURED)

    problem = answer.json()
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
    assert (problem["code"], problem["errors"][0]["pointer"]) == ("type-not-supported", "/type")
    assert problem["results"] == [
        {"id": "e1", "result": "invalid", "code": "type-not-supported", "detail": problem["results"][0]["detail"]}
    ]


@pytest.mark.parametrize(
    ("content", "headers", "status", "code"),
    [
        (b"{", STRUCTURED, 400, "malformed-json"),
        (b"[]", STRUCTURED, 400, "value-invalid"),
        (b"{}", BATCH, 400, "value-invalid"),
        (b"[1, 2", BATCH, 400, "malformed-json"),
        (b'["\xff"]', BATCH, 400, "not-utf-8"),
        (b"[" * 100_000 + b"]" * 100_000, BATCH, 400, "too-deep"),
        (b"[" + b"{}," * 2_500 + b"{}]", BATCH, 413, "too-many-events"),
        (b"{}", {"Content-Type": "application/json"}, 415, "content-type-not-supported"),
        (b"{}", {"Content-Type": "application/json", "ce-id": "1", "ce-type": "t"}, 415, "content-type-not-supported"),
        (b"{}", {**STRUCTURED, "Authorization": ""}, 401, "key-missing"),
        (b"{}", {**STRUCTURED, "Authorization": "Bearer nonsense"}, 401, "key-unknown"),
    ],
)
async def test_a_broken_request_gets_a_clear_answer(
    door: Door, content: bytes, headers: dict[str, str], status: int, code: str
) -> None:
    answer = await door.post("/v1/events", content=content, headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_an_empty_batch_is_well(door: Door) -> None:
    answer = await door.post("/v1/events", [], headers=BATCH)

    assert (answer.status_code, answer.json()) == (200, {"results": []})
