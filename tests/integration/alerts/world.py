"""The alerts service on a real database, driven by real records, with a clock that the tests move."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

import httpx
from fastapi import FastAPI
from prometheus_client import CollectorRegistry
from sqlalchemy import text

from alerts.api.problems import PROBLEMS
from alerts.api.routes import routes
from alerts.application.delivering import Limits
from alerts.bootstrap import Application, build_application, outgoing_client
from alerts.consumers import subscriptions
from alerts.domain.destinations import ChannelKind
from alerts.domain.playbooks import Playbooks
from alerts.settings import Settings
from alerts.store.tables import kit
from mainstay.contracts.common import MoneyData
from mainstay.contracts.envelope import Event, encode
from mainstay.contracts.health_score import (
    AccountActiveAgain,
    AccountChanged,
    AccountSilent,
    AccountValue,
    BandChanged,
    ScorecardRef,
)
from mainstay.contracts.renewals import HealthAtOpening, RenewalWindowOpened, TermRenewed
from mainstay.db.engine import Database
from mainstay.db.work import Transactions
from mainstay.kernel.clock import ManualClock
from mainstay.messaging.consuming import Batch
from mainstay.messaging.port import Record
from mainstay.web.app import create_app
from mainstay.web.client import OutgoingClient
from mainstay.web.keys import KeyRing, create_key
from tests.made_once import RoutesMadeOnce

SECRET_KEY = "a secret key of the tests, long enough"
CARD = ScorecardRef("default", 1)
LIMITS = Limits(
    at_once={ChannelKind.WEBHOOK: 4, ChannelKind.EMAIL: 2},
    call_within=timedelta(seconds=2),
    lease=timedelta(seconds=30),
)

NO_PLAYBOOKS = Playbooks()
ROUTES = RoutesMadeOnce(routes)


@dataclass
class World:
    """One process of alerts."""

    database: Database
    clock: ManualClock
    application: Application
    settings: Settings
    client: OutgoingClient
    playbooks: Playbooks | None = NO_PLAYBOOKS
    """Those that are in force without being saved; None: those that come with Mainstay."""

    async def hears(self, *events: Event[Any], one_by_one: bool = False) -> None:
        """Records of the log, decoded by the real consumers, each topic in batches of its own."""
        offsets = count()
        heard = {
            subscription.topic.name: subscription
            for subscription in subscriptions(
                self.application.watch, self.application.keep_accounts, self.application.erase
            )
        }
        groups: list[tuple[str, list[Any]]] = []
        for event in events:
            out = encode(event)
            now = self.clock.now()
            record = Record(out.topic, 0, next(offsets), out.key, out.value, out.headers, now)
            message = heard[out.topic].decode(record)
            if message is None:
                continue
            if one_by_one or not groups or groups[-1][0] != out.topic:
                groups.append((out.topic, []))
            groups[-1][1].append(message)
        for topic, messages in groups:
            await heard[topic].handle(Batch((), tuple(messages)))

    async def delivers(self) -> int:
        """Send everything that is due now."""
        return await self.application.deliverer.run_due()

    async def webhook(self, url: str, **more: Any) -> Any:
        """A webhook channel; the answer has its id and secret."""
        async with self.api() as api:
            answer = await api.post("/v1/channels", json={"name": "hook", "kind": "webhook", "url": url, **more})
        assert answer.status_code == 201, answer.text
        return answer.json()

    def api(self, key: str = "") -> httpx.AsyncClient:
        """A client with every right, or with the given key."""
        transport = httpx.ASGITransport(ROUTES.calling(self.app, self.application.handlers))
        headers = {"authorization": f"Bearer {key or self.key}"}
        return httpx.AsyncClient(transport=transport, base_url="http://alerts", headers=headers)

    async def get(self, path: str, **query: Any) -> Any:
        """The JSON at a path, however long ago (by the machine's clock) the keys were read."""
        await self.keys.refresh()
        async with self.api() as api:
            answer = await api.get(path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def alerts(self, **query: Any) -> list[Any]:
        """All alerts."""
        data: list[Any] = (await self.get("/v1/alerts", limit=500, **query))["data"]
        return data

    async def deliveries(self, **query: Any) -> list[Any]:
        """All deliveries."""
        data: list[Any] = (await self.get("/v1/deliveries", limit=500, **query))["data"]
        return data

    async def rows(self, query: str, *, commit: bool = False, **values: Any) -> Sequence[Any]:
        """Rows of the database; `commit` keeps what the query changes."""
        async with self.database.engine.connect() as connection:
            found = (await connection.execute(text(query), values)).all()
            if commit:
                await connection.commit()
            return found

    async def said(self) -> list[str]:
        """The types of the events in the outbox, in their order."""
        rows = await self.rows("SELECT header_names, header_values FROM alerts.outbox ORDER BY id")
        return [dict(zip(row[0], row[1], strict=True))["ce_type"].decode() for row in rows]

    async def open(self) -> "World":
        """Make the key and the application; for the fixture."""
        secret = self.settings.secret_key
        self.key = await create_key(self.database, secret, "the tests", ["alerts:read", "alerts:write"])
        self.keys = KeyRing(self.database, secret, now=lambda: 0.0)  # they stay fresh, however long a test takes
        await self.keys.refresh()
        self.app: FastAPI = create_app(
            title="alerts",
            version="0",
            routes=ROUTES.routes,
            problems=PROBLEMS,
            keys=self.keys,
            readiness={},
            info={},
            registry=CollectorRegistry(),
        )
        return self

    def another(self, limits: Limits = LIMITS) -> "World":
        """Another process on the same database, which has nothing of this one's memory."""
        application = _application(self.settings, self.database, self.clock, self.client, limits, self.playbooks)
        return replace(self, application=application)


def world(url: str, playbooks: Playbooks | None = NO_PLAYBOOKS, **settings: Any) -> World:
    """A world on a migrated database, at the present instant."""
    clock = ManualClock(datetime.now(UTC))
    made = Settings(
        database_url=url,
        **{"secret_key": SECRET_KEY, "allow_private_destinations": True, "smtp_insecure": True, **settings},
    )
    database = Database(url, application_name="alerts tests", pool_size=10)
    client = outgoing_client(made)
    application = _application(made, database, clock, client, LIMITS, playbooks)
    return World(database, clock, application, made, client, playbooks)


def _application(
    settings: Settings,
    database: Database,
    clock: ManualClock,
    client: OutgoingClient,
    limits: Limits,
    playbooks: Playbooks | None,
) -> Application:
    transactions = Transactions(database, kit, clock=clock)
    return build_application(
        settings, transactions, database, clock, client, CollectorRegistry(), limits=limits, playbooks=playbooks
    )


async def close(one: World) -> None:
    """Let go of everything."""
    with suppress(Exception):
        await one.application.deliverer.finish()
    await one.client.close()
    await one.database.close()


_ids = count()


def fell(
    before: str | None,
    now: str,
    at: datetime,
    *,
    account: str = "acme",
    event_id: str | None = None,
    score: int | None = 41,
) -> Event[BandChanged]:
    data = BandChanged(
        account_id=account,
        occurred_at=at,
        band=now,
        previous_band=before,
        score=score,
        previous_score=60,
        coverage=1.0,
        scorecard=CARD,
        reason="usage fell 64 %",
    )
    return Event(event_id or f"band {next(_ids)}", "mainstay/health-score", at, data)


def went_silent(at: datetime, *, account: str = "acme") -> Event[AccountSilent]:
    data = AccountSilent(account, at, (at - timedelta(days=10)).date(), 9)
    return Event(f"silent {next(_ids)}", "mainstay/health-score", at, data)


def active_again(at: datetime, *, account: str = "acme") -> Event[AccountActiveAgain]:
    return Event(f"active {next(_ids)}", "mainstay/health-score", at, AccountActiveAgain(account, at, at.date()))


def window_opened(
    at: datetime, *, account: str = "acme", term: str = "t1", band: str | None = "green", **more: Any
) -> Event[Any]:
    data = RenewalWindowOpened(
        account_id=account,
        contract_id="c1",
        term_id=term,
        occurred_at=at,
        window_opens_on=at.date(),
        ends_before=at.date() + timedelta(days=90),
        amount=MoneyData(Decimal("12000.00"), "EUR"),
        seats=40,
        health=HealthAtOpening(88, band, 1.0, at) if band else None,
        **more,
    )
    return Event(f"window {next(_ids)}", "mainstay/renewals", at, data)


def renewed(at: datetime, *, account: str = "acme", term: str = "t1") -> Event[Any]:
    return Event(f"renewed {next(_ids)}", "mainstay/renewals", at, TermRenewed(account, "c1", term, "t2", at))


def known(
    at: datetime,
    *,
    account: str = "acme",
    name: str | None = "Acme",
    owner: str | None = "ann@example.com",
    sequence: int = 1,
    **more: Any,
) -> Event[AccountChanged]:
    value = AccountValue((MoneyData(Decimal(12000), "EUR"),), 40, date(2027, 1, 1))
    if isinstance(more.get("value"), dict):
        value = AccountValue(**more.pop("value"))
    stated = {"name": name, "owner": owner, "tier": "gold", "value": value, **more}
    data = AccountChanged(account, sequence, at, **stated)
    return Event(f"account {next(_ids)}", "mainstay/health-score", at, data)
