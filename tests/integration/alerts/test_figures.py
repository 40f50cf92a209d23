"""Key figures: what people did with alerts and playbooks, under whoever had the account when it began."""

from datetime import timedelta
from typing import Any

from tests.integration.alerts.test_playbooks import post, put
from tests.integration.alerts.test_worklist import PLAN
from tests.integration.alerts.world import World, fell, known, went_silent

DAY = timedelta(days=1)


async def figures(alerts: World, kpi: str, **query: Any) -> dict[tuple[str | None, ...], Any]:
    rows = (await alerts.get(f"/v1/kpis/{kpi}", period="none", **query))["data"]
    return {tuple(row["group"].values()): row["figures"] for row in rows}


async def test_alerts_are_counted_by_rule_and_by_the_owner_of_their_day(alerts: World) -> None:
    now = alerts.clock.now()
    await alerts.hears(known(now - DAY), fell("green", "red", now), went_silent(now))
    await alerts.hears(known(now, account="globex", owner=None), fell("green", "red", now, account="globex"))
    of_acme = {alert["rule"]: alert["id"] for alert in await alerts.alerts(account_id="acme")}
    alerts.clock.advance(timedelta(minutes=30))
    await post(alerts, f"/v1/alerts/{of_acme['band-worsened']}/acknowledge")
    await post(alerts, f"/v1/alerts/{of_acme['band-worsened']}/feedback", feedback="true")
    await post(alerts, f"/v1/alerts/{of_acme['silent']}/feedback", feedback="false")
    alerts.clock.advance(DAY)
    await alerts.hears(known(alerts.clock.now(), owner="bob", sequence=2), fell("red", "green", alerts.clock.now()))

    by_rule = await figures(alerts, "alerts", by="rule")
    by_owner = await figures(alerts, "alerts", by="owner")

    band, silent = by_rule[("band-worsened",)], by_rule[("silent",)]
    assert {name: band[name] for name in ("opened", "actioned", "ignored", "untouched", "judged")} == {
        "opened": 2,
        "actioned": 1,
        "ignored": 0,
        "untouched": 1,
        "judged": 1,
    }
    assert (band["precision"], band["median_minutes_to_acknowledge"]) == (1.0, 30.0)
    assert (silent["precision"], silent["false"]) == (0.0, 1)
    assert {group: found["opened"] for group, found in by_owner.items()} == {("ann@example.com",): 2, (None,): 1}
    assert (await figures(alerts, "alerts", rule="none")) == {}


async def test_playbooks_are_counted_by_how_they_ended(alerts: World) -> None:
    await put(alerts, PLAN)
    now = alerts.clock.now()
    for number, outcome in enumerate(("won", "lost", "open")):
        await alerts.hears(known(now, account=f"a{number}"))
        run = await post(alerts, "/v1/playbooks/plan/runs", 201, account_id=f"a{number}")
        if outcome != "open":
            await post(alerts, f"/v1/playbook-runs/{run['id']}/end", outcome=outcome, reason="price")

    found = (await figures(alerts, "playbooks", by="playbook,owner"))[("plan", "ann@example.com")]

    assert {name: found[name] for name in ("runs", "open", "won", "lost", "won_share", "median_days", "tasks")} == {
        "runs": 3,
        "open": 1,
        "won": 1,
        "lost": 1,
        "won_share": 0.5,
        "median_days": 0.0,
        "tasks": 3,
    }


async def test_figures_come_as_csv_and_in_pages_too(alerts: World) -> None:
    now = alerts.clock.now()
    await alerts.hears(known(now, owner="=SUM(A1)"), fell("green", "red", now), went_silent(now))

    async with alerts.api() as api:
        table = await api.get("/v1/kpis/alerts?by=rule,owner&period=none", headers={"accept": "text/csv"})
        first = await api.get("/v1/kpis/alerts?by=rule&period=none&limit=1")
        cursor = first.json()["next_cursor"]
        second = await api.get("/v1/kpis/alerts", params={"by": "rule", "period": "none", "cursor": cursor})
        other = await api.get("/v1/kpis/alerts", params={"by": "owner", "period": "none", "cursor": cursor})
        backwards = await api.get("/v1/kpis/alerts?from=2026-03-02&to=2026-03-01")

    header, *lines = table.text.splitlines()
    assert header.startswith("first_day,last_day,rule,owner,opened,actioned,ignored")
    assert [line.split(",")[2:5] for line in lines] == [
        ["band-worsened", "'=SUM(A1)", "1"],
        ["silent", "'=SUM(A1)", "1"],
    ]
    assert [row["group"]["rule"] for row in (*first.json()["data"], *second.json()["data"])] == [
        "band-worsened",
        "silent",
    ]
    assert (other.status_code, backwards.status_code) == (400, 422)
