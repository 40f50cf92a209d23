"""What the benchmarks of health-score run on: a durable PostgreSQL, an Apache Kafka, and health-score's processes."""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import httpx
import psutil
from sqlalchemy import text

from health_score.bootstrap import build_handlers
from health_score.scorecards.reading import read_scorecard
from health_score.store.tables import HISTORY, kit
from mainstay.db.engine import Database
from mainstay.db.migrate import migrate
from mainstay.db.work import Transactions
from mainstay.kernel.clock import SystemClock
from mainstay.service.subjects import Subjects
from mainstay.web.keys import ACCESS_HISTORY, create_key
from standalone.ports import free_port
from standalone.postgres import EmbeddedPostgres
from tests.kafka import KafkaNode
from tests.load.health_score.filling import fill

SECRET = "b" * 32
START_WITHIN = 60.0
TEMPLATE = "migrated"


@dataclass(frozen=True, slots=True)
class Machine:
    """A broker, and a server with a migrated database to copy."""

    kafka: str
    postgres: EmbeddedPostgres

    def database(self, name: str, template: str = TEMPLATE) -> str:
        """The address of a new database, a copy of another; an old one of this name goes."""
        asyncio.run(self._copy(name, template))
        return self.postgres.url(name)

    async def _copy(self, name: str, template: str) -> None:
        connection = await asyncpg.connect(self.postgres.url("postgres"))
        try:
            await connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
            await connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        finally:
            await connection.close()


@contextmanager
def machine() -> Iterator[Machine]:
    """Start both, durable as in production; they and their data are gone afterwards."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        node = KafkaNode(f"bench-{os.getpid()}")
        stack.callback(node.wipe)
        postgres = EmbeddedPostgres(folder / "postgres")
        stack.callback(postgres.remove)
        postgres.start()
        asyncio.run(_migrated(postgres.ensure_database(TEMPLATE)))
        yield Machine(node.start(), postgres)


async def _migrated(url: str) -> None:
    for history in (ACCESS_HISTORY, HISTORY):
        await migrate(url, history)


def filled(shop: Machine, name: str, accounts: int) -> float:
    """Make a database with so many accounts that have a past, under the default scorecard; answers the seconds."""
    return asyncio.run(_filled(shop.database(name), accounts))


async def _filled(url: str, accounts: int) -> float:
    database, clock = Database(url, application_name="bench", pool_size=2), SystemClock()
    transactions = Transactions(database, kit, clock=clock)
    handlers = build_handlers(database, transactions, read_scorecard(), clock, subjects=Subjects(SECRET))
    try:
        async with handlers.works() as work:
            await handlers.cards.install(work, clock.now())
        async with database.engine.connect() as connection:
            found = await connection.execute(text("SELECT max(scorecard_no) FROM health_score.scorecard"))
            card = int(found.scalar_one())
        began = time.monotonic()
        await fill(database, accounts, clock.now(), card=card)
        return time.monotonic() - began
    finally:
        await database.close()


@dataclass(frozen=True, slots=True)
class Deployment:
    """health-score as processes on one database: where its API listens, a key that may do all, and who works."""

    url: str
    key: str
    processes: Sequence[psutil.Process]

    def cpu_seconds(self) -> float:
        """What the processes have taken so far."""
        times = [process.cpu_times() for process in self.processes]
        return sum(each.user + each.system for each in times)


@contextmanager
def health_score(database: str, kafka: str, *, workers: int) -> Iterator[Deployment]:
    """One process that serves, and so many that work; ready when it answers."""
    key, port = asyncio.run(_key(database)), free_port()
    with ExitStack() as stack:
        serving = stack.enter_context(_started(database, kafka, port, "serve"))
        working = [stack.enter_context(_started(database, kafka, free_port(), "work")) for _ in range(workers)]
        url = f"http://127.0.0.1:{port}"
        _await(f"{url}/readyz", serving)
        yield Deployment(url, key, [psutil.Process(each.pid) for each in (serving, *working)])


@contextmanager
def _started(database: str, kafka: str, port: int, part: str) -> Iterator[subprocess.Popen[bytes]]:
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("MAINSTAY_")},
        "MAINSTAY_DATABASE_URL": database,
        "MAINSTAY_EVENT_LOG_URL": kafka,
        "MAINSTAY_SECRET_KEY": SECRET,
        "MAINSTAY_HEALTH_SCORE_PORT": str(port),
        "MAINSTAY_HEALTH_SCORE_WORK_PORT": str(port),
        "MAINSTAY_LOG_LEVEL": "CRITICAL",
    }
    with subprocess.Popen([sys.executable, "-m", "health_score", part], env=environment) as process:
        try:
            yield process
        finally:
            process.terminate()


async def _key(url: str) -> str:
    database = Database(url, application_name="bench")
    try:
        return await create_key(database, SECRET, "bench", ["health:read", "health:write"])
    finally:
        await database.close()


def _await(url: str, process: subprocess.Popen[bytes]) -> None:
    ends_at = time.monotonic() + START_WITHIN
    while True:
        try:
            if httpx.get(url, trust_env=False, timeout=5).status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            pass
        if process.poll() is not None:
            raise ChildProcessError(f"health-score ended with status {process.returncode}")
        if time.monotonic() > ends_at:
            raise TimeoutError(f"{url} is not ready after {START_WITHIN:.0f} s")
        time.sleep(0.1)
