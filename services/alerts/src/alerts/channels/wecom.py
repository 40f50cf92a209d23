"""Messages for group robots of WeCom (企业微信): Markdown in at most 4,096 bytes, three colours.

Its Markdown has no escapes, so customers' text has full-width twins in place of what would be markup.
"""

from collections.abc import Mapping
from datetime import timedelta

from alerts.channels.reading import Json, text
from alerts.channels.robots import Robot, Verdict
from alerts.domain.destinations import ChannelKind, WeCom
from alerts.domain.messages import Digest, Message

MAX_BYTES = 4_096

VERDICTS: Mapping[int, Verdict] = {
    -1: Verdict(),  # the system is busy
    45009: Verdict(pause=timedelta(minutes=1)),  # more than 20 messages a minute
    45033: Verdict(pause=timedelta(seconds=10)),  # too many at the same time
    40008: Verdict(retryable=False),  # no known msgtype
    40058: Verdict(retryable=False),  # a parameter is missing or too long
    44004: Verdict(retryable=False),  # empty content
    45002: Verdict(retryable=False),  # too long
    93000: Verdict(gone=True),  # the key is not valid, or the robot was taken out of its group
    93008: Verdict(gone=True),  # not in the group
}


class WeComSender(Robot):
    """Sends messages as Markdown."""

    DESTINATION = WeCom
    VERDICTS = VERDICTS

    def body(self, message: Message | Digest) -> Json:
        """The message as the robot takes it."""
        return self._templates.render(ChannelKind.WECOM, "md", message, read)


def read(rendered: str) -> Json:
    """The message around the Markdown that a template prints. Raises ValueError, `TooLong`."""
    return {"msgtype": "markdown", "markdown": {"content": text(rendered, MAX_BYTES)}}
