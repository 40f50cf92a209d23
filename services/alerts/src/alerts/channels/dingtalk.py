"""Messages for group robots of DingTalk (钉钉): Markdown, signed by a secret in the address.

Its Markdown has no escapes, so customers' text has full-width twins in place of what would be markup.
"""

import base64
import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta
from urllib.parse import quote_plus

from alerts.channels.reading import Json, encoded, text
from alerts.channels.robots import Robot, Verdict
from alerts.channels.text import lookalike, tidy, within_bytes
from alerts.domain.destinations import ChannelKind, DingTalk
from alerts.domain.messages import Digest, Message

MAX_BYTES = 20_000
"""Of the whole request; the text itself gets 2,000 less."""
MAX_TITLE_BYTES = 240
BLOCKED = timedelta(minutes=10)

VERDICTS: Mapping[int, Verdict] = {
    -1: Verdict(),  # the system is busy
    130101: Verdict(pause=BLOCKED),  # more than 20 messages a minute: no message is taken for ten minutes
    410100: Verdict(pause=BLOCKED),  # the same, in other words
    660026: Verdict(pause=BLOCKED),  # likewise
    310000: Verdict(),  # signature, keyword or address not as the robot's settings ask: goes once they are mended
    40035: Verdict(retryable=False),  # a parameter is missing
    400105: Verdict(retryable=False),  # no known msgtype
    400106: Verdict(retryable=False),  # no such message
    300001: Verdict(gone=True),  # there is no such token
    400013: Verdict(gone=True),  # the group was dissolved
    400101: Verdict(gone=True),  # there is no such token
    400102: Verdict(gone=True),  # the robot is switched off
}


class DingTalkSender(Robot):
    """Sends messages as Markdown."""

    DESTINATION = DingTalk
    VERDICTS = VERDICTS

    def signed(self, url: str, secret: str | None, body: Json, sent_at: datetime) -> tuple[str, Json]:
        """The signature is in the address."""
        return signed(url, secret, sent_at), body

    def body(self, message: Message | Digest) -> Json:
        """The message as the robot takes it. It mentions whom it is for and nobody else, whatever its text says."""
        read_text = self._templates.render(ChannelKind.DINGTALK, "md", message, read)
        title = within_bytes(lookalike(tidy(message.title)), MAX_TITLE_BYTES, message.words.cut)
        mentioned = [message.mention] if isinstance(message, Message) and message.mention else []
        return {
            "msgtype": "markdown",
            "markdown": {"title": title, "text": read_text},
            "at": {"atMobiles": [], "atUserIds": mentioned, "isAtAll": False},
        }


def read(rendered: str) -> str:
    """The Markdown that a template prints. Raises ValueError, `TooLong`."""
    written = text(rendered, MAX_BYTES)
    encoded({"text": written}, MAX_BYTES - 2_000)  # escaped for JSON it is longer
    return written


def signed(url: str, secret: str | None, at: datetime) -> str:
    """The address with `timestamp` (milliseconds) and `sign`, where the robot has a secret."""
    if secret is None:
        return url
    timestamp = str(int(at.timestamp() * 1_000))
    code = hmac.digest(secret.encode(), f"{timestamp}\n{secret}".encode(), "sha256")
    signature = quote_plus(base64.b64encode(code))
    return f"{url}{'&' if '?' in url else '?'}timestamp={timestamp}&sign={signature}"
