"""Runs as people see them: with the playbook that they froze, and whoever has each task now."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from alerts.application.directory import DirectoryInForce
from alerts.application.playbooks import PlaybooksInForce
from alerts.application.ports import OpenWork
from alerts.application.reading import After
from alerts.application.task_telling import assignee
from alerts.application.work_reading import RunOnRecord, RunQuery, TaskOnRecord
from alerts.domain.accounts import Account
from alerts.domain.people import Directory
from alerts.domain.runs import Run, RunUnknown


class RunPages(Protocol):
    """Pages of runs."""

    async def runs(self, query: RunQuery, *, limit: int, after: After | None) -> Sequence[Run]:
        """A page of runs, the one that began last first."""

    async def run(self, run_id: str) -> Run:
        """One run. Raises `RunUnknown`."""


class ReadRuns:
    """Answers questions about runs."""

    def __init__(
        self, open_work: OpenWork, pages: RunPages, playbooks: PlaybooksInForce, directory: DirectoryInForce
    ) -> None:
        self._open = open_work
        self._pages = pages
        self._playbooks = playbooks
        self._directory = directory

    async def run(self, run_id: str, now: datetime) -> RunOnRecord:
        """One run. Raises `RunUnknown`."""
        found = await self._seen([await self._pages.run(run_id)], now)
        if not found:
            raise RunUnknown(run_id)
        return found[0]

    async def runs(self, query: RunQuery, now: datetime, *, limit: int, after: After | None) -> Sequence[RunOnRecord]:
        """A page of runs, the one that began last first."""
        return await self._seen(await self._pages.runs(query, limit=limit, after=after), now)

    async def _seen(self, runs: Sequence[Run], now: datetime) -> Sequence[RunOnRecord]:
        async with self._open() as work:
            accounts = await work.accounts.known({run.account_id for run in runs})
            directory = await self._directory(work)
        found = (self._on_record(run, accounts.get(run.account_id), directory, now) for run in runs)
        return [each for each in found if each is not None]

    def _on_record(self, run: Run, account: Account | None, directory: Directory, now: datetime) -> RunOnRecord | None:
        playbook = self._playbooks.readable(run.playbook, run.version, run.document)
        if playbook is None:
            return None
        of = account or Account(run.account_id)
        tasks = [
            TaskOnRecord(task, step, run.id, run.account_id, assignee(step.role, of, directory, now))
            for task, step in zip(run.tasks, playbook.steps, strict=True)
        ]
        return RunOnRecord(run, playbook, tasks)
