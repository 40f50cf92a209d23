"""How far an import is: a bar on a terminal, a line now and then in a log."""

import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Final, Self

from rich.console import Console
from rich.filesize import decimal
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

LINE_EVERY_SECONDS: Final = 10.0


class ImportProgress:
    """Shows a job's progress while it is entered."""

    def __init__(self, name: str, size: int, console: Console) -> None:
        """`size` in bytes, as the job counts them."""
        self._name, self._size, self._console = name, size, console
        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
        told = TextColumn("{task.fields[told]}")
        self._bar = Progress(*columns, told, console=console, disable=not console.is_terminal)
        self._task = self._bar.add_task(name, total=size, told="")
        self._line_at, self._last_reason = time.monotonic() + LINE_EVERY_SECONDS, ""

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        self._bar.stop()

    def show(self, job: Mapping[str, Any]) -> None:
        """The job as it is now."""
        told, self._last_reason = told_of(job), ""
        self._bar.update(self._task, completed=job["next_byte"], told=told)
        if self._bar.disable and time.monotonic() >= self._line_at and job["next_byte"] < self._size:
            self._line(f"{decimal(job['next_byte'])} of {decimal(self._size)}, {told}")

    def wait(self, reason: str) -> None:
        """Nothing goes on for the moment."""
        self._bar.update(self._task, told=f"waiting: {reason}")
        if self._bar.disable and reason != self._last_reason:
            self._line(f"waiting: {reason}")
        self._last_reason = reason

    def _line(self, text: str) -> None:
        self._console.print(Text(f"{self._name}: {text}"), soft_wrap=True)
        self._line_at = time.monotonic() + LINE_EVERY_SECONDS


def told_of(job: Mapping[str, Any]) -> str:
    """Rows, and where they went if not the plain way."""
    parts = [f"{job['rows']:,} {'row' if job['rows'] == 1 else 'rows'}"]
    parts += [f"{job['refused']:,} refused"] if job["refused"] else []
    parts += [f"{job['waiting']:,} wait for their account"] if job["waiting"] else []
    return ", ".join(parts)
