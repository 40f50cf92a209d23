"""Messages for Slack's incoming webhooks, and for chats that speak their format.

Customers' text is escaped, and stands in plain-text objects, in which Slack interprets no markup at all.
"""

from datetime import datetime
from typing import Any

from alerts.channels.http import post, refusal, taken
from alerts.channels.reading import Json, card, encoded
from alerts.channels.rendering import Templates
from alerts.domain.channels import Channel
from alerts.domain.deliveries import Delivered, Failed
from alerts.domain.destinations import ChannelKind, Slack
from alerts.domain.messages import Digest, Message
from mainstay.web.client import OutgoingClient

MAX_BLOCKS = 50
MAX_BYTES = 40_000
"""Of the whole message: Slack says 40,000 characters of text."""


class SlackSender:
    """Sends messages as blocks, with a line of text for notifications and for clients without blocks."""

    def __init__(self, client: OutgoingClient, templates: Templates) -> None:
        self._client = client
        self._templates = templates

    async def send(
        self,
        channel: Channel,
        delivery_id: str,  # noqa: ARG002 - Slack takes no id of the sender's
        message: Message | Digest,
        sent_at: datetime,
    ) -> Delivered | Failed:
        """One attempt. Success is 200 and `ok`; 429 and 5xx are worth another try, a refusal is not."""
        destination = channel.destination
        if not isinstance(destination, Slack):
            raise TypeError(f"channel {channel.id} is no chat")
        body = encoded(self.body(message))
        answer = await post(self._client, destination.url, body, {})
        if isinstance(answer, Failed):
            return answer
        if answer.status == 200 and answer.body.strip() == b"ok":
            return taken(answer)
        return refusal(answer, sent_at, retryable=answer.status in {408, 429} or not 300 <= answer.status < 500)

    def body(self, message: Message | Digest) -> Json:
        """The message as Slack takes it."""
        return self._templates.render(ChannelKind.SLACK, "json", message, read)


def read(rendered: str) -> dict[str, Any]:
    """The message that a template prints. Raises ValueError for what Slack would refuse."""
    made = card(rendered)
    if not isinstance(made.get("text"), str) or not isinstance(made.get("blocks", []), list):
        raise ValueError("a message has a text, and may have blocks")  # noqa: TRY004 - as every mistake in a template
    if len(made.get("blocks", [])) > MAX_BLOCKS:
        raise ValueError(f"more than {MAX_BLOCKS} blocks")
    encoded(made, MAX_BYTES)
    return made
