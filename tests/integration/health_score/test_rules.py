"""Tier rules, service policies and stage rules as documents over HTTP, and what they make of accounts."""

import asyncio
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import text

from mainstay.contracts.facts import TicketFact, TouchpointFact
from mainstay.contracts.health_score import AccountChanged, ServicePromises
from mainstay.contracts.ingest import ServicePolicy
from tests.integration.health_score.health import Health, daily, fact, instant, stated, usage, value

TIERS: dict[str, Any] = {
    "rules": [
        {"name": "large", "tier": "high", "when": [{"arr": "EUR", "at_least": 1000}], "reason": "a large contract"},
        {"name": "partners", "tier": "medium", "when": [{"attribute": "partnership", "in": ["strategic"]}]},
    ]
}
YAML = """
rules:
  - name: large
    tier: high
    when:
      - {arr: EUR, at_least: 1000}
"""


async def put(health: Health, kind: str, document: Any) -> Any:
    answer = await health.api.put(f"/v1/{kind}", json=document)
    assert answer.status_code in {200, 201}, answer.text
    await health.settle()
    return answer.json()


async def account(health: Health, name: str = "acme") -> Any:
    return await health.get(f"/accounts/{name}")


async def test_a_tier_follows_from_the_record_and_a_stated_one_beats_it(health: Health) -> None:
    await put(health, "tier-rules", TIERS)
    await health.receives(fact("acme", at="2026-02-20T10:00Z", partnership="strategic"))
    shown = await account(health)
    assert (shown["tier"], shown["record"]["tier_by"]["rule"]) == ("medium", "partners")

    await health.receives(value("acme", at="2026-03-01T08:00Z", arr=[(Decimal("1200.00"), "EUR")]))
    shown = await account(health)
    assert shown["tier"] == "high"
    assert shown["record"]["tier_by"] == {
        "how": "rule",
        "rule": "large",
        "version": 1,
        "reason": "a large contract – arr.EUR is 1200",
        "person": None,
    }
    assert [each["account_id"] for each in (await health.get("/accounts", tier="high"))["data"]] == ["acme"]
    assert [said.tier for said in await health.said(AccountChanged)] == ["medium", "high"]

    await health.receives(fact("acme", at="2026-03-01T08:30Z", tier="low"))
    shown = await account(health)
    assert (shown["tier"], shown["record"]["tier_by"]["how"]) == ("low", "hand")
    await health.receives(fact("acme", at="2026-03-01T08:40Z", tier=None))
    assert (await account(health))["tier"] == "high"


async def test_other_rules_make_other_tiers_of_everybody_in_the_background(health: Health) -> None:
    for number in range(4):
        await health.receives(value(f"a{number}", at="2026-02-20T10:00Z", arr=[(Decimal(500 * number), "EUR")]))
    preview = (await health.api.post("/v1/tier-rules/preview", json={"document": TIERS})).json()
    assert preview["moves"] == [
        {"before": None, "after": None, "accounts": 2},
        {"before": None, "after": "high", "accounts": 2},
    ]
    assert (await account(health, "a3"))["tier"] is None

    await put(health, "tier-rules", TIERS)

    groups = (await health.get("/portfolio/summary", by="tier"))["groups"]
    assert {group["value"]: group["accounts"] for group in groups} == {"high": 2, None: 2}
    assert [said.tier for said in await health.said(AccountChanged, account="a3")] == [None, "high"]


async def test_a_card_is_selected_by_the_tier_that_was_derived_on_its_day(health: Health) -> None:
    await put(health, "tier-rules", TIERS)
    version = (await health.get("/scorecards/api-consumption"))["version"]
    answer = await health.api.post(
        "/v1/scorecards/api-consumption/activate",
        json={"version": version, "when": [{"attribute": "tier", "in": ["high"]}], "priority": 5},
    )
    assert answer.status_code == 200, answer.text
    await health.lives_through(*daily("acme", "2026-03-02", "2026-03-03"))
    await health.until("2026-03-04T08:00Z")
    await health.receives(value("acme", at="2026-03-04T08:00Z", arr=[(Decimal(2000), "EUR")]))
    await health.until("2026-03-06T08:00Z")
    closes = [close["scorecard"]["id"] for close in await health.history("acme")]
    assert closes == ["default", "default", "api-consumption", "api-consumption"]
    assert (await health.health("acme"))["scorecard"]["because"] == "tier is high"

    await health.receives(usage("acme", at="2026-03-02T07:00Z"))  # and made again
    await health.settle()

    assert [close["scorecard"]["id"] for close in await health.history("acme")] == closes


