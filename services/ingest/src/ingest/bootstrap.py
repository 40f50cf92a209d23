"""Wires ingest; the only module that knows all of its parts."""

import asyncio

from fastapi import FastAPI

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
from mainstay.kernel.clock import Clock
from mainstay.service.chassis import Chassis
from mainstay.web.serving import Background

NAME = "ingest"
TOPICS = (USAGE_EVENTS, CUSTOMER_SIGNALS, PRIVACY_REQUESTS)
"""The topics that ingest owns."""


class Service:
    """The service's parts, made but not started; nothing connects before it is used."""

    def __init__(self, settings: Settings, *, clock: Clock | None = None) -> None:
        self.settings = settings
        self.chassis = Chassis(NAME, settings, HISTORY, kit, owns=TOPICS, clock=clock)
        self.access = Access(self.chassis.keys)
        self.in_flight = BytesInFlight(settings.max_bytes_in_flight)
        self.metrics = IngestMetrics(self.chassis.registry, bytes_in_flight=lambda: self.in_flight.held)
        self.append = Append(self.chassis.log, within=settings.append_within, times=self.metrics)

    def app(self) -> Front:
        """The HTTP side: the hot routes, and behind them the application for everything else."""
        return Front(
            self.behind_the_front(),
            self.hot_routes(),
            access=self.access,
            bodies=Bodies(self.settings.limits, within=self.settings.body_within),
            in_flight=self.in_flight,
            metrics=self.metrics,
        )

    def hot_routes(self) -> dict[str, HotRoute]:
        """Path -> route, of both protocols."""
        parts = (self.append, self.access, self.settings.limits, self.chassis.clock, self.metrics)
        return {**SegmentRoutes(*parts).table(), **CloudEventsRoutes(*parts).table()}

    def behind_the_front(self) -> FastAPI:
        """Documentation, health and metrics; it describes the hot routes too."""
        app = self.chassis.app([], {})
        describe(app)
        return app

    def work_app(self) -> FastAPI:
        """The operational routes of a process that only works."""
        return self.chassis.work_app()

    def serving(self) -> dict[str, Background]:
        """What runs beside the HTTP server."""
        return {"keys": self.chassis.keys.run, "event log": self._open}

    def working(self) -> dict[str, Background]:
        """The outbox relay; ingest consumes nothing yet."""
        return {"relay": self.chassis.relay}

    async def close(self) -> None:
        """Disconnect."""
        await self.chassis.close()

    async def _open(self, stopping: asyncio.Event) -> None:
        if await self.chassis.declare_topics(stopping):
            self.append.open()
            await stopping.wait()
