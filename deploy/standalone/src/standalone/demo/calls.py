"""Segment calls as the customers' product would send them: group calls with facts, track calls with usage."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from standalone.demo.cast import Account
from standalone.demo.history import Use

MAX_BATCH_BYTES = 480 * 1024
"""Below Segment's 500 KiB, with room for the envelope."""

MAX_BATCH_EVENTS = 2_500


@dataclass(frozen=True, slots=True)
class Batch:
    """Calls for one request, and the accounts whose calls are complete with it."""

    calls: tuple[bytes, ...]
    completes: tuple[str, ...]

    def body(self, sent_at: datetime) -> bytes:
        """The request's body; `sent_at` lets ingest see how the sender's clock differs."""
        return b'{"sentAt":%b,"batch":[%b]}' % (msgspec.json.encode(sent_at), b",".join(self.calls))


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


def batches(accounts: Iterable[tuple[str, Iterable[bytes]]]) -> Iterator[Batch]:
    """The accounts' calls in as few requests as the limits allow, each account's one after the other."""
    calls: list[bytes] = []
    completes: list[str] = []
    size = 0
    for account_id, of_account in accounts:
        for call in of_account:
            if size + len(call) + 1 > MAX_BATCH_BYTES or len(calls) == MAX_BATCH_EVENTS:
                yield Batch(tuple(calls), tuple(completes))
                calls, completes, size = [], [], 0
            calls.append(call)
            size += len(call) + 1
        completes.append(account_id)
    if calls or completes:
        yield Batch(tuple(calls), tuple(completes))
