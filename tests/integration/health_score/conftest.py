"""health-score on a database of the test's own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
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


@pytest.fixture
def url(migrated_url: str) -> str:
    """The address of a database with every schema in it."""
    return migrated_url


@pytest.fixture
async def health(url: str) -> AsyncIterator[Health]:
    """health-score at 2026-03-01 09:00 UTC, with nothing in it."""
    async with running(url) as it:
        yield it


@pytest.fixture
async def another_health(another_migrated_url: str) -> AsyncIterator[Health]:
    """A second one, on a database of its own."""
    async with running(another_migrated_url) as it:
        yield it


@asynccontextmanager
async def running(url: str) -> AsyncIterator[Health]:
    """health-score on that database."""
    clock = ManualClock(START)
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


@pytest.fixture
async def other_key(health: Health) -> str:
    """A key that may do other things."""
    key = await create_key(health.database, SECRET, "other", ["renewals:read", "ingest:write"])
    await health.keys.refresh()
    return key
