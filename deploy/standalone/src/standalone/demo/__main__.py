"""`python -m standalone.demo`: the demo against the services of this machine, until SIGTERM or SIGINT."""

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


def main() -> None:
    """Run with the settings of the environment; what goes wrong is one line and status 1."""
    try:
        asyncio.run(until_signalled(DemoSettings(), Console()))
    except* (NoAdminKey, NotReady, Refused, Unreachable) as group:
        for error in _leaves(group):
            sys.stderr.write(f"the demo cannot go on: {error}\n")
        raise SystemExit(1) from None


def _leaves(group: BaseExceptionGroup[BaseException]) -> list[BaseException]:
    found: list[BaseException] = []
    for error in group.exceptions:
        found += _leaves(error) if isinstance(error, BaseExceptionGroup) else [error]
    return found


if __name__ == "__main__":
    main()
