"""health-score started on a database, and one prepared once for many tests."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

import httpx
from prometheus_client import CollectorRegistry

from health_score.api.routes import PROBLEMS, ROUTES
from health_score.bootstrap import build_handlers
from health_score.scorecards.reading import read_scorecard
from health_score.store.tables import kit
from mainstay.db.engine import Database
from mainstay.db.work import Transactions
from mainstay.kernel.clock import ManualClock
from mainstay.service.subjects import Subjects
from mainstay.web.app import create_app
from mainstay.web.keys import KeyRing, create_key
from tests.integration.health_score.health import SECRET, START, Health

Copy = Callable[[str], AbstractContextManager[str]]


@asynccontextmanager
async def running(url: str, at: datetime = START) -> AsyncIterator[Health]:
    """health-score on that database, at that instant."""
    clock = ManualClock(at)
    database = Database(url, application_name="tests", pool_size=4)
    handlers = build_handlers(
        database, Transactions(database, kit, clock=clock), read_scorecard(), clock, subjects=Subjects(SECRET)
    )
    keys = KeyRing(database, SECRET, now=lambda: 0.0)  # they stay fresh, however long a test takes
    key = await create_key(database, SECRET, "tests", ["health:read", "health:write"])
    await keys.refresh()
    app = create_app(
        title="health-score",
        version="0",
        routes=ROUTES,
        problems=PROBLEMS,
        keys=keys,
        readiness={},
        info={},
        registry=CollectorRegistry(),
    )
    app.state.handlers = handlers
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app),
        base_url="http://health-score",
        headers={"Authorization": f"Bearer {key}"},
    ) as api:
        yield Health(database, clock, handlers, api, keys)
    await database.close()


@dataclass(frozen=True)
class Prepared:
    """What a module's tests begin with: made once, and copied for each, so that none sees what another did."""

    url: str
    at: datetime

    @classmethod
    def by(cls, url: str, prepare: Callable[[Health], Awaitable[None]]) -> "Prepared":
        """Run the preparation on a migrated database."""

        async def run() -> datetime:
            async with running(url) as health:
                await prepare(health)
                return health.clock.now()

        with ThreadPoolExecutor(1) as thread:  # pytest-asyncio's loop of this thread stays untouched
            return cls(url, thread.submit(asyncio.run, run()).result())

    @asynccontextmanager
    async def copied(self, copy_of: Copy) -> AsyncIterator[Health]:
        """health-score on a copy, at the instant at which the preparation ended."""
        with copy_of(self.url) as url:
            async with running(url, self.at) as it:
                yield it
