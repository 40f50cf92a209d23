"""What alerts says: alerts and what became of them, playbooks and their tasks, and deliveries that failed for good."""

from datetime import date, datetime
from typing import ClassVar

import msgspec

from mainstay.contracts.topics import ALERT_EVENTS
from mainstay.messaging.port import Topic


class AlertOpened(msgspec.Struct, frozen=True, omit_defaults=True):
    """An alert opened. `quiet` says that it lay too far in the past to tell anybody."""

    TYPE: ClassVar[str] = "mainstay.alert.opened.v1"
    TOPIC: ClassVar[Topic] = ALERT_EVENTS

    account_id: str
    alert_id: str
    rule: str
    severity: str
    occurred_at: datetime
    reason: str
    quiet: bool = False
    caused_by: tuple[str, ...] = ()


class AlertAcknowledged(msgspec.Struct, frozen=True, omit_defaults=True):
    """Somebody took an alert on."""

    TYPE: ClassVar[str] = "mainstay.alert.acknowledged.v1"
    TOPIC: ClassVar[Topic] = ALERT_EVENTS

    account_id: str
    alert_id: str
    occurred_at: datetime
    by: str


class AlertResolved(msgspec.Struct, frozen=True, omit_defaults=True):
    """An alert came to its end: `by` a person, or null when its condition passed."""

    TYPE: ClassVar[str] = "mainstay.alert.resolved.v1"
    TOPIC: ClassVar[Topic] = ALERT_EVENTS

    account_id: str
    alert_id: str
    occurred_at: datetime
    reason: str
    by: str | None = None


class DeliveryFailed(msgspec.Struct, frozen=True, omit_defaults=True):
    """A notification could not be delivered, and will not be tried again."""

    TYPE: ClassVar[str] = "mainstay.alert.delivery_failed.v1"
    TOPIC: ClassVar[Topic] = ALERT_EVENTS

    account_id: str
    alert_id: str
    delivery_id: str
    channel_id: str
    occurred_at: datetime
    reason: str


class PlaybookStarted(msgspec.Struct, frozen=True, omit_defaults=True):
    """A playbook began for an account. `cause` names what started it, such as `alert:<id>` or `by-hand:<id>`."""

    TYPE: ClassVar[str] = "mainstay.playbook.started.v1"
    TOPIC: ClassVar[Topic] = ALERT_EVENTS

    account_id: str
    run_id: str
    playbook: str
    version: int
    occurred_at: datetime
    cause: str
    by: str


class PlaybookEnded(msgspec.Struct, frozen=True, omit_defaults=True):
    """A run of a playbook ended: `outcome` is `won`, `lost` or `abandoned`, `reason` one of the risk reasons."""

    TYPE: ClassVar[str] = "mainstay.playbook.ended.v1"
    TOPIC: ClassVar[Topic] = ALERT_EVENTS

    account_id: str
    run_id: str
    playbook: str
    version: int
    occurred_at: datetime
    outcome: str
    by: str
    reason: str | None = None


class TaskDone(msgspec.Struct, frozen=True, omit_defaults=True):
    """A task of a playbook was settled: `outcome` is `done` or `skipped`. `mainstay` does automatic actions.

    `due_on` was the last day in time, in the account's zone. `assignee` had the task's role at that instant.
    """

    TYPE: ClassVar[str] = "mainstay.task.done.v1"
    TOPIC: ClassVar[Topic] = ALERT_EVENTS

    account_id: str
    task_id: str
    run_id: str
    playbook: str
    version: int
    step: str
    title: str
    role: str
    outcome: str
    occurred_at: datetime
    by: str
    assignee: str | None = None
    due_on: date | None = None
    is_late: bool = False
    note: str | None = None


class FactStated(msgspec.Struct, frozen=True, omit_defaults=True):
    """A playbook states a fact about an account: health-score takes it in like one of ingest's.

    `kind` is that of the fact (`account` for `mainstay.customer.account.v1`), `fact` its members without account and
    instant.
    """

    TYPE: ClassVar[str] = "mainstay.playbook.fact_stated.v1"
    TOPIC: ClassVar[Topic] = ALERT_EVENTS

    account_id: str
    occurred_at: datetime
    kind: str
    fact: msgspec.Raw
    run_id: str
    playbook: str
    version: int
    step: str


class AccountReassigned(msgspec.Struct, frozen=True, omit_defaults=True):
    """Somebody gave an account to another owner, from `effective_on` on: health-score, whose record it is, obeys.

    `reassignment_id` is the same for all accounts that were moved together.
    """

    TYPE: ClassVar[str] = "mainstay.account.reassigned.v1"
    TOPIC: ClassVar[Topic] = ALERT_EVENTS

    account_id: str
    occurred_at: datetime
    owner: str
    effective_on: date
    reassignment_id: str
    by: str
    reason: str
    previous_owner: str | None = None


EVENTS = (
    AlertOpened,
    AlertAcknowledged,
    AlertResolved,
    DeliveryFailed,
    AccountReassigned,
    PlaybookStarted,
    PlaybookEnded,
    TaskDone,
    FactStated,
)
