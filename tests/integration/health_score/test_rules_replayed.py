"""Tiers, services and stages of the past: whatever came late, a backtest says of a day what was reported on it."""

import random
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from health_score.application.rules import rulebook
from health_score.domain.backtest.scoring import AsReported
from health_score.domain.metrics.catalogue import BUILT_IN
from health_score.domain.rulebook import NO_RULES
from health_score.domain.scoring import Scorer
from health_score.domain.stages import NOTHING_MOVED
from health_score.rulebook.reading import Kind
from health_score.scorecards.reading import check_scorecard
from mainstay.contracts.facts import TouchpointFact
from mainstay.contracts.health_score import StageChanged
from mainstay.contracts.ingest import AccountFact, ServicePolicy
from tests.integration.health_score.health import Health, instant, stated, usage, value

CARD: dict[str, Any] = {
    "id": "ruled",
    "bands": {"yellow": {"begins": 50}, "green": {"begins": 75}, "coverage_floor": 0},
    "groups": [
        {
            "name": "all",
            "weight": 1,
            "measures": [
                {"name": "recency", "metric": "days_since_last_activity", "weight": 1, "line": [[0, 100], [9, 0]]},
                {"name": "cadence", "metric": "touch_cadence_share", "weight": 3, "line": [[0, 100], [2, 0]]},
                {
                    "name": "many",
                    "metric": "active_users_28d",
                    "weight": 2,
                    "line": [[0, 0], [6, 100]],
                    "when": [{"attribute": "stage", "in": ["growth"]}, {"attribute": "tier", "not_in": ["low"]}],
                },
            ],
        }
    ],
}
RULES: dict[str, dict[str, Any]] = {
    "tier-rules": {
        "rules": [
            {"name": "large", "tier": "high", "when": [{"arr": "EUR", "at_least": 100}]},
            {"name": "brand", "tier": "medium", "when": [{"attribute": "brand_value", "in": ["high", "medium"]}]},
            {"name": "rest", "tier": "low"},
        ]
    },
    "stage-rules": {
        "transitions": [
            {
                "name": "comes",
                "from": [None, "nurture"],
                "to": "growth",
                "when": [{"metric": "active_users_28d", "above": 3}],
            },
            {
                "name": "goes",
                "from": ["growth"],
                "to": "nurture",
                "when": [{"metric": "days_since_last_activity", "above": 3}],
            },
        ]
    },
}


def _anything(chance: random.Random, account: str, at: datetime, number: int) -> Any:
    match chance.randint(0, 4):
        case 0:
            return stated(TouchpointFact(account, f"t{at}", at, "meeting"))
        case 1:
            return stated(AccountFact(account, at, stage=chance.choice(("growth", "nurture", "renewal", None))))
        case 2:
            policy = chance.choice((None, ServicePolicy(touch_every_days=5), ServicePolicy(name="low touch")))
            return stated(
                AccountFact(account, at, service_policy=policy, brand_value=chance.choice(("high", "low", None)))
            )
        case 3:
            return stated(AccountFact(account, at, tier=chance.choice(("high", "medium", None))))
        case _:
            return value(account, at=at, sequence=number + 1, arr=[(Decimal(chance.choice((50, 150))), "EUR")])


@pytest.mark.parametrize("seed", range(2))
async def test_a_backtest_says_what_was_reported_with_the_rules_of_then(health: Health, seed: int) -> None:
    chance = random.Random(seed)
    for kind, rules in RULES.items():
        assert (await health.api.put(f"/v1/{kind}", json=rules)).status_code == 201
    assert (await health.api.put("/v1/scorecards/ruled", json=CARD)).status_code == 201
    assert (await health.api.post("/v1/scorecards/ruled/activate", json={"priority": 9})).status_code == 200
    came: list[tuple[datetime, Any]] = []
    for day in range(32):
        for account in ("acme", "zeta"):
            at = instant("2026-03-01T09:30Z") + timedelta(days=day, minutes=chance.randint(0, 800))
            users = chance.sample(range(7), chance.choice((0, 0, 1, 4)))
            came += [(at, usage(account, at=at, user=f"user-{user}")) for user in users]
            if chance.random() < 0.5:
                late = timedelta(hours=chance.choice((0, 0, 30, 100)))
                came.append((at + late, _anything(chance, account, at, day)))
    for received, event in sorted(came, key=lambda each: each[0]):
        await health.until(received)
        await health.receives(event)
    await health.until("2026-04-10T00:00Z")

    last, scorer = date(2026, 4, 8), Scorer(check_scorecard(CARD, source="test").card)
    async with health.handlers.works() as work:
        pasts = await work.pasts.after("", 10, date(2026, 3, 1), last, scorer.needs)
        stored = {kind: await work.documents.versions(kind.value, "default") for kind in Kind}
    book = rulebook(stored, BUILT_IN)
    assert len({said.how for said in await health.said(StageChanged)}) == 2
    for past in (replace(each, rules=book) for each in pasts):
        then = AsReported(past, scorer, last)
        reported = {close["day"]: close["reported"] for close in await health.history(past.account_id)}
        found = {str(day): (close.score, close.band.value) for day, close in then.closes.items()}
        assert found == {day: (close["score"], close["band"]) for day, close in reported.items() if day in found}
        assert len(found) > 28
        assert then.closes != AsReported(replace(past, rules=NO_RULES), scorer, last).closes
        assert then.closes != AsReported(replace(past, journal=NOTHING_MOVED), scorer, last).closes
