"""Digests: when one is due, what is on record is put together, and goes as one message to its reader."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Protocol
from uuid import uuid5

import structlog

from alerts.application.delivery_ports import Delivery, Notification
from alerts.application.directory import DirectoryInForce
from alerts.application.ports import Work
from alerts.application.routing import way_to
from alerts.application.rules import RulesInForce
from alerts.domain.calendars import PublicHolidays
from alerts.domain.deliveries import NOTIFICATIONS, DeliveryState, delivery_id
from alerts.domain.digests import AgendaItem, DigestKind, DigestText, Material, composed, next_digest
from alerts.domain.muting import Mute
from alerts.domain.people import Directory, Person
from alerts.domain.routing import QuietHours
from alerts.domain.vocabulary import Vocabulary
from alerts.domain.words import Language
from mainstay.kernel.clock import Clock

TOUCHES_WITHIN = timedelta(days=400)
"""Next steps that were promised longer ago are none any more."""

_log = structlog.get_logger(__name__)


class Agenda(Protocol):
    """The day's work of somebody: the top of the worklist, and tasks that are due."""

    async def of(self, work: Work, person: Person, today: date, language: Language, most: int) -> Sequence[AgendaItem]:
        """The most urgent lines, in the reader's language."""


class Digests:
    """Puts digests together as they come due, in a transaction that is open."""

    def __init__(
        self,
        directory: DirectoryInForce,
        rules: RulesInForce,
        words: Mapping[Language, Vocabulary],
        holidays: PublicHolidays,
        clock: Clock,
        agenda: Agenda | None = None,
    ) -> None:
        """Without an `agenda` digests have no worklist and no tasks."""
        self._directory = directory
        self._rules = rules
        self._words = words
        self._holidays = holidays
        self._clock = clock
        self._agenda = agenda

    async def plan(self, work: Work, person: Person) -> None:
        """Somebody was saved: their digests come when they say from now on."""
        now = self._clock.now()
        for kind in DigestKind:
            await work.digests.arm(person.id, kind, next_digest(person, kind, now, self._holidays))

    async def __call__(
        self, work: Work, due: Sequence[tuple[str, DigestKind, datetime]]
    ) -> dict[tuple[str, DigestKind], datetime]:
        """`due` are people, kinds, and when each was due; answers when the next one of each is."""
        now = self._clock.now()
        directory = await self._directory(work)
        again: dict[tuple[str, DigestKind], datetime] = {}
        for person_id, kind, due_at in due:
            person = directory.people.get(person_id)
            if person is None:
                continue
            following = next_digest(person, kind, now, self._holidays)
            if following is None:
                continue
            again[person_id, kind] = following
            await self._one(work, directory, person, kind, due_at)
        return again

    async def _one(self, work: Work, directory: Directory, person: Person, kind: DigestKind, due_at: datetime) -> None:
        now = self._clock.now()
        channel = way_to(person, await work.channels.usable())
        if channel is None:
            _log.error("a digest reaches nobody", person=person.id, kind=kind)
            return
        since = await work.digests.sent_until(person.id, kind) or now - kind.covers
        material = await self._material(work, directory, person, kind, since, now)
        text = composed(material, await self._rules(work), self._words[person.language])
        await work.digests.sent(person.id, kind, now)
        if text is None:
            return
        notification = Notification(
            id=str(uuid5(NOTIFICATIONS, f"{person.id}\n{kind}\n{due_at.isoformat()}")),
            kind=kind.value,
            created_at=now,
            about=_about(text, material, now),
        )
        delivery = Delivery(
            id=delivery_id(notification.id, channel.id, person.id),
            notification_id=notification.id,
            channel_id=channel.id,
            state=DeliveryState.PENDING,
            created_at=now,
            next_attempt_at=now,
            person_id=person.id,
            through=kind.value,
            policy=QuietHours.IGNORE.value,
            trial=True,  # it goes by itself: in a digest of what is more than may be sent only its title would be left
        )
        await work.deliveries.add([notification], [delivery])
        if kind is DigestKind.DAILY:
            await work.deliveries.carry([alert.id for alert in material.kept], person.id, Mute.BUDGET, delivery.id)
        _log.info("digest made", person=person.id, kind=kind, accounts=len(material.accounts), open=len(material.open))

    async def _material(
        self, work: Work, directory: Directory, person: Person, kind: DigestKind, since: datetime, now: datetime
    ) -> Material:
        reports = directory.reports_of(person.id)
        accounts = {
            account.id: account
            for account in await work.digests.accounts_of([person.id, *(each.id for each in reports)])
        }
        alerts = [
            alert
            for alert in await work.digests.alerts(accounts, since)
            if alert.is_resolved or not accounts[alert.account_id].leaves_unsaid(alert.category)
        ]
        agenda = self._agenda
        return Material(
            person=person,
            kind=kind,
            since=since,
            until=now,
            accounts=accounts,
            reports=reports,
            kept=await work.digests.kept(person.id, Mute.BUDGET) if kind is DigestKind.DAILY else (),
            opened=[
                alert for alert in alerts if not alert.quiet and alert.recorded_at >= since and not alert.is_resolved
            ],
            resolved=[
                alert for alert in alerts if alert.told and alert.resolved_at is not None and alert.resolved_at >= since
            ],
            open=[alert for alert in alerts if not alert.is_resolved],
            moves=await work.digests.moves(accounts, since),
            next_steps=await work.digests.next_steps(accounts, now - TOUCHES_WITHIN),
            touches=await work.digests.touches(accounts, max(since, now - timedelta(days=8))),
            agenda=await agenda.of(work, person, person.day_of(now), person.language, 10) if agenda else (),
        )


def _about(text: DigestText, material: Material, now: datetime) -> Mapping[str, object]:
    """What is kept of a digest until it was sent, and by whom it can be found when an account is erased."""
    return {
        "title": text.title,
        "text": text.text,
        "at": now.isoformat(),
        "sections": [[heading, list(lines)] for heading, lines in text.sections],
        "accounts": sorted(material.told_of),
        "alerts": sorted(
            {alert.id for alert in (*material.kept, *material.opened, *material.resolved, *material.open)}
        ),
    }
