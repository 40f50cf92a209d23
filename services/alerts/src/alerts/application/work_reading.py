"""What may be read of runs, tasks and cases: the questions, and who answers them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from alerts.application.reading import After
from alerts.domain.playbooks import Playbook, Step
from alerts.domain.runs import Run, RunState, Task


@dataclass(frozen=True, slots=True)
class RunQuery:
    """Which runs are asked for; None, or none: any."""

    account_id: str | None = None
    playbook: str | None = None
    states: frozenset[RunState] = frozenset()


@dataclass(frozen=True, slots=True)
class TaskOnRecord:
    """A task, what it is about, and who has it at the instant of the question."""

    task: Task
    step: Step
    run_id: str
    account_id: str
    assignee: str | None


@dataclass(frozen=True, slots=True)
class RunOnRecord:
    """A run with its playbook as it was frozen, and its tasks."""

    run: Run
    playbook: Playbook
    tasks: Sequence[TaskOnRecord]


class WorkReading(Protocol):
    """Answers questions about runs outside any handler's transaction."""

    async def run(self, run_id: str, now: datetime) -> RunOnRecord:
        """One run. Raises `RunUnknown`."""

    async def runs(self, query: RunQuery, now: datetime, *, limit: int, after: After | None) -> Sequence[RunOnRecord]:
        """A page of runs, the one that began last first."""
