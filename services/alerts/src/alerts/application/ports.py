"""What the application needs of the outside: its stores within one transaction, and a way to send."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from alerts.domain.accounts import Account
from alerts.domain.alerts import Alert, Change, Notice
from alerts.domain.channels import Channel, ChannelKind
from alerts.domain.deliveries import Delivered, DeliveryState, Failed
from alerts.domain.messages import Message
from alerts.domain.observations import Observation
from mainstay.messaging.consuming import Batch
from mainstay.messaging.port import Outgoing

Subject = tuple[str, str]
"""(account id, what is observed about it): what one fold of observations covers."""


@dataclass(frozen=True, slots=True)
class Notification:
    """What people are told, once. A channel's test has no alert."""

    id: str
    kind: str
    created_at: datetime
    alert_id: str | None = None
    account_id: str | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """One notification on its way to one channel. `attempts` counts the calls begun."""

    id: str
    notification_id: str
    channel_id: str
    state: DeliveryState
    created_at: datetime
    attempts: int = 0
    next_attempt_at: datetime | None = None
    delivered_at: datetime | None = None
    error: str | None = None
    unclear: bool = False
    """An attempt ended without an answer (a time-out, a process that died): the message may have arrived."""
    route_at_send: bool = False
    """The account was not known yet, so whether its owner is the channel's is looked at when the message is sent."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A delivery that this process holds by a lease, with everything needed to send it."""

    delivery: Delivery
    notification: Notification
    channel: Channel
    alert: Alert | None
    account: Account | None


class Accounts(Protocol):
    """The projection of accounts."""

    async def lock(self, account_ids: Iterable[str]) -> Mapping[str, Account]:
        """Lock the accounts' rows in sorted order, making those that are missing: first of all in every transaction."""

    async def keep(self, accounts: Iterable[Account]) -> None:
        """Store records of locked accounts; one that is older than what is stored changes nothing."""


class Alerts(Protocol):
    """Observations, alerts and their transitions."""

    async def observe(self, observations: Sequence[Observation]) -> None:
        """Add observations; those already there stay as they are."""

    async def histories(self, subjects: Collection[Subject]) -> Mapping[Subject, Sequence[Observation]]:
        """Everything observed about the subjects."""

    async def about(self, subjects: Collection[Subject]) -> Mapping[Subject, Mapping[str, Alert]]:
        """The alerts about the subjects, by id."""

    async def account_of(self, alert_id: str) -> str:
        """Whose alert it is. Raises `AlertUnknown`."""

    async def get(self, alert_id: str) -> Alert:
        """One alert. Raises `AlertUnknown`."""

    async def save(self, changes: Sequence[Change]) -> None:
        """Store alerts as they are now, and their new transitions."""


class Deliveries(Protocol):
    """Notifications and deliveries."""

    async def add(self, notifications: Sequence[Notification], deliveries: Sequence[Delivery]) -> None:
        """Add them; those already there stay as they are."""

    async def of(self, notification_ids: Collection[str]) -> Mapping[str, Sequence[Delivery]]:
        """The deliveries of notifications, locked."""

    async def settle(self, deliveries: Sequence[Delivery]) -> None:
        """Store how deliveries stand: state, attempts, next attempt, error, unclear. Their leases end."""

    async def is_held(self, delivery_id: str, attempt: int) -> bool:
        """Lock a delivery; whether it is still under way in this very attempt."""

    async def suppress_all(self, channel_id: str, reason: str) -> None:
        """Take back everything that a channel still waits for, except what is being sent at this moment."""

    async def claim(
        self,
        *,
        now: datetime,
        lease_until: datetime,
        at_once: Mapping[ChannelKind, int],
        under_way: Mapping[str, int],
        resting: Sequence[str],
    ) -> Sequence[Claim]:
        """Take deliveries that are due, and those whose lease ran out, and count an attempt of each.

        A channel gets what `at_once` says of its kind, less what is `under_way` to it; one that is `resting` nothing.
        """


class Channels(Protocol):
    """Channels."""

    async def active(self) -> Sequence[Channel]:
        """The channels that take messages."""

    async def lock(self, channel_id: str) -> Channel:
        """One channel, locked, deleted or not. Raises `ChannelUnknown`."""

    async def add(self, channel: Channel) -> None:
        """Store a new channel."""

    async def save(self, channel: Channel) -> None:
        """Store a changed channel. A deleted one loses its destination."""


class Work(Protocol):
    """One transaction over the stores."""

    @property
    def accounts(self) -> Accounts:
        """The projection of accounts."""

    @property
    def alerts(self) -> Alerts:
        """Alerts and what they come from."""

    @property
    def deliveries(self) -> Deliveries:
        """Notifications and deliveries."""

    @property
    def channels(self) -> Channels:
        """Channels."""

    async def first_times(self, ids: Sequence[tuple[str, str]]) -> frozenset[tuple[str, str]]:
        """Those of the (source, event id) pairs that had no effect before; from now on they had."""

    def publish(self, *records: Outgoing) -> None:
        """Say records when the transaction commits."""


class OpenWork(Protocol):
    """Opens transactions; with a batch, its positions move first."""

    def __call__(self, batch: Batch[Any] | None = None) -> AbstractAsyncContextManager[Work]:
        """One transaction: committed at the end of the block, rolled back when it raises."""


class Sender(Protocol):
    """One way out. Bounded in time by itself; says what happened instead of raising."""

    async def send(self, channel: Channel, delivery_id: str, message: Message, sent_at: datetime) -> Delivered | Failed:
        """Send one message."""


class CheckAddress(Protocol):
    """Says whether messages could be sent to an address."""

    async def __call__(self, url: str) -> None:
        """Raises `DestinationRefused`."""


__all__ = [
    "Accounts",
    "Alerts",
    "Channels",
    "CheckAddress",
    "Claim",
    "Deliveries",
    "Delivery",
    "Notice",
    "Notification",
    "OpenWork",
    "Sender",
    "Subject",
    "Work",
]
