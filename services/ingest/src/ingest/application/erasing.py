"""Erasing people and accounts: asked of every service in one transaction, confirmed by each, reported with what stays.

Nothing here keeps the id of who was erased, except the timer that sweeps once more ten seconds later.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Any, Protocol

import structlog

from ingest.domain.erasure import (
    OVERDUE_AFTER,
    SWEEP_AFTER,
    Confirmation,
    Erasure,
    Retained,
    State,
    SubjectKind,
)
from mainstay.contracts.envelope import Event
from mainstay.contracts.privacy import SERVICES, ErasureConfirmed, ErasureRequested, SuppressionLifted
from mainstay.contracts.topics import (
    ACCOUNT_EVENTS,
    ALERT_EVENTS,
    CUSTOMER_SIGNALS,
    HEALTH_EVENTS,
    RENEWAL_EVENTS,
    USAGE_EVENTS,
)
from mainstay.kernel.clock import Clock
from mainstay.kernel.ids import new_id
from mainstay.messaging.consuming import Batch
from mainstay.messaging.port import Topic, dead_letter_topic
from mainstay.service.subjects import Subjects

SOURCE = "mainstay/ingest"
SELF = "ingest"

SWEEP = "erasure-sweep"
"""The timer that erases at the door once more and then confirms for ingest; its key is the erasure."""
OVERDUE = "erasure-overdue"
"""The timer that looks whether every service has confirmed; its key is the erasure."""

_OF_USERS: Sequence[tuple[Topic, str]] = (
    (USAGE_EVENTS, "what the person did, with its properties"),
    (CUSTOMER_SIGNALS, "what was stated about the person"),
)
_OF_ACCOUNTS: Sequence[tuple[Topic, str]] = (
    (USAGE_EVENTS, "what the account's people did"),
    (CUSTOMER_SIGNALS, "what was stated about the account and its people"),
    (HEALTH_EVENTS, "the account's scores and bands"),
    (ALERT_EVENTS, "alerts about the account, in words"),
    (ACCOUNT_EVENTS, "the account's id and record, and no person of it"),
    (RENEWAL_EVENTS, "the account's id and terms, and no person of it"),
)

_log = structlog.get_logger(__name__)


class Erasures(Protocol):
    """The erasures, and what ingest itself holds of their subjects, within one transaction."""

    async def begin(self, erasure: Erasure) -> Erasure:
        """Keep it; answers the one that stands for the same subject already, where there is one."""

    async def lock(self, erasure_id: str) -> Erasure | None:
        """One erasure, locked, or None."""

    async def confirm(self, erasure_id: str, confirmation: Confirmation) -> None:
        """Keep what a service says; a second confirmation changes nothing."""

    async def complete(self, erasure_id: str, at: datetime) -> None:
        """All have confirmed."""

    async def lift(self, erasure_id: str, at: datetime, by: str) -> None:
        """Take the subject's events in again."""

    async def forget(self, kind: SubjectKind, subject_id: str) -> int:
        """Delete identities, quarantined events and stored answers about the subject; answers how many rows."""


class Timers(Protocol):
    """Durable timers."""

    async def arm(self, kind: str, key: str, at: datetime, payload: Mapping[str, Any] | None = None) -> None:
        """Arm a timer unless it is armed."""


class Work(Protocol):
    """One transaction."""

    @property
    def erasures(self) -> Erasures:
        """The erasures."""

    @property
    def due(self) -> Timers:
        """The timers."""

    def say(self, *events: Event[Any]) -> None:
        """Publish events once the transaction has committed."""

    async def first_times(self, ids: Sequence[tuple[str, str]]) -> frozenset[tuple[str, str]]:
        """Those of the (source, event id) pairs that had no effect here before."""


class OpenWork(Protocol):
    """Opens a transaction; with a batch, its positions move first."""

    def __call__(self, batch: Batch[Any] | None = None) -> AbstractAsyncContextManager[Work]:
        """Committed at the end of the block, rolled back when it raises."""


class ReadErasures(Protocol):
    """The erasures, as they are committed."""

    async def page(self, after: str | None, limit: int) -> Sequence[Erasure]:
        """Up to `limit` erasures, newest first, after the given one."""

    async def get(self, erasure_id: str) -> Erasure:
        """One erasure. Raises `ErasureUnknown`."""


class CountsLate(Protocol):
    """Where late erasures are counted."""

    def overdue(self) -> None:
        """One erasure was not confirmed in time."""


