"""What the demo says while it works: progress at first, then one line that lives. Plain lines where no terminal is."""

from collections.abc import Callable
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

from standalone.demo.picture import Account

Step = Callable[[int, str], None]
"""Told how much of a stage is done besides, and what to say of it."""


class Stages:
    """The stages of the preparation, one bar each."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bars = Progress(
            SpinnerColumn(finished_text="[green]✓"),
            TextColumn("{task.description}"),
            BarColumn(bar_width=30),
            TextColumn("{task.fields[said]}"),
            TimeElapsedColumn(),
            console=console,
            disable=not console.is_terminal,
        )

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def begin(self, title: str, total: int) -> Step:
        """A new stage of so many steps."""
        task = self._bars.add_task(title, total=total, said="")
        left = total

        def step(more: int, said: str) -> None:
            nonlocal left
            was_done, left = left <= 0, left - more
            self._bars.update(task, advance=more, said=said)
            if left <= 0 and not was_done and not self._console.is_terminal:
                self._console.print(f"{title}: {said}", highlight=False)

        return step


class LiveLine:
    """How many events went out, which scores moved and what the inbox received."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, refresh_per_second=4) if console.is_terminal else None
        self._scores: dict[str, int | None] = {}
        self._events = self._moves = self._messages = 0
        self._last_move = ""
        self._trouble = ""

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            self._live.stop()
        else:
            self._console.print(self.text)

    def sent(self, events: int) -> None:
        """So many events more are with ingest."""
        self._events += events
        self._trouble = ""
        self._show()

    def seen(self, accounts: list[Account], messages: int | None) -> None:
        """The accounts as they are now, and the messages in the inbox (None: it does not answer)."""
        for account in accounts:
            score = account.health.score
            before = self._scores.get(account.account_id, score)
            if score != before:
                self._moves += 1
                self._last_move = f"{account.label} {_score(before)} → {_score(score)}"
            self._scores[account.account_id] = score
        self._messages = self._messages if messages is None else messages
        self._show()

    def away(self, reason: str) -> None:
        """Something does not answer; the demo tries again."""
        self._trouble = reason
        self._show()

    def say(self) -> None:
        """Print the line where no terminal shows it."""
        if self._live is None:
            self._console.print(self.text)

    @property
    def text(self) -> Text:
        """The line."""
        moves = _plural(self._moves, "score change")
        parts = [
            _plural(self._events, "event") + " sent",
            f"{moves} (last: {self._last_move})" if self._last_move else moves,
            _plural(self._messages, "message") + " in the inbox",
        ]
        line = Text("● live  ", style="green", no_wrap=True, overflow="ellipsis")
        line.append(" · ".join(parts), style="default")
        return line.append(f" · {self._trouble}", style="red") if self._trouble else line

    def _show(self) -> None:
        if self._live:
            self._live.update(self.text)


def _plural(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _score(score: int | None) -> str:
    return "–" if score is None else str(score)
