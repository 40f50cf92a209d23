"""Sources on a real PostgreSQL: their routes, their timers, and processes that observe."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import httpx
import msgspec
from sqlalchemy import text

from ingest import jobs
from ingest.api import plan_routes, source_routes
from ingest.application.health import LookAtLearnedPlan, LookAtSource
from ingest.application.observing import Observer
from ingest.application.sources import SourceBook
from ingest.application.stated import Delivery, Stated
from ingest.application.watching import ForgetOldCounts, WatchSources
from ingest.domain.limits import Limits
from ingest.domain.policy import Policy
from ingest.settings import Settings
from ingest.store.observed import Notes
from ingest.store.sources import SourceStore
from ingest.store.tables import HISTORY, kit
from ingest.store.watched import SeenSources, SourceWatch
from mainstay.contracts.envelope import Decoder, Event
from mainstay.contracts.ingest import UsageRecorded
from mainstay.contracts.sources import EVENTS
from mainstay.contracts.topics import SOURCE_EVENTS
from mainstay.db.due_runner import DueRunner
from mainstay.kernel.clock import ManualClock
from mainstay.messaging.port import Record
from mainstay.service.chassis import Chassis
from mainstay.web.keys import ApiKey, create_key

SECRET = "s" * 32


class Observatory:
    """The parts of ingest that have to do with sources."""

    def __init__(self, url: str, clock: ManualClock) -> None:
        self.clock = clock
        self.chassis = Chassis(
            "ingest", Settings(database_url=url, secret_key=SECRET), HISTORY, kit, owns=[SOURCE_EVENTS], clock=clock
        )
        self.store = SourceStore(self.chassis.database, self.chassis.transactions)
        self.book = SourceBook(self.store, Limits())
        self.observer = self.another_observer()
        self.timers = DueRunner(
            self.chassis.database,
            self.chassis.transactions,
            kit,
            clock,
            jobs.sources(SourceWatch, WatchSources(clock), ForgetOldCounts(clock)),
        )
        self.http: httpx.AsyncClient

    def another_observer(self) -> Observer:
        """As a second process would have one."""
        return Observer(Notes(self.chassis.transactions, self.clock))

    def app(self) -> Any:
        seeing = SeenSources(self.chassis.database)
        return self.chassis.app(
            [
                source_routes.source_routes(
                    source_routes.SourceHandlers(self.store, seeing, LookAtSource(seeing, self.clock), self.clock)
                ),
                plan_routes.plan_routes(plan_routes.PlanHandlers(self.store, LookAtLearnedPlan(seeing), self.clock)),
            ],
            source_routes.PROBLEMS,
            idempotent=True,
        )

    def sent(self, *events: tuple[str, dict[str, Any]], source: str = "web", skew: float | None = None) -> Delivery:
        """What one request brings now."""
        now = self.clock.now()
        used = [
            UsageRecorded("acme", name, name, now, now, None, msgspec.Raw(msgspec.json.encode(properties)))
            for name, properties in events
        ]
        stated = [Stated(str(n), "urn:web", now, one, b"{}") for n, one in enumerate(used)]
        return Delivery(
            "segment",
            ApiKey("k", "k", source, frozenset()),
            Policy(source, Limits()),
            now,
            "",
            stated=stated,
            places=list(range(len(stated))),
            skew_seconds=skew,
        )

    def sends(self, events: int, source: str = "web", at: datetime | None = None) -> None:
        """A source sends so many events that are accepted."""
        self.observer.counted(source, at or self.clock.now(), accepted=events, refused={}, waiting=0)

    async def said(self) -> list[Event[Any]]:
        """What was published since the last look, in order."""
        decode = Decoder(*EVENTS)
        async with self.chassis.database.engine.begin() as connection:
            rows = await connection.execute(
                text(
                    "WITH gone AS (DELETE FROM ingest.outbox WHERE topic = 'source-events' RETURNING *)"
                    " SELECT * FROM gone ORDER BY id"
                )
            )
            found = [
                decode(
                    Record(
                        row.topic,
                        0,
                        row.id,
                        row.key,
                        bytes(row.value),
                        tuple(zip(row.header_names, map(bytes, row.header_values), strict=True)),
                        row.written_at,
                    )
                )
                for row in rows
            ]
        return [event for event in found if event is not None]

    async def health(self, source: str = "web") -> Any:
        """What the route says of a source's health."""
        answer = await self.http.get(f"/v1/sources/{source}/health")
        assert answer.status_code == httpx.codes.OK, answer.text
        return answer.json()


@asynccontextmanager
async def observing(url: str, clock: ManualClock) -> AsyncIterator[Observatory]:
    """An observatory with a key that may read and write."""
    place = Observatory(url, clock)
    key = await create_key(place.chassis.database, SECRET, "tests", ["ingest:read", "ingest:write"], "web", clock=clock)
    await place.chassis.keys.refresh()
    await place.book.refresh()
    try:
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app=place.app()),
            base_url="http://127.0.0.1",
            headers={"Authorization": f"Bearer {key}"},
        ) as place.http:
            yield place
    finally:
        await place.chassis.close()
