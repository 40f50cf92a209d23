"""Ingest beside the baseline: the same requests, the same broker, one process each, in turns."""

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

from ingest.store import HISTORY
from mainstay.db.engine import Database
from mainstay.db.migrate import History, migrate
from mainstay.web.keys import create_key
from standalone.ports import free_port
from standalone.postgres import EmbeddedPostgres
from tests.kafka import KafkaNode
from tests.load.ingest.traffic import SIZES, Size

ROUNDS = 3
SECONDS = 4.0
WARM_UP = 2.0
START_WITHIN = 60.0
SECRET = "b" * 32


@dataclass(frozen=True, slots=True)
class Server:
    """A server under load."""

    name: str
    port: int
    process: psutil.Process


@dataclass(frozen=True, slots=True)
class Round:
    """What one server did in one round; times in seconds."""

    events_per_second: float
    cpu_per_event: float
    p50: float
    p99: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """Both servers at one size of request; a figure is the median of its rounds."""

    size: Size
    plain: Sequence[Round]
    ours: Sequence[Round]

    @property
    def ratio(self) -> float:
        """How many times as many events a second ingest takes."""
        return _median(self.ours, "events_per_second") / _median(self.plain, "events_per_second")

    def __str__(self) -> str:
        head = f"ingest, {self.size.events} event(s) a request, {self.size.connections} connections: {self.ratio:.1f}x"
        return "\n".join((head, _line("FastAPI, pydantic, send()", self.plain), _line("Mainstay", self.ours)))


def _line(name: str, rounds: Sequence[Round]) -> str:
    return (
        f"  {name:26}{_median(rounds, 'events_per_second'):>9,.0f} events/s"
        f"{_median(rounds, 'cpu_per_event') * 1e6:>8.1f} µs of CPU an event"
        f"   p50 {_median(rounds, 'p50') * 1e3:.1f} ms, p99 {_median(rounds, 'p99') * 1e3:.1f} ms"
    )


def _median(rounds: Sequence[Round], figure: str) -> float:
    figures: list[float] = [getattr(one, figure) for one in rounds]
    return statistics.median(figures)


def compare(rounds: int = ROUNDS, seconds: float = SECONDS) -> list[Comparison]:
    """Start a broker, a database and both servers, and let the servers take turns; a comparison for each size."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        kafka = stack.enter_context(_broker())
        database, key = stack.enter_context(_database(folder))
        ours = stack.enter_context(_ingest(kafka, database, key))  # it makes the topic
        plain = stack.enter_context(_baseline(kafka, key))
        found = []
        for size in SIZES:
            for server in (plain, ours):
                measure(server, key, size, WARM_UP)
            turns = [(measure(plain, key, size, seconds), measure(ours, key, size, seconds)) for _ in range(rounds)]
            found.append(Comparison(size, [turn[0] for turn in turns], [turn[1] for turn in turns]))
        return found


def measure(server: Server, key: str, size: Size, seconds: float) -> Round:
    """One round."""
    before = server.process.cpu_times()
    command = [sys.executable, "-m", "tests.load.ingest.generator", str(server.port), key, str(size.events)]
    done = subprocess.run(
        [*command, str(seconds)], stdout=subprocess.PIPE, text=True, check=True, timeout=seconds + START_WITHIN
    )
    after = server.process.cpu_times()
    seen = json.loads(done.stdout)
    cpu = after.user + after.system - before.user - before.system
    return Round(seen["events"] / seen["seconds"], cpu / seen["events"], seen["p50"], seen["p99"])


@contextmanager
def _broker() -> Iterator[str]:
    node = KafkaNode(f"bench-{os.getpid()}")
    try:
        yield node.start()
    finally:
        node.wipe()


@contextmanager
def _database(folder: Path) -> Iterator[tuple[str, str]]:
    postgres = EmbeddedPostgres(folder / "postgres", durable=False)
    try:
        postgres.start()
        url = postgres.ensure_database()
        yield url, asyncio.run(_prepared(url))
    finally:
        postgres.remove()


async def _prepared(url: str) -> str:
    for history in (History("access", "mainstay.web.migrations"), HISTORY):
        await migrate(url, history)
    database = Database(url, application_name="bench")
    key = await create_key(database, SECRET, "bench", ["ingest:write"], "bench")
    await database.close()
    return key


@contextmanager
def _ingest(kafka: str, database: str, key: str) -> Iterator[Server]:
    port = free_port()
    settings = {
        "MAINSTAY_DATABASE_URL": database,
        "MAINSTAY_EVENT_LOG_URL": kafka,
        "MAINSTAY_SECRET_KEY": SECRET,
        "MAINSTAY_INGEST_PORT": str(port),
        "MAINSTAY_LOG_LEVEL": "WARNING",
    }
    with _started("Mainstay", port, ["ingest", "serve"], settings, key) as server:
        yield server


@contextmanager
def _baseline(kafka: str, key: str) -> Iterator[Server]:
    port = free_port()
    arguments = ["tests.load.ingest.baseline", str(port), kafka.removeprefix("kafka://"), key]
    with _started("baseline", port, arguments, {}, key) as server:
        yield server


@contextmanager
def _started(name: str, port: int, arguments: Sequence[str], settings: dict[str, str], key: str) -> Iterator[Server]:
    with subprocess.Popen([sys.executable, "-m", *arguments], env={**os.environ, **settings}) as process:
        try:
            _await_success(port, key)
            yield Server(name, port, psutil.Process(process.pid))
        finally:
            process.terminate()


def _await_success(port: int, key: str) -> None:
    call = {"type": "track", "messageId": "first", "userId": "u", "event": "e", "context": {"groupId": "a"}}
    ends_at = time.monotonic() + START_WITHIN
    while True:
        try:
            answer = httpx.post(
                f"http://127.0.0.1:{port}/v1/track",
                json=call,
                headers={"Authorization": f"Bearer {key}"},
                trust_env=False,
                timeout=10,
            )
            if answer.status_code == httpx.codes.OK:
                return
            said = answer.text
        except httpx.TransportError as error:
            said = str(error)
        if time.monotonic() > ends_at:
            raise TimeoutError(f"nothing on port {port} takes events: {said}")
        time.sleep(0.1)
