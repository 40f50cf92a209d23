"""Wires the parts of health-score; the only place that knows all of them."""

import asyncio
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from health_score import consumers, jobs
from health_score.api.routes import PROBLEMS, routes
from health_score.application.assessing import Assessor
from health_score.application.facts import RecordFacts, RecordValues
from health_score.application.midnight import CloseDays, MakeRoom, Rebuild
from health_score.application.queries import Queries
from health_score.application.usage import RecordUsage
from health_score.domain.scorecard import Scorer
from health_score.scorecards.reading import ScorecardDocument, read_scorecard
from health_score.settings import Settings
from health_score.store.reading import Reading
from health_score.store.scorecards import ScorecardNumbers
from health_score.store.tables import HISTORY, kit
from health_score.store.work import Memory, Works
from mainstay.contracts.topics import ACCOUNT_EVENTS, HEALTH_EVENTS
from mainstay.db.due import DueRunner
from mainstay.db.engine import Database
from mainstay.db.errors import is_transient
from mainstay.db.migrate import behind
from mainstay.db.outbox import Hint, Relay
from mainstay.db.work import OffsetStore, Transactions
from mainstay.kernel.clock import Clock, SystemClock
from mainstay.messaging.consuming import Batch, Subscription
from mainstay.messaging.metrics import RunnerMetrics
from mainstay.messaging.open import open_log
from mainstay.messaging.port import EventLog, LogUnavailable
from mainstay.messaging.runner import Runner, start_log
from mainstay.observability.metrics import new_registry
from mainstay.web.app import create_app, create_work_app
from mainstay.web.keys import KeyRing
from mainstay.web.serving import Background

NAME = "health-score"

AGAIN_AFTER = 1.0
"""Seconds between attempts at what needs the database or the log at the start."""


@dataclass(frozen=True)
class Handlers:
    """What health-score does, bound to one database and one clock."""

    works: Works
    usage: RecordUsage
    facts: RecordFacts
    values: RecordValues
    close: CloseDays
    rebuild: Rebuild
    room: MakeRoom
    queries: Queries
    due: DueRunner


def build_handlers(
    database: Database,
    document: ScorecardDocument,
    clock: Clock,
    *,
    hint: Hint | None = None,
    registry: CollectorRegistry | None = None,
) -> Handlers:
    """The handlers, without a log and without HTTP: what tests drive."""
    transactions = Transactions(database, kit, clock=clock, hint=hint)
    card = document.card
    works = Works(transactions, Memory(ScorecardNumbers({(card.id, card.version): document.digest})))
    assessor = Assessor(Scorer(card))
    close, rebuild, room = CloseDays(assessor, clock), Rebuild(assessor, clock), MakeRoom(clock)
    return Handlers(
        works=works,
        usage=RecordUsage(works, assessor, clock),
        facts=RecordFacts(works, assessor, clock),
        values=RecordValues(works, assessor, clock),
        close=close,
        rebuild=rebuild,
        room=room,
        queries=Queries(Reading(database.engine), clock),
        due=DueRunner(
            database,
            transactions,
            kit,
            clock,
            jobs.handlers(works, close, rebuild, room),
            batches=jobs.BATCHES,
            registry=registry,
        ),
    )


class Service:
    """One process of health-score: what its HTTP server and its work are made of."""

    def __init__(self, settings: Settings, *, clock: Clock | None = None) -> None:
        """Raises `ScorecardInvalid`, and OSError when the scorecard's file cannot be read."""
        self._clock = clock or SystemClock()
        self._settings = settings
        self._document = read_scorecard(settings.scorecard)
        self.registry = new_registry(NAME, version("mainstay-health-score"))
        self.database = Database(
            settings.database_url, application_name=f"mainstay {NAME}", pool_size=settings.pool_size
        )
        self.keys = KeyRing(self.database, settings.secret_key)
        self.log: EventLog = open_log(settings.event_log_url, client_name=f"mainstay {NAME}")
        self.hint = Hint(self.database, kit)
        self.handlers = build_handlers(
            self.database, self._document, self._clock, hint=self.hint, registry=self.registry
        )

    def app(self) -> FastAPI:
        """The HTTP side."""
        app = create_app(
            title="Mainstay health-score",
            version=version("mainstay-health-score"),
            routes=[routes],
            problems=PROBLEMS,
            keys=self.keys,
            readiness={"database": self.database.healthy, "migrations": self._migrated, "keys": self._keys_fresh},
            info={"event log": self.log.healthy},
            registry=self.registry,
        )
        app.state.queries = self.handlers.queries
        return app

    def work_app(self) -> FastAPI:
        """The operational routes of a process that only works."""
        return create_work_app(
            title="Mainstay health-score, work",
            version=version("mainstay-health-score"),
            readiness={"database": self.database.healthy, "migrations": self._migrated},
            info={"event log": self.log.healthy},
            registry=self.registry,
        )

    def serving(self) -> dict[str, Background]:
        """What runs beside the HTTP server."""
        return {"keys": self.keys.run}

    def working(self) -> dict[str, Background]:
        """Consumers, timers and the relay."""
        metrics = RunnerMetrics(self.registry)
        positions = OffsetStore(self.database, kit)

        def runner(subscription: Subscription[Any]) -> Background:
            return Runner(
                self.log, positions, subscription, self._dead_letter, self._clock, metrics, passes=is_transient
            ).run

        handlers = self.handlers
        usage = consumers.usage(handlers.usage)
        return {
            "start": self._start,
            **{f"usage-events {number}": runner(usage) for number in range(1, self._settings.consumers + 1)},
            "customer-signals": runner(consumers.facts(handlers.facts)),
            "renewal-events": runner(consumers.values(handlers.values)),
            "timers": handlers.due.run,
            "relay": self._relay,
        }

    async def close(self) -> None:
        """Let go of the log and the database."""
        await self.hint.close()
        await self.log.close()
        await self.database.close()

    async def _relay(self, stopping: asyncio.Event) -> None:
        if await start_log(self.log, stopping):
            await Relay(self.database, kit, self.log, self._clock, registry=self.registry).run(stopping)

    async def _start(self, stopping: asyncio.Event) -> None:
        """Register the scorecard, arm the timer for partitions, create the topics written to; however long it takes.

        Raises `ScorecardChanged`: the document is another than the one that closes were made with.
        """
        while not stopping.is_set():
            try:
                now = self._clock.now()
                async with self.handlers.works() as work:
                    await work.scorecards.number(self._document.card, now)
                    await work.due.arm(jobs.ROOM, jobs.ROOM_KEY, now)
                await self.log.start()
                await self.log.ensure_topics([HEALTH_EVENTS, ACCOUNT_EVENTS])
            except Exception as error:
                if not (is_transient(error) or isinstance(error, LogUnavailable)):
                    raise
                await _wait(stopping, AGAIN_AFTER)
            else:
                await stopping.wait()

    async def _dead_letter(self, batch: Batch[Any]) -> None:
        async with self.handlers.works(batch):
            """Moving the offsets and writing the dead letters is all there is to do."""

    async def _migrated(self) -> str | None:
        return await behind(self.database, HISTORY)

    async def _keys_fresh(self) -> str | None:
        return self.keys.stale()


async def _wait(stopping: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stopping.wait(), seconds)
    except TimeoutError:
        return
