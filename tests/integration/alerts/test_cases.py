"""Risk cases: opened with a reason, given a plan, saved or lost, with every change on record."""

from typing import Any

from tests.integration.alerts.test_delivering import opened
from tests.integration.alerts.world import World, known


async def case(alerts: World, method: str, path: str, status: int, **body: Any) -> Any:
    async with alerts.api() as api:
        answer = await api.request(method, f"/v1/cases{path}", json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


async def test_a_case_goes_from_at_risk_to_recovered_with_its_history(alerts: World) -> None:
    await opened(alerts)
    await alerts.hears(known(alerts.clock.now(), sequence=9))
    [alert] = await alerts.alerts()

    new = await case(alerts, "POST", "", 201, account_id="acme", reason="price", alert_ids=[alert["id"]])
    path = f"/{new['id']}"
    again = await case(alerts, "POST", "", 409, account_id="acme", reason="other")
    unplanned = await case(alerts, "PATCH", path, 422, state="saving")
    await case(alerts, "PATCH", path, 200, state="plan-in-place", plan="a smaller plan for a year", comment="agreed")
    await case(alerts, "PATCH", path, 200, state="saving", owner="bob")
    await case(alerts, "PATCH", path, 200, state="saving")
    over = await case(alerts, "PATCH", path, 200, state="recovered", outcome="renewed for a year")
    late = await case(alerts, "PATCH", path, 409, state="lost")
    await case(alerts, "PATCH", path, 200, comment="they thanked us")
    second = await case(alerts, "POST", "", 201, account_id="acme", reason="other", plan="look again")

    assert (new["state"], new["owner"], new["arr_at_risk"]) == (
        "at-risk",
        "ann@example.com",
        [{"amount": "12000", "currency": "EUR"}],
    )
    assert (again["code"], late["code"], unplanned["errors"][0]["pointer"]) == ("case-open", "case-closed", "/plan")
    assert (over["closed_by"], second["state"]) == ("the tests", "plan-in-place")
    history = (await alerts.get(f"/v1/cases{path}"))["steps"]
    assert [sorted(step["changes"]) for step in history] == [
        ["state"],
        ["plan", "state"],
        ["owner", "state"],
        ["outcome", "state"],
        [],
    ]
    assert history[1]["changes"]["state"] == ["at-risk", "plan-in-place"]
    listed = (await alerts.get("/v1/cases", state="recovered"))["data"]
    assert [one["id"] for one in listed] == [new["id"]]


async def test_what_a_case_refers_to_is_the_accounts(alerts: World) -> None:
    await opened(alerts, "globex")
    await alerts.hears(known(alerts.clock.now()))
    [alert] = await alerts.alerts()

    await case(alerts, "POST", "", 404, account_id="nobody", reason="price")
    await case(alerts, "POST", "", 404, account_id="acme", reason="price", alert_ids=[alert["id"]])
    await case(alerts, "POST", "", 404, account_id="acme", reason="price", run_id="none")
    refused = await case(alerts, "POST", "", 422, account_id="acme", reason="prize")

    assert refused["errors"][0]["pointer"] == "/reason"
