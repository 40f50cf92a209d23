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

from alerts.application.after_sending import follow_up, muted
from alerts.application.channels import DELETED, SWITCHED_OFF
from alerts.application.delivery_ports import Call, Claim, Delivery, Refused, Sender
from alerts.application.events import delivery_failed
from alerts.application.gating import Gate
from alerts.application.ports import OpenWork, Work
from alerts.application.pressing import reader_of
from alerts.application.rules import RulesInForce
from alerts.application.settling import attempt_of, channel_after, settled, tell_operator
from alerts.application.telling import OVERTAKEN
from alerts.domain.accounts import Account
from alerts.domain.action_links import LinkSigner
from alerts.domain.alerts import Notice
from alerts.domain.channels import Channel
from alerts.domain.deliveries import (
    MOST_ATTEMPTS,
    REFUSED_FOR,
    Delivered,
    DeliveryState,
    Failed,
    Outcome,
    Suppressed,
    Waits,
)
from alerts.domain.destinations import ChannelKind
from alerts.domain.messages import (
    DAILY,
    WEEKLY,
    Digest,
    Links,
    Message,
    compose,
    digest_message,
    disabled_message,
    in_order,
    test_message,
    together,
)
from alerts.domain.task_messages import KINDS as TASK_KINDS
from alerts.domain.task_messages import task_message
from alerts.domain.vocabulary import Vocabulary
from alerts.domain.words import Language
from mainstay.kernel.clock import Clock

SETTLED_AT_ONCE = 5
"""Calls may be many, the connections to the database are few."""
SETTLE_AGAIN_AFTER = 0.25
"""Seconds."""

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


