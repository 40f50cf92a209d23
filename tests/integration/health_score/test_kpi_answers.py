"""How key figures are asked for and answered: as documented, CSV as JSON, pages, ETags, and questions that are none."""

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest

from mainstay.contracts.facts import ObjectiveFact
from tests.integration.health_score.health import Health, daily, fact, instant, stated
from tests.integration.health_score.test_kpis import ALL, answered, changed_hands, support_cases, surveyed, ticket

PAGE = Path(__file__).parents[3] / "docs/kpis.md"
EVERYTHING = {"from": "2026-01-01", "to": "2026-03-31"}


async def told_everything(health: Health) -> None:
    await support_cases(health)
    await health.receives(
        answered("r1", "2026-02-05T10:00Z", 9, "ann"), answered("r2", "2026-02-05T10:00Z", 2, "bob", "csat")
    )
    await health.receives(ticket("t9", "2026-02-15T10:00Z", csat=4))
    await health.receives(stated(ObjectiveFact("acme", "o1", instant("2026-02-05T10:00Z"), state="active")))
    await health.receives(fact("=1+2", at="2026-01-01T00:00Z", owner="@kim"))
    await health.receives(*daily("acme", "2026-01-30", "2026-02-20"), *daily("=1+2", "2026-02-20", "2026-02-21"))
    await health.settle()


def flat(prefix: str, value: Any) -> dict[str, str]:
    if isinstance(value, dict):
        return {path: cell for name, each in value.items() for path, cell in flat(f"{prefix}.{name}", each).items()}
    if isinstance(value, list):
        return {
            path: cell
            for feature in value
            for path, cell in flat(f"{prefix}.{feature.pop('feature')}", feature).items()
        }
    return {prefix.removeprefix("."): "" if value is None else str(value)}


async def test_the_documented_question_has_the_documented_answer(health: Health) -> None:
    await surveyed(health)
    told = PAGE.read_text()
    asked = re.search(r"8002(/v1/kpis\S+)'", told)
    expected = re.search(r"```json\n(.*?)```", told, re.DOTALL)
    assert asked
    assert expected

    assert (await health.api.get(asked[1])).json() == json.loads(expected[1])


@pytest.mark.parametrize("kpi", ALL)
async def test_csv_says_what_json_says(health: Health, kpi: str) -> None:
    await told_everything(health)
    asked = {**EVERYTHING, "by": "owner,account"}

    told = await health.get(f"/kpis/{kpi}", **asked)
    answer = await health.api.get(f"/v1/kpis/{kpi}", params=asked, headers={"Accept": "text/csv"})

    assert answer.headers["content-type"] == "text/csv; charset=utf-8; header=present"
    written = list(csv.DictReader(io.StringIO(answer.text)))
    assert written
    expected = [
        {
            "first_day": row["first_day"],
            "last_day": row["last_day"],
            **{
                axis: f"'{value}" if value and value[0] in "=@" else value or "" for axis, value in row["group"].items()
            },
            **flat("", row["figures"]),
        }
        for row in told["data"]
    ]
    assert written == expected


@pytest.mark.parametrize("kpi", ALL)
async def test_a_month_asked_alone_says_what_it_says_among_others(health: Health, kpi: str) -> None:
    await told_everything(health)
    at_once = {"first_response_at": "2026-01-20T09:00Z", "resolved_at": "2026-02-16T08:00Z", "priority": "high"}
    await health.receives(ticket("one row", "2026-01-05T08:00Z", **at_once), ticket("old", "2025-03-05T08:00Z"))
    among = (await health.get(f"/kpis/{kpi}", **EVERYTHING))["data"]

    alone = [
        (await health.get(f"/kpis/{kpi}", **{"from": row["first_day"], "to": row["last_day"]}))["data"][0]
        for row in among
    ]

    for features in (row["figures"].get("features", ()) for row in (*among, *alone)):
        if features:
            features[:] = [feature for feature in features if feature["users"]]
    assert alone == among


@pytest.mark.parametrize("kpi", ALL)
async def test_an_empty_portfolio_has_no_groups_and_empty_periods(health: Health, kpi: str) -> None:
    assert (await health.get(f"/kpis/{kpi}", **EVERYTHING, by="owner"))["data"] == []
    table = await health.api.get(
        f"/v1/kpis/{kpi}", params={**EVERYTHING, "by": "owner"}, headers={"Accept": "text/csv"}
    )
    assert table.text.startswith("first_day,last_day,owner,")
    months = (await health.get(f"/kpis/{kpi}", **EVERYTHING))["data"]
    assert [row["first_day"] for row in months] == ["2026-01-01", "2026-02-01", "2026-03-01"]


async def test_an_answer_comes_in_pages_of_its_own(health: Health) -> None:
    await told_everything(health)
    asked = {**EVERYTHING, "by": "account,owner"}
    whole = (await health.get("/kpis/active-users", **asked))["data"]

    found: list[Any] = []
    cursor: dict[str, str] = {}
    while True:
        page = await health.get("/kpis/active-users", **asked, limit=1, **cursor)
        found += page["data"]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}

    assert found == whole
    assert len(whole) > 3
    for other, path in (({"by": "owner"}, "active-users"), ({"tier": "gold"}, "active-users"), ({}, "nps")):
        answer = await health.api.get(f"/v1/kpis/{path}", params={**asked, **other, **cursor})
        assert (answer.status_code, answer.json()["code"]) == (400, "bad-cursor"), other


async def test_whoever_has_an_answer_is_told_so(health: Health) -> None:
    await changed_hands(health)
    first = await health.api.get("/v1/kpis/nps", params=EVERYTHING)
    again = await health.api.get("/v1/kpis/nps", params=EVERYTHING, headers={"If-None-Match": first.headers["etag"]})

    assert (first.status_code, again.status_code) == (200, 304)


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"from": "2026-02-02", "to": "2026-02-01"}, "days-reversed"),
        ({"from": "2020-01-01", "to": "2026-02-01"}, "period-too-long"),
        ({"by": "mood"}, "invalid-request"),
        ({"by": "owner,,tier"}, "invalid-request"),
        ({"period": "fortnight"}, "invalid-request"),
        ({"to": "9999-12-31"}, "invalid-request"),
        ({"from": "0001-01-01", "to": "0001-01-02"}, "invalid-request"),
    ],
)
async def test_a_question_has_to_be_one(health: Health, params: dict[str, str], code: str) -> None:
    answer = await health.api.get("/v1/kpis/nps", params=params)

    assert (answer.status_code, answer.json()["code"]) == (422, code)


async def test_erased_accounts_are_in_no_figure(health: Health) -> None:
    await told_everything(health)
    async with health.database.engine.begin() as connection:
        await connection.exec_driver_sql("UPDATE health_score.account SET erased_at = now() WHERE account_id = 'acme'")

    found = await health.get("/kpis/active-users", **EVERYTHING, by="account", period="none")

    assert [row["group"]["account"] for row in found["data"]] == ["=1+2"]
