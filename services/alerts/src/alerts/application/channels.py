"""Channels as people set them up: made, changed, deleted, tried out."""

import base64
import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from alerts.application.delivery_ports import Channels, CheckAddress, Delivery, Notification
from alerts.application.ports import OpenWork
from alerts.domain.channels import Channel, ChannelNotUsable, ChannelUnknown, Filter
from alerts.domain.deliveries import DeliveryState, delivery_id
from alerts.domain.destinations import (
    OWNER,
    PEOPLE_MAIL,
    PERSON,
    Addressed,
    Destination,
    DestinationRefused,
    DingTalk,
    Email,
    Feishu,
    Webhook,
    is_address,
)
from alerts.domain.messages import TEST
from alerts.domain.words import Category, Language, Severity
from mainstay.kernel.clock import Clock
from mainstay.kernel.ids import new_id

SECRET_BYTES = 32
OPERATOR_CHANNEL = "operator-email"
"""The id of the channel that the settings make."""
DELETED = "the channel was deleted"
SWITCHED_OFF = "the channel is switched off"


class HasChannels(Protocol):
    """A transaction that reaches the channels."""

    @property
    def channels(self) -> Channels:
        """Channels."""


@dataclass(frozen=True, slots=True)
class ChannelChange:
    """What is to become of a channel; None leaves a member as it is. A webhook keeps its secret when its URL moves."""

    name: str | None = None
    enabled: bool | None = None
    language: Language | None = None
    operator: bool | None = None
    url: str | None = None
    secret: str | None = None
    to: str | None = None
    fallback: str | None = None
    owners: frozenset[str] | None = None
    categories: frozenset[Category] | None = None
    min_severity: Severity | None = None


class ManageChannels:
    """Make, change, delete and test channels."""

    def __init__(self, open_work: OpenWork, clock: Clock, check_address: CheckAddress) -> None:
        self._open = open_work
        self._clock = clock
        self._check_address = check_address

    async def create(
        self,
        name: str,
        destination: Destination,
        wanted: Filter,
        *,
        language: Language = Language.EN,
        operator: bool = False,
    ) -> Channel:
        """A new channel. Raises `DestinationRefused`."""
        await self._check(destination)
        now = self._clock.now()
        channel = Channel(
            id=new_id(now),
            name=name,
            destination=destination,
            filter=wanted,
            created_at=now,
            updated_at=now,
            language=language,
            operator=operator,
        )
        async with self._open() as work:
            await work.channels.add(channel)
        return channel

    async def change(self, channel_id: str, change: ChannelChange) -> Channel:
        """Change a channel. Switching it on forgets past failures, switching it off takes back what waits.

        Raises `ChannelUnknown`, `ChannelNotUsable`, `DestinationRefused`.
        """
        now = self._clock.now()
        if change.url is not None:
            await self._check_address(change.url)  # it may resolve a name, so not inside the transaction
        async with self._open() as work:
            channel = _alive(await work.channels.lock(channel_id))
            if channel.unreadable:
                raise ChannelNotUsable(channel.disabled_reason)
            destination = _moved(channel.destination, change)
            if isinstance(destination, Email) and destination != channel.destination:
                _check_mailbox(destination)
            changed = replace(
                channel,
                name=change.name or channel.name,
                destination=destination,
                filter=_narrowed(channel.filter, change),
                enabled=channel.enabled if change.enabled is None else change.enabled,
                language=change.language or channel.language,
                operator=channel.operator if change.operator is None else change.operator,
                updated_at=now,
            )
            if change.enabled:
                changed = replace(changed, disabled_at=None, disabled_reason=None, failing_since=None)
                pace = await work.deliveries.pace(channel_id)
                await work.deliveries.save_pace(channel_id, pace.forgiven())
            await work.channels.save(changed)
            if not changed.enabled:
                await work.deliveries.suppress_all(channel_id, SWITCHED_OFF)
        return changed

    async def rotate_secret(self, channel_id: str, *, keep_for: timedelta) -> Channel:
        """Give a webhook a new signing secret; messages are signed with the present one too, for so long.

        Raises `ChannelUnknown`, `ChannelNotUsable`, and `DestinationRefused` for a channel that is no webhook.
        """
        now = self._clock.now()
        async with self._open() as work:
            channel = _alive(await work.channels.lock(channel_id))
            if channel.unreadable:
                raise ChannelNotUsable(channel.disabled_reason)
            if not isinstance(channel.destination, Webhook):
                raise DestinationRefused("only webhooks have a signing secret of ours", "")
            rotated = channel.destination.rotated(new_secret(), now + keep_for)
            changed = replace(channel, destination=rotated, updated_at=now)
            await work.channels.save(changed)
        return changed

    async def delete(self, channel_id: str) -> None:
        """Delete a channel; its past deliveries stay on record. Raises `ChannelUnknown`."""
        now = self._clock.now()
        async with self._open() as work:
            channel = _alive(await work.channels.lock(channel_id))
            await work.channels.save(replace(channel, deleted=True, enabled=False, updated_at=now))
            await work.deliveries.suppress_all(channel_id, DELETED)

    async def accept(self, address: str) -> None:
        """Send to an address again that a mail server refused. Raises `AddressNotRefused`."""
        async with self._open() as work:
            await work.channels.accept(address)

    async def reseal(self) -> int:
        """Seal the destinations anew that were sealed with a previous secret key; answers how many."""
        async with self._open() as work:
            return await work.channels.reseal()

    async def keep_operator(self, address: str, language: Language) -> None:
        """Have one channel that mails the operator, as the settings say; without an address have none."""
        now = self._clock.now()
        async with self._open() as work:
            try:
                stored: Channel | None = await work.channels.lock(OPERATOR_CHANNEL)
            except ChannelUnknown:
                stored = None
            if not address:
                if stored is not None and not stored.deleted:
                    await work.channels.save(replace(stored, deleted=True, enabled=False, updated_at=now))
                    await work.deliveries.suppress_all(OPERATOR_CHANNEL, DELETED)
                return
            wanted = Channel(
                id=OPERATOR_CHANNEL,
                name="Operator (MAINSTAY_ALERTS_OPERATOR_EMAIL)",
                destination=Email(address),
                filter=Filter(),
                created_at=stored.created_at if stored else now,
                updated_at=stored.updated_at if stored else now,
                language=language,
                operator=True,
            )
            if stored is None:
                await work.channels.add(wanted)
            elif (stored.destination, stored.language, stored.deleted) != (wanted.destination, language, False):
                await work.channels.save(replace(wanted, updated_at=now))

    async def test(self, channel_id: str) -> Delivery:
        """Send a test message, in one attempt: answers the delivery, which says what came of it.

        Raises `ChannelUnknown`, `ChannelNotUsable`.
        """
        now = self._clock.now()
        async with self._open() as work:
            channel = _alive(await work.channels.lock(channel_id))
            if not channel.enabled or channel.disabled_reason:
                raise ChannelNotUsable(channel.disabled_reason or SWITCHED_OFF)
            notification = Notification(new_id(now), TEST, now)
            delivery = Delivery(
                id=delivery_id(notification.id, channel_id),
                notification_id=notification.id,
                channel_id=channel_id,
                state=DeliveryState.PENDING,
                created_at=now,
                next_attempt_at=now,
                trial=True,
            )
            await work.deliveries.add([notification], [delivery])
        return delivery

    async def _check(self, destination: Destination) -> None:
        match destination:
            case Email():
                _check_mailbox(destination)
            case _:
                await self._check_address(destination.url)


