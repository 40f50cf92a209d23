"""Stage rules on half a year of real usage: every move happens on the day on which a plain recount says it does."""

import gzip
import json
from collections import defaultdict
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.integration.health_score.health import Health, fact, usage

FILE = Path(__file__).parents[3].parent / "shared/data/usage-2012-2014.ndjson.gz"
FIRST, LAST = date(2012, 1, 1), date(2012, 6, 30)
MANY, QUIET = 5, 4

RULES: dict[str, Any] = {
    "target_dwell_days": {"onboarding": 60, "nurture": 10},
    "transitions": [
        {
            "name": "grows",
            "from": ["onboarding"],
            "to": "growth",
            "when": [{"metric": "active_users_28d", "at_least": MANY}],
        },
        {
            "name": "quiet",
            "from": ["growth"],
            "to": "nurture",
            "when": [{"metric": "days_since_last_activity", "at_least": QUIET}],
        },
        {
            "name": "back",
            "from": ["nurture"],
            "to": "growth",
            "when": [{"metric": "days_since_last_activity", "below": 1}],
        },
    ],
}


def recount(users_on: dict[date, set[str]]) -> list[tuple[str, date]]:
    """The stages with the days of their entry, looked at in the morning and after the events of each day."""
    stage, entries = "onboarding", [("onboarding", FIRST)]
    day = FIRST
    while day <= LAST:
        moved: set[str] = set()
        for so_far in (day - timedelta(days=1), day):
            active = [each for each in users_on if each <= so_far]
            came = {user for each in active if each > day - timedelta(days=28) for user in users_on[each]}
            quiet = (day - max(active)).days if active else None
            while True:
                if stage == "onboarding" and len(came) >= MANY:
                    rule, to = "grows", "growth"
                elif stage == "growth" and quiet is not None and quiet >= QUIET:
                    rule, to = "quiet", "nurture"
                elif stage == "nurture" and quiet == 0:
                    rule, to = "back", "growth"
                else:
                    break
                if rule in moved:
                    break
                moved.add(rule)
                stage = to
                entries.append((stage, day))
        day += timedelta(days=1)
    return entries


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_accounts_move_on_the_days_that_a_recount_says(health: Health) -> None:
    if not FILE.exists():
        pytest.skip(f"{FILE} is not here")
    events: dict[str, list[Any]] = defaultdict(list)
    users_on: dict[str, dict[date, set[str]]] = defaultdict(lambda: defaultdict(set))
    with gzip.open(FILE, "rt") as lines:
        for line in map(json.loads, lines):
            account, on = line["context"]["groupId"], datetime.fromisoformat(line["timestamp"]).date()
            if FIRST <= on <= LAST:
                users_on[account][on].add(line["userId"])
                events[account].append(usage(account, at=line["timestamp"], user=line["userId"], id=line["messageId"]))
    largest = sorted(events, key=lambda account: (-len(events[account]), account))
    chosen = [largest[place] for place in (1, 5, 8, 12)]
    health.clock.move_to(datetime.fromisoformat("2012-01-01T00:00:01Z"))
    assert (await health.api.put("/v1/stage-rules", json=RULES)).status_code == 201
    for account in chosen:
        await health.receives(fact(account, at="2012-01-01T00:00:01Z", stage="onboarding"))

    await health.lives_through(*(event for account in chosen for event in events[account]))
    await health.until("2012-06-30T23:59Z")

    for account in chosen:
        shown = await health.get(f"/accounts/{account}/lifecycle")
        stays = [*reversed(shown["before"]), shown["now"]]
        assert [(stay["stage"], date.fromisoformat(stay["entered_on"])) for stay in stays] == recount(users_on[account])
    moved = {len(recount(users_on[account])) for account in chosen}
    assert max(moved) > 5  # they do move
