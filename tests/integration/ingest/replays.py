"""The replay of quarantine with a log of its own kind: PostgreSQL's, or one that is away."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec

from ingest import jobs
from ingest.application.append import Append
from ingest.application.ports import Reader
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
from ingest.application.stated import NOBODYS, Alias, Delivery, Membership, Received, RefusedEvent, Stated
from ingest.domain.policy import Policy
from ingest.domain.refusal import Refused
from ingest.quarantine_meters import QuarantineMeters
from ingest.store.quarantine import OpenQuarantine
from ingest.store.tables import kit
from mainstay.contracts.envelope import Decoder, Event
from mainstay.contracts.ingest import EVENTS, UsageRecorded
from mainstay.contracts.topics import CUSTOMER_SIGNALS, USAGE_EVENTS
from mainstay.db.due_runner import DueRunner
from mainstay.db.work import Transactions
from mainstay.kernel.clock import ManualClock
from mainstay.messaging.open import open_log
from mainstay.messaging.port import EventLog, LogUnavailable, Outgoing
from tests.integration.ingest.ward import POLICY, Ward


class Call(msgspec.Struct):
    """What a document of the test's protocol says."""

    user: str
    event: str | None = None
    account: str = NOBODYS
    id: str | None = None
    joins: str | None = None


def read(
    document: bytes, _around: bytes, policy: Policy, received_at: datetime, event_id: str | None
) -> tuple[Stated | None, Sequence[Membership], Sequence[Alias]]:
    """The protocol of these tests: plain, and with the same kinds of statements as the real ones."""
    try:
        call = msgspec.json.decode(document, type=Call)
    except msgspec.MsgspecError:
        raise Refused("malformed-json", "The document is not JSON.") from None
    joins = [Membership(call.user, call.joins, received_at)] if call.joins else []
    if call.event is None:
        if joins:
            return None, joins, []
        raise Refused("event-missing", "A call names what was done: send event.", "/event")
    if call.event == "Explodes":
        raise RuntimeError("a mistake in a reader")
    name = call.id or event_id or "made"
    data = UsageRecorded(call.account, call.event, call.event, received_at, received_at, call.user)
    return Stated(name, policy.source_id, received_at, data, document, made_id=call.id is None), joins, []


class OneSource:
    """A policy that a test mends."""

    def __init__(self) -> None:
        self.policy = POLICY

    def of(self, _source_id: str) -> Policy:
        return self.policy


class Nobody:
    """Nobody was erased, unless a test says so; and nobody observes."""

    def __init__(self) -> None:
        self.users: set[str | None] = set()

    @property
    def any(self) -> bool:
        return bool(self.users)

    def cover(self, _account_id: str, user_id: str | None) -> bool:
        return user_id in self.users

    def saw(self, delivery: Delivery) -> None:
        pass

    def counted(self, source_id: str, at: datetime, **_figures: Any) -> None:
        pass

    def redact(self, stated: Stated, _policy: Policy) -> Stated:
        return stated


class Switch:
    """A log that can be cut off: nothing is appended then."""

    def __init__(self, log: EventLog) -> None:
        self._log, self.is_cut = log, False

    async def append(self, records: Sequence[Outgoing], *, within: timedelta) -> None:
        if self.is_cut:
            raise LogUnavailable("cut", range(len(records)))
        await self._log.append(records, within=within)


class NoTimes:
    def appended(self, seconds: float) -> None:
        pass

    def append_failed(self, seconds: float) -> None:
        pass


@dataclass
class Replays:
    """All parts of receiving and replaying."""

    ward: Ward
    log: EventLog
    switch: Switch
    source: OneSource
    nobody: Nobody
    reception: Reception
    due: DueRunner
    one: ReplayOne
    many: ReplayMany
    standing: jobs.StandingTimers

    async def receives(self, *calls: Mapping[str, Any] | bytes, protocol: str = "segment") -> Received:
        """One request with these calls."""
        delivery = self.ward.delivery()
        delivery.policy, delivery.protocol = self.source.policy, protocol

        for place, call in enumerate(calls):
            document = call if isinstance(call, bytes) else msgspec.json.encode(call)
            try:
                stated, memberships, aliases = read(document, b"{}", delivery.policy, delivery.received_at, None)
            except Refused as refusal:
                delivery.refused.append(RefusedEvent(place, document, refusal))
                continue
            if stated is not None:
                delivery.stated.append(stated)
                delivery.places.append(place)
            delivery.memberships += memberships
            delivery.aliases += aliases
        return await self.reception(delivery)

    async def events(self) -> list[Event[Any]]:
        """What the log holds, in order within each account."""
        decode, found = Decoder(*EVENTS), []
        for partition, bounds in (await self.log.bounds(USAGE_EVENTS.name)).items():
            records = await self.log.read(USAGE_EVENTS.name, partition, bounds.first, bounds.next)
            found += [event for record in records if (event := decode(record)) is not None]
        return found

    async def names(self) -> list[str]:
        return [event.data.event for event in await self.events()]


@asynccontextmanager
async def opened_replays(url: str, clock: ManualClock, readers: Mapping[str, Reader]) -> AsyncIterator[Replays]:
    ward = Ward(url, clock)
    log = open_log(url, client_name="tests")
    await log.start()
    await log.ensure_topics([USAGE_EVENTS, CUSTOMER_SIGNALS])
    switch, source, nobody = Switch(log), OneSource(), Nobody()
    append = Append(switch, within=timedelta(seconds=5), times=NoTimes())  # type: ignore[arg-type] # appends is all
    append.open()
    parts = Parts(append, source, ward.people, ward.keeper, nobody, nobody, nobody)
    transactions = Transactions(ward.database, kit, clock=clock)
    shelves, meters = OpenQuarantine(transactions), QuarantineMeters(ward.another_registry())
    replayer = Replayer(parts, readers, meters)
    handlers = jobs.quarantine(
        shelves.within,
        people=ReplayPeople(replayer, ward.people, clock),
        marked=ReplayMarked(replayer, clock),
        sweep=SweepWaiting(ward.people, clock),
        expire=ExpireKept(meters, clock),
    )
    due = DueRunner(ward.database, transactions, kit, clock, handlers)
    standing = jobs.StandingTimers(transactions, clock, STANDING)
    try:
        yield Replays(
            ward=ward,
            log=log,
            switch=switch,
            source=source,
            nobody=nobody,
            reception=Reception(parts),
            due=due,
            one=ReplayOne(shelves, replayer),
            many=ReplayMany(shelves, clock),
            standing=standing,
        )
    finally:
        await log.close()
        await ward.database.close()
