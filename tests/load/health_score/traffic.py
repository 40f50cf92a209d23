"""The usage events that every contender consumes, and what they must have counted afterwards."""

import random
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

import msgspec

from mainstay.contracts.envelope import Event, encode
from mainstay.contracts.ingest import UsageRecorded
from mainstay.contracts.topics import USAGE_EVENTS
from mainstay.messaging.port import EventLog, Outgoing, Record
from tests.load.health_score.filling import account_id, shape_of, shapes

ACCOUNTS: Final = 200
FEATURES: Final = 12
EVENTS: Final = 120_000
REPEATED: Final = 0.01
"""The share of events that are sent a second time, soon after the first."""

NEWCOMERS: Final = 0.02
"""The share of events whose user was never here before; the others are of the account's users."""

PLAN: Final = msgspec.Raw(b'{"plan":"team","seconds":12}')


class Counts(NamedTuple):
    """What an account's day holds: events, distinct users, distinct features."""

    events: int
    users: int
    features: int


async def append_traffic(log: EventLog, events: int) -> None:
    """Append so many records of this moment, repeated ones among them."""
    outgoing = _traffic(events, datetime.now(UTC))
    for start in range(0, len(outgoing), 5_000):
        await log.append(outgoing[start : start + 5_000], within=timedelta(seconds=60))


def _traffic(events: int, now: datetime) -> Sequence[Outgoing]:
    chance, known = random.Random(1), shapes()
    records: list[Outgoing] = []
    for number in range(events):
        if records and chance.random() < REPEATED:
            records.append(chance.choice(records[-500:]))
            continue
        account = chance.randrange(ACCOUNTS) + 1
        is_new = chance.random() < NEWCOMERS
        data = UsageRecorded(
            account_id=account_id(account),
            event="Report Opened",
            feature=f"feature-{chance.randrange(FEATURES)}",
            occurred_at=now,
            received_at=now,
            user_id=f"newcomer-{number}" if is_new else f"user-{chance.randrange(shape_of(account, known).users)}",
            properties=PLAN,
        )
        records.append(encode(Event(f"event-{number}", "default", now, data)))
    return records


async def read_records(log: EventLog, count: int) -> Sequence[Record]:
    """The first records of the log, partition after partition."""
    found: list[Record] = []
    for partition, bounds in sorted((await log.bounds(USAGE_EVENTS.name)).items()):
        offset = bounds.first
        while offset < bounds.next and len(found) < count:
            page = await log.read(USAGE_EVENTS.name, partition, offset, min(5_000, count - len(found)))
            found += page
            offset = page[-1].offset + 1
    return found


def expected(records: Iterable[Record]) -> Mapping[str, Counts]:
    """What each account's day must hold after these records, each event once."""
    decode = msgspec.json.Decoder(UsageRecorded).decode
    events: dict[str, set[str | None]] = defaultdict(set)
    users: dict[str, set[str | None]] = defaultdict(set)
    features: dict[str, set[str]] = defaultdict(set)
    for record in records:
        data = decode(record.value)
        events[data.account_id].add(record.header("ce_id"))
        users[data.account_id].add(data.user_id)
        features[data.account_id].add(data.feature)
    return {account: Counts(len(ids), len(users[account]), len(features[account])) for account, ids in events.items()}
