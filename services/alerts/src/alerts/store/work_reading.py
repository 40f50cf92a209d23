"""What the API shows of runs and cases, outside any handler's transaction."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, func, select, tuple_

from alerts.application.reading import After
from alerts.application.work_reading import RunQuery
from alerts.domain.runs import Run, RunUnknown
from alerts.store.playbook_tables import run, task
from alerts.store.runs import to_runs
from mainstay.db.engine import Database


class StoredRuns:
    """Reads runs; newest first."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def run(self, run_id: str) -> Run:
        """One run. Raises `RunUnknown`."""
        found = await self._runs(select(run).where(run.c.id == run_id))
        if not found:
            raise RunUnknown(run_id)
        return found[0]

    async def runs(self, query: RunQuery, *, limit: int, after: After | None) -> Sequence[Run]:
        """A page of runs, the one that began last first."""
        statement = select(run).order_by(run.c.started_at.desc(), run.c.id.desc()).limit(limit)
        if query.account_id is not None:
            statement = statement.where(run.c.account_id == query.account_id)
        if query.playbook is not None:
            statement = statement.where(run.c.playbook == query.playbook)
        if query.states:
            statement = statement.where(run.c.state.in_(query.states))
        if after is not None:
            statement = statement.where(tuple_(run.c.started_at, run.c.id) < after)
        return await self._runs(statement)

    async def _runs(self, statement: Select[Any]) -> Sequence[Run]:
        async with self._database.engine.connect() as connection:
            rows = (await connection.execute(statement)).all()
            tasks = await connection.execute(
                select(task).where(task.c.run_id == func.any([row.id for row in rows])).order_by(task.c.number)
            )
            return to_runs(rows, tasks.all())
