"""What one command asks of the supervisor that another terminal runs."""

import os
import signal
import time
from typing import Final

from standalone.claim import current_claim
from standalone.ports import taken_ports
from standalone.settings import StandaloneSettings
from standalone.up import PortsTaken, inbox_ports

_WITHIN_SECONDS: Final = 90.0
_LOOK_SECONDS: Final = 0.2


class NotUp(Exception):
    """No supervisor runs on this state folder, or it did not do what it was asked."""


def ask_for_inbox(settings: StandaloneSettings) -> None:
    """Have the running Mainstay start the inbox, unless it has; returns once alerts can reach it.

    Raises:
        NotUp: Mainstay does not run here, or the inbox did not come.
        PortsTaken: the inbox's ports are in use.
    """
    claim = current_claim(settings)
    if claim is None:
        raise NotUp("Mainstay does not run; start it, and the demo at once, with `mainstay up --demo`")
    if claim.has_inbox:
        return
    taken = taken_ports(inbox_ports(claim.settings(settings)), "127.0.0.1")
    if taken:
        raise PortsTaken(taken)
    os.kill(claim.pid, signal.SIGUSR1)
    deadline = time.monotonic() + _WITHIN_SECONDS
    while (now := current_claim(settings)) is None or not now.has_inbox:
        if time.monotonic() > deadline:
            raise NotUp(f"The inbox did not start; see {settings.logs / 'inbox.log'}")
        time.sleep(_LOOK_SECONDS)
