"""Handing in what happened: the history account by account, each confirmed before it counts as told."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from mainstay.kernel.clock import Clock
from standalone.demo.calls import batch_body, batches, group_call, track_call
from standalone.demo.cast import Account
from standalone.demo.history import History, Use
from standalone.demo.services import Services
from standalone.demo.state import State

IN_FLIGHT = 4

Progress = Callable[[int, int], None]
"""Told how many events and how many accounts more are with ingest for good."""


class Push:
    """Sends calls to ingest. `saved` is called whenever the state has grown."""

    def __init__(
        self, services: Services, ingest_url: str, clock: Clock, state: State, saved: Callable[[], None]
    ) -> None:
        self._services = services
        self._batch_url = f"{ingest_url}/v1/batch"
        self._clock = clock
        self._state = state
        self._saved = saved

    async def facts(self, cast: Sequence[Account], at: datetime) -> None:
        """State who the accounts are. Stated again they change nothing: what somebody stated later holds."""
        for batch in batches(group_call(account, at) for account in cast):
            await self._send(batch)

    async def history(self, cast: Sequence[Account], history: History, until: datetime, progress: Progress) -> None:
        """Bring every account from where it was up to an instant; a few accounts at a time.

        An account's newest events go first. Scores may be computed before the last of them has arrived, and an
        account that is known up to half a year ago only looks as if it had left.
        """
        turns = asyncio.Semaphore(IN_FLIGHT)

        async def tell(account: Account) -> None:
            async with turns:
                after = self._state.sent_until.get(account.id, history.begins)
                uses = reversed(list(history.between(account, after, until)))
                for batch in batches(map(track_call, uses)):
                    await self._send(batch)
                    progress(len(batch), 0)
                self._state.sent_until[account.id] = until
                self._saved()
                progress(0, 1)

        async with asyncio.TaskGroup() as group:
            for account in cast:
                group.create_task(tell(account))

    async def present(self, uses: Iterable[Use], until: datetime) -> None:
        """Hand in what just happened; afterwards every account is told up to `until`."""
        for batch in batches(map(track_call, uses)):
            await self._send(batch)
        self._state.sent_until.update(dict.fromkeys(self._state.sent_until, until))

    async def _send(self, batch: Sequence[bytes]) -> None:
        await self._services.post_bytes(self._batch_url, batch_body(batch, self._clock.now()))
