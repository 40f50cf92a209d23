"""What goes in and out over HTTP about who was told, or was not, and about escalations."""

from datetime import datetime
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from alerts.api.handlers import Instant
from alerts.application.people_ports import Escalation, MuteOnRecord
from alerts.application.people_reading import EscalationOnRecord, Told
from alerts.domain.deliveries import DeliveryState


class SnoozeBody(BaseModel):
    """Until when nobody is told of an alert."""

    model_config = ConfigDict(extra="forbid")

    until: Instant
    comment: str | None = Field(default=None, max_length=2_000)


class MuteView(BaseModel):
    """Why somebody was not told, or not yet: `snooze`, `silence`, `inhibition`, `quiet-hours`, `budget` or the like."""

    why: str
    detail: str
    since: datetime
    until: datetime | None

    @classmethod
    def of(cls, mute: MuteOnRecord) -> Self:
        """The view of a mute."""
        return cls(why=mute.why, detail=mute.detail, since=mute.since, until=mute.until)


class ToldView(BaseModel):
    """One message about an alert on its way to a channel, or to somebody there; with all for which it had to wait."""

    delivery_id: str
    kind: str
    channel_id: str
    channel: str
    person_id: str | None
    through: str | None = Field(description="Why it is for them")
    state: DeliveryState
    muted_by: str | None = Field(description="Why it waits now, or was not sent")
    next_attempt_at: datetime | None
    delivered_at: datetime | None
    digest_id: str | None
    reason: str | None = Field(description="Why nothing was sent, or why the last attempt failed")
    muted: list[MuteView]

    @classmethod
    def of(cls, told: Told) -> Self:
        """The view of a message."""
        delivery = told.delivery
        return cls(
            delivery_id=delivery.id,
            kind=told.kind,
            channel_id=delivery.channel_id,
            channel=told.channel_name,
            person_id=delivery.person_id,
            through=delivery.through,
            state=delivery.state,
            muted_by=delivery.muted_by,
            next_attempt_at=delivery.next_attempt_at,
            delivered_at=delivery.delivered_at,
            digest_id=delivery.digest_id,
            reason=delivery.error,
            muted=[MuteView.of(each) for each in told.muted],
        )


class StepTakenView(BaseModel):
    """One step of an escalation as it was taken."""

    step: int
    due_at: datetime
    taken_at: datetime
    told: list[str]


class EscalationView(BaseModel):
    """The escalation of an alert: what comes next, when, and what was done."""

    alert_id: str
    account_id: str
    step: int = Field(description="How many steps were taken")
    steps: int
    due_at: datetime | None = Field(description="When the next step is due")
    ended_at: datetime | None
    ended_because: str | None
    taken: list[StepTakenView] = []

    @classmethod
    def of(cls, escalation: Escalation) -> Self:
        """The view of an escalation without its steps."""
        return cls(
            alert_id=escalation.alert_id,
            account_id=escalation.account_id,
            step=escalation.step,
            steps=len(escalation.steps),
            due_at=escalation.due_at,
            ended_at=escalation.ended_at,
            ended_because=escalation.ended_because,
        )

    @classmethod
    def seen(cls, record: EscalationOnRecord) -> Self:
        """The view of an escalation with its steps."""
        taken = [
            StepTakenView(step=each.step, due_at=each.due_at, taken_at=each.taken_at, told=list(each.told))
            for each in record.taken
        ]
        return cls.of(record.escalation).model_copy(update={"taken": taken})
