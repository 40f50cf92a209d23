"""What goes in and out over HTTP about deliveries, their attempts and replays."""

from datetime import datetime
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from alerts.api.handlers import Instant
from alerts.application.delivery_ports import Attempt, Delivery
from alerts.application.reading import DeliveryOnRecord
from alerts.domain.deliveries import DeliveryState
from alerts.domain.replays import Replay, ReplayState, Wanted


class DeliveryView(BaseModel):
    """One notification on its way to one channel. `id` is what the destination sees, stable over retries."""

    id: str
    notification_id: str
    kind: str = Field(description="opened, resolved, escalated, returned, daily, weekly, test or channel-disabled")
    channel_id: str
    alert_id: str | None
    account_id: str | None
    person_id: str | None = Field(default=None, description="Whom of our people it is for")
    through: str | None = Field(default=None, description="Why it is for them")
    muted_by: str | None = Field(default=None, description="Why it waits, such as `quiet-hours` or `budget`")
    muted_why: str | None = None
    state: DeliveryState
    attempts: int
    next_attempt_at: datetime | None
    error: str | None = Field(description="Why the last attempt failed, or why nothing was sent")
    digest_id: str | None = Field(description="The digest that it was sent in, where more came than may be sent singly")
    created_at: datetime
    delivered_at: datetime | None

    @classmethod
    def of(cls, record: DeliveryOnRecord) -> Self:
        """The view of a delivery."""
        return cls.about(record.delivery, record.kind, record.alert_id, record.account_id)

    @classmethod
    def about(cls, delivery: Delivery, kind: str, alert_id: str | None = None, account_id: str | None = None) -> Self:
        """The view of a delivery whose notification is known."""
        return cls(
            id=delivery.id,
            notification_id=delivery.notification_id,
            kind=kind,
            channel_id=delivery.channel_id,
            alert_id=alert_id,
            account_id=account_id,
            person_id=delivery.person_id,
            through=delivery.through,
            muted_by=delivery.muted_by,
            muted_why=delivery.muted_why,
            state=delivery.state,
            attempts=delivery.attempts,
            next_attempt_at=delivery.next_attempt_at,
            error=delivery.error,
            digest_id=delivery.digest_id,
            created_at=delivery.created_at,
            delivered_at=delivery.delivered_at,
        )


class AttemptView(BaseModel):
    """One attempt. Without an `outcome` it is under way, or its process died and nobody knows what came of it."""

    number: int
    started_at: datetime
    took_ms: int | None
    outcome: str | None = Field(description="delivered or failed")
    status: int | None = Field(description="What the destination answered: a status of HTTP, or SMTP's code")
    answer: str | None = Field(description="The first 500 bytes of its answer, without the channel's secrets")
    error: str | None
    digest_id: str | None

    @classmethod
    def of(cls, attempt: Attempt) -> Self:
        """The view of an attempt."""
        return cls(
            number=attempt.number,
            started_at=attempt.started_at,
            took_ms=attempt.took_ms,
            outcome=attempt.outcome,
            status=attempt.status,
            answer=attempt.answer,
            error=attempt.error,
            digest_id=attempt.digest_id,
        )


class DeliveryWithAttempts(DeliveryView):
    """A delivery with every attempt made, the first one first."""

    attempts_made: list[AttemptView] = []


class NewReplay(BaseModel):
    """Which given-up deliveries to send again; members left out: any. At least one is needed."""

    model_config = ConfigDict(extra="forbid")

    channel_id: str | None = Field(default=None, min_length=1, max_length=200)
    account_id: str | None = Field(default=None, min_length=1, max_length=200)
    alert_id: str | None = Field(default=None, min_length=1, max_length=200)
    since: Instant | None = Field(default=None, description="Made at this instant or later")
    until: Instant | None = Field(default=None, description="Made before this instant")

    @model_validator(mode="after")
    def _something_is_said(self) -> Self:
        if all(getattr(self, name) is None for name in type(self).model_fields):
            raise ValueError("say which deliveries: a channel, an account, an alert, or a time range")
        if self.since is not None and self.until is not None and self.since >= self.until:
            raise ValueError("since lies before until")
        return self

    @property
    def wanted(self) -> Wanted:
        """What is asked for."""
        return Wanted(self.channel_id, self.account_id, self.alert_id, self.since, self.until)


class WantedView(BaseModel):
    """Which given-up deliveries a replay is about."""

    channel_id: str | None
    account_id: str | None
    alert_id: str | None
    since: datetime | None
    until: datetime | None


class ReplayView(BaseModel):
    """A replay and how far it is."""

    id: str
    state: ReplayState
    wanted: WantedView
    total: int = Field(description="Given up and wanted when it began")
    replayed: int = Field(description="Wait to be sent again, or were")
    passed_over: int = Field(description="Stay given up: their channel is switched off or deleted")
    created_at: datetime
    created_by: str
    finished_at: datetime | None

    @classmethod
    def of(cls, replay: Replay) -> Self:
        """The view of a replay."""
        wanted = replay.wanted
        return cls(
            id=replay.id,
            state=replay.state,
            wanted=WantedView(
                channel_id=wanted.channel_id,
                account_id=wanted.account_id,
                alert_id=wanted.alert_id,
                since=wanted.since,
                until=wanted.until,
            ),
            total=replay.total,
            replayed=replay.replayed,
            passed_over=replay.passed_over,
            created_at=replay.created_at,
            created_by=replay.created_by,
            finished_at=replay.finished_at,
        )
