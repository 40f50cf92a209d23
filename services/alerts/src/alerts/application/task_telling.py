"""Telling people of tasks: that one is overdue, that somebody else's is, or what a playbook has to say."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import uuid5

import structlog

from alerts.application.delivery_ports import Delivery, Notification
from alerts.application.directory import DirectoryInForce
from alerts.application.ports import Work
from alerts.application.routing import way_to
from alerts.domain.accounts import Account
from alerts.domain.channels import Channel
from alerts.domain.deliveries import NOTIFICATIONS, DeliveryState, delivery_id
from alerts.domain.people import CSM, Directory, Via, Why, resolve, standing_in
from alerts.domain.playbooks import MANAGER, Playbook, TellRole
from alerts.domain.runs import Run, Task
from alerts.domain.task_messages import ESCALATED, MESSAGE, OVERDUE, severity_of
from alerts.domain.texts import Text
from alerts.domain.words import Language

_log = structlog.get_logger(__name__)


class TellTasks:
    """Finds whoever has a role now, leave and deputies resolved, and writes down what they are to hear."""

    def __init__(self, directory: DirectoryInForce) -> None:
        self._directory = directory

    async def assignee(self, work: Work, role: str, account: Account, now: datetime) -> str | None:
        """Who has a role at an account now."""
        return assignee(role, account, await self._directory(work), now)

    async def overdue(
        self, work: Work, account: Account, run: Run, playbook: Playbook, task: Task, now: datetime
    ) -> None:
        """Whoever has a task hears that it is overdue."""
        whom = await self.assignee(work, playbook.step(task.step).role, account, now)
        await self._tell(work, OVERDUE, account, run, playbook, task, whom, {"assignee": whom}, now)

    async def escalated(
        self, work: Work, account: Account, run: Run, playbook: Playbook, task: Task, now: datetime
    ) -> None:
        """The manager of whoever has a task hears that it is overdue."""
        directory = await self._directory(work)
        whom = assignee(playbook.step(task.step).role, account, directory, now)
        manager = _manager_of(whom, directory, now)
        await self._tell(work, ESCALATED, account, run, playbook, task, manager, {"assignee": whom}, now)

    async def message(
        self, work: Work, account: Account, run: Run, playbook: Playbook, task: Task, told: TellRole, now: datetime
    ) -> None:
        """Whoever has a role hears what the playbook has to say."""
        whom = await self.assignee(work, told.role, account, now)
        about = {"assignee": whom, "text": _by_language(told.text)}
        await self._tell(work, MESSAGE, account, run, playbook, task, whom, about, now)

    async def _tell(
        self,
        work: Work,
        kind: str,
        account: Account,
        run: Run,
        playbook: Playbook,
        task: Task,
        whom: str | None,
        more: Mapping[str, Any],
        now: datetime,
    ) -> None:
        step = playbook.step(task.step)
        about = {
            "run_id": run.id,
            "task_id": task.id,
            "category": playbook.category.value,
            "playbook": _by_language(playbook.name),
            "title": _by_language(step.title),
            "guidance": _by_language(step.guidance) if step.guidance else None,
            "due_on": task.due_on.isoformat() if task.due_on else None,
            **more,
        }
        notification = Notification(
            str(uuid5(NOTIFICATIONS, f"{task.id}\n{kind}")), kind, now, account_id=account.id, about=about
        )
        ways = await self._ways(work, kind, account, playbook, whom)
        if not ways:
            _log.warning("nobody can be told of a task", task=task.id, account=account.id, kind=kind, person=whom)
        deliveries = [
            Delivery(
                id=delivery_id(notification.id, channel.id, person_id),
                notification_id=notification.id,
                channel_id=channel.id,
                state=DeliveryState.PENDING,
                created_at=now,
                next_attempt_at=now,
                person_id=person_id,
            )
            for channel, person_id in ways
        ]
        await work.deliveries.add([notification], deliveries)

    async def _ways(
        self, work: Work, kind: str, account: Account, playbook: Playbook, whom: str | None
    ) -> Sequence[tuple[Channel, str | None]]:
        """The person's own way.

        Without one, a reminder goes to the channels that take such things of the account's owner. What is for a manager
        or another role alone goes nowhere else: the channel of everybody is no place for it.
        """
        person = (await self._directory(work)).people.get(whom or "")
        if person is not None:
            channel = way_to(person, await work.channels.usable())
            if channel is not None:
                return [(channel, person.id)]
        if kind != OVERDUE:
            return []
        return [
            (channel, None)
            for channel in await work.channels.active()
            if channel.filter.takes(playbook.category, severity_of(kind)) and channel.filter.takes_owner(account.owner)
        ]


def assignee(role: str, account: Account, directory: Directory, now: datetime) -> str | None:
    """Who has a role at an account at an instant, or stands in; `manager` is the manager of whoever is its CSM."""
    if role != MANAGER:
        return resolve(role, account, directory.people, now).person_id
    first = next(iter(resolve(CSM, account, directory.people, now).through), None)
    return _manager_of(first.person_id if first else None, directory, now)


def _manager_of(person_id: str | None, directory: Directory, now: datetime) -> str | None:
    person = directory.people.get(person_id or "")
    if person is None or person.manager is None:
        return None
    return standing_in(Via(person.manager, Why.MANAGER, person.id), directory.people, now).person_id


def _by_language(text: Text) -> Mapping[str, str]:
    return {language.value: text.in_(language) for language in Language}
