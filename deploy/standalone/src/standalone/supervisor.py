"""Keeps programs running: one child process each, started again when it ends, stopped cleanly at the end.

It never gives up on a program: the pauses between starts grow to ten seconds, and every end is reported.
"""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from standalone.children import ChildRecord
from standalone.waiting import first, wait_for

STOP_WITHIN_SECONDS: Final = 12.0  # a service promises to end within ten
_FIRST_PAUSE_SECONDS: Final = 0.1
_LONGEST_PAUSE_SECONDS: Final = 10.0
_LOG_BYTES: Final = 20_000_000
_LOG_CHECK_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class Program:
    """What to run. Its output goes to `log`; None shares our terminal. With `once`, status 0 is the end of it."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    log: Path | None
    once: bool = False


@dataclass(frozen=True, slots=True)
class Ended:
    """A program ended that should run, for this reason. It starts again after `pause` seconds."""

    program: Program
    reason: str
    pause: float

    def __str__(self) -> str:
        """One line for people."""
        where = f"; its log is {self.program.log}" if self.program.log else ""
        return f"{self.program.name} {self.reason}; starting it again in {self.pause:.1f} s{where}"


class Supervisor:
    """Runs programs until told to stop.

    `report` hears of each program that ended; `record` keeps the process ids for a start after a crash of our own.
    When `stopping` is set, programs get SIGTERM; after 12 s, or once `hurry` is set, SIGKILL.
    """

    def __init__(
        self,
        record: ChildRecord,
        report: Callable[[Ended], None],
        *,
        stopping: asyncio.Event,
        hurry: asyncio.Event | None = None,
    ) -> None:
        self._record = record
        self._report = report
        self._stopping = stopping
        self._hurry = hurry or asyncio.Event()
        self._wanted: dict[str, Program] = {}
        self._processes: dict[str, asyncio.subprocess.Process] = {}

    async def keep(self, program: Program) -> None:
        """Keep a program running until `stopping`; returns when it has ended."""
        self._wanted[program.name] = program
        pause = _FIRST_PAUSE_SECONDS
        while not self._stopping.is_set():
            started = time.monotonic()
            reason = await self._run_once(program)
            if reason is None:
                return
            if self._wanted[program.name] is not program:
                program = self._wanted[program.name]
                continue
            if time.monotonic() - started > _LONGEST_PAUSE_SECONDS:
                pause = _FIRST_PAUSE_SECONDS
            self._report(Ended(program, reason, pause))
            await wait_for(self._stopping, pause)
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)

    async def replace(self, program: Program) -> None:
        """Run a program in place of the one of its name, which is stopped first; returns when that has ended."""
        self._wanted[program.name] = program
        process = self._processes.get(program.name)
        if process is not None:
            await _stop(process, self._hurry)

    async def bound(self, logs: Path) -> None:
        """Keep each log of a folder at 20 MB and one earlier part."""
        while not await wait_for(self._stopping, _LOG_CHECK_SECONDS):
            await asyncio.to_thread(_cut, logs)

    async def _run_once(self, program: Program) -> str | None:
        """Start a program and wait for its end; answers why it ended, or None when that is as it should be."""
        try:
            process = await self._start(program)
        except OSError as error:  # no memory or no process left; that can pass
            return f"could not be started ({error})"
        try:
            status = await first(process.wait(), self._stopping)
        except asyncio.CancelledError:
            process.kill()
            raise
        if status is None:
            await _stop(process, self._hurry)
            return None
        if status == 0 and program.once:
            return None
        return f"was ended by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"

    async def _start(self, program: Program) -> asyncio.subprocess.Process:
        # A session of its own keeps the terminal's Ctrl-C away from children: we stop them, in order.
        command = [sys.executable, "-m", "standalone.child", str(os.getpid()), *program.command]
        log = None if program.log is None else os.open(program.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                env=dict(program.environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=None if log is None else subprocess.STDOUT,
                start_new_session=True,
            )
        finally:
            if log is not None:
                os.close(log)
        self._processes[program.name] = process
        self._record.add(program.name, process.pid)
        return process


async def _stop(process: asyncio.subprocess.Process, hurry: asyncio.Event) -> None:
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(STOP_WITHIN_SECONDS):
            status = await first(process.wait(), hurry)
    except TimeoutError:
        status = None
    if status is None:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def _cut(logs: Path) -> None:
    for log in logs.glob("*.log"):
        if log.stat().st_size > _LOG_BYTES:
            shutil.copyfile(log, log.with_name(f"{log.name}.1"))
            os.truncate(log, 0)  # children append, so it can be emptied under them
