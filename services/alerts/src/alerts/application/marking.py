"""Marking: what came of calls is written down, channel by channel, whatever has ended meanwhile in one transaction.

A mark is fenced: a delivery whose lease ran out, or that another process has taken since, is left as it is.
"""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from alerts.application.after_sending import follow_up, muted
from alerts.application.delivery_ports import Call, Claim, Delivery, Refused
from alerts.application.events import delivery_failed
from alerts.application.ports import OpenWork, Work
from alerts.application.settling import attempt_of, channel_after, settled, tell_operator
from alerts.domain.channels import Channel
from alerts.domain.deliveries import REFUSED_FOR, Delivered, DeliveryState, Failed, GivenBack, Outcome, Suppressed
from mainstay.kernel.clock import Clock

MARKED_AT_ONCE = 5
"""Calls may be many, the connections to the database are few."""
MOST_MARKS = 50
"""Calls whose ends are written down in one transaction."""
AGAIN_AFTER = 0.25
"""Seconds."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Ended:
    """A call that has come to its end; `answer` is none where there was nothing to send, or it was not begun."""

    call: Call
    outcomes: Mapping[str, Outcome]
    answer: Delivered | Failed | None
    digest_id: str | None
    started_at: datetime
    took_ms: int

    def told(self, claim: Claim) -> Outcome:
        """What is to be written down of an attempt: nothing, where the destination was not called."""
        outcome = self.outcomes[claim.delivery.id]
        return outcome if outcome is self.answer else Suppressed("no call was made")

    def digest_of(self, claim: Claim) -> str | None:
        """The digest that a delivery went in."""
        return self.digest_id if self.outcomes[claim.delivery.id] is self.answer else None


@dataclass(frozen=True, slots=True)
class _Mark:
    """An end that is to be written down; whoever waits for `done` learns of it, or why it cannot be."""

    ended: Ended
    until: float
    done: "asyncio.Future[None]"


class Marking:
    """Writes down what came of calls; any number of channels side by side, the ends of one in their order."""

    def __init__(self, open_work: OpenWork, clock: Clock, *, patience: timedelta) -> None:
        """`patience`: for how long a mark is tried, over a database that is away for a moment: the rest of a lease."""
        self._open = open_work
        self._clock = clock
        self._patience = patience.total_seconds()
        self._places = asyncio.Semaphore(MARKED_AT_ONCE)
        self._waiting: defaultdict[str, list[_Mark]] = defaultdict(list)
        self._writers: dict[str, asyncio.Task[None]] = {}

    async def __call__(self, ended: Ended) -> None:
        """Write down what came of a call, and return when it is. Raises what the database said last."""
        loop, channel_id = asyncio.get_running_loop(), ended.call.channel.id
        mark = _Mark(ended, loop.time() + self._patience, loop.create_future())
        self._waiting[channel_id].append(mark)
        if channel_id not in self._writers:
            self._writers[channel_id] = asyncio.create_task(self._write(channel_id))
        await mark.done

    async def _write(self, channel_id: str) -> None:
        try:
            while marks := self._waiting[channel_id][:MOST_MARKS]:
                del self._waiting[channel_id][:MOST_MARKS]
                async with self._places:
                    await self._try(marks)
        finally:
            del self._writers[channel_id], self._waiting[channel_id]

    async def _try(self, marks: Sequence[_Mark]) -> None:
        """All in one transaction; where that fails each by itself, again and again until its time is over."""
        if await self._told(marks) is None:
            return
        while marks:
            await asyncio.sleep(AGAIN_AFTER)
            left = []
            for mark in marks:
                error = await self._told([mark])
                if error is None:
                    continue
                if asyncio.get_running_loop().time() <= mark.until:
                    left.append(mark)
                elif not mark.done.done():
                    mark.done.set_exception(error)
            marks = left

    async def _told(self, marks: Sequence[_Mark]) -> Exception | None:
        """Why marks could not be written, if so: whatever it is, another try costs less than a second message."""
        try:
            await self._settle([mark.ended for mark in marks])
        except Exception as error:  # noqa: BLE001 - see above
            return error
        for mark in marks:
            if not mark.done.done():  # whoever waited may have gone
                mark.done.set_result(None)
        return None

    async def _settle(self, ends: Sequence[Ended]) -> None:
        """One order of locks, as everywhere: the accounts, the channel, the deliveries, the pace.

        Most calls go well and change nothing but their deliveries; then nothing else is locked, so that neither a
        consumer that is busy with an account nor a claim is waited for.
        """
        now, name = self._clock.now(), ends[0].call.channel.id
        pairs = [(end, claim) for end in ends for claim in end.call.claims]
        given_up = {
            claim.notification.account_id
            for end, claim in pairs
            if settled(claim, end.outcomes[claim.delivery.id], now, None).state is DeliveryState.FAILED
        }
        answers = [end.answer for end in ends if end.answer is not None]
        async with self._open() as work:
            await work.accounts.lock(account for account in given_up if account is not None)
            is_plain = all(isinstance(answer, Delivered) for answer in answers) and (
                not answers or await work.deliveries.is_well(name)
            )
            channel = ends[0].call.channel if is_plain else await work.channels.lock(name)
            held = await work.deliveries.held([(claim.delivery.id, claim.delivery.attempts) for _, claim in pairs])
            for _, claim in pairs:
                if claim.delivery.id not in held:  # or its account was erased while it was on the way
                    _log.warning("a lease ran out while sending", delivery=claim.delivery.id, channel=name)
            pairs = [(end, claim) for end, claim in pairs if claim.delivery.id in held]
            after = [settled(claim, end.outcomes[claim.delivery.id], now, end.digest_of(claim)) for end, claim in pairs]
            await work.deliveries.settle(after)
            await work.deliveries.tell_attempts(
                [
                    attempt_of(claim, end.told(claim), end.started_at, end.took_ms, end.digest_of(claim))
                    for end, claim in pairs
                ]
            )
            claims = [claim for _, claim in pairs]
            await follow_up(work, claims, after, now)
            await work.silences.remember(
                mute for end, claim in pairs if (mute := muted(claim, end.outcomes[claim.delivery.id], now))
            )
            heard = [
                end.answer for end in ends if end.answer and any(one.delivery.id in held for one in end.call.claims)
            ]
            channel_now = channel if is_plain else await self._heard(work, channel, heard, now)
            for claim, delivery in zip(claims, after, strict=True):
                account_id = claim.notification.account_id
                if delivery.state is DeliveryState.FAILED and account_id is not None:
                    alert_id, error = claim.notification.alert_id or "", delivery.error or ""
                    work.publish(delivery_failed(account_id, alert_id, delivery.id, name, error, now))
        for (end, claim), delivery in zip(pairs, after, strict=True):
            if not isinstance(end.outcomes[claim.delivery.id], GivenBack):
                _report(claim, delivery)
        if channel_now.disabled_reason and not channel.disabled_reason:
            _log.error("channel disabled", name=channel_now.name, reason=channel_now.disabled_reason)

    async def _heard(
        self, work: Work, channel: Channel, answers: Sequence[Delivered | Failed], now: datetime
    ) -> Channel:
        """What answers mean, one after the other, for the channel and its pace."""
        pace = paced = await work.deliveries.pace(channel.id)
        after = channel
        for answer in answers:
            paced = paced.heard(answer, channel.id, now)
            if isinstance(answer, Failed) and answer.refused_address is not None:
                address = answer.refused_address
                await work.channels.refuse(Refused(address, now, now + REFUSED_FOR, answer.error))
                _log.warning("an address refuses mail and is passed over", channel=channel.id, reason=answer.error)
            after = channel_after(after, answer, now)
        if paced != pace:
            await work.deliveries.save_pace(channel.id, paced)
        if after != channel:
            await work.channels.save(after)
        if after.disabled_reason and not channel.disabled_reason and not await tell_operator(work, after, now):
            _log.error("no channel is the operator's: nobody is told that one was switched off", channel=after.id)
        return after


def _report(claim: Claim, delivery: Delivery) -> None:
    log = _log.bind(
        delivery=delivery.id,
        channel=delivery.channel_id,
        account=claim.notification.account_id,
        attempt=delivery.attempts,
        digest=delivery.digest_id,
    )
    if delivery.state is DeliveryState.DELIVERED:
        log.info("notification delivered", notification=delivery.notification_id)
    elif delivery.state is DeliveryState.PENDING and delivery.muted_by:
        log.info("notification waits", why=delivery.muted_by, until=delivery.next_attempt_at)
    elif delivery.state is DeliveryState.SUPPRESSED:
        log.info("notification not needed", reason=delivery.error)
    else:
        log.warning("delivery failed", error=delivery.error, gives_up=delivery.state is DeliveryState.FAILED)
