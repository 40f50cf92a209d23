"""Wires ingest; the only module that knows all of its parts."""

import asyncio

from fastapi import FastAPI

from ingest import consumers, jobs
from ingest.api import (
    cloudevents,
    csm_routes,
    import_routes,
    plan_routes,
    privacy_routes,
    quarantine_routes,
    segment,
    sensors,
    source_routes,
    totango,
)
from ingest.api.access import Access
from ingest.api.bodies import Bodies, BytesInFlight
from ingest.api.cloudevents_routes import CloudEventsRoutes
from ingest.api.front import Front, HotRoute
from ingest.api.import_reading import ImportReader
from ingest.api.import_stream import ImportStream
from ingest.api.openapi import describe
from ingest.api.receiving import ProtocolRoutes
from ingest.api.schema_routes import schema_routes
from ingest.api.segment_routes import SegmentRoutes
from ingest.api.sensors_routes import SensorsRoutes
from ingest.api.totango_routes import TotangoRoutes
from ingest.application.append import Append
from ingest.application.erasing import EraseSubject, LiftSuppression, LookForOverdue, RecordConfirmations, Sweep
from ingest.application.facts import StateFact
from ingest.application.health import LookAtLearnedPlan, LookAtSource
from ingest.application.importing import Importing
from ingest.application.limiting import AccountsInFlight, TokenBuckets
from ingest.application.observing import Observer
from ingest.application.ports import Reader
from ingest.application.privacy import Redactor, SuppressionBook
from ingest.application.quarantine import STANDING
from ingest.application.reception import Parts, Reception
from ingest.application.replaying import (
    ExpireKept,
    Replayer,
    ReplayMany,
    ReplayMarked,
    ReplayOne,
    ReplayPeople,
    SweepWaiting,
)
from ingest.application.sources import SourceBook
from ingest.application.watching import ForgetOldCounts, WatchSources
from ingest.erasure_meters import ErasureMeters
from ingest.metrics import IngestMetrics
from ingest.quarantine_meters import QuarantineMeters
from ingest.settings import Settings
from ingest.store.identities import IdentityStore
from ingest.store.imports import ImportStore
from ingest.store.keeping import QuarantineKeeper
from ingest.store.observed import Notes
from ingest.store.privacy import OpenPrivacyWork, StoredErasures
from ingest.store.quarantine import OpenQuarantine
from ingest.store.sources import SourceStore
from ingest.store.tables import HISTORY, kit
from ingest.store.watched import SeenSources, SourceWatch
from mainstay.contracts.topics import CUSTOMER_SIGNALS, PRIVACY_REQUESTS, SOURCE_EVENTS, USAGE_EVENTS
from mainstay.db.due_runner import DueHandler, DueRunner
from mainstay.kernel.clock import Clock
from mainstay.service.chassis import Chassis
from mainstay.service.subjects import Subjects
from mainstay.web.routes import Routes
from mainstay.web.serving import Background

NAME = "ingest"
TOPICS = (USAGE_EVENTS, CUSTOMER_SIGNALS, PRIVACY_REQUESTS, SOURCE_EVENTS)
"""The topics that ingest owns."""
READERS: dict[str, Reader] = {
    "segment": segment.read_again,
    "cloudevents": cloudevents.read_again,
    "sensors": sensors.read_again,
    "totango": totango.read_again,
}
READERS["import"] = ImportReader(READERS)
"""What reads an event of a protocol again, by the protocol's name."""


