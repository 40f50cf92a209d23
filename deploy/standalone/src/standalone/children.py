"""The record of child processes: so that a start after a crash finds and ends what the crash left running."""

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import psutil

from standalone.folders import write_private


class ChildRecord:
    """Which processes the supervisor has started, in a file. A process id is believed only with its time of birth."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._children: dict[str, tuple[int, float]] = {}

    def add(self, name: str, pid: int) -> None:
        """Note a process that was just started under a name; it replaces the earlier one of that name."""
        with suppress(psutil.NoSuchProcess):
            self._children[name] = (pid, psutil.Process(pid).create_time())
            write_private(self._path, json.dumps(self._children))

    def forget(self) -> None:
        """All children have ended."""
        self._children.clear()
        self._path.unlink(missing_ok=True)

    def end_left_over(self, within: float) -> Mapping[str, int]:
        """End the processes of an earlier supervisor: SIGTERM, and SIGKILL after `within` seconds; answers them."""
        left_over = self.left_over()
        for process in left_over.values():
            with suppress(psutil.NoSuchProcess):
                process.terminate()
        _, alive = psutil.wait_procs(list(left_over.values()), timeout=within)
        for process in alive:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(alive, timeout=5)
        self.forget()
        return {name: process.pid for name, process in left_over.items()}

    def left_over(self) -> dict[str, psutil.Process]:
        """The recorded processes that still run."""
        try:
            recorded = json.loads(self._path.read_text())
        except (FileNotFoundError, ValueError):
            return {}
        found = {}
        for name, (pid, born) in recorded.items():
            with suppress(psutil.NoSuchProcess):
                process = psutil.Process(pid)
                if abs(process.create_time() - born) < 1 and process.status() != psutil.STATUS_ZOMBIE:
                    found[name] = process
        return found
