"""Reading again what was put aside: by the rules of now, with the time and the id of then."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import groupby
from typing import Any, NoReturn

import structlog

from ingest.application.identities import REPLAY_PEOPLE, USERS
from ingest.application.limiting import AccountsInFlight, AccountTooBusy
from ingest.application.ports import NotKept, Reader
from ingest.application.quarantine import (
    KEPT_FOR,
    REPLAY_MARKED,
    EventUnknown,
    Filter,
    Kept,
    Meters,
    Opens,
    People,
    Shelf,
    Still,
    Work,
    user_of,
)
from ingest.application.reception import Parts, Reception
from ingest.application.stated import Delivery, RefusedEvent, Stated
from ingest.domain.policy import Policy
from ingest.domain.refusal import Refused
from mainstay.kernel.clock import Clock
from mainstay.kernel.ids import new_id
from mainstay.messaging.port import LogUnavailable
from mainstay.web.keys import ApiKey

AT_ONCE = 500
"""Events in one transaction, which stays open while the log answers."""
AGAIN_AFTER = timedelta(seconds=10)
"""A log or a database that was away is tried again after this time."""
SWEEP_EVERY = timedelta(minutes=1)
SWEPT_AT_ONCE = 1_000
"""Users."""
EXPIRE_EVERY = timedelta(hours=1)
EXPIRED_AT_ONCE = 2_000

_log = structlog.get_logger(__name__)


class Outcome(StrEnum):
    """What became of an event that was read again. `retry`: the log did not answer, and the event stays as it was."""

    TAKEN = "taken"
    SUPPRESSED = "suppressed"
    WAITING = "waiting"
    REFUSED = "refused"
    RETRY = "retry"


class _NothingSeen:
    """A replay is not seen as new traffic: its events were, when they came."""

    def saw(self, delivery: Delivery) -> None:
        """Nothing."""

    def counted(self, source_id: str, at: datetime, **_figures: object) -> None:
        """Nothing."""


@dataclass
class _Returned:
    """Catches what would be put aside: it is aside already, and only its reason may change."""

    waiting: list[tuple[str, str | None]] = field(default_factory=list)
    """(code, user)"""

    async def refuse(self, delivery: Delivery, refused: Sequence[RefusedEvent]) -> None:
        """The answer of `Reception` names them."""

    async def wait(self, delivery: Delivery, waiting: Sequence[tuple[Stated, str]]) -> None:  # noqa: ARG002 - the port's
        """Note why and for whom, in the order of `Received.waiting`."""
        self.waiting.extend((code, user_of(stated)) for stated, code in waiting)


class Replayer:
    """Reads events again and passes them through the same rules as new ones.

    In the order given; an event leaves quarantine only after the log has acknowledged it, or because it is about
    somebody who was erased. What comes of it is written to the shelf, in its transaction.
    """

    def __init__(self, parts: Parts, readers: Mapping[str, Reader], meters: Meters) -> None:
        """`readers` by protocol."""
        self._parts = replace(parts, observations=_NothingSeen(), in_flight=AccountsInFlight(1 << 62))
        self._readers, self._meters = readers, meters

    async def __call__(self, shelf: Shelf, events: Sequence[Kept]) -> Sequence[Outcome]:
        """What became of each; `shelf` holds their locks. Stops at the first that the log does not take."""
        outcomes: list[Outcome] = []
        for run in _runs(events):
            if Outcome.RETRY in outcomes:
                outcomes += [Outcome.RETRY] * len(run)
                continue
            became = await self._read_run(run)
            outcomes += [outcome for outcome, _ in became]
            gone = {Outcome.TAKEN, Outcome.SUPPRESSED}
            await shelf.delete_events([kept.id for kept, (o, _) in zip(run, became, strict=True) if o in gone])
            await shelf.keep([still for _, still in became if still is not None])
        for outcome in Outcome:
            if count := outcomes.count(outcome):
                self._meters.replayed(outcome, count)
        return outcomes

    async def _read_run(self, run: Sequence[Kept]) -> Sequence[tuple[Outcome, Still | None]]:
        try:
            return await self._read(run)
        except (NotKept, AccountTooBusy) as away:
            _log.warning("a replay is put off", reason=str(away))
            return [(Outcome.RETRY, None)] * len(run)
        except Exception:  # noqa: BLE001 - one event that a reader trips over must not hold up the others
            if len(run) > 1:
                _log.warning("a replay failed; each event is tried alone", events=len(run), exc_info=True)
                return [became for kept in run for became in await self._read_run([kept])]
            _log.exception("an event cannot be replayed", quarantined=run[0].id, protocol=run[0].protocol)
            failed = Refused("replay-failed", "Reading this event again failed here; the log of ingest says why.")
            return [(Outcome.REFUSED, Still.refused(run[0].id, failed))]

    async def _read(self, run: Sequence[Kept]) -> Sequence[tuple[Outcome, Still | None]]:
        returned = _Returned()
        delivery = self._delivery(run)
        received = await Reception(replace(self._parts, quarantine=returned))(delivery)
        became: dict[int, tuple[Outcome, Still | None]] = dict.fromkeys(received.suppressed, (Outcome.SUPPRESSED, None))
        became |= dict.fromkeys(received.unacknowledged, (Outcome.RETRY, None))
        for place, (code, user_id) in zip(received.waiting, returned.waiting, strict=True):
            became[place] = (Outcome.WAITING, Still.waiting(run[place].id, code, user_id))
        for event in received.refused:
            became[event.place] = (Outcome.REFUSED, Still.refused(run[event.place].id, event.refusal))
        return [became.get(place, (Outcome.TAKEN, None)) for place in range(len(run))]

    def _delivery(self, run: Sequence[Kept]) -> Delivery:
        """The events as one request: all of one key and protocol, each with its own time of receipt."""
        first = run[0]
        policy = self._parts.policies.of(first.source)
        key = ApiKey(first.key_id, "", first.source, frozenset())
        delivery = Delivery(first.protocol, key, policy, first.received_at, first.traceparent)
        reader = self._readers.get(first.protocol, _unread)
        for place, kept in enumerate(run):
            try:
                stated, memberships, aliases = reader(
                    kept.document, kept.around, policy, kept.received_at, kept.naming_id
                )
            except Refused as refusal:
                delivery.refused.append(RefusedEvent(place, kept.document, refusal, kept.event_id))
                continue
            if stated is not None:
                stated.traceparent = stated.traceparent or kept.traceparent
                delivery.stated.append(stated)
                delivery.places.append(place)
            delivery.memberships.extend(memberships)
            delivery.aliases.extend(aliases)
        return delivery


def _unread(
    _document: bytes, _around: bytes, _policy: Policy, _received_at: datetime, _event_id: str | None
) -> NoReturn:
    raise Refused("protocol-unknown", "Nobody here reads this event's protocol any more.")


def _runs(events: Sequence[Kept]) -> Iterator[Sequence[Kept]]:
    """Neighbours that one request could have brought; so the order of all events stays."""
    for _, run in groupby(events, key=lambda kept: (kept.protocol, kept.source, kept.key_id)):
        yield list(run)


class ReplayOne:
    """Replay one event now."""

    def __init__(self, work: Opens, replayer: Replayer) -> None:
        self._work, self._replayer = work, replayer

    async def __call__(self, event: int) -> tuple[Outcome, Kept | None]:
        """What became of it, and the event where it stays. Raises `EventUnknown`, and `LogUnavailable`."""
        async with self._work() as work:
            kept = await work.shelf.get(event, lock=True)
            if kept is None:
                raise EventUnknown(f"there is no event {event} in quarantine")
            [outcome] = await self._replayer(work.shelf, [kept])
            if outcome is Outcome.RETRY:
                raise LogUnavailable("the event could not be passed on now, and stays where it was")
            return outcome, await work.shelf.get(event)


class ReplayMany:
    """Mark events to be replayed, in the background and restartably."""

    def __init__(self, work: Opens, clock: Clock) -> None:
        self._work, self._clock = work, clock

    async def __call__(self, wanted: Filter) -> int:
        """How many were marked."""
        now = self._clock.now()
        async with self._work() as work:
            marked = await work.shelf.mark(wanted)
            if marked:  # a timer of its own: one in a runner's hands may have looked already
                await work.timers.arm(REPLAY_MARKED, new_id(now), now)
            return marked


class ReplayMarked:
    """One step of replaying what is marked."""

    def __init__(self, replayer: Replayer, clock: Clock) -> None:
        self._replayer, self._clock = replayer, clock

    async def __call__(self, work: Work) -> datetime | None:
        """When to go on; None where nothing is left."""
        events = await work.shelf.lock_marked(AT_ONCE)
        outcomes = await self._replayer(work.shelf, events)
        if Outcome.RETRY in outcomes:
            return self._clock.now() + AGAIN_AFTER
        return self._clock.now() if events else None


class ReplayPeople:
    """One step of replaying what waits for users whose account may have become known."""

    def __init__(self, replayer: Replayer, people: People, clock: Clock) -> None:
        self._replayer, self._people, self._clock = replayer, people, clock

    async def __call__(self, work: Work, payloads: Sequence[Mapping[str, Any]]) -> datetime | None:
        """When to go on; None where nothing is left that could be attributed."""
        now = self._clock.now()
        try:
            users = await self._people.same_people({user for payload in payloads for user in payload[USERS]})
            accounts = await self._people.accounts_of(users)
        except NotKept:
            return now + AGAIN_AFTER
        events = await work.shelf.lock_of_users([user for user in users if len(accounts.get(user, ())) == 1], AT_ONCE)
        outcomes = await self._replayer(work.shelf, events)
        if Outcome.RETRY in outcomes:
            return now + AGAIN_AFTER
        if all(outcome is Outcome.WAITING for outcome in outcomes):
            return None
        return now


class SweepWaiting:
    """Finds waiting events whose user's account is known by now: whatever their own timer has missed.

    It goes through the users in order, some at a time; the place it has come to is in memory only.
    """

    def __init__(self, people: People, clock: Clock) -> None:
        self._people, self._clock = people, clock
        self._after = ""

    async def __call__(self, work: Work) -> datetime:
        """When to look again."""
        now = self._clock.now()
        users = await work.shelf.users_to_look_at(self._after, SWEPT_AT_ONCE)
        if len(users) == SWEPT_AT_ONCE:
            self._after, again = users[-1], now
        else:
            self._after, again = "", now + SWEEP_EVERY
        try:
            known = [user for user, accounts in (await self._people.accounts_of(users)).items() if len(accounts) == 1]
        except NotKept:
            return now + AGAIN_AFTER
        if known:
            await work.timers.arm(REPLAY_PEOPLE, new_id(now), now, {USERS: known})
        return again


class ExpireKept:
    """Deletes what was kept long enough."""

    def __init__(self, meters: Meters, clock: Clock, kept_for: timedelta = KEPT_FOR) -> None:
        self._meters, self._clock, self._kept_for = meters, clock, kept_for

    async def __call__(self, work: Work) -> datetime:
        """When to look again."""
        now = self._clock.now()
        expired = await work.shelf.expire(now - self._kept_for, EXPIRED_AT_ONCE)
        if expired:
            self._meters.expired(expired)
            _log.info("events in quarantine have expired", events=expired)
        return now if expired == EXPIRED_AT_ONCE else now + EXPIRE_EVERY
