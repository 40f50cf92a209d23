"""Identities and quarantine on a real PostgreSQL, with a log behind them."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import msgspec
from prometheus_client import CollectorRegistry
from sqlalchemy import text

from ingest.application.stated import NOBODYS, Delivery, Membership, RefusedEvent, Stated
from ingest.domain.limits import Limits
from ingest.domain.policy import Policy
from ingest.domain.refusal import Refused
from ingest.quarantine_meters import QuarantineMeters
from ingest.store.identities import IdentityStore
from ingest.store.keeping import QuarantineKeeper
from ingest.store.tables import kit
from mainstay.contracts.ingest import UsageRecorded
from mainstay.db.engine import Database
from mainstay.kernel.clock import ManualClock
from mainstay.web.keys import ApiKey

KEY = ApiKey("k1", "tests", "product", frozenset({"ingest:write"}))
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
POLICY = Policy("product", Limits())


class Ward:
    """The stores, and a look into their tables."""

    def __init__(self, url: str, clock: ManualClock, **limits: Any) -> None:
        self.clock = clock
        self.database = Database(url, application_name="tests")
        self.registry = CollectorRegistry()
        self.people = IdentityStore(self.database, kit, clock)
        self.keeper = QuarantineKeeper(
            self.database, kit, clock, self.people, QuarantineMeters(self.registry), **limits
        )

    def another_registry(self) -> CollectorRegistry:
        """For a second part that counts under the same names."""
        self.replay_registry = CollectorRegistry()
        return self.replay_registry

    async def rows(self) -> Sequence[Any]:
        """All that is in quarantine, in order."""
        return await self.query("SELECT * FROM ingest.quarantine ORDER BY id")

    async def query(self, statement: str, **values: Any) -> Sequence[Any]:
        async with self.database.engine.begin() as connection:
            found = await connection.execute(text(statement), values)
            return found.all() if found.returns_rows else []

    def delivery(self, **fields: Any) -> Delivery:
        return Delivery("segment", KEY, POLICY, self.clock.now(), TRACE, **fields)

    def member(self, user: str, account: str, *, at: datetime | None = None, is_member: bool = True) -> Membership:
        return Membership(user, account, at or self.clock.now(), is_member)


def usage(event_id: str, user: str, clock: ManualClock, event: str = "Opened") -> Stated:
    now = clock.now()
    document = msgspec.json.encode({"type": "track", "messageId": event_id, "userId": user, "event": event})
    return Stated(event_id, "product", now, UsageRecorded(NOBODYS, event, event, now, now, user), document)


def refused(event_id: str | None, document: bytes = b"{}", code: str = "event-missing") -> RefusedEvent:
    return RefusedEvent(0, document, Refused(code, "A track call names what was done: send event.", "/event"), event_id)


@asynccontextmanager
async def opened_ward(url: str, clock: ManualClock, **limits: Any) -> AsyncIterator[Ward]:
    ward = Ward(url, clock, **limits)
    try:
        yield ward
    finally:
        await ward.database.close()


SECOND = timedelta(seconds=1)
