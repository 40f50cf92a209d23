"""`mainstay demo`: the demo against the services of this machine, until SIGTERM or SIGINT."""

import asyncio
import signal
import sys

from rich.console import Console

from standalone.demo.run import NotReady, run
from standalone.demo.services import Refused, Unreachable
from standalone.demo.settings import DemoSettings, NoAdminKey


async def until_signalled(settings: DemoSettings, console: Console) -> None:
    """Run the demo; SIGTERM and SIGINT end it in good order."""
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    await run(settings, console, stopping)


def demonstrate() -> None:
    """Run with the settings of the environment; what goes wrong is told in one line, with status 1."""
    troubles: list[str] = []
    try:
        asyncio.run(until_signalled(DemoSettings(), Console()))
    except* (NoAdminKey, NotReady, Refused, Unreachable) as group:
        troubles = _reasons(group)
    if troubles:
        sys.stderr.write(f"The demo cannot go on: {troubles[0]}\n")
        raise SystemExit(1)


def _reasons(group: BaseExceptionGroup[BaseException]) -> list[str]:
    """What the errors of a group say, those of groups inside it too."""
    found: list[str] = []
    for error in group.exceptions:
        found += _reasons(error) if isinstance(error, BaseExceptionGroup) else [str(error)]
    return found
