"""A small service about ships, so that the frame of every application is tried as a service uses it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import httpx
from fastapi import FastAPI
from prometheus_client import CollectorRegistry
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from sqlalchemy import text

from mainstay.db.engine import Database
from mainstay.observability.tracing import current_traceparent
from mainstay.testing import minted
from mainstay.web.app import create_app
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


@asynccontextmanager
async def shipyard(url: str) -> AsyncIterator[World]:
    """The service on that database."""
    database = Database(url, application_name="test")
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


def assert_problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), answer.text
    body: dict[str, Any] = answer.json()
    assert (body["status"], body["code"], body["type"]) == (status, code, f"urn:mainstay:problem:{code}")
    assert body["message"] == body["detail"] != ""
    assert body["title"]
    assert len(body["trace_id"]) == 32
    return body