@dataclass(frozen=True, slots=True)
class Composing:
    """What messages are made of besides the alert and its account."""

    rules: RulesInForce
    links: Links
    words: Mapping[Language, Vocabulary]
    signer: LinkSigner

    def message(self, claim: Claim) -> Message:
        """A notification in the language of whoever it is for, else of its channel."""
        person = claim.person
        return replace(
            self._message(claim),
            refused=claim.refused,
            to=person.email if person else None,
            mention=person.chat.mention if person and person.chat else None,
        )

    def _message(self, claim: Claim) -> Message:
        notification, words = claim.notification, self.words[self.language(claim)]
        if claim.alert is None:
            if notification.kind in {DAILY, WEEKLY}:
                links = self.links.to_worklist(claim.person.id if claim.person else None, words)
                return digest_message(notification.id, notification.kind, notification.about or {}, words, links)
            if notification.kind in TASK_KINDS and claim.account is not None:
                about = notification.about or {}
                return task_message(
                    notification.id, notification.kind, about, claim.account, notification.created_at, words, self.links
                )
            if notification.about is not None:
                return disabled_message(notification.id, notification.about, notification.created_at, words)
            return test_message(notification.id, claim.channel.name, notification.created_at, words)
        account = claim.account or Account(claim.alert.account_id)
        notice = Notice(notification.kind)
        message = compose(notification.id, notice, claim.alert, account, self.rules.latest, self.links, words)
        return replace(message, links=(*message.links, *self._to_do(claim, account, words)))

    def _to_do(self, claim: Claim, account: Account, words: Vocabulary) -> tuple[tuple[str, str], ...]:
        """Links that act, for what goes on. They are the same however often this notification is sent."""
        if claim.alert is None or claim.notification.kind == Notice.RESOLVED:
            return ()
        made_at = claim.notification.created_at
        return self.links.to_do(claim.alert, words, self.signer, reader_of(claim, account), made_at)

    def digest(self, digest_id: str, claims: tuple[Claim, ...]) -> Digest:
        """Several notifications for one channel as one."""
        messages = in_order([self.message(claim) for claim in claims])
        return Digest(digest_id, messages, self.words[claims[0].channel.language])

    def grouped(self, claims: tuple[Claim, ...]) -> Message:
        """What came together for one account, and one reader, as one message."""
        return together(in_order([self.message(claim) for claim in claims]))

    @staticmethod
    def language(claim: Claim) -> Language:
        """What its reader reads."""
        return claim.person.language if claim.person is not None else claim.channel.language


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
        self._settling = asyncio.Semaphore(SETTLED_AT_ONCE)
        self._outcomes = Metric(
            "mainstay_alerts_deliveries",
            "Attempts to deliver, by outcome.",
            ["channel_kind", "outcome"],
            registry=registry,
        )

    async def start_due(self) -> int:
        """Claim what is due and has room, and start sending it; answers how many deliveries. For one task at a time."""
        now = self._clock.now()
        async with self._open() as work:
            await self._composing.rules(work)
            calls = await work.deliveries.claim(
                now=now, lease_until=now + self._limits.lease, at_once=self._limits.at_once
            )
            calls = await self._gate(work, calls, now)
        for call in calls:
            task = asyncio.create_task(self._deliver(call))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return sum(len(call.claims) for call in calls)

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

    async def _deliver(self, call: Call) -> None:
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
                answer = await self._call(call, to_send, digest_id)
                if digest_id is not None and isinstance(answer, Failed) and not (answer.retryable or answer.gone):
                    # one message may be what is wrong with it: after some failures they go one by one
                    answer = replace(answer, retryable=True)
                outcomes |= {claim.delivery.id: answer for claim in to_send}
            took_ms = round((time.perf_counter() - clock) * 1_000)
            for claim in call.claims:
                outcome = type(outcomes[claim.delivery.id]).__name__.lower()
                self._outcomes.labels(call.channel.kind, outcome).inc()
            await self._mark(_Ended(call, outcomes, answer, digest_id, started_at, took_ms))
        except Exception:  # noqa: BLE001 - one delivery's trouble must not stop the others
            # The lease runs out and the delivery goes again: better late or twice than never.
            ids = [claim.delivery.id for claim in call.claims]
            _log.exception("a delivery could not be settled", deliveries=ids, channel=call.channel.id)

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

    async def _mark(self, ended: "_Ended") -> None:
        """Write down what came of it, also over a database that is away for a moment: else the message goes twice."""
        loop = asyncio.get_running_loop()
        until = loop.time() + (self._limits.lease - self._limits.call_within).total_seconds()
        async with self._settling:
            while True:
                try:
                    return await self._settle(ended)
                except Exception:  # whatever it is, another try costs less than a second message
                    if loop.time() > until:
                        raise
                    await asyncio.sleep(SETTLE_AGAIN_AFTER)

    async def _settle(self, ended: "_Ended") -> None:
        """One order of locks, as everywhere: the accounts, the channel, the deliveries, the pace."""
        now, call = self._clock.now(), ended.call
        async with self._open() as work:
            accounts = {claim.notification.account_id for claim in call.claims} - {None}
            known = await work.accounts.lock(account for account in accounts if account is not None)
            channel = await work.channels.lock(call.channel.id)
            held = await work.deliveries.held([(claim.delivery.id, claim.delivery.attempts) for claim in call.claims])
            # an account may have been erased while its message was on the way
            claims = [claim for claim in call.claims if (claim.notification.account_id or "") in {"", *known}]
            for claim in claims:
                if claim.delivery.id not in held:
                    _log.warning("a lease ran out while sending", delivery=claim.delivery.id, channel=channel.id)
            claims = [claim for claim in claims if claim.delivery.id in held]
            after = [settled(claim, ended.outcomes[claim.delivery.id], now, ended.digest_of(claim)) for claim in claims]
            await work.deliveries.settle(after)
            await work.deliveries.tell_attempts(
                [
                    attempt_of(claim, ended.told(claim), ended.started_at, ended.took_ms, ended.digest_of(claim))
                    for claim in claims
                ]
            )
            await follow_up(work, claims, after, now)
            await work.silences.remember(
                mute for claim in claims if (mute := muted(claim, ended.outcomes[claim.delivery.id], now))
            )
            channel_now = channel
            if claims and ended.answer is not None:
                channel_now = await self._after_call(work, channel, ended.answer, now)
            for claim, delivery in zip(claims, after, strict=True):
                account_id = claim.notification.account_id
                if delivery.state is DeliveryState.FAILED and account_id is not None:
                    alert_id, error = claim.notification.alert_id or "", delivery.error or ""
                    work.publish(delivery_failed(account_id, alert_id, delivery.id, channel.id, error, now))
        for claim, delivery in zip(claims, after, strict=True):
            _report(claim, delivery)
        if channel_now.disabled_reason and not channel.disabled_reason:
            _log.error("channel disabled", name=channel_now.name, reason=channel_now.disabled_reason)

    async def _after_call(self, work: Work, channel: Channel, answer: Delivered | Failed, now: datetime) -> Channel:
        """What an answer means for the channel and its pace."""
        pace = await work.deliveries.pace(channel.id)
        paced = pace.heard(answer, channel.id, now)
        if paced != pace:
            await work.deliveries.save_pace(channel.id, paced)
        if isinstance(answer, Failed) and answer.refused_address is not None:
            address = answer.refused_address
            await work.channels.refuse(Refused(address, now, now + REFUSED_FOR, answer.error))
            _log.warning("an address refuses mail and is passed over", channel=channel.id, reason=answer.error)
        after = channel_after(channel, answer, now)
        if after != channel:
            await work.channels.save(after)
        if after.disabled_reason and not channel.disabled_reason and not await tell_operator(work, after, now):
            _log.error("no channel is the operator's: nobody is told that one was switched off", channel=after.id)
        return after


@dataclass(frozen=True, slots=True)
class _Ended:
    """A call that has come to its end; `answer` is none where there was nothing to send."""

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
