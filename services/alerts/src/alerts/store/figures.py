"""What key figures are counted from."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from alerts.domain.alerts import BY_HAND, WITHDRAWN, State
from alerts.domain.figures import AlertFact, RunFact, owner_at
from alerts.store.playbook_tables import account_owner, run, task
from alerts.store.tables import alert
from mainstay.db.engine import Database


class StoredFigures:
    """Reads alerts and runs of a stretch of time."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def alerts(self, since: datetime, until: datetime) -> Sequence[AlertFact]:
        """Alerts of which people were told, with whoever had the account when each opened."""
        wanted = select(
            alert.c.account_id,
            alert.c.opened_at,
            alert.c.rule,
            alert.c.acknowledged_at,
            alert.c.resolution,
            alert.c.state,
            alert.c.feedback,
        ).where(
            alert.c.opened_at >= since,
            alert.c.opened_at < until,
            alert.c.told,
            func.coalesce(alert.c.resolution, "") != WITHDRAWN,
        )
        async with self._database.engine.connect() as connection:
            rows = (await connection.execute(wanted)).all()
            owners = await _owners(connection, {row.account_id for row in rows})
        return [
            AlertFact(
                opened_at=row.opened_at,
                rule=row.rule,
                owner=owner_at(owners.get(row.account_id, ()), row.opened_at),
                acknowledged_at=row.acknowledged_at,
                resolved_by_hand=row.resolution == BY_HAND,
                is_resolved=row.state == State.RESOLVED,
                feedback=row.feedback,
            )
            for row in rows
        ]

    async def runs(self, since: datetime, until: datetime) -> Sequence[RunFact]:
        """Runs with the number of their tasks, and of those that somebody had to be reminded of."""
        tasks = (
            select(
                task.c.run_id,
                func.count().label("tasks"),
                func.count(task.c.reminded_at).label("late_tasks"),
            )
            .group_by(task.c.run_id)
            .subquery()
        )
        wanted: Any = (
            select(run, tasks.c.tasks, tasks.c.late_tasks)
            .join(tasks, tasks.c.run_id == run.c.id)
            .where(run.c.started_at >= since, run.c.started_at < until)
        )
        async with self._database.engine.connect() as connection:
            rows = (await connection.execute(wanted)).all()
        return [
            RunFact(row.started_at, row.playbook, row.owner, row.state, row.ended_at, row.late_tasks, row.tasks)
            for row in rows
        ]


async def _owners(
    connection: AsyncConnection, account_ids: Collection[str]
) -> Mapping[str, Sequence[tuple[datetime, str | None]]]:
    rows = await connection.execute(
        select(account_owner)
        .where(account_owner.c.account_id == func.any(sorted(account_ids)))
        .order_by(account_owner.c.account_id, account_owner.c.since)
    )
    found: dict[str, list[tuple[datetime, str | None]]] = defaultdict(list)
    for row in rows:
        found[row.account_id].append((row.since, row.owner))
    return found
