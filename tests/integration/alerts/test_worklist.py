"""The worklist over HTTP: everything that is to be done, whose it is now, and why it stands where it does."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from alerts.application.worklist import Asked
from alerts.domain.worklist import Kind, Weights
from alerts.store.worklist import StoredWorklist
from mainstay.contracts.envelope import Event
from mainstay.contracts.facts import NextStep, SurveyResponseFact, TouchpointFact
from tests.integration.alerts.test_cases import case
from tests.integration.alerts.test_people import save
from tests.integration.alerts.test_playbooks import post, put
from tests.integration.alerts.world import World, fell, known
from tests.load.alerts.working import fill

DAY = timedelta(days=1)
PLAN: dict[str, Any] = {
    "id": "plan",
    "name": "Plan",
    "category": "risk",
    "steps": [{"key": "call", "title": "Call them", "role": "csm", "due": {"days": 1}}],
}


async def work(alerts: World, **query: Any) -> list[Any]:
    rows: list[Any] = (await alerts.get("/v1/worklist", **query))["data"]
    return rows


def touched(alerts: World, *, days_ago: int, next_in: int, account: str = "acme") -> Event[Any]:
    now = alerts.clock.now()
    step = NextStep("send the numbers", (now + next_in * DAY).date())
    fact = TouchpointFact(account, "t1", now - days_ago * DAY, "visit", result="held", next_step=step)
    return Event(f"touch {account} {days_ago}", "crm", now, fact)


async def everything(alerts: World) -> None:
    now = alerts.clock.now()
    await alerts.hears(
        known(now),
        known(now, account="globex", owner="bob"),
        fell("green", "red", now),
        touched(alerts, days_ago=88, next_in=3),
    )
    await put(alerts, PLAN)
    await post(alerts, "/v1/playbooks/plan/runs", 201, account_id="globex")
    await case(alerts, "POST", "", 201, account_id="acme", reason="price")


async def test_it_holds_all_there_is_to_do_and_says_what_a_priority_is_made_of(alerts: World) -> None:
    await everything(alerts)

    rows = await work(alerts)

    assert [(row["kind"], row["account"]["id"]) for row in rows] == [
        ("alert", "acme"),
        ("case", "acme"),
        ("touch-owed", "acme"),
        ("next-step", "acme"),
        ("task", "globex"),
    ]
    for row in rows:
        values = {part["name"]: part["value"] for part in row["parts"]}
        assert set(values) == {"itself", "alerts", "band", "trend", "renewal", "arr", "tier"}
        assert row["priority"] == round(row["urgency"] * row["value"], 1)
    assert {action["name"] for action in rows[0]["actions"]} >= {"acknowledge", "snooze", "feedback"}
    assert [row["kind"] for row in await work(alerts, owner="bob")] == ["task"]


async def test_pages_go_on_where_the_one_before_ended(alerts: World) -> None:
    await everything(alerts)
    found, cursor = [], None
    while True:
        page = await alerts.get("/v1/worklist", limit=2, **({"cursor": cursor} if cursor else {}))
        found += [row["id"] + row["kind"] for row in page["data"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break

    assert found == [row["id"] + row["kind"] for row in await work(alerts)]
    assert len(found) == 5


async def test_what_is_done_put_off_or_given_away_leaves_the_list(alerts: World) -> None:
    await everything(alerts)
    rows = {row["kind"]: row for row in await work(alerts)}
    later = (alerts.clock.now() + DAY).isoformat()

    await post(alerts, f"/v1/tasks/{rows['task']['id']}/done")
    await post(alerts, f"/v1/alerts/{rows['alert']['id']}/assign", to="bob")
    given = [row["kind"] for row in await work(alerts, owner="bob")]
    await post(alerts, f"/v1/alerts/{rows['alert']['id']}/snooze", until=later)
    await case(alerts, "PATCH", f"/{rows['case']['id']}", 200, state="recovered")
    await alerts.hears(touched(alerts, days_ago=0, next_in=60))

    assert given == ["alert"]
    assert await work(alerts) == []
    alerts.clock.advance(2 * DAY)
    assert [row["kind"] for row in await work(alerts)] == ["alert"]


async def test_a_colleagues_leave_is_covered_by_whoever_stands_in(alerts: World) -> None:
    today = alerts.clock.now().date()
    leave = {"first": str(today - DAY), "last": str(today + 3 * DAY), "deputy": "bob"}
    await save(alerts, "bob")
    await save(alerts, "ann@example.com", leaves=[leave])
    await everything(alerts)

    assert len(await work(alerts, owner="bob")) == 5
    assert await work(alerts, owner="ann@example.com") == []
    alerts.clock.advance(4 * DAY)
    assert {row["account"]["id"] for row in await work(alerts, owner="ann@example.com")} == {"acme"}


@pytest.mark.parametrize("kinds", [(), ("task", "touch-owed"), ("case",)])
async def test_everybodys_list_is_the_lists_of_all_accounts_in_one_order(
    alerts: World, monkeypatch: pytest.MonkeyPatch, kinds: tuple[str, ...]
) -> None:
    monkeypatch.setattr("alerts.application.worklist.RANKED_AT_ONCE", 7)
    monkeypatch.setattr("alerts.application.worklist.ACCOUNTS_AT_FIRST", 2)
    accounts = 60
    await fill(alerts.database, accounts, seed=0.1 * len(kinds))
    query: dict[str, Any] = {"kind": list(kinds)} if kinds else {}
    expected = [
        row for number in range(accounts) for row in await work(alerts, limit=500, account_id=f"account-{number + 1}")
    ]
    if kinds:
        expected = [row for row in expected if row["kind"] in kinds]
    expected.sort(key=lambda row: (-row["priority"], f"{row['account']['id']}\n{row['kind']}\n{row['id']}"))

    found: list[Any] = []
    cursor: dict[str, str] = {}
    while True:
        page = await alerts.get("/v1/worklist", limit=9, **query, **cursor)
        found += page["data"]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}

    assert len(expected) > 5
    assert [row["id"] for row in found] == [row["id"] for row in expected]
    assert found == expected


async def test_no_priority_at_an_account_exceeds_what_it_is_ranked_by(alerts: World) -> None:
    await fill(alerts.database, 300)
    reading, weights = StoredWorklist(alerts.database), Weights(alerts.settings.weights_of_tiers, {"JPY": 0.006})
    world = replace(alerts, settings=alerts.settings.model_copy(update={"rates": {"JPY": 0.006}})).another()

    ranking = await reading.ranked(alerts.clock.now(), weights, list(Kind), cadence_days=90, most=1_000)
    rows = await world.application.handlers.worklist.page(Asked(100_000))

    bounds = {each.account_id: each.bound for each in ranking.first}
    assert all(row.priority <= bounds[row.account.id] for row in rows)
    # and not far above, else too many accounts are worked out for a page
    best = {row.account.id: row.priority for row in reversed(rows)}
    assert sum(bounds[each] - best[each] < 10 for each in best) > 0.75 * len(best)


async def test_health_by_which_work_is_ranked_goes_by_the_order_of_facts(alerts: World) -> None:
    now = alerts.clock.now()
    await alerts.hears(fell("green", "red", now), fell("green", "yellow", now - DAY))

    [row] = await alerts.rows("SELECT band, score FROM alerts.account_health")

    assert (row.band, row.score) == ("red", 41)


async def test_risks_of_an_account_whose_churn_is_accepted_are_no_work(alerts: World) -> None:
    now = alerts.clock.now()
    promoter = SurveyResponseFact("acme", "s1", now, "nps", 10)
    await alerts.hears(known(now), fell("green", "red", now), Event("nps", "crm", now, promoter))
    await case(alerts, "POST", "", 201, account_id="acme", reason="price")
    assert [row["kind"] for row in await work(alerts)] == ["alert", "case", "alert"]

    await alerts.hears(known(now, stage="will_churn", sequence=2))

    rows = await work(alerts)
    assert [row["kind"] for row in rows] == ["case", "alert"]
    assert "NPS 10" in rows[1]["title"]
    reasons = {part["name"]: part["why"] for part in rows[0]["parts"]}
    assert reasons["alerts"] == "the worst open alert is info"
    assert len(await alerts.alerts(state="open")) == 2  # it is still an alert, and counts in figures

    await alerts.hears(known(now, stage="growth", sequence=3))
    assert [row["kind"] for row in await work(alerts)] == ["alert", "case", "alert"]
