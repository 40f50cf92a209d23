"""The success plan: what the customer wants to reach, kept as facts, with progress by Mainstay's own figures."""

from typing import Any

from mainstay.contracts.facts import ObjectiveFact
from tests.integration.health_score.health import Health, daily, fact, instant, stated, usage, value

PLAN: dict[str, Any] = {
    "objectives": [
        {
            "words": "Everybody reports with it",
            "metric": "active_users_28d",
            "baseline": 1,
            "target": 5,
            "due_on": "2026-06-30",
        },
        {"words": "No more spreadsheets", "state": "draft"},
    ]
}


async def put(health: Health, plan: Any, **headers: str) -> Any:
    return await health.api.put("/v1/accounts/acme/success-plan", json=plan, headers=headers)


async def plan_of(health: Health) -> Any:
    return await health.get("/accounts/acme/success-plan")


async def test_a_plan_is_kept_and_its_progress_computed(health: Health) -> None:
    await health.receives(*daily("acme", "2026-03-01", "2026-03-01", users=3))

    answer = await put(health, PLAN)

    assert answer.status_code == 200, answer.text
    kept = answer.json()
    assert (kept["state"], answer.headers["ETag"]) == ("active", f'"{kept["version"]}"')
    first, second = kept["objectives"]
    assert (first["words"], first["state"], first["due_on"]) == ("Everybody reports with it", "active", "2026-06-30")
    assert (first["value"], first["progress"], first["reached"]) == (3, 0.5, False)
    assert (second["state"], second["progress"], second["reached"]) == ("draft", None, None)
    assert first["stated_by"] == "tests"
    read = await health.api.get("/v1/accounts/acme/success-plan")
    assert (read.json(), read.headers["ETag"]) == (kept, answer.headers["ETag"])
    metrics = await health.metrics("acme")
    assert (metrics["success_plan"], metrics["objectives_active"]) == (2, 1)
    kinds = [row["kind"] for row in (await health.get("/accounts/acme/timeline"))["data"]]
    assert kinds.count("objective") == 2

    await health.receives(*[usage("acme", at="2026-03-01T13:00Z", user=f"u{n}") for n in range(2)])
    (first, _) = (await plan_of(health))["objectives"]
    assert (first["value"], first["progress"], first["reached"]) == (5, 1, True)


async def test_another_plan_keeps_ids_and_drops_what_is_left_out(health: Health) -> None:
    await health.receives(fact("acme", at="2026-02-20T10:00Z", name="Acme"))
    kept = (await put(health, PLAN)).json()
    first, second = (each["objective_id"] for each in kept["objectives"])

    same = [{**PLAN["objectives"][0], "objective_id": first}, {**PLAN["objectives"][1], "objective_id": second}]
    again = (await put(health, {"objectives": same}, **{"If-Match": f'"{kept["version"]}"'})).json()
    assert again == kept  # nothing was said again

    changed = {**same[0], "state": "achieved", "achieved_on": "2026-03-01", "confirmed_by": "Ann of Acme"}
    answer = await put(health, {"objectives": [changed, {"words": "A new one"}], "by": "kim"})
    (one, new) = answer.json()["objectives"]
    assert (one["objective_id"], one["state"], one["confirmed_by"]) == (first, "achieved", "Ann of Acme")
    assert (one["achieved_on"], one["stated_by"]) == ("2026-03-01", "kim")
    assert new["objective_id"] not in {first, second}
    assert (await health.metrics("acme"))["objectives_achieved_share"] == 0.5

    late = await put(health, PLAN, **{"If-Match": f'"{kept["version"]}"'})
    assert (late.status_code, late.json()["code"]) == (412, "success-plan-moved-on")
    emptied = (await put(health, {"objectives": []})).json()
    assert (emptied["state"], emptied["objectives"]) == ("none", [])
    assert (await health.metrics("acme"))["success_plan"] == 0


async def test_objectives_that_others_state_are_of_the_plan_too(health: Health) -> None:
    objective = ObjectiveFact(
        "acme",
        "o1",
        instant("2026-02-20T10:00Z"),
        words="Fewer calls",
        metric="calls_a_week",
        baseline=40.0,
        target=10.0,
        achieved=25.0,
        due_on=instant("2026-02-28T00:00Z").date(),
    )
    await health.receives(stated(objective))

    (shown,) = (await plan_of(health))["objectives"]

    assert (shown["objective_id"], shown["overdue"], shown["stated_at"]) == ("o1", True, "2026-02-20T10:00:00Z")
    assert (shown["value"], shown["progress"], shown["reached"]) == (25, 0.5, False)  # a figure that only they know


async def test_a_plan_scores_at_once_by_prove(health: Health) -> None:
    await health.receives(value("acme", at="2026-02-20T10:00Z", seats=5))
    await health.receives(*daily("acme", "2026-03-01", "2026-03-01"))
    answer = await health.api.post("/v1/scorecards/prove/activate", json={})
    assert answer.status_code == 200, answer.text
    await health.settle()

    def plan(shown: Any) -> Any:
        return next(measure for measure in shown["measures"] if measure["metric"] == "success_plan")

    before = plan(await health.health("acme"))["value"]
    assert (await put(health, PLAN)).status_code == 200
    assert (before, plan(await health.health("acme"))["value"]) == (0, 2)


async def test_what_is_wrong_with_a_plan_is_told_with_its_place(health: Health) -> None:
    assert (await put(health, PLAN)).status_code == 404
    await health.receives(fact("acme", at="2026-02-20T10:00Z", name="Acme"))
    wrong = {
        "objectives": [
            {"words": "a", "metric": "active_user_28d", "target": 4, "objective_id": "x"},
            {"words": "b", "metric": "nps_90d", "objective_id": "x"},
        ]
    }
    answer = await put(health, wrong)
    assert (answer.status_code, answer.json()["code"]) == (422, "success-plan-invalid")
    assert [each["pointer"] for each in answer.json()["errors"]] == [
        "/objectives/0/metric",
        "/objectives/1/target",
        "/objectives/1/objective_id",
    ]
    assert "active_users_28d" in answer.json()["errors"][0]["detail"]
    assert (await put(health, {"objectives": [{"state": "done"}]})).status_code == 422
    assert (await plan_of(health))["objectives"] == []
