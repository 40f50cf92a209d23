"""What the benchmarks of alerts run on: a durable PostgreSQL, the program itself, and destinations on loopback."""

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from alerts.store.tables import HISTORY
from mainstay.contracts.envelope import Event, encode
from mainstay.contracts.topics import TOPICS
from mainstay.db.engine import Database
from mainstay.db.migrate import migrate
from mainstay.messaging.open import open_log
from mainstay.messaging.port import EventLog
from mainstay.testing import eventually
from mainstay.web.keys import ACCESS_HISTORY, create_key
from mainstay.web.serving import Listener, bind, serve
from standalone.ports import free_port
from standalone.postgres import EmbeddedPostgres
from standalone.services import EVENT_LOG

SECRET = "b" * 32


@asynccontextmanager
async def database_url() -> AsyncIterator[str]:
    """A migrated database on a server of its own, durable as in production; gone afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        postgres = EmbeddedPostgres(Path(folder) / "postgres")
        try:
            await asyncio.to_thread(postgres.start)
            url = await asyncio.to_thread(postgres.ensure_database)
            for history in (EVENT_LOG, ACCESS_HISTORY, HISTORY):
                await migrate(url, history)
            yield url
        finally:
            await asyncio.to_thread(postgres.remove)


@dataclass
class Sink:
    """A webhook's receiver that answers at once, or never. What came, by the delivery's id: when, and the body."""

    hangs: bool = False
    url: str = ""
    came: dict[str, tuple[float, bytes]] = field(default_factory=dict)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            raise NotImplementedError  # uvicorn takes this for: no lifespan here
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        self.came.setdefault(dict(scope["headers"])[b"webhook-id"].decode(), (time.perf_counter(), body))
        if self.hangs:
            while (await receive())["type"] != "http.disconnect":
                pass
            return
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    @asynccontextmanager
    async def listening(self) -> AsyncIterator["Sink"]:
        """Take requests on a free port."""
        bound = bind("127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{bound.getsockname()[1]}/hook"
        stopping = asyncio.Event()
        running = asyncio.create_task(serve(Listener(self, "127.0.0.1", 0), stopping, bound=bound))
        try:
            yield self
        finally:
            stopping.set()
            await running


@dataclass
class Desk:
    """A running alerts: its API, and the log that it reads."""

    api: httpx.AsyncClient
    log: EventLog

    async def hears(self, events: Sequence[Event[Any]]) -> None:
        """Append what other services say."""
        await self.log.append([encode(event) for event in events])

    async def channel(self, sink: Sink, name: str) -> str:
        """A webhook to a sink; answers its id."""
        made = await self.api.post("/v1/channels", json={"name": name, "kind": "webhook", "url": sink.url})
        identity: str = made.raise_for_status().json()["id"]
        return identity

    async def rule(self, document: dict[str, Any]) -> None:
        """Save a rule."""
        answer = await self.api.put(f"/v1/alert-rules/{document['id']}", json={"rule": document})
        if answer.is_error:
            raise ValueError(answer.text)


@asynccontextmanager
async def desk() -> AsyncIterator[Desk]:
    """`python -m alerts` in a process of its own, on the log in PostgreSQL, from ready to stopped."""
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(database_url())
        database = Database(url, application_name="bench")
        stack.push_async_callback(database.close)
        key = await create_key(database, SECRET, "bench", ["alerts:read", "alerts:write"])
        log = open_log(url, client_name="bench")
        await log.start()
        stack.push_async_callback(log.close)
        await log.ensure_topics(TOPICS)
        port = free_port()
        environment = {
            **os.environ,
            "MAINSTAY_DATABASE_URL": url,
            "MAINSTAY_SECRET_KEY": SECRET,
            "MAINSTAY_LOG_LEVEL": "WARNING",
            "MAINSTAY_ALERTS_PORT": str(port),
            "MAINSTAY_ALERTS_ALLOW_PRIVATE_DESTINATIONS": "true",
        }
        process = await asyncio.create_subprocess_exec(sys.executable, "-m", "alerts", env=environment)
        stack.push_async_callback(process.wait)
        stack.callback(process.terminate)
        api = await stack.enter_async_context(
            httpx.AsyncClient(
                base_url=f"http://127.0.0.1:{port}",
                headers={"authorization": f"Bearer {key}"},
                trust_env=False,
                timeout=30,
            )
        )

        async def ready() -> bool:
            try:
                return (await api.get("/readyz")).status_code == httpx.codes.OK
            except httpx.TransportError:
                return False

        await eventually(ready, within=60)
        yield Desk(api, log)
