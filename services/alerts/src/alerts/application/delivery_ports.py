"""Deliveries and channels as the application knows them: what is sent, where to, what came of it, and who does it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from alerts.domain.accounts import Account
from alerts.domain.alerts import Alert
from alerts.domain.channels import Channel
from alerts.domain.deliveries import Delivered, DeliveryState, Failed, Suppressed, Waits
from alerts.domain.destinations import ChannelKind
from alerts.domain.messages import Digest, Message
from alerts.domain.pacing import Pace
from alerts.domain.people import Person
from alerts.domain.replays import Replay, Wanted


@dataclass(frozen=True, slots=True)
class Notification:
    """What people are told, once. A channel's test has no alert; what the operator is told is `about` a channel."""

    id: str
    kind: str
    created_at: datetime
    alert_id: str | None = None
    account_id: str | None = None
    about: Mapping[str, Any] | None = None


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
    trial: bool = False
    """Somebody tries the channel out: this goes before what waits, also to a destination that is only probed."""
    digest_id: str | None = None
    """The digest that it was sent in, last of all."""
    attempts_before: int = 0
    """How many of `attempts` were made before it was replayed: the schedule begins anew."""
    person_id: str | None = None
    """Whom of our people it is for, on the channel that reaches them."""
    muted_by: str | None = None
    """Why it waits: a `Mute`. Without a `next_attempt_at` it waits for what mutes it."""
    muted_why: str | None = None
    through: str | None = None
    """Why it is for that person, in words."""
    policy: str | None = None
    """What working hours mean to it: a `QuietHours`."""
    grouped: bool = False
    """What comes together for the same account goes as one message."""

    @property
    def tries(self) -> int:
        """The attempts of its present life."""
        return self.attempts - self.attempts_before


@dataclass(frozen=True, slots=True)
class Claim:
    """A delivery that this process holds by a lease, with everything needed to send it."""

    delivery: Delivery
    notification: Notification
    channel: Channel
    alert: Alert | None
    account: Account | None
    due_at: datetime
    """Since when it is due."""
    refused: frozenset[str] = frozenset()
    """Those of the addresses concerned that refuse mail."""
    person: Person | None = None
    """Whom it is for, as the directory has them now."""
    verdict: Suppressed | Waits | None = None
    """Why it is not sent now, if so."""


@dataclass(frozen=True, slots=True)
class Refused:
    """An address that a mail server refused, and until when it is passed over."""

    address: str
    refused_at: datetime
    until: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Call:
    """One call to a channel: a delivery, or several as a digest."""

    channel: Channel
    claims: tuple[Claim, ...]
    digest_id: str | None = None
    grouped: bool = False
    """What came together for one account, as one message; else a digest of what is more than may be sent."""
    at_once: int = 1
    """How many calls this process may make to the channel at once, beside what other processes hold."""


@dataclass(frozen=True, slots=True)
class Hand:
    """What a process holds for a channel: deliveries, in so many calls; and how many it takes for each at once."""

    deliveries: frozenset[str] = frozenset()
    calls: int = 0
    ahead: int = 1