class Service:
    """The service's parts, made but not started; nothing connects before it is used."""

    def __init__(self, settings: Settings, *, clock: Clock | None = None) -> None:
        self.settings = settings
        self.chassis = Chassis(NAME, settings, HISTORY, kit, owns=TOPICS, clock=clock)
        self.access = Access(self.chassis.keys)
        self.in_flight = BytesInFlight(settings.max_bytes_in_flight)
        self.metrics = IngestMetrics(self.chassis.registry, bytes_in_flight=lambda: self.in_flight.held)
        self.append = Append(self.chassis.log, within=settings.append_within, times=self.metrics)
        self.identities = IdentityStore(self.chassis.database, kit, self.chassis.clock)
        self.quarantine_meters = QuarantineMeters(self.chassis.registry)
        self.keeper = QuarantineKeeper(
            self.chassis.database,
            kit,
            self.chassis.clock,
            self.identities,
            self.quarantine_meters,
            most_bytes=settings.quarantine_bytes,
        )
        self.shelves = OpenQuarantine(self.chassis.transactions)
        self.source_store = SourceStore(self.chassis.database, self.chassis.transactions)
        self.sources = SourceBook(self.source_store, settings.limits)
        self.observer = Observer(Notes(self.chassis.transactions, self.chassis.clock))
        self.subjects = Subjects(settings.secret_key)
        self.erasures = StoredErasures(self.chassis.database)
        self.suppressions = SuppressionBook(self.erasures, self.subjects)
        self.redactor = Redactor(self.subjects)
        self.limiter = TokenBuckets()
        self.parts = Parts(
            self.append,
            self.sources,
            self.identities,
            self.keeper,
            self.suppressions,
            self.observer,
            self.redactor,
            AccountsInFlight(settings.max_bytes_in_flight // 4),
        )
        self.reception = Reception(self.parts)
        self.importing = Importing(
            ImportStore(self.chassis.database, settings.import_lease),
            self.reception,
            self.sources,
            self.limiter,
            self.metrics,
            self.chassis.clock,
        )
        self.late_erasures = ErasureMeters(self.chassis.registry)
        self.erasing = OpenPrivacyWork(self.chassis.transactions, self.identities)
        self.replayer = Replayer(self.parts, READERS, self.quarantine_meters)
        self.timers = DueRunner(
            self.chassis.database,
            self.chassis.transactions,
            kit,
            self.chassis.clock,
            self.due_handlers(),
            registry=self.chassis.registry,
        )

    def app(self) -> Front:
        """The HTTP side: the hot routes, and behind them the application for everything else."""
        return Front(
            self.behind_the_front(),
            self.hot_routes(),
            access=self.access,
            bodies=Bodies(self.settings.limits, within=self.settings.body_within),
            in_flight=self.in_flight,
            metrics=self.metrics,
            policies=self.sources,
            limiter=self.limiter,
            stream=ImportStream(self.importing, READERS, self.access, self.in_flight, self.metrics),
        )

    def hot_routes(self) -> dict[str, HotRoute]:
        """Path -> route, of every protocol."""
        parts = ProtocolRoutes(
            self.reception,
            self.access,
            self.sources,
            self.chassis.clock,
            self.metrics,
            self.limiter,
            self.settings.limits,
        )
        return {
            **SegmentRoutes(parts).table(),
            **CloudEventsRoutes(parts).table(),
            **SensorsRoutes(parts).table(),
            **TotangoRoutes(parts).table(),
        }

    def behind_the_front(self) -> FastAPI:
        """Documentation, health and metrics; it describes the hot routes too."""
        app = self.chassis.app(
            [
                self.privacy_routes(),
                self.quarantine_routes(),
                *self.source_routes(),
                import_routes.import_routes(self.importing),
                schema_routes(),
                self.csm_routes(),
            ],
            {
                **csm_routes.PROBLEMS,
                **import_routes.PROBLEMS,
                **privacy_routes.PROBLEMS,
                **quarantine_routes.PROBLEMS,
                **source_routes.PROBLEMS,
            },
            idempotent=True,
        )
        describe(app)
        import_routes.describe_imports(app)
        return app

    def csm_routes(self) -> Routes:
        """What people write down during a day."""
        state = StateFact(self.reception, self.sources, self.redactor, self.limiter, self.metrics)
        return csm_routes.csm_routes(state, self.chassis.clock)

    def privacy_routes(self) -> Routes:
        """Erasures."""
        clock = self.chassis.clock
        return privacy_routes.privacy_routes(
            privacy_routes.PrivacyHandlers(
                erase=EraseSubject(self.erasing, self.subjects, clock),
                lift=LiftSuppression(self.erasing, clock),
                reading=self.erasures,
                clock=clock,
            )
        )

    def quarantine_routes(self) -> Routes:
        """What was put aside."""
        return quarantine_routes.quarantine_routes(
            quarantine_routes.QuarantineHandlers(
                self.shelves, ReplayOne(self.shelves, self.replayer), ReplayMany(self.shelves, self.chassis.clock)
            )
        )

    def source_routes(self) -> list[Routes]:
        """Sources and tracking plans."""
        clock, seeing = self.chassis.clock, SeenSources(self.chassis.database)
        return [
            source_routes.source_routes(
                source_routes.SourceHandlers(self.source_store, seeing, LookAtSource(seeing, clock), clock)
            ),
            plan_routes.plan_routes(plan_routes.PlanHandlers(self.source_store, LookAtLearnedPlan(seeing), clock)),
        ]

    def due_handlers(self) -> dict[str, DueHandler]:
        """The handler of each kind of timer."""
        clock = self.chassis.clock
        return {
            **jobs.erasures(self.erasing.within, Sweep(clock), LookForOverdue(self.late_erasures, clock)),
            **jobs.sources(SourceWatch, WatchSources(clock), ForgetOldCounts(clock)),
            **jobs.quarantine(
                self.shelves.within,
                people=ReplayPeople(self.replayer, self.identities, clock),
                marked=ReplayMarked(self.replayer, clock),
                sweep=SweepWaiting(self.identities, clock),
                expire=ExpireKept(self.quarantine_meters, clock, self.settings.quarantine_kept_for),
            ),
        }

    def work_app(self) -> FastAPI:
        """The operational routes of a process that only works."""
        return self.chassis.work_app()

    def serving(self) -> dict[str, Background]:
        """What runs beside the HTTP server."""
        return {
            "keys": self.chassis.keys.run,
            "suppressions": self.suppressions.run,
            "sources": self.sources.run,
            "observations": self.observer.run,
            "event log": self._open,
        }

    def working(self) -> dict[str, Background]:
        """Timers, what the services confirm, and the outbox relay."""
        confirmed = consumers.confirmations(RecordConfirmations(self.erasing, self.chassis.clock))
        return {
            "timers": self.timers.run,
            "standing timers": jobs.StandingTimers(self.chassis.transactions, self.chassis.clock, STANDING).run,
            "privacy-requests": self.chassis.reading(confirmed),
            # What replays need of receiving; under the same names, so that it runs once where both parts do.
            "suppressions": self.suppressions.run,
            "sources": self.sources.run,
            "event log": self._open,
            "relay": self.chassis.relay,
        }

    async def close(self) -> None:
        """Disconnect."""
        await self.chassis.close()

    async def _open(self, stopping: asyncio.Event) -> None:
        if await self.chassis.declare_topics(stopping):
            self.append.open()
            await stopping.wait()
