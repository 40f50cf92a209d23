"""Calling an ASGI application without a port, and what every application of ours must hold to."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import httpx
from fastapi import FastAPI
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.types import ASGIApp

from mainstay.db.engine import Database
from mainstay.web.app import OPERATIONAL_PATHS
from mainstay.web.keys import KeyRing, create_key
from mainstay.web.routes import RequireScope


@asynccontextmanager
async def calling(app: ASGIApp, *, key: str | None = None) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the application, whose lifespan runs meanwhile; `key` goes along as Bearer."""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    lifespan = app.router.lifespan_context(app) if isinstance(app, FastAPI) else None
    transport = httpx.ASGITransport(app, client=("127.0.0.1", 50_000))
    if lifespan is not None:
        await lifespan.__aenter__()
    try:
        async with httpx.AsyncClient(transport=transport, base_url="http://mainstay", headers=headers) as client:
            yield client
    finally:
        if lifespan is not None:
            await lifespan.__aexit__(None, None, None)


async def minted(
    database: Database, keys: KeyRing, secret: str, scopes: Sequence[str] = ("admin",), source: str = "default"
) -> str:
    """A key that the ring knows already."""
    key = await create_key(database, secret, "test", scopes, source)
    await keys.refresh()
    return key


def assert_every_route_has_a_scope(app: FastAPI) -> None:
    """Deny by default: every route but the operational ones asks for a key with a declared scope, and lies in /v1."""
    faults = []
    for route in iter_route_contexts(app.routes):
        asked = route.original_route
        name = f"{', '.join(sorted(route.methods or ()))} {route.path}"
        if route.path in OPERATIONAL_PATHS:
            continue
        if not str(route.path).startswith("/v1/"):
            faults.append(f"{name} does not lie below /v1")
        dependencies = asked.dependencies if isinstance(asked, APIRoute) else ()
        if not any(isinstance(each.dependency, RequireScope) for each in dependencies):
            faults.append(f"{name} declares no scope")
    if faults:
        raise AssertionError("; ".join(faults))
