"""What people write down, through the running door, and as it then lies in the log."""

from collections.abc import Mapping
from typing import Any

import httpx
import msgspec
import pytest
from sqlalchemy import text

from mainstay.contracts.envelope import Decoder, Event
from mainstay.contracts.facts import FACTS
from mainstay.contracts.topics import CUSTOMER_SIGNALS
from mainstay.testing import eventually
from tests.integration.ingest.door import Door, opened

ACME = "/v1/accounts/acme"


class Csm:
    """A tool with a key that may write facts down."""

    def __init__(self, door: Door, key: str) -> None:
        self._door, self._key = door, key

    async def __call__(
        self, method: str, path: str, body: Any, headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        sent = {"Authorization": f"Bearer {self._key}", **(headers or {})}
        return await self._door.http.request(method, ACME + path, json=body, headers=sent)

    async def facts(self) -> list[Event[Any]]:
        log, decode = self._door.service.chassis.log, Decoder(*FACTS)
        found: list[Event[Any] | None] = []
        for partition, bounds in (await log.bounds(CUSTOMER_SIGNALS.name)).items():
            records = await log.read(CUSTOMER_SIGNALS.name, partition, bounds.first, bounds.next)
            found += [decode(record) for record in records]
        return [event for event in found if event is not None]


@pytest.fixture
async def csm(door: Door) -> Csm:
    return Csm(door, await door.another_key(["facts:write"]))


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "kind", "stored"),
    [
        (
            "POST",
            "/touchpoints",
            {
                "kind": "call",
                "result": "no_answer",
                "occurred_at": "2026-03-01T10:00:00Z",
                "cost": {"amount": "60.00", "currency": "EUR"},
                "next_step": {"what": "Call again", "due_on": "2026-03-06"},
            },
            201,
            "touchpoint",
            {"kind": "call", "result": "no_answer", "cost": {"amount": "60.00", "currency": "EUR"}},
        ),
        ("PUT", "/owner", {"owner": "eve@example.com"}, 200, "account", {"owner": "eve@example.com"}),
        ("PUT", "/owner", {"owner": None}, 200, "account", {"owner": None}),
        (
            "PUT",
            "/coverage",
            {"coverage_role": "coordinator", "coverage_assignment": None},
            200,
            "account",
            {"coverage_role": "coordinator", "coverage_assignment": None},
        ),
        (
            "PUT",
            "/team/sales",
            {"person": "sam@example.com", "since": "2026-03-01"},
            200,
            "account",
            {"team": [{"role": "sales", "person": "sam@example.com", "since": "2026-03-01"}]},
        ),
        ("PUT", "/stage", {"stage": "will_churn"}, 200, "account", {"stage": "will_churn"}),
        (
            "PUT",
            "/contacts/ann",
            {"role": "champion", "status": "left"},
            200,
            "contact",
            {"contact_id": "ann", "role": "champion", "status": "left"},
        ),
        ("POST", "/objectives", {"words": "Faster", "target": 3}, 201, "objective", {"words": "Faster", "target": 3}),
        (
            "PUT",
            "/objectives/O-1",
            {"state": "achieved", "confirmed_by": "ann"},
            200,
            "objective",
            {"objective_id": "O-1", "state": "achieved", "confirmed_by": "ann"},
        ),
        (
            "POST",
            "/feedback",
            {"feedback_id": "F-1", "kind": "bug", "words": "The export hangs"},
            201,
            "feedback",
            {"feedback_id": "F-1", "words": "The export hangs"},
        ),
        (
            "PUT",
            "/feedback/F-1",
            {"state": "released", "customer_told_at": "2026-03-02T08:00:00Z"},
            200,
            "feedback",
            {"feedback_id": "F-1", "state": "released", "customer_told_at": "2026-03-02T08:00:00Z"},
        ),
        (
            "PUT",
            "/handovers/H-1",
            {"kind": "external", "cut_over_on": "2026-04-01"},
            200,
            "handover",
            {"handover_id": "H-1", "kind": "external", "cut_over_on": "2026-04-01"},
        ),
        (
            "POST",
            "/handovers/H-1/steps",
            {"step_id": "intro", "done_at": "2026-03-02T08:00:00Z"},
            201,
            "handover",
            {"handover_id": "H-1", "steps": [{"step_id": "intro", "done_at": "2026-03-02T08:00:00Z"}]},
        ),
    ],
)
async def test_each_route_answers_with_the_fact_that_lies_in_the_log(
    csm: Csm, method: str, path: str, body: dict[str, Any], status: int, kind: str, stored: dict[str, Any]
) -> None:
    answer = await csm(method, path, body)

    assert answer.status_code == status, answer.text
    told = answer.json()
    assert told["type"] == f"mainstay.customer.{kind}.v1"
    assert {name: told["data"][name] for name in stored} == stored
    assert (told["data"]["account_id"], told["data"]["by"]) == ("acme", "tests")
    [event] = await csm.facts()
    assert (event.id, event.source, event.data.TYPE) == (told["id"], "mainstay/csm", told["type"])
    assert msgspec.json.decode(msgspec.json.encode(event.data)) == told["data"]
    assert told["occurred_at"] == body.get("occurred_at", "2026-03-02T09:00:00Z") == told["data"]["occurred_at"]


