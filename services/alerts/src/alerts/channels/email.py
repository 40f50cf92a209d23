"""Email over SMTP: text and HTML, threaded by account, encrypted on the way unless set otherwise."""

import hashlib
import ssl
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

import aiosmtplib

from alerts.channels.rendering import Templates
from alerts.channels.text import tidy
from alerts.domain.channels import Channel
from alerts.domain.deliveries import Delivered, Failed
from alerts.domain.destinations import PERSON, ChannelKind, Email
from alerts.domain.messages import Digest, Message

IMPLICIT_TLS_PORT = 465
MAX_SUBJECT_CHARS = 200


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
    trusted: ssl.SSLContext | None = field(default=None, repr=False)
    """Whom its certificate may be signed by; None: whom the system trusts."""
    within: timedelta = timedelta(seconds=15)


class EmailSender:
    """Sends messages to the channel's mailbox, or to the account's owner."""

    def __init__(self, server: MailServer | None, templates: Templates) -> None:
        """Without a server every attempt fails, and says which setting is missing."""
        self._server = server
        self._templates = templates

    async def send(
        self, channel: Channel, delivery_id: str, message: Message | Digest, sent_at: datetime
    ) -> Delivered | Failed:
        """One attempt. 4xx answers, time-outs and a server that is away are worth another try; 5xx answers are not."""
        destination = channel.destination
        if not isinstance(destination, Email):
            raise TypeError(f"channel {channel.id} is no mailbox")
        if isinstance(message, Digest):
            raise TypeError("a mailbox has no quota, and so no digests")
        if self._server is None:
            return Failed("no mail server is set (MAINSTAY_ALERTS_SMTP_HOST)")
        to = message.to or destination.recipient(message.account.owner, message.refused)
        if destination.to == PERSON and message.to is None:
            return Failed("the person it is for has no email address any more", retryable=False)
        if to is None:
            return Failed("the account's owner is no email address, and the channel has no fallback", retryable=False)
        try:
            mail = self.mail(message, to, delivery_id, sent_at, sender=self._server.sender)
        except ValueError as error:
            return Failed(f"the mail cannot be written: {error}", retryable=False)
        outcome = await self._hand_in(self._server, mail)
        if isinstance(outcome, Failed) and outcome.refused_address and destination.fallback not in {None, to}:
            return replace(outcome, retryable=True)  # the next attempt goes to the fallback
        return outcome

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
        mail.set_content(self._templates.render(ChannelKind.EMAIL, "txt", message, read))
        mail.add_alternative(self._templates.render(ChannelKind.EMAIL, "html", message, read), subtype="html")
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
                tls_context=None if server.insecure else server.trusted,
            )
        except aiosmtplib.SMTPRecipientsRefused as error:
            refused = error.recipients[0]
            answered = _answered(refused.code, refused.message)
            return answered if answered.retryable else replace(answered, refused_address=refused.recipient)
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
        return Delivered(status=250)


def subject(message: Message) -> str:
    """The title in one line, whatever line breaks and control characters a customer's name has."""
    line = "".join(character for character in tidy(message.title) if character.isprintable())
    cut = message.words.cut
    return line if len(line) <= MAX_SUBJECT_CHARS else line[: MAX_SUBJECT_CHARS - len(cut)] + cut


def read(rendered: str) -> str:
    """The part of a mail that a template prints. Raises ValueError where it prints nothing."""
    if not rendered.strip():
        raise ValueError("it is empty")
    return rendered.strip() + "\n"


def _answered(code: int, message: str) -> Failed:
    said = " ".join(message.split())[:200]
    return Failed(
        f"the mail server answered {code}: {said}", retryable=400 <= code < 500, status=code, answer=f"{code} {said}"
    )
