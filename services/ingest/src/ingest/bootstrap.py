"""Wires ingest; the only module that knows all of its parts."""

import asyncio
from contextlib import suppress
from importlib.metadata import version

from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from ingest.api.access import Access
from ingest.api.bodies import Bodies, BytesInFlight
from ingest.api.cloudevents_routes import CloudEventsRoutes
from ingest.api.front import Front, HotRoute
from ingest.api.openapi import describe
from ingest.api.segment_routes import SegmentRoutes
from ingest.application import Append
from ingest.metrics import IngestMetrics
from ingest.settings import Settings
from ingest.store import HISTORY, kit
from mainstay.contracts.topics import CUSTOMER_SIGNALS, PRIVACY_REQUESTS, USAGE_EVENTS
from mainstay.db.engine import Database
from mainstay.db.migrate import behind
from mainstay.db.outbox import Relay
from mainstay.kernel.clock import Clock, SystemClock
from mainstay.messaging.open import open_log
from mainstay.messaging.port import EventLog, LogUnavailable
from mainstay.messaging.runner import start_log
from mainstay.observability.metrics import new_registry
from mainstay.web.app import create_app, create_work_app
from mainstay.web.keys import KeyRing
from mainstay.web.serving import Background

NAME = "ingest"
TITLE = "Mainstay ingest"
VERSION = version("mainstay-ingest")
TOPICS = (USAGE_EVENTS, CUSTOMER_SIGNALS, PRIVACY_REQUESTS)
"""The topics that ingest owns."""
LOG_AGAIN_AFTER = 1.0
"""Seconds until the topics are declared again to a log that went away."""


class Service:
    """The service's parts, made but not started; nothing connects before it is used."""

    def __init__(
        self, settings: Settings, *, clock: Clock | None = None, registry: CollectorRegistry | None = None
    ) -> None:
        self.settings = settings
        self.clock = clock or SystemClock()
        self.registry = registry or new_registry(NAME, VERSION)
        self.database = Database(settings.database_url, application_name=f"mainstay {NAME}")
        self.log: EventLog = open_log(settings.event_log_url, client_name=f"mainstay {NAME}")
        self.keys = KeyRing(self.database, settings.secret_key)
        self.access = Access(self.keys)
        self.in_flight = BytesInFlight(settings.max_bytes_in_flight)
        self.metrics = IngestMetrics(self.registry, bytes_in_flight=lambda: self.in_flight.held)
        self.append = Append(self.log, within=settings.append_within, times=self.metrics)
        self.relay = Relay(self.database, kit, self.log, self.clock, registry=self.registry)
        self._topics_declared = asyncio.Lock()
        self._topics_known = False

    def front(self) -> Front:
        """The HTTP side: the hot routes, and behind them the application for everything else."""
        return Front(
            self.app(),
            self.hot_routes(),
            access=self.access,
            bodies=Bodies(self.settings.limits, within=self.settings.body_within),
            in_flight=self.in_flight,
            metrics=self.metrics,
        )

    def hot_routes(self) -> dict[str, HotRoute]:
        """Path -> route, of both protocols."""
        parts = (self.append, self.access, self.settings.limits, self.clock, self.metrics)
        return {**SegmentRoutes(*parts).table(), **CloudEventsRoutes(*parts).table()}

    def app(self) -> FastAPI:
        """What stands behind the hot routes: documentation, health and metrics."""
        app = create_app(
            title=TITLE,
            version=VERSION,
            routes=[],
            problems={},
            keys=self.keys,
            readiness={"database": self.database.healthy, "migrations": self._behind, "keys": self._keys_stale},
            info={"event log": self.log.healthy},
            registry=self.registry,
        )
        describe(app)
        return app

    def work_app(self) -> FastAPI:
        """The operational routes of a process that only works."""
        return create_work_app(
            title=f"{TITLE}, work",
            version=VERSION,
            readiness={"database": self.database.healthy, "migrations": self._behind},
            info={"event log": self.log.healthy},
            registry=self.registry,
        )

    def serving(self) -> dict[str, Background]:
        """What runs beside the HTTP server."""
        return {"keys": self.keys.run, "event log": self._connect}

    def working(self) -> dict[str, Background]:
        """The outbox relay; ingest consumes nothing yet."""
        return {"relay": self._relay}

    async def close(self) -> None:
        """Disconnect."""
        await self.log.close()
        await self.database.close()

    async def _connect(self, stopping: asyncio.Event) -> None:
        if await self._declare_topics(stopping):
            await stopping.wait()

    async def _relay(self, stopping: asyncio.Event) -> None:
        if await self._declare_topics(stopping):
            await self.relay.run(stopping)

    async def _declare_topics(self, stopping: asyncio.Event) -> bool:
        """Have the log started and the topics in it, however long that takes; False when told to stop before."""
        async with self._topics_declared:
            while not self._topics_known and await start_log(self.log, stopping):
                try:
                    await self.log.ensure_topics(TOPICS)
                except LogUnavailable:
                    with suppress(TimeoutError):
                        await asyncio.wait_for(stopping.wait(), LOG_AGAIN_AFTER)
                else:
                    self._topics_known = True
                    self.append.open()
        return self._topics_known

    async def _behind(self) -> str | None:
        return await behind(self.database, HISTORY)

    async def _keys_stale(self) -> str | None:
        return self.keys.stale()


def build_app_for_docs() -> FastAPI:
    """The application as it is described in docs/openapi; never connects."""
    settings = Settings(database_url="postgresql://nobody@localhost/nothing", secret_key="x" * 32)
    return Service(settings, registry=CollectorRegistry()).app()
