"""Ingest behind a real socket, and a look into the log behind it."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from ingest.bootstrap import Service
from ingest.settings import Settings
from mainstay.contracts.envelope import Decoder, Event
from mainstay.contracts.ingest import EVENTS
from mainstay.db.engine import Database
from mainstay.kernel.clock import Clock
from mainstay.messaging.port import Record, Topic
from mainstay.testing import eventually
from mainstay.web.keys import create_key, mint_key
from mainstay.web.serving import Listener, bind, serve

SECRET = "s" * 32
SEGMENT = {"Content-Type": "application/json"}
STRUCTURED = {"Content-Type": "application/cloudevents+json"}
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # else httpx reads every certificate for each client: 15 ms
BATCH = {"Content-Type": "application/cloudevents-batch+json; charset=UTF-8"}


@dataclass
class Door:
    """One running ingest."""

    service: Service
    url: str
    key: str
    http: httpx.AsyncClient

    async def post(
        self, path: str, body: Any = None, *, content: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        """POST with the door's key, unless `headers` say otherwise."""
        sent = {"Authorization": f"Bearer {self.key}", **SEGMENT, **(headers or {})}
        sent = {name: value for name, value in sent.items() if value}
        if content is None:
            return await self.http.post(path, json=body, headers=sent)
        return await self.http.post(path, content=content, headers=sent)

    async def until_listening(self) -> None:
        """Wait for the server."""
        async with asyncio.timeout(20):
            while True:
                try:
                    await self.http.get("/healthz")
                except httpx.ConnectError:
                    await asyncio.sleep(0.02)
                else:
                    return

    async def until_connected(self) -> None:
        """Wait for the log: until then the door answers 503."""
        await eventually(lambda: self.service.append.is_open, 20)

    async def until_accepted(self, path: str, body: Any) -> None:
        """Repeat a request until it is answered with 200."""

        async def accepted() -> bool:
            return (await self.post(path, body)).status_code == httpx.codes.OK

        await eventually(accepted, 20)

    async def until_shown(self, line: str) -> None:
        """Wait until the metrics have such a line."""

        async def shown() -> bool:
            return line in (await self.http.get("/metrics")).text

        await eventually(shown, 20)

    async def another_key(self, scopes: list[str]) -> str:
        """A key of its own, known to the door."""
        key = await made_key(self.service.settings.database_url, scopes)
        await self.service.chassis.keys.refresh()
        return key

    async def events(self, topic: Topic) -> list[Event[Any]]:
        """Every event of a topic, in the order of the log within each account."""
        decode = Decoder(*EVENTS)
        found = [decode(record) for record in await self.records(topic)]
        return [event for event in found if event is not None]

    async def records(self, topic: Topic) -> list[Record]:
        """Every record of a topic, in the order of the log within each account."""
        log = self.service.chassis.log
        found: list[Record] = []
        for partition, bounds in (await log.bounds(topic.name)).items():
            found += await log.read(topic.name, partition, bounds.first, bounds.next)
        return found


async def made_key(url: str, scopes: list[str]) -> str:
    """A new key, whose events have the source "product"."""
    database = Database(url, application_name="tests")
    try:
        return await create_key(database, SECRET, "tests", scopes, "product")
    finally:
        await database.close()


@asynccontextmanager
async def opened(
    url: str, *, clock: Clock | None = None, log_url: str | None = None, key: bool = True, **settings: Any
) -> AsyncIterator[Door]:
    """Ingest on a database that has every schema, with one key (or none, where there is no table for it)."""
    presented = await made_key(url, ["ingest:write"]) if key else mint_key()
    service = Service(
        Settings(database_url=url, event_log_url=log_url or url, secret_key=SECRET, **settings), clock=clock
    )
    stopping = asyncio.Event()
    bound = bind("127.0.0.1", 0)
    address = f"http://127.0.0.1:{bound.getsockname()[1]}"
    if key:
        await service.chassis.keys.refresh()
        await service.sources.refresh()
    running = [
        asyncio.ensure_future(run(stopping)) for run in (*service.serving().values(), *service.working().values())
    ]
    running.append(asyncio.ensure_future(serve(Listener(service.app(), "127.0.0.1", 0), stopping, bound=bound)))
    try:
        async with httpx.AsyncClient(base_url=address, trust_env=False, timeout=30, verify=NO_TLS) as http:
            door = Door(service, address, presented, http)
            await door.until_listening()
            yield door
    finally:
        stopping.set()
        await asyncio.gather(*running)
        await service.close()
