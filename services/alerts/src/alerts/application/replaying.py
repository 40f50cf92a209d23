"""Sending again what was given up: one delivery at once, many as a job that any process goes on with."""

from dataclasses import replace

import structlog

from alerts.application.delivery_ports import Delivery
from alerts.application.ports import OpenWork, Work
from alerts.domain.channels import ChannelNotUsable
from alerts.domain.deliveries import DeliveryState
from alerts.domain.replays import NotGivenUp, Replay, ReplayState, ReplayUnknown, Wanted
from mainstay.kernel.clock import Clock
from mainstay.kernel.ids import new_id

AT_ONCE = 200
"""Deliveries in one transaction of a replay."""

NOT_USABLE = "the delivery's channel is switched off or deleted"

_log = structlog.get_logger(__name__)


class ReplayDeliveries:
    """Replay deliveries that were given up. Each gets the whole schedule anew, under the id that it had."""

    def __init__(self, open_work: OpenWork, clock: Clock) -> None:
        self._open = open_work
        self._clock = clock

    async def one(self, delivery_id: str) -> Delivery:
        """Replay one. Raises `DeliveryUnknown`, `NotGivenUp`, `ChannelNotUsable`."""
        now = self._clock.now()
        async with self._open() as work:
            delivery = await work.replays.one(delivery_id)
            if delivery.state is not DeliveryState.FAILED:
                raise NotGivenUp(delivery_id, delivery.state)
            if not await work.replays.usable([delivery.channel_id]):
                raise ChannelNotUsable(NOT_USABLE)
            await work.replays.again([delivery], now)
            return await work.replays.one(delivery_id)

    async def begin(self, wanted: Wanted, *, by: str) -> Replay:
        """Begin to replay everything that is wanted and given up by now."""
        now = self._clock.now()
        async with self._open() as work:
            return await work.replays.begin(Replay(new_id(now), now, by, wanted, total=0))

    async def cancel(self, replay_id: str) -> Replay:
        """Stop a replay: what it has not come to stays given up. Cancelling an ended one changes nothing.

        Raises `ReplayUnknown`.
        """
        async with self._open() as work:
            replay = await work.replays.lock(replay_id)
            if replay.state is ReplayState.RUNNING:
                replay = replace(replay, state=ReplayState.CANCELLED, finished_at=self._clock.now())
                await work.replays.save(replay)
            return replay

    async def go_on(self, work: Work, replay_id: str) -> bool:
        """The next part of a replay; answers whether there is more. What its channel cannot take is passed over."""
        try:
            replay = await work.replays.lock(replay_id)
        except ReplayUnknown:
            return False  # it was about an account that was erased
        if replay.state is not ReplayState.RUNNING:
            return False
        now = self._clock.now()
        found = await work.replays.given_up(replay.wanted, replay.created_at, replay.seen, most=AT_ONCE)
        usable = await work.replays.usable({delivery.channel_id for delivery in found})
        again = [delivery for delivery in found if delivery.channel_id in usable]
        if again:
            await work.replays.again(again, now)
        is_over = len(found) < AT_ONCE
        await work.replays.save(
            replace(
                replay,
                replayed=replay.replayed + len(again),
                passed_over=replay.passed_over + len(found) - len(again),
                seen=(found[-1].created_at, found[-1].id) if found else replay.seen,
                state=ReplayState.DONE if is_over else replay.state,
                finished_at=now if is_over else None,
            )
        )
        if is_over:
            _log.info("replay done", replay=replay.id, replayed=replay.replayed + len(again), by=replay.created_by)
        return not is_over
