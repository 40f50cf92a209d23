"""Importing a file: its rows go through `Reception` in chunks, and the job remembers how far it came after each."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from time import perf_counter
from typing import NamedTuple, Protocol
from uuid import uuid4

from ingest.application.ports import Limiter, Policies, TooFast
from ingest.application.reception import Reception
from ingest.application.stated import Alias, Delivery, Membership, Received, RefusedEvent, Stated
from ingest.domain.imports import Counts, Form, Import, OffsetWrong, RefusedRow, State
from ingest.domain.policy import Policy
from ingest.domain.refusal import Refused
from mainstay.kernel.clock import Clock
from mainstay.kernel.ids import new_id
from mainstay.messaging.port import LogUnavailable
from mainstay.web.keys import ApiKey

PROTOCOL = "import"


class ReadRow(NamedTuple):
    """One row of the file, as it was read. `refused` says why where it could not be; `stated` is None then.

    A row that only says who is who has neither.
    """

    byte: int
    document: bytes
    stated: Stated | None
    refused: Refused | None
    memberships: Sequence[Membership] = ()
    aliases: Sequence[Alias] = ()


class Chunk(NamedTuple):
    """Whole rows, and where the next one begins. A chunk without rows only keeps the lease."""

    rows: Sequence[ReadRow]
    next_byte: int
    form: Form
    around: bytes


class Imports(Protocol):
    """Jobs, as they are stored."""

    async def add(self, job: Import) -> None:
        """A new job."""

    async def get(self, import_id: str) -> Import:
        """One job. Raises `ImportUnknown`."""

    async def page(self, *, before: str | None, limit: int) -> Sequence[Import]:
        """Jobs, newest first, older than the given one."""

    async def lease(self, import_id: str, feeder: str, total_bytes: int | None) -> Import:
        """Begin to feed a job. Raises `ImportUnknown`, `ImportOver` and `ImportBusy`."""

    async def advance(
        self, job: Import, feeder: str, *, form: Form, counts: Counts, next_byte: int, seconds: float,
        refused: Sequence[RefusedRow], at: datetime,
    ) -> None:  # fmt: skip
        """Write down what became of more rows, and keep the lease. Raises `ImportBusy` where it was lost."""

    async def release(self, import_id: str, feeder: str, state: State, at: datetime, reason: str | None = None) -> None:
        """The request ends, and leaves the job in `state`."""

    async def cancel(self, import_id: str, at: datetime) -> None:
        """Take no more rows. Raises `ImportUnknown` and `ImportOver`."""

    def refusals(self, import_id: str) -> AsyncIterator[Sequence[RefusedRow]]:
        """The refused rows in the order of the file."""


class Meters(Protocol):
    """Where it is counted what became of events."""

    def received(self, protocol: str, source: str, received: Received) -> None:
        """A delivery was received."""


class Importing:
    """Creates jobs and feeds them."""

    def __init__(
        self,
        imports: Imports,
        reception: Reception,
        policies: Policies,
        limiter: Limiter,
        meters: Meters,
        clock: Clock,
    ) -> None:
        self.imports, self.policies, self.clock = imports, policies, clock
        self._reception, self._limiter, self._meters = reception, limiter, meters

    async def create(self, key: ApiKey, form: Form, total_bytes: int | None) -> Import:
        """A job that waits for its file."""
        now = self.clock.now()
        job = Import(
            new_id(now), key.id, key.source, key.name, form, State.INTERRUPTED, 0, total_bytes, Counts(), now, now
        )
        await self.imports.add(job)
        return job

    async def begin(self, import_id: str, offset: int, total_bytes: int | None, key: ApiKey) -> "Feed":
        """Begin to feed a job at `offset`, the byte that it waits for; `total_bytes` is the file's size where known.

        Raises `ImportUnknown`, `ImportOver`, `ImportBusy` and `OffsetWrong`.
        """
        feeder = uuid4().hex
        job = await self.imports.lease(import_id, feeder, total_bytes)
        feed = Feed(self, job, feeder, key)
        if job.next_byte != offset:
            await feed.end(State.INTERRUPTED)
            raise OffsetWrong(offset, job.next_byte)
        return feed

    async def cancel(self, import_id: str) -> None:
        """Take no more rows; those that were taken stay. Raises `ImportUnknown` and `ImportOver`."""
        await self.imports.cancel(import_id, self.clock.now())

    async def receive(self, delivery: Delivery) -> tuple[Counts, Sequence[RefusedEvent]]:
        """What became of the rows of a chunk, once all of them are durable.

        A key that may send no more at this moment is waited for: nothing is read from the sender meanwhile. Raises
        `LogUnavailable` and `NotKept`: the chunk is to be repeated, and ids make that harmless.
        """
        while True:
            try:
                self._limiter.take(delivery.key.id, delivery.policy, len(delivery.stated))
                break
            except TooFast as fast:
                await asyncio.sleep(fast.retry_after)
        received = await self._reception(delivery)
        self._meters.received(delivery.protocol, delivery.key.source, received)
        if received.unacknowledged:
            raise LogUnavailable("rows were not acknowledged", received.unacknowledged)
        counts = Counts(
            refused=len(received.refused), waiting=len(received.waiting), suppressed=len(received.suppressed)
        )
        return counts, received.refused


class Feed:
    """One request that feeds a job."""

    def __init__(self, importing: Importing, job: Import, feeder: str, key: ApiKey) -> None:
        self.job, self.counts, self.next_byte, self.form = job, job.counts, job.next_byte, job.form
        self._importing, self._feeder, self._key = importing, feeder, key
        self._since = perf_counter()

    @property
    def policy(self) -> Policy:
        """The source's policy, as it is now."""
        return self._importing.policies.of(self.job.source)

    def now(self) -> datetime:
        """The time of receipt of a row that arrives now."""
        return self._importing.clock.now()

    async def take(self, chunk: Chunk, traceparent: str) -> None:
        """Make a chunk durable, then remember it. Raises `LogUnavailable`, `NotKept` and `ImportBusy`."""
        clock = self._importing.clock
        counts, refused = Counts(), list[RefusedRow]()
        if chunk.rows:
            size = sum(len(row.document) for row in chunk.rows)
            delivery = Delivery(
                PROTOCOL, self._key, self.policy, clock.now(), traceparent, around=chunk.around, size=size
            )
            for place, row in enumerate(chunk.rows):
                if row.refused is not None:
                    delivery.refused.append(RefusedEvent(place, row.document, row.refused))
                    continue
                delivery.memberships += row.memberships
                delivery.aliases += row.aliases
                if row.stated is not None:
                    delivery.stated.append(row.stated)
                    delivery.places.append(place)
            found, refusals = await self._importing.receive(delivery)
            put_aside = found.refused + found.waiting + found.suppressed
            counts = Counts(rows=len(chunk.rows), accepted=len(chunk.rows) - put_aside) + found
            first = self.counts.rows + 1
            refused = [_report(first + each.place, chunk.rows[each.place].byte, each) for each in refusals]
        now = perf_counter()
        await self._importing.imports.advance(
            self.job,
            self._feeder,
            form=chunk.form,
            counts=counts,
            next_byte=chunk.next_byte,
            seconds=now - self._since,
            refused=refused,
            at=clock.now(),
        )
        self._since = now
        self.counts, self.next_byte, self.form = self.counts + counts, chunk.next_byte, chunk.form

    async def end(self, state: State, reason: str | None = None) -> None:
        """The request ends, and leaves the job so."""
        await self._importing.imports.release(self.job.id, self._feeder, state, self._importing.clock.now(), reason)


def _report(number: int, byte: int, event: RefusedEvent) -> RefusedRow:
    fault = event.refusal
    return RefusedRow(number, byte, fault.code, fault.pointer, fault.detail, event.document)
