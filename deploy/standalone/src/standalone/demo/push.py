"""Handing in what happened: the history account by account, each confirmed before it counts as told."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime

from mainstay.kernel.clock import Clock
from standalone.demo.calls import Batch, batches, group_call, track_call
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
        for batch in batches((account.id, [group_call(account, at)]) for account in cast):
            await self._send(batch)

    async def history(self, cast: Sequence[Account], history: History, until: datetime, progress: Progress) -> None:
        """Bring every account from where it was up to an instant; account by account, a few requests at a time."""
        turns = asyncio.Semaphore(IN_FLIGHT)
        confirmed: dict[int, Batch] = {}
        first_open = 0

        async def send(number: int, batch: Batch) -> None:
            nonlocal first_open
            try:
                await self._send(batch)
            finally:
                turns.release()
            confirmed[number] = batch
            accounts = 0
            while first_open in confirmed:  # an account's last batch may overtake its first
                completed = confirmed.pop(first_open).completes
                self._state.sent_until.update(dict.fromkeys(completed, until))
                accounts += len(completed)
                first_open += 1
            self._saved()
            progress(len(batch.calls), accounts)

        async with asyncio.TaskGroup() as group:
            for number, batch in enumerate(batches(self._told(cast, history, until))):
                await turns.acquire()
                group.create_task(send(number, batch))

    async def present(self, uses: Iterable[Use], until: datetime) -> None:
        """Hand in what just happened; afterwards every account is told up to `until`."""
        for batch in batches([("", map(track_call, uses))]):
            await self._send(batch)
        self._state.sent_until.update(dict.fromkeys(self._state.sent_until, until))

    def _told(
        self, cast: Sequence[Account], history: History, until: datetime
    ) -> Iterator[tuple[str, Iterable[bytes]]]:
        for account in cast:
            after = self._state.sent_until.get(account.id, history.begins)
            yield account.id, map(track_call, history.between(account, after, until))

    async def _send(self, batch: Batch) -> None:
        if batch.calls:
            await self._services.post_bytes(self._batch_url, batch.body(self._clock.now()))