@dataclass(frozen=True, slots=True)
class Claimed:
    """What a claim took, and the channels for which more is due."""

    calls: Sequence[Call] = ()
    more: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt of a delivery. Without an `outcome` it is under way, or its process died and nobody knows.

    `answer` is the beginning of what the destination said, without secrets; `took_ms` milliseconds.
    """

    delivery_id: str
    number: int
    started_at: datetime
    digest_id: str | None = None
    took_ms: int | None = None
    outcome: str | None = None
    status: int | None = None
    answer: str | None = None
    error: str | None = None


class Deliveries(Protocol):
    """Notifications and deliveries."""

    async def add(self, notifications: Sequence[Notification], deliveries: Sequence[Delivery]) -> None:
        """Add them; those already there stay as they are."""

    async def of(self, notification_ids: Collection[str]) -> Mapping[str, Sequence[Delivery]]:
        """The deliveries of notifications, locked."""

    async def of_alerts(self, alert_ids: Collection[str]) -> Mapping[str, Sequence[Delivery]]:
        """What was sent, or waits to be sent, about alerts that are going on, by alert, locked: no resolutions."""

    async def windows(
        self, account_ids: Collection[str], now: datetime
    ) -> Mapping[tuple[str, str, str | None], datetime]:
        """When what waits for company goes, by account, channel and person."""

    async def told_since(self, since: Mapping[str, datetime]) -> Mapping[str, int]:
        """How many messages with openings each person got by themselves since an instant, those under way included."""

    async def told_by_hour(self, since: datetime, *, without_rule: str) -> Sequence[tuple[str, datetime, int]]:
        """(person, hour, how many): the messages with openings that people got by themselves, but for one rule's."""

    async def wake(self, muted_by: str, now: datetime, *, account_ids: Collection[str] | None = None) -> int:
        """Look at what waits for a reason again, of some accounts or of all; answers how many."""

    async def carry(self, alert_ids: Collection[str], person_id: str, muted_by: str, digest_id: str) -> None:
        """Openings that wait for somebody's digest go with this one: they may have arrived from now on."""

    async def carried(self, digest_ids: Collection[str], now: datetime, *, arrived: bool) -> None:
        """A digest arrived, and so did what it carried; or it was given up, and what it carried goes by itself."""

    async def settle(self, deliveries: Sequence[Delivery]) -> None:
        """Store how deliveries stand: state, attempts, next attempt, error, unclear. Their leases end."""

    async def held(self, attempts: Collection[tuple[str, int]]) -> frozenset[str]:
        """Lock deliveries; the ids of those that are still under way in this very attempt."""

    async def suppress_all(self, channel_id: str, reason: str) -> None:
        """Take back everything that a channel still waits for, except what is being sent at this moment."""

    async def claim(
        self,
        *,
        now: datetime,
        lease_until: datetime,
        at_once: Mapping[ChannelKind, int],
        hands: Mapping[str, Hand],
    ) -> Claimed:
        """Take deliveries that are due, and those whose lease ran out, and begin an attempt of each.

        A channel gets what its pace allows, and at most what `at_once` says of its kind, by all processes together.
        `hands`: what this process holds already, by channel; of one that is well it may take `ahead` of the calls.
        """

    async def tell_attempts(self, attempts: Sequence[Attempt]) -> None:
        """Write down what came of attempts. One without an outcome was none, and is forgotten."""

    async def is_well(self, channel_id: str) -> bool:
        """Whether a channel has no failures behind it, so that another success changes nothing; nothing is locked."""

    async def pace(self, channel_id: str) -> Pace:
        """A channel's pace, locked."""

    async def save_pace(self, channel_id: str, pace: Pace) -> None:
        """Store a channel's pace."""


class Channels(Protocol):
    """Channels."""

    async def usable(self) -> Mapping[str, Channel]:
        """Every channel that is switched on, by id: also the one that mails people, and the operator's."""

    async def active(self) -> Sequence[Channel]:
        """The channels that take alerts."""

    async def operators(self) -> Sequence[Channel]:
        """The channels that take what the operator has to know."""

    async def lock(self, channel_id: str) -> Channel:
        """One channel, locked, deleted or not. Raises `ChannelUnknown`."""

    async def add(self, channel: Channel) -> None:
        """Store a new channel; one that another process has stored this moment stays as it is."""

    async def save(self, channel: Channel) -> None:
        """Store a changed channel. A deleted one loses its destination."""

    async def refuse(self, refused: Refused) -> None:
        """Pass an address over from now on."""

    async def accept(self, address: str) -> None:
        """Pass an address over no more. Raises `AddressNotRefused`."""

    async def reseal(self) -> int:
        """Seal anew what was sealed with a previous key; answers how many."""


class Replays(Protocol):
    """Replays, and the deliveries they are about."""

    async def begin(self, replay: Replay) -> Replay:
        """Store a new replay with its total counted, and arm its timer."""

    async def lock(self, replay_id: str) -> Replay:
        """One replay, locked. Raises `ReplayUnknown`."""

    async def save(self, replay: Replay) -> None:
        """Store how a replay stands."""

    async def given_up(
        self, wanted: Wanted, before: datetime, after: tuple[datetime, str] | None, *, most: int
    ) -> Sequence[Delivery]:
        """The next deliveries that were given up, made `before` an instant, in the order of their making, locked."""

    async def one(self, delivery_id: str) -> Delivery:
        """One delivery, locked. Raises `DeliveryUnknown`."""

    async def again(self, deliveries: Sequence[Delivery], now: datetime) -> None:
        """Have deliveries sent again, with the whole schedule before them."""

    async def usable(self, channel_ids: Collection[str]) -> frozenset[str]:
        """Those of the channels that take messages now."""


class Sender(Protocol):
    """One way out. Bounded in time by itself; says what happened instead of raising."""

    async def send(
        self, channel: Channel, delivery_id: str, message: Message | Digest, sent_at: datetime
    ) -> Delivered | Failed:
        """Send one message, or a digest where the kind of channel has a quota; `delivery_id` is then the digest's."""


class CheckAddress(Protocol):
    """Says whether messages could be sent to an address."""

    async def __call__(self, url: str) -> None:
        """Raises `DestinationRefused`."""
