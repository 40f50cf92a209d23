"""The pack for a review as it was at the period's end: goals by Mainstay's own metrics, and the promises in force."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from mainstay.contracts.facts import ObjectiveFact, TicketFact
from mainstay.contracts.ingest import ServicePolicy
from tests.integration.health_score.health import Health, daily, fact, instant, stated, value

FEBRUARY = {"from": "2026-02-01", "to": "2026-02-28"}
POLICIES = "/v1/service-policies"


async def pack(health: Health, **params: Any) -> Any:
    """The pack, which is the same for us and for the customer."""
    found = [
        (await health.get("/accounts/acme/report", **{**FEBRUARY, **params}, audience=audience))["pack"]
        for audience in ("customer", "internal")
    ]
    assert found[0] == found[1]
    return found[0]


async def page(health: Health, language: str) -> str:
    params = {**FEBRUARY, "audience": "customer", "format": "html", "language": language}
    answer = await health.api.get("/v1/accounts/acme/report", params=params)
    assert answer.status_code == 200, answer.text
    return answer.text


def objective(name: str, metric: str | None, baseline: float | None, target: float | None, **more: Any) -> Any:
    told: dict[str, Any] = {"words": name, "metric": metric, "baseline": baseline, "target": target, **more}
    return stated(ObjectiveFact("acme", name, instant("2026-01-10T09:00Z"), **told))


async def test_a_goal_with_a_metric_stands_where_mainstay_sees_it_as_the_period_ends(health: Health) -> None:
    await health.receives(*daily("acme", "2026-01-05", "2026-02-26", users=3))
    await health.receives(*daily("acme", "2026-03-01", "2026-03-01", users=6))
    await health.receives(value("acme", at="2026-01-01T00:00Z", seats=7))
    await health.receives(
        objective("people", "active_users_28d", 1.0, 5.0),
        objective("seats", "seat_utilisation", None, 0.5, due_on=date(2026, 3, 31)),
        objective("less silence", "days_since_last_activity", 10.0, 1.0, achieved=9.0, due_on=date(2026, 4, 1)),
        objective("by hand", None, 0.0, 10.0, achieved=2.5, due_on=date(2026, 4, 2)),
        objective("of a metric that is no more", "custom.gone", 0.0, 8.0, achieved=2.0, due_on=date(2026, 4, 3)),
    )
    await health.until("2026-03-03T08:00Z")

    goals = {each["words"]: (each["now"], each["progress"]) for each in (await pack(health))["goals"]}

    assert goals == {
        "people": (3, 0.5),
        "seats": (0.4286, None),
        "less silence": (2, 0.8889),
        "by hand": (2.5, 0.25),
        "of a metric that is no more": (2.0, 0.25),
    }
    running = (await pack(health, **{"from": "2026-03-01", "to": "2026-03-03"}))["goals"]
    assert {each["words"]: (each["now"], each["progress"]) for each in running}["people"] == (6, 1.0)
    plan = await health.get("/accounts/acme/success-plan")
    assert {each["words"]: each["value"] for each in plan["objectives"]} == {
        each["words"]: pytest.approx(each["now"], abs=0.0001) for each in running
    }
    for language, label, share in (("en", "Progress", "50%"), ("zh-Hans", "进度", "50%"), ("zh-Hant", "進度", "50%")):
        assert f'data-label="{label}">{share}</td>' in await page(health, language)


async def test_what_we_think_of_a_customer_is_no_goal_s_figure(health: Health) -> None:
    await health.receives(*daily("acme", "2026-01-05", "2026-02-26"))
    await health.receives(
        objective("mood", "csm_sentiment", 1.0, 3.0),
        objective("meetings", "touches_90d", 0.0, 3.0, achieved=2.0),
    )
    body = {"sentiment": "green", "note": "fine", "by": "ann"}
    assert (await health.api.put("/v1/accounts/acme/sentiment", json=body)).status_code == 200

    goals = (await pack(health, to="2026-03-01"))["goals"]

    assert {each["words"]: (each["now"], each["progress"]) for each in goals} == {
        "mood": (None, None), "meetings": (2.0, 0.6667),
    }  # fmt: skip


async def test_goals_and_stage_rules_may_go_by_an_operator_s_metric(health: Health) -> None:
    defined = await health.api.put(
        "/v1/metrics/custom.opened",
        json={"title": "Opened", "figure": "count", "filter": {"events": ["Report Opened"]}, "window_days": 28},
    )
    assert defined.status_code in {200, 201}, defined.text
    await health.until("2026-03-01T10:00Z")
    rule = {"name": "opened", "from": [None], "to": "growth", "when": [{"metric": "custom.opened", "at_least": 1}]}
    ruled = await health.api.put("/v1/stage-rules", json={"transitions": [rule]})
    assert ruled.status_code in {200, 201}, ruled.text
    await health.receives(*daily("acme", "2026-02-25", "2026-02-26", users=2))
    await health.receives(objective("opened", "custom.opened", 0.0, 16.0))
    await health.until("2026-03-02T10:00Z")

    (goal,) = (await pack(health))["goals"]

    assert (goal["now"], goal["progress"]) == (4, 0.25)


def ticket(thing: str, priority: Any, hours: float) -> Any:
    opened = instant("2026-02-10T10:00Z")
    answered = opened + timedelta(hours=hours)
    return stated(TicketFact("acme", thing, opened, opened_at=opened, priority=priority, first_response_at=answered))


async def promised(health: Health, **params: Any) -> tuple[Any, Any, Any]:
    found = (await pack(health, **params))["tickets"]
    return found["promised_hours"], found["promised_hours_by_priority"], found["in_time_share"]


async def test_tickets_are_held_against_the_policy_in_force_as_the_period_ends(health: Health) -> None:
    await health.receives(*daily("acme", "2026-02-01", "2026-02-26"))
    await health.receives(ticket("t1", "urgent", 2), ticket("t2", "low", 20), ticket("t3", None, 8))
    assert await promised(health) == (None, None, None)

    await health.receives(fact("acme", at="2026-02-28T10:00Z", tier="high"))
    by_priority = {"urgent": 1, "high": 4, "normal": 8, "low": 24}
    assert await promised(health) == (None, by_priority, 0.6667)
    for language, said in (
        ("en", "urgent within 1 h · high within 4 h · normal within 8 h · low within 24 h"),
        ("zh-Hans", "紧急：1 小时内 · 高：4 小时内 · 普通：8 小时内 · 低：24 小时内"),
        ("zh-Hant", "緊急：1 小時內 · 高：4 小時內 · 一般：8 小時內 · 低：24 小時內"),
    ):
        assert said in (await page(health, language)).replace("\u2068", "").replace("\u2069", "")

    policies = {"policies": [{"name": "all", "response_within_hours": 3}]}  # from the 1st of March on
    assert (await health.api.put(POLICIES, json=policies)).status_code == 201
    await health.until("2026-03-02T10:00Z")
    assert await promised(health) == (None, by_priority, 0.6667)
    assert await promised(health, to="2026-03-02") == (3, None, 0.3333)

    await health.receives(
        fact("acme", at="2026-02-27T10:00Z", service_policy=ServicePolicy(response_within_hours=10)),
        fact("acme", at="2026-03-01T08:00Z", service_policy=None),
    )
    assert await promised(health) == (10, None, 0.6667)
    assert await promised(health, to="2026-03-02") == (3, None, 0.3333)


async def test_a_policy_of_a_tier_by_rules_is_the_customers_at_the_end_too(health: Health) -> None:
    await health.receives(value("acme", at="2026-02-01T10:00Z", arr=[(Decimal(2000), "EUR")]))
    await health.receives(ticket("t1", None, 8))
    rules = {"rules": [{"name": "large", "tier": "high", "when": [{"arr": "EUR", "at_least": 1000}]}]}
    assert (await health.api.put("/v1/tier-rules", json=rules)).status_code == 201
    await health.until("2026-03-02T10:00Z")

    found = await health.get("/accounts/acme/report", audience="customer", **FEBRUARY)
    assert found["pack"]["tickets"]["in_time_share"] is None
    found = await health.get("/accounts/acme/report", audience="customer", **{**FEBRUARY, "to": "2026-03-01"})
    assert found["pack"]["tickets"]["in_time_share"] == 1.0
