"""Escalations with their timers and steps, and who of a pool has what."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Row, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from alerts.application.people_ports import Escalation, Share, StepTaken
from alerts.domain.pools import Load, points_of
from alerts.domain.routing import EscalationStep
from alerts.store.accounts import to_account
from alerts.store.people_tables import assignment, escalation, escalation_step
from alerts.store.tables import account, alert
from alerts.store.timers import ESCALATION_DUE, SNOOZE_DUE, key_of
from mainstay.db.work import Transaction


class EscalationStore:
    """Escalations, within one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._connection = transaction.connection
        self._due = transaction.due

    async def begin(self, escalations: Iterable[Escalation]) -> None:
        """Begin escalations, and arm their timers; one that has begun goes on as it is."""
        new = sorted(escalations, key=lambda one: one.alert_id)
        if not new:
            return
        rows = [{**asdict(one), "steps": msgspec.to_builtins(one.steps)} for one in new]
        await self._connection.execute(insert(escalation).on_conflict_do_nothing(), rows)
        await self._due.arm_many(
            ESCALATION_DUE,
            [(key_of(one.account_id, one.alert_id), one.due_at) for one in new if one.due_at is not None],
        )

    async def lock(self, alert_id: str) -> Escalation | None:
        """One that has not ended, locked."""
        row = (
            await self._connection.execute(
                select(escalation)
                .where(escalation.c.alert_id == alert_id, escalation.c.ended_at.is_(None))
                .with_for_update()
            )
        ).one_or_none()
        return None if row is None else to_escalation(row)

    async def take(self, taken: StepTaken, next_at: datetime | None) -> None:
        """Put a step on record; the next is due at `next_at`."""
        values = {**asdict(taken), "told": list(taken.told)}
        await self._connection.execute(insert(escalation_step).values(values).on_conflict_do_nothing())
        await self._connection.execute(
            update(escalation).where(escalation.c.alert_id == taken.alert_id).values(step=taken.step, due_at=next_at)
        )

    async def put_off(self, alert_id: str, until: datetime) -> None:
        """The next step is due later."""
        await self._connection.execute(update(escalation).where(escalation.c.alert_id == alert_id).values(due_at=until))

    async def end(self, alert_ids: Collection[str], because: str, now: datetime) -> None:
        """These go no further."""
        await self._connection.execute(
            update(escalation)
            .where(escalation.c.alert_id == func.any(sorted(alert_ids)), escalation.c.ended_at.is_(None))
            .values(ended_at=now, ended_because=because, due_at=None)
        )


class SnoozeStore:
    """Timers of snoozes, within one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._due = transaction.due

    async def arm(self, account_id: str, alert_id: str, until: datetime) -> None:
        """Look at a snoozed alert again at an instant, and at no other."""
        await self._due.arm(SNOOZE_DUE, f"{key_of(account_id, alert_id)} {until.isoformat()}", until)


class PoolStore:
    """Shares of pools, within one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def loads(self, people: Collection[str]) -> Mapping[str, Load]:
        """What people of pools have open."""
        rows = await self._connection.execute(
            select(assignment.c.person_id, assignment.c.assigned_at, alert.c.state, account)
            .join(alert, alert.c.id == assignment.c.alert_id)
            .join(account, account.c.account_id == assignment.c.account_id)
            .where(assignment.c.person_id == func.any(sorted(people)), alert.c.state != "resolved")
        )
        points: dict[str, int] = defaultdict(int)
        for row in rows:
            points[row.person_id] += points_of(to_account(row))
        last = {
            row.person_id: row.last_at
            for row in await self._connection.execute(
                select(assignment.c.person_id, func.max(assignment.c.assigned_at).label("last_at"))
                .where(assignment.c.person_id == func.any(sorted(people)))
                .group_by(assignment.c.person_id)
            )
        }
        return {person: Load(points.get(person, 0), last.get(person)) for person in people}

    async def of_account(self, account_ids: Collection[str]) -> Mapping[tuple[str, str], str]:
        """Who has open alerts of an account, by account and team."""
        rows = await self._connection.execute(
            select(assignment.c.account_id, assignment.c.team_id, assignment.c.person_id)
            .join(alert, alert.c.id == assignment.c.alert_id)
            .where(assignment.c.account_id == func.any(sorted(account_ids)), alert.c.state != "resolved")
            .order_by(assignment.c.assigned_at)
        )
        return {(row.account_id, row.team_id): row.person_id for row in rows}

    async def give(self, shares: Iterable[Share]) -> None:
        """Put on record who got what; what was given stays."""
        rows = [asdict(one) for one in sorted(shares, key=lambda one: one.alert_id)]
        if rows:
            await self._connection.execute(insert(assignment).on_conflict_do_nothing(), rows)


def to_escalation(row: Row[Any]) -> Escalation:
    """The escalation in a row."""
    return Escalation(
        alert_id=row.alert_id,
        account_id=row.account_id,
        steps=tuple(msgspec.convert(row.steps, list[EscalationStep])),
        step=row.step,
        due_at=row.due_at,
        ended_at=row.ended_at,
        ended_because=row.ended_because,
    )
