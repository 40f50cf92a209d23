"""`mainstay up`: everything on this machine, from the database to the services, until told to stop."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Final

from rich.console import Console

from standalone.access import ensure_admin_key
from standalone.children import ChildRecord
from standalone.claim import claimed
from standalone.database import embedded, migrate_all
from standalone.ports import TakenPort, taken_ports
from standalone.postgres import EmbeddedPostgres, PostgresFailed
from standalone.probe import health_of
from standalone.services import ALERTS, SERVICES, Service
from standalone.settings import StandaloneSettings, child_environment
from standalone.supervisor import STOP_WITHIN_SECONDS, Program, Supervisor
from standalone.telling import tell_first_key, tell_running
from standalone.waiting import first, wait_for

_READY_WITHIN_SECONDS: Final = 60.0
_LOOK_SECONDS: Final = 0.5
_LONGEST_PAUSE_SECONDS: Final = 10.0


class PortsTaken(Exception):
    """Ports that we need are in use; nothing was started."""

    def __init__(self, taken: Sequence[TakenPort]) -> None:
        super().__init__("\n".join(str(port) for port in taken))


def wanted_ports(settings: StandaloneSettings, *, inbox: bool) -> Mapping[str, tuple[str, int]]:
    """The ports that a start would need: variable -> who wants it, and which; but not of a database that runs."""
    wanted = {service.port_variable: (service.name, settings.port_of(service)) for service in SERVICES}
    if inbox:
        wanted |= inbox_ports(settings)
    if settings.is_embedded:
        running = embedded(settings).running()
        if running is None or running.port != settings.postgres_port:
            wanted["MAINSTAY_POSTGRES_PORT"] = ("the embedded PostgreSQL", settings.postgres_port)
    return wanted


def inbox_ports(settings: StandaloneSettings) -> Mapping[str, tuple[str, int]]:
    """The ports that the inbox needs."""
    return {
        "MAINSTAY_INBOX_PORT": ("the inbox", settings.inbox_port),
        "MAINSTAY_INBOX_SMTP_PORT": ("the inbox's mail server", settings.inbox_smtp_port),
    }


class Run:
    """One run of Mainstay.

    `demo` adds the inbox and the demonstration. Where the demonstration has been before, the inbox is there too, since
    channels lead to it; SIGUSR1 adds it to a run without one (`mainstay demo` asks so).
    """

    def __init__(self, settings: StandaloneSettings, console: Console, *, demo: bool) -> None:
        self._settings = settings
        self._console = console
        self._demo = demo
        self._with_inbox = demo or settings.demo_file.exists()
        self._inbox_wanted = asyncio.Event()
        self._stopping = asyncio.Event()
        self._hurry = asyncio.Event()

    async def __call__(self) -> None:
        """Start everything, keep it running until SIGINT, SIGTERM or SIGHUP, stop it.

        Raises:
            AlreadyUp: another supervisor holds the state folder.
            PortsTaken: ports are in use; nothing was started.
            PostgresFailed, PostgresMissing, DatabaseAway: there is no database.
        """
        self._listen_to_signals()
        self._settings.make_home()
        with claimed(self._settings) as tell_inbox:
            tell_inbox(self._with_inbox)
            record = ChildRecord(self._settings.children_file)
            for name, pid in (await asyncio.to_thread(record.end_left_over, STOP_WITHIN_SECONDS)).items():
                self._say(f"Ended {name} (process {pid}), which an earlier run had left behind")
            self._check_ports()
            self._say(f"Starting Mainstay with the state in {self._settings.home} …")
            async with self._database() as (url, postgres):
                await migrate_all(url, self._settings.event_log_url)
                key = await ensure_admin_key(self._settings, url)
                if key is not None:
                    tell_first_key(self._console, self._settings, key)
                await self._serve(url, postgres, record, tell_inbox)

    # -- the parts ----------------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def _database(self) -> AsyncIterator[tuple[str, EmbeddedPostgres | None]]:
        """The database's address, and the server if it is ours to run; it stops last."""
        if not self._settings.is_embedded:
            yield self._settings.database_url, None
            return
        postgres = embedded(self._settings)
        try:
            await asyncio.to_thread(postgres.start)
            yield await asyncio.to_thread(postgres.ensure_database), postgres
        finally:
            await asyncio.to_thread(postgres.stop)

    async def _serve(
        self, url: str, postgres: EmbeddedPostgres | None, record: ChildRecord, tell_inbox: Callable[[bool], None]
    ) -> None:
        supervisor = Supervisor(record, self._say, stopping=self._stopping, hurry=self._hurry)
        async with asyncio.TaskGroup() as group:
            if postgres is not None:
                group.create_task(self._keep_postgres(postgres))
            if self._with_inbox:
                group.create_task(supervisor.keep(self._inbox(url)))
            for service in SERVICES:
                group.create_task(supervisor.keep(self._program(service, url)))
            group.create_task(supervisor.bound(self._settings.logs))
            await self._wait_until_ready()
            if not self._stopping.is_set():
                tell_running(self._console, self._settings, postgres, inbox=self._with_inbox, demo=self._demo)
                if self._demo:
                    group.create_task(supervisor.keep(self._demonstration(url)))
                elif not self._with_inbox and await first(self._inbox_wanted.wait(), self._stopping):
                    await self._add_inbox(group, supervisor, url)
                    tell_inbox(self._with_inbox)
        record.forget()

    async def _add_inbox(self, group: asyncio.TaskGroup, supervisor: Supervisor, url: str) -> None:
        """Start the inbox, and alerts anew: it may reach this machine's own addresses from now on."""
        self._with_inbox = True
        group.create_task(supervisor.keep(self._inbox(url)))
        await supervisor.replace(self._program(ALERTS, url))
        await self._wait_until_ready()
        self._say(f"The inbox is at http://127.0.0.1:{self._settings.inbox_port}")

    def _program(self, service: Service, url: str) -> Program:
        environment = child_environment(self._settings, url, inbox=self._with_inbox)
        log = self._settings.logs / f"{service.name}.log"
        return Program(service.name, [sys.executable, "-m", service.module], environment, log)

    def _inbox(self, url: str) -> Program:
        environment = child_environment(self._settings, url, inbox=True)
        return Program(
            "inbox", [sys.executable, "-m", "standalone.inbox"], environment, self._settings.logs / "inbox.log"
        )

    def _demonstration(self, url: str) -> Program:
        environment = child_environment(self._settings, url, inbox=True)
        return Program("demo", [sys.executable, "-m", "standalone", "demo"], environment, log=None, once=True)

    async def _keep_postgres(self, postgres: EmbeddedPostgres) -> None:
        """Start PostgreSQL again whenever it is gone; the services wait for it and go on."""
        pause = _LOOK_SECONDS
        while not await wait_for(self._stopping, pause):
            if await asyncio.to_thread(postgres.running) is not None:
                pause = _LOOK_SECONDS
                continue
            self._say(f"PostgreSQL ended; starting it again. Its log is in {postgres.log_directory}")
            try:
                await asyncio.to_thread(postgres.start)
            except (PostgresFailed, OSError) as error:
                pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
                self._say(f"{error}\nTrying again in {pause:.1f} s")

    # -- looking ------------------------------------------------------------------------------------------------------

    def _check_ports(self) -> None:
        taken = taken_ports(wanted_ports(self._settings, inbox=self._with_inbox), self._settings.host)
        if taken:
            raise PortsTaken(taken)

    async def _wait_until_ready(self) -> None:
        """Wait for all services, and say what is missing after a minute; they are kept trying all the same."""
        deadline = asyncio.get_running_loop().time() + _READY_WITHIN_SECONDS
        waiting = {service.name: self._settings.url_of(service) for service in SERVICES}
        while waiting and not self._stopping.is_set():
            health = {name: await health_of(url) for name, url in waiting.items()}
            waiting = {name: url for name, url in waiting.items() if health[name].trouble is not None}
            if waiting and asyncio.get_running_loop().time() > deadline:
                for name in waiting:
                    self._say(f"{name} is not ready: {health[name].trouble}. See {self._settings.logs / name}.log")
                return
            await wait_for(self._stopping, 0.1)

    def _listen_to_signals(self) -> None:
        loop = asyncio.get_running_loop()
        numbers = [signal.SIGINT, signal.SIGTERM]
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup means what it says
            numbers.append(signal.SIGHUP)
        for number in numbers:
            loop.add_signal_handler(number, self._stop)
        loop.add_signal_handler(signal.SIGUSR1, self._inbox_wanted.set)

    def _stop(self) -> None:
        """The first signal stops cleanly; the next one does not wait for the children."""
        if self._stopping.is_set():
            self._hurry.set()
        else:
            self._say("Stopping …")
            self._stopping.set()

    def _say(self, line: object) -> None:
        self._console.print(str(line), markup=False, highlight=False, soft_wrap=True)
