"""What the benchmarks of renewals share: a filled database, and answers over HTTP with their times."""

import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import httpx
from prometheus_client import CollectorRegistry
from sqlalchemy import text

from mainstay.db.migrate import migrate
from mainstay.kernel.clock import ManualClock
from mainstay.web.keys import create_key
from renewals.bootstrap import Service
from renewals.settings import Settings
from standalone.postgres import EmbeddedPostgres
from standalone.services import EVENT_LOG, HISTORIES

SECRET = "a secret of thirty-two characters or more"


@dataclass(frozen=True)
class Timing:
    """Seconds of one question, of so many answers one after the other."""

    question: str
    median: float
    p95: float

    @classmethod
    def of(cls, question: str, seconds: Sequence[float]) -> "Timing":
        return cls(question, statistics.median(seconds), sorted(seconds)[-1 - len(seconds) // 20])

    def __str__(self) -> str:
        return f"| {self.question} | {self.median:.3f} | {self.p95:.3f} |"


@contextmanager
def database() -> Iterator[str]:
    """The address of an empty database of its own."""
    with tempfile.TemporaryDirectory() as folder:
        server = EmbeddedPostgres(Path(folder) / "postgres", durable=False)
        server.start()
        try:
            yield server.url("postgres")
        finally:
            server.remove()


@asynccontextmanager
async def filled(url: str, statements: Sequence[str], contracts: int, now: datetime) -> AsyncIterator[Service]:
    """A service at an instant, over what the statements write; `:contracts` and `:now` stand for those."""
    for history in (EVENT_LOG, *HISTORIES):
        await migrate(url, history)
    service = Service(
        Settings(database_url=url, event_log_url=url, secret_key=SECRET),
        clock=ManualClock(now),
        registry=CollectorRegistry(),
    )
    try:
        async with service.chassis.database.engine.begin() as connection:
            for statement in statements:
                values = {"contracts": contracts, "now": now}
                asked = {name: value for name, value in values.items() if f":{name}" in statement}
                await connection.execute(text(statement), asked)
        async with service.chassis.database.engine.connect() as connection:
            await connection.execution_options(isolation_level="AUTOCOMMIT")
            await connection.execute(text("VACUUM ANALYZE"))
        yield service
    finally:
        await service.close()


async def answers(service: Service, questions: Mapping[str, str], times: int) -> list[Timing]:
    """How long each question takes over HTTP, asked so many times."""
    key = await create_key(service.chassis.database, SECRET, "bench", ["renewals:read"])
    headers = {"Authorization": f"Bearer {key}"}
    found = []
    transport = httpx.ASGITransport(app=service.app())
    async with httpx.AsyncClient(transport=transport, base_url="http://renewals", headers=headers) as http:
        for question, path in questions.items():
            seconds = []
            for _ in range(times):
                await service.chassis.keys.refresh()  # they are good for five seconds
                begun = time.perf_counter()
                answer = await http.get(path, timeout=60)
                seconds.append(time.perf_counter() - begun)
                answer.raise_for_status()
            found.append(Timing.of(question, seconds))
    return found
