"""Idempotency-Key: one effect, one answer, however often and however much at once."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest
from prometheus_client import CollectorRegistry
from pydantic import BaseModel
from sqlalchemy import text

from mainstay.messaging.port import Outgoing
from mainstay.testing import calling, minted
from mainstay.web.app import create_app
from mainstay.web.idempotency import KEPT, Idempotency
from mainstay.web.keys import KeyRing
from mainstay.web.problems import Problem
from mainstay.web.routes import Routes

from .conftest import Service

SECRET = "s" * 32


class NoteTaken(Exception):
    pass


class NoteBody(BaseModel):
    id: str


class NoteView(BaseModel):
    id: str
    notes: int


def notes(service: Service) -> Routes:
    routes = Routes()

    @routes.post("/notes", scope="health:write", answers=NoteView, status=201)
    async def write(body: NoteBody) -> NoteView:
        async with service.transactions() as tx:
            known = {"id": body.id}
            if (await tx.connection.execute(text("SELECT 1 FROM svc.note WHERE id = :id"), known)).first() is not None:
                raise NoteTaken
            await tx.connection.execute(service.note.insert().values(id=body.id))
            tx.publish(Outgoing("health-events", "acme", body.id.encode()))
        async with service.transactions() as tx:  # a second one of the same request sees the first
            count = (await tx.connection.execute(text("SELECT count(*) FROM svc.note"))).scalar_one()
        if body.id == "late failure":
            raise RuntimeError
        return NoteView(id=body.id, notes=count)

    return routes


@pytest.fixture
async def client(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    async with service.database.engine.begin() as connection:
        await connection.execute(text("CREATE SCHEMA access"))
        await connection.execute(
            text(
                "CREATE TABLE access.api_key (id text PRIMARY KEY, name text, source text, scopes text[],"
                " key_hash bytea, created_at timestamptz, revoked_at timestamptz)"
            )
        )
    keys = KeyRing(service.database, SECRET, now=lambda: 0.0)
    app = create_app(
        title="Notes",
        version="1",
        routes=[notes(service)],
        problems={NoteTaken: Problem(409, "note-taken")},
        keys=keys,
        readiness={},
        info={},
        registry=CollectorRegistry(),
        idempotency=Idempotency(service.transactions, service.tables, service.clock),
    )
    async with calling(app, key=await minted(service.database, keys, SECRET)) as caller:
        yield caller


async def write(client: httpx.AsyncClient, note: str, key: str | None) -> httpx.Response:
    return await client.post("/v1/notes", json={"id": note}, headers={"Idempotency-Key": key} if key else {})


async def test_the_same_request_again_gets_the_first_answer(service: Service, client: httpx.AsyncClient) -> None:
    first = await write(client, "a", "k1")
    await write(client, "b", None)
    again = await write(client, "a", "k1")

    assert (first.status_code, first.json()) == (201, {"id": "a", "notes": 1})
    assert (again.status_code, again.content, again.headers["content-type"]) == (
        201,
        first.content,
        first.headers["content-type"],
    )
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert await service.notes() == ["a", "b"]
    assert await service.scalar("SELECT count(*) FROM svc.outbox") == 2


async def test_many_at_once_have_one_effect_and_one_answer(service: Service, client: httpx.AsyncClient) -> None:
    answers = await asyncio.gather(*(write(client, "a", "k1") for _ in range(8)))

    assert {(answer.status_code, answer.text) for answer in answers} == {(201, '{"id":"a","notes":1}')}
    assert sum("idempotent-replayed" in answer.headers for answer in answers) == 7
    assert await service.notes() == ["a"]
    assert await service.scalar("SELECT count(*) FROM svc.outbox") == 1


async def test_another_request_may_not_use_the_key(service: Service, client: httpx.AsyncClient) -> None:
    await write(client, "a", "k1")
    answer = await write(client, "b", "k1")
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency-key-reused")
    assert await service.notes() == ["a"]


@pytest.mark.parametrize(("note", "status"), [("late failure", 500), ("taken", 409)])
async def test_a_request_that_fails_leaves_neither_effect_nor_answer(
    service: Service, client: httpx.AsyncClient, note: str, status: int
) -> None:
    async with service.transactions() as tx:
        await tx.connection.execute(service.note.insert().values(id="taken"))

    answer = await write(client, note, "k1")

    assert answer.status_code == status
    assert await service.notes() == ["taken"]
    assert await service.scalar("SELECT count(*) FROM svc.idempotency") == 0
    assert await service.scalar("SELECT count(*) FROM svc.outbox") == 0
    assert (await write(client, "a", "k1")).status_code == 201


async def test_without_the_header_nothing_is_remembered(service: Service, client: httpx.AsyncClient) -> None:
    assert (await write(client, "a", None)).status_code == 201
    assert (await write(client, "a", None)).status_code == 409
    assert await service.scalar("SELECT count(*) FROM svc.idempotency") == 0


@pytest.mark.parametrize("key", ["", "with space", "x" * 256])
async def test_a_key_that_is_none_is_refused(client: httpx.AsyncClient, key: str) -> None:
    answer = await client.post("/v1/notes", json={"id": "a"}, headers={"Idempotency-Key": key})
    assert (answer.status_code, answer.json()["code"]) == (400, "bad-idempotency-key")


async def test_it_needs_an_api_key_too(client: httpx.AsyncClient) -> None:
    answer = await client.post(
        "/v1/notes", json={"id": "a"}, headers={"Idempotency-Key": "k1", "Authorization": "Bearer x"}
    )
    assert answer.status_code == 401


async def test_answers_are_forgotten_after_a_day(service: Service, client: httpx.AsyncClient) -> None:
    await write(client, "a", "k1")
    service.clock.advance(KEPT + timedelta(seconds=1))
    await write(client, "b", "k2")
    assert await service.scalar("SELECT string_agg(idempotency_key, ',') FROM svc.idempotency") == "k2"
