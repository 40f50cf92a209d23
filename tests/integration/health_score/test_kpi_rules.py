"""Key figures under the tiers that rules gave, and against the promises of the policies in force, at each instant."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from mainstay.contracts.facts import SurveyResponseFact, TicketFact
from mainstay.contracts.ingest import ServicePolicy
from tests.integration.health_score.health import Health, fact, instant, stated, value

MARCH = {"from": "2026-03-01", "to": "2026-03-31", "period": "none"}
LARGE: dict[str, Any] = {"name": "large", "tier": "high", "when": [{"arr": "EUR", "at_least": 1000}]}
PARTNERS: dict[str, Any] = {
    "name": "partners",
    "tier": "low",
    "when": [{"attribute": "partnership", "in": ["strategic"]}],
}


async def put(health: Health, kind: str, document: Any) -> None:
    answer = await health.api.put(f"/v1/{kind}", json=document)
    assert answer.status_code in {200, 201}, answer.text
    await health.settle()


async def by_group(health: Health, kpi: str, **more: Any) -> dict[Any, Any]:
    answer = await health.get(f"/kpis/{kpi}", **MARCH, **more)
    return {tuple(row["group"].values()): row["figures"] for row in answer["data"]}


def answered(account: str, at: str, score: int = 9) -> Any:
    return stated(SurveyResponseFact(account, at, instant(at), "nps", score))


def ticket(account: str, at: str, priority: Any = None, *, answered: float, resolved: float | None) -> Any:
    opened = instant(at)
    return stated(
        TicketFact(
            account, f"{at}-{priority}", opened, opened_at=opened, priority=priority,
            first_response_at=opened + timedelta(hours=answered),
            resolved_at=None if resolved is None else opened + timedelta(hours=resolved),
        )
    )  # fmt: skip


async def test_answers_count_under_the_tier_that_the_rules_gave_then(health: Health) -> None:
    """ARR rises on the 10th; rules for large contracts come on the 5th, others in their place on the 15th."""
    await health.receives(fact("acme", at="2026-02-01T10:00Z", partnership="strategic"))
    await health.receives(value("acme", at="2026-02-01T10:00Z", arr=[(Decimal(10), "EUR")]))
    await health.until("2026-03-05T12:00Z")
    await put(health, "tier-rules", {"rules": [LARGE]})
    await health.until("2026-03-10T12:00Z")
    await health.receives(value("acme", at="2026-03-10T12:00Z", sequence=2, arr=[(Decimal(2000), "EUR")]))
    await health.until("2026-03-15T12:00Z")
    await put(health, "tier-rules", {"rules": [PARTNERS]})
    await health.until("2026-03-20T12:00Z")
    await health.receives(fact("acme", at="2026-03-20T12:00Z", tier="gold"))
    await health.receives(
        *(answered("acme", f"2026-03-{day:02}T{hour}:00Z") for day in (5, 10, 15, 20) for hour in (11, 13))
    )
    await health.until("2026-03-21T12:00Z")

    found = await by_group(health, "nps", by="tier")

    # 5th 11:00 to 10th 11:00: none; until 15th 11:00: high; until 20th 11:00: low.
    assert {tier: each["answers"] for (tier,), each in found.items()} == {"gold": 1 + 3, "high": 2, "low": 2}


async def test_a_tier_that_nobody_ever_states_is_dated(health: Health) -> None:
    await health.receives(value("acme", at="2026-02-01T10:00Z", arr=[(Decimal(10), "EUR")]))
    await put(health, "tier-rules", {"rules": [LARGE]})
    await health.until("2026-03-10T12:00Z")
    await health.receives(value("acme", at="2026-03-10T12:00Z", sequence=2, arr=[(Decimal(2000), "EUR")]))
    await health.receives(answered("acme", "2026-03-10T11:00Z", 2), answered("acme", "2026-03-10T13:00Z"))
    await health.until("2026-03-10T14:00Z")
    assert (await health.get("/accounts/acme"))["tier"] == "high"

    assert {tier: each["nps"] for (tier,), each in (await by_group(health, "nps", by="tier")).items()} == {
        "high": 100.0,
        None: -100.0,
    }
    assert (await by_group(health, "nps", tier="high"))[()]["answers"] == 1
    assert (await by_group(health, "nps", tier=""))[()]["answers"] == 1
    assert (await by_group(health, "nps"))[()]["answers"] == 2


async def test_a_record_older_than_its_facts_still_has_its_tier(health: Health) -> None:
    """Facts were not always kept: of such an account there is only what its record says."""
    await put(health, "tier-rules", {"rules": [PARTNERS]})
    await health.receives(
        fact("acme", at="2026-03-01T08:00Z", tier="gold"),
        fact("umbrella", at="2026-03-01T09:05Z", partnership="strategic"),
    )
    async with health.database.engine.begin() as connection:
        await connection.exec_driver_sql("DELETE FROM health_score.fact")
    await health.receives(
        *(answered(account, "2026-03-01T09:01Z") for account in ("acme", "umbrella")),
        answered("umbrella", "2026-03-01T09:08Z"),
    )
    await health.until("2026-03-02T12:00Z")

    found = await by_group(health, "nps", by="account,tier")

    assert {group: each["answers"] for group, each in found.items()} == {
        ("acme", "gold"): 1, ("umbrella", "low"): 1, ("umbrella", None): 1
    }  # fmt: skip


async def test_promises_are_those_of_the_policy_in_force_as_the_ticket_was_opened(health: Health) -> None:
    """The policy that comes along promises the tier high 1 and 4 hours to answer, and 8 and 24 to resolve."""
    await health.receives(fact("acme", at="2026-02-01T10:00Z", tier="high"), fact("other", at="2026-02-01T10:00Z"))
    await health.until("2026-03-10T12:00Z")
    slow = {"name": "slow", "response_within_hours": 100, "resolution_within_hours": {"urgent": 200}}
    await put(health, "service-policies", {"policies": [slow]})
    await health.receives(
        ticket("acme", "2026-03-02T10:00Z", "urgent", answered=1, resolved=9),
        ticket("acme", "2026-03-02T10:00Z", "high", answered=5, resolved=23),
        ticket("acme", "2026-03-02T10:00Z", answered=8, resolved=None),  # a normal one: 72 hours to resolve
        ticket("acme", "2026-03-10T13:00Z", "urgent", answered=99, resolved=201),
        ticket("other", "2026-03-02T10:00Z", "urgent", answered=99, resolved=201),
        ticket("other", "2026-03-10T13:00Z", "low", answered=101, resolved=None),
    )
    await health.until("2026-03-25T12:00Z")

    found = await by_group(health, "support", by="account")

    assert found["acme",]["in_time"] == {"share": 0.75, "in_time": 3, "n": 4}
    assert found["acme",]["resolved_in_time"] == {"share": 0.25, "in_time": 1, "n": 4}
    assert found["other",]["in_time"] == {"share": 0.0, "in_time": 0, "n": 1}
    assert found["other",]["resolved_in_time"] == {"share": None, "in_time": 0, "n": 0}

    await health.receives(
        fact("acme", at="2026-03-01T10:00Z", service_policy=ServicePolicy(name="slow", response_within_hours=2))
    )
    found = await by_group(health, "support", by="account")
    assert found["acme",]["in_time"] == {"share": 0.25, "in_time": 1, "n": 4}  # stated beats policy


async def test_what_is_opened_again_is_not_resolved_and_may_still_be(health: Health) -> None:
    await health.receives(fact("acme", at="2026-02-01T10:00Z", tier="high"))
    again = TicketFact("acme", "2026-03-02T10:00Z-urgent", instant("2026-03-02T13:00Z"), resolved_at=None)
    await health.receives(ticket("acme", "2026-03-02T10:00Z", "urgent", answered=1, resolved=2), stated(again))

    judged = []
    for now in ("2026-03-02T17:00Z", "2026-03-02T19:00Z"):  # 8 hours are promised
        await health.until(now)
        judged.append((await by_group(health, "support"))[()]["resolved_in_time"])
    assert judged == [{"share": None, "in_time": 0, "n": 0}, {"share": 0.0, "in_time": 0, "n": 1}]


@pytest.mark.parametrize("decided_by", ["hand", "rule"])
async def test_a_policy_may_go_by_the_stage_of_the_day(health: Health, decided_by: str) -> None:
    slow = {"name": "grown", "response_within_hours": 1, "when": [{"attribute": "stage", "in": ["growth"]}]}
    await put(health, "service-policies", {"policies": [slow]})
    await health.receives(fact("acme", at="2026-03-01T08:00Z", stage="onboarding"))
    await health.until("2026-03-10T12:00Z")
    ways: dict[str, dict[str, Any]] = {"hand": {"stage": "growth"}, "rule": {"go_live_on": date(2026, 3, 10)}}
    await health.receives(fact("acme", at="2026-03-10T12:00Z", **ways[decided_by]))
    assert (await health.get("/accounts/acme"))["stage"] == "growth"
    await health.receives(
        ticket("acme", "2026-03-10T11:00Z", answered=2, resolved=None),
        ticket("acme", "2026-03-10T13:00Z", answered=2, resolved=None),
    )
    await health.until("2026-03-11T12:00Z")

    assert (await by_group(health, "support"))[()]["in_time"] == {"share": 0.0, "in_time": 0, "n": 1}
