"""Channels; their destinations are sealed."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Row, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from alerts.domain.channels import Channel, ChannelKind, ChannelUnknown, Destination, Email, Filter, Slack, Webhook
from alerts.domain.words import Category, Severity
from alerts.sealing import Seal, SecretUnreadable
from alerts.store.tables import channel

FORMS: Mapping[ChannelKind, type[Destination]] = {
    ChannelKind.WEBHOOK: Webhook,
    ChannelKind.SLACK: Slack,
    ChannelKind.EMAIL: Email,
}
NOWHERE: Mapping[ChannelKind, Destination] = {
    ChannelKind.WEBHOOK: Webhook("", ""),
    ChannelKind.SLACK: Slack(""),
    ChannelKind.EMAIL: Email(""),
}
"""What is left of a deleted channel's destination."""

UNREADABLE = "its destination was sealed with another MAINSTAY_SECRET_KEY; delete the channel and make it anew"


class ChannelStore:
    """Channels, within one transaction."""

    def __init__(self, connection: AsyncConnection, seal: Seal) -> None:
        self._connection = connection
        self._seal = seal

    async def active(self) -> Sequence[Channel]:
        """The channels that take messages."""
        rows = await self._connection.execute(
            select(channel)
            .where(channel.c.enabled, channel.c.disabled_reason.is_(None), ~channel.c.deleted)
            .order_by(channel.c.id)
        )
        return [one for row in rows if not (one := to_channel(row, self._seal)).unreadable]

    async def lock(self, channel_id: str) -> Channel:
        """One channel, locked (its key may be referred to meanwhile). Raises `ChannelUnknown`."""
        statement = select(channel).where(channel.c.id == channel_id).with_for_update(key_share=True)
        row = (await self._connection.execute(statement)).one_or_none()
        if row is None:
            raise ChannelUnknown(channel_id)
        return to_channel(row, self._seal)

    async def add(self, new: Channel) -> None:
        """Store a new channel."""
        await self._connection.execute(insert(channel).values(_to_row(new, self._seal)))

    async def save(self, changed: Channel) -> None:
        """Store a changed channel. A deleted one loses its destination."""
        values = _to_row(changed, self._seal)
        del values["id"]
        await self._connection.execute(update(channel).where(channel.c.id == changed.id).values(values))


def to_channel(row: Row[Any] | Any, seal: Seal) -> Channel:
    """The channel in a row. One whose destination cannot be read any more says so, and takes no messages."""
    kind = ChannelKind(row.kind)
    destination, unreadable = NOWHERE[kind], False
    if row.destination is not None:
        try:
            destination = msgspec.json.decode(seal.open(row.destination), type=FORMS[kind])
        except SecretUnreadable:
            unreadable = True
    return Channel(
        id=row.id,
        name=row.name,
        destination=destination,
        filter=Filter(
            owners=frozenset(row.owners),
            categories=frozenset(Category(category) for category in row.categories),
            min_severity=Severity(row.min_severity),
        ),
        created_at=row.created_at,
        updated_at=row.updated_at,
        enabled=row.enabled,
        disabled_at=row.disabled_at,
        disabled_reason=UNREADABLE if unreadable else row.disabled_reason,
        failing_since=row.failing_since,
        deleted=row.deleted,
        unreadable=unreadable,
    )


def _to_row(one: Channel, seal: Seal) -> dict[str, Any]:
    return {
        "id": one.id,
        "name": one.name,
        "kind": one.kind.value,
        "destination": None if one.deleted else seal.close(msgspec.json.encode(one.destination).decode()),
        "owners": sorted(one.filter.owners),
        "categories": sorted(category.value for category in one.filter.categories),
        "min_severity": one.filter.min_severity.value,
        "enabled": one.enabled,
        "created_at": one.created_at,
        "updated_at": one.updated_at,
        "failing_since": one.failing_since,
        "disabled_at": one.disabled_at,
        "disabled_reason": one.disabled_reason,
        "deleted": one.deleted,
    }
