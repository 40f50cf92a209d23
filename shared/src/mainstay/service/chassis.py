"""The chassis of a service: database, event log, keys, clock, metrics and relay, made but not started."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from mainstay.db.engine import Database
from mainstay.db.errors import is_transient
from mainstay.db.hint import Hint
from mainstay.db.migrate import History, behind
from mainstay.db.outbox import Relay
from mainstay.db.tables import KitTables
from mainstay.db.work import OffsetStore, Transactions
from mainstay.kernel.clock import Clock, SystemClock
from mainstay.messaging.consuming import Batch, Subscription
from mainstay.messaging.metrics import RunnerMetrics
from mainstay.messaging.open import open_log
from mainstay.messaging.port import EventLog, LogUnavailable, Topic
from mainstay.messaging.runner import Runner, start_log
from mainstay.observability.metrics import new_registry
from mainstay.settings import SharedSettings
from mainstay.web.app import create_app, create_work_app
from mainstay.web.bodies import Allowance
from mainstay.web.idempotency import Idempotency
from mainstay.web.keys import KeyRing
from mainstay.web.problems import Problem
from mainstay.web.routes import Routes
from mainstay.web.serving import Background

LOG_AGAIN_AFTER = 1.0
"""Seconds until the topics are declared again to a log that went away."""


class Chassis:
    """One process's share of a service. Nothing connects before it is used.

    A service's `bootstrap` builds its handlers on these parts and says what its process serves and works on.
    """

    def __init__(
        self,
        name: str,
        settings: SharedSettings,
        history: History,
        kit: KitTables,
        *,
        owns: Sequence[Topic],
        clock: Clock | None = None,
        registry: CollectorRegistry | None = None,
        pool_size: int = 5,
    ) -> None:
        """`owns` are the topics that this service writes to, and creates."""
        self.name = name
        self.version = version(f"mainstay-{name}")
        self.clock = clock or SystemClock()
        self.registry = registry or new_registry(name, self.version)
        self.database = Database(settings.database_url, application_name=f"mainstay {name}", pool_size=pool_size)
        self.log: EventLog = open_log(settings.event_log_url, client_name=f"mainstay {name}")
        self.hint = Hint(self.database, kit)
        self.transactions = Transactions(self.database, kit, clock=self.clock, hint=self.hint)
        self.keys = KeyRing(self.database, settings.secret_key, previous=settings.previous_secret_keys)
        self._history = history
        self._kit = kit
        self._owns = owns
        self._relay = Relay(self.database, kit, self.log, self.clock, registry=self.registry)
        self._runner_metrics = RunnerMetrics(self.registry)

    def app(
        self,
        routes: Sequence[Routes],
        problems: Mapping[type[Exception], Problem],
        *,
        idempotent: bool = False,
        larger_bodies: Mapping[str, Allowance] | None = None,
    ) -> FastAPI:
        """The HTTP side.

        `idempotent`: every POST obeys Idempotency-Key. Its answers are stored as they are, so not where one shows a
        secret. `larger_bodies` are the paths that take files.
        """
        return create_app(
            title=f"Mainstay {self.name}",
            version=self.version,
            routes=routes,
            problems=problems,
            keys=self.keys,
            readiness={"database": self.database.healthy, "migrations": self._behind, "keys": self._keys_stale},
            info={"event log": self.log.healthy},
            registry=self.registry,
            idempotency=Idempotency(self.transactions, self._kit, self.clock) if idempotent else None,
            larger_bodies=larger_bodies,
        )

    def work_app(self) -> FastAPI:
        """The operational routes of a process that only works."""
        return create_work_app(
            title=f"Mainstay {self.name}, work",
            version=self.version,
            readiness={"database": self.database.healthy, "migrations": self._behind},
            info={"event log": self.log.healthy},
            registry=self.registry,
        )

    def reading(self, subscription: Subscription[Any]) -> Background:
        """A consumer: feeds the subscription's handler for ever; what cannot be processed goes to the dead letters."""
        return Runner(
            self.log,
            OffsetStore(self.database, self._kit),
            subscription,
            self._put_aside,
            self.clock,
            self._runner_metrics,
            passes=is_transient,
        ).run

    async def relay(self, stopping: asyncio.Event) -> None:
        """Carry the outbox to the log, once the topics that this service owns are there."""
        if await self.declare_topics(stopping):
            await self._relay.run(stopping)

    async def declare_topics(self, stopping: asyncio.Event) -> bool:
        """Connect to the log and create the topics, however long it is away; False when told to stop before."""
        while await start_log(self.log, stopping):
            try:
                await self.log.ensure_topics(self._owns)
            except LogUnavailable:
                with suppress(TimeoutError):
                    await asyncio.wait_for(stopping.wait(), LOG_AGAIN_AFTER)
            else:
                return True
        return False

    async def close(self) -> None:
        """Let go of the log and the database."""
        await self.hint.close()
        await self.log.close()
        await self.database.close()

    async def _put_aside(self, batch: Batch[Any]) -> None:
        async with self.transactions(batch):
            """Moving the offsets and writing the dead letters is all there is to do."""

    async def _behind(self) -> str | None:
        return await behind(self.database, self._history)

    async def _keys_stale(self) -> str | None:
        return self.keys.stale()
