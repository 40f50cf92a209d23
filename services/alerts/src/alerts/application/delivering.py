"""Delivering: claim what is due, send it with no transaction open, write down what came of it.

A claim is a lease. A process that dies between the call and the mark lets it run out, and the message goes again under
the same id: at least once, and no more often than attempts were begun.
"""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog
from prometheus_client import CollectorRegistry
from prometheus_client import Counter as Metric

from alerts.application.channels import DELETED, SWITCHED_OFF
from alerts.application.composing import Composing
from alerts.application.delivery_ports import Call, Claim, Sender
from alerts.application.gating import Gate
from alerts.application.lanes import Lane, Lanes
from alerts.application.marking import Ended, Marking
from alerts.application.ports import OpenWork
from alerts.application.telling import OVERTAKEN
from alerts.domain.alerts import Notice
from alerts.domain.deliveries import (
    MOST_ATTEMPTS,
    Delivered,
    Failed,
    GivenBack,
    Outcome,
    Suppressed,
    Waits,
)
from alerts.domain.destinations import ChannelKind
from alerts.domain.messages import Digest, Message
from mainstay.kernel.clock import Clock

GOING_ON = frozenset({Notice.OPENED, Notice.ESCALATED, Notice.RETURNED})
"""What nobody needs to hear of an alert that is over."""

NOT_ITS_OWNER = "the account's owner is not one of this channel's"

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Limits:
    """How delivering is bounded: `at_once` calls to a channel of each kind, so one that hangs stops no other.

    A call takes at most `call_within`; the lease is longer, so that only a dead process loses it.
    """

    at_once: Mapping[ChannelKind, int]
    call_within: timedelta = timedelta(seconds=20)
    lease: timedelta = timedelta(seconds=30)


DEFAULT_LIMITS = Limits(
    at_once={
        ChannelKind.WEBHOOK: 4,
        ChannelKind.EMAIL: 2,
        # one after the other, so that messages arrive in their order and a quota is kept however long a call takes
        ChannelKind.SLACK: 1,
        ChannelKind.TEAMS: 1,
        ChannelKind.WECOM: 1,
        ChannelKind.DINGTALK: 1,
        ChannelKind.FEISHU: 1,
    },
)


