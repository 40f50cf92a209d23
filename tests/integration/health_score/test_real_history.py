"""Three years of 54 real accounts: every metric equals a plain recount of the file."""

import gzip
import json
from collections import defaultdict
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.integration.health_score.health import Health, usage

FILE = Path(__file__).parents[3].parent / "shared/data/usage-2012-2014.ndjson.gz"
AS_OF = ("2012-01-03", "2012-08-15", "2013-03-31", "2014-07-01", "2014-12-31", "2026-02-28")

Row = tuple[date, str, str]


@pytest.fixture(scope="module")
def file() -> list[dict[str, Any]]:
    if not FILE.exists():
        pytest.skip(f"{FILE} is not here")
    with gzip.open(FILE, "rt") as lines:
        return [json.loads(line) for line in lines]


def recount(rows: list[Row], day: date) -> dict[str, Any]:
    """The metrics as their definitions read, one row after the other."""

    def window(days: int, end: date = day) -> list[Row]:
        return [row for row in rows if end - timedelta(days=days) < row[0] <= end]

    def trend(now: int, before: int) -> float | None:
        return (now - before) / before if before else None

    def users(found: list[Row]) -> int:
        return len({user for _, user, _ in found})

    month, before = window(28), window(28, day - timedelta(days=28))
    daily = sum(users(window(1, day - timedelta(days=back))) for back in range(28))
    until = [row[0] for row in rows if row[0] <= day]
    return {
        "active_users_1d": users(window(1)),
        "active_users_7d": users(window(7)),
        "active_users_28d": users(month),
        "active_users_trend_28d": trend(users(month), users(before)),
        "days_since_last_activity": (day - max(until)).days if until else None,
        "events_28d": len(month),
        "features_used_28d": len({feature for _, _, feature in month}),
        "seat_utilisation": None,
        "stickiness_28d": daily / (28 * users(month)) if month else None,
        "usage_trend_28d": trend(len(month), len(before)),
        "usage_trend_7d": trend(len(window(7)), len(window(7, day - timedelta(days=7)))),
    }


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_metrics_equal_a_recount_of_the_file_sent_twice(health: Health, file: list[dict[str, Any]]) -> None:
    rows: dict[str, list[Row]] = defaultdict(list)
    events = []
    for line in file:
        account, feature = line["context"]["groupId"], line["properties"]["feature"]
        rows[account].append((datetime.fromisoformat(line["timestamp"]).date(), line["userId"], feature))
        events.append(
            usage(
                account,
                at=line["timestamp"],
                user=line["userId"],
                feature=feature,
                id=line["messageId"],
                received=health.clock.now(),
                properties=json.dumps(line["properties"]).encode(),
            )
        )

    for _ in range(2):
        for start in range(0, len(events), 1_000):
            await health.receives(*events[start : start + 1_000])
        await health.settle()

    assert len(rows) == 54
    for account, of_account in rows.items():
        for day in AS_OF:
            found = await health.metrics(account, as_of=day)
            assert found == recount(of_account, date.fromisoformat(day)), (account, day)
    (stored,) = await health.rows("SELECT count(*) AS events FROM health_score.raw_event")
    assert stored.events == len({line["messageId"] for line in file})
    (days,) = await health.rows(
        "SELECT count(*) AS closes, count(restated_at) AS restated FROM health_score.health_day"
    )
    first_days = [min(day for day, _, _ in of_account) for of_account in rows.values()]
    assert days.closes == sum((date(2026, 3, 1) - first).days for first in first_days)
    assert days.restated == 0
