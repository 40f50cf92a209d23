"""What is kept of an event that was put aside, and who may ask for it."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import blake2b
from typing import Any, Protocol

import msgspec

from ingest.application.stated import Delivery, RefusedEvent, Stated
from ingest.domain.refusal import Refused

KEPT_FOR = timedelta(days=30)
MOST_BYTES = 256 * 1024 * 1024
"""Of one source."""

REPLAY_MARKED = "quarantine-replay"
"""Timer: there are events marked to be read again. Each marking arms one of its own."""
SWEEP = "quarantine-sweep"
"""Timer: look for waiting events whose user's account is known by now."""
EXPIRE = "quarantine-expiry"
"""Timer: delete what is older than its retention."""
STANDING = (SWEEP, EXPIRE)
"""Timers that are armed once and go on for ever."""


class State(StrEnum):
    """`replaying` is marked to be read again, by an operator."""

    REFUSED = "refused"
    WAITING = "waiting"
    REPLAYING = "replaying"


class Kept(msgspec.Struct, frozen=True):
    """An event put aside. `id` is 0 until it has one; `event_id` may have been made here (`made_id`).

    `times` counts how often the same came; `last_at` is when it last did. `document` is the event as it arrived,
    `around` what its protocol needs beside it to read it again.
    """

    source: str
    protocol: str
    key_id: str
    state: State
    reason: str
    detail: str
    pointer: str
    event_id: str | None
    made_id: bool
    user_id: str | None
    account_id: str | None
    document: bytes
    around: bytes
    traceparent: str
    received_at: datetime
    last_at: datetime
    times: int = 1
    digest: bytes = b""
    id: int = 0

    @property
    def size(self) -> int:
        """Bytes of the row, nearly: the texts are short."""
        return len(self.document) + len(self.around) + ROW_BYTES

    @property
    def naming_id(self) -> str:
        """The id to read the event with: the one it had at first, else one that stays the same in each attempt."""
        return self.event_id or self.digest.hex()[:32]


READ_BYTES = 4 * 1024 * 1024
"""Of events that are read at once: a refused body may be as large as a body can be."""
ROW_BYTES = 400
LONGEST_TEXT = 1_000
"""Characters of a detail, a pointer or an id: they come from outside."""


def of_refused(delivery: Delivery, event: RefusedEvent) -> Kept:
    """What is kept of a refused event."""
    refusal = event.refusal
    return _kept(
        delivery,
        state=State.REFUSED,
        reason=refusal.code,
        detail=refusal.detail,
        pointer=refusal.pointer,
        event_id=event.id,
        document=event.document,
    )


def of_waiting(delivery: Delivery, stated: Stated, code: str) -> Kept:
    """What is kept of an event whose account is not known."""
    return _kept(
        delivery,
        state=State.WAITING,
        reason=code,
        detail=WAITING_DETAILS.get(code, code),
        event_id=stated.id,
        made_id=stated.made_id,
        user_id=user_of(stated),
        document=bytes(stated.document),
        traceparent=stated.traceparent,
    )


def user_of(stated: Stated) -> str | None:
    """The user that an event is of, or the contact that it is about."""
    user: str | None = getattr(stated.data, "user_id", None) or getattr(stated.data, "contact_id", None)
    return user


WAITING_DETAILS: Mapping[str, str] = {
    "account-unknown": "Nobody said yet to which account this user belongs.",
    "account-ambiguous": "This user belongs to several accounts, and the event does not say which.",
}


def _kept(
    delivery: Delivery,
    *,
    state: State,
    reason: str,
    detail: str,
    document: bytes,
    event_id: str | None,
    pointer: str = "",
    made_id: bool = False,
    user_id: str | None = None,
    traceparent: str | None = None,
) -> Kept:
    source = delivery.policy.source_id
    named_by = document if event_id is None else event_id.encode("utf-8", "surrogatepass")
    kind = reason if state is State.REFUSED else state
    return Kept(
        source=source,
        protocol=delivery.protocol,
        key_id=delivery.key.id,
        state=state,
        reason=reason,
        detail=_storable(detail),
        pointer=_storable(pointer),
        event_id=None if event_id is None else _storable(event_id),
        made_id=made_id,
        user_id=user_id,
        account_id=None,
        document=document,
        around=delivery.around,
        traceparent=traceparent or delivery.traceparent,
        received_at=delivery.received_at,
        last_at=delivery.received_at,
        digest=_digest(source.encode(), delivery.protocol.encode(), kind.encode(), named_by),
    )


def _digest(*parts: bytes) -> bytes:
    whole = blake2b(digest_size=16)
    for part in parts:
        whole.update(b"%d:" % len(part))
        whole.update(part)
    return whole.digest()


