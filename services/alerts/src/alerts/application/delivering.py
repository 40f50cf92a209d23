"""Delivering: claim what is due, send it with no transaction open, write down what came of it.

A claim is a lease. A process that dies between the call and the mark lets it run out, and the message goes again under
the same id: at least once, and no more often than attempts were begun.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog
from prometheus_client import CollectorRegistry
from prometheus_client import Counter as Metric

from alerts.application.channels import DELETED, SWITCHED_OFF
from alerts.application.events import delivery_failed
from alerts.application.ports import Claim, Delivery, OpenWork, Sender
from alerts.application.telling import OVERTAKEN
from alerts.domain.accounts import Account
from alerts.domain.alerts import Notice
from alerts.domain.channels import Channel, ChannelKind
from alerts.domain.deliveries import (
    DISABLED_AFTER,
    LONGEST_RETRY_AFTER,
    MOST_ATTEMPTS,
    Delivered,
    DeliveryState,
    Failed,
    Outcome,
    Suppressed,
    next_attempt,
)
from alerts.domain.messages import TEST, Links, Message, compose, test_message
from alerts.domain.rules import Rulebook
from mainstay.kernel.clock import Clock

SETTLED_AT_ONCE = 5
"""Calls may be many, the connections to the database are few."""
SETTLE_AGAIN_AFTER = 0.25
"""Seconds."""

NOT_ITS_OWNER = "the account's owner is not one of this channel's"

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Limits:
    """How delivering is bounded: `at_once` calls to a channel of each kind, so one that hangs stops no other.

    A call takes at most `call_within`; the lease is longer, so that only a dead process loses it. `rest` is the pause a
    channel of that kind gets after each call.
    """

    at_once: Mapping[ChannelKind, int]
    rest: Mapping[ChannelKind, timedelta]
    call_within: timedelta = timedelta(seconds=20)
    lease: timedelta = timedelta(seconds=30)


DEFAULT_LIMITS = Limits(
    at_once={ChannelKind.WEBHOOK: 4, ChannelKind.SLACK: 1, ChannelKind.EMAIL: 2},
    rest={ChannelKind.SLACK: timedelta(seconds=1)},  # Slack takes about one message a second
)


class Deliverer:
    """Sends what is due. Any number of processes share the work; each delivery is one process's at a time."""

    def __init__(
        self,
        open_work: OpenWork,
        senders: Mapping[ChannelKind, Sender],
        rulebook: Rulebook,
        links: Links,
        clock: Clock,
        registry: CollectorRegistry,
        *,
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        self._open = open_work
        self._senders = senders
        self._rulebook = rulebook
        self._links = links
        self._clock = clock
        self._limits = limits
        self._calls: Counter[str] = Counter()
        self._rests_until: dict[str, datetime] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._settling = asyncio.Semaphore(SETTLED_AT_ONCE)
        self._outcomes = Metric(
            "mainstay_alerts_deliveries",
            "Attempts to deliver, by outcome.",
            ["channel_kind", "outcome"],
            registry=registry,
        )

    async def start_due(self) -> int:
        """Claim what is due and has room, and start sending it; answers how many. For one task at a time."""
        now = self._clock.now()
        async with self._open() as work:
            claims = await work.deliveries.claim(
                now=now,
                lease_until=now + self._limits.lease,
                at_once=self._limits.at_once,
                under_way=self._calls,
                resting=[channel for channel, until in self._rests_until.items() if until > now],
            )
        for claim in claims:
            self._calls[claim.channel.id] += 1
            task = asyncio.create_task(self._deliver(claim))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return len(claims)

    @property
    def under_way(self) -> frozenset[asyncio.Task[None]]:
        """What is being sent now."""
        return frozenset(self._tasks)

    async def finish(self) -> None:
        """Wait for everything under way."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def run_due(self) -> int:
        """Send everything that is due now and wait for it; answers how many attempts were made."""
        total = 0
        while started := await self.start_due():
            await self.finish()
            total += started
        return total

    async def _deliver(self, claim: Claim) -> None:
        channel = claim.channel
        try:
            outcome = await self._outcome(claim)
            self._outcomes.labels(channel.kind, type(outcome).__name__.lower()).inc()
            await self._mark(claim, outcome)
        except Exception:  # noqa: BLE001 - one delivery's trouble must not stop the others
            # The lease runs out and the delivery goes again: better late or twice than never.
            _log.exception("a delivery could not be settled", delivery=claim.delivery.id, channel=channel.id)
        finally:
            self._calls[channel.id] -= 1
            if not self._calls[channel.id]:
                del self._calls[channel.id]

    async def _outcome(self, claim: Claim) -> Outcome:
        channel = claim.channel
        if reason := _needless(claim):
            return Suppressed(reason)
        if channel.disabled_reason:
            return Failed(f"the channel is disabled: {channel.disabled_reason}", retryable=False)
        if claim.delivery.attempts > MOST_ATTEMPTS:
            return Failed("given up: attempt after attempt began and none came to an end", retryable=False)
        if channel.kind in self._limits.rest:
            self._rests_until[channel.id] = self._clock.now() + self._limits.rest[channel.kind]
        outcome = await self._call(claim)
        if isinstance(outcome, Failed) and outcome.retry_after:
            self._rests_until[channel.id] = self._clock.now() + min(outcome.retry_after, LONGEST_RETRY_AFTER)
        return outcome

    async def _call(self, claim: Claim) -> Delivered | Failed:
        channel = claim.channel
        try:
            async with asyncio.timeout(self._limits.call_within.total_seconds()):
                message = self._message(claim)
                return await self._senders[channel.kind].send(channel, claim.delivery.id, message, self._clock.now())
        except TimeoutError:
            return Failed(f"no answer within {self._limits.call_within.total_seconds():g} s", unclear=True)
        except Exception as error:  # noqa: BLE001 - a mistake of ours is given up by the schedule too
            _log.exception("a message could not be sent", delivery=claim.delivery.id, channel=channel.id)
            return Failed(f"the message could not be sent: {type(error).__name__}", unclear=True)

    def _message(self, claim: Claim) -> Message:
        notification = claim.notification
        if claim.alert is None:
            return test_message(notification.id, claim.channel.name, notification.created_at)
        account = claim.account or Account(claim.alert.account_id)
        notice = Notice(notification.kind)
        return compose(notification.id, notice, claim.alert, account, self._rulebook, self._links)

    async def _mark(self, claim: Claim, outcome: Outcome) -> None:
        """Write down what came of it, also over a database that is away for a moment: else the message goes twice."""
        loop = asyncio.get_running_loop()
        until = loop.time() + (self._limits.lease - self._limits.call_within).total_seconds()
        async with self._settling:
            while True:
                try:
                    return await self._settle(claim, outcome)
                except Exception:  # whatever it is, another try costs less than a second message
                    if loop.time() > until:
                        raise
                    await asyncio.sleep(SETTLE_AGAIN_AFTER)

    async def _settle(self, claim: Claim, outcome: Outcome) -> None:
        """One order of locks, as everywhere: the account, the channel, the delivery."""
        now = self._clock.now()
        account_id = claim.notification.account_id
        async with self._open() as work:
            if account_id is not None:
                await work.accounts.lock([account_id])
            channel = await work.channels.lock(claim.channel.id)
            if not await work.deliveries.is_held(claim.delivery.id, claim.delivery.attempts):
                _log.warning("a lease ran out while sending", delivery=claim.delivery.id, channel=channel.id)
                return
            settled = _settled(claim, outcome, now)
            await work.deliveries.settle([settled])
            after = _channel_after(channel, outcome, now)
            if after != channel:
                await work.channels.save(after)
            if settled.state is DeliveryState.FAILED and account_id is not None:
                alert_id = claim.notification.alert_id or ""
                work.publish(delivery_failed(account_id, alert_id, settled.id, channel.id, settled.error or "", now))
        self._report(claim, settled, after, channel)

    def _report(self, claim: Claim, settled: Delivery, after: Channel, before: Channel) -> None:
        log = _log.bind(
            delivery=settled.id, channel=after.id, account=claim.notification.account_id, attempt=settled.attempts
        )
        if settled.state is DeliveryState.DELIVERED:
            log.info("notification delivered", notification=settled.notification_id)
        elif settled.state is DeliveryState.SUPPRESSED:
            log.info("notification not needed", reason=settled.error)
        else:
            log.warning("delivery failed", error=settled.error, gives_up=settled.state is DeliveryState.FAILED)
        if after.disabled_reason and not before.disabled_reason:
            log.error("channel disabled", name=after.name, reason=after.disabled_reason)


def _needless(claim: Claim) -> str | None:
    """Why there is nothing to send, if so."""
    channel, account = claim.channel, claim.account
    if channel.deleted:
        return DELETED
    if not channel.enabled:
        return SWITCHED_OFF
    if claim.notification.kind == Notice.OPENED and claim.alert is not None and claim.alert.is_resolved:
        return OVERTAKEN
    if claim.delivery.route_at_send and not channel.filter.takes_owner(account.owner if account else None):
        return NOT_ITS_OWNER
    return None


def _settled(claim: Claim, outcome: Outcome, now: datetime) -> Delivery:
    delivery = claim.delivery
    match outcome:
        case Delivered():
            return replace(delivery, state=DeliveryState.DELIVERED, next_attempt_at=None, error=None, delivered_at=now)
        case Suppressed(reason):
            made = delivery.attempts - 1  # the claim counted one, and no call was made
            return replace(delivery, state=DeliveryState.SUPPRESSED, attempts=made, next_attempt_at=None, error=reason)
        case Failed():
            is_test = claim.notification.kind == TEST
            again = None if is_test else next_attempt(delivery.id, delivery.attempts, outcome, now)
            return replace(
                delivery,
                state=DeliveryState.PENDING if again else DeliveryState.FAILED,
                next_attempt_at=again,
                error=outcome.error,
                unclear=delivery.unclear or outcome.unclear,
            )


def _channel_after(channel: Channel, outcome: Outcome, now: datetime) -> Channel:
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
