"""The stages of accounts' lives through the API: by hand and by rules, with events, history, and what is overdue."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from mainstay.contracts.common import MoneyData
from mainstay.contracts.facts import ContractFact, ContractTerm
from mainstay.contracts.health_score import AccountChanged, RuleRef, StageChanged, StageOverdue
from mainstay.contracts.renewals import AccountValueChanged
from tests.integration.health_score.health import Health, daily, fact, instant, stated, usage, value

RULES: dict[str, Any] = {
    "target_dwell_days": {"onboarding": 30, "growth": 100},
    "transitions": [
        {
            "name": "activated",
            "from": ["onboarding"],
            "to": "growth",
            "when": [{"metric": "activation", "at_least": 0.5}],
            "reason": "half of the seats are in use",
        },
        {"name": "loses-users", "from": ["growth"], "to": "nurture", "when": [{"metric": "activation", "above": 0.9}]},
    ],
}


async def put(health: Health, document: Any, kind: str = "stage-rules", **headers: str) -> Any:
    answer = await health.api.put(f"/v1/{kind}", json=document, headers=headers)
    assert answer.status_code in {200, 201}, answer.text
    return answer.json()


async def life(health: Health, account: str = "acme") -> Any:
    return await health.get(f"/accounts/{account}/lifecycle")


async def test_a_stage_by_hand_is_told_once_and_kept_with_who_and_when(health: Health) -> None:
    await health.receives(fact("acme", at="2026-02-20T10:00Z", id="f1", stage="onboarding", by="kim"))
    await health.receives(fact("acme", at="2026-02-21T10:00Z", stage="onboarding", name="Acme"))

    (said,) = await health.said(StageChanged)
    assert (said.stage, said.previous_stage, said.how, said.person) == ("onboarding", None, "hand", "kim")
    assert (said.entered_at, said.caused_by) == (instant("2026-02-20T10:00Z"), ("f1",))
    shown = await life(health)
    assert (shown["stage"], shown["overdue"], shown["before"]) == ("onboarding", False, [])
    now = shown["now"]
    assert (now["entered_on"], now["dwell_days"], now["target_dwell_days"]) == ("2026-02-20", 9, 90)
    assert now["by"] == {"how": "hand", "rule": None, "version": None, "reason": None, "person": "kim"}
    account = await health.get("/accounts/acme")
    assert (account["stage"], account["stage_entered_on"], account["stage_overdue"]) == (
        "onboarding",
        "2026-02-20",
        False,
    )


async def test_a_rule_moves_an_account_as_soon_as_the_event_comes_that_makes_it_so(health: Health) -> None:
    saved = await put(health, RULES)
    assert (saved["version"], saved["saved_by"], saved["document"]) == (1, "tests", RULES)
    await health.receives(value("acme", at="2026-02-20T10:00Z", seats=4))
    await health.receives(fact("acme", at="2026-02-20T10:00Z", stage="onboarding", name="Acme"))
    await health.receives(usage("acme", at="2026-03-01T08:00Z", user="ann"))
    assert (await life(health))["stage"] == "onboarding"

    await health.receives(usage("acme", at="2026-03-01T08:30Z", user="bob"))

    said = (await health.said(StageChanged))[-1]
    assert (said.stage, said.previous_stage, said.how, said.rule) == (
        "growth",
        "onboarding",
        "rule",
        RuleRef("activated", 1),
    )
    assert said.reason == "half of the seats are in use – activation is 0.5"
    assert (await health.said(AccountChanged))[-1].stage == "growth"
    shown = await life(health)
    assert (shown["stage"], shown["now"]["values"]) == ("growth", {"activation": 0.5})
    assert shown["now"]["by"]["rule"] == "activated"
    (before,) = shown["before"]
    assert (before["stage"], before["dwell_days"], before["left_at"]) == (
        "onboarding",
        9,
        "2026-03-01T09:00:00Z",
    )
    assert shown["first_value"] == {
        "began_on": "2026-02-20",
        "days_to_first_use": 9,
        "days_to_activation": 9,
        "activation": 0.5,
    }
    (moved,) = [row for row in (await health.get("/accounts/acme/timeline"))["data"] if row["kind"] == "stage.moved"]
    assert (moved["by"], moved["data"]["stage"], moved["data"]["version"]) == ("mainstay", "growth", 1)


async def test_people_beat_a_rule_and_a_rule_goes_on_from_their_stage_only(health: Health) -> None:
    await put(health, RULES)
    await health.receives(value("acme", at="2026-02-20T10:00Z", seats=1))
    await health.receives(fact("acme", at="2026-02-28T10:00Z", stage="onboarding"))
    await health.receives(usage("acme", at="2026-03-01T08:00Z", user="ann"))
    assert (await life(health))["stage"] == "nurture"  # both rules, one after the other

    await health.until("2026-03-01T10:00Z")
    await health.receives(fact("acme", at="2026-03-01T10:00Z", stage="onboarding"))
    assert (await life(health))["stage"] == "onboarding"  # each rule moves an account once a day
    await health.until("2026-03-02T00:01Z")
    assert (await life(health))["stage"] == "nurture"
    await health.receives(fact("acme", at="2026-03-02T00:01Z", stage="will_churn"))
    await health.until("2026-03-05T00:01Z")

    shown = await life(health)
    assert shown["stage"] == "will_churn"  # no rule leads on from there
    assert [stay["stage"] for stay in shown["before"]] == [
        "nurture",
        "growth",
        "onboarding",
        "nurture",
        "growth",
        "onboarding",
    ]
    assert len(await health.said(StageChanged)) == 7


async def test_what_people_said_before_a_move_undoes_it_when_it_becomes_known(health: Health) -> None:
    await put(health, RULES)
    await health.receives(value("acme", at="2026-02-01T10:00Z", seats=2))
    await health.receives(fact("acme", at="2026-02-01T10:00Z", stage="onboarding"))
    await health.receives(usage("acme", at="2026-03-01T08:00Z", user="ann"))
    assert (await life(health))["stage"] == "growth"

    await health.receives(fact("acme", at="2026-02-20T10:00Z", stage="will_churn"))
    await health.settle()

    assert (await life(health))["stage"] == "will_churn"
    assert (await health.said(StageChanged))[-1].stage == "will_churn"


async def test_a_stay_that_is_too_long_is_said_once_at_its_midnight(health: Health) -> None:
    await put(health, RULES)
    await health.receives(fact("acme", at="2026-03-01T08:00Z", zone="Europe/Berlin", stage="onboarding"))
    await health.until("2026-03-31T21:59Z")
    assert await health.said(StageOverdue) == []

    await health.until("2026-04-09T12:00Z")

    assert await health.said(StageOverdue) == [
        StageOverdue(
            account_id="acme",
            occurred_at=instant("2026-03-31T22:00Z"),
            stage="onboarding",
            due_on=date(2026, 3, 31),
            entered_at=instant("2026-03-01T08:00Z"),
            target_dwell_days=30,
        )
    ]
    assert [each["account_id"] for each in (await health.get("/accounts", stage_overdue="true"))["data"]] == ["acme"]
    assert (await life(health))["now"]["overdue_since"] == "2026-04-01"
    kinds = [row["kind"] for row in (await health.get("/accounts/acme/timeline"))["data"]]
    assert kinds.count("stage.overdue") == 1
    changes = [row.type for row in await health.rows("SELECT type FROM health_score.change_waiting ORDER BY change_no")]
    assert changes.count(StageOverdue.TYPE) == changes.count(StageChanged.TYPE) == 1  # the stream has them

    await health.receives(fact("acme", at="2026-04-09T12:00Z", stage="growth"))
    assert (await health.get("/accounts", stage_overdue="true"))["data"] == []


async def test_after_downtime_what_is_overdue_is_said_late(health: Health) -> None:
    await put(health, RULES)
    await health.receives(fact("acme", at="2026-03-01T08:00Z", stage="onboarding"))

    health.clock.move_to(instant("2026-04-20T07:00Z"))
    await health.handlers.due.run_due()

    (said,) = await health.said(StageOverdue)
    assert (said.occurred_at, said.is_late) == (instant("2026-04-01T00:00Z"), True)


async def test_a_planned_go_live_that_passes_is_said_once_for_each_plan(health: Health) -> None:
    planned = {"go_live_planned_on": date(2026, 3, 10), "delivery_partner": "Globex"}
    await health.receives(fact("acme", at="2026-03-01T08:00Z", **planned))
    await health.until("2026-03-15T12:00Z")
    shown = (await life(health))["go_live"]
    assert shown == {
        "planned_on": "2026-03-10",
        "on": None,
        "delivery_partner": "Globex",
        "days_late": 5,
        "overdue": True,
    }

    await health.receives(fact("acme", at="2026-03-15T12:00Z", go_live_planned_on=date(2026, 3, 20)))
    await health.until("2026-03-25T12:00Z")
    await health.receives(fact("acme", at="2026-03-25T12:00Z", go_live_on=date(2026, 3, 24)))
    await health.until("2026-03-30T12:00Z")

    said = await health.said(StageOverdue)
    assert [(each.milestone, each.due_on, each.occurred_at) for each in said] == [
        ("go_live", date(2026, 3, 10), instant("2026-03-11T00:00Z")),
        ("go_live", date(2026, 3, 20), instant("2026-03-21T00:00Z")),
    ]
    shown = await life(health)
    assert (shown["go_live"]["days_late"], shown["go_live"]["overdue"]) == (4, False)
    assert [stay["stage"] for stay in [shown["now"], *shown["before"]]] == ["growth", "onboarding"]


async def test_the_shipped_rules_follow_contract_and_renewal(health: Health) -> None:
    term = ContractTerm(date(2026, 2, 20), date(2027, 2, 19), MoneyData(Decimal(900), "EUR"))
    await health.receives(
        stated(ContractFact("acme", "c1", instant("2026-02-20T10:00Z"), "recurring", "EUR", terms=(term,)))
    )
    await health.receives(value("acme", at="2026-02-20T10:00Z", seats=2, arr=[(Decimal(900), "EUR")]))
    await health.receives(*daily("acme", "2026-03-01", "2026-03-01", users=2))
    renews = AccountValueChanged("acme", 2, instant("2026-03-01T08:00Z"), seats=2, next_renewal_on=date(2026, 5, 31))
    await health.receives(stated(renews, source="mainstay/renewals"))
    await health.until("2026-03-02T01:00Z")
    await health.until("2026-03-03T01:00Z")

    shown = await life(health)
    assert [stay["stage"] for stay in [shown["now"], *shown["before"]]] == ["renewal", "growth", "onboarding"]
    assert shown["now"]["by"]["reason"] == "the renewal is within 90 days – days_to_renewal is 90"

    renewed = AccountValueChanged("acme", 3, instant("2026-03-03T01:00Z"), seats=2, next_renewal_on=date(2027, 5, 31))
    await health.receives(stated(renewed, source="mainstay/renewals"))
    assert (await life(health))["stage"] == "nurture"


async def test_lists_and_the_portfolio_know_the_stage(health: Health) -> None:
    for number, stage in enumerate(("growth", "growth", "will_churn", "churned", None)):
        name = f"a{number}"
        await health.receives(fact(name, at=f"2026-02-2{number}T10:00Z", stage=stage, name=name, tier="gold"))
        await health.receives(value(name, at="2026-02-20T10:00Z", arr=[(Decimal(100), "EUR")]))

    async def ids(**params: Any) -> list[str]:
        return [each["account_id"] for each in (await health.get("/accounts", **params))["data"]]

    assert await ids(stage="growth") == ["a0", "a1"]
    assert await ids(stage=["churned", ""]) == ["a3", "a4"]
    assert await ids(sort="-stage_entered_on") == ["a3", "a2", "a1", "a0", "a4"]
    assert await ids(sort="stage") == ["a3", "a0", "a1", "a2", "a4"]
    assert await ids(stage_from="2026-02-22") == ["a2", "a3"]
    portfolio = await health.get("/portfolio/summary", by="tier")
    assert portfolio["accounts"] == portfolio["groups"][0]["accounts"] == 3
    assert portfolio["arr"] == [{"amount": "300", "currency": "EUR"}]
    assert portfolio["apart"] == [
        {"stage": "will_churn", "accounts": 1, "arr": [{"amount": "100", "currency": "EUR"}]},
        {"stage": "churned", "accounts": 1, "arr": [{"amount": "100", "currency": "EUR"}]},
    ]
    assert sum(band["accounts"] for band in portfolio["bands"]) == 3


async def test_new_rules_are_in_force_at_once_for_the_whole_portfolio(health: Health) -> None:
    for number in range(5):
        await health.receives(fact(f"a{number}", at="2026-02-20T10:00Z", stage="growth", segment="large"))
    rules = {
        "transitions": [
            {"name": "large", "from": ["growth"], "to": "nurture", "when": [{"attribute": "segment", "in": ["large"]}]}
        ]
    }

    preview = (await health.api.post("/v1/stage-rules/preview", json={"document": rules})).json()
    assert (preview["state"], preview["moves"]) == ("done", [{"before": "growth", "after": "nurture", "accounts": 5}])
    changes = (await health.get(f"/rules-previews/{preview['id']}/changes", limit=3))["data"]
    assert changes[0] == {
        "account_id": "a0",
        "before": "growth",
        "after": "nurture",
        "rule": "large",
        "reason": "segment is large",
    }
    assert len(await health.said(StageChanged)) == 5  # nobody moved

    await put(health, rules)
    await health.settle()

    assert {(await life(health, f"a{number}"))["stage"] for number in range(5)} == {"nurture"}
    assert len(await health.said(StageChanged)) == 10


async def test_an_unknown_account_has_no_life(health: Health) -> None:
    assert (await health.api.get("/v1/accounts/nobody/lifecycle")).status_code == 404


@pytest.mark.parametrize("days", [1, 3])
async def test_closes_made_again_have_the_stage_of_their_day(health: Health, days: int) -> None:
    """A card for one stage: what was reported live is what a rebuild reports, whatever rules did meanwhile."""
    await put(health, RULES)
    await health.receives(value("acme", at="2026-02-20T10:00Z", seats=4))
    await health.receives(fact("acme", at="2026-02-20T10:00Z", stage="onboarding"))
    card = (await health.api.get("/v1/scorecards/api-consumption")).json()["version"]
    answer = await health.api.post(
        "/v1/scorecards/api-consumption/activate",
        json={"version": card, "when": [{"attribute": "stage", "in": ["onboarding"]}], "priority": 5},
    )
    assert answer.status_code == 200, answer.text
    await health.lives_through(*daily("acme", "2026-03-02", "2026-03-03", users=1, features=1))
    await health.lives_through(*daily("acme", "2026-03-04", "2026-03-04", users=2, features=1))
    await health.until("2026-03-08T12:00Z")
    before = await health.history("acme")
    assert {close["scorecard"]["id"] for close in before} == {"api-consumption", "default"}

    await health.receives(usage("acme", at=f"2026-03-0{7 - days}T07:00Z", user="user-0", feature="feature-0"))
    await health.settle()

    after = await health.history("acme")
    assert [close["scorecard"]["id"] for close in after] == [close["scorecard"]["id"] for close in before]
