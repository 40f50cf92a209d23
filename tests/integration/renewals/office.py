"""Renewals on a real PostgreSQL, with a clock moved by hand: what the tests of this folder talk to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any
from uuid import uuid4

import httpx
from fastapi import FastAPI
from prometheus_client import CollectorRegistry
from sqlalchemy import text
from starlette.types import ASGIApp

from mainstay.contracts.common import MoneyData
from mainstay.contracts.envelope import Decoder, Event, encode
from mainstay.contracts.health_score import AccountChanged, BandChanged, ScorecardRef, ScoreChanged, TeamMember
from mainstay.contracts.renewals import EVENTS
from mainstay.db.due_runner import DueRunner
from mainstay.kernel.clock import ManualClock
from mainstay.messaging.consuming import Batch
from mainstay.messaging.port import Outgoing, Record
from mainstay.web.keys import KeyRing, create_key
from renewals.application.inputs import RecordGroups
from renewals.application.recording import RecordHealth
from renewals.bootstrap import Service, routes
from renewals.consumers import account_group, health_report
from renewals.jobs import handlers
from renewals.settings import Settings
from renewals.store.tables import kit
from tests.made_once import RoutesMadeOnce

SECRET = "a secret of thirty-two characters or more"
CARD = ScorecardRef("default", 1)
ROUTES = RoutesMadeOnce(routes)

_decode = Decoder(*EVENTS)


def instant(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


@dataclass
class Office:
    """The service's parts, its clock, and its HTTP side with an admin's key."""

    service: Service
    clock: ManualClock
    app: FastAPI
    answers: ASGIApp
    """The application with the service's handlers behind its routes."""
    http: httpx.AsyncClient
    forgotten: int = field(default=0)

    @classmethod
    async def opened(cls, url: str, now: str) -> "Office":
        clock = ManualClock(instant(now))
        settings = Settings(database_url=url, event_log_url=url, secret_key=SECRET)
        service = Service(settings, clock=clock, registry=CollectorRegistry())
        # They stay fresh, however long a test takes on a busy machine.
        service.chassis.keys = KeyRing(service.chassis.database, SECRET, now=lambda: 0.0)
        key = await create_key(service.chassis.database, SECRET, "tests", ["admin"])
        await service.chassis.keys.refresh()
        app = service.app_of(ROUTES.routes)
        answers = ROUTES.calling(app, service.handlers())
        return cls(service, clock, app, answers, client(answers, key))

    async def close(self) -> None:
        await self.http.aclose()
        await self.service.close()

    async def enters(self, account: str = "acme", *, amount: str = "1200.00", **facts: Any) -> dict[str, Any]:
        """Enter a contract over HTTP; answers it."""
        body = {"kind": "recurring", "amount": {"amount": amount, "currency": "EUR"}, **facts, "account_id": account}
        answer = await self.http.post("/v1/contracts", json=body)
        assert answer.status_code == 201, answer.text
        contract: dict[str, Any] = answer.json()
        return contract

    async def amends(self, contract: Mapping[str, Any], **change: Any) -> dict[str, Any]:
        answer = await self.http.patch(f"/v1/contracts/{contract['id']}", json=change)
        assert answer.status_code == 200, answer.text
        amended: dict[str, Any] = answer.json()
        return amended

    async def it_is(self, now: str | datetime) -> int:
        """Move the clock and do what is due; answers how many timers fired."""
        self.clock.move_to(instant(now) if isinstance(now, str) else now)
        return await self.service.timers.run_due()

    async def passes(self, days: int) -> int:
        """Let every midnight of so many days come, one after the other."""
        return sum([await self.it_is(self.clock.now() + timedelta(days=1)) for _ in range(days)])

    def another_runner(self, *, batch: int) -> DueRunner:
        """Another process's timers, on the same tables."""
        service = self.service
        return DueRunner(
            service.chassis.database,
            service.chassis.transactions,
            kit,
            self.clock,
            handlers(service.settle, service.imports, service.work.within, self.clock),
            batch=batch,
        )

    async def hears(self, *events: Event[Any]) -> None:
        """Health-score's events arrive, in this order, as one batch."""
        reports = tuple(report for event in events if (report := health_report(as_record(encode(event)))))
        await RecordHealth(self.service.work, self.clock)(Batch((), reports))

    async def learns(self, *events: Event[Any]) -> None:
        """Records of accounts arrive, as one batch; timers that they arm have not fired yet."""
        groups = tuple(group for event in events if (group := account_group(as_record(encode(event)))))
        await RecordGroups(self.service.work)(Batch((), groups))

    async def reads(self, path: str, **query: Any) -> Any:
        """The JSON at a path."""
        answer = await self.http.get(path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def said(self) -> list[Any]:
        """What was published since the last call, as data, in order."""
        async with self.service.chassis.database.engine.connect() as connection:
            rows = await connection.execute(
                text("SELECT * FROM renewals.outbox WHERE id > :last ORDER BY id"), {"last": self.forgotten}
            )
            records = []
            for row in rows:
                self.forgotten = row.id
                headers = tuple(zip(row.header_names, row.header_values, strict=True))
                records.append(as_record(Outgoing(row.topic, row.key, bytes(row.value), headers)))
        events = [_decode(record) for record in records]
        return [event.data for event in events if event]

    async def said_of(self, kind: type[Any]) -> list[Any]:
        return [data for data in await self.said() if isinstance(data, kind)]


def client(app: ASGIApp, key: str | None) -> httpx.AsyncClient:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://renewals", headers=headers)


def as_record(outgoing: Outgoing) -> Record:
    """A record as the log would hand it out."""
    return Record(outgoing.topic, 0, 0, outgoing.key, outgoing.value, outgoing.headers, datetime.now(UTC))


def scored(account: str, score: int | None, band: str, at: str, *, event_id: str | None = None) -> Event[ScoreChanged]:
    data = ScoreChanged(
        account_id=account,
        occurred_at=instant(at),
        score=score,
        previous_score=None,
        band=band,
        coverage=0.75,
        scorecard=CARD,
    )
    return Event(event_id or str(uuid4()), "mainstay/health-score", instant(at), data)


def banded(account: str, score: int | None, band: str, at: str) -> Event[BandChanged]:
    data = BandChanged(
        account_id=account,
        occurred_at=instant(at),
        band=band,
        previous_band=None,
        score=score,
        previous_score=None,
        coverage=0.5,
        scorecard=CARD,
        reason="fewer people use it",
    )
    return Event(str(uuid4()), "mainstay/health-score", instant(at), data)


_sequence = count(1)


def account_record(
    account: str, *, at: str = "2026-01-05T08:00", team: tuple[TeamMember, ...] = (), **facts: Any
) -> Event[AccountChanged]:
    data = AccountChanged(account, next(_sequence), instant(at), team=team, **facts)
    return Event(str(uuid4()), "mainstay/health-score", instant(at), data)


def euro(amount: str) -> MoneyData:
    return MoneyData(Decimal(amount), "EUR")
