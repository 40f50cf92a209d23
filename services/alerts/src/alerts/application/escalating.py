"""Escalation: nobody acknowledged in time, so the next in line is told. Every step is on record."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog

from alerts.application.delivery_ports import Delivery, Notification
from alerts.application.people_ports import Escalation, StepTaken
from alerts.application.ports import Work
from alerts.application.routing import Router, Standing, Target
from alerts.application.telling import may_have_arrived, to_target
from alerts.domain.accounts import Account
from alerts.domain.alerts import Alert, Change, Notice, Step, Transition
from alerts.domain.deliveries import DeliveryState, repeated_id
from alerts.domain.routing import About, QuietHours, Routed
from mainstay.kernel.clock import Clock

NOBODY_HEARD_YET = timedelta(hours=1)
"""When to look again where all that was told waits for something without an end."""

_log = structlog.get_logger(__name__)


class Escalate:
    """Takes the next steps of escalations that are due, in a transaction that is open."""

    def __init__(self, router: Router, clock: Clock) -> None:
        self._router = router
        self._clock = clock

    async def __call__(self, work: Work, due: Sequence[tuple[str, str]]) -> dict[tuple[str, str], datetime]:
        """`due` are (account, alert) pairs; answers when the next step of each that goes on is due."""
        accounts = await work.accounts.lock({account_id for account_id, _ in due})
        standing = await self._router.standing(work, self._clock.now())
        again: dict[tuple[str, str], datetime] = {}
        for account_id, alert_id in due:
            escalation = await work.escalations.lock(alert_id) if account_id in accounts else None
            if escalation is None or escalation.step >= len(escalation.steps):
                continue
            alert = await work.alerts.get(alert_id)
            next_at = await self._one(work, standing, escalation, alert, accounts[account_id])
            if next_at is not None:
                again[account_id, alert_id] = next_at
        return again

    async def _one(
        self, work: Work, standing: Standing, escalation: Escalation, alert: Alert, account: Account
    ) -> datetime | None:
        now = self._clock.now()
        if alert.is_resolved or alert.acknowledged_at is not None:
            await work.escalations.end([alert.id], "resolved" if alert.is_resolved else "acknowledged", now)
            return None
        step = escalation.steps[escalation.step]
        told = (await work.deliveries.of_alerts([alert.id])).get(alert.id, ())
        wait = _waits_for(alert, told, timedelta(minutes=step.after_minutes), now)
        if wait is not None:
            await work.escalations.put_off(alert.id, wait)
            return wait
        number = escalation.step + 1
        about = About.of(alert, account)
        # whether the branch disturbs people holds for its escalation too
        policy = next((each.policy for each in told if each.policy is not None), QuietHours.HOLD)
        routed = Routed(("escalation",), step.to, 0, QuietHours(policy))
        targets: dict[tuple[str, str | None], Target] = {}
        missed: list[str] = []
        for receiver in step.to:
            found, unreached = await self._router.reach(standing, receiver, routed, about, alert)
            targets |= {(each.channel.id, each.person_id): each for each in found}
            missed += [f"{each.receiver}: {each.reason}" for each in unreached]
        if not targets:
            targets = {(each.id, None): Target(each, routed, None, "nobody else") for each in standing.operators}
            _log.error("an escalation reaches nobody it is for", alert=alert.id, step=number, reason="; ".join(missed))
        notification = Notification(
            repeated_id(alert.id, Notice.ESCALATED, str(number)),
            Notice.ESCALATED,
            now,
            alert.id,
            alert.account_id,
            {"step": str(number)},
        )
        await work.deliveries.add(
            [notification], [to_target(notification.id, target, now, now) for target in targets.values()]
        )
        await work.pools.give(standing.pools.given)
        names = [target.person_id or target.channel.name for target in targets.values()]
        taken = Transition(
            alert.id, Step.ESCALATED, now, now, quiet=False, comment=f"step {number}: {', '.join(names)}"
        )
        await work.alerts.save([Change(alert, (taken,))])
        following = escalation.steps[number] if number < len(escalation.steps) else None
        next_at = now + timedelta(minutes=following.after_minutes) if following else None
        due_at = escalation.due_at or now
        await work.escalations.take(
            StepTaken(alert.id, number, alert.account_id, due_at, now, (*names, *missed)), next_at
        )
        if next_at is None:
            await work.escalations.end([alert.id], "every step was taken", now)
        _log.info("alert escalated", alert=alert.id, account=alert.account_id, step=number, told=names)
        return next_at


def _waits_for(alert: Alert, told: Sequence[Delivery], after: timedelta, now: datetime) -> datetime | None:
    """Until when a step waits: nobody can acknowledge what is snoozed, or what nobody could hear of yet."""
    if alert.snoozed_until is not None and alert.snoozed_until > now:
        return alert.snoozed_until + after
    # a channel is a place: where somebody in person is to hear, they are the ones who can acknowledge
    readers = [each for each in told if each.person_id is not None] or told
    held = [each for each in readers if each.state is DeliveryState.PENDING and each.muted_by is not None]
    if not held or any(may_have_arrived(each) or each.state is DeliveryState.FAILED for each in readers):
        return None
    instants = [each.next_attempt_at for each in held if each.next_attempt_at is not None]
    if not instants:
        return now + max(after, NOBODY_HEARD_YET)
    return max(min(instants), now) + after
