"""What ingest does with events that passed its rules: make them durable, or say which may not be."""

from collections.abc import Sequence
from datetime import timedelta
from time import perf_counter
from typing import Protocol

from mainstay.messaging.port import EventLog, LogUnavailable, Outgoing


class AppendTimes(Protocol):
    """Where the duration of appends is noted."""

    def appended(self, seconds: float) -> None:
        """One append was acknowledged."""

    def append_failed(self, seconds: float) -> None:
        """One append was not, or not wholly, acknowledged in time."""


class Append:
    """Appends the records of one request and returns once the log has acknowledged all of them.

    Raises `LogUnavailable` with the indexes that were not acknowledged within the deadline. These may be stored all the
    same: the sender repeats them, and their ids make that harmless.
    """

    def __init__(self, log: EventLog, *, within: timedelta, times: AppendTimes) -> None:
        self._log, self._within, self._times = log, within, times
        self.is_open = False
        """Whether the log is connected and has its topics."""

    def open(self) -> None:
        """The log is connected and has its topics."""
        self.is_open = True

    async def __call__(self, records: Sequence[Outgoing]) -> None:
        """Append all of them; nothing to do for none."""
        if not records:
            return
        if not self.is_open:
            raise LogUnavailable("the log was not reached yet", range(len(records)))
        began = perf_counter()
        try:
            await self._log.append(records, within=self._within)
        except LogUnavailable:
            self._times.append_failed(perf_counter() - began)
            raise
        self._times.appended(perf_counter() - began)
