"""Wires renewals; the only module that knows all of its parts."""

import asyncio
from contextlib import suppress
from importlib.metadata import version

from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from mainstay.contracts.topics import RENEWAL_EVENTS
from mainstay.db.due import DueRunner
from mainstay.db.engine import Database
from mainstay.db.hint import Hint
from mainstay.db.migrate import History, behind
from mainstay.db.outbox import Relay
from mainstay.db.work import OffsetStore, Transactions
from mainstay.kernel.clock import Clock, SystemClock
from mainstay.messaging.consuming import Batch
from mainstay.messaging.metrics import RunnerMetrics
from mainstay.messaging.open import open_log
from mainstay.messaging.port import EventLog, LogUnavailable
from mainstay.messaging.runner import Runner, start_log
from mainstay.observability.metrics import new_registry
from mainstay.web.app import create_app, create_work_app
from mainstay.web.idempotency import Idempotency
from mainstay.web.keys import KeyRing
from mainstay.web.serving import Background
from renewals.api.problems import PROBLEMS
from renewals.api.routes import Handlers, contract_routes, renewal_routes
from renewals.application.changing import AmendContract, CancelContract, EnterContract
from renewals.application.recording import RecordHealth
from renewals.application.settling import SettleAccounts
from renewals.consumers import subscriptions
from renewals.jobs import handlers as due_handlers
from renewals.meters import Meters
from renewals.settings import Settings
from renewals.store.tables import SCHEMA, kit
from renewals.store.work import WorkFactory

NAME = "renewals"
TITLE = "Mainstay renewals"
VERSION = version("mainstay-renewals")
LOG_AGAIN_AFTER = 1.0
"""Seconds until the topic is declared again to a log that went away."""
HISTORY = History(SCHEMA, "renewals.migrations")


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
        self.hint = Hint(self.database, kit)
        self.transactions = Transactions(self.database, kit, clock=self.clock, hint=self.hint)
        self.keys = KeyRing(self.database, settings.secret_key)
        self.meters = Meters(self.registry)
        self.settle = SettleAccounts(self.clock, self.meters)
        self.work = WorkFactory(self.transactions)
        self.relay = Relay(self.database, kit, self.log, self.clock, registry=self.registry)
        self.timers = DueRunner(
            self.database, self.transactions, kit, self.clock, due_handlers(self.settle), registry=self.registry
        )

    def app(self) -> FastAPI:
        """The HTTP side."""
        handlers = Handlers(
            work=self.work,
            enter=EnterContract(self.work, self.settle, self.clock),
            amend=AmendContract(self.work, self.settle),
            cancel=CancelContract(self.work, self.settle, self.clock),
            clock=self.clock,
        )
        return create_app(
            title=TITLE,
            version=VERSION,
            routes=[contract_routes(handlers), renewal_routes(handlers)],
            problems=PROBLEMS,
            keys=self.keys,
            readiness={"database": self.database.healthy, "migrations": self._behind, "keys": self._keys_stale},
            info={"event log": self.log.healthy},
            registry=self.registry,
            idempotency=Idempotency(self.transactions, kit, self.clock),
        )

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
        return {"keys": self.keys.run}

    def working(self) -> dict[str, Background]:
        """Consumers, timers and the relay."""
        metrics = RunnerMetrics(self.registry)
        positions = OffsetStore(self.database, kit)
        consumers = {
            each.topic.name: Runner(self.log, positions, each, self._put_aside, self.clock, metrics).run
            for each in subscriptions(RecordHealth(self.work))
        }
        return {**consumers, "timers": self.timers.run, "relay": self._relay}

    async def close(self) -> None:
        """Disconnect."""
        await self.hint.close()
        await self.log.close()
        await self.database.close()

    async def _relay(self, stopping: asyncio.Event) -> None:
        while await start_log(self.log, stopping):
            try:
                await self.log.ensure_topics([RENEWAL_EVENTS])
            except LogUnavailable:
                with suppress(TimeoutError):
                    await asyncio.wait_for(stopping.wait(), LOG_AGAIN_AFTER)
            else:
                await self.relay.run(stopping)

    async def _put_aside(self, batch: Batch[object]) -> None:
        async with self.transactions(batch):
            pass  # the positions move, and what was refused goes to the dead letters

    async def _behind(self) -> str | None:
        return await behind(self.database, HISTORY)

    async def _keys_stale(self) -> str | None:
        return self.keys.stale()


def build_app_for_docs() -> FastAPI:
    """The application as it is described in docs/openapi; never connects."""
    settings = Settings(database_url="postgresql://nobody@localhost/nothing", secret_key="x" * 32)
    return Service(settings, registry=CollectorRegistry()).app()
