"""Runs of playbooks: how tasks open, fall due, remind, and end; worked out from what is stored, for any instant.

`advance` is asked at events and by timers, and does what is due since it was asked last: asked twice, late, or by
another process it gives the same. It says when it wants to be asked again.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from alerts.domain.playbooks import Action, Playbook, Step, WhenDone
from alerts.domain.rules import Condition
from mainstay.kernel.clock import day_of, start_of_day

RUNS = UUID("b1f0b1f6-4f5c-5d0e-8f57-2a6c7d1e9b42")
"""The namespace of the ids of runs and tasks: what happened starts the same run wherever it is worked out."""

MORNING = timedelta(hours=9)
"""Reminders come in the morning of the account's day, not at midnight."""

MAINSTAY = "mainstay"
"""Who does automatic actions."""


class RunUnknown(LookupError):
    """There is no such run."""

    def __init__(self, run_id: str) -> None:
        super().__init__(f"there is no run {run_id}")


class TaskUnknown(LookupError):
    """There is no such task."""

    def __init__(self, task_id: str) -> None:
        super().__init__(f"there is no task {task_id}")


class RunEnded(ValueError):
    """The run is over; nothing of it changes any more."""

    def __init__(self, run_id: str, state: str) -> None:
        super().__init__(f"the run {run_id} has ended: {state}")


class TaskNotOpen(ValueError):
    """The task cannot be done, skipped or opened again as it stands."""

    def __init__(self, task_id: str, state: str, wanted: str) -> None:
        super().__init__(f"the task {task_id} is {state}, so it cannot be {wanted}")


class RunState(StrEnum):
    """How a run stands, or ended."""

    OPEN = "open"
    WON = "won"
    LOST = "lost"
    ABANDONED = "abandoned"


class TaskState(StrEnum):
    """How a task stands. `not-needed`: its condition was not true when its day came."""

    WAITING = "waiting"
    OPEN = "open"
    DONE = "done"
    SKIPPED = "skipped"
    NOT_NEEDED = "not-needed"
    CANCELLED = "cancelled"

    @property
    def is_settled(self) -> bool:
        """Whether nothing is to be done for it any more."""
        return self not in {TaskState.WAITING, TaskState.OPEN}


