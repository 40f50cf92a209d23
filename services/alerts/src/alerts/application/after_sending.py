"""What else comes of a call: what a digest carried, and another way to somebody whose first one was given up."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from alerts.application.delivery_ports import Claim, Delivery
from alerts.application.people_ports import MuteOnRecord
from alerts.application.ports import Work
from alerts.domain.deliveries import DeliveryState, Outcome, Suppressed, Waits, delivery_id
from alerts.domain.destinations import PEOPLE_MAIL
from alerts.domain.messages import DAILY
from alerts.domain.people import Person


async def follow_up(work: Work, claims: Sequence[Claim], after: Sequence[Delivery], now: datetime) -> None:
    """What a daily digest carried has arrived with it, or goes by itself; who was not reached is, in another way."""
    settled = list(zip(claims, after, strict=True))
    digests = [one for claim, one in settled if claim.notification.kind == DAILY]
    for state in (DeliveryState.DELIVERED, DeliveryState.FAILED):
        ended = [one.id for one in digests if one.state is state]
        if ended:
            await work.deliveries.carried(ended, now, arrived=state is DeliveryState.DELIVERED)
    given_up = [(claim.person, one) for claim, one in settled if one.state is DeliveryState.FAILED]
    others = [
        replace(
            one,
            id=delivery_id(one.notification_id, channel_id, person.id),
            channel_id=channel_id,
            state=DeliveryState.PENDING,
            created_at=now,
            attempts=0,
            attempts_before=0,
            next_attempt_at=now,
            error=None,
            unclear=False,
            digest_id=None,
        )
        for person, one in given_up
        if person is not None and (channel_id := _other_way(person, one.channel_id)) is not None
    ]
    if others:
        usable = await work.channels.usable()
        # one that was tried already is there, and stays as it is
        await work.deliveries.add([], [one for one in others if one.channel_id in usable])


def muted(claim: Claim, outcome: Outcome, now: datetime) -> MuteOnRecord | None:
    """What is to be on record of somebody who was not told, or not yet."""
    match outcome:
        case Waits(why, reason, until):
            return MuteOnRecord(claim.notification.id, claim.delivery.id, why, reason, now, until)
        case Suppressed(reason, str(why)):
            return MuteOnRecord(claim.notification.id, claim.delivery.id, why, reason, now)
        case _:
            return None


def _other_way(person: Person, tried: str) -> str | None:
    """The channel that reaches somebody who could not be reached by one."""
    if tried != PEOPLE_MAIL:
        return PEOPLE_MAIL if person.email is not None else None
    return person.chat.channel_id if person.chat is not None else None
