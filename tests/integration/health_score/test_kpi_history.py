"""Three years of 54 real accounts: active users and adoption of every month equal a plain recount of the file."""

import gzip
import json
from collections import defaultdict
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from health_score.domain.kpis.periods import Every, Period, periods
from tests.integration.health_score.health import Health, fact, usage
from tests.integration.health_score.test_real_history import FILE

FIRST, LAST = date(2012, 1, 1), date(2014, 12, 31)
Use = tuple[str, date, str, str]
"""An account, a day (all are in UTC), a user and a feature."""


def is_handed_over(account: str) -> bool:
    """Every other one, by the last digit of its id."""
    return int(account[-1], 16) % 2 == 1


def owner_on(account: str, day: date) -> str:
    """The owner as a day ended: some accounts change hands in the middle of a month."""
    return "lee" if is_handed_over(account) and day >= date(2013, 5, 17) else "kim"


def of_window(rows: list[Use], end: date, length: int) -> list[Use]:
    return [row for row in rows if end - timedelta(days=length) < row[1] <= end]


def recount(rows: list[Use], period: Period) -> dict[str, Any]:
    """A period's figures as their definitions read, one row after the other."""
    month = of_window(rows, period.last, 28)
    people = {(account, user) for account, _, user, _ in month}
    user_days = {(account, day, user) for account, day, user, _ in month}
    of_period = {(account, day, user) for account, day, user, _ in rows if period.first <= day <= period.last}
    features = {(account, feature) for account, _, _, feature in month}
    accounts = len({account for account, *_ in month})
    return {
        "daily": len({(a, u) for a, _, u, _ in of_window(rows, period.last, 1)}),
        "weekly": len({(a, u) for a, _, u, _ in of_window(rows, period.last, 7)}),
        "monthly": len(people),
        "accounts": accounts,
        "user_days_28d": len(user_days),
        "stickiness": len(user_days) / (28 * len(people)) if people else None,
        "user_days": len(of_period),
        "daily_mean": len(of_period) / ((period.last - period.first).days + 1),
        "features_used": len(features),
        "features_per_account": len(features) / accounts if accounts else None,
        "users_of": {
            name: len({(a, u) for a, _, u, f in month if f == name}) for name in sorted({f for *_, f in rows})
        },
    }


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_every_month_equals_a_recount_of_the_file(health: Health) -> None:
    if not FILE.exists():
        pytest.skip(f"{FILE} is not here")
    rows: list[Use] = []
    events = []
    with gzip.open(FILE, "rt") as lines:
        for line in map(json.loads, lines):
            account, feature = line["context"]["groupId"], line["properties"]["feature"]
            day = datetime.fromisoformat(line["timestamp"]).date()
            rows.append((account, day, line["userId"], feature))
            told = {"at": line["timestamp"], "user": line["userId"], "feature": feature, "id": line["messageId"]}
            events.append(usage(account, **told, received=health.clock.now()))
    accounts = sorted({account for account, *_ in rows})
    await health.receives(*(fact(account, at="2011-01-01T00:00Z", owner="kim") for account in accounts))
    moved = [account for account in accounts if is_handed_over(account)]
    await health.receives(*(fact(account, at="2013-05-17T00:00Z", owner="lee") for account in moved))
    for start in range(0, len(events), 2_000):
        await health.receives(*events[start : start + 2_000])
    asked = {"from": str(FIRST), "to": str(LAST)}
    features = sorted({feature for *_, feature in rows})[:20]

    found = await health.get("/kpis/active-users", **asked)
    by_owner = await health.get("/kpis/active-users", **asked, by="owner")
    adoption = await health.get("/kpis/adoption", **asked, feature=features)

    assert len(moved) not in {0, len(accounts)}
    months = periods(FIRST, LAST, Every.MONTH)
    days_by_owner: dict[tuple[str, date], set[tuple[str, date, str]]] = defaultdict(set)
    for account, day, user, _ in rows:
        days_by_owner[owner_on(account, day), day.replace(day=1)].add((account, day, user))
    for period, told, used in zip(months, found["data"], adoption["data"], strict=True):
        expected = recount(rows, period)
        figures = {**told["figures"], **used["figures"]}
        names = set(expected) - {"users_of"}
        assert {name: figures[name] for name in names} == {name: expected[name] for name in names}, period
        assert {each["feature"]: each["users"] for each in figures["features"]} == {
            name: expected["users_of"][name] for name in features
        }, period
        assert {each["eligible"] for each in figures["features"]} == {expected["monthly"]}
    told_by_owner = {
        (row["group"]["owner"], date.fromisoformat(row["first_day"])): row["figures"]["user_days"]
        for row in by_owner["data"]
    }
    assert {key: days for key, days in told_by_owner.items() if days} == {
        key: len(days) for key, days in days_by_owner.items() if FIRST <= key[1] <= LAST
    }
