"""What receiving needs of the rest of ingest, in the words of the field."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from ingest.application.stated import Alias, Delivery, Membership, RefusedEvent, Stated
from ingest.domain.policy import Policy


class NotKept(Exception):
    """What was to be set aside could not be written down; the sender is to repeat its request (503)."""


class Policies(Protocol):
    """The policies of sources, in memory, at most two seconds old."""

    def of(self, source_id: str) -> Policy:
        """A source's policy; the default one where the operator said nothing."""


class Identities(Protocol):
    """Who belongs to which account."""

    async def learn(self, memberships: Sequence[Membership], aliases: Sequence[Alias]) -> None:
        """Remember, durably; whatever waited for it is replayed by itself. Raises `NotKept`."""

    async def accounts_of(self, user_ids: Collection[str]) -> Mapping[str, Sequence[str]]:
        """The accounts that each of the users is a member of; a user nobody knows is left out. Raises `NotKept`."""


class Quarantine(Protocol):
    """What was refused after its key was found good, and what waits for its account; with reason and original bytes."""

    async def refuse(self, delivery: Delivery, refused: Sequence[RefusedEvent]) -> None:
        """Keep what was refused. Returns when it is durable; raises `NotKept`."""

    async def wait(self, delivery: Delivery, waiting: Sequence[tuple[Stated, str]]) -> None:
        """Set events aside, each with `account-unknown` or `account-ambiguous`. Durable, or raises `NotKept`."""


class Suppressions(Protocol):
    """Who was erased, in memory."""

    @property
    def any(self) -> bool:
        """Whether anybody was."""

    def cover(self, account_id: str, user_id: str | None) -> bool:
        """Whether an event of this account and user is to be left out."""


class Observations(Protocol):
    """What is seen passing by, counted in memory and written down every few seconds."""

    def saw(self, delivery: Delivery) -> None:
        """A request was read: event names and properties of its usage events, the sender's clock."""

    def counted(
        self,
        source_id: str,
        at: datetime,
        *,
        accepted: int,
        refused: Mapping[str, int],
        waiting: int,
        warned: int = 0,
    ) -> None:
        """What became of it; `refused` by code, `warned`: accepted, but not as planned."""


class Redaction(Protocol):
    """Properties and traits that never reach the log in clear."""

    def redact(self, stated: Stated, policy: Policy) -> Stated:
        """The event without what the policy drops, and with keyed hashes for what it hashes."""


class Reader(Protocol):
    """Reads one event of a protocol again, from what quarantine kept of it."""

    def __call__(
        self, document: bytes, around: bytes, policy: Policy, received_at: datetime, event_id: str | None, /
    ) -> tuple[Stated | None, Sequence[Membership], Sequence[Alias]]:
        """The event as it is read now, None for one that only says who is who. Raises `Refused`.

        `event_id` is the id that was made for it at first.
        """


class Limiter(Protocol):
    """The rates of keys."""

    def check(self, key_id: str, policy: Policy) -> None:
        """Ask before anything is read of a request. Raises `TooFast` where the key may send nothing now."""

    def take(self, key_id: str, policy: Policy, events: int) -> None:
        """Count events. Raises `TooFast` where that is more than the key may send now."""


class TooFast(Exception):
    """A key sends faster than it may; `retry_after` in whole seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"try again in {retry_after} s")
        self.retry_after = retry_after
