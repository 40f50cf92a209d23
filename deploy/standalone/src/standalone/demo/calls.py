"""Segment calls as the customers' product would send them: group calls with facts, track calls with usage."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

import msgspec

from standalone.demo.cast import Account
from standalone.demo.history import Use

MAX_BATCH_BYTES = 480 * 1024
"""Below Segment's 500 KiB, with room for the envelope."""

MAX_BATCH_EVENTS = 2_500


def group_call(account: Account, at: datetime) -> bytes:
    """The facts about an account."""
    return msgspec.json.encode(
        {
            "type": "group",
            "messageId": f"{account.id}-facts",
            "groupId": account.id,
            "userId": "crm",
            "timestamp": at,
            "traits": {
                "name": account.name,
                "industry": account.industry,
                "owner": account.owner,
                "tier": account.tier,
                "zone": account.zone,
            },
        }
    )


def track_call(use: Use) -> bytes:
    """One use of the product."""
    return msgspec.json.encode(
        {
            "type": "track",
            "messageId": use.id,
            "event": use.event,
            "userId": use.user_id,
            "timestamp": datetime.fromtimestamp(use.at, UTC),
            "context": {"groupId": use.account_id},
            "properties": {"feature": use.feature},
        }
    )


def batches(calls: Iterable[bytes]) -> Iterator[Sequence[bytes]]:
    """The calls in as few requests as the limits allow, in their order."""
    batch: list[bytes] = []
    size = 0
    for call in calls:
        if size + len(call) + 1 > MAX_BATCH_BYTES or len(batch) == MAX_BATCH_EVENTS:
            yield batch
            batch, size = [], 0
        batch.append(call)
        size += len(call) + 1
    if batch:
        yield batch


def batch_body(batch: Sequence[bytes], sent_at: datetime) -> bytes:
    """The body of one request; `sent_at` lets ingest see how the sender's clock differs."""
    return b'{"sentAt":%b,"batch":[%b]}' % (msgspec.json.encode(sent_at), b",".join(batch))
