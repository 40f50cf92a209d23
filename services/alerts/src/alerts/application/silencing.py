"""Silences as people make and end them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from alerts.application.ports import OpenWork
from alerts.domain.muting import Mute
from alerts.domain.routing import Match
from alerts.domain.silences import Silence, SilenceOver
from mainstay.kernel.clock import Clock
from mainstay.kernel.ids import new_id


class ManageSilences:
    """Make, read and end silences. What waited for one is looked at again the moment it ends."""

    def __init__(self, open_work: OpenWork, clock: Clock) -> None:
        self._open = open_work
        self._clock = clock

    async def create(
        self, match: Match, *, starts_at: datetime | None, ends_at: datetime, reason: str, by: str
    ) -> Silence:
        """A silence; from now on where no start is given."""
        now = self._clock.now()
        silence = Silence(new_id(now), match, starts_at or now, ends_at, reason, now, by)
        async with self._open() as work:
            await work.silences.add(silence)
        return silence

    async def end(self, silence_id: str, *, by: str) -> Silence:
        """End a silence now; one that has not begun never begins. Raises `SilenceUnknown`, `SilenceOver`."""
        now = self._clock.now()
        async with self._open() as work:
            silence = await work.silences.lock(silence_id)
            if silence.ends_at <= now:
                raise SilenceOver(silence_id, silence.ends_at)
            await work.silences.end(silence_id, max(now, silence.starts_at), by)
            await work.deliveries.wake(Mute.SILENCE, now)
            return await work.silences.lock(silence_id)

    async def one(self, silence_id: str) -> Silence:
        """One silence. Raises `SilenceUnknown`."""
        async with self._open() as work:
            return await work.silences.lock(silence_id)

    async def page(self, *, ended: bool | None, after: Any, limit: int) -> Sequence[Silence]:
        """Silences, the newest first."""
        async with self._open() as work:
            return await work.silences.page(ended=ended, now=self._clock.now(), after=after, limit=limit)