async def test_the_service_of_a_tier_is_shown_with_why_and_measured_against(health: Health) -> None:
    touch = TouchpointFact("acme", "t1", instant("2026-02-14T09:00Z"), "meeting")
    opened = instant("2026-02-20T10:00Z")
    ticket = TicketFact(
        "acme", "k1", opened, opened_at=opened, priority="urgent", first_response_at=opened + timedelta(hours=3)
    )
    await health.receives(stated(touch), stated(ticket))
    assert (await health.metrics("acme"))["touch_cadence_share"] is None

    await health.receives(fact("acme", at="2026-03-01T08:00Z", tier="high"))

    service = (await account(health))["record"]["service"]
    assert (service["policy"], service["by"]["how"], service["by"]["reason"]) == ("high touch", "rule", "tier is high")
    hours = {"urgent": 1, "high": 4, "normal": 8, "low": 24}
    assert service["promises"]["response_within_hours"] == hours
    assert (await health.said(AccountChanged))[-1].promises == ServicePromises(30, hours)
    metrics = await health.metrics("acme")
    assert (metrics["touch_cadence_share"], metrics["answered_in_time_share_90d"]) == (0.5, 0)
    assert (await health.metrics("acme", "2026-02-28"))["touch_cadence_share"] is None  # it was of no tier then

    await health.receives(fact("acme", at="2026-03-01T08:10Z", service_policy=ServicePolicy(name="medium touch")))
    service = (await account(health))["record"]["service"]
    assert (service["policy"], service["by"]["how"]) == ("medium touch", "hand")
    assert (await health.metrics("acme"))["answered_in_time_share_90d"] == 1  # 4 hours for urgent ones

    policies = {"policies": [{"name": "all", "touch_every_days": 5, "budget": {"amount": "10.00", "currency": "EUR"}}]}
    preview = (await health.api.post("/v1/service-policies/preview", json={"document": policies})).json()
    assert preview["moves"] == [{"before": "medium touch", "after": "all", "accounts": 1}]
    await put(health, "service-policies", policies)
    assert (await health.said(AccountChanged))[-1].promises == ServicePromises(5)
    assert (await health.metrics("acme"))["touch_cadence_share"] == 3
    assert (await account(health))["record"]["service"]["promises"] == {
        "touch_every_days": 5,
        "budget": {"amount": "10.00", "currency": "EUR", "per": "quarter"},
    }


@pytest.mark.parametrize("kind", ["stage-rules", "tier-rules", "service-policies"])
async def test_a_document_has_versions_from_the_one_that_comes_along(health: Health, kind: str) -> None:
    shipped = await health.api.get(f"/v1/{kind}")
    assert (shipped.status_code, shipped.headers["ETag"], shipped.json()["version"]) == (200, '"0"', 0)
    document = shipped.json()["document"]
    schema = (await health.api.get(f"/v1/schemas/{kind}")).json()
    assert schema["$id"] == f"urn:mainstay:schema:{kind}"

    changed = {**document, "about": "ours"}
    first = await health.api.put(f"/v1/{kind}", json=changed, headers={"If-Match": '"0"'})
    assert (first.status_code, first.json()["version"], first.headers["ETag"]) == (201, 1, '"1"')
    again = await health.api.put(f"/v1/{kind}", json=changed)
    assert (again.status_code, again.json()["version"]) == (200, 1)
    late = await health.api.put(f"/v1/{kind}", json=document, headers={"If-Match": '"0"'})
    assert (late.status_code, late.json()["code"]) == (412, "rules-moved-on")

    versions = await health.get(f"/{kind}/versions")
    assert [each["version"] for each in versions["data"]] == [1, 0]
    (difference,) = versions["data"][0]["changes"]
    assert (difference["path"], difference["after"]) == ("/about", "ours")
    page = await health.get(f"/{kind}/versions", limit=1)
    rest = await health.get(f"/{kind}/versions", limit=1, cursor=page["next_cursor"])
    assert ([each["version"] for each in rest["data"]], rest["next_cursor"]) == ([0], None)
    assert (await health.get(f"/{kind}", version=0))["document"] == document
    assert (await health.api.get(f"/v1/{kind}?version=2")).status_code == 404


async def test_a_document_may_come_as_yaml_and_what_is_wrong_is_told_with_its_place(health: Health) -> None:
    answer = await health.api.put("/v1/tier-rules", content=YAML, headers={"Content-Type": "application/yaml"})
    assert answer.status_code == 201, answer.text
    wrong = {"rules": [{"name": "a", "tier": "x", "when": [{"arr": "EUR"}]}, {"name": "b"}]}
    for refused, at in (
        (await health.api.put("/v1/tier-rules", json=wrong), ""),
        (await health.api.post("/v1/tier-rules/preview", json={"document": wrong}), "/document"),
    ):
        assert (refused.status_code, refused.json()["code"]) == (422, "rules-invalid")
        assert [each["pointer"] for each in refused.json()["errors"]] == [
            f"{at}/rules/0/when/0",
            f"{at}/rules/1/tier",
        ]
    assert (
        await health.api.put("/v1/tier-rules", content=b"a: [", headers={"Content-Type": "text/yaml"})
    ).status_code == 400
    assert (await health.api.put("/v1/other-rules", json={})).status_code == 404


async def test_of_two_who_replace_the_same_version_one_is_refused(health: Health) -> None:
    answers = await asyncio.gather(
        *(
            health.api.put("/v1/tier-rules", json={"rules": [], "about": about}, headers={"If-Match": '"0"'})
            for about in ("one", "two")
        )
    )
    assert sorted(answer.status_code for answer in answers) == [201, 412]


async def test_a_preview_of_many_accounts_goes_on_behind(health: Health) -> None:
    async with health.database.engine.begin() as connection:
        await connection.execute(
            text(
                "INSERT INTO health_score.account (account_id, created_at, sequence)"
                " SELECT 'a' || lpad(n::text, 5, '0'), now(), 1 FROM generate_series(1, 1100) AS n"
            )
        )
    document = {"rules": [{"name": "everybody", "tier": "low"}]}
    answer = await health.api.post("/v1/tier-rules/preview", json={"document": document})
    assert (answer.status_code, answer.json()["moves"]) == (202, None)
    at = answer.headers["Location"].removeprefix("/v1")

    await health.settle()

    assert (await health.get(at))["moves"] == [{"before": None, "after": "low", "accounts": 1100}]
    cursor: dict[str, str] = {}
    names: list[str] = []
    while True:
        page = await health.get(f"{at}/changes", limit=500, **cursor)
        names += [each["account_id"] for each in page["data"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert names == [f"a{number:05}" for number in range(1, 1101)]
    assert (await health.api.delete(answer.headers["Location"])).status_code == 204
    assert (await health.api.get("/v1/previews/" + at.rsplit("/", 1)[1])).status_code == 404  # another kind
