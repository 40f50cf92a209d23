"""Deliveries: one notification on its way to one channel, tried until it arrives or is given up."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID, uuid5

from alerts.domain.alerts import Notice

NOTIFICATIONS = UUID("1d5c9d0a-9c4e-5f5e-8a43-6f1f6d3f9a52")

RETRY_AFTER: tuple[timedelta, ...] = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=10),
)
"""The pause after each failed attempt (Standard Webhooks); after the eighth failure a delivery is given up."""

MOST_ATTEMPTS = 2 * (len(RETRY_AFTER) + 1)
"""Attempts that a dying process never finished count too, and have this end."""

JITTER = 0.2
"""Each pause is up to this share shorter or longer, so that what failed together does not come back together."""

LONGEST_RETRY_AFTER = timedelta(hours=24)
"""A destination that asks for more patience than this does not get it."""

REFUSED_FOR = timedelta(days=7)
"""How long an address is passed over that a mail server said does not exist: it may have been made meanwhile."""

DISABLED_AFTER = timedelta(days=5)
"""A channel with nothing but failures for this long is switched off."""


class DeliveryState(StrEnum):
    """Where a delivery stands. `suppressed`: it was right to send nothing; `error` says why."""

    PENDING = "pending"
    DELIVERING = "delivering"
    DELIVERED = "delivered"
    FAILED = "failed"
    SUPPRESSED = "suppressed"


@dataclass(frozen=True, slots=True)
class Delivered:
    """The destination took the message. `status` and `answer` are what it said, cut and without secrets."""

    status: int | None = None
    answer: str | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """The destination did not take the message, or did not say so.

    `unclear`: no answer came, so it may have taken it all the same. `gone`: it never will take any again. `retry_after`
    is a pause for the whole destination. `status` and `answer` are what it said, cut and without secrets.
    `refused_address`: the mail server takes nothing for it.
    """

    error: str
    retryable: bool = True
    retry_after: timedelta | None = None
    unclear: bool = False
    gone: bool = False
    status: int | None = None
    answer: str | None = None
    refused_address: str | None = None


@dataclass(frozen=True, slots=True)
class Suppressed:
    """There is nothing to send, and why; `why` is a `Mute` where somebody is not told for that."""

    reason: str
    why: str | None = None


@dataclass(frozen=True, slots=True)
class Waits:
    """Nothing is sent now: `why` is a `Mute`. None: until what mutes it says so."""

    why: str
    reason: str
    until: datetime | None


@dataclass(frozen=True, slots=True)
class GivenBack:
    """It was claimed and its call not begun: it is due again as it was before, since `due_at`."""

    due_at: datetime


Outcome = Delivered | Failed | Suppressed | Waits | GivenBack


def notification_id(alert_id: str, notice: Notice) -> str:
    """The id of what people are told, the same wherever and however often it is worked out."""
    return str(uuid5(NOTIFICATIONS, f"{alert_id}\n{notice.value}"))


def repeated_id(alert_id: str, notice: Notice, what: str) -> str:
    """The id of what people can be told several times: an escalation by its step, a return by its instant."""
    return str(uuid5(NOTIFICATIONS, f"{alert_id}\n{notice.value}\n{what}"))


def delivery_id(notification: str, channel_id: str, person_id: str | None = None) -> str:
    """The id that a destination sees, stable over retries; in a chat that several people share each has their own."""
    whom = channel_id if person_id is None else f"{channel_id}\n{person_id}"
    return str(uuid5(NOTIFICATIONS, f"{notification}\n{whom}"))


def disabling_id(channel_id: str, at: datetime) -> str:
    """The id of what the operator is told when a channel is switched off."""
    return str(uuid5(NOTIFICATIONS, f"{channel_id}\nswitched off\n{at.isoformat()}"))


def jittered(pause: timedelta, name: str, number: int) -> timedelta:
    """A pause, up to a fifth shorter or longer: as much for the same name and number."""
    return pause * (1 + JITTER * _spread(name, number))


def next_attempt(delivery: str, attempts: int, failed: Failed, now: datetime) -> datetime | None:
    """When to try again after `attempts` attempts, the last of which failed; None: give it up."""
    if not failed.retryable or attempts > len(RETRY_AFTER):
        return None
    pause = jittered(RETRY_AFTER[attempts - 1], delivery, attempts)
    if failed.retry_after is not None:
        pause = max(pause, min(failed.retry_after, LONGEST_RETRY_AFTER))
    return now + pause


def _spread(delivery: str, attempts: int) -> float:
    """A number in [-1, 1) for each attempt, spread evenly and repeatable."""
    digest = hashlib.sha256(f"{delivery}/{attempts}".encode()).digest()
    return int.from_bytes(digest[:8]) / 2**63 - 1
