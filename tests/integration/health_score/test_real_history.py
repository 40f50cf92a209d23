"""Three years of 54 real accounts: every metric equals a plain recount of the file."""

import gzip
import json
import statistics
from collections import defaultdict
from collections.abc import Callable
from datetime import date, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from tests.integration.health_score.health import Health, usage
from tests.integration.health_score.test_custom_metrics import computed, put

FILE = Path(__file__).parents[3].parent / "shared/data/usage-2012-2014.ndjson.gz"
AS_OF = ("2012-01-03", "2012-08-15", "2013-03-31", "2014-07-01", "2014-12-31", "2026-02-28")

Row = tuple[date, str, str, dict[str, Any]]

LARGE: dict[str, Any] = {
    "figure": "sum",
    "property": "insertions",
    "window_days": 28,
    "filter": {"events": ["Change Merged"], "properties": [{"property": "files", "at_least": 3}]},
}
REVIEWERS: dict[str, Any] = {
    "figure": "users",
    "window_days": 90,
    "filter": {"features": ["network", "compute", "db"]},
    "divided_by": {"over": "metric", "name": "active_users_28d"},
}


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
        return len({row[1] for row in found})

    def deviation(figure: Callable[[list[Row]], int], least: int) -> float | None:
        if not rows or min(row[0] for row in rows) > day - timedelta(weeks=8):
            return None
        baseline = [Fraction(figure(window(1, day - timedelta(weeks=week)))) for week in range(1, 9)]
        usual = statistics.median(baseline)
        if usual < least:
            return None
        spread = max(Fraction("1.4826") * statistics.median(abs(each - usual) for each in baseline), usual / 10)
        return float((figure(window(1)) - usual) / spread)

    month, before = window(28), window(28, day - timedelta(days=28))
    daily = sum(users(window(1, day - timedelta(days=back))) for back in range(28))
    until = [row[0] for row in rows if row[0] <= day]
    half_year = window(182)
    days_back = sorted({(day - row[0]).days for row in half_year})
    users_back = sorted({user: (day - on).days for on, user, *_ in sorted(half_year, key=lambda row: row[0])}.values())
    return {
        "active_users_1d": users(window(1)),
        "active_users_7d": users(window(7)),
        "active_users_28d": users(month),
        "active_users_trend_28d": trend(users(month), users(before)),
        "days_to_two_active_days": days_back[1] if len(days_back) > 1 else 182,
        "days_to_two_users": users_back[1] if len(users_back) > 1 else 182,
        "recent_users": sum(14_000 // (14 + back) for back in users_back) / 1000,
        "days_since_last_activity": (day - max(until)).days if until else None,
        "events_28d": len(month),
        "features_used_28d": len({row[2] for row in month}),
        "seat_utilisation": None,
        "activation": None,
        "days_to_activation": None,
        "time_to_first_value": None,
        "feature_breadth_28d": None,
        "user_engagement": None,
        **{
            f"active_users_trend_{span}d": trend(users(window(span)), users(window(span, day - timedelta(days=span))))
            for span in (7, 90)
        },
        "usage_trend_90d": trend(len(window(90)), len(window(90, day - timedelta(days=90)))),
        "usage_deviation": deviation(len, 20),
        "active_users_deviation": deviation(users, 5),
        "custom.large": sum(row[3]["insertions"] for row in month if row[3]["files"] >= 3),
        "custom.reviewers": users([row for row in window(90) if row[2] in REVIEWERS["filter"]["features"]])
        / users(month)
        if month
        else None,
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
        happened_on = datetime.fromisoformat(line["timestamp"]).date()
        rows[account].append((happened_on, line["userId"], feature, line["properties"]))
        events.append(
            usage(
                account,
                event=line["event"],
                at=line["timestamp"],
                user=line["userId"],
                feature=feature,
                id=line["messageId"],
                received=health.clock.now(),
                properties=json.dumps(line["properties"]).encode(),
            )
        )

    await put(health, "custom.reviewers", REVIEWERS)
    await computed(health, "custom.reviewers")
    for _ in range(2):
        for start in range(0, len(events), 1_000):
            await health.receives(*events[start : start + 1_000])
        await health.settle()
    await put(health, "custom.large", LARGE)
    await computed(health, "custom.large")

    assert len(rows) == 54
    for account, of_account in rows.items():
        for day in AS_OF:
            found = await health.metrics(account, as_of=day)
            expected = recount(of_account, date.fromisoformat(day))
            assert {name: found[name] for name in expected} == expected, (account, day)
    (stored,) = await health.rows("SELECT count(*) AS events FROM health_score.raw_event")
    assert stored.events == len({line["messageId"] for line in file})
    (days,) = await health.rows(
        "SELECT count(*) AS closes, count(restated_at) AS restated FROM health_score.health_day"
    )
    first_days = [min(row[0] for row in of_account) for of_account in rows.values()]
    assert days.closes == sum((date(2026, 3, 1) - first).days for first in first_days)
    assert days.restated == 0
