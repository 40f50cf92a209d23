"""Ingest as a process of its own that a test may kill, and a look into its log."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from mainstay.contracts.envelope import Decoder, Event
from mainstay.contracts.ingest import EVENTS
from mainstay.contracts.topics import USAGE_EVENTS
from mainstay.messaging.open import open_log
from mainstay.messaging.port import Bounds, EventLog, LogUnavailable, Topic
from mainstay.testing import eventually
from standalone.ports import free_port
from tests.integration.ingest.door import SECRET, made_key


@dataclass
class Ingest:
    """A running ingest. `url` and `key` are what a client is given; `key` belongs to a source called "product".

    `began`: where each partition of the usage events ended before the test, in a log that several tests share.
    """

    url: str
    key: str
    log: EventLog
    environment: dict[str, str]
    output: Path
    began: dict[int, int]
    process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        """Start it, and wait until it would take events."""
        self.process = await asyncio.to_thread(self._started)
        await eventually(self._takes_events, 60)

    async def kill(self) -> None:
        """SIGKILL."""
        assert self.process is not None
        self.process.kill()
        await asyncio.to_thread(self.process.wait)

    async def stop(self) -> None:
        """SIGTERM."""
        assert self.process is not None
        self.process.terminate()
        await asyncio.to_thread(self.process.wait, 30)

    async def bounds(self) -> Mapping[int, Bounds]:
        """Of the usage events."""
        return await self.log.bounds(USAGE_EVENTS.name)

    async def has_topics(self) -> bool:
        """Whether ingest has declared them."""
        try:
            return bool(await self.bounds())
        except LogUnavailable:
            return False

    async def count(self) -> int:
        """How many usage events the log holds; 0 while it is away."""
        try:
            bounds = await self.bounds()
        except LogUnavailable:
            return 0
        return sum(each.next - self._began(partition, each) for partition, each in bounds.items())

    async def stored(self, topic: Topic = USAGE_EVENTS) -> list[Event[Any]]:
        """Every event of a topic."""
        decode = Decoder(*EVENTS)
        found: list[Event[Any]] = []
        for partition, bounds in (await self.log.bounds(topic.name)).items():
            at = self._began(partition, bounds) if topic is USAGE_EVENTS else bounds.first
            while at < bounds.next:
                records = await self.log.read(topic.name, partition, at, 1_000)
                assert records
                found += [event for record in records if (event := decode(record)) is not None]
                at = records[-1].offset + 1
        return found

    async def until_stored(self, count: int) -> None:
        """Wait until so many events are in the log."""

        async def enough() -> bool:
            return await self.count() >= count

        await eventually(enough, 100)

    async def puts_off(self) -> bool:
        """Whether a sender was answered with 503."""
        async with httpx.AsyncClient(base_url=self.url, trust_env=False) as http:
            return 'status="503"' in (await http.get("/metrics")).text

    def _began(self, partition: int, bounds: Bounds) -> int:
        return self.began.get(partition, bounds.first)

    def _started(self) -> subprocess.Popen[bytes]:
        with self.output.open("ab") as output:
            return subprocess.Popen(
                [sys.executable, "-m", "ingest"], env=self.environment, stdout=output, stderr=output
            )

    async def _takes_events(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.output.read_text()[-4_000:]
        try:
            async with httpx.AsyncClient(base_url=self.url, trust_env=False) as http:
                answer = await http.get("/readyz")
        except httpx.TransportError:
            return False
        return answer.status_code == httpx.codes.OK


@asynccontextmanager
async def ingest(url: str, folder: Path, *, log_url: str | None = None) -> AsyncIterator[Ingest]:
    """Start ingest on a database that has every schema."""
    port = free_port()
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("MAINSTAY_")},
        "MAINSTAY_DATABASE_URL": url,
        "MAINSTAY_EVENT_LOG_URL": log_url or url,
        "MAINSTAY_SECRET_KEY": SECRET,
        "MAINSTAY_INGEST_PORT": str(port),
        "MAINSTAY_INGEST_APPEND_WITHIN_SECONDS": "2",
    }
    key = await made_key(url, ["ingest:write"])
    log = open_log(log_url or url, client_name="tests")
    it = Ingest(f"http://127.0.0.1:{port}", key, log, environment, folder / "ingest.log", {})
    try:
        await it.start()
        await log.start()
        await eventually(it.has_topics, 60)
        it.began = {partition: each.next for partition, each in (await it.bounds()).items()}
        yield it
    except BaseException:
        print(it.output.read_text()[-4_000:])
        raise
    finally:
        await log.close()
        await it.stop()


async def sending(it: Ingest, send: Callable[[], set[int]], *, kill_at: int = 0) -> set[int]:
    """Send in a thread; with `kill_at`, ingest is killed and started again once so many events are stored.

    Answers what `send` does: the numbers that the client believes delivered.
    """
    sent = asyncio.ensure_future(asyncio.to_thread(send))
    if kill_at:
        await it.until_stored(kill_at)
        assert not sent.done(), "ingest was to be killed in the middle"
        await it.kill()
        await it.start()
    return await sent
