"""The stream of changes: what was said about accounts, in the order of its commits, for tools that follow it."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Final, Protocol

import structlog

from mainstay.kernel.clock import Clock

KEPT: Final = timedelta(days=7)
"""How long a change can be read again."""

LOOKS_EVERY: Final = timedelta(seconds=0.2)
"""Between two looks for changes that are committed, and between two for those that got a place."""

FORGETS_EVERY: Final = timedelta(minutes=1)
BACK_OFF: Final = timedelta(seconds=1)
PAGE: Final = 500
"""Changes looked at in one step."""

REMEMBERED: Final = 5_000
"""The newest changes that a process keeps in memory for its streams; a client further behind reads the table."""

RESET: Final = "reset"
"""The type of the change that names no account: whoever keeps accounts has to read them again."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class StoredChange:
    """One change. `left_owner` had the account until it; `account_id` is None for a reset. `data` is JSON."""

    place: int
    account_id: str | None
    owner: str | None
    left_owner: str | None
    type: str
    event_id: str
    source: str
    occurred_at: str
    data: str


@dataclass(frozen=True, slots=True)
class Bounds:
    """The places that can be read: those after `forgotten`, up to `last`."""

    forgotten: int
    last: int


@dataclass(frozen=True, slots=True)
class Following:
    """Whose changes are followed: all, one owner's accounts, or one account."""

    owner: str | None = None
    account_id: str | None = None

    def wants(self, change: StoredChange) -> bool:
        """Whether a change is one of them. An account that leaves an owner is told to the owner who loses it, too."""
        if change.type == RESET:
            return True
        if self.account_id is not None and change.account_id != self.account_id:
            return False
        return self.owner is None or self.owner in {change.owner, change.left_owner}


@dataclass(frozen=True, slots=True)
class Step:
    """What a stream has to tell next: changes, and the place up to which there is no other one for it.

    `lost`: changes before them cannot be read any more.
    """

    changes: Sequence[StoredChange]
    place: int
    lost: bool = False


class ChangeStore(Protocol):
    """The table of changes."""

    async def order(self) -> int:
        """Give the next places to up to `PAGE` changes that are committed; answers how many got one.

        One process does so at a time; while another does, 0.
        """

    async def forget(self, before: datetime) -> int:
        """Forget up to `PAGE` x 10 changes said before an instant; answers how many."""

    async def bounds(self) -> Bounds:
        """What can be read."""

    async def after(self, place: int, limit: int) -> Sequence[StoredChange]:
        """Up to `limit` changes after a place, in their order."""


class IsTransient(Protocol):
    """Says whether an error passes by itself."""

    def __call__(self, error: Exception, /) -> bool:
        """True for one that does."""


class OrderChanges:
    """Gives committed changes their places, and forgets old ones. Any number may run; one at a time works."""

    def __init__(self, store: ChangeStore, clock: Clock, passes: IsTransient) -> None:
        self._store = store
        self._clock = clock
        self._passes = passes

    async def run(self, stopping: asyncio.Event) -> None:
        """Go on until told to stop; a database that is away is waited for."""
        looks = 0
        while not stopping.is_set():
            pause = LOOKS_EVERY
            try:
                while await self._store.order() == PAGE:
                    """As long as there is a whole page, there may be more."""
                if looks % (FORGETS_EVERY // LOOKS_EVERY) == 0:
                    await self.forget()
                looks += 1
            except Exception as error:
                if not self._passes(error):
                    raise
                _log.warning("the order of changes waits for the database", reason=str(error))
                pause = BACK_OFF
            with suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), pause.total_seconds())

    async def forget(self) -> None:
        """Forget what is older than `KEPT`."""
        while await self._store.forget(self._clock.now() - KEPT):
            """Piece by piece: each is a short transaction."""


class Changes:
    """The changes as one process reads them: one look for all its streams, and the newest ones in memory."""

    def __init__(self, store: ChangeStore, passes: IsTransient) -> None:
        self._store = store
        self._passes = passes
        self._newest: deque[StoredChange] = deque(maxlen=REMEMBERED)
        self._read_from: int | None = None
        """All changes after this place, and up to `_read_to`, are in `_newest`; None: nobody looked yet."""
        self._read_to = 0
        self._news = asyncio.Event()
        self.streams = 0
        self.ended = False

    async def run(self, stopping: asyncio.Event) -> None:
        """Look for changes while there are streams, until told to stop; then end the streams."""
        try:
            while not stopping.is_set():
                pause = LOOKS_EVERY
                try:
                    if self.streams:
                        await self._look()
                    else:
                        self._newest.clear()
                        self._read_from = None
                except Exception as error:
                    if not self._passes(error):
                        raise
                    _log.warning("the streams of changes wait for the database", reason=str(error))
                    pause = BACK_OFF
                with suppress(TimeoutError):
                    await asyncio.wait_for(stopping.wait(), pause.total_seconds())
        finally:
            self.ended = True
            self._wake()

    async def begin(self, last_seen: int | None) -> tuple[int, bool]:
        """Where a stream begins, and whether changes before that are lost to it.

        Without `last_seen` it begins now. What lies before the oldest place kept is lost; so is a place that was never
        given here, as after a restore.
        """
        bounds = await self._store.bounds()
        if last_seen is None:
            return bounds.last, False
        if bounds.forgotten <= last_seen <= bounds.last:
            return last_seen, False
        return bounds.last, True

    async def follow(self, place: int, following: Following, quiet: timedelta) -> AsyncIterator[Step]:
        """What happens after a place, for ever; after `quiet` without any change, an empty step.

        Ends when the process does. A step that was told is the only thing held for a reader, however slow it is.
        """
        loop = asyncio.get_running_loop()
        told_at = loop.time()
        while not self.ended:
            news = self._news
            step = await self._next(place, following)
            if step is not None:
                place = step.place
                if step.changes or step.lost:
                    yield step
                    told_at = loop.time()
                continue
            left = told_at + quiet.total_seconds() - loop.time()
            if left <= 0:
                yield Step((), place)
                told_at = loop.time()
                continue
            with suppress(TimeoutError):
                await asyncio.wait_for(news.wait(), left)

    async def _next(self, place: int, following: Following) -> Step | None:
        if self._read_from is not None and place >= self._read_from:
            if place >= self._read_to:
                return None
            looked: Sequence[StoredChange] = self._remembered_after(place)[:PAGE]
            to = looked[-1].place if len(looked) == PAGE else self._read_to
        else:
            looked = await self._store.after(place, PAGE)
            bounds = await self._store.bounds()
            if place < bounds.forgotten:  # the reader was slower than the forgetting
                return Step((), bounds.last, lost=True)
            if not looked:
                return None
            to = looked[-1].place
        return Step([change for change in looked if following.wants(change)], to)

    def _remembered_after(self, place: int) -> Sequence[StoredChange]:
        found = list(takewhile(lambda change: change.place > place, reversed(self._newest)))
        return found[::-1]

    async def _look(self) -> None:
        if self._read_from is None:
            self._read_from = self._read_to = (await self._store.bounds()).last
            self._wake()
        while found := await self._store.after(self._read_to, PAGE):
            overflow = len(self._newest) + len(found) - REMEMBERED
            if overflow > 0:
                self._read_from = self._newest[overflow - 1].place
            self._newest.extend(found)
            self._read_to = found[-1].place
            self._wake()

    def _wake(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()
