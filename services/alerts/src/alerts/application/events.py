"""What alerts says to the log, in its contract's shapes."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from alerts.application.wording import text_of, title_of
from alerts.domain.accounts import Account
from alerts.domain.alerts import Change, Step
from alerts.domain.playbooks import Playbook, StateFact
from alerts.domain.rules import Rulebook
from alerts.domain.runs import Run, Task
from mainstay.contracts.alerts import (
    AlertAcknowledged,
    AlertOpened,
    AlertResolved,
    DeliveryFailed,
    FactStated,
    PlaybookEnded,
    PlaybookStarted,
    TaskDone,
)
from mainstay.contracts.envelope import Event, encode
from mainstay.kernel.clock import day_of
from mainstay.kernel.ids import new_id
from mainstay.messaging.port import Outgoing

SOURCE = "mainstay/alerts"


def said_of(
    change: Change, account: Account, rulebook: Rulebook, now: datetime, traceparent: str | None = None
) -> list[Outgoing]:
    """The records for an alert's transitions, in their order."""
    alert, records = change.alert, []
    for transition in change.transitions:
        match transition.step:
            case Step.OPENED:
                rule = rulebook.named(alert.rule)
                words = (title_of(alert, account, rule), text_of(alert, account, rule))
                data: Any = AlertOpened(
                    account_id=alert.account_id,
                    alert_id=alert.id,
                    rule=alert.rule,
                    severity=alert.severity.value,
                    occurred_at=alert.opened_at,
                    reason=": ".join(word for word in words if word),
                    quiet=transition.quiet,
                    caused_by=(alert.opened_by,),
                )
            case Step.ACKNOWLEDGED:
                data = AlertAcknowledged(alert.account_id, alert.id, transition.occurred_at, transition.by or "")
            case Step.RESOLVED | Step.WITHDRAWN:
                data = AlertResolved(
                    alert.account_id, alert.id, transition.occurred_at, alert.reason or "", transition.by
                )
            case _:
                continue
        records.append(record_of(data, now, traceparent))
    return records


def started_run(run: Run, now: datetime) -> Outgoing:
    """The record for a run that begins."""
    data = PlaybookStarted(run.account_id, run.id, run.playbook, run.version, run.started_at, run.cause, run.started_by)
    return record_of(data, now)


def ended_run(run: Run, now: datetime) -> Outgoing:
    """The record for a run that has ended."""
    ended_at = run.ended_at or now
    data = PlaybookEnded(
        run.account_id, run.id, run.playbook, run.version, ended_at, run.state.value, run.ended_by or "", run.reason
    )
    return record_of(data, now)


def task_done(
    run: Run, playbook: Playbook, task: Task, assignee: str | None, zone: ZoneInfo, now: datetime
) -> Outgoing:
    """The record for a task that is done, or skipped."""
    step, at = playbook.step(task.step), task.settled_at or now
    data = TaskDone(
        account_id=run.account_id,
        task_id=task.id,
        run_id=run.id,
        playbook=run.playbook,
        version=run.version,
        step=task.step,
        title=step.title.en,
        role=step.role,
        outcome=task.state.value,
        occurred_at=at,
        by=task.settled_by or "",
        assignee=assignee,
        due_on=task.due_on,
        is_late=task.due_on is not None and day_of(at, zone) > task.due_on,
        note=task.note,
    )
    return record_of(data, now)


def fact_stated(run: Run, task: Task, fact: StateFact, zone: ZoneInfo, now: datetime) -> Outgoing:
    """The record for a fact that a playbook states."""
    said = msgspec.Raw(msgspec.json.encode(fact.stated(task.id, day_of(now, zone))))
    data = FactStated(run.account_id, now, fact.kind, said, run.id, run.playbook, run.version, task.step)
    return record_of(data, now)


def delivery_failed(
    account_id: str, alert_id: str, delivery_id: str, channel_id: str, reason: str, now: datetime
) -> Outgoing:
    """The record for a delivery that is given up."""
    return record_of(DeliveryFailed(account_id, alert_id, delivery_id, channel_id, now, reason), now)


def record_of(data: Any, now: datetime, traceparent: str | None = None) -> Outgoing:
    """An event of this service, ready for the outbox."""
    return encode(Event(new_id(now), SOURCE, now, data, traceparent))
