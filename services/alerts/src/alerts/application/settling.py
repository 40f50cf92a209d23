"""Settling: what came of a call, for its deliveries, its channel, and the operator when the channel is switched off."""

from dataclasses import replace
from datetime import datetime

from alerts.application.delivery_ports import Attempt, Claim, Delivery, Notification
from alerts.application.ports import Work
from alerts.domain.channels import Channel
from alerts.domain.deliveries import (
    DISABLED_AFTER,
    Delivered,
    DeliveryState,
    Failed,
    GivenBack,
    Outcome,
    Suppressed,
    Waits,
    delivery_id,
    disabling_id,
    next_attempt,
)
from alerts.domain.messages import CHANNEL_DISABLED, TEST

DELIVERED = "delivered"
FAILED = "failed"


def settled(claim: Claim, outcome: Outcome, now: datetime, digest_id: str | None) -> Delivery:
    """How a delivery stands after an outcome."""
    delivery = replace(claim.delivery, digest_id=digest_id)
    match outcome:
        case Delivered():
            return replace(
                delivery,
                state=DeliveryState.DELIVERED,
                next_attempt_at=None,
                error=None,
                delivered_at=now,
                muted_by=None,
                muted_why=None,
            )
        case Suppressed(reason):
            made = delivery.attempts - 1  # the claim counted one, and no call was made
            return replace(delivery, state=DeliveryState.SUPPRESSED, attempts=made, next_attempt_at=None, error=reason)
        case Waits(why, reason, until):
            return replace(
                delivery,
                state=DeliveryState.PENDING,
                attempts=delivery.attempts - 1,
                next_attempt_at=until,
                error=None,
                muted_by=why,
                muted_why=reason,
            )
        case GivenBack(due_at):
            made = delivery.attempts - 1
            return replace(delivery, state=DeliveryState.PENDING, attempts=made, next_attempt_at=due_at)
        case Failed():
            is_test = claim.notification.kind == TEST
            again = None if is_test else next_attempt(delivery.id, delivery.tries, outcome, now)
            return replace(
                delivery,
                state=DeliveryState.PENDING if again else DeliveryState.FAILED,
                next_attempt_at=again,
                error=outcome.error,
                unclear=delivery.unclear or outcome.unclear,
            )


def attempt_of(claim: Claim, outcome: Outcome, started_at: datetime, took_ms: int, digest_id: str | None) -> Attempt:
    """The record of an attempt; without an outcome where no call was made."""
    attempt = Attempt(claim.delivery.id, claim.delivery.attempts, started_at, digest_id, took_ms)
    match outcome:
        case Delivered(status, answer):
            return replace(attempt, outcome=DELIVERED, status=status, answer=answer)
        case Failed(error=error, status=status, answer=answer):
            return replace(attempt, outcome=FAILED, status=status, answer=answer, error=error)
        case Suppressed() | Waits() | GivenBack():
            return attempt


def channel_after(channel: Channel, outcome: Outcome, now: datetime) -> Channel:
    """What an outcome means for the channel: a success clears its failures, too many days of failure disable it."""
    match outcome:
        case Delivered():
            return replace(channel, failing_since=None) if channel.failing_since else channel
        case Failed(error=error, gone=gone) if not channel.disabled_reason and not channel.deleted:
            since = channel.failing_since or now
            failing = replace(channel, failing_since=since)
            if gone:
                return replace(failing, disabled_at=now, disabled_reason=f"the destination is gone: {error}")
            if now - since >= DISABLED_AFTER:
                reason = f"nothing but failures since {since:%Y-%m-%d %H:%M} UTC, the last: {error}"
                return replace(failing, disabled_at=now, disabled_reason=reason)
            return failing
        case _:
            return channel


async def tell_operator(work: Work, disabled: Channel, now: datetime) -> int:
    """Tell every channel of the operator's that a channel was switched off; answers how many there are."""
    channels = [one for one in await work.channels.operators() if one.id != disabled.id]
    if not channels:
        return 0
    about = {"id": disabled.id, "channel": disabled.name, "reason": disabled.disabled_reason or ""}
    notification = Notification(disabling_id(disabled.id, now), CHANNEL_DISABLED, now, about=about)
    await work.deliveries.add(
        [notification],
        [
            Delivery(
                id=delivery_id(notification.id, channel.id),
                notification_id=notification.id,
                channel_id=channel.id,
                state=DeliveryState.PENDING,
                created_at=now,
                next_attempt_at=now,
            )
            for channel in channels
        ],
    )
    return len(channels)
