"""Every failure is a problem that says where, and repeats nothing of what was sent."""

import gzip
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from mainstay.testing import calling
from tests.integration.kits.shipyard import World, assert_problem, shipyard


@pytest.fixture
async def world(migrated_url: str) -> AsyncIterator[World]:
    async with shipyard(migrated_url) as it:
        yield it


@pytest.fixture
async def client(world: World) -> AsyncIterator[httpx.AsyncClient]:
    async with calling(world.app, key=world.key) as caller:
        yield caller


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
