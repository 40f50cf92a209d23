"""The requests of the benchmark: the same bytes for Mainstay and for its peers."""

import json
import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

ACCOUNTS = 1_000
DIFFERENT_REQUESTS = 100
"""Sent in turn."""


@dataclass(frozen=True, slots=True)
class Size:
    """How many events a request carries, and over how many connections requests are sent at a time."""

    events: int
    connections: int

    @property
    def path(self) -> str:
        return "/v1/batch" if self.events > 1 else "/v1/track"


SIZES = (
    Size(events=1, connections=64),
    Size(events=10, connections=32),
    Size(events=100, connections=24),
    Size(events=1_000, connections=8),
)


def size_of(events: int) -> Size:
    """The size with that many events a request."""
    return next(size for size in SIZES if size.events == events)


def calls(size: Size) -> list[list[dict[str, object]]]:
    """The calls of each of the different requests; seeded, so that each run sends the same."""
    chance = random.Random(size.events)
    now = datetime.now(UTC)
    return [[_call(now, chance) for _ in range(size.events)] for _ in range(DIFFERENT_REQUESTS)]


def requests(size: Size, key: str) -> list[bytes]:
    """Whole HTTP requests as the Segment SDK for Python writes them."""
    return [_request(_body(size, one), size.path, key) for one in calls(size)]


def _body(size: Size, stated: list[dict[str, object]]) -> bytes:
    return json.dumps(
        {"batch": stated, "sentAt": datetime.now(UTC).isoformat()} if size.events > 1 else stated[0]
    ).encode()


def _call(now: datetime, chance: random.Random) -> dict[str, object]:
    return {
        "integrations": {},
        "anonymousId": None,
        "properties": {"feature": f"feature-{chance.randrange(40)}", "plan": "pro", "items": chance.randrange(100)},
        "timestamp": (now - timedelta(seconds=chance.random() * 60)).isoformat(),
        "type": "track",
        "userId": f"user-{chance.randrange(20 * ACCOUNTS)}",
        "event": "Report Opened",
        "messageId": str(UUID(int=chance.getrandbits(128))),
        "context": {
            "library": {"name": "analytics-python", "version": "2.4.0"},
            "groupId": f"account-{chance.randrange(ACCOUNTS)}",
        },
    }


def _request(body: bytes, path: str, key: str) -> bytes:
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: analytics-python/2.4.0\r\nAccept: */*\r\n"
        f"Accept-Encoding: gzip, deflate\r\nConnection: keep-alive\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {key}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
