"""Signed webhooks, in the form of Standard Webhooks: any of its libraries verifies them."""

from datetime import datetime
from typing import Any

import msgspec
from standardwebhooks.webhooks import Webhook as Signer

from alerts.channels.http import post, refusal, taken
from alerts.domain.channels import Channel
from alerts.domain.deliveries import Delivered, Failed
from alerts.domain.destinations import Webhook
from alerts.domain.messages import CHANNEL_DISABLED, DAILY, TEST, WEEKLY, Digest, Message
from alerts.domain.task_messages import ESCALATED, MESSAGE, OVERDUE
from mainstay.web.client import OutgoingClient

TYPES = {
    TEST: "mainstay.channel.test",
    CHANNEL_DISABLED: "mainstay.channel.disabled",
    DAILY: "mainstay.digest.daily",
    WEEKLY: "mainstay.digest.weekly",
    OVERDUE: "mainstay.task.overdue",
    ESCALATED: "mainstay.task.escalated",
    MESSAGE: "mainstay.playbook.message",
}


class WebhookSender:
    """Sends messages as JSON, signed with the channel's secret, and with the one before it while that is rotated."""

    def __init__(self, client: OutgoingClient) -> None:
        self._client = client

    async def send(
        self, channel: Channel, delivery_id: str, message: Message | Digest, sent_at: datetime
    ) -> Delivered | Failed:
        """One attempt. Every answer but 2xx is a failure; all but 410 are worth another try."""
        destination = channel.destination
        if not isinstance(destination, Webhook):
            raise TypeError(f"channel {channel.id} is no webhook")
        if isinstance(message, Digest):
            raise TypeError("a webhook has no quota, and so no digests")
        secrets = destination.secrets_at(sent_at)
        body = msgspec.json.encode(payload(message))
        headers = {
            "webhook-id": delivery_id,
            "webhook-timestamp": str(int(sent_at.timestamp())),
            "webhook-signature": " ".join(Signer(one).sign(delivery_id, sent_at, body.decode()) for one in secrets),
        }
        answer = await post(self._client, destination.url, body, headers, *secrets)
        if isinstance(answer, Failed):
            return answer
        return taken(answer) if 200 <= answer.status < 300 else refusal(answer, sent_at, retryable=True)


def payload(message: Message) -> dict[str, Any]:
    """The body: `type`, `timestamp` and `data`, as Standard Webhooks advises. Names follow the HTTP API's."""
    account, alert = message.account, message.alert
    data: dict[str, Any] = {
        "notification_id": message.notification_id,
        "language": message.words.language,
        "title": message.title,
        "text": message.text,
        "severity": message.severity,
        "category": message.category,
        "occurred_at": message.occurred_at,
        "account": {
            "id": account.id,
            "name": account.name,
            "owner": account.owner,
            "tier": account.tier,
            "arr": [{"amount": str(money.amount), "currency": money.currency} for money in account.arr],
            "seats": account.seats,
            "next_renewal_on": account.next_renewal_on,
        },
        "next_steps": message.next_steps,
        "links": [{"title": title, "url": url} for title, url in message.links],
    }
    if alert is not None:
        data["alert"] = {
            "id": alert.id,
            "identity": alert.identity,
            "rule": alert.rule,
            "grade": alert.grade,
            "state": alert.state,
            "opened_at": alert.opened_at,
            "resolved_at": alert.resolved_at,
            "resolution": alert.resolution,
        }
    if message.sections:
        data["sections"] = [{"heading": heading, "lines": lines} for heading, lines in message.sections]
    if message.mention is not None:
        data["mention"] = message.mention
    kind = TYPES.get(message.kind, f"mainstay.alert.{message.kind}")
    return {"type": kind, "timestamp": message.occurred_at, "data": data}
