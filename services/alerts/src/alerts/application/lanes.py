"""Lanes: the calls that this process holds for each channel, in their order, and how many of them go at once.

A destination that answers soon is given more at a time than it is called at once: what it takes in about a second. So a
claim and a mark serve many deliveries, while one that hangs, or that nobody has called yet, holds its few places only.
"""

import asyncio
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager

from alerts.application.delivery_ports import Call, Hand

IN_HAND = 1.0
"""Seconds of calling that a claim takes: the lease is far longer, and what somebody mutes meanwhile still goes."""

MOST_AHEAD = 16
"""Calls in hand for each that goes at once: more save little."""

WEIGHT = 0.3
"""Of the last call in the running mean of how long they take."""


class Lane:
    """One channel's calls in this process: the first come goes first, at most `at_once` at a time."""

    def __init__(self) -> None:
        self.at_once = 1
        self.held: set[str] = set()
        """The deliveries in hand, until their marks are written."""
        self.calls = 0
        self.setbacks = 0
        """Failures so far: what was claimed before the last one is given back instead of being sent."""
        self.has_more = False
        """More was due at the last claim than it took."""
        self._room = 0
        self._took: float | None = None
        self._running = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    @property
    def ahead(self) -> int:
        """How many calls to hold for each that goes at once."""
        if self._took is None:
            return 1
        return max(1, int(IN_HAND / max(self._took, IN_HAND / MOST_AHEAD)))

    @property
    def is_low(self) -> bool:
        """Whether a claim would find something for this channel, and enough room to be worth it."""
        return self.has_more and self.calls <= max(self.at_once - 1, self._room // 2)

    def take(self, call: Call) -> None:
        """Hold a call that was claimed."""
        self.at_once = call.at_once
        self.held |= {claim.delivery.id for claim in call.claims}
        self.calls += 1
        self._room = self.calls

    def drop(self, call: Call) -> None:
        """What came of a call is written down, or never will be by this process."""
        self.held -= {claim.delivery.id for claim in call.claims}
        self.calls -= 1

    def ended(self, seconds: float, *, well: bool) -> None:
        """A call has come to its end after so many seconds."""
        if well:
            self._took = seconds if self._took is None else (1 - WEIGHT) * self._took + WEIGHT * seconds
        else:
            self._took = None
            self.setbacks += 1

    @asynccontextmanager
    async def place(self, *, first: bool = False) -> AsyncIterator[None]:
        """Wait for a place, and have it until the end of the block; `first`: before what waits already."""
        await self._enter(first=first)
        try:
            yield
        finally:
            self._leave()

    async def _enter(self, *, first: bool) -> None:
        if self._running < self.at_once and not self._waiting:
            self._running += 1
            return
        place = asyncio.get_running_loop().create_future()
        (self._waiting.appendleft if first else self._waiting.append)(place)
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():
                self._leave()
            raise

    def _leave(self) -> None:
        self._running -= 1
        while self._waiting and self._running < self.at_once:
            place = self._waiting.popleft()
            if not place.done():
                self._running += 1
                place.set_result(None)


class Lanes:
    """The lanes of every channel that this process has something of."""

    def __init__(self) -> None:
        self._lanes: defaultdict[str, Lane] = defaultdict(Lane)
        self.room = asyncio.Event()
        """Set when a channel has room again for what is known to wait: the next claim need not be put off."""

    def hands(self) -> Mapping[str, Hand]:
        """What this process holds, and how much more it would take, by channel."""
        return {name: Hand(frozenset(lane.held), lane.calls, lane.ahead) for name, lane in self._lanes.items()}

    def take(self, call: Call) -> Lane:
        """Hold a call that was claimed; answers the lane of its channel."""
        lane = self._lanes[call.channel.id]
        lane.take(call)
        return lane

    def drop(self, call: Call) -> None:
        """What came of a call is written down, or never will be by this process."""
        lane = self._lanes[call.channel.id]
        lane.drop(call)
        if lane.is_low:
            self.room.set()

    def waits_for(self, channel_ids: Collection[str]) -> None:
        """More is due for these channels, and for no others, than was claimed this time."""
        for name in {*self._lanes, *channel_ids}:
            self._lanes[name].has_more = name in channel_ids
