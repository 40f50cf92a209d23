"""What the API shows: pages of alerts, channels and deliveries, outside any handler's transaction."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select, tuple_

from alerts.application.delivery_ports import Attempt, Refused
from alerts.application.reading import After, AlertQuery, DeliveryOnRecord, DeliveryQuery
from alerts.domain.accounts import Account
from alerts.domain.alerts import Alert, AlertUnknown, Step, Transition
from alerts.domain.channels import Channel, ChannelUnknown
from alerts.domain.replays import DeliveryUnknown, Replay, ReplayUnknown
from alerts.sealing import Seal
from alerts.store.accounts import to_account
from alerts.store.alerts import to_alert
from alerts.store.channels import to_channel
from alerts.store.replays import to_replay
from alerts.store.rows import to_delivery
from alerts.store.tables import (
    account,
    alert,
    attempt,
    channel,
    delivery,
    notification,
    refused_address,
    replay,
    transition,
)
from mainstay.db.engine import Database


class StoredReading:
    """Reads for the API; newest first."""

    def __init__(self, database: Database, seal: Seal) -> None:
        self._database = database
        self._seal = seal

    async def alerts(self, query: AlertQuery, *, limit: int, after: After | None) -> Sequence[tuple[Alert, Account]]:
        """A page of alerts with their accounts, the one opened last first."""
        statement = _alerts_with_accounts().order_by(alert.c.opened_at.desc(), alert.c.id.desc()).limit(limit)
        if query.states:
            statement = statement.where(alert.c.state.in_(query.states))
        for column, value in (
            (alert.c.account_id, query.account_id),
            (alert.c.rule, query.rule),
            (alert.c.severity, query.severity),
            (account.c.owner, query.owner),
        ):
            if value is not None:
                statement = statement.where(column == value)
        if after is not None:
            statement = statement.where(tuple_(alert.c.opened_at, alert.c.id) < after)
        return [(to_alert(row), to_account(row)) for row in await self._rows(statement)]

    async def alert(self, alert_id: str) -> tuple[Alert, Account, Sequence[Transition]]:
        """One alert, its account and its life so far. Raises `AlertUnknown`."""
        rows = await self._rows(_alerts_with_accounts().where(alert.c.id == alert_id))
        if not rows:
            raise AlertUnknown(alert_id)
        steps = await self._rows(select(transition).where(transition.c.alert_id == alert_id).order_by(transition.c.id))
        return (
            to_alert(rows[0]),
            to_account(rows[0]),
            [
                Transition(
                    row.alert_id, Step(row.step), row.occurred_at, row.recorded_at, row.quiet, row.by, row.comment
                )
                for row in steps
            ],
        )

    async def channels(self, *, limit: int, after: After | None) -> Sequence[Channel]:
        """A page of channels, the newest first."""
        statement = (
            select(channel)
            .where(~channel.c.deleted)
            .order_by(channel.c.created_at.desc(), channel.c.id.desc())
            .limit(limit)
        )
        if after is not None:
            statement = statement.where(tuple_(channel.c.created_at, channel.c.id) < after)
        return [to_channel(row, self._seal) for row in await self._rows(statement)]

    async def channel(self, channel_id: str) -> Channel:
        """One channel. Raises `ChannelUnknown`, also for a deleted one."""
        rows = await self._rows(select(channel).where(channel.c.id == channel_id, ~channel.c.deleted))
        if not rows:
            raise ChannelUnknown(channel_id)
        return to_channel(rows[0], self._seal)

    async def refused(self, now: datetime) -> Sequence[Refused]:
        """The addresses that are passed over now, the latest first; at most 500."""
        rows = await self._rows(
            select(refused_address)
            .where(refused_address.c.until > now)
            .order_by(refused_address.c.refused_at.desc(), refused_address.c.address)
            .limit(500)
        )
        return [Refused(row.address, row.refused_at, row.until, row.reason) for row in rows]

    async def deliveries(self, query: DeliveryQuery, *, limit: int, after: After | None) -> Sequence[DeliveryOnRecord]:
        """A page of deliveries, the newest first."""
        statement = _deliveries_on_record().order_by(delivery.c.created_at.desc(), delivery.c.id.desc()).limit(limit)
        for column, value in (
            (notification.c.alert_id, query.alert_id),
            (notification.c.account_id, query.account_id),
            (delivery.c.channel_id, query.channel_id),
            (delivery.c.digest_id, query.digest_id),
            (delivery.c.person_id, query.person_id),
            (delivery.c.state, query.state),
        ):
            if value is not None:
                statement = statement.where(column == value)
        if query.since is not None:
            statement = statement.where(delivery.c.created_at >= query.since)
        if query.until is not None:
            statement = statement.where(delivery.c.created_at < query.until)
        if after is not None:
            statement = statement.where(tuple_(delivery.c.created_at, delivery.c.id) < after)
        return [_on_record(row) for row in await self._rows(statement)]

    async def delivery(self, delivery_id: str) -> tuple[DeliveryOnRecord, Sequence[Attempt]]:
        """One delivery and its attempts, the first one first. Raises `DeliveryUnknown`."""
        rows = await self._rows(_deliveries_on_record().where(delivery.c.id == delivery_id))
        if not rows:
            raise DeliveryUnknown(delivery_id)
        made = await self._rows(select(attempt).where(attempt.c.delivery_id == delivery_id).order_by(attempt.c.number))
        return _on_record(rows[0]), [Attempt(**row._mapping) for row in made]  # noqa: SLF001 - SQLAlchemy's public name

    async def replays(self, *, limit: int, after: After | None) -> Sequence[Replay]:
        """A page of replays, the newest first."""
        statement = select(replay).order_by(replay.c.created_at.desc(), replay.c.id.desc()).limit(limit)
        if after is not None:
            statement = statement.where(tuple_(replay.c.created_at, replay.c.id) < after)
        return [to_replay(row) for row in await self._rows(statement)]

    async def replay(self, replay_id: str) -> Replay:
        """One replay. Raises `ReplayUnknown`."""
        rows = await self._rows(select(replay).where(replay.c.id == replay_id))
        if not rows:
            raise ReplayUnknown(replay_id)
        return to_replay(rows[0])

    async def _rows(self, statement: Select[Any]) -> Sequence[Any]:
        async with self._database.engine.connect() as connection:
            rows: Sequence[Any] = (await connection.execute(statement)).all()
            return rows


def _alerts_with_accounts() -> Select[Any]:
    of_account = [column for column in account.c if column.name != "account_id"]
    return select(alert, *of_account).join(account, account.c.account_id == alert.c.account_id)


def _deliveries_on_record() -> Select[Any]:
    return select(delivery, notification.c.kind, notification.c.alert_id, notification.c.account_id).join(
        notification, notification.c.id == delivery.c.notification_id
    )


def _on_record(row: Any) -> DeliveryOnRecord:
    return DeliveryOnRecord(to_delivery(row), row.kind, row.alert_id, row.account_id)
