"""What goes in and out over HTTP about playbooks, runs and tasks."""

from datetime import date, datetime
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from alerts.api.rules import DifferenceView
from alerts.application.documents import DocumentVersion
from alerts.application.work_reading import RunOnRecord, TaskOnRecord
from alerts.domain.playbooks import Playbook, RiskReason
from alerts.domain.runs import RunState, TaskState
from alerts.domain.words import Category

Said = Annotated[str | None, Field(default=None, min_length=1, max_length=2_000)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class PlaybookBody(_Body):
    """A playbook to save, and why."""

    playbook: dict[str, Any] = Field(description="The playbook, with the members of a shipped one; `version` is given")
    reason: Said


class StartBody(_Body):
    """For which account a playbook is to start."""

    account_id: str = Field(min_length=1, max_length=200)


class EndBody(_Body):
    """How a run ended, and why."""

    outcome: Literal["won", "lost", "abandoned"]
    reason: RiskReason | None = Field(default=None, description="What it was about; needed where it is lost")
    comment: Said

    @model_validator(mode="after")
    def _a_loss_has_a_reason(self) -> Self:
        if self.outcome == "lost" and self.reason is None:
            raise ValueError("say why it is lost: a reason")
        return self


class TaskBody(_Body):
    """What is to be known about a task that was settled, or opened again."""

    note: Said


class PlaybookView(BaseModel):
    """A playbook, as it is in force or switched off."""

    id: str
    version: int
    enabled: bool
    name: str
    description: str | None
    category: Category
    steps: int
    triggers: int

    @classmethod
    def of(cls, playbook: Playbook) -> Self:
        """The view of a playbook."""
        return cls(
            id=playbook.id,
            version=playbook.version,
            enabled=playbook.enabled,
            name=playbook.name.en,
            description=playbook.description.en if playbook.description else None,
            category=playbook.category,
            steps=len(playbook.steps),
            triggers=len(playbook.triggers),
        )


class PlaybookVersionView(BaseModel):
    """A version of a playbook; without `saved_at` it came with Mainstay. `changes` is null for the first."""

    id: str
    version: int
    saved_at: datetime | None
    saved_by: str | None
    reason: str | None
    playbook: dict[str, Any]
    changes: list[DifferenceView] | None = None

    @classmethod
    def of(cls, version: DocumentVersion) -> Self:
        """The view of a version."""
        return cls(
            id=version.id,
            version=version.version,
            saved_at=version.saved_at,
            saved_by=version.saved_by,
            reason=version.reason,
            playbook=dict(version.body),
        )


class TaskView(BaseModel):
    """A task of a run, and who has it now."""

    id: str
    run_id: str
    account_id: str
    step: str
    title: str
    guidance: str | None
    role: str
    assignee: str | None = Field(description="Who has the role now, leave and deputies resolved; null: nobody")
    state: TaskState
    due_on: date | None = Field(description="The last day in time, in the account's zone; null: a step before is open")
    settled_at: datetime | None
    settled_by: str | None
    note: str | None
    reminded_at: datetime | None
    escalated_at: datetime | None

    @classmethod
    def of(cls, seen: TaskOnRecord) -> Self:
        """The view of a task."""
        task, step = seen.task, seen.step
        return cls(
            id=task.id,
            run_id=seen.run_id,
            account_id=seen.account_id,
            step=task.step,
            title=step.title.en,
            guidance=step.guidance.en if step.guidance else None,
            role=step.role,
            assignee=seen.assignee,
            state=task.state,
            due_on=task.due_on,
            settled_at=task.settled_at,
            settled_by=task.settled_by,
            note=task.note,
            reminded_at=task.reminded_at,
            escalated_at=task.escalated_at,
        )


class RunView(BaseModel):
    """A run of a playbook for an account."""

    id: str
    account_id: str
    playbook: str
    version: int
    name: str
    cause: str = Field(description="What started it: `alert:<id>`, `stage:…`, `date:…`, `window:…`, `handover:…`, …")
    started_at: datetime
    started_by: str
    owner: str | None = Field(description="Whose the account was when it began")
    state: RunState
    ended_at: datetime | None
    ended_by: str | None
    reason: RiskReason | None
    comment: str | None
    tasks: list[TaskView]

    @classmethod
    def of(cls, seen: RunOnRecord) -> Self:
        """The view of a run."""
        run = seen.run
        return cls(
            id=run.id,
            account_id=run.account_id,
            playbook=run.playbook,
            version=run.version,
            name=seen.playbook.name.en,
            cause=run.cause,
            started_at=run.started_at,
            started_by=run.started_by,
            owner=run.owner,
            state=run.state,
            ended_at=run.ended_at,
            ended_by=run.ended_by,
            reason=RiskReason(run.reason) if run.reason else None,
            comment=run.comment,
            tasks=[TaskView.of(each) for each in seen.tasks],
        )
