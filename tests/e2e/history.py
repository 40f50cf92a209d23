"""Real usage of some fifty organisations: read, sent by the official client, and recounted in plain Python."""

import gzip
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from segment.analytics.client import Client

FILE = Path(__file__).parents[2].parent / "shared" / "data" / "usage-2012-2014.ndjson.gz"
INSTANTS = (date(2012, 3, 31), date(2012, 12, 24), date(2013, 7, 15), date(2014, 2, 28), date(2014, 12, 31))


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the file."""

    message_id: str
    account: str
    user: str
    event: str
    at: datetime
    properties: dict[str, Any]

    @property
    def feature(self) -> str:
        feature = self.properties.get("feature")
        return feature if isinstance(feature, str) else self.event


def rows() -> list[Row]:
    """Every event of the file, in its order; skips the test where the file is absent."""
    if not FILE.exists():
        pytest.skip(f"{FILE.name} is not beside this checkout")
    with gzip.open(FILE, "rt", encoding="utf-8") as lines:
        return [
            Row(
                message_id=line["messageId"],
                account=line["context"]["groupId"],
                user=line["userId"],
                event=line["event"],
                at=datetime.fromisoformat(line["timestamp"]),
                properties=line["properties"],
            )
            for line in map(json.loads, lines)
        ]


def send(rows: Iterable[Row], *, host: str, write_key: str, between: Callable[[int], None] = lambda _: None) -> None:
    """Send rows through segment-analytics-python and return when all were answered with success.

    `between` is called with the number of rows handed over so far, every hundred rows.
    """
    refused: list[Exception] = []
    client = Client(
        write_key,
        host=host,
        gzip=True,
        max_queue_size=100_000,
        on_error=lambda error, _batch: refused.append(error),
        upload_size=100,
        upload_interval=0.05,
    )
    for number, row in enumerate(rows):
        client.track(
            user_id=row.user,
            event=row.event,
            properties=row.properties,
            context={"groupId": row.account},
            timestamp=row.at,
            message_id=row.message_id,
        )
        if number % 100 == 0:
            between(number)
    client.flush()
    client.join()
    assert not refused, refused[:3]


class Recount:
    """What every metric must be, counted anew from the rows without any code of the services."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self.accounts = sorted({row.account for row in rows})
        self._days: dict[str, dict[date, list[Row]]] = defaultdict(lambda: defaultdict(list))
        for row in rows:
            self._days[row.account][row.at.date()].append(row)
        self._known: dict[tuple[str, date], dict[str, Any]] = {}

    def metrics(self, account: str, as_of: date) -> dict[str, Any]:
        if (account, as_of) not in self._known:
            self._known[account, as_of] = self._counted(account, as_of)
        return self._known[account, as_of]

    def _counted(self, account: str, as_of: date) -> dict[str, Any]:
        events_28d = self._window(account, as_of, 28)
        before = self._window(account, as_of - timedelta(days=28), 28)
        active_days = [day for day in self._days[account] if day <= as_of]
        daily_users = Counter({day: len({row.user for row in self._window(account, day, 1)}) for day in active_days})
        users_28d = {row.user for row in events_28d}
        return {
            "active_users_1d": len({row.user for row in self._window(account, as_of, 1)}),
            "active_users_7d": len({row.user for row in self._window(account, as_of, 7)}),
            "active_users_28d": len(users_28d),
            "features_used_28d": len({row.feature for row in events_28d}),
            "events_28d": len(events_28d),
            "days_since_last_activity": (as_of - max(active_days)).days if active_days else None,
            "usage_trend_28d": (len(events_28d) - len(before)) / len(before) if before else None,
            "stickiness_28d": (
                sum(daily_users[as_of - timedelta(days=back)] for back in range(28)) / 28 / len(users_28d)
                if users_28d
                else None
            ),
        }

    def _window(self, account: str, as_of: date, days: int) -> list[Row]:
        return [row for back in range(days) for row in self._days[account].get(as_of - timedelta(days=back), ())]
