"""Channels; their destinations are sealed."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import msgspec
from sqlalchemy import Row, delete, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from alerts.application.delivery_ports import Refused
from alerts.domain.channels import Channel, ChannelUnknown, Filter
from alerts.domain.destinations import (
    AddressNotRefused,
    ChannelKind,
    Destination,
    DingTalk,
    Email,
    Feishu,
    Slack,
    Teams,
    Webhook,
    WeCom,
)
from alerts.domain.words import Category, Language, Severity
from alerts.sealing import Seal, SecretUnreadable
from alerts.store.tables import channel, pace, refused_address

FORMS: Mapping[ChannelKind, type[Destination]] = {
    ChannelKind.WEBHOOK: Webhook,
    ChannelKind.SLACK: Slack,
    ChannelKind.EMAIL: Email,
    ChannelKind.TEAMS: Teams,
    ChannelKind.WECOM: WeCom,
    ChannelKind.DINGTALK: DingTalk,
    ChannelKind.FEISHU: Feishu,
}
NOWHERE: Mapping[ChannelKind, Destination] = {
    ChannelKind.WEBHOOK: Webhook("", ""),
    ChannelKind.SLACK: Slack(""),
    ChannelKind.EMAIL: Email(""),
    ChannelKind.TEAMS: Teams(""),
    ChannelKind.WECOM: WeCom(""),
    ChannelKind.DINGTALK: DingTalk(""),
    ChannelKind.FEISHU: Feishu(""),
}
"""What is left of a deleted channel's destination."""

UNREADABLE = "its destination was sealed with another MAINSTAY_SECRET_KEY; delete the channel and make it anew"


class ChannelStore:
    """Channels, within one transaction."""

    def __init__(self, connection: AsyncConnection, seal: Seal) -> None:
        self._connection = connection
        self._seal = seal

    async def active(self) -> Sequence[Channel]:
        """The channels that take alerts."""
        return await self._active(operator=False)

    async def usable(self) -> Mapping[str, Channel]:
        """Every channel that is switched on, by id: also the one that mails people, and the operator's."""
        rows = await self._connection.execute(
            select(channel).where(channel.c.enabled, channel.c.disabled_reason.is_(None), ~channel.c.deleted)
        )
        return {row.id: one for row in rows if not (one := to_channel(row, self._seal)).unreadable}

    async def operators(self) -> Sequence[Channel]:
        """The channels that take what the operator has to know."""
        return await self._active(operator=True)

    async def lock(self, channel_id: str) -> Channel:
        """One channel, locked (its key may be referred to meanwhile). Raises `ChannelUnknown`."""
        statement = select(channel).where(channel.c.id == channel_id).with_for_update(key_share=True)
        row = (await self._connection.execute(statement)).one_or_none()
        if row is None:
            raise ChannelUnknown(channel_id)
        return to_channel(row, self._seal)

    async def add(self, new: Channel) -> None:
        """Store a new channel; one that another process has stored this moment stays as it is."""
        made = upsert(channel).values(_to_row(new, self._seal)).on_conflict_do_nothing()
        await self._connection.execute(made)
        await self._connection.execute(upsert(pace).values(channel_id=new.id, failures=0).on_conflict_do_nothing())

    async def save(self, changed: Channel) -> None:
        """Store a changed channel. A deleted one loses its destination."""
        values = _to_row(changed, self._seal)
        del values["id"]
        await self._connection.execute(update(channel).where(channel.c.id == changed.id).values(values))

    async def refuse(self, refused: Refused) -> None:
        """Pass an address over from now on."""
        statement = upsert(refused_address).values(asdict(refused))
        await self._connection.execute(
            statement.on_conflict_do_update(index_elements=[refused_address.c.address], set_=asdict(refused))
        )

    async def accept(self, address: str) -> None:
        """Pass an address over no more. Raises `AddressNotRefused`."""
        done = await self._connection.execute(delete(refused_address).where(refused_address.c.address == address))
        if not done.rowcount:
            raise AddressNotRefused(address)

    async def reseal(self) -> int:
        """Seal anew what was sealed with a previous key; answers how many. What no key opens is left as it is."""
        rows = await self._connection.execute(
            select(channel)
            .where(
                channel.c.destination.is_not(None),
                channel.c.sealed_with.is_distinct_from(self._seal.key_id),
                channel.c.sealed_with.is_(None) | channel.c.sealed_with.in_(self._seal.key_ids),
            )
            .order_by(channel.c.id)
            .with_for_update(key_share=True)
        )
        found = 0
        for row in rows:
            one = to_channel(row, self._seal)
            if not one.unreadable:
                found += 1
                await self.save(one)
        return found

    async def _active(self, *, operator: bool) -> Sequence[Channel]:
        rows = await self._connection.execute(
            select(channel)
            .where(
                channel.c.enabled,
                channel.c.disabled_reason.is_(None),
                ~channel.c.deleted,
                channel.c.operator == operator,
            )
            .order_by(channel.c.id)
        )
        return [one for row in rows if not (one := to_channel(row, self._seal)).unreadable]


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
        language=Language(row.language),
        operator=row.operator,
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
        "language": one.language.value,
        "operator": one.operator,
        "sealed_with": None if one.deleted else seal.key_id,
    }
