"""Runs of playbooks with their tasks, what started them, owners of accounts by date, and touches."""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from alerts.domain.conditions.dates import LastTouch
from alerts.domain.runs import Run, RunState, RunUnknown, Task, TaskState, TaskUnknown
from alerts.store.playbook_tables import account_owner, account_touch, playbook_version, run, run_cause, task

ENDING = ("state", "ended_at", "ended_by", "reason", "comment")
"""What changes of a run."""
MOVING = ("state", "due_on", "settled_at", "settled_by", "note", "reminded_at", "escalated_at")
"""What changes of a task."""

Shipped = Callable[[], Mapping[str, Mapping[str, Any]]]


class RunStore:
    """Runs, within one transaction. The accounts' rows are locked by the caller."""

    def __init__(self, connection: AsyncConnection, shipped: Shipped) -> None:
        """`shipped` gives the playbooks that come with Mainstay, as they are written."""
        self._connection = connection
        self._shipped = shipped

    async def get(self, run_id: str) -> Run:
        """One run. Raises `RunUnknown`."""
        found = await self._runs(run.c.id == run_id)
        if not found:
            raise RunUnknown(run_id)
        return found[0]

    async def run_of(self, task_id: str) -> str:
        """Of which run a task is. Raises `TaskUnknown`."""
        found = await self._connection.scalar(select(task.c.run_id).where(task.c.id == task_id))
        if found is None:
            raise TaskUnknown(task_id)
        return str(found)

    async def settled(self, task_ids: Collection[str]) -> frozenset[str]:
        """Those of the tasks for which nothing is to be done any more."""
        still = [TaskState.WAITING, TaskState.OPEN]
        rows = await self._connection.execute(
            select(task.c.id).where(task.c.id == func.any(sorted(task_ids)), task.c.state.not_in(still))
        )
        return frozenset(rows.scalars())

    async def open_of(self, account_ids: Collection[str]) -> Sequence[Run]:
        """The runs of accounts that go on, the oldest first."""
        return await self._runs(run.c.account_id == func.any(sorted(account_ids)), run.c.state == RunState.OPEN)

    async def causes(self, account_ids: Collection[str]) -> frozenset[tuple[str, str, str]]:
        """What has started, or joined, a run: (account, playbook, cause)."""
        rows = await self._connection.execute(
            select(run_cause.c.account_id, run_cause.c.playbook, run_cause.c.cause).where(
                run_cause.c.account_id == func.any(sorted(account_ids))
            )
        )
        return frozenset((row.account_id, row.playbook, row.cause) for row in rows)

    async def keep_cause(self, account_id: str, playbook: str, cause: str, run_id: str, at: datetime) -> None:
        """From now on this starts nothing more."""
        await self._connection.execute(
            insert(run_cause)
            .values(account_id=account_id, playbook=playbook, cause=cause, run_id=run_id, heard_at=at)
            .on_conflict_do_nothing()
        )

    async def document_of(self, playbook: str, version: int) -> Mapping[str, Any]:
        """A version as it is written."""
        body = await self._connection.scalar(
            select(playbook_version.c.body).where(
                playbook_version.c.id == playbook, playbook_version.c.version == version
            )
        )
        found: Mapping[str, Any] = body if body is not None else self._shipped()[playbook]
        return found

    async def save(self, one: Run) -> None:
        """Store a run and its tasks as they are now."""
        values = {name: value for name, value in asdict(one).items() if name != "tasks"}
        statement = insert(run).values(values)
        await self._connection.execute(
            statement.on_conflict_do_update(
                index_elements=[run.c.id],
                set_={
                    name: statement.excluded[name] for name in ("state", "ended_at", "ended_by", "reason", "comment")
                },
            )
        )
        upsert = insert(task)
        await self._connection.execute(
            upsert.on_conflict_do_update(
                index_elements=[task.c.id],
                set_={name: upsert.excluded[name] for name in MOVING},
            ),
            [
                {**asdict(each), "run_id": one.id, "account_id": one.account_id, "number": number}
                for number, each in enumerate(one.tasks)
            ],
        )

    async def keep_owners(self, owners: Sequence[tuple[str, datetime, str | None]]) -> None:
        """Whose accounts are from instants on: (account, instant, owner)."""
        rows = [{"account_id": account_id, "since": since, "owner": owner} for account_id, since, owner in owners]
        if rows:
            statement = insert(account_owner)
            await self._connection.execute(
                statement.on_conflict_do_update(
                    index_elements=[account_owner.c.account_id, account_owner.c.since],
                    set_={"owner": statement.excluded.owner},
                ),
                rows,
            )

    async def begin_with(self, owners: Mapping[str, str]) -> None:
        """Runs that began when nobody was known to have the account count for its owner; `owners` is by account."""
        if owners:
            await self._connection.execute(
                text(
                    f"UPDATE {run} r SET owner = o.owner"
                    " FROM unnest(CAST(:accounts AS text[]), CAST(:owners AS text[])) AS o (account_id, owner)"
                    " WHERE r.account_id = o.account_id AND r.owner IS NULL"
                ),
                {"accounts": list(owners), "owners": list(owners.values())},
            )

    async def keep_touches(self, touches: Mapping[str, LastTouch]) -> None:
        """When accounts were touched last, and by when the next step is promised."""
        rows = [
            {"account_id": account_id, "touched_at": touch.at, "next_due_on": touch.next_due_on}
            for account_id, touch in sorted(touches.items())
        ]
        if rows:
            statement = insert(account_touch)
            await self._connection.execute(
                statement.on_conflict_do_update(
                    index_elements=[account_touch.c.account_id],
                    set_={name: statement.excluded[name] for name in ("touched_at", "next_due_on")},
                ),
                rows,
            )

    async def _runs(self, *where: Any) -> Sequence[Run]:
        rows = (await self._connection.execute(select(run).where(*where).order_by(run.c.started_at, run.c.id))).all()
        tasks = await self._connection.execute(
            select(task).where(task.c.run_id == func.any([row.id for row in rows])).order_by(task.c.number)
        )
        return to_runs(rows, tasks.all())


def to_runs(rows: Sequence[Row[Any]], tasks: Sequence[Row[Any]]) -> Sequence[Run]:
    """The runs in rows, with the tasks in others."""
    of: dict[str, list[Task]] = defaultdict(list)
    for row in tasks:
        of[row.run_id].append(to_task(row))
    fields = [column.name for column in run.c if column.name != "state"]
    return [
        Run(**{name: getattr(row, name) for name in fields}, state=RunState(row.state), tasks=tuple(of[row.id]))
        for row in rows
    ]


def to_task(row: Row[Any]) -> Task:
    """The task in a row."""
    return Task(
        id=row.id,
        step=row.step,
        state=TaskState(row.state),
        due_on=row.due_on,
        settled_at=row.settled_at,
        settled_by=row.settled_by,
        note=row.note,
        reminded_at=row.reminded_at,
        escalated_at=row.escalated_at,
    )
