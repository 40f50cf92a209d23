"""Wires the parts of alerts; the only place that knows all of them."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from alerts.api.problems import PROBLEMS
from alerts.api.routes import Handlers, routes
from alerts.application.channels import ManageChannels
from alerts.application.delivering import DEFAULT_LIMITS, Deliverer, Limits
from alerts.application.handling import HandleAlerts
from alerts.application.ports import Sender
from alerts.application.telling import Telling
from alerts.application.watching import KeepAccounts, Watch
from alerts.channels.email import EmailSender
from alerts.channels.http import AddressCheck
from alerts.channels.slack import SlackSender
from alerts.channels.webhook import WebhookSender
from alerts.consumers import subscriptions
from alerts.domain.channels import ChannelKind
from alerts.domain.messages import Links
from alerts.domain.rules import Rulebook
from alerts.jobs import deliver
from alerts.rulebook import shipped_rulebook
from alerts.sealing import Seal
from alerts.settings import Settings
from alerts.store.reading import Reading
from alerts.store.tables import HISTORY, kit
from alerts.store.work import OpenStoreWork
from mainstay.contracts.topics import ALERT_EVENTS
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
from mainstay.web.client import OutgoingClient
from mainstay.web.keys import KeyRing
from mainstay.web.serving import Background

NAME = "alerts"
TITLE = "Mainstay alerts"
AGAIN_AFTER = 1.0
"""Seconds between attempts to create the topic at the start."""


PRIVATE_NETWORKS = ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7")
"""What MAINSTAY_ALERTS_ALLOW_PRIVATE_DESTINATIONS opens. Link-local stays shut: clouds keep credentials there."""


@dataclass(frozen=True)
class Application:
    """What alerts does, bound to one database and one clock: no log, no HTTP server."""

    open_work: OpenStoreWork
    watch: Watch
    keep_accounts: KeepAccounts
    handlers: Handlers
    deliverer: Deliverer


def build_application(
    settings: Settings,
    database: Database,
    clock: Clock,
    client: OutgoingClient,
    registry: CollectorRegistry,
    *,
    hint: Hint | None = None,
    rulebook: Rulebook | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> Application:
    """The application: what tests drive, and what a service feeds."""
    seal = Seal(settings.secret_key)
    rulebook = rulebook or shipped_rulebook()
    open_work = OpenStoreWork(Transactions(database, kit, clock=clock, hint=hint), seal)
    telling = Telling(clock)
    senders: Mapping[ChannelKind, Sender] = {
        ChannelKind.WEBHOOK: WebhookSender(client),
        ChannelKind.SLACK: SlackSender(client),
        ChannelKind.EMAIL: EmailSender(settings.mail_server),
    }
    links = Links(alerts=settings.public_url, health=settings.health_url)
    return Application(
        open_work=open_work,
        watch=Watch(open_work, rulebook, telling, clock, quiet_after=settings.quiet_after),
        keep_accounts=KeepAccounts(open_work),
        handlers=Handlers(
            reading=Reading(database, seal),
            rulebook=rulebook,
            handle=HandleAlerts(open_work, rulebook, telling, clock),
            channels=ManageChannels(open_work, clock, AddressCheck(client)),
        ),
        deliverer=Deliverer(open_work, senders, rulebook, links, clock, registry, limits=limits),
    )


def outgoing_client(settings: Settings) -> OutgoingClient:
    """The way to webhooks and chats, as narrow as the settings say."""
    if settings.allow_private_destinations:
        return OutgoingClient(allow_http=True, allow=PRIVATE_NETWORKS)
    return OutgoingClient()


class Service:
    """One process of alerts: what its HTTP server and its work are made of."""

    def __init__(self, settings: Settings, *, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self.registry = new_registry(NAME, version("mainstay-alerts"))
        self.database = Database(settings.database_url, application_name=f"mainstay {NAME}", pool_size=10)
        self.keys = KeyRing(self.database, settings.secret_key)
        self.log: EventLog = open_log(settings.event_log_url, client_name=f"mainstay {NAME}")
        self.hint = Hint(self.database, kit)
        self.client = outgoing_client(settings)
        self.application = build_application(
            settings, self.database, self._clock, self.client, self.registry, hint=self.hint
        )

    def app(self) -> FastAPI:
        """The HTTP side."""
        return create_app(
            title=TITLE,
            version=version("mainstay-alerts"),
            routes=routes(self.application.handlers),
            problems=PROBLEMS,
            keys=self.keys,
            readiness={"database": self.database.healthy, "migrations": self._migrated, "keys": self._keys_fresh},
            info={"event log": self.log.healthy},
            registry=self.registry,
        )

    def work_app(self) -> FastAPI:
        """The operational routes of a process that only works."""
        return create_work_app(
            title=f"{TITLE}, work",
            version=version("mainstay-alerts"),
            readiness={"database": self.database.healthy, "migrations": self._migrated},
            info={"event log": self.log.healthy},
            registry=self.registry,
        )

    def serving(self) -> dict[str, Background]:
        """What runs beside the HTTP server."""
        return {"keys": self.keys.run}

    def working(self) -> dict[str, Background]:
        """Consumers, the delivery worker and the relay."""
        metrics = RunnerMetrics(self.registry)
        positions = OffsetStore(self.database, kit)

        def runner(subscription: Subscription[Any]) -> Background:
            return Runner(
                self.log, positions, subscription, self._dead_letter, self._clock, metrics, passes=is_transient
            ).run

        heard = subscriptions(self.application.watch, self.application.keep_accounts)
        return {
            **{subscription.topic.name: runner(subscription) for subscription in heard},
            "deliveries": self._deliver,
            "relay": self._relay,
        }

    async def close(self) -> None:
        """Let go of the log, the database and open connections."""
        await self.client.close()
        await self.hint.close()
        await self.log.close()
        await self.database.close()

    async def _deliver(self, stopping: asyncio.Event) -> None:
        await deliver(self.application.deliverer, stopping)

    async def _relay(self, stopping: asyncio.Event) -> None:
        relay = Relay(self.database, kit, self.log, self._clock, registry=self.registry)
        if await self._topic_is_there(stopping):
            await relay.run(stopping)

    async def _topic_is_there(self, stopping: asyncio.Event) -> bool:
        """Create the topic written to, however long the log is away; False when told to stop before."""
        while await start_log(self.log, stopping):
            try:
                await self.log.ensure_topics([ALERT_EVENTS])
            except LogUnavailable:
                await asyncio.sleep(AGAIN_AFTER)
            else:
                return True
        return False

    async def _dead_letter(self, batch: Batch[Any]) -> None:
        async with self.application.open_work(batch):
            """Moving the offsets and writing the dead letters is all there is to do."""

    async def _migrated(self) -> str | None:
        return await behind(self.database, HISTORY)

    async def _keys_fresh(self) -> str | None:
        return self.keys.stale()
