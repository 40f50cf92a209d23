"""Notifications, deliveries and their attempts."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from alerts.application.delivery_ports import Attempt, Claimed, Delivery, Hand, Notification
from alerts.domain.alerts import Notice
from alerts.domain.channels import ChannelUnknown
from alerts.domain.deliveries import DeliveryState
from alerts.domain.destinations import ChannelKind
from alerts.domain.pacing import Pace
from alerts.sealing import Seal
from alerts.store.claiming import Claiming, to_pace
from alerts.store.rows import to_delivery
from alerts.store.tables import alert, attempt, channel, delivery, notification, pace

SETTLED = {
    "id": "text",
    "state": "text",
    "attempts": "int",
    "next_attempt_at": "timestamptz",
    "error": "text",
    "unclear": "boolean",
    "delivered_at": "timestamptz",
    "digest_id": "text",
    "muted_by": "text",
    "muted_why": "text",
}
TOLD = {
    "delivery_id": "text",
    "number": "int",
    "digest_id": "text",
    "started_at": "timestamptz",
    "took_ms": "int",
    "outcome": "text",
    "status": "int",
    "answer": "text",
    "error": "text",
}
"""The members that are stored in one statement for many, and their types."""


def _unnest(members: Mapping[str, str]) -> str:
    arrays = ", ".join(f"CAST(:{member} AS {kind}[])" for member, kind in members.items())
    return f"unnest({arrays}) AS t ({', '.join(members)})"


SETTLE = (
    f"UPDATE {delivery} d SET lease_until = NULL, {', '.join(f'{each} = t.{each}' for each in list(SETTLED)[1:])}"
    f" FROM {_unnest(SETTLED)} WHERE d.id = t.id"
)
TELL_ATTEMPTS = (
    f"UPDATE {attempt} a SET {', '.join(f'{each} = t.{each}' for each in list(TOLD)[2:])}"
    f" FROM {_unnest(TOLD)} WHERE a.delivery_id = t.delivery_id AND a.number = t.number"
)


class DeliveryStore:
    """Deliveries, within one transaction."""

    def __init__(self, connection: AsyncConnection, seal: Seal) -> None:
        self._connection = connection
        self._claiming = Claiming(connection, seal)

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

    async def of_alerts(self, alert_ids: Collection[str]) -> Mapping[str, Sequence[Delivery]]:
        """What was sent, or waits to be sent, about alerts that are going on, by alert, locked: no resolutions."""
        rows = await self._connection.execute(
            select(delivery, notification.c.alert_id)
            .join(notification, notification.c.id == delivery.c.notification_id)
            .where(notification.c.alert_id == func.any(sorted(alert_ids)), notification.c.kind != Notice.RESOLVED)
            .order_by(delivery.c.id)
            .with_for_update(of=delivery)
        )
        found: dict[str, list[Delivery]] = defaultdict(list)
        for row in rows:
            found[row.alert_id].append(to_delivery(row))
        return found

    async def windows(
        self, account_ids: Collection[str], now: datetime
    ) -> Mapping[tuple[str, str, str | None], datetime]:
        """When what waits for company goes, by account, channel and person."""
        rows = await self._connection.execute(
            select(
                notification.c.account_id,
                delivery.c.channel_id,
                delivery.c.person_id,
                func.min(delivery.c.next_attempt_at).label("goes_at"),
            )
            .join(notification, notification.c.id == delivery.c.notification_id)
            .where(
                notification.c.account_id == func.any(sorted(account_ids)),
                delivery.c.state == DeliveryState.PENDING,
                delivery.c.grouped,
                delivery.c.muted_by.is_(None),
                delivery.c.next_attempt_at > now,
            )
            .group_by(notification.c.account_id, delivery.c.channel_id, delivery.c.person_id)
        )
        return {(row.account_id, row.channel_id, row.person_id): row.goes_at for row in rows}

    async def told_since(self, since: Mapping[str, datetime]) -> Mapping[str, int]:
        """How many messages with openings each person got by themselves since an instant, those under way included."""
        if not since:
            return {}
        rows = await self._connection.execute(
            text(
                "SELECT p.person_id, count(DISTINCT coalesce(d.digest_id, d.id)) AS told"
                " FROM unnest(CAST(:people AS text[]), CAST(:since AS timestamptz[])) AS p (person_id, since)"
                f" JOIN {delivery} d ON d.person_id = p.person_id JOIN {notification} n ON n.id = d.notification_id"
                " WHERE n.kind = 'opened' AND d.muted_by IS DISTINCT FROM 'budget' AND (d.delivered_at >= p.since"
                " OR (d.state = 'delivering' AND d.lease_until > p.since) OR (d.state = 'pending' AND d.attempts > 0))"
                " GROUP BY p.person_id"
            ),
            {"people": list(since), "since": list(since.values())},
        )
        return {row.person_id: row.told for row in rows}

    async def told_by_hour(self, since: datetime, *, without_rule: str) -> Sequence[tuple[str, datetime, int]]:
        """(person, hour, how many): the messages with openings that people got by themselves, but for one rule's."""
        rows = await self._connection.execute(
            text(
                "SELECT d.person_id, date_trunc('hour', d.delivered_at) AS hour,"
                " count(DISTINCT coalesce(d.digest_id, d.id)) AS told"
                f" FROM {delivery} d JOIN {notification} n ON n.id = d.notification_id"
                f" JOIN {alert} a ON a.id = n.alert_id"
                " WHERE n.kind = 'opened' AND d.person_id IS NOT NULL AND d.delivered_at >= :since"
                " AND d.muted_by IS DISTINCT FROM 'budget' AND a.rule <> :rule GROUP BY 1, 2"
            ),
            {"since": since, "rule": without_rule},
        )
        return [(row.person_id, row.hour, row.told) for row in rows]

    async def wake(self, muted_by: str, now: datetime, *, account_ids: Collection[str] | None = None) -> int:
        """Look at what waits for a reason again, of some accounts or of all; answers how many."""
        waiting = (
            select(delivery.c.id)
            .where(delivery.c.state == DeliveryState.PENDING, delivery.c.muted_by == muted_by)
            .order_by(delivery.c.id)
            .with_for_update()
        )
        if account_ids is not None:
            of_accounts = select(notification.c.id).where(notification.c.account_id == func.any(sorted(account_ids)))
            waiting = waiting.where(delivery.c.notification_id.in_(of_accounts))
        ids = list((await self._connection.execute(waiting)).scalars())
        if ids:
            await self._connection.execute(
                update(delivery).where(delivery.c.id == func.any(ids)).values(next_attempt_at=now)
            )
        return len(ids)

    async def carry(self, alert_ids: Collection[str], person_id: str, muted_by: str, digest_id: str) -> None:
        """Openings that wait for somebody's digest go with this one: they may have arrived from now on."""
        openings = select(notification.c.id).where(
            notification.c.alert_id == func.any(sorted(alert_ids)), notification.c.kind == Notice.OPENED
        )
        waiting = (
            select(delivery.c.id)
            .where(
                delivery.c.notification_id.in_(openings),
                delivery.c.person_id == person_id,
                delivery.c.state == DeliveryState.PENDING,
                delivery.c.muted_by == muted_by,
            )
            .order_by(delivery.c.id)
            .with_for_update()
        )
        ids = list((await self._connection.execute(waiting)).scalars())
        if ids:
            await self._connection.execute(
                update(delivery).where(delivery.c.id == func.any(ids)).values(digest_id=digest_id, unclear=True)
            )

    async def carried(self, digest_ids: Collection[str], now: datetime, *, arrived: bool) -> None:
        """A digest arrived, and so did what it carried; or it was given up, and what it carried goes by itself."""
        waiting = (
            select(delivery.c.id)
            .where(delivery.c.digest_id == func.any(sorted(digest_ids)), delivery.c.state == DeliveryState.PENDING)
            .order_by(delivery.c.id)
            .with_for_update()
        )
        ids = list((await self._connection.execute(waiting)).scalars())
        values = {"state": DeliveryState.DELIVERED.value, "delivered_at": now} if arrived else {"next_attempt_at": now}
        if ids:
            await self._connection.execute(update(delivery).where(delivery.c.id == func.any(ids)).values(values))

    async def settle(self, deliveries: Sequence[Delivery]) -> None:
        """Store how deliveries stand: state, attempts, next attempt, error, unclear. Their leases end."""
        if not deliveries:
            return
        await self._connection.execute(text(SETTLE), _columns(deliveries, SETTLED))

    async def held(self, attempts: Collection[tuple[str, int]]) -> frozenset[str]:
        """Lock deliveries; the ids of those that are still under way in this very attempt."""
        found = await self._connection.execute(
            select(delivery.c.id, delivery.c.state, delivery.c.attempts)
            .where(delivery.c.id == func.any(sorted(one for one, _ in attempts)))
            .order_by(delivery.c.id)
            .with_for_update()
        )  # not all, where an account was erased
        wanted = dict(attempts)
        return frozenset(
            row.id for row in found if row.state == DeliveryState.DELIVERING and row.attempts == wanted[row.id]
        )

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
        hands: Mapping[str, Hand],
    ) -> Claimed:
        """Take deliveries that are due, and those whose lease ran out, and begin an attempt of each."""
        return await self._claiming.claim(now, lease_until, at_once, hands)

    async def tell_attempts(self, attempts: Sequence[Attempt]) -> None:
        """Write down what came of attempts. One without an outcome was none, and is forgotten."""
        none = [(one.delivery_id, one.number) for one in attempts if one.outcome is None]
        if none:
            await self._connection.execute(
                delete(attempt).where(tuple_(attempt.c.delivery_id, attempt.c.number).in_(none))
            )
        told = [one for one in attempts if one.outcome is not None]
        if told:
            await self._connection.execute(text(TELL_ATTEMPTS), _columns(told, TOLD))

    async def is_well(self, channel_id: str) -> bool:
        """Whether a channel has no failures behind it, so that another success changes nothing; nothing is locked."""
        failing = channel.c.failing_since.is_not(None) | (pace.c.failures > 0) | pace.c.probe_at.is_not(None)
        found = await self._connection.execute(
            select(channel.c.id)
            .join(pace, pace.c.channel_id == channel.c.id)
            .where(channel.c.id == channel_id, ~failing)
        )
        return found.first() is not None

    async def pace(self, channel_id: str) -> Pace:
        """A channel's pace, locked. Raises `ChannelUnknown`."""
        row = (
            await self._connection.execute(select(pace).where(pace.c.channel_id == channel_id).with_for_update())
        ).one_or_none()
        if row is None:
            raise ChannelUnknown(channel_id)
        return to_pace(row)

    async def save_pace(self, channel_id: str, paced: Pace) -> None:
        """Store a channel's pace."""
        await self._connection.execute(update(pace).where(pace.c.channel_id == channel_id).values(asdict(paced)))


def _columns(rows: Sequence[Delivery | Attempt], members: Iterable[str]) -> dict[str, list[Any]]:
    return {member: [getattr(row, member) for row in rows] for member in members}
