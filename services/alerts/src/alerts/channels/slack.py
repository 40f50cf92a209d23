"""Messages for Slack's incoming webhooks, and for chats that speak their format.

Limits are those of Slack's documentation. Customers' text is escaped, and stands in plain-text objects, in which
Slack interprets no markup at all; a cut is made between characters and says that it was made.
"""

from datetime import datetime
from typing import Any

import msgspec

from alerts.channels.http import post, refusal
from alerts.domain.channels import Channel, Slack
from alerts.domain.deliveries import Delivered, Failed
from alerts.domain.messages import TEST, Message
from alerts.domain.words import Severity
from mainstay.web.client import OutgoingClient

MAX_HEADER_CHARS = 150
MAX_SECTION_CHARS = 3_000
MAX_FIELD_CHARS = 2_000
MAX_FALLBACK_CHARS = 3_000
CUT = "… (cut)"

MARKS = {
    Severity.CRITICAL: ":red_circle:",
    Severity.WARNING: ":large_yellow_circle:",
    Severity.INFO: ":information_source:",
}
RESOLVED_MARK = ":white_check_mark:"


class SlackSender:
    """Sends messages as blocks, with a line of text for notifications and for clients without blocks."""

    def __init__(self, client: OutgoingClient) -> None:
        self._client = client

    async def send(self, channel: Channel, delivery_id: str, message: Message, sent_at: datetime) -> Delivered | Failed:  # noqa: ARG002 - Slack takes no id of the sender's
        """One attempt. Success is 200 and `ok`; 429 and 5xx are worth another try, a refusal is not."""
        destination = channel.destination
        if not isinstance(destination, Slack):
            raise TypeError(f"channel {channel.id} is no chat")
        body = msgspec.json.encode({"text": fallback(message), "blocks": blocks(message)})
        answer = await post(self._client, destination.url, body, {})
        if isinstance(answer, Failed):
            return answer
        if answer.status == 200 and answer.body.strip() == b"ok":
            return Delivered()
        return refusal(answer, sent_at, retryable=answer.status in {408, 429} or not 300 <= answer.status < 500)


def fallback(message: Message) -> str:
    """The line that a phone shows."""
    return fit(f"{message.title}. {message.text}".strip(), MAX_FALLBACK_CHARS)


def blocks(message: Message) -> list[dict[str, Any]]:
    """What happened, why, what it is worth and whose it is, what to do next, where to look."""
    mark = RESOLVED_MARK if message.kind == "resolved" else MARKS[message.severity]
    found: list[dict[str, Any]] = [
        {"type": "header", "text": {"type": "plain_text", "text": fit(message.title, MAX_HEADER_CHARS)}},
    ]
    if message.text:
        found.append({"type": "section", "text": _plain(message.text, MAX_SECTION_CHARS)})
    if message.kind != TEST:
        found.append(
            {
                "type": "section",
                "fields": [
                    _plain(f"Worth: {message.worth}", MAX_FIELD_CHARS),
                    _plain(f"Owner: {message.owner}", MAX_FIELD_CHARS),
                    _plain(f"Tier: {message.account.tier or 'none'}", MAX_FIELD_CHARS),
                    _plain(f"Since: {message.occurred_at:%Y-%m-%d %H:%M} UTC", MAX_FIELD_CHARS),
                ],
            }
        )
    if message.next_steps:
        steps = "\n".join(f"{number}. {step}" for number, step in enumerate(message.next_steps, 1))
        found.append({"type": "section", "text": _plain(f"What to do next\n{steps}", MAX_SECTION_CHARS)})
    links = "   ".join(f"<{escape(url)}|{escape(title)}>" for title, url in message.links)
    context = [{"type": "mrkdwn", "text": f"{mark} {message.severity} · {message.category}"}]
    if links and len(links) <= MAX_FIELD_CHARS:
        context.append({"type": "mrkdwn", "text": links})
    found.append({"type": "context", "elements": context})
    return found


def escape(text: str) -> str:
    """Slack's three control characters as text."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def fit(text: str, max_chars: int) -> str:
    """The escaped text in at most `max_chars`; cut between characters, never inside an escape, and saying so."""
    escaped = escape(text)
    if len(escaped) <= max_chars:
        return escaped
    room = max_chars - len(CUT)
    kept: list[str] = []
    for character in text:
        piece = escape(character)
        if len(piece) > room:
            break
        kept.append(piece)
        room -= len(piece)
    return "".join(kept) + CUT


def _plain(text: str, max_chars: int) -> dict[str, Any]:
    return {"type": "plain_text", "text": fit(text, max_chars), "emoji": False}