async def keep_people_mail(work: HasChannels, now: datetime) -> None:
    """Have the channel that mails people, made when the first of them has an address; deleted, it is made again."""
    wanted = Channel(
        id=PEOPLE_MAIL,
        name="People (addresses of /v1/people)",
        destination=Email(PERSON),
        filter=Filter(),
        created_at=now,
        updated_at=now,
    )
    try:
        stored = await work.channels.lock(PEOPLE_MAIL)
    except ChannelUnknown:
        await work.channels.add(wanted)
        return
    if stored.deleted:
        await work.channels.save(wanted)


def new_secret() -> str:
    """A signing secret of Standard Webhooks: `whsec_` and the base64 of 32 random bytes."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def _check_mailbox(mailbox: Email) -> None:
    if mailbox.to != OWNER and not is_address(mailbox.to):
        raise DestinationRefused("not an email address, and not the word owner", "to")
    if mailbox.fallback is not None and not is_address(mailbox.fallback):
        raise DestinationRefused("not an email address", "fallback")


def _alive(channel: Channel) -> Channel:
    if channel.deleted:
        raise ChannelUnknown(channel.id)
    return channel


def _narrowed(wanted: Filter, change: ChannelChange) -> Filter:
    return Filter(
        owners=wanted.owners if change.owners is None else change.owners,
        categories=wanted.categories if change.categories is None else change.categories,
        min_severity=wanted.min_severity if change.min_severity is None else change.min_severity,
    )


def _moved(destination: Destination, change: ChannelChange) -> Destination:
    if isinstance(destination, Email):
        if change.url is not None or change.secret is not None:
            raise DestinationRefused("email channels have no URL and no secret", "url" if change.url else "secret")
        return Email(change.to or destination.to, change.fallback or destination.fallback)
    if change.to is not None or change.fallback is not None:
        raise DestinationRefused("only email channels have recipients", "to" if change.to else "fallback")
    moved: Addressed = replace(destination, url=change.url) if change.url is not None else destination
    if change.secret is None:
        return moved
    if not isinstance(moved, DingTalk | Feishu):
        raise DestinationRefused("only robots of DingTalk and Feishu have a secret of their vendor's", "secret")
    return replace(moved, secret=change.secret)
