"""Room for what waits to be appended: who finds none waits, and so memory does not follow the load."""

import asyncio


class Room:
    """A number of bytes shared by all callers of a log."""

    def __init__(self, limit: int) -> None:
        """`limit` in bytes; the one entry that passes it is let in."""
        self._limit = limit
        self._used = 0
        self._free = asyncio.Event()
        self._free.set()

    def enter_now(self, size: int) -> bool:
        """Take `size` bytes if there is room at this moment; False, and nothing taken, where there is none."""
        if self._used > self._limit:
            return False
        self._used += size
        return True

    async def enter(self, size: int) -> None:
        """Take `size` bytes once there is room."""
        while not self.enter_now(size):
            self._free.clear()
            await self._free.wait()

    def leave(self, size: int) -> None:
        """Give `size` bytes back."""
        self._used -= size
        if self._used <= self._limit:
            self._free.set()
