"""The demo from its beginning to its end: set up, tell the history, show the portfolio, then live on until stopped."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

from rich.console import Console

from mainstay.kernel.clock import Clock, SystemClock
from standalone.demo import http, state
from standalone.demo.cast import CAST, Account, WindowOpens
from standalone.demo.contracts import contract_of
from standalone.demo.history import History, Use
from standalone.demo.live import Present
from standalone.demo.picture import read_accounts, read_picture
from standalone.demo.push import Push
from standalone.demo.screen import LiveLine, Stages
from standalone.demo.services import Http, Services, Unreachable
from standalone.demo.settings import DemoSettings
from standalone.demo.setup import enter_contracts, open_channels
from standalone.demo.stories import NotStarted
from standalone.demo.team import enter_people
from standalone.demo.view import next_steps, overview
from standalone.waiting import first, wait_for

SETTLES_WITHIN = timedelta(seconds=40)
"""Scores that are not there by then are shown as they are."""

TELLS_WITHIN = timedelta(seconds=10)
"""The same for messages."""

LOOK_SECONDS = 0.5
TICK_SECONDS = 0.5
LOOK_EVERY_TICKS = 10
SAY_EVERY_TICKS = 120
"""Where no terminal is, the live line comes once a minute."""


class NotReady(Exception):
    """Services did not become ready in time."""


class Demo:
    """One run of the demo, which continues where an earlier one stopped. Raises `NoAdminKey`."""

    def __init__(
        self,
        settings: DemoSettings,
        console: Console,
        *,
        cast: Sequence[Account] = CAST,
        send: Http = http.request,
        clock: Clock | None = None,
    ) -> None:
        self._settings = settings
        self._console = console
        self._cast = cast
        self._clock = clock or SystemClock()
        key = settings.admin_key()
        self._services = Services(send, key)
        self._looking = Services(send, key, patience_seconds=0)
        known = state.load(settings.state_file)
        self._state = known or state.State(self._clock.now().date(), settings.seed)
        self._is_first = known is None
        self._history = History(self._state.first_day, self._state.seed, self._state.woken)
        self._push = Push(self._services, settings.ingest_url, self._clock, self._state, self._save)
        self._save()

    async def prepare(self) -> None:
        """Everything up to a portfolio that can be looked at.

        Raises `NotReady`, and `Refused` or `Unreachable` when a service does not do its part.
        """
        await self._wait_until_ready()
        contracts = [contract_of(account, self._state.first_day) for account in self._cast]
        opening = [contract for contract in contracts if isinstance(contract.account.renewal, WindowOpens)]
        with Stages(self._console) as stages:
            step = stages.begin("People, contracts, accounts and channels", 1)
            await enter_people(self._services, self._settings, self._state.first_day)
            await open_channels(self._services, self._settings)
            others = [contract for contract in contracts if contract not in opening]
            await enter_contracts(self._services, self._settings.renewals_url, others)
            await self._push.facts(self._cast, self._history.begins)
            step(1, f"{len(self._cast)} accounts")
            await self._tell_history(stages)
            await self._settle(stages)
            # A window tells the health at its opening, so the contracts whose windows open now come when there is one.
            if await enter_contracts(self._services, self._settings.renewals_url, opening):
                await self._wait_for_messages()

    async def show(self) -> None:
        """Print the portfolio and the commands."""
        picture = await read_picture(self._services, self._settings)
        self._console.print(overview(picture, self._clock.now()))
        example = next((concern.account.account_id for concern in picture.concerns if concern.explains), "…")
        for line in next_steps(self._settings, example):
            self._console.print(line, soft_wrap=True)

    async def live(self, stopping: asyncio.Event) -> None:
        """Tell what the accounts do, as it happens, until told to stop. Raises `Refused`."""
        present = Present(
            self._history,
            min(self._state.sent_until.values(), default=self._clock.now()),
            seed=self._state.seed,
            events_per_second=self._settings.events_per_second,
            woken=self._state.woken,
            cast=self._cast,
        )
        untold: list[Use] = []
        ticks = 0
        with LiveLine(self._console) as line:
            while not await wait_for(stopping, TICK_SECONDS):
                now = self._clock.now()
                untold += present.go_on(now)
                try:
                    told = await first(self._tell(untold, now), stopping) if untold else None
                    if told:
                        line.sent(told)
                        untold.clear()
                    if ticks % LOOK_EVERY_TICKS == 0:
                        await first(self._look(line), stopping)
                        self._save()
                except Unreachable as unreachable:
                    line.away(str(unreachable))
                if ticks % SAY_EVERY_TICKS == SAY_EVERY_TICKS - 1:
                    line.say()
                ticks += 1

    async def _tell(self, uses: Sequence[Use], now: datetime) -> int:
        await self._push.present(uses, now)
        return len(uses)

    async def _look(self, line: LiveLine) -> None:
        line.seen(await read_accounts(self._looking, self._settings), await self._messages())

    # -- the steps ----------------------------------------------------------------------------------------------------

    async def _wait_until_ready(self) -> None:
        deadline = asyncio.get_running_loop().time() + self._settings.ready_within_seconds
        waiting = list(self._settings.service_urls)
        while True:
            waiting = [url for url in waiting if not await self._services.is_ready(url)]
            if not waiting:
                return
            if asyncio.get_running_loop().time() > deadline:
                raise NotReady(f"{', '.join(waiting)} is not ready; does `mainstay up` run?")
            await asyncio.sleep(LOOK_SECONDS)

    async def _tell_history(self, stages: Stages) -> None:
        title = "What happened meanwhile" if self._state.sent_until else "Half a year of usage"
        step = stages.begin(title, len(self._cast))
        told = 0

        def progress(events: int, accounts: int) -> None:
            nonlocal told
            told += events
            step(accounts, f"{told:,} events")

        await self._push.history(self._cast, self._history, self._clock.now(), progress)

    async def _settle(self, stages: Stages) -> None:
        """Wait until every account that has a story has a score, and scores have stopped moving."""
        with_story = {account.id for account in self._cast if not isinstance(account.story, NotStarted)}
        step = stages.begin("Scores", len(with_story))
        scored: set[str] = set()
        before: dict[str, int | None] = {}
        deadline = asyncio.get_running_loop().time() + SETTLES_WITHIN.total_seconds()
        while asyncio.get_running_loop().time() < deadline:
            accounts = await read_accounts(self._services, self._settings)
            now = {account.account_id: account.health.score for account in accounts}
            newly = {account_id for account_id in with_story - scored if now.get(account_id) is not None}
            scored |= newly
            step(len(newly), f"{len(scored)} accounts")
            if scored == with_story and now == before:
                return
            before = now
            await asyncio.sleep(4 * LOOK_SECONDS)

    async def _wait_for_messages(self) -> None:
        """Wait until the inbox has received something, and nothing more for a moment."""
        deadline = asyncio.get_running_loop().time() + TELLS_WITHIN.total_seconds()
        before = -1
        while asyncio.get_running_loop().time() < deadline:
            messages = await self._messages() or 0
            if messages == before and messages:
                return
            before = messages
            await asyncio.sleep(4 * LOOK_SECONDS)

    async def _messages(self) -> int | None:
        """How many messages the inbox has; None where there is no inbox."""
        answer = await self._services.get_openly(f"{self._settings.inbox_url}/messages.json?limit=1")
        return None if answer is None else sum(answer["counts"].values())

    def _save(self) -> None:
        state.save(self._state, self._settings.state_file)


async def run(settings: DemoSettings, console: Console | None = None, stopping: asyncio.Event | None = None) -> None:
    """Run the demo until `stopping` is set (for ever without one).

    Raises `NoAdminKey`, `NotReady`, `Refused` and `Unreachable`, each with a sentence for the person who started it.
    """
    stopping = stopping or asyncio.Event()
    demo = Demo(settings, console or Console())

    async def told_to_the_present() -> bool:
        await demo.prepare()
        await demo.show()
        return True

    if await first(told_to_the_present(), stopping):
        await demo.live(stopping)