@pytest.mark.parametrize(
    ("method", "path", "body", "pointer"),
    [
        ("POST", "/touchpoints", {}, ""),
        ("POST", "/touchpoints", {"kind": "call", "cost": {"amount": 60, "currency": "EUR"}}, "/cost/amount"),
        ("POST", "/touchpoints", {"kind": "call", "minuets": 5}, "/minuets"),
        ("POST", "/touchpoints", {"kind": "call", "account_id": "other"}, "/account_id"),
        ("POST", "/touchpoints", {"kind": "call", "by": "somebody"}, "/by"),
        ("POST", "/objectives", {}, "/words"),
        ("POST", "/feedback", {"kind": "bug"}, "/words"),
        ("POST", "/feedback", {"words": "Dark mode"}, "/kind"),
        ("PUT", "/owner", {}, "/owner"),
        ("PUT", "/owner", {"owner": "eve", "tier": "gold"}, "/tier"),
        ("PUT", "/stage", {"stage": "asleep"}, "/stage"),
        ("PUT", "/coverage", {"coverage_role": "coordinator"}, "/coverage_assignment"),
        ("PUT", "/coverage", {"coverage_role": "boss", "coverage_assignment": "pool"}, "/coverage_role"),
        ("PUT", "/team/sales", {"person": 7}, "/person"),
        ("PUT", "/team/sales", {"person": "eve", "until": "1026-01-01"}, "/until"),
        ("PUT", "/team/sales", {"person": "eve", "occurred_at": "1999-01-01T00:00:00Z"}, "/occurred_at"),
        ("PUT", "/contacts/ann", {"name": "a\u0007"}, "/name"),
        ("POST", "/handovers/H-1/steps", {"done": True}, "/done"),
    ],
)
async def test_bad_input_is_told_by_its_place_and_leaves_nothing(
    csm: Csm, method: str, path: str, body: dict[str, Any], pointer: str
) -> None:
    answer = await csm(method, path, body)

    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert await csm.facts() == []


async def test_a_key_needs_the_scope(door: Door) -> None:
    answer = await Csm(door, door.key)("PUT", "/owner", {"owner": "eve"})

    assert (answer.status_code, answer.json()["code"]) == (403, "scope-missing")


async def test_a_repetition_with_its_key_is_one_fact(csm: Csm) -> None:
    key = {"Idempotency-Key": "k1"}
    first = await csm("POST", "/touchpoints", {"kind": "call"}, key)
    again = await csm("POST", "/touchpoints", {"kind": "call"}, key)
    other = await csm("POST", "/touchpoints", {"kind": "visit"}, key)

    assert (first.status_code, again.json(), other.status_code) == (201, first.json(), 422)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert [event.id for event in await csm.facts()] == [first.json()["id"]]


async def test_a_repetition_after_a_crash_has_the_same_id(door: Door, csm: Csm) -> None:
    """The fact was in the log when the process died, and the answer was not yet kept."""
    key = {"Idempotency-Key": "k1"}
    first = await csm("POST", "/touchpoints", {"kind": "call"}, key)
    async with door.service.chassis.database.engine.begin() as connection:
        await connection.execute(text("DELETE FROM ingest.idempotency"))

    again = await csm("POST", "/touchpoints", {"kind": "call"}, key)

    assert again.status_code == 201
    assert "Idempotent-Replayed" not in again.headers
    before, after = await csm.facts()
    assert (before.source, before.id) == (after.source, after.id) == ("mainstay/csm", first.json()["id"])
    assert before.data.touchpoint_id == after.data.touchpoint_id


async def test_puts_with_one_key_are_one_fact_only_where_they_say_the_same(csm: Csm) -> None:
    key = {"Idempotency-Key": "k1"}
    for owner in ("eve", "eve", "sam"):
        await csm("PUT", "/owner", {"owner": owner}, key)
    await csm("PUT", "/owner", {"owner": "eve"})

    ids = [event.id for event in await csm.facts()]
    assert ids[0] == ids[1]
    assert len({*ids}) == 3


async def test_without_the_log_the_writer_is_told_to_come_back(migrated_url: str) -> None:
    async with opened(migrated_url, log_url="kafka://127.0.0.1:1") as door:
        csm = Csm(door, await door.another_key(["facts:write"]))
        await eventually(lambda: not door.service.append.is_open, 20)

        answer = await csm("POST", "/touchpoints", {"kind": "call"}, {"Idempotency-Key": "k1"})

        assert (answer.status_code, answer.json()["code"]) == (503, "log-unavailable")
        assert int(answer.headers["Retry-After"]) > 0


async def test_what_people_write_counts_against_the_rate_of_their_key(door: Door, csm: Csm) -> None:
    admin = {"Authorization": f"Bearer {await door.another_key(['ingest:write'])}"}
    limited = {"rate": {"events_per_second": 0.01, "burst": 2}}
    assert (await door.http.put("/v1/sources/product", json=limited, headers=admin)).status_code == 200
    await door.service.sources.refresh()

    first = await csm("POST", "/touchpoints", {"kind": "call"}, {"Idempotency-Key": "k1"})
    refused = await csm("PUT", "/owner", {"owner": 7})
    third = await csm("PUT", "/owner", {"owner": "eve"})
    replayed = await csm("POST", "/touchpoints", {"kind": "call"}, {"Idempotency-Key": "k1"})

    assert (first.status_code, refused.status_code) == (201, 422)
    assert (third.status_code, third.json()["code"]) == (429, "too-fast")
    assert 90 <= int(third.headers["Retry-After"]) <= 100
    assert replayed.json() == first.json()
    assert len(await csm.facts()) == 1
    shown = (await door.http.get("/metrics")).text
    assert 'mainstay_ingest_events_accepted_total{protocol="csm",source="product"} 1.0' in shown
    assert 'mainstay_ingest_events_refused_total{protocol="csm",reason="too-fast",source="product"} 1.0' in shown
