"""`python -m standalone.inbox`: the inbox's page and SMTP server in one process, until SIGTERM or SIGINT."""

import sys

from mainstay.kernel.clock import SystemClock
from mainstay.web.serving import Listener, PortTaken, bind, run_process, run_service
from standalone.inbox.app import Inbox, create_app
from standalone.inbox.mail import serve_smtp
from standalone.inbox.messages import Box
from standalone.inbox.settings import InboxSettings
from standalone.inbox.webhooks import secrets_in


async def run(settings: InboxSettings) -> int:
    """Serve until a signal; answers the exit status. Raises `PortTaken` for the SMTP port."""
    box = Box(settings.messages_file, settings.capacity)
    inbox = Inbox(box, SystemClock(), lambda: secrets_in(settings.secrets_file))
    smtp = bind(settings.host, settings.smtp_port)
    return await run_service(
        listeners=[Listener(create_app(inbox), settings.host, settings.port)],
        background={"smtp": lambda stopping: serve_smtp(inbox.receive_mail, smtp, stopping)},
    )


def main() -> None:
    """Run with the settings of the environment; a port that is taken gives one line and status 1."""
    try:
        run_process(run(InboxSettings()))
    except PortTaken as taken:
        sys.stderr.write(f"the inbox cannot start: {taken}\n")
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
