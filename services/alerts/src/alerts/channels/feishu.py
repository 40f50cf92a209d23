"""Messages for group robots of Feishu and Lark (飞书): cards, signed by a secret in the body.

Customers' text stands in plain-text elements, in which neither Markdown nor `<at>` is read.
"""

import base64
import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta

from alerts.channels.reading import Json, card, encoded
from alerts.channels.robots import Robot, Verdict
from alerts.domain.destinations import ChannelKind, Feishu
from alerts.domain.messages import Digest, Message

MAX_BYTES = 20 * 1_000
"""Of the whole request: 20 KB, in the smaller sense of the word."""
ROOM_FOR_SIGNATURE = 200

VERDICTS: Mapping[int, Verdict] = {
    9499: Verdict(retryable=False),  # bad request: too large, or not as it should be
    11232: Verdict(pause=timedelta(minutes=1)),  # more than 100 messages a minute, or five a second
    11233: Verdict(pause=timedelta(minutes=1)),  # the same for the whole company
    11246: Verdict(retryable=False),  # the card is not valid
    99991400: Verdict(pause=timedelta(minutes=1)),  # too many requests
    19001: Verdict(gone=True),  # there is no such robot
    19021: Verdict(),  # the signature does not fit, or the clock is an hour off: goes once that is mended
    19022: Verdict(),  # our address is not on the robot's list: likewise
    19024: Verdict(),  # none of the robot's keywords: likewise
}


class FeishuSender(Robot):
    """Sends messages as cards."""

    DESTINATION = Feishu
    VERDICTS = VERDICTS
    CODE = "code"
    REASON = "msg"

    def signed(self, url: str, secret: str | None, body: Json, sent_at: datetime) -> tuple[str, Json]:
        """The signature is in the body."""
        return url, {**signature(secret, sent_at), **body}

    def body(self, message: Message | Digest) -> Json:
        """The message as the robot takes it, but for the signature."""
        return self._templates.render(ChannelKind.FEISHU, "json", message, read)


def read(rendered: str) -> Json:
    """The message around the card that a template prints. Raises ValueError, `TooLong`."""
    body: Json = {"msg_type": "interactive", "card": card(rendered)}
    encoded(body, MAX_BYTES - ROOM_FOR_SIGNATURE)
    return body


def signature(secret: str | None, at: datetime) -> dict[str, str]:
    """`timestamp` (seconds) and `sign`, where the robot has a secret: it is in the key, and what is signed is empty."""
    if secret is None:
        return {}
    timestamp = str(int(at.timestamp()))
    code = hmac.digest(f"{timestamp}\n{secret}".encode(), b"", "sha256")
    return {"timestamp": timestamp, "sign": base64.b64encode(code).decode()}
