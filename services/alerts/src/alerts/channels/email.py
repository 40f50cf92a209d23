"""Email over SMTP: text and HTML, threaded by account, encrypted on the way unless set otherwise."""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

import aiosmtplib
from jinja2 import PackageLoader, StrictUndefined
from jinja2.sandbox import SandboxedEnvironment

from alerts.domain.channels import Channel, Email
from alerts.domain.deliveries import Delivered, Failed
from alerts.domain.messages import Message

IMPLICIT_TLS_PORT = 465
MAX_SUBJECT_CHARS = 200
CUT = "… (cut)"


class HeaderRefused(ValueError):
    """A header's value would break out of its line."""


@dataclass(frozen=True, slots=True)
class MailServer:
    """The operator's mail server. TLS from the first byte on port 465, else STARTTLS; `insecure` does without both."""

    host: str
    port: int
    sender: str
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    insecure: bool = False
    within: timedelta = timedelta(seconds=15)


class EmailSender:
    """Sends messages to the channel's mailbox, or to the account's owner."""

    def __init__(self, server: MailServer | None) -> None:
        """Without a server every attempt fails, and says which setting is missing."""
        self._server = server
        templates = SandboxedEnvironment(
            loader=PackageLoader("alerts.channels"),
            autoescape=lambda name: name is not None and name.endswith(".html.jinja"),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._text = templates.get_template("message.txt.jinja")
        self._html = templates.get_template("message.html.jinja")

    async def send(self, channel: Channel, delivery_id: str, message: Message, sent_at: datetime) -> Delivered | Failed:
        """One attempt. 4xx answers, time-outs and a server that is away are worth another try; 5xx answers are not."""
        destination = channel.destination
        if not isinstance(destination, Email):
            raise TypeError(f"channel {channel.id} is no mailbox")
        if self._server is None:
            return Failed("no mail server is set (MAINSTAY_ALERTS_SMTP_HOST)")
        to = destination.recipient(message.account.owner)
        if to is None:
            return Failed("the account's owner is no email address, and the channel has no fallback", retryable=False)
        try:
            mail = self.mail(message, to, delivery_id, sent_at, sender=self._server.sender)
        except ValueError as error:
            return Failed(f"the mail cannot be written: {error}", retryable=False)
        return await self._hand_in(self._server, mail)

    def mail(self, message: Message, to: str, delivery_id: str, sent_at: datetime, *, sender: str) -> EmailMessage:
        """The mail. Its Message-ID is the notification's, so a repeated attempt is the same mail.

        Raises `HeaderRefused` for a value with a line break.
        """
        domain = sender.rpartition("@")[2]
        thread = f"<account.{hashlib.sha256(message.account.id.encode()).hexdigest()[:32]}@{domain}>"
        mail = EmailMessage(policy=SMTP)
        for name, value in {
            "From": sender,
            "To": to,
            "Subject": subject(message),
            "Date": format_datetime(sent_at),
            "Message-ID": f"<{message.notification_id}@{domain}>",
            "In-Reply-To": thread,
            "References": thread,
            "Auto-Submitted": "auto-generated",
            "X-Mainstay-Delivery": delivery_id,
        }.items():
            if "\r" in value or "\n" in value:
                raise HeaderRefused(f"{name} holds a line break")
            mail[name] = value
        mail.set_content(self._text.render(message=message))
        mail.add_alternative(self._html.render(message=message), subtype="html")
        return mail

    async def _hand_in(self, server: MailServer, mail: EmailMessage) -> Delivered | Failed:
        implicit = server.port == IMPLICIT_TLS_PORT and not server.insecure
        try:
            await aiosmtplib.send(
                mail,
                hostname=server.host,
                port=server.port,
                local_hostname=server.sender.rpartition("@")[2],  # else it is looked up, which can take seconds
                username=server.user,
                password=server.password,
                timeout=server.within.total_seconds(),
                use_tls=implicit,
                start_tls=not (implicit or server.insecure),  # True: required, not tried
            )
        except aiosmtplib.SMTPRecipientsRefused as error:
            refused = error.recipients[0]
            return _answered(refused.code, refused.message)
        except aiosmtplib.SMTPAuthenticationError as error:
            # the operator's mistake, not the message's: it goes out once the password is right
            return Failed(f"the mail server refused the login: {error.code}")
        except aiosmtplib.SMTPResponseException as error:
            return _answered(error.code, error.message)
        except aiosmtplib.SMTPConnectError as error:
            return Failed(f"the mail server cannot be reached: {type(error).__name__}")
        except (aiosmtplib.SMTPTimeoutError, aiosmtplib.SMTPServerDisconnected) as error:
            return Failed(f"the mail server stopped answering: {type(error).__name__}", unclear=True)
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            return Failed(f"the mail server cannot be used: {error}")
        return Delivered()


def subject(message: Message) -> str:
    """The title in one line, whatever line breaks and control characters a customer's name has."""
    line = " ".join("".join(c if c.isprintable() else " " for c in message.title).split())
    return line if len(line) <= MAX_SUBJECT_CHARS else line[: MAX_SUBJECT_CHARS - len(CUT)] + CUT


def _answered(code: int, message: str) -> Failed:
    said = " ".join(message.split())[:200]
    return Failed(f"the mail server answered {code}: {said}", retryable=400 <= code < 500)