class EraseSubject:
    """Ask every service to erase somebody. Asking twice is asking once, until the suppression is lifted."""

    def __init__(self, open_work: OpenWork, subjects: Subjects, clock: Clock) -> None:
        self._open = open_work
        self._subjects = subjects
        self._clock = clock

    async def __call__(self, kind: SubjectKind, subject_id: str, *, by: str) -> Erasure:
        """The erasure. What ingest holds is gone when this returns, and what arrives is suppressed within 2 s."""
        now = self._clock.now()
        asked = Erasure(new_id(now), kind, self._subjects.hash(kind.value, subject_id), now, by)
        async with self._open() as work:
            stands = await work.erasures.begin(asked)
            if stands.id != asked.id:
                return stands
            forgotten = await work.erasures.forget(kind, subject_id)
            payload = {"kind": kind.value, "subject_id": subject_id, "forgotten": forgotten}
            await work.due.arm(SWEEP, asked.id, now + SWEEP_AFTER, payload)
            await work.due.arm(OVERDUE, asked.id, now + OVERDUE_AFTER)
            work.say(_event(ErasureRequested(asked.id, kind.value, asked.subject, now), now))
        _log.info("erasure asked for", erasure=asked.id, kind=kind.value, by=by)
        return asked


class LiftSuppression:
    """Take in again what arrives about somebody who was erased and came back."""

    def __init__(self, open_work: OpenWork, clock: Clock) -> None:
        self._open = open_work
        self._clock = clock

    async def __call__(self, erasure: Erasure, *, by: str) -> None:
        """Lift it, at once here and within seconds everywhere; a lifted one stays as it is."""
        now = self._clock.now()
        async with self._open() as work:
            stands = await work.erasures.lock(erasure.id)
            if stands is None or stands.lifted_at is not None:
                return
            await work.erasures.lift(erasure.id, now, by)
            work.say(_event(SuppressionLifted(erasure.id, stands.kind.value, stands.subject, now), now))
        _log.info("suppression lifted", erasure=erasure.id, by=by)


class RecordConfirmations:
    """Take in what the services say that they erased."""

    def __init__(self, open_work: OpenWork, clock: Clock) -> None:
        self._open = open_work
        self._clock = clock

    async def __call__(self, batch: Batch[Event[ErasureConfirmed]]) -> None:
        """Take in a batch, in one transaction with its positions."""
        async with self._open(batch) as work:
            fresh = await work.first_times([(event.source, event.id) for event in batch.messages])
            for event in sorted(batch.messages, key=lambda event: event.data.erasure_id):
                said = event.data
                if (event.source, event.id) in fresh:
                    confirmation = Confirmation(
                        said.service, said.occurred_at, said.rows_erased, said.rows_pseudonymised
                    )
                    await confirm(work, said.erasure_id, confirmation, self._clock.now())


class Sweep:
    """Erase once more at the door, when every process of ingest knows of the erasure; then confirm for ingest."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def __call__(self, work: Work, erasure_id: str, payload: Mapping[str, Any]) -> None:
        """Do it for one erasure."""
        now = self._clock.now()
        rows = await work.erasures.forget(SubjectKind(payload["kind"]), payload["subject_id"])
        await confirm(work, erasure_id, Confirmation(SELF, now, rows + payload["forgotten"], 0), now)


class LookForOverdue:
    """Count and log erasures that not every service has confirmed within an hour."""

    def __init__(self, late: CountsLate, clock: Clock) -> None:
        self._late = late
        self._clock = clock

    async def __call__(self, work: Work, erasure_id: str) -> datetime | None:
        """Look at one; answers when to look again, None for a completed one."""
        erasure = await work.erasures.lock(erasure_id)
        now = self._clock.now()
        if erasure is None or erasure.state(now) is State.COMPLETED:
            return None
        self._late.overdue()
        _log.error("an erasure is overdue", erasure=erasure_id, missing=missing(erasure))
        return now + OVERDUE_AFTER


async def confirm(work: Work, erasure_id: str, confirmation: Confirmation, now: datetime) -> None:
    """Keep a confirmation, and complete the erasure with the last one. The erasure's row is locked first."""
    before = await work.erasures.lock(erasure_id)
    if before is None:
        _log.warning("a service confirms an erasure that nobody asked for", erasure=erasure_id)
        return
    await work.erasures.confirm(erasure_id, confirmation)
    if before.completed_at is None and set(missing(before)) <= {confirmation.service}:
        await work.erasures.complete(erasure_id, now)
        _log.info("erasure completed", erasure=erasure_id)


def missing(erasure: Erasure) -> list[str]:
    """The services that have not confirmed yet."""
    confirmed = {each.service for each in erasure.confirmations}
    return [service for service in SERVICES if service not in confirmed]


def retained(erasure: Erasure) -> Sequence[Retained]:
    """What the log still holds of the subject, and until when; what is read of it again meets the suppression."""
    topics = _OF_USERS if erasure.kind is SubjectKind.USER else _OF_ACCOUNTS
    aside = [(dead_letter_topic(service), "records that it could not process") for service in SERVICES]
    return tuple(_retained(erasure.requested_at, (*topics, *aside)))


def _retained(since: datetime, topics: Iterable[tuple[Topic, str]]) -> Iterable[Retained]:
    for topic, holds in topics:
        yield Retained(topic.name, None if topic.kept is None else since + topic.kept, holds)


def _event(data: ErasureRequested | SuppressionLifted, now: datetime) -> Event[Any]:
    return Event(new_id(now), SOURCE, now, data)