@dataclass(frozen=True, slots=True)
class Task:
    """One step of a run. `due_on` is its last day in time, in the account's zone; None: a step before is not done."""

    id: str
    step: str
    state: TaskState = TaskState.WAITING
    due_on: date | None = None
    settled_at: datetime | None = None
    settled_by: str | None = None
    note: str | None = None
    reminded_at: datetime | None = None
    escalated_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a playbook for an account; `cause` names what started it, `document` is the version as written."""

    id: str
    account_id: str
    playbook: str
    version: int
    document: Mapping[str, Any]
    cause: str
    started_at: datetime
    started_by: str
    owner: str | None = None
    """Whose the account was when it began: whom its figures count for."""
    state: RunState = RunState.OPEN
    ended_at: datetime | None = None
    ended_by: str | None = None
    reason: str | None = None
    comment: str | None = None
    tasks: tuple[Task, ...] = ()

    @property
    def is_open(self) -> bool:
        """Whether it goes on."""
        return self.state is RunState.OPEN

    def task(self, task_id: str) -> Task:
        """One task. Raises `TaskUnknown`."""
        for task in self.tasks:
            if task.id == task_id:
                return task
        raise TaskUnknown(task_id)

    def with_task(self, task: Task) -> "Run":
        """The run with a task as it is now."""
        return replace(self, tasks=tuple(task if each.id == task.id else each for each in self.tasks))


@dataclass(frozen=True, slots=True)
class Remind:
    """Whoever has the task is to be told that it is overdue."""

    task: Task


@dataclass(frozen=True, slots=True)
class Escalate:
    """The manager of whoever has the task is to be told."""

    task: Task


@dataclass(frozen=True, slots=True)
class Act:
    """An automatic action is to be done."""

    task: Task
    action: Action


@dataclass(frozen=True, slots=True)
class Settled:
    """A task is done, or skipped."""

    task: Task


@dataclass(frozen=True, slots=True)
class Ended:
    """The run came to its end."""


Effect = Remind | Escalate | Act | Settled | Ended


@dataclass(frozen=True, slots=True)
class Advance:
    """What became of a run, what is to be done for it, and when it changes by itself."""

    run: Run
    effects: tuple[Effect, ...] = ()
    again_at: datetime | None = None


def run_id(account_id: str, playbook: str, cause: str) -> str:
    """The id of the run that a happening starts."""
    return str(uuid5(RUNS, f"{account_id}\n{playbook}\n{cause}"))


def begin(
    playbook: Playbook,
    document: Mapping[str, Any],
    account_id: str,
    cause: str,
    *,
    at: datetime,
    by: str,
    owner: str | None,
) -> Run:
    """A run at its start, before anything of it is looked at."""
    identity = run_id(account_id, playbook.id, cause)
    tasks = tuple(Task(str(uuid5(RUNS, f"{identity}\n{step.key}")), step.key) for step in playbook.steps)
    return Run(identity, account_id, playbook.id, playbook.version, document, cause, at, by, owner, tasks=tasks)


@dataclass
class _Advancing:
    """A run while it is brought to an instant."""

    run: Run
    playbook: Playbook
    holds: Callable[[Condition], bool]
    zone: ZoneInfo
    now: datetime
    effects: list[Effect] = field(default_factory=list)
    later: list[datetime] = field(default_factory=list)

    def all_steps(self) -> None:
        moved = True
        while moved:  # a step that is settled may open the next
            moved = False
            for task, step in zip(self.run.tasks, self.playbook.steps, strict=True):
                if task.state is TaskState.WAITING:
                    after = self._opened(task, step)
                    moved |= after.state is not TaskState.WAITING
                    self.run = self.run.with_task(after)

    def _opened(self, task: Task, step: Step) -> Task:
        begins_on = self._begins_on(step)
        if begins_on is None:
            return task
        task = replace(task, due_on=step.due.after(begins_on))
        if not step.waits_for_its_day:
            return replace(task, state=TaskState.OPEN)
        day = start_of_day(task.due_on or begins_on, self.zone)
        if day > self.now:
            self.later.append(day)
            return task
        if step.condition is not None and not self.holds(step.condition):
            note = f"not true on its day: {step.condition.text}"
            return replace(task, state=TaskState.NOT_NEEDED, settled_at=self.now, settled_by=MAINSTAY, note=note)
        if step.action is None:
            return replace(task, state=TaskState.OPEN)
        done = replace(task, state=TaskState.DONE, settled_at=self.now, settled_by=MAINSTAY)
        self.effects += [Act(done, step.action), Settled(done)]
        return done

    def _begins_on(self, step: Step) -> date | None:
        if step.after is None:
            return day_of(self.run.started_at, self.zone)
        before = next(task for task in self.run.tasks if task.step == step.after)
        if not before.state.is_settled or before.settled_at is None:
            return None
        return day_of(before.settled_at, self.zone)

    def overdue(self) -> None:
        for task in self.run.tasks:
            if task.state is TaskState.OPEN and task.due_on is not None:
                self.run = self.run.with_task(self._reminded(task, task.due_on))

    def _reminded(self, task: Task, due_on: date) -> Task:
        if task.reminded_at is None and self._is_late(due_on, self.playbook.remind_after):
            task = replace(task, reminded_at=self.now)
            self.effects.append(Remind(task))
        if task.escalated_at is None and self._is_late(due_on, self.playbook.escalate_after):
            task = replace(task, escalated_at=self.now)
            self.effects.append(Escalate(task))
        return task

    def _is_late(self, due_on: date, by_days: int | None) -> bool:
        if by_days is None:
            return False
        at = start_of_day(due_on + timedelta(days=by_days), self.zone) + MORNING
        if at > self.now:
            self.later.append(at)
        return at <= self.now

    def finish(self) -> None:
        if self.playbook.when_done is WhenDone.WON and all(task.state.is_settled for task in self.run.tasks):
            self.run = replace(self.run, state=RunState.WON, ended_at=self.now, ended_by=MAINSTAY)
            self.effects.append(Ended())


def advance(run: Run, playbook: Playbook, holds: Callable[[Condition], bool], zone: ZoneInfo, now: datetime) -> Advance:
    """Bring a run to an instant. `holds` says whether a condition is true of the account now."""
    if not run.is_open:
        return Advance(run)
    going = _Advancing(run, playbook, holds, zone, now)
    going.all_steps()
    going.overdue()
    going.finish()
    return Advance(going.run, tuple(going.effects), min(going.later, default=None) if going.run.is_open else None)


def settle(
    run: Run, task_id: str, *, skip: bool, by: str, note: str | None, now: datetime
) -> tuple[Run, Sequence[Effect]]:
    """Somebody did a task, or skips it. Doing it again changes nothing.

    Raises `TaskUnknown`, `RunEnded`, and `TaskNotOpen` for one that waits for another, or that is not needed.
    """
    task = run.task(task_id)
    state = TaskState.SKIPPED if skip else TaskState.DONE
    if task.state is state:
        return run, ()
    _check_open(run)
    if task.state is not TaskState.OPEN:
        raise TaskNotOpen(task_id, task.state.value, state.value)
    task = replace(task, state=state, settled_at=now, settled_by=by, note=note)
    return run.with_task(task), (Settled(task),)


def reopen(run: Run, task_id: str, *, note: str | None) -> Run:
    """A task that was done or skipped is to be done after all. What came after it stays.

    Raises `TaskUnknown`, `RunEnded`, `TaskNotOpen`.
    """
    task = run.task(task_id)
    if task.state is TaskState.OPEN:
        return run
    _check_open(run)
    if task.state not in {TaskState.DONE, TaskState.SKIPPED} or task.settled_by == MAINSTAY:
        raise TaskNotOpen(task_id, task.state.value, "opened again")
    again = replace(task, state=TaskState.OPEN, settled_at=None, settled_by=None, note=note)
    return run.with_task(again)


def end(
    run: Run, state: RunState, *, by: str, reason: str | None, comment: str | None, now: datetime
) -> tuple[Run, Sequence[Effect]]:
    """Somebody says how a run ended. Saying the same again changes nothing. Raises `RunEnded`."""
    if run.state is state and run.reason == reason:
        return run, ()
    _check_open(run)
    tasks = tuple(_cancelled(run.tasks, by, now))
    ended = replace(run, state=state, ended_at=now, ended_by=by, reason=reason, comment=comment, tasks=tasks)
    return ended, (Ended(),)


def _cancelled(tasks: Sequence[Task], by: str, now: datetime) -> Iterator[Task]:
    for task in tasks:
        if task.state.is_settled:
            yield task
        else:
            yield replace(task, state=TaskState.CANCELLED, settled_at=now, settled_by=by)


def _check_open(run: Run) -> None:
    if not run.is_open:
        raise RunEnded(run.id, run.state.value)