def _storable(stated: str) -> str:
    """A text that PostgreSQL takes: refused events may hold NUL and halves of surrogate pairs."""
    return stated[:LONGEST_TEXT].replace("\x00", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()


@dataclass(frozen=True, slots=True)
class Filter:
    """Which events are meant; what is None is not asked. `received_from` is included, `received_to` is not."""

    source: str | None = None
    reason: str | None = None
    state: State | None = None
    protocol: str | None = None
    user_id: str | None = None
    received_from: datetime | None = None
    received_to: datetime | None = None


@dataclass(frozen=True, slots=True)
class Count:
    """How many events of a source wait or were refused for a reason."""

    source: str
    reason: str
    state: State
    events: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Still:
    """Why an event stays in quarantine after it was read again."""

    id: int
    state: State
    reason: str
    detail: str
    pointer: str = ""
    user_id: str | None = None
    """Whom a waiting event waits for."""

    @classmethod
    def refused(cls, event: int, refusal: Refused) -> "Still":
        """It is refused, perhaps for another reason than before."""
        return cls(event, State.REFUSED, refusal.code, _storable(refusal.detail), _storable(refusal.pointer))

    @classmethod
    def waiting(cls, event: int, code: str, user_id: str | None) -> "Still":
        """Its account is not known, or not the only one."""
        return cls(event, State.WAITING, code, WAITING_DETAILS.get(code, code), user_id=user_id)


class Shelf(Protocol):
    """The events put aside, within one transaction. Rows are locked in the order of their ids."""

    async def page(self, wanted: Filter, *, before: int | None, limit: int) -> tuple[Sequence[Kept], bool]:
        """Events that the filter means, the newest first, those with an id below `before`; and whether more follow.

        Never more than `READ_BYTES` of them, but one at least.
        """

    async def get(self, event: int, *, lock: bool = False) -> Kept | None:
        """One event; None where it is not there (any more)."""

    async def counts(self) -> Sequence[Count]:
        """Events by source, reason and state."""

    async def mark(self, wanted: Filter) -> int:
        """Mark what the filter means to be replayed; answers how many were not marked before."""

    async def delete(self, wanted: Filter) -> int:
        """Delete what the filter means; answers how many."""

    async def delete_events(self, events: Collection[int]) -> int:
        """Delete events by their ids; answers how many there were."""

    async def expire(self, before: datetime, limit: int) -> int:
        """Delete so many of the events received before that instant; answers how many."""

    async def lock_marked(self, limit: int) -> Sequence[Kept]:
        """The first of those marked to be replayed; `READ_BYTES` at most, but one at least."""

    async def lock_of_users(self, users: Collection[str], limit: int) -> Sequence[Kept]:
        """The first of those that wait for the users; `READ_BYTES` at most, but one at least."""

    async def keep(self, still: Sequence[Still]) -> None:
        """Write down why events stay where they are."""

    async def users_to_look_at(self, after: str, limit: int) -> Sequence[str]:
        """Users that events wait for and of whom something is known, in order, those that come after `after`."""


class Timers(Protocol):
    """Durable timers, within one transaction."""

    async def arm(self, kind: str, key: str, at: datetime, payload: Mapping[str, Any] | None = None) -> None:
        """Arm a timer unless it is armed."""


class Work(Protocol):
    """One transaction."""

    @property
    def shelf(self) -> Shelf:
        """The events put aside."""

    @property
    def timers(self) -> Timers:
        """Durable timers."""


class Opens(Protocol):
    """Opens transactions: commits at the block's end, rolls back when it raises."""

    def __call__(self) -> AbstractAsyncContextManager[Work]:
        """One transaction."""


class EventUnknown(Exception):
    """There is no such event in quarantine (any more)."""


class Meters(Protocol):
    """Where quarantine counts."""

    def kept(self, source: str, reason: str, events: int) -> None:
        """Events were put aside."""

    def overflowed(self, source: str, events: int) -> None:
        """Events were not kept: the source has its quarantine full."""

    def replayed(self, outcome: str, events: int = 1) -> None:
        """Events were read again."""

    def expired(self, events: int) -> None:
        """Events were deleted because they were old."""


class People(Protocol):
    """Which ids are one person."""

    async def accounts_of(self, user_ids: Collection[str]) -> Mapping[str, Sequence[str]]:
        """The accounts of each user. Raises `NotKept`."""

    async def same_people(self, user_ids: Collection[str]) -> frozenset[str]:
        """These users' ids and all others of the same people. Raises `NotKept`."""
