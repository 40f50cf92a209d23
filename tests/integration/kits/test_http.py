"""The frame of every application: doors, ids that travel, readiness, figures, the OpenAPI document."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.responses import PlainTextResponse
from prometheus_client import CollectorRegistry
from starlette.types import ASGIApp, Message
from structlog.testing import capture_logs

from mainstay.db.engine import Database
from mainstay.testing import assert_every_route_has_a_scope, calling, minted
from mainstay.web.app import create_app, create_work_app
from tests.integration.kits.shipyard import SECRET, World, assert_problem, ships, shipyard


@pytest.fixture
async def world(migrated_url: str) -> AsyncIterator[World]:
    async with shipyard(migrated_url) as it:
        yield it


@pytest.fixture
async def client(world: World) -> AsyncIterator[httpx.AsyncClient]:
    async with calling(world.app, key=world.key) as caller:
        yield caller


async def test_a_good_request_is_answered(client: httpx.AsyncClient) -> None:
    answer = await client.post("/v1/ships", json={"name": "Argo", "masts": 1})
    assert (answer.status_code, answer.json()) == (201, {"name": "Argo", "by": "test"})
    assert (await client.delete("/v1/ships/argo")).status_code == 204


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({}, 401, "key-missing"),
        ({"Authorization": ""}, 401, "key-missing"),
        ({"Authorization": "Basic bXN0Og=="}, 401, "key-missing"),
        ({"Authorization": "Bearer nonsense"}, 401, "key-unknown"),
        ({"Authorization": "Bearer " + "x" * 5000}, 401, "key-unknown"),
        ({"Authorization": "Bearer mst_é_ü"}, 401, "key-unknown"),
    ],
)
async def test_without_a_good_key_every_door_is_shut(
    world: World, headers: dict[str, str], status: int, code: str
) -> None:
    encoded = {name: value.encode() for name, value in headers.items()}
    async with calling(world.app) as nobody:
        answer = await nobody.post("/v1/ships", content=b"not even json", headers=encoded)  # type: ignore[arg-type] # bytes are fine
    assert_problem(answer, status, code)
    assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_who_may_not_is_told_so_before_the_body_is_touched(world: World) -> None:
    reader = await minted(world.database, world.keys, SECRET, ["renewals:read"])
    for key, status in {"": 401, "mst_nonsense": 401, reader: 403}.items():
        for more in ({}, {"Idempotency-Key": "k"}, {"Content-Length": str(1 << 30)}):
            headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json", **more}
            assert await status_of(world.app, "/v1/ships", headers) == status


async def status_of(app: ASGIApp, path: str, headers: dict[str, str]) -> int:
    """The answer to a POST whose body never comes."""
    told: list[int] = []

    async def receive() -> Message:
        raise AssertionError("the body was read")

    async def send(message: Message) -> None:
        told.append(message.get("status", 0))

    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "POST",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
    }
    await app(scope, receive, send)
    return told[0]


async def test_a_key_without_the_scope_is_told_which_it_lacks(world: World) -> None:
    reader = await minted(world.database, world.keys, SECRET, ["renewals:read", "health:write"])
    async with calling(world.app, key=reader) as client:
        assert (await client.get("/v1/ships")).status_code == 200
        answer = await client.post("/v1/ships", json={"name": "Argo", "masts": 1})
    assert "renewals:write" in assert_problem(answer, 403, "scope-missing")["detail"]
    assert 'scope="renewals:write"' in answer.headers["www-authenticate"]


async def test_stale_keys_answer_503(world: World) -> None:
    world.keys._fresh_until = float("-inf")
    async with calling(world.app, key=world.key) as client:
        answer = await client.get("/v1/ships")
    assert_problem(answer, 503, "keys-unavailable")
    assert answer.headers["retry-after"] == "2"


async def test_pages_lead_to_the_end(client: httpx.AsyncClient) -> None:
    seen: list[int] = []
    cursor: str | None = None
    while True:
        page = (await client.get("/v1/ships", params={"limit": 3, **({"cursor": cursor} if cursor else {})})).json()
        assert set(page) == {"data", "next_cursor"}
        seen += page["data"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == [1, 2, 3, 4, 5, 6, 7]


async def test_request_ids_and_traces_travel(client: httpx.AsyncClient) -> None:
    trace_id = "4bf92f3577b34da6a3ce929d0e0e4736"
    with capture_logs() as logs:
        answer = await client.get(
            "/v1/trace", headers={"traceparent": f"00-{trace_id}-00f067aa0ba902b7-01", "X-Request-ID": "req-7"}
        )
    assert answer.headers["x-request-id"] == "req-7"
    version, inner_trace, inner_span, flags = answer.json().split("-")
    assert (version, inner_trace, flags) == ("00", trace_id, "01")
    assert inner_span != "00f067aa0ba902b7"
    assert [entry["route"] for entry in logs if entry["event"] == "request"] == ["/v1/trace"]

    answer = await client.get(
        "/v1/ships/argo", headers={"traceparent": f"00-{trace_id}-00f067aa0ba902b7-01", "X-Request-ID": "bad id\t"}
    )
    assert answer.json()["trace_id"] == trace_id
    assert len(answer.headers["x-request-id"]) == 32


async def test_figures_go_by_the_routes_template(world: World, client: httpx.AsyncClient) -> None:
    for name in ("a", "b", "c"):
        await client.get(f"/v1/ships/{name}")
    await client.get("/v1/somewhere/else")

    assert (
        world.registry.get_sample_value(
            "mainstay_http_requests_total", {"method": "GET", "route": "/v1/ships/{name}", "status": "404"}
        )
        == 3
    )
    exposition = (await client.get("/metrics")).text
    assert "/v1/ships/a" not in exposition
    assert "/v1/somewhere" not in exposition
    assert "mainstay_http_request_seconds_bucket" in exposition


async def test_readiness_fails_for_what_makes_the_process_useless_only() -> None:
    reasons: dict[str, str | None] = {"database": None, "log": "the log is away"}

    async def database() -> str | None:
        return reasons["database"]

    async def log() -> str | None:
        return reasons["log"]

    async def broken() -> str | None:
        raise ValueError("secret")

    def work_app(**checks: Any) -> FastAPI:
        return create_work_app(
            title="t", version="1", readiness=checks, info={"log": log}, registry=CollectorRegistry()
        )

    async with calling(work_app(database=database)) as client:
        answer = await client.get("/readyz")
        assert (answer.status_code, answer.json()["info"]) == (200, {"log": "the log is away"})
        reasons["database"] = "away"
        answer = await client.get("/readyz")
        assert (answer.status_code, answer.json()["checks"]) == (503, {"database": "away"})
        assert (await client.get("/healthz")).status_code == 200
    async with calling(work_app(broken=broken)) as client:
        answer = await client.get("/readyz")
        assert answer.status_code == 503
        assert "secret" not in answer.text


async def test_a_database_that_is_away_is_a_503(world: World) -> None:
    away = Database("postgresql://nobody@127.0.0.1:1/none", application_name="test")
    app = create_app(
        title="t", version="1", routes=[ships(away)], problems={}, keys=world.keys, readiness={}, info={},
        registry=CollectorRegistry(),
    )  # fmt: skip
    async with calling(app, key=world.key) as client:
        answer = await client.post("/v1/ships", json={"name": "Argo", "masts": 1})
    assert_problem(answer, 503, "database-unavailable")
    assert answer.headers["retry-after"] == "2"
    await away.close()


async def test_openapi_names_the_key_and_the_problem_of_every_route(client: httpx.AsyncClient) -> None:
    schema = (await client.get("/openapi.json")).json()
    assert schema["components"]["securitySchemes"]["ApiKey"]["scheme"] == "bearer"
    assert {"message", "code", "trace_id"} <= set(schema["components"]["schemas"]["ProblemBody"]["properties"])
    operations = [operation for path in schema["paths"].values() for operation in path.values()]
    assert len(operations) == 5
    for operation in operations:
        assert operation["security"] == [{"ApiKey": []}]
        assert operation["x-scope"].startswith("renewals:")
        for status in ("400", "401", "403", "422", "default"):
            reference = operation["responses"][status]["content"]["application/problem+json"]["schema"]["$ref"]
            assert reference == "#/components/schemas/ProblemBody"
    assert "HTTPValidationError" not in json.dumps(schema)


async def test_a_route_without_a_scope_is_found_out(world: World) -> None:
    assert_every_route_has_a_scope(world.app)

    world.app.add_api_route("/v1/backdoor", lambda: PlainTextResponse(""), methods=["GET"])
    world.app.add_api_route("/other", lambda: PlainTextResponse(""), methods=["GET"])
    with pytest.raises(AssertionError) as fault:
        assert_every_route_has_a_scope(world.app)
    assert "GET /v1/backdoor declares no scope" in str(fault.value)
    assert "/other does not lie below /v1" in str(fault.value)


async def test_the_lifespan_runs_around_the_calls(world: World) -> None:
    steps: list[str] = []

    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        steps.append("up")
        yield
        await asyncio.sleep(0)
        steps.append("down")

    app = create_app(
        title="t", version="1", routes=[], problems={}, keys=world.keys, readiness={}, info={},
        registry=CollectorRegistry(), lifespan=asynccontextmanager(lifespan),
    )  # fmt: skip
    async with calling(app) as client:
        await client.get("/healthz")
        assert steps == ["up"]
    assert steps == ["up", "down"]
