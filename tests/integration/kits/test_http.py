"""The frame of every application: doors, problems for every failure, ids that travel, figures."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import httpx
import pytest
from fastapi import FastAPI
from fastapi.responses import PlainTextResponse
from prometheus_client import CollectorRegistry
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from sqlalchemy import text
from starlette.types import ASGIApp, Message
from structlog.testing import capture_logs

from mainstay.db.engine import Database
from mainstay.observability.tracing import current_traceparent
from mainstay.testing import assert_every_route_has_a_scope, calling, minted
from mainstay.web.app import create_app, create_work_app
from mainstay.web.keys import KeyRing
from mainstay.web.pages import Cursor, Limit, Page, decode_cursor, encode_cursor
from mainstay.web.problems import Problem
from mainstay.web.routes import Caller, Routes

SECRET = "s" * 32


class ShipUnknown(Exception):
    pass


class Wood(BaseModel):
    model_config = ConfigDict(extra="forbid")
    kind: Literal["wood"]


class Steel(BaseModel):
    kind: Literal["steel"]


def flag_known(flag: str) -> str:
    if flag != "none":
        raise ValueError(f"no flag is named {flag}")
    return flag


class ShipBody(BaseModel):
    model_config = ConfigDict(extra="forbid")
    hull: Annotated[Wood | Steel, Field(discriminator="kind")] = Wood(kind="wood")
    flag: Annotated[str, AfterValidator(flag_known)] = "none"
    name: str
    masts: int
    crew: list[str] = []
    tonnage: float = 0


class ShipView(BaseModel):
    name: str
    by: str


@dataclass
class World:
    app: FastAPI
    registry: CollectorRegistry
    database: Database
    key: str
    keys: KeyRing


def ships(database: Database) -> Routes:
    routes = Routes(tag="ships")

    @routes.get("/ships", scope="renewals:read", answers=Page[int])
    async def list_ships(limit: Limit = 50, cursor: Cursor = None) -> Page[int]:
        after = decode_cursor("ships", cursor, tuple[int])[0] if cursor is not None else 0
        found = list(range(after + 1, min(after + limit, 7) + 1))
        return Page(data=found, next_cursor=encode_cursor("ships", [found[-1]]) if found and found[-1] < 7 else None)

    @routes.post("/ships", scope="renewals:write", answers=ShipView, status=201)
    async def build(body: ShipBody, caller: Caller) -> ShipView:
        async with database.engine.connect() as connection:
            await connection.execute(
                text("SELECT CAST(:name AS text), CAST(:masts AS int)"), body.model_dump(include={"name", "masts"})
            )
        return ShipView(name=body.name, by=caller.name)

    @routes.get("/ships/{name}", scope="renewals:read", answers=ShipView)
    async def one(name: str) -> ShipView:
        if name == "leaky":
            raise RuntimeError("postgresql://user:password@host")
        raise ShipUnknown(f"there is no ship {name}")

    @routes.get("/trace", scope="renewals:read")
    async def trace() -> str | None:
        return current_traceparent()

    @routes.delete("/ships/{name}", scope="renewals:write")
    async def sink(name: str) -> None:
        assert name

    return routes


@pytest.fixture
async def world(migrated_url: str) -> AsyncIterator[World]:
    database = Database(migrated_url, application_name="test")
    keys = KeyRing(database, SECRET, now=lambda: 0.0)  # the keys stay fresh, however slow the machine
    registry = CollectorRegistry()

    async def well() -> None:
        return None

    app = create_app(
        title="Ships",
        version="1",
        routes=[ships(database)],
        problems={ShipUnknown: Problem(404, "ship-unknown")},
        keys=keys,
        readiness={"database": database.healthy},
        info={"log": well},
        registry=registry,
    )
    yield World(app, registry, database, await minted(database, keys, SECRET), keys)
    await database.close()


@pytest.fixture
async def client(world: World) -> AsyncIterator[httpx.AsyncClient]:
    async with calling(world.app, key=world.key) as caller:
        yield caller


def assert_problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), answer.text
    body: dict[str, Any] = answer.json()
    assert (body["status"], body["code"], body["type"]) == (status, code, f"urn:mainstay:problem:{code}")
    assert body["message"] == body["detail"] != ""
    assert body["title"]
    assert len(body["trace_id"]) == 32
    return body


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


@pytest.mark.parametrize(
    ("method", "path", "content", "status", "code"),
    [
        ("GET", "/nowhere", b"", 404, "not-found"),
        ("GET", "/v1/nowhere", b"", 404, "not-found"),
        ("PUT", "/v1/ships", b"{}", 405, "method-not-allowed"),
        ("GET", "/v1/ships/argo", b"", 404, "ship-unknown"),
        ("GET", "/v1/ships/leaky", b"", 500, "internal-error"),
        ("GET", "/v1/ships/a%00b", b"", 400, "nul-in-address"),
        ("GET", "/v1/ships?cursor=%00", b"", 400, "nul-in-address"),
        ("GET", "/v1/ships?cursor=", b"", 400, "bad-cursor"),
        ("GET", "/v1/ships?cursor=oops", b"", 400, "bad-cursor"),
        ("GET", "/v1/ships?limit=501", b"", 422, "invalid-request"),
        ("GET", "/v1/ships?limit=many", b"", 422, "invalid-request"),
        ("POST", "/v1/ships", b"", 422, "invalid-request"),
        ("POST", "/v1/ships", b"{", 400, "malformed-json"),
        ("POST", "/v1/ships", b"[" * 100_000, 400, "malformed-json"),
        ("POST", "/v1/ships", b'{"name": "a", "masts": 1, "tonnage": NaN}', 400, "malformed-json"),
        ("POST", "/v1/ships", b'{"name": "a", "masts": ' + b"9" * 5000 + b"}", 400, "malformed-json"),
        ("POST", "/v1/ships", b'{"name": "a\\u0000", "masts": 1}', 422, "invalid-request"),
        ("POST", "/v1/ships", b'{"name": "\\ud800", "masts": 1}', 400, "malformed-json"),
        ("POST", "/v1/ships", b'{"name": "\xc3", "masts": 1}', 400, "malformed-json"),
        ("POST", "/v1/ships", b'{"name": "a", "masts": 99999999999}', 422, "value-not-storable"),
        ("POST", "/v1/ships", b'{"name": "a", "masts": 1, "sails": 2}', 422, "invalid-request"),
        ("POST", "/v1/ships", b"x" * (1 << 20 | 1), 413, "body-too-large"),
    ],
)
async def test_every_failure_is_a_problem(
    client: httpx.AsyncClient, method: str, path: str, content: bytes, status: int, code: str
) -> None:
    answer = await client.request(method, path, content=content, headers={"Content-Type": "application/json"})
    body = assert_problem(answer, status, code)
    assert "password" not in answer.text
    assert status != 405 or answer.headers["allow"]
    assert body["trace_id"]


async def test_what_is_wrong_is_pointed_at_and_not_repeated(client: httpx.AsyncClient) -> None:
    answer = await client.post("/v1/ships", json={"masts": "hunter2", "crew": ["ann", 7], "a/b~c": 1})
    errors = assert_problem(answer, 422, "invalid-request")["errors"]
    assert {error["pointer"] for error in errors} == {"/name", "/masts", "/crew/1", "/a~1b~0c"}
    assert all(error["detail"] for error in errors)
    assert "hunter2" not in answer.text

    answer = await client.get("/v1/ships?limit=0")
    (error,) = assert_problem(answer, 422, "invalid-request")["errors"]
    assert error["parameter"] == "limit"


@pytest.mark.parametrize(
    "body",
    [
        {"name": "a", "masts": 1, "hull": {"kind": "x" * 900_000}},
        {"name": "a", "masts": 1, "x" * 900_000: 1},
        {"name": "a", "masts": 1, "hull": {"kind": "wood", "~" * 900_000: 1}},
        {"name": "a", "masts": 1, "crew": list(range(100_000))},
        {"name": "a", "masts": 1, "flag": "x" * 900_000},
    ],
    ids=["tag", "name", "inner name", "many", "message"],
)
async def test_a_large_body_does_not_come_back(client: httpx.AsyncClient, body: dict[str, Any]) -> None:
    answer = await client.post("/v1/ships", json=body)
    errors = assert_problem(answer, 422, "invalid-request")["errors"]
    assert len(answer.content) < 20_000
    assert all(len(error["detail"]) <= 200 for error in errors)


async def test_an_unknown_kind_is_pointed_at_with_the_kinds_that_there_are(client: httpx.AsyncClient) -> None:
    answer = await client.post("/v1/ships", json={"name": "a", "masts": 1, "hull": {"kind": "paper"}})
    body = assert_problem(answer, 422, "invalid-request")
    assert body["errors"] == [{"pointer": "/hull/kind", "detail": "Input should be one of 'wood', 'steel'"}]
    assert body["detail"] == "/hull/kind: Input should be one of 'wood', 'steel'"


async def test_a_body_in_pieces_is_counted_too(client: httpx.AsyncClient) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 1
            yield b" " * 100_000

    answer = await client.post("/v1/ships", content=endless(), headers={"Content-Type": "application/json"})
    assert_problem(answer, 413, "body-too-large")
    assert sent < 15


async def test_another_kind_of_body_is_refused(client: httpx.AsyncClient) -> None:
    answer = await client.post("/v1/ships", content=b"name=Argo", headers={"Content-Type": "text/plain"})
    assert_problem(answer, 422, "invalid-request")


@pytest.mark.parametrize("encoding", ["gzip", "br", "GZIP", "identity, gzip", "nonsense"])
async def test_a_body_in_an_encoding_is_refused(client: httpx.AsyncClient, encoding: str) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": encoding}
    for more in ({}, {"Idempotency-Key": "k"}):
        answer = await client.post("/v1/ships", content=gzip.compress(b"{}"), headers={**headers, **more})
        assert_problem(answer, 415, "encoding-not-supported")
        assert answer.headers["accept-encoding"] == "identity"


async def test_identity_is_no_encoding(client: httpx.AsyncClient) -> None:
    answer = await client.post("/v1/ships", json={"name": "Argo", "masts": 1}, headers={"Content-Encoding": "Identity"})
    assert answer.status_code == 201


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
