"""The processes of the benchmark: a broker, a database, ingest, and its two peers."""

import asyncio
import json
import os
import shutil
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

from ingest.store.tables import HISTORY
from mainstay.db.engine import Database
from mainstay.db.migrate import History, migrate
from mainstay.web.keys import create_key
from standalone.ports import free_port
from standalone.postgres import EmbeddedPostgres
from tests.kafka import KafkaNode
from tests.load.ingest.traffic import Size

START_WITHIN = 60.0
SECRET = "b" * 32
PROJECT = Path(__file__).parents[3]
NODE_PEER = Path(__file__).parent / "node"


@dataclass(frozen=True, slots=True)
class Round:
    """What one contender did in one round; times in seconds."""

    events_per_second: float
    cpu_per_event: float
    p50: float
    p99: float


@dataclass(frozen=True, slots=True)
class Workshop:
    """What all contenders share: the broker, and ingest's database with the key that all of them take."""

    kafka: str
    database: str
    key: str


@dataclass(frozen=True, slots=True)
class Server:
    """A server under load."""

    name: str
    port: int
    key: str
    process: psutil.Process

    def measure(self, size: Size, seconds: float, rate: float = 0) -> Round:
        """One round; `rate` is the most events a second, 0: no limit."""
        before = self.process.cpu_times()
        done = subprocess.run(
            self.generator(size, seconds, rate),
            stdout=subprocess.PIPE,
            text=True,
            check=True,
            timeout=seconds + START_WITHIN,
        )
        after = self.process.cpu_times()
        seen = json.loads(done.stdout)
        cpu = after.user + after.system - before.user - before.system
        return Round(seen["events"] / seen["seconds"], cpu / seen["events"], seen["p50"], seen["p99"])

    def generator(self, size: Size, seconds: float, rate: float = 0) -> list[str]:
        """The command that loads it."""
        command = [sys.executable, "-m", "tests.load.ingest.generator", str(self.port), self.key, str(size.events)]
        return [*command, str(seconds), "--rate", str(rate)]


@dataclass(frozen=True, slots=True)
class BareFlusher:
    """The contender without HTTP: a process of its own each round."""

    name: str
    kafka: str

    def measure(self, size: Size, seconds: float) -> Round:
        """One round."""
        command = [sys.executable, "-m", "tests.load.ingest.bare", self.kafka, str(size.events), str(seconds)]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, timeout=seconds + START_WITHIN)
        seen = json.loads(done.stdout)
        return Round(seen["events"] / seen["seconds"], seen["cpu"] / seen["events"], seen["p50"], seen["p99"])


@contextmanager
def workshop() -> Iterator[Workshop]:
    """A broker and a migrated database, deleted afterwards."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        node = KafkaNode(f"bench-{os.getpid()}")
        stack.callback(node.wipe)
        postgres = EmbeddedPostgres(folder / "postgres", durable=False)
        stack.callback(postgres.remove)
        postgres.start()
        database = postgres.ensure_database()
        yield Workshop(node.start(), database, asyncio.run(_prepared(database)))


@contextmanager
def ingest(shop: Workshop, *, module: Sequence[str] = ("ingest",), **settings: str) -> Iterator[Server]:
    """Ingest's `serve`; it makes the topics. `module` is what Python is told to run."""
    port = free_port()
    environment = {
        "MAINSTAY_DATABASE_URL": shop.database,
        "MAINSTAY_EVENT_LOG_URL": shop.kafka,
        "MAINSTAY_SECRET_KEY": SECRET,
        "MAINSTAY_INGEST_PORT": str(port),
        "MAINSTAY_LOG_LEVEL": "WARNING",
        **settings,
    }
    with started("Mainstay", port, [sys.executable, "-m", *module, "serve"], environment, shop.key) as server:
        yield server


@contextmanager
def fastapi(shop: Workshop) -> Iterator[Server]:
    """FastAPI, pydantic and send()."""
    port = free_port()
    command = [sys.executable, "-m", "tests.load.ingest.baseline", str(port), _servers(shop), shop.key]
    with started("FastAPI, pydantic, send()", port, command, {}, shop.key) as server:
        yield server


@contextmanager
def fastify(shop: Workshop) -> Iterator[Server]:
    """Fastify, ajv and the plain producer of @platformatic/kafka."""
    port = free_port()
    command = ["node", str(_installed() / "peer.js"), str(port), _servers(shop), shop.key]
    with started("Fastify, @platformatic/kafka", port, command, {"NODE_ENV": "production"}, shop.key) as server:
        yield server


def has_node() -> bool:
    """Whether the peer in Node can run here."""
    return shutil.which("node") is not None and shutil.which("npm") is not None


def _installed() -> Path:
    """The peer in a folder of its own, with its packages; they are brought once for each package.json."""
    folder = Path(os.environ.get("MAINSTAY_HOME") or PROJECT / ".mainstay") / "node-peer"
    wanted = (NODE_PEER / "package.json").read_text()
    mark = folder / "installed.json"
    folder.mkdir(parents=True, exist_ok=True)
    if not mark.exists() or mark.read_text() != wanted:
        (folder / "package.json").write_text(wanted)
        command = ["npm", "install", "--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
        subprocess.run(command, cwd=folder, check=True)
        mark.write_text(wanted)
    shutil.copy(NODE_PEER / "peer.js", folder)
    return folder


def _servers(shop: Workshop) -> str:
    return shop.kafka.removeprefix("kafka://")


async def _prepared(url: str) -> str:
    for history in (History("access", "mainstay.web.migrations"), HISTORY):
        await migrate(url, history)
    database = Database(url, application_name="bench")
    key = await create_key(database, SECRET, "bench", ["ingest:write"], "bench")
    await database.close()
    return key


@contextmanager
def started(name: str, port: int, command: Sequence[str], environment: dict[str, str], key: str) -> Iterator[Server]:
    """A server's process, from its first success on."""
    with subprocess.Popen(command, env={**os.environ, **environment}) as process:
        try:
            _await_success(process, port, key)
            yield Server(name, port, key, psutil.Process(process.pid))
        finally:
            process.terminate()


def _await_success(process: subprocess.Popen[bytes], port: int, key: str) -> None:
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
        if process.poll() is not None:
            raise ChildProcessError(f"{process.args!r} ended with status {process.returncode}")
        if time.monotonic() > ends_at:
            raise TimeoutError(f"nothing on port {port} takes events: {said}")
        time.sleep(0.1)
