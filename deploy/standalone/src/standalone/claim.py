"""One supervisor a state folder: a lock that goes with its process, and what others should know of it."""

import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import IO, Any

from standalone.settings import StandaloneSettings

_TOLD = (
    "host",
    "event_log_url",
    "ingest_port",
    "health_score_port",
    "alerts_port",
    "renewals_port",
    "inbox_port",
    "inbox_smtp_port",
)


class AlreadyUp(Exception):
    """A supervisor runs on this state folder."""

    def __init__(self, settings: StandaloneSettings, pid: int) -> None:
        super().__init__(
            f"Mainstay runs already with the state in {settings.home} (process {pid}). "
            f"Look at it with: mainstay status. Stop it with Ctrl-C in its terminal, or: kill {pid}. "
            "A second one needs a state folder (MAINSTAY_HOME) and ports of its own"
        )


@dataclass(frozen=True, slots=True)
class Claim:
    """What a running supervisor says of itself."""

    pid: int
    is_embedded: bool
    has_inbox: bool
    told: dict[str, Any]

    def settings(self, ours: StandaloneSettings) -> StandaloneSettings:
        """Our settings, with the ports and the event log that the running one was started with."""
        return ours.model_copy(update=self.told)


@contextmanager
def claimed(settings: StandaloneSettings) -> Iterator[Callable[[bool], None]]:
    """Hold the state folder; gives what tells others of us, and whether the inbox runs. Raises `AlreadyUp`."""
    with os.fdopen(os.open(settings.lock_file, os.O_RDWR | os.O_CREAT, 0o600), "r+") as lock:
        if not _locked(lock):
            told = _read(lock.read())
            raise AlreadyUp(settings, told.pid if told else 0)
        told_of_us = {name: getattr(settings, name) for name in _TOLD}

        def tell(has_inbox: bool) -> None:  # noqa: FBT001 - the one thing that is told
            claim = Claim(os.getpid(), settings.is_embedded, has_inbox, told_of_us)
            lock.seek(0)
            lock.write(json.dumps(asdict(claim)))
            lock.truncate()
            lock.flush()

        yield tell


def current_claim(settings: StandaloneSettings) -> Claim | None:
    """What the supervisor that runs now says, or None when none runs."""
    try:
        with settings.lock_file.open() as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return _read(lock.read())
    except OSError:  # absent, or not ours to read
        pass
    return None


def as_running(settings: StandaloneSettings) -> StandaloneSettings:
    """Our settings, as the running Mainstay was started with them if one runs."""
    claim = current_claim(settings)
    return claim.settings(settings) if claim else settings


def _locked(lock: IO[str]) -> bool:
    """Take the lock; tried for half a second, since whoever looks whether it is held holds it for an instant."""
    for _ in range(10):
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.05)
        else:
            return True
    return False


def _read(text: str) -> Claim | None:
    try:
        said = json.loads(text)
        return Claim(**said)
    except (ValueError, TypeError):  # it is just being written
        return None
