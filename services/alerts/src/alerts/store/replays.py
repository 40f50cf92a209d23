"""Replays, and the given-up deliveries that they send again."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Row, Select, func, insert, select, tuple_, update

from alerts.application.delivery_ports import Delivery
from alerts.domain.deliveries import DeliveryState
from alerts.domain.replays import DeliveryUnknown, Replay, ReplayState, ReplayUnknown, Wanted
from alerts.store.rows import to_delivery
from alerts.store.tables import channel, delivery, notification, replay
from mainstay.db.work import Transaction

REPLAY_DUE = "replay"
"""The kind of the timer that goes on with a replay; its key is the replay's id."""


class ReplayStore:
    """Replays, within one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._connection = transaction.connection
        self._due = transaction.due

    async def begin(self, new: Replay) -> Replay:
        """Store a new replay with its total counted, and arm its timer."""
        counted = given_up(new.wanted, new.created_at).with_only_columns(func.count())
        begun = replace(new, total=int(await self._connection.scalar(counted) or 0))
        await self._connection.execute(insert(replay).values(id=begun.id, **_values(begun)))
        await self._due.arm(REPLAY_DUE, begun.id, begun.created_at)
        return begun

    async def lock(self, replay_id: str) -> Replay:
        """One replay, locked. Raises `ReplayUnknown`."""
        row = (
            await self._connection.execute(select(replay).where(replay.c.id == replay_id).with_for_update())
        ).one_or_none()
        if row is None:
            raise ReplayUnknown(replay_id)
        return to_replay(row)

    async def save(self, changed: Replay) -> None:
        """Store how a replay stands."""
        await self._connection.execute(update(replay).where(replay.c.id == changed.id).values(_values(changed)))

    async def given_up(
        self, wanted: Wanted, before: datetime, after: tuple[datetime, str] | None, *, most: int
    ) -> Sequence[Delivery]:
        """The next deliveries that were given up, made `before` an instant, in the order of their making, locked."""
        statement = given_up(wanted, before).order_by(delivery.c.created_at, delivery.c.id).limit(most)
        if after is not None:
            statement = statement.where(tuple_(delivery.c.created_at, delivery.c.id) > after)
        rows = await self._connection.execute(statement.with_for_update(of=delivery))
        return [to_delivery(row) for row in rows]

    async def one(self, delivery_id: str) -> Delivery:
        """One delivery, locked. Raises `DeliveryUnknown`."""
        row = (
            await self._connection.execute(select(delivery).where(delivery.c.id == delivery_id).with_for_update())
        ).one_or_none()
        if row is None:
            raise DeliveryUnknown(delivery_id)
        return to_delivery(row)

    async def again(self, deliveries: Sequence[Delivery], now: datetime) -> None:
        """Have deliveries sent again, with the whole schedule before them."""
        await self._connection.execute(
            update(delivery)
            .where(delivery.c.id == func.any([one.id for one in deliveries]))
            .values(
                state=DeliveryState.PENDING,
                next_attempt_at=now,
                error=None,
                attempts_before=delivery.c.attempts,
                digest_id=None,
            )
        )

    async def usable(self, channel_ids: Collection[str]) -> frozenset[str]:
        """Those of the channels that take messages now."""
        rows = await self._connection.execute(
            select(channel.c.id).where(
                channel.c.id == func.any(sorted(channel_ids)),
                channel.c.enabled,
                channel.c.disabled_reason.is_(None),
                ~channel.c.deleted,
            )
        )
        return frozenset(rows.scalars())


def given_up(wanted: Wanted, before: datetime) -> Select[Any]:
    """The deliveries that were given up and are wanted, made before an instant."""
    statement = (
        select(delivery)
        .join(notification, notification.c.id == delivery.c.notification_id)
        .where(delivery.c.state == DeliveryState.FAILED.value, delivery.c.created_at < (wanted.until or before))
    )
    for column, value in (
        (delivery.c.channel_id, wanted.channel_id),
        (notification.c.account_id, wanted.account_id),
        (notification.c.alert_id, wanted.alert_id),
    ):
        if value is not None:
            statement = statement.where(column == value)
    if wanted.since is not None:
        statement = statement.where(delivery.c.created_at >= wanted.since)
    return statement


def to_replay(row: Row[Any]) -> Replay:
    """The replay in a row."""
    return Replay(
        id=row.id,
        created_at=row.created_at,
        created_by=row.created_by,
        wanted=msgspec.convert(row.wanted, Wanted),
        total=row.total,
        state=ReplayState(row.state),
        replayed=row.replayed,
        passed_over=row.passed_over,
        seen=None if row.seen_at is None else (row.seen_at, row.seen_id),
        finished_at=row.finished_at,
    )


def _values(one: Replay) -> dict[str, Any]:
    seen_at, seen_id = one.seen or (None, None)
    return {
        "created_at": one.created_at,
        "created_by": one.created_by,
        "wanted": msgspec.to_builtins(one.wanted),
        "state": one.state.value,
        "total": one.total,
        "replayed": one.replayed,
        "passed_over": one.passed_over,
        "seen_at": seen_at,
        "seen_id": seen_id,
        "finished_at": one.finished_at,
    }
