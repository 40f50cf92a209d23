"""E-mail for the inbox: a small SMTP server that keeps what arrives and sends nothing on."""

import asyncio
import socket
from collections.abc import Callable
from email import message_from_bytes, policy
from email.message import EmailMessage

from aiosmtpd.smtp import SMTP, Envelope, Session

MAX_MAIL_BYTES = 1 << 20
MAX_TEXT_CHARS = 65_536

Receive = Callable[[EmailMessage, list[str]], None]
"""Takes a mail and the addresses it was handed in for."""


class _Handler:
    """aiosmtpd's hooks: accepts every recipient, and gives each mail to the inbox."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: ARG002, N802 - the name and arguments are aiosmtpd's
        """Answers 250 once the mail is kept."""
        content = envelope.content if isinstance(envelope.content, bytes) else b""
        mail = message_from_bytes(content, policy=policy.default)
        self._receive(mail, list(envelope.rcpt_tos))
        return "250 OK"


async def serve_smtp(receive: Receive, bound: socket.socket, stopping: asyncio.Event) -> None:
    """Take mail in at a bound address until told to stop."""
    handler = _Handler(receive)

    def connection() -> SMTP:
        return SMTP(handler, data_size_limit=MAX_MAIL_BYTES, enable_SMTPUTF8=True, ident="Mainstay inbox")

    server = await asyncio.get_running_loop().create_server(connection, sock=bound)
    async with server:
        await stopping.wait()


def text_of(mail: EmailMessage) -> str:
    """The mail's plain text, at most 64 Ki characters; of a mail that has HTML only, a note that says so."""
    body = mail.get_body(("plain",))
    if body is None:
        return "(this mail has no plain text)"
    try:
        text = body.get_content()
    except (LookupError, UnicodeError, KeyError):  # an unknown or wrong charset or transfer encoding
        text = body.get_payload()
    return str(text)[:MAX_TEXT_CHARS].replace("\r\n", "\n").strip()


def header(mail: EmailMessage, name: str) -> str | None:
    """A header as one line of text, or None."""
    value = mail.get(name)
    return None if value is None else " ".join(str(value).split())
