"""What may be read of alerts, channels and deliveries: the questions, and who answers them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from alerts.application.delivery_ports import Attempt, Delivery, Refused
from alerts.domain.accounts import Account
from alerts.domain.alerts import Alert, State, Transition
from alerts.domain.channels import Channel
from alerts.domain.deliveries import DeliveryState
from alerts.domain.replays import Replay
from alerts.domain.words import Severity

After = tuple[datetime, str]
"""The instant and id of the last row of the page before."""


@dataclass(frozen=True, slots=True)
class AlertQuery:
    """Which alerts are asked for; None: any. `owner` is the account's present owner."""

    states: frozenset[State] = frozenset()
    account_id: str | None = None
    owner: str | None = None
    rule: str | None = None
    severity: Severity | None = None


@dataclass(frozen=True, slots=True)
class DeliveryQuery:
    """Which deliveries are asked for; None: any. They were made at or after `since` and before `until`."""

    alert_id: str | None = None
    channel_id: str | None = None
    state: DeliveryState | None = None
    account_id: str | None = None
    digest_id: str | None = None
    person_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class DeliveryOnRecord:
    """A delivery, and what it was about."""

    delivery: Delivery
    kind: str
    alert_id: str | None
    account_id: str | None


class Reading(Protocol):
    """Answers questions outside any handler's transaction; newest first."""

    async def alerts(self, query: AlertQuery, *, limit: int, after: After | None) -> Sequence[tuple[Alert, Account]]:
        """A page of alerts with their accounts, the one opened last first."""

    async def alert(self, alert_id: str) -> tuple[Alert, Account, Sequence[Transition]]:
        """One alert, its account and its life so far. Raises `AlertUnknown`."""

    async def channels(self, *, limit: int, after: After | None) -> Sequence[Channel]:
        """A page of channels, the newest first."""

    async def channel(self, channel_id: str) -> Channel:
        """One channel. Raises `ChannelUnknown`, also for a deleted one."""

    async def refused(self, now: datetime) -> Sequence[Refused]:
        """The addresses that are passed over now, the latest first; at most 500."""

    async def deliveries(self, query: DeliveryQuery, *, limit: int, after: After | None) -> Sequence[DeliveryOnRecord]:
        """A page of deliveries, the newest first."""

    async def delivery(self, delivery_id: str) -> tuple[DeliveryOnRecord, Sequence[Attempt]]:
        """One delivery and its attempts, the first one first. Raises `DeliveryUnknown`."""

    async def replays(self, *, limit: int, after: After | None) -> Sequence[Replay]:
        """A page of replays, the newest first."""

    async def replay(self, replay_id: str) -> Replay:
        """One replay. Raises `ReplayUnknown`."""
