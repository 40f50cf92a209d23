import asyncio
import json
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest

from mainstay.testing.waiting import eventually
from standalone import supervisor as module
from standalone.children import ChildRecord
from standalone.supervisor import Ended, Program, Supervisor

SAYS_ITS_PID = "import os, signal; print(os.getpid(), flush=True); signal.pause()"
IGNORES_SIGTERM = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('x', flush=True); signal.pause()"


def program(folder: Path, code: str, *, name: str = "child", once: bool = False) -> Program:
    return Program(name, [sys.executable, "-c", code], dict(os.environ), folder / f"{name}.log", once)


def said(wanted: Program) -> list[str]:
    return wanted.log.read_text().split() if wanted.log and wanted.log.exists() else []


def is_running(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


class Keeping:
    """A supervisor that keeps one program running, and what it has reported."""

    def __init__(self, folder: Path) -> None:
        self.reports: list[Ended] = []
        self.stopping = asyncio.Event()
        self.hurry = asyncio.Event()
        self.record = ChildRecord(folder / "children.json")
        self.supervisor = Supervisor(self.record, self.reports.append, stopping=self.stopping, hurry=self.hurry)

    @asynccontextmanager
    async def running(self, wanted: Program) -> AsyncIterator[asyncio.Task[None]]:
        keeping = asyncio.create_task(self.supervisor.keep(wanted))
        try:
            yield keeping
        finally:
            self.stopping.set()
            self.hurry.set()
            await keeping


async def test_a_killed_child_is_back(folder: Path) -> None:
    child = program(folder, SAYS_ITS_PID)
    keeping = Keeping(folder)
    async with keeping.running(child):
        await eventually(lambda: len(said(child)) == 1)
        os.kill(int(said(child)[0]), signal.SIGKILL)
        await eventually(lambda: len(said(child)) == 2)

    assert [(end.reason, end.pause) for end in keeping.reports] == [("was ended by SIGKILL", 0.1)]
    assert not any(is_running(int(pid)) for pid in said(child))


async def test_a_child_that_keeps_failing_is_reported_and_tried_at_growing_pauses(folder: Path) -> None:
    keeping = Keeping(folder)
    async with keeping.running(program(folder, "raise SystemExit(3)")):
        await eventually(lambda: len(keeping.reports) == 4)

    assert [end.pause for end in keeping.reports][:4] == [0.1, 0.2, 0.4, 0.8]
    assert "child ended with status 3; starting it again in 0.1 s; its log is" in str(keeping.reports[0])


async def test_a_child_that_cannot_be_started_is_tried_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keeping = Keeping(folder)
    monkeypatch.setattr(sys, "executable", str(folder / "absent"))
    async with keeping.running(program(folder, SAYS_ITS_PID)):
        await eventually(lambda: len(keeping.reports) == 2)

    assert keeping.reports[0].reason.startswith("could not be started")


async def test_a_program_for_once_ends_well_or_is_started_again(folder: Path) -> None:
    keeping = Keeping(folder)
    mark = folder / "mark"
    fails_first = f"import pathlib; m = pathlib.Path({str(mark)!r}); e = m.exists(); m.touch(); raise SystemExit(not e)"
    async with keeping.running(program(folder, fails_first, once=True)) as task:
        await asyncio.wait_for(task, 20)

    assert [end.reason for end in keeping.reports] == ["ended with status 1"]


async def test_who_does_not_heed_sigterm_is_killed_when_there_is_no_more_time(folder: Path) -> None:
    child = program(folder, IGNORES_SIGTERM)
    keeping = Keeping(folder)
    async with keeping.running(child) as task:
        await eventually(lambda: said(child) == ["x"])
        keeping.stopping.set()
        done, _ = await asyncio.wait({task}, timeout=0.5)
        assert not done
        keeping.hurry.set()
        await asyncio.wait_for(task, 5)

    assert keeping.reports == []


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's help")
async def test_children_end_when_their_supervisor_is_killed(folder: Path) -> None:
    supervising = textwrap.dedent("""
        import asyncio, os, sys
        from pathlib import Path
        from standalone.children import ChildRecord
        from standalone.supervisor import Program, Supervisor
        folder = Path(sys.argv[1])
        async def main():
            supervisor = Supervisor(ChildRecord(folder / "children.json"), print, stopping=asyncio.Event())
            child = Program("child", [sys.executable, "-c", sys.argv[2]], dict(os.environ), folder / "child.log")
            await supervisor.keep(child)
        asyncio.run(main())
    """)
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", supervising, str(folder), SAYS_ITS_PID)
    child = program(folder, SAYS_ITS_PID)
    await eventually(lambda: len(said(child)) == 1)

    process.kill()
    await process.wait()

    await eventually(lambda: not is_running(int(said(child)[0])), within=5)


def test_what_a_crash_left_running_is_ended_at_the_next_start(folder: Path) -> None:
    left_over = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
    ChildRecord(folder / "children.json").add("ingest", left_over.pid)

    ended = ChildRecord(folder / "children.json").end_left_over(within=10)
    left_over.wait()  # psutil has reaped it: only its entry in this process is cleared

    assert ended == {"ingest": left_over.pid}
    assert not is_running(left_over.pid)
    assert ChildRecord(folder / "children.json").left_over() == {}


def test_a_process_that_got_the_id_of_a_child_is_left_alone(folder: Path) -> None:
    (folder / "children.json").write_text(json.dumps({"ingest": [os.getpid(), 1.0]}))

    assert ChildRecord(folder / "children.json").end_left_over(within=1) == {}


async def test_a_program_is_replaced_by_another_of_its_name(folder: Path) -> None:
    before = program(folder, SAYS_ITS_PID)
    keeping = Keeping(folder)
    async with keeping.running(before):
        await eventually(lambda: len(said(before)) == 1)

        await keeping.supervisor.replace(program(folder, "import signal; print('new', flush=True); signal.pause()"))

        assert not is_running(int(said(before)[0]))
        await eventually(lambda: said(before)[1:] == ["new"])

    assert keeping.reports == []


async def test_a_log_is_cut_when_it_grows_too_long(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LOG_BYTES", 10)
    monkeypatch.setattr(module, "_LOG_CHECK_SECONDS", 0.01)
    log = folder / "child.log"
    log.write_text("too long for this test")
    keeping = Keeping(folder)
    bounding = asyncio.create_task(keeping.supervisor.bound(folder))

    await eventually(lambda: log.stat().st_size == 0)
    keeping.stopping.set()
    await bounding

    assert (folder / "child.log.1").read_text() == "too long for this test"