class Deliverer:
    """Sends what is due. Any number of processes share the work; each delivery is one process's at a time."""

    def __init__(
        self,
        open_work: OpenWork,
        senders: Mapping[ChannelKind, Sender],
        composing: Composing,
        gate: Gate,
        clock: Clock,
        registry: CollectorRegistry,
        *,
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        self._gate = gate
        self._open = open_work
        self._senders = senders
        self._composing = composing
        self._clock = clock
        self._limits = limits
        self._tasks: set[asyncio.Task[None]] = set()
        self._lanes = Lanes()
        self._mark = Marking(open_work, clock, patience=limits.lease - limits.call_within)
        self._outcomes = Metric(
            "mainstay_alerts_deliveries",
            "Attempts to deliver, by outcome.",
            ["channel_kind", "outcome"],
            registry=registry,
        )

    async def start_due(self) -> int:
        """Claim what is due and has room, and start sending it; answers how many deliveries. For one task at a time."""
        now = self._clock.now()
        lease_until = now + self._limits.lease
        async with self._open() as work:
            await self._composing.rules(work)
            claimed = await work.deliveries.claim(
                now=now, lease_until=lease_until, at_once=self._limits.at_once, hands=self._lanes.hands()
            )
            calls = await self._gate(work, claimed.calls, now)
        self._lanes.waits_for(claimed.more)
        for call in calls:
            lane = self._lanes.take(call)
            task = asyncio.create_task(self._deliver(call, lane, lane.setbacks, lease_until))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return sum(len(call.claims) for call in calls)

    @property
    def under_way(self) -> frozenset[asyncio.Task[None]]:
        """What this process holds: what is being sent now, and what waits its turn."""
        return frozenset(self._tasks)

    @property
    def room(self) -> asyncio.Event:
        """Set when what is known to be due has room again, so that the next claim need not be put off."""
        return self._lanes.room

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

    async def _deliver(self, call: Call, lane: Lane, setbacks: int, lease_until: datetime) -> None:
        try:
            outcomes: dict[str, Outcome] = {}
            for claim in call.claims:
                if (known := _without_call(claim)) is not None:
                    outcomes[claim.delivery.id] = known
            to_send = tuple(claim for claim in call.claims if claim.delivery.id not in outcomes)
            digest_id = call.digest_id if len(to_send) > 1 else None
            answer: Delivered | Failed | None = None
            started_at, clock = self._clock.now(), time.perf_counter()
            if to_send:
                async with lane.place(first=to_send[0].delivery.trial):
                    started_at, clock = self._clock.now(), time.perf_counter()
                    # what failed meanwhile may be failing still; and the lease must outlast the call
                    if lane.setbacks == setbacks and started_at + self._limits.call_within <= lease_until:
                        answer = await self._call(call, to_send, digest_id)
                        lane.ended(time.perf_counter() - clock, well=isinstance(answer, Delivered))
                if digest_id is not None and isinstance(answer, Failed) and not (answer.retryable or answer.gone):
                    # one message may be what is wrong with it: after some failures they go one by one
                    answer = replace(answer, retryable=True)
                outcomes |= {claim.delivery.id: answer or GivenBack(claim.due_at) for claim in to_send}
            took_ms = round((time.perf_counter() - clock) * 1_000)
            for outcome in outcomes.values():
                if not isinstance(outcome, GivenBack):
                    self._outcomes.labels(call.channel.kind, type(outcome).__name__.lower()).inc()
            await self._mark(Ended(call, outcomes, answer, digest_id, started_at, took_ms))
        except Exception:  # noqa: BLE001 - one delivery's trouble must not stop the others
            # The lease runs out and the delivery goes again: better late or twice than never.
            ids = [claim.delivery.id for claim in call.claims]
            _log.exception("a delivery could not be settled", deliveries=ids, channel=call.channel.id)
        finally:
            self._lanes.drop(call)

    async def _call(self, call: Call, claims: tuple[Claim, ...], digest_id: str | None) -> Delivered | Failed:
        channel, name = call.channel, digest_id or claims[0].delivery.id
        try:
            async with asyncio.timeout(self._limits.call_within.total_seconds()):
                message: Message | Digest
                if digest_id is None:
                    message = self._composing.message(claims[0])
                elif call.grouped:
                    message = self._composing.grouped(claims)
                else:
                    message = self._composing.digest(digest_id, claims)
                return await self._senders[channel.kind].send(channel, name, message, self._clock.now())
        except TimeoutError:
            return Failed(f"no answer within {self._limits.call_within.total_seconds():g} s", unclear=True)
        except Exception as error:  # noqa: BLE001 - a mistake of ours is given up by the schedule too
            _log.exception("a message could not be sent", delivery=name, channel=channel.id)
            return Failed(f"the message could not be sent: {type(error).__name__}", unclear=True)


def _without_call(claim: Claim) -> Suppressed | Failed | Waits | None:
    """What comes of a delivery for which nobody needs to be called, or can be, or not now."""
    channel = claim.channel
    if reason := _needless(claim):
        return Suppressed(reason)
    if claim.verdict is not None:
        return claim.verdict
    if channel.disabled_reason:
        return Failed(f"the channel is disabled: {channel.disabled_reason}", retryable=False)
    if claim.delivery.tries > MOST_ATTEMPTS:
        return Failed("given up: attempt after attempt began and none came to an end", retryable=False)
    return None


def _needless(claim: Claim) -> str | None:
    """Why there is nothing to send, if so."""
    channel, account = claim.channel, claim.account
    if channel.deleted:
        return DELETED
    if not channel.enabled:
        return SWITCHED_OFF
    if claim.notification.kind in GOING_ON and claim.alert is not None and claim.alert.is_resolved:
        return OVERTAKEN
    if claim.delivery.route_at_send and not channel.filter.takes_owner(account.owner if account else None):
        return NOT_ITS_OWNER
    return None
