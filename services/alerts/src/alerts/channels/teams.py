"""Messages for workflows of Microsoft Teams: Adaptive Cards 1.4.

Customers' text stands in text runs, in which no Markdown is read; a mention needs an entity, and only whom the message
is for has one.
"""

from datetime import datetime

from alerts.channels.http import post, refusal, taken
from alerts.channels.reading import Json, card, encoded
from alerts.channels.rendering import Templates
from alerts.domain.channels import Channel
from alerts.domain.deliveries import Delivered, Failed
from alerts.domain.destinations import ChannelKind, Teams
from alerts.domain.messages import Digest, Message
from mainstay.web.client import OutgoingClient

MAX_BYTES = 28 * 1_000
"""Of the whole request: 28 KB, in the smaller sense of the word."""
VERSION = "1.4"


class TeamsSender:
    """Sends messages as a card in the envelope that the template "Post to a channel when a webhook request …" takes."""

    def __init__(self, client: OutgoingClient, templates: Templates) -> None:
        self._client = client
        self._templates = templates

    async def send(
        self,
        channel: Channel,
        delivery_id: str,  # noqa: ARG002 - a workflow takes no id of the sender's
        message: Message | Digest,
        sent_at: datetime,
    ) -> Delivered | Failed:
        """One attempt. Success is 202 (or 200); 429 and 5xx are worth another try, a refusal is not."""
        destination = channel.destination
        if not isinstance(destination, Teams):
            raise TypeError(f"channel {channel.id} is no workflow of Teams")
        answer = await post(self._client, destination.url, encoded(self.body(message)), {})
        if isinstance(answer, Failed):
            return answer
        if answer.status in {200, 202}:
            return taken(answer)
        return refusal(answer, sent_at, retryable=answer.status in {408, 429} or not 300 <= answer.status < 500)

    def body(self, message: Message | Digest) -> Json:
        """The message as a workflow takes it."""
        return self._templates.render(ChannelKind.TEAMS, "json", message, read)


def read(rendered: str) -> Json:
    """The envelope around the card that a template prints. Raises ValueError, `TooLong`."""
    made = card(rendered)
    if made.get("type") != "AdaptiveCard" or made.get("version") != VERSION or not isinstance(made.get("body"), list):
        raise ValueError(f"it is no AdaptiveCard of version {VERSION} with a body")
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": made}
    body: Json = {"type": "message", "attachments": [attachment]}
    encoded(body, MAX_BYTES)
    return body
