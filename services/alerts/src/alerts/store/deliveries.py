"""Notifications and deliveries, and the claim that shares the due ones among processes."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from alerts.application.ports import Claim, Delivery, Notification
from alerts.domain.channels import ChannelKind
from alerts.domain.deliveries import DeliveryState
from alerts.sealing import Seal
from alerts.store.accounts import to_account
from alerts.store.alerts import to_alert
from alerts.store.channels import to_channel
from alerts.store.tables import account, alert, channel, delivery, notification

# FOR UPDATE inside LATERAL: each channel gives up to its room of rows that no other process has in hand.
CLAIM = f"""
WITH due AS MATERIALIZED (
    SELECT d.id
    FROM {channel} c
    JOIN unnest(CAST(:kinds AS text[]), CAST(:at_once AS int[])) AS k (kind, at_once) USING (kind)
    LEFT JOIN unnest(CAST(:busy_channels AS text[]), CAST(:under_way AS int[])) AS b (id, under_way) ON b.id = c.id
    CROSS JOIN LATERAL (
        SELECT id FROM {delivery}
        WHERE channel_id = c.id AND state IN ('pending', 'delivering')
            AND coalesce(next_attempt_at, lease_until) <= :now
        ORDER BY coalesce(next_attempt_at, lease_until)
        LIMIT greatest(k.at_once - coalesce(b.under_way, 0), 0)
        FOR UPDATE SKIP LOCKED
    ) d
    WHERE c.id <> ALL (CAST(:resting AS text[]))
)
UPDATE {delivery} d
SET state = 'delivering', attempts = attempts + 1, next_attempt_at = NULL, lease_until = :lease_until,
    unclear = unclear OR state = 'delivering'
FROM due WHERE d.id = due.id
RETURNING d.id
"""


class DeliveryStore:
    """Deliveries, within one transaction."""

    def __init__(self, connection: AsyncConnection, seal: Seal) -> None:
        self._connection = connection
        self._seal = seal

    async def add(self, notifications: Sequence[Notification], deliveries: Sequence[Delivery]) -> None:
        """Add them; those already there stay as they are."""
        if notifications:
            rows = [asdict(one) for one in sorted(notifications, key=lambda one: one.id)]
            await self._connection.execute(insert(notification).on_conflict_do_nothing(), rows)
        if deliveries:
            rows = [asdict(one) for one in sorted(deliveries, key=lambda one: one.id)]
            await self._connection.execute(insert(delivery).on_conflict_do_nothing(), rows)

    async def of(self, notification_ids: Collection[str]) -> Mapping[str, Sequence[Delivery]]:
        """The deliveries of notifications, locked."""
        rows = await self._connection.execute(
            select(delivery)
            .where(delivery.c.notification_id == func.any(sorted(notification_ids)))
            .order_by(delivery.c.id)
            .with_for_update()
        )
        found: dict[str, list[Delivery]] = defaultdict(list)
        for row in rows:
            found[row.notification_id].append(to_delivery(row))
        return found

    async def settle(self, deliveries: Sequence[Delivery]) -> None:
        """Store how deliveries stand: state, attempts, next attempt, error, unclear. Their leases end."""
        if not deliveries:
            return
        members = ("state", "attempts", "next_attempt_at", "error", "unclear", "delivered_at")
        await self._connection.execute(
            update(delivery)
            .where(delivery.c.id == bindparam("this_id"))
            .values({member: bindparam(member) for member in members} | {"lease_until": None}),
            [
                {"this_id": one.id} | {member: getattr(one, member) for member in members}
                for one in sorted(deliveries, key=lambda one: one.id)
            ],
        )

    async def is_held(self, delivery_id: str, attempt: int) -> bool:
        """Lock a delivery; whether it is still under way in this very attempt."""
        statement = select(delivery.c.state, delivery.c.attempts).where(delivery.c.id == delivery_id).with_for_update()
        row = (await self._connection.execute(statement)).one()
        return bool(row.state == DeliveryState.DELIVERING and row.attempts == attempt)

    async def suppress_all(self, channel_id: str, reason: str) -> None:
        """Take back everything that a channel still waits for, except what is being sent at this moment."""
        # locked in sorted order, as everywhere: two that lock several would deadlock otherwise
        waiting = (
            select(delivery.c.id)
            .where(delivery.c.channel_id == channel_id, delivery.c.state == DeliveryState.PENDING)
            .order_by(delivery.c.id)
            .with_for_update()
            .cte("waiting")
        )
        await self._connection.execute(
            update(delivery)
            .where(delivery.c.id == waiting.c.id)
            .values(state=DeliveryState.SUPPRESSED, next_attempt_at=None, error=reason)
        )

    async def claim(
        self,
        *,
        now: datetime,
        lease_until: datetime,
        at_once: Mapping[ChannelKind, int],
        under_way: Mapping[str, int],
        resting: Sequence[str],
    ) -> Sequence[Claim]:
        """Take deliveries that are due, and those whose lease ran out, and count an attempt of each."""
        claimed = await self._connection.execute(
            text(CLAIM),
            {
                "now": now,
                "lease_until": lease_until,
                "kinds": list(at_once),
                "at_once": list(at_once.values()),
                "busy_channels": list(under_way),
                "under_way": list(under_way.values()),
                "resting": list(resting),
            },
        )
        ids = sorted(claimed.scalars())
        return await self._claims(ids) if ids else []

    async def _claims(self, ids: Sequence[str]) -> Sequence[Claim]:
        async def by_id(statement: Any) -> dict[str, Row[Any]]:
            return {row[0]: row for row in await self._connection.execute(statement)}

        deliveries = await by_id(select(delivery).where(delivery.c.id == func.any(ids)))
        told = {row.notification_id for row in deliveries.values()}
        notifications = await by_id(select(notification).where(notification.c.id.in_(told)))
        found = {row.channel_id for row in deliveries.values()}
        channels = await by_id(select(channel).where(channel.c.id.in_(found)))
        alerts = await by_id(select(alert).where(alert.c.id.in_([row.alert_id for row in notifications.values()])))
        of = await by_id(
            select(account).where(account.c.account_id.in_([row.account_id for row in notifications.values()]))
        )
        claims = []
        for row in deliveries.values():
            what = notifications[row.notification_id]
            claims.append(
                Claim(
                    delivery=to_delivery(row),
                    notification=Notification(what.id, what.kind, what.created_at, what.alert_id, what.account_id),
                    channel=to_channel(channels[row.channel_id], self._seal),
                    alert=to_alert(alerts[what.alert_id]) if what.alert_id else None,
                    account=to_account(of[what.account_id]) if what.account_id else None,
                )
            )
        return claims


def to_delivery(row: Row[Any]) -> Delivery:
    """The delivery in a row."""
    return Delivery(
        id=row.id,
        notification_id=row.notification_id,
        channel_id=row.channel_id,
        state=DeliveryState(row.state),
        created_at=row.created_at,
        attempts=row.attempts,
        next_attempt_at=row.next_attempt_at,
        delivered_at=row.delivered_at,
        error=row.error,
        unclear=row.unclear,
        route_at_send=row.route_at_send,
    )
