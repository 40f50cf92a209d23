"""Wires the parts of health-score; the only place that knows all of them."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass

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
from health_score.scorecards.reading import ScorecardDocument, ScorecardInvalid, read_scorecard
from health_score.settings import Settings
from health_score.store.reading import Reading
from health_score.store.scorecards import ScorecardNumbers
from health_score.store.tables import HISTORY, kit
from health_score.store.work import Memory, Works
from mainstay.contracts.topics import ACCOUNT_EVENTS, HEALTH_EVENTS
from mainstay.db.due_runner import DueRunner
from mainstay.db.engine import Database
from mainstay.db.errors import is_transient
from mainstay.db.work import Transactions
from mainstay.kernel.clock import Clock
from mainstay.service.chassis import Chassis
from mainstay.service.process import CannotStart
from mainstay.web.serving import Background

NAME = "health-score"

AGAIN_AFTER = 1.0
"""Seconds between attempts at what needs the database at the start."""


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
    transactions: Transactions,
    document: ScorecardDocument,
    clock: Clock,
    *,
    registry: CollectorRegistry | None = None,
) -> Handlers:
    """The handlers, without a log and without HTTP: what tests drive."""
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
            jobs.handlers(works.within, close, rebuild, room),
            batches=jobs.BATCHES,
            registry=registry,
        ),
    )


class Service:
    """One process of health-score: what its HTTP server and its work are made of."""

    def __init__(self, settings: Settings, *, clock: Clock | None = None) -> None:
        """Raises `CannotStart` when the scorecard cannot be read or is invalid."""
        try:
            self._document = read_scorecard(settings.scorecard)
        except (ScorecardInvalid, OSError) as error:
            raise CannotStart(f"the scorecard: {error}") from error
        self._consumers = settings.consumers
        self.chassis = Chassis(
            NAME,
            settings,
            HISTORY,
            kit,
            owns=[HEALTH_EVENTS, ACCOUNT_EVENTS],
            clock=clock,
            pool_size=settings.pool_size,
        )
        self.handlers = build_handlers(
            self.chassis.database,
            self.chassis.transactions,
            self._document,
            self.chassis.clock,
            registry=self.chassis.registry,
        )

    def app(self) -> FastAPI:
        """The HTTP side."""
        app = self.chassis.app([routes], PROBLEMS)
        app.state.queries = self.handlers.queries
        return app

    def work_app(self) -> FastAPI:
        """The operational routes of a process that only works."""
        return self.chassis.work_app()

    def serving(self) -> dict[str, Background]:
        """What runs beside the HTTP server."""
        return {"keys": self.chassis.keys.run}

    def working(self) -> dict[str, Background]:
        """Consumers, timers and the relay."""
        handlers, reading = self.handlers, self.chassis.reading
        usage = consumers.usage(handlers.usage)
        return {
            "start": self._start,
            **{f"usage-events {number}": reading(usage) for number in range(1, self._consumers + 1)},
            "customer-signals": reading(consumers.facts(handlers.facts)),
            "renewal-events": reading(consumers.values(handlers.values)),
            "timers": handlers.due.run,
            "relay": self.chassis.relay,
        }

    async def close(self) -> None:
        """Let go of the log and the database."""
        await self.chassis.close()

    async def _start(self, stopping: asyncio.Event) -> None:
        """Register the scorecard and arm the timer for partitions, however long the database is away.

        Raises `ScorecardChanged`: the document is another than the one that closes were made with.
        """
        while not stopping.is_set():
            try:
                now = self.chassis.clock.now()
                async with self.handlers.works() as work:
                    await work.scorecards.number(self._document.card, now)
                    await work.due.arm(jobs.ROOM, jobs.ROOM_KEY, now)
            except Exception as error:
                if not is_transient(error):
                    raise
                with suppress(TimeoutError):
                    await asyncio.wait_for(stopping.wait(), AGAIN_AFTER)
            else:
                await stopping.wait()
