"""Scorecards measure the operator's own metrics: once they are defined, whenever they change, and as of every day."""

from typing import Any

from tests.integration.health_score.health import Health, usage
from tests.integration.health_score.test_cards import activate
from tests.integration.health_score.test_cards import put as put_card
from tests.integration.health_score.test_custom_metrics import EXPORTS, computed, put

CARD = """
bands: {yellow: {begins: 50}, green: {begins: 75}, coverage_floor: 0}
groups:
  - name: use
    weight: 1
    measures:
      - {name: exports, metric: custom.per_user, weight: 1, steps: {edges: [3], scores: [10, 90]}}
"""
PER_USER: dict[str, Any] = {**EXPORTS, "divided_by": {"over": "metric", "name": "custom.users"}}
USERS: dict[str, Any] = {"figure": "users", "window_days": 28}


def exports(first: int, last: int) -> list[Any]:
    return [usage("acme", at=f"2026-02-{day}T12:00Z", event="Export") for day in range(first, last + 1)]


async def test_a_metric_of_a_scorecard_counts_once_it_is_defined_and_as_of_every_day(health: Health) -> None:
    await put_card(health, "mine", CARD)
    await activate(health, "mine")
    await health.receives(*exports(27, 28))
    await health.settle()
    assert (await health.health("acme"))["score"] is None

    await put(health, "custom.users", USERS)
    await put(health, "custom.per_user", PER_USER)
    await computed(health, "custom.users", "custom.per_user")
    await health.settle()

    found = await health.health("acme")
    (part,) = found["measures"]
    assert (found["score"], part["value"], part["unit"]) == (10, 2, "share")
    await health.until("2026-03-03T09:00Z")
    late = usage("acme", at="2026-03-02T12:00Z", received="2026-03-03T09:00Z", event="Export")
    await health.receives(late)  # its day's close is made again
    await health.settle()
    scores = {close["day"]: close["score"] for close in await health.history("acme")}
    assert (scores["2026-03-01"], scores["2026-03-02"]) == (10, 90)
    past = await health.get("/accounts/acme/health", as_of="2026-03-01")
    assert (past["score"], past["measures"][0]["value"]) == (10, 2)


async def test_another_version_of_a_metric_scores_the_accounts_anew(health: Health) -> None:
    await put(health, "custom.users", USERS)
    await put(health, "custom.per_user", PER_USER)
    await computed(health, "custom.users", "custom.per_user")
    await put_card(health, "mine", CARD)
    await activate(health, "mine")
    await health.receives(*exports(24, 28))
    await health.settle()
    assert (await health.health("acme"))["score"] == 90

    await put(health, "custom.per_user", {**PER_USER, "window_days": 2})  # the same series: it holds at once
    await health.settle()

    assert (await health.health("acme"))["score"] == 10


async def test_a_metric_that_a_scorecard_in_force_measures_is_not_retired(health: Health) -> None:
    await put(health, "custom.users", USERS)
    await put(health, "custom.per_user", PER_USER)
    await put_card(health, "mine", CARD)
    await activate(health, "mine", priority=1)

    refused = await health.api.delete("/v1/metrics/custom.per_user")
    assert (refused.status_code, refused.json()["code"]) == (409, "metric-in-use")
    assert "mine" in refused.json()["detail"]
    assert (await health.api.post("/v1/scorecards/mine/deactivate")).status_code == 200
    assert (await health.api.delete("/v1/metrics/custom.per_user")).status_code in {200, 204}


async def test_metrics_of_an_account_know_its_age_and_what_was_decided(health: Health) -> None:
    await health.receives(*exports(24, 28))
    answer = await health.api.put("/v1/accounts/acme/sentiment", json={"sentiment": "yellow"})
    assert answer.status_code == 200, answer.text

    now, then = await health.metrics("acme"), await health.metrics("acme", as_of="2026-02-28")
    assert (now["tenure_days"], now["csm_sentiment"]) == (6, 50)
    assert (then["tenure_days"], then["csm_sentiment"]) == (5, None)
