"""Who was told, and escalations, as the API shows them: outside any handler's transaction."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select, tuple_

from alerts.application.people_ports import Escalation, MuteOnRecord, StepTaken
from alerts.application.people_reading import EscalationOnRecord, Told
from alerts.application.reading import After
from alerts.store.escalations import to_escalation
from alerts.store.people_tables import escalation, escalation_step, mute
from alerts.store.rows import to_delivery
from alerts.store.tables import channel, delivery, notification
from mainstay.db.engine import Database


class StoredPeopleReading:
    """Reads for the API."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def told(self, alert_id: str) -> tuple[Sequence[Told], Sequence[MuteOnRecord]]:
        """Who was told of an alert, or is to be, in the order of their making; and what reached nobody."""
        muted: dict[str | None, list[MuteOnRecord]] = defaultdict(list)
        for row in await self._rows(
            select(mute)
            .join(notification, notification.c.id == mute.c.notification_id)
            .where(notification.c.alert_id == alert_id)
            .order_by(mute.c.id)
        ):
            muted[row.delivery_id].append(
                MuteOnRecord(row.notification_id, row.delivery_id, row.why, row.detail, row.since, row.until)
            )
        rows = await self._rows(
            select(delivery, notification.c.kind, channel.c.name.label("channel_name"))
            .join(notification, notification.c.id == delivery.c.notification_id)
            .join(channel, channel.c.id == delivery.c.channel_id)
            .where(notification.c.alert_id == alert_id)
            .order_by(delivery.c.created_at, notification.c.kind, delivery.c.id)
        )
        told = [Told(to_delivery(row), row.kind, row.channel_name, muted.get(row.id, [])) for row in rows]
        return told, muted.get(None, [])

    async def escalation(self, alert_id: str) -> EscalationOnRecord | None:
        """The escalation of an alert."""
        rows = await self._rows(select(escalation).where(escalation.c.alert_id == alert_id))
        if not rows:
            return None
        taken = await self._rows(
            select(escalation_step).where(escalation_step.c.alert_id == alert_id).order_by(escalation_step.c.step)
        )
        return EscalationOnRecord(
            to_escalation(rows[0]),
            [
                StepTaken(row.alert_id, row.step, row.account_id, row.due_at, row.taken_at, tuple(row.told))
                for row in taken
            ],
        )

    async def overdue(self, before: datetime, *, limit: int, after: After | None) -> Sequence[Escalation]:
        """Escalations whose next step was due before an instant and was not taken, the oldest first."""
        statement = (
            select(escalation)
            .where(escalation.c.ended_at.is_(None), escalation.c.due_at < before)
            .order_by(escalation.c.due_at, escalation.c.alert_id)
            .limit(limit)
        )
        if after is not None:
            statement = statement.where(tuple_(escalation.c.due_at, escalation.c.alert_id) > after)
        return [to_escalation(row) for row in await self._rows(statement)]

    async def count_overdue(self, before: datetime) -> int:
        """How many there are."""
        statement = (
            select(func.count())
            .select_from(escalation)
            .where(escalation.c.ended_at.is_(None), escalation.c.due_at < before)
        )
        return int((await self._rows(statement))[0][0])

    async def _rows(self, statement: Select[Any]) -> Sequence[Any]:
        async with self._database.engine.connect() as connection:
            rows: Sequence[Any] = (await connection.execute(statement)).all()
            return rows
