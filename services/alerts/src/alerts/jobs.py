"""The delivery worker, which looks for what is due again and again until told to stop, and the timers of replays."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Protocol

import structlog
from prometheus_client import CollectorRegistry, Gauge

from alerts.application.channels import ManageChannels
from alerts.application.delivering import Deliverer
from alerts.application.digesting import Digests
from alerts.application.escalating import Escalate
from alerts.application.forgetting import Forget, HasPast
from alerts.application.handling import Snoozes
from alerts.application.people_reading import OVERDUE_AFTER, PeopleReading
from alerts.application.ports import Subject, Work
from alerts.application.reassigning import Reassign
from alerts.application.replaying import ReplayDeliveries
from alerts.domain.digests import DigestKind
from alerts.domain.words import Language
from mainstay.db.due_runner import DueItem
from mainstay.db.errors import is_transient
from mainstay.db.work import Transaction
from mainstay.kernel.clock import Clock

POLL = timedelta(seconds=0.25)
BACK_OFF = timedelta(seconds=1)
AUDIT_EVERY = timedelta(seconds=30)

_log = structlog.get_logger(__name__)


async def prepare(channels: ManageChannels, operator: str, language: Language, stopping: asyncio.Event) -> bool:
    """Bring channels in line with the settings, however long the database is away; False when told to stop before."""
    while not stopping.is_set():
        try:
            resealed = await channels.reseal()
            await channels.keep_operator(operator, language)
        except Exception as error:
            if not is_transient(error):
                raise
            _log.warning("channels wait for the database", reason=str(error))
            with suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), BACK_OFF.total_seconds())
        else:
            if resealed:
                _log.info("secrets sealed with the present key", channels=resealed)
            return True
    return False


async def deliver(deliverer: Deliverer, stopping: asyncio.Event) -> None:
    """Start what is due; at the end let what is under way finish. A database that is away is waited for."""
    stopper = asyncio.create_task(stopping.wait())
    try:
        while not stopping.is_set():
            pause = POLL
            deliverer.room.clear()
            try:
                await deliverer.start_due()
            except Exception as error:
                if not is_transient(error):
                    raise
                _log.warning("deliveries wait for the database", reason=str(error))
                pause = BACK_OFF
            room = asyncio.create_task(deliverer.room.wait())
            await asyncio.wait({stopper, room}, timeout=pause.total_seconds(), return_when=asyncio.FIRST_COMPLETED)
            room.cancel()
    finally:
        stopper.cancel()
        await deliverer.finish()


class LooksAgain(Protocol):
    """Looks at things again, in a transaction that is open."""

    async def look_again(self, work: Work, things: Collection[Subject], /) -> None:
        """Look at them, and do what is due."""


class LooksDue:
    """Looks again at what changes as time goes by: what gets worse or passes, snoozes, runs of playbooks."""

    def __init__(
        self, watch: LooksAgain, within: Callable[[Transaction], Work], subject_of: Callable[[str], Subject]
    ) -> None:
        """`within` gives the stores of an open transaction, `subject_of` what the timer with a key looks at."""
        self._watch = watch
        self._within = within
        self._subject_of = subject_of

    async def __call__(self, tx: Transaction, items: Sequence[DueItem]) -> Mapping[str, datetime]:
        """Look at what the timers name; later looks are timers of their own."""
        await self._watch.look_again(self._within(tx), {self._subject_of(item.key) for item in items})
        return {}


class AuditEscalations:
    """Counts escalations whose next step is late, again and again: there should be none, ever."""

    def __init__(self, reading: PeopleReading, clock: Clock, registry: CollectorRegistry) -> None:
        self._reading = reading
        self._clock = clock
        self._overdue = Gauge(
            "mainstay_alerts_escalations_overdue",
            "Escalations whose next step is more than five minutes late.",
            registry=registry,
        )

    async def look(self) -> int:
        """Count them once."""
        found = await self._reading.count_overdue(self._clock.now() - OVERDUE_AFTER)
        self._overdue.set(found)
        return found

    async def run(self, stopping: asyncio.Event) -> None:
        """Count until told to stop; a database that is away is waited for."""
        while not stopping.is_set():
            try:
                if late := await self.look():
                    _log.error("escalations are late", late=late)
            except Exception as error:
                if not is_transient(error):
                    raise
            with suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), AUDIT_EVERY.total_seconds())


class EscalationsDue:
    """Takes the steps of escalations that are due."""

    def __init__(
        self,
        escalate: Escalate,
        within: Callable[[Transaction], Work],
        alert_of: Callable[[str], tuple[str, str]],
    ) -> None:
        """`within` gives the stores of an open transaction, `alert_of` the account and alert that a key names."""
        self._escalate = escalate
        self._within = within
        self._alert_of = alert_of

    async def __call__(self, tx: Transaction, items: Sequence[DueItem]) -> Mapping[str, datetime]:
        """The next step of each; answers when those that go on are due again."""
        keys = {self._alert_of(item.key): item.key for item in items}
        again = await self._escalate(self._within(tx), sorted(keys))
        return {keys[one]: at for one, at in again.items()}


class SnoozesDue:
    """Has snoozed alerts return."""

    def __init__(
        self, snoozes: Snoozes, within: Callable[[Transaction], Work], alert_of: Callable[[str], tuple[str, str]]
    ) -> None:
        """As of `EscalationsDue`."""
        self._snoozes = snoozes
        self._within = within
        self._alert_of = alert_of

    async def __call__(self, tx: Transaction, items: Sequence[DueItem]) -> Mapping[str, datetime]:
        """Look at each once."""
        await self._snoozes(self._within(tx), sorted({self._alert_of(item.key) for item in items}))
        return {}


class DigestsDue:
    """Puts digests together as they come due."""

    def __init__(
        self,
        digests: Digests,
        within: Callable[[Transaction], Work],
        digest_of: Callable[[str], tuple[str, DigestKind]],
    ) -> None:
        """`within` gives the stores of an open transaction, `digest_of` the person and kind that a key names."""
        self._digests = digests
        self._within = within
        self._digest_of = digest_of

    async def __call__(self, tx: Transaction, items: Sequence[DueItem]) -> Mapping[str, datetime]:
        """One of each; answers when the next is due."""
        keys = {self._digest_of(item.key): item for item in items}
        due = [(person_id, kind, item.due_at) for (person_id, kind), item in keys.items()]
        again = await self._digests(self._within(tx), due)
        return {keys[one].key: at for one, at in again.items()}


class ReassignmentsDue:
    """Goes on with reassignments, a part of each in one transaction."""

    def __init__(self, reassign: Reassign, within: Callable[[Transaction], Work]) -> None:
        """`within` gives the stores of an open transaction."""
        self._reassign = reassign
        self._within = within

    async def __call__(self, tx: Transaction, items: Sequence[DueItem]) -> Mapping[str, datetime]:
        """The next part of each; answers those that have more."""
        work = self._within(tx)
        return {item.key: item.due_at for item in items if await self._reassign.go_on(work, item.key)}


class ReplaysDue:
    """Goes on with replays, a part of each in one transaction."""

    def __init__(self, replays: ReplayDeliveries, within: Callable[[Transaction], Work]) -> None:
        """`within` gives the stores of an open transaction."""
        self._replays = replays
        self._within = within

    async def __call__(self, tx: Transaction, items: Sequence[DueItem]) -> Mapping[str, datetime]:
        """The next part of each; answers those that have more."""
        work = self._within(tx)
        return {item.key: item.due_at for item in items if await self._replays.go_on(work, item.key)}


class ForgettingDue:
    """Forgets what nobody needs any more; its timer goes on for ever."""

    def __init__(self, forget: Forget, within: Callable[[Transaction], HasPast]) -> None:
        """`within` gives the stores of an open transaction."""
        self._forget = forget
        self._within = within

    async def __call__(self, tx: Transaction, items: Sequence[DueItem]) -> Mapping[str, datetime]:
        """One part; answers when the next is due."""
        again = await self._forget(self._within(tx))
        return {item.key: again for item in items}
