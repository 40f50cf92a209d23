"""`python -m standalone.inbox`: the inbox's page and SMTP server in one process, until SIGTERM or SIGINT."""

import asyncio
import contextlib
import signal
import sys
from collections.abc import Iterator

import uvicorn

from mainstay.kernel.clock import SystemClock
from standalone.inbox.app import Inbox, create_app
from standalone.inbox.mail import serve_smtp
from standalone.inbox.messages import Box
from standalone.inbox.settings import InboxSettings
from standalone.inbox.webhooks import secrets_in

STOP_WITHIN_SECONDS = 3


class _Server(uvicorn.Server):
    """A server whose process ends with status 0 on SIGTERM; uvicorn's own handlers raise the signal again."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop in good order on SIGTERM and SIGINT."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        yield


async def run(settings: InboxSettings) -> None:
    """Serve until uvicorn is told to stop. Raises `OSError` when a port is taken."""
    box = Box(settings.messages_file, settings.capacity)
    inbox = Inbox(box, SystemClock(), lambda: secrets_in(settings.secrets_file))
    smtp = await serve_smtp(inbox.receive_mail, settings.host, settings.smtp_port)
    config = uvicorn.Config(
        create_app(inbox),
        host=settings.host,
        port=settings.port,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=STOP_WITHIN_SECONDS,
    )
    try:
        await _Server(config).serve()
    finally:
        smtp.close()


def main() -> None:
    """Run with the settings of the environment; a port that is taken gives one line and status 1."""
    settings = InboxSettings()
    try:
        asyncio.run(run(settings))
    except OSError as error:
        sys.stderr.write(f"the inbox cannot start: {error}\n")
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
